"""A plain-Python market: what every call does, or why it is refused, told before it is sent.

Its state is the fold of events that clients use, so a rule here says which events a call makes and the fold says
what they mean. What a rule needs about windows, seats and payouts it asks `hexchange.market`, and beside that it
names the broken requirements in its own plain words; both must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from hexchange.chain import events as on
from hexchange.chain.events import ZERO_ADDRESS, BlockRef, Event, EventRef, Permit
from hexchange.market.fold import apply
from hexchange.market.state import MarketState
from hexchange.market.windows import Clock, Setting

Told = set[str] | list[Event]
"""The requirements that a call breaks, of which the contracts may name any one; or the events that it makes."""

RULES: dict[str, Callable[..., Told]] = {}
"""By name of the contracts' function: rule(world, caller, clock, *arguments)."""

ENDLESS = 2**256 - 1


@dataclass(slots=True)
class World:
    """Everything that calls can change: the fold, the wallets of the token, and the rights to a dataset's token."""

    setting: Setting
    stake: str
    token: str
    exit_delay: int
    state: MarketState = field(default_factory=MarketState)
    wallets: dict[str, int] = field(default_factory=dict)
    allowances: dict[str, int] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    approved: dict[int, str] = field(default_factory=dict)
    operators: frozenset[tuple[str, str]] = frozenset()
    gifts: int = 0

    def copy(self) -> World:
        """An independent world that starts as this one."""
        other = copy(self)
        for name in ("state", "wallets", "allowances", "nonces", "approved"):
            setattr(other, name, getattr(self, name).copy())
        return other

    def tell(self, function: str, me: str, clock: Clock, arguments: Iterable[Any]) -> Told:
        """What a call does or why it is refused; its effects happen here."""
        told = RULES[function](self, me, clock, *arguments)
        if isinstance(told, list):
            for event in told:
                apply(self.state, event)
        return told

    def free(self, account: str) -> int:
        return self.state.account(account).free

    def move(self, former: str, to: str, amount: int) -> None:
        """Tokens between wallets."""
        self.wallets[former] = self.wallets.get(former, 0) - amount
        self.wallets[to] = self.wallets.get(to, 0) + amount


def rule(function: Callable[..., Told]) -> Callable[..., Told]:
    """Register a rule under the contracts' name of its function."""
    first, *others = function.__name__.split("_")
    RULES[first + "".join(each.title() for each in others)] = function
    return function


def broken(**conditions: object) -> set[str]:
    """The names of the errors whose condition holds."""
    return {name for name, holds in conditions.items() if holds}


def at(clock: Clock) -> EventRef:
    """Where a told event stands, as far as it can be known."""
    return EventRef(BlockRef(clock.block, b"", clock.now), b"", 0, "")


def bare(event: Event) -> tuple[Any, ...]:
    """An event without its place, to compare what was told with what happened."""
    return type(event).__name__, *(getattr(event, each.name) for each in fields(event) if each.name != "at")


def drawn(event: Event, market: str, randao: bytes) -> Event:
    """A told `SeedDrawn` with its seed, which nobody can tell before its block."""
    if not isinstance(event, on.SeedDrawn):
        return event
    words = encode(["bytes32", "address", "uint256", "uint256"], [randao, market, event.job, event.round])
    return replace(event, seed=bytes(keccak(words)))


# --- the token and the ledger ---------------------------------------------------------------------


def pull(world: World, me: str, amount: int, permit: Permit, clock: Clock) -> Told:
    """Wallet to free balance; a permit that is good replaces the allowance, another one is ignored."""
    allowed = world.allowances.get(me, 0)
    nonces = world.nonces.get(me, 0)
    if permits(world, me, permit, clock):
        allowed, nonces = permit.value, nonces + 1
    errors = broken(
        ERC20InsufficientBalance=world.wallets.get(me, 0) < amount,
        ERC20InsufficientAllowance=allowed < amount,
    )
    if errors:
        return errors
    world.nonces[me] = nonces
    world.allowances[me] = allowed if allowed == ENDLESS else allowed - amount
    world.move(me, world.stake, amount)
    return [on.Deposited(at(clock), me, amount)]


