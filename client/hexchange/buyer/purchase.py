"""Opening a job so that it is opened once, whatever happens between the decision and the receipt.

The sender remembers the call before anything leaves the machine. Until its outcome was told, the same offer leads
to the same call, so a command that was interrupted finishes its purchase when it is run again.
"""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.buyer.quote import Quote
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import NO_PERMIT, JobOpened, Permit
from hexchange.chain.outbox import MINED, SENT
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import InsufficientFunds, PermitUnsupported

PERMIT_SECONDS = 3600
"""How long a signed permit may be used (block time)."""


@dataclass(frozen=True, slots=True)
class Payment:
    """How the escrow is paid, in base units: from the free balance, and pulled from the wallet."""

    free: int
    pulled: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """A job that was bought: its number, what opening it locked, and the receipt of the call."""

    job: int
    escrow: int
    receipt: Receipt


def resume(digest: bytes, sender: Sender) -> Purchase | None:
    """Finish a purchase of the offer with this digest that was sent and never reported; None if there is none."""
    with sender.once(_intent(digest)) as intent:
        known = sender.state(intent)
        if known is None or known.state not in (SENT, MINED):
            return None
        return _purchase(sender.wait(intent))


def payment(quote: Quote, contracts: Contracts, buyer: str) -> Payment:
    """Where the escrow would come from. Raises InsufficientFunds."""
    balance, token = contracts.views.balance_of(buyer), contracts.token
    pulled = max(0, quote.escrow - balance.free)
    if pulled > balance.wallet:
        raise InsufficientFunds(
            f"this job locks {token.format(quote.escrow)}; you have {token.format(balance.free)} free in the market "
            f"and {token.format(balance.wallet)} in the wallet",
            hint=f"get {token.format(pulled - balance.wallet)} more, or choose fewer seats or a lower reward",
        )
    return Payment(quote.escrow - pulled, pulled)


def open_job(quote: Quote, contracts: Contracts, wallet: Wallet, sender: Sender) -> Purchase:
    """Lock price and rewards and open the job. Raises InsufficientFunds and what the sender raises."""
    signed = quote.offered.signed
    pulled = payment(quote, contracts, wallet.address).pulled
    with sender.once(_intent(quote.offered.digest)) as intent:
        permit = _permit(intent, pulled, contracts, wallet, sender)
        call = contracts.calls.open_job(signed.offer, signed.signature, quote.terms, permit)
        return _purchase(sender.send(intent, call, deadline=signed.offer.expiry))


def _intent(digest: bytes) -> str:
    return f"open:{digest.hex()}"


def _permit(intent: str, pulled: int, contracts: Contracts, wallet: Wallet, sender: Sender) -> Permit:
    """Leave to pull exactly what the free balance lacks; an approval where the token takes no permits."""
    if contracts.views.allowance_of(wallet.address) >= pulled:
        return NO_PERMIT
    deadline = contracts.node.tip("latest").ref.timestamp + PERMIT_SECONDS
    try:
        return sign_permit(wallet, contracts, pulled, deadline)
    except PermitUnsupported:
        sender.send(f"approve:{intent}", contracts.calls.approve(pulled))
        return NO_PERMIT


def _purchase(receipt: Receipt) -> Purchase:
    opened = next(event for event in receipt.events if isinstance(event, JobOpened))
    price = 0 if opened.buyer == opened.owner else opened.offer.price
    return Purchase(opened.job, price + opened.terms.seats * opened.terms.reward, receipt)
