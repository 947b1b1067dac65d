"""Opening a job so that it is opened once, whatever happens between the decision and the receipt.

A purchase is a small file that is written before anything is sent and closed when the job's number is known.
The same command finds an unfinished purchase of the same offer and finishes it instead of buying again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from hexchange.buyer.quote import Quote
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import JobOpened
from hexchange.chain.permits import permit_for
from hexchange.chain.sender import Receipt, Sender
from hexchange.errors import InsufficientFunds


@dataclass(frozen=True, slots=True)
class Purchase:
    """A job that was bought: its number and the receipt of the call that opened it."""

    job: int
    receipt: Receipt
    resumed: bool


def lacking(quote: Quote, contracts: Contracts, buyer: str) -> int:
    """What must come from the buyer's wallet beside its free balance. Raises InsufficientFunds if it is not there."""
    balance = contracts.balance_of(buyer)
    missing = max(0, quote.escrow - balance.free)
    if missing > balance.wallet:
        token = contracts.token
        raise InsufficientFunds(
            f"this job locks {token.format(quote.escrow)}; you have {token.format(balance.free)} free in the market "
            f"and {token.format(balance.wallet)} in the wallet",
            hint=f"get {token.format(missing - balance.wallet)} more, or choose fewer seats or a lower reward",
        )
    return missing


def open_job(quote: Quote, contracts: Contracts, sender: Sender, home: Path) -> Purchase:
    """Lock price and rewards and open the job, or finish opening it after an interruption."""
    folder = home / "buyer" / "purchases" / f"{contracts.chain_id}-{quote.offered.digest.hex()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = sorted(folder.glob("*.open"))
    path = unfinished[0] if unfinished else folder / f"{uuid4().hex}.open"
    if not unfinished:
        _write(path, {"offer": quote.offered.digest.hex()})
    offered = quote.offered.signed
    missing = lacking(quote, contracts, sender.address) if not sender.knows(_intent(path)) else 0
    permit = permit_for(sender.wallet, contracts, missing)
    call = contracts.open_job(offered.offer, offered.signature, quote.terms, permit)
    receipt = sender.send(_intent(path), call)
    job = next(event.job for event in receipt.events if isinstance(event, JobOpened))
    _write(path, {"offer": quote.offered.digest.hex(), "job": job})
    path.rename(path.with_suffix(".done"))
    return Purchase(job, receipt, resumed=bool(unfinished))


def _intent(path: Path) -> str:
    return f"open:{path.stem}"


def _write(path: Path, document: dict[str, object]) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
