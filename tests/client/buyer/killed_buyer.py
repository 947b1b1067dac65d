"""The real command, which ends itself with SIGKILL just before or after it hands its first transaction over."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from hexchange.chain.sender import Sender
from hexchange.cli.app import main


def arm(when: str) -> None:
    """Make the real effect deadly."""
    real = Sender.submit

    def submit(*arguments: Any, **options: Any) -> bytes:
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    Sender.submit = submit  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(sys.argv[1])
    main(sys.argv[2:])