def permits(world: World, me: str, permit: Permit, clock: Clock) -> bool:
    """Whether the token takes the permit as its holder's."""
    if permit.deadline == 0 or clock.now > permit.deadline:
        return False
    message = permit_message(world, me, permit.value, world.nonces.get(me, 0), permit.deadline)
    try:
        signer = Account.recover_message(
            message, (permit.v, int.from_bytes(permit.r), int.from_bytes(permit.s))
        )
    except (BadSignature, ValidationError, ValueError):
        return False
    return bool(signer == me)


def permit_message(world: World, me: str, value: int, nonce: int, deadline: int) -> Any:
    """What a holder signs (ERC-2612)."""
    kinds = ("owner", "address"), ("spender", "address"), ("value", "uint256"), ("nonce", "uint256")
    names = [{"name": name, "type": kind} for name, kind in (*kinds, ("deadline", "uint256"))]
    domain = {
        "name": "Hexchange Dollar", "version": "1", "chainId": world.setting.chain,
        "verifyingContract": world.token,
    }  # fmt: skip
    values = {"owner": me, "spender": world.stake, "value": value, "nonce": nonce, "deadline": deadline}
    return encode_typed_data(domain, {"Permit": names}, values)


@rule
def deposit(world: World, me: str, clock: Clock, amount: int, permit: Permit) -> Told:
    return pull(world, me, amount, permit, clock)


@rule
def withdraw(world: World, me: str, clock: Clock, amount: int, to: str) -> Told:
    errors = broken(
        RecipientInvalid=to in (ZERO_ADDRESS, world.stake, world.setting.market),
        FreeBalanceTooLow=world.free(me) < amount,
    )
    if errors:
        return errors
    world.move(world.stake, to, amount)
    return [on.Withdrawn(at(clock), me, to, amount)]


@rule
def stake(world: World, me: str, clock: Clock, amount: int) -> Told:
    errors = broken(FreeBalanceTooLow=world.free(me) < amount)
    return errors or [on.Staked(at(clock), me, amount, clock.now)]


@rule
def unstake(world: World, me: str, clock: Clock, amount: int) -> Told:
    account = world.state.account(me)
    errors = broken(FreeStakeTooLow=account.stake - account.locked < amount)
    return errors or [on.Unstaked(at(clock), me, amount, clock.now + world.exit_delay)]


@rule
def collect(world: World, me: str, clock: Clock) -> Told:
    account = world.state.account(me)
    errors = broken(NothingLeaving=account.leaving == 0, StillLeaving=clock.now < account.collectable_at)
    return errors or [on.Collected(at(clock), me, account.leaving)]


@rule
def approve_token(world: World, me: str, clock: Clock, amount: int) -> Told:
    """The token's `approve`, for the ledger."""
    world.allowances[me] = amount
    return []


@rule
def transfer_token(world: World, me: str, clock: Clock, to: str, amount: int) -> Told:
    """The token's `transfer`; to a contract of the market it is a gift that changes no ledger."""
    errors = broken(
        ERC20InsufficientBalance=world.wallets.get(me, 0) < amount, ERC20InvalidReceiver=to == ZERO_ADDRESS
    )
    if not errors:
        world.move(me, to, amount)
        world.gifts += amount if to == world.stake else 0
    return errors or []


@rule
def permit_token(world: World, me: str, clock: Clock, holder: str, permit: Permit) -> Told:
    """The token's `permit`, which anybody may use before its holder does."""
    if not permits(world, holder, permit, clock):
        return {"ERC2612ExpiredSignature", "ERC2612InvalidSigner", "ECDSAInvalidSignature"}
    world.allowances[holder] = permit.value
    world.nonces[holder] = world.nonces.get(holder, 0) + 1
    return []


# --- several calls at once ------------------------------------------------------------------------


def _several(world: World, me: str, clock: Clock, *calls: tuple[Any, ...]) -> Told:
    """One after the other; one that is refused changes nothing and does not stop the others."""
    now, happened = world.copy(), list[Event]()
    for index, (function, *arguments) in enumerate(calls):
        after = now.copy()
        told = after.tell(function, me, clock, arguments)
        if isinstance(told, set):
            happened.append(on.CallFailed(at(clock), index, ",".join(sorted(told)).encode()))
            continue
        now = after
        happened += told
    for name in ("wallets", "allowances", "nonces", "approved", "operators"):
        setattr(world, name, getattr(now, name))
    return happened


RULES["multicallStake"] = RULES["multicallMarket"] = _several
