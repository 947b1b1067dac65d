"""`make demo`: the three uses of the market on real public data, on a chain and a content store of its own.

Everything runs as it would for real: owners' services, providers and a stranger are processes of their own, the
chain is a chain, the ciphertexts are ciphertexts. Windows are seconds instead of hours.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from demo import acts, report, story
from demo.stage import Stage
from hexchange.errors import HexchangeError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "demo"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--store", choices=("folder", "kubo"), default="folder")
    parser.add_argument("--keep", action="store_true", help="leave chain, backend and pages running")
    options = parser.parse_args()
    signal.signal(
        signal.SIGTERM, lambda number, _frame: sys.exit(128 + number)
    )  # so that services are stopped
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with ExitStack() as stack:
        stage = Stage.set(stack, FOLDER, options.store)
        played = acts.play(stage)
        summary = report.summarise(stage, played, time.monotonic() - began)
        report.write(stage, played, summary)
        story.tell_end(summary, FOLDER)
        if options.keep:
            stage.keep()
    failures = report.failures(summary)
    for failure in failures:
        sys.stderr.write(f"the demo did not go as it should: {failure}\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    try:
        main()
    except HexchangeError as error:
        sys.stderr.write(f"error {error.message}\n  next: {error.hint or 'see the logs in var/demo'}\n")
        sys.exit(error.exit_code)
    except RuntimeError as error:
        sys.stderr.write(f"error {error}\n  next: see the logs in {FOLDER}\n")
        sys.exit(1)
