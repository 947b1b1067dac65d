"""A real provider in a process of its own, which a test may have killed at an exact point or told to seal
wrongly.

`--kill before:commit` ends it with SIGKILL just before its first commit is submitted, `after:` just after.
Other points are `run` (a circuit is evaluated) and `record` (the journal writes), and every function that
it sends. `--wrong JOB:ROUND:SEAT` makes it seal another digest than its own for that seat.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Keystores
from hexchange.evaluation import Evaluator
from hexchange.provider.journal import Entry, Journal
from hexchange.provider.service import open_worker
from hexchange.provider.worker import Worker
from hexchange.storage.open import open_store

Effect = Callable[..., Any]


def deadly(effect: Effect, point: str, name: Callable[..., str]) -> Effect:
    """`effect`, at which the process ends itself if it is the one that `point` names."""

    def act(*arguments: Any, **options: Any) -> Any:
        when, _, which = point.partition(":")
        meant = name(*arguments) == which
        if meant and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = effect(*arguments, **options)
        if meant and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return act


def arm(point: str) -> None:
    """Make the real effects deadly where `point` says so."""
    for kind, method, name in (
        (Sender, "submit", lambda _self, _intent, call: call.function),
        (Journal, "record", lambda *_: "record"),
        (Evaluator, "evaluate", lambda *_: "run"),
    ):
        setattr(kind, method, deadly(getattr(kind, method), point, name))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--home", "--rpc-url", "--deployment", "--store"):
        parser.add_argument(name, required=True)
    parser.add_argument("--kill", default="")
    parser.add_argument("--wrong", default="")
    options = parser.parse_args()
    home = Path(options.home)
    contracts = connect(options.rpc_url, load_deployment(Path(options.deployment)))
    wallet = Keystores(home / "keystores").unlock("", lambda: (home / "password").read_text())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    arm(options.kill)

    @contextmanager
    def sender() -> Iterator[Sender]:
        with Sender(home / "sender.sqlite", wallet, contracts) as opened:
            yield opened

    class Wrong(Worker):
        """Seals what its user wants in one seat."""

        def digest_for(self, job: int, round: int, seat: int, entry: Entry) -> bytes:
            return b"wrong".rjust(32) if f"{job}:{round}:{seat}" == options.wrong else entry.digest

    def tell(word: str, job: int, text: str) -> None:
        print(round(time.time(), 1), word, job, text, flush=True)

    with open_worker(home, contracts, sender, open_store(options.store), tell, Wrong) as worker:
        worker.run(stop)


if __name__ == "__main__":
    main()
