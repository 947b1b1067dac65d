"""`make bench`: what the engine and the market cost on this machine, beside what people would use instead."""
