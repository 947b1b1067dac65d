"""A provider of the demo: the ordinary worker, except that it seals a wrong digest where it is told to.

Misbehaviour is tied to a job and a seat of round one, so whoever the lot puts there misbehaves. The package knows
nothing of it.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import threading
from pathlib import Path

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Keystores
from hexchange.provider.journal import Entry
from hexchange.provider.service import open_worker
from hexchange.provider.worker import Worker
from hexchange.storage.open import open_store


def wrong_digest(entry: Entry) -> bytes:
    """A digest that no run of the job gives."""
    return hashlib.sha256(b"wrong" + entry.digest).digest()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--home", "--rpc-url", "--deployment", "--store", "--account", "--password-file"):
        parser.add_argument(name, required=True)
    parser.add_argument("--wrong", action="append", default=[], metavar="JOB:SEAT")
    options = parser.parse_args()
    wrong = {tuple(map(int, text.split(":"))) for text in options.wrong}

    class DemoWorker(Worker):
        """Seals what it is told where it is told."""

        def digest_for(self, job: int, round_: int, seat: int, entry: Entry) -> bytes:
            honest = super().digest_for(job, round_, seat, entry)
            return wrong_digest(entry) if round_ == 1 and (job, seat) in wrong else honest

    home = Path(options.home)
    contracts = connect(options.rpc_url, load_deployment(Path(options.deployment)))
    password = Path(options.password_file).read_text(encoding="utf-8").strip()
    wallet = Keystores(home / "keystores").unlock(options.account, lambda: password)
    path = home / "sender" / f"{contracts.chain_id}-{wallet.address.lower()}.sqlite"
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())

    def tell(word: str, job: int, text: str) -> None:
        print(word, job or "", text, flush=True)

    store = open_store(options.store)
    with open_worker(
        home, contracts, lambda: Sender(path, wallet, contracts), store, tell, DemoWorker
    ) as worker:
        worker.run(stop)


if __name__ == "__main__":
    main()
