"""The owner's real service in a process of its own, which a test may have killed at an exact point.

`--kill before:debit` ends it with SIGKILL just before its first debit, `after:` just after. Other points are `run`
(the own run), `keep_run`, `open_in_child` (the key process), `keep_sealed`, `publish`, and every function it sends.
"""

from __future__ import annotations

import argparse
import signal
import threading
import time
from pathlib import Path

from process import deadly

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Keystores
from hexchange.evaluation import Evaluator
from hexchange.follower import Follower
from hexchange.owner import release
from hexchange.owner.budget import Ledger
from hexchange.owner.journal import Journal
from hexchange.owner.watch import Watch
from hexchange.storage.open import open_store


def arm(point: str) -> None:
    """Make the real effects deadly where `point` says so."""
    Sender.submit = deadly(Sender.submit, point, lambda _self, _intent, call: call.function)  # type: ignore[method-assign]
    for place, name in (
        (Evaluator, "evaluate"), (Journal, "keep_run"), (Ledger, "debit"), (release, "open_in_child"),
        (Journal, "keep_sealed"), (release, "publish"),
    ):  # fmt: skip
        setattr(place, name, deadly(getattr(place, name), point, lambda *_, name=name: name))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--home", "--rpc-url", "--deployment", "--store"):
        parser.add_argument(name, required=True)
    parser.add_argument("--kill", default="")
    options = parser.parse_args()
    home = Path(options.home)
    contracts = connect(options.rpc_url, load_deployment(Path(options.deployment)))
    wallet = Keystores(home / "keystores").unlock("", lambda: (home / "password").read_text())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    arm(options.kill)

    def tell(word: str, job: int, text: str) -> None:
        print(round(time.time(), 1), word, job, text, flush=True)

    with Sender(home / "sender.sqlite", wallet, contracts) as sender:
        store = open_store(options.store)
        service = Watch(Follower(contracts), contracts, wallet, sender, store, home, tell, memory=2 << 30)
        tell("ready", 0, wallet.address)
        try:
            service.run(stop)
        finally:
            service.close()


if __name__ == "__main__":
    main()
