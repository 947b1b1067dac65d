"""Moving a job on: the calls that anybody may send, whatever part it has in the job.

Each waits for its block and may be repeated after an interruption without being sent twice. Raises
ContractReverted where the contracts refuse, with the time from which or until which they accept.
"""

from __future__ import annotations

from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import NO_PERMIT, Permit
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import NotEnoughTokens
from hexchange.market.digests import challenge_seal
from hexchange.market.rules import Step
from hexchange.market.state import Job

PERMIT_SECONDS = 3600
"""How long a signed permit may be used (block time)."""


def draw(job: Job, contracts: Contracts, sender: Sender) -> Receipt:
    """Draw the seed of the current round, from two blocks after its start on."""
    return _send("draw", job, contracts.calls.draw(job.id), sender)


def settle(job: Job, digest: bytes, contracts: Contracts, sender: Sender) -> Receipt:
    """Name the digest of round one, once every seat has committed."""
    return _send("settle", job, contracts.calls.settle(job.id, digest), sender)


def challenge(job: Job, digest: bytes, contracts: Contracts, wallet: Wallet, sender: Sender) -> Receipt:
    """Dispute the proposed digest with another one, at the risk of a bond. Raises NotEnoughTokens."""
    seal = challenge_seal(contracts.chain_id, contracts.deployment.market, job.id, wallet.address, digest)
    permit = _permit(job, contracts, wallet)
    return _send("challenge", job, contracts.calls.challenge(job.id, seal, permit), sender)


def decide(job: Job, digest: bytes, salted: bytes, contracts: Contracts, sender: Sender) -> Receipt:
    """Name digest and second trace of a dispute, once round two has committed."""
    return _send("decide", job, contracts.calls.decide(job.id, digest, salted), sender)


def finalize(job: Job, contracts: Contracts, sender: Sender) -> Receipt:
    """Pay the seats of an unchallenged digest, once the challenge window is over."""
    return _send("finalize", job, contracts.calls.finalize(job.id), sender)


def redraw(job: Job, contracts: Contracts, sender: Sender) -> Receipt:
    """Fine the silent seats of round one and draw their places anew."""
    return _send("redraw", job, contracts.calls.redraw(job.id), sender)


def refund(job: Job, contracts: Contracts, sender: Sender) -> Receipt:
    """End a job whose deadline has passed; the owner may also decline with it."""
    return _send("refund", job, contracts.calls.refund(job.id), sender)


def _send(function: str, job: Job, call: Call, sender: Sender) -> Receipt:
    return sender.send(Step(function, job.id, job.round.number, job.round.redrawn).intent, call)


def _permit(job: Job, contracts: Contracts, wallet: Wallet) -> Permit:
    """Leave to pull exactly what the free balance lacks of a bond."""
    balance, token = contracts.views.balance_of(wallet.address), contracts.token
    missing = job.bond - balance.free
    if missing <= 0:
        return NO_PERMIT
    if missing > balance.wallet:
        raise NotEnoughTokens(
            f"the bond of a challenge is {token.format(job.bond)}; "
            f"you have {token.format(balance.free + balance.wallet)}, free and in the wallet",
            hint=f"get {token.format(missing - balance.wallet)} more before the challenge window ends",
        )
    return sign_permit(
        wallet, contracts, missing, contracts.node.tip("latest").ref.timestamp + PERMIT_SECONDS
    )
