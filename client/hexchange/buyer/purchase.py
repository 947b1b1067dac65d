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
from hexchange.chain.events import NO_PERMIT, JobOpened, Permit
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import InsufficientFunds

PERMIT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Begun:
    """A purchase on disk that may or may not have been sent; `resumed` if an earlier command began it."""

    path: Path
    resumed: bool


@dataclass(frozen=True, slots=True)
class Purchase:
    """A job that was bought: its number and the receipt of the call that opened it."""

    job: int
    receipt: Receipt


def begin(quote: Quote, contracts: Contracts, buyer: str, home: Path) -> Begun:
    """The unfinished purchase of this offer, or a new one that can be paid. Raises InsufficientFunds."""
    folder = home / "buyer" / "purchases" / f"{contracts.chain_id}-{quote.offered.digest.hex()}"
    unfinished = sorted(folder.glob("*.open"))
    if unfinished:
        return Begun(unfinished[0], resumed=True)
    balance, token = contracts.views.balance_of(buyer), contracts.token
    missing = quote.escrow - balance.free - balance.wallet
    if missing > 0:
        raise InsufficientFunds(
            f"this job locks {token.format(quote.escrow)}; you have {token.format(balance.free)} free in the market "
            f"and {token.format(balance.wallet)} in the wallet",
            hint=f"get {token.format(missing)} more, or choose fewer seats or a lower reward",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return Begun(folder / f"{uuid4().hex}.open", resumed=False)


def open_job(begun: Begun, quote: Quote, contracts: Contracts, wallet: Wallet, sender: Sender) -> Purchase:
    """Lock price and rewards and open the job, or finish opening it. Raises what the sender raises."""
    _write(begun.path, {"offer": quote.offered.digest.hex()})
    offered = quote.offered.signed
    call = contracts.calls.open_job(
        offered.offer, offered.signature, quote.terms, _permit(quote, contracts, wallet)
    )
    receipt = sender.send(f"open:{begun.path.stem}", call)
    job = next(event.job for event in receipt.events if isinstance(event, JobOpened))
    begun.path.rename(begun.path.with_suffix(f".{job}"))
    return Purchase(job, receipt)


def _permit(quote: Quote, contracts: Contracts, wallet: Wallet) -> Permit:
    """Leave to pull exactly what the free balance lacks."""
    missing = quote.escrow - contracts.views.balance_of(wallet.address).free
    if missing <= 0:
        return NO_PERMIT
    deadline = contracts.node.tip("latest").ref.timestamp + PERMIT_SECONDS
    return sign_permit(wallet, contracts, missing, deadline)


def _write(path: Path, document: dict[str, object]) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
