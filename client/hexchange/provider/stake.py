"""A provider's stake: in from the wallet, out after the delay that keeps it answerable."""

from __future__ import annotations

from hexchange.chain.amounts import format_amount
from hexchange.chain.contracts import Contracts
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import NotEnoughTokens

PERMIT_SECONDS = 3600
"""How long a signed permit may be used (block time)."""


def stake(contracts: Contracts, sender: Sender, wallet: Wallet, amount: int) -> Receipt:
    """Stake `amount` base units: first what is free in the ledger, the rest from the wallet.

    Raises NotEnoughTokens. An interrupted call may be repeated: nothing is deposited or staked twice.
    """
    balance = contracts.views.balance_of(wallet.address)
    missing = max(0, amount - balance.free)
    if missing > balance.wallet:
        have = _words(contracts, balance.free + balance.wallet)
        raise NotEnoughTokens(
            f"you have {have}, free and in the wallet", hint="stake less, or get more tokens first"
        )
    before = f"{balance.staked}:{balance.since}:{amount}"
    if missing:
        head = contracts.node.tip("latest").ref
        permit = sign_permit(wallet, contracts, missing, head.timestamp + PERMIT_SECONDS)
        sender.send(f"deposit:{balance.free}:{before}", contracts.calls.deposit(missing, permit))
    return sender.send(f"stake:{before}", contracts.calls.stake(amount))


def unstake(contracts: Contracts, sender: Sender, amount: int) -> Receipt:
    """Move `amount` base units of unlocked stake to leaving. Raises NotEnoughTokens."""
    balance = contracts.views.balance_of(sender.address)
    if amount > balance.staked - balance.locked:
        unlocked = _words(contracts, balance.staked - balance.locked)
        raise NotEnoughTokens(
            f"only {unlocked} of the stake is not bonded to seats",
            hint="unstake less, or wait for your jobs to end",
        )
    return sender.send(
        f"unstake:{balance.staked}:{balance.leaving}:{amount}", contracts.calls.unstake(amount)
    )


def collect(contracts: Contracts, sender: Sender) -> Receipt:
    """Make what has left the stake free. The contract refuses before its time."""
    balance = contracts.views.balance_of(sender.address)
    return sender.send(f"collect:{balance.leaving}:{balance.available_at}", contracts.calls.collect())


def _words(contracts: Contracts, amount: int) -> str:
    return format_amount(amount, contracts.token.decimals, contracts.token.symbol)
