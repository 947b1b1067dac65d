"""For every test: an interrupt means an interrupt, also where whoever started us had it ignored."""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
