"""The circuit language, its analysis, lowering and library (pure)."""
