"""A provider's stake: in from the wallet, out after the delay that keeps it answerable."""

from __future__ import annotations

from hexchange.chain.amounts import format_amount
from hexchange.chain.calls import Call
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import Staked
from hexchange.chain.outbox import MINED, SENT
from hexchange.chain.permits import sign_permit
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.errors import NotEnoughTokens, Reverted

PERMIT_SECONDS = 3600
"""How long a signed permit may be used (block time)."""


def stake(contracts: Contracts, sender: Sender, wallet: Wallet, amount: int) -> Receipt:
    """Stake `amount` base units: first what is free in the ledger, the rest from the wallet, in one
    transaction.

    Raises NotEnoughTokens. After an interruption the same call finishes what was begun and stakes nothing
    twice.
    """
    with sender.once(f"stake:{amount}") as intent:
        known = sender.state(intent)
        if known is None or known.state not in (SENT, MINED):
            sender.submit(intent, _deposit_and_stake(contracts, wallet, amount))
        receipt = sender.wait(intent)
    if not any(isinstance(event, Staked) for event in receipt.events):
        raise Reverted(
            "the tokens were not staked", hint="look at your balance with `hexchange wallet balance`"
        )
    return receipt


def _deposit_and_stake(contracts: Contracts, wallet: Wallet, amount: int) -> Call:
    balance = contracts.views.balance_of(wallet.address)
    missing = max(0, amount - balance.free)
    if missing > balance.wallet:
        have = _words(contracts, balance.free + balance.wallet)
        raise NotEnoughTokens(
            f"you have {have}, free and in the wallet", hint="stake less, or get more tokens first"
        )
    if not missing:
        return contracts.calls.stake(amount)
    until = contracts.node.tip("latest").ref.timestamp + PERMIT_SECONDS
    permit = sign_permit(wallet, contracts, missing, until)
    return contracts.calls.multicall(
        [contracts.calls.deposit(missing, permit), contracts.calls.stake(amount)]
    )


def unstake(contracts: Contracts, sender: Sender, amount: int) -> Receipt:
    """Move `amount` base units of unlocked stake to leaving. Raises NotEnoughTokens."""
    balance = contracts.views.balance_of(sender.address)
    if amount > balance.staked - balance.locked:
        unlocked = _words(contracts, balance.staked - balance.locked)
        raise NotEnoughTokens(
            f"only {unlocked} of the stake is not bonded to seats",
            hint="unstake less, or wait for your jobs to end",
        )
    with sender.once(f"unstake:{amount}") as intent:
        return sender.send(intent, contracts.calls.unstake(amount))


def collect(contracts: Contracts, sender: Sender) -> Receipt:
    """Make what has left the stake free. The contract refuses before its time."""
    with sender.once("collect") as intent:
        return sender.send(intent, contracts.calls.collect())


def _words(contracts: Contracts, amount: int) -> str:
    return format_amount(amount, contracts.token.decimals, contracts.token.symbol)
