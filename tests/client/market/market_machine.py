"""A real market and the model of it, side by side: each call is told, sent, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple
from functools import lru_cache
from typing import Any

import model_datasets  # noqa: F401  (its rules)
import model_jobs  # noqa: F401  (its rules)
from getters import compare_told, told
from model import ENDLESS, Told, World, bare, drawn, permit_message
from real_market import (
    FREE,
    IN_WALLET,
    NAMES,
    OWNER,
    PROVIDERS,
    ROLES,
    STAKED_UNITS,
    STRANGER,
    WALLET_OF,
    RealMarket,
    error_name,
    make_call,
)  # fmt: skip

from hexchange.chain import events as on
from hexchange.chain.calls import Call
from hexchange.chain.events import NO_PERMIT, ZERO_ADDRESS, Event, Offer, Permit, Terms
from hexchange.chain.offers import sign_offer
from hexchange.market.digests import NO_SALT, challenge_seal, seal, tickets
from hexchange.market.fold import apply
from hexchange.market.state import Job
from hexchange.market.windows import Clock

TRUE, FALSE, SALTED = b"\xaa" * 32, b"\xbb" * 32, b"\xcc" * 32
TOKEN = {"approveToken": "approve", "transferToken": "transfer", "permitToken": "permit"}
LEDGER = ("deposit", "withdraw", "stake", "unstake", "collect", "draw", "takeSeat", "commit", "redraw")


def manifest(number: int) -> bytes:
    """The digest of some manifest."""
    return number.to_bytes(32, "big")


STORY = "What was sent, at which time, by whom:"


class Play:
    """One course of events on both. `script` says in readable lines what was sent."""

    seen: Counter[tuple[str, ...]]
    """What was reached, over all plays: states, outcomes, and functions with how they ended."""

    def __init__(self, market: RealMarket, world: World, seen: Counter[tuple[str, ...]]) -> None:
        self.market, self.world, self.seen = market, world, seen
        self.when = 0
        self.script: list[str] = []

    # --- what happens ---

    def act(self, me: str, function: str, *arguments: Any) -> None:
        """Tell what a call does, send it, and find exactly that; at the next second or at `when`."""
        self.seen["steps",] += 1
        clock, after = self._next(), self.world.copy()
        self.script.append(sentence(clock, me, function, arguments))
        try:
            told = after.tell(function, me, clock, arguments)
            call = self.call(function, *arguments)
            refused = self.market.ask(call, me, clock)
            self.script[-1] += f" -> {refused or 'done'}"
            self.agree(function, told, refused)
            self._send(call, me, clock, told, after)
        except AssertionError as error:
            error.add_note("\n".join([STORY, *self.script]))
            raise

    def ask(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Tell what each (caller, function, *arguments) would do, and ask for all at once; nothing is sent."""
        clock = self._next()
        asked = [(self.call(*call), me) for me, *call in calls]
        for (me, function, *arguments), refused in zip(calls, self.market.ask_all(asked, clock), strict=True):
            self.seen["asked",] += 1
            try:
                self.agree(function, self.world.copy().tell(function, me, clock, arguments), refused)
            except AssertionError as error:
                asking = f"{sentence(clock, me, function, arguments)} -> {refused or 'done'}, asked"
                error.add_note("\n".join([STORY, *self.script, asking]))
                raise

    def _next(self) -> Clock:
        clock = Clock(max(self.when, self.market.clock.now + 1), self.market.clock.block + 1)
        self.when = 0
        return clock

    def agree(self, function: str, told: Told, refused: str) -> None:
        names = sorted(told) if isinstance(told, set) else [""]
        assert refused in names, f"{function} ends with {refused or 'success'}, the model says {told}"
        self.seen[function, refused] += 1

    def _send(self, call: Call, me: str, clock: Clock, expected: Told, after: World) -> None:
        sent = self.market.send(call, me, clock.now)
        assert sent.accepted == isinstance(expected, list)
        if isinstance(expected, list):
            seeded = [drawn(event, self.world.setting.market, sent.randao) for event in expected]
            assert same(seeded, sent.events), (seeded, sent.events)
            after.state = self.world.state.copy()
            for event in sent.events:
                apply(after.state, event)
                self.seen["event", type(event).__name__] += 1
            self.world = after
        self.compare()

    def compare(self) -> None:
        """Every getter and every balance of the token, on both."""
        world, stake = self.world, self.world.stake
        expected = dict(told(world.state))
        for role in (*ROLES, stake, world.setting.market):
            expected["MockToken", "balanceOf", role] = world.wallets.get(role, 0)
        for role in ROLES:
            expected["MockToken", "allowance", role, stake] = world.allowances.get(role, 0)
            expected["MockToken", "nonces", role] = world.nonces.get(role, 0)
            owned = sum(1 for dataset in world.state.datasets.values() if dataset.owner == role)
            expected["DataMarket", "balanceOf", role] = owned
            approved = (OWNER, role) in world.operators
            expected["DataMarket", "isApprovedForAll", OWNER, role] = approved
        for number in world.state.datasets:
            expected["DataMarket", "getApproved", number] = world.approved.get(number, ZERO_ADDRESS)
        compare_told(self.market, expected)
        self.solvent()
        for job in world.state.jobs.values():
            self.seen["state", job.state] += 1
            if job.refunded:
                self.seen["outcome", job.refunded.name] += 1

    def solvent(self) -> None:
        """What the ledger owes is what it holds, less what it was given."""
        state = self.world.state
        owed = sum(account.free + account.stake + account.leaving for account in state.accounts.values())
        kept = sum(state.held.values()) + state.burnt + self.world.gifts
        assert owed + kept == self.world.wallets.get(self.world.stake, 0)
        for job in state.jobs.values():
            assert not job.over or state.held[job.id] == 0

    def call(self, function: str, *arguments: Any) -> Call:
        """A call of the contract that has the function."""
        plain = [astuple(each) if isinstance(each, Offer | Terms | Permit) else each for each in arguments]
        if function == "approveToken":
            plain.insert(0, self.world.stake)
        if function == "permitToken":
            holder, (value, deadline, v, r, s) = plain
            plain = [holder, self.world.stake, value, deadline, v, r, s]
        if function.startswith("multicall"):
            calls = [self.call(inner, *inside).data for inner, *inside in arguments]
            contract = "ProviderStake" if function.endswith("Stake") else "DataMarket"
            return make_call(self.market, contract, "multicall", tuple(calls))
        if function in TOKEN:
            return make_call(self.market, "MockToken", TOKEN[function], *plain)
        contract = "ProviderStake" if function in LEDGER else "DataMarket"
        name = function if function != "safeTransferFrom" else "safeTransferFrom(address,address,uint256)"
        return make_call(self.market, contract, name, *plain)

    # --- what the callers know ---

    def sign(self, offer: Offer) -> bytes:
        """By whoever owns the dataset now."""
        listed = self.world.state.datasets.get(offer.dataset)
        return _signed(listed.owner if listed else OWNER, offer, self.world.setting.market)

    def permit(self, me: str, value: int, kind: str) -> Permit:
        """None, a good one, or one that the token refuses."""
        if kind == "none":
            return NO_PERMIT
        deadline = self.market.clock.now + (10**6 if kind != "expired" else -1)
        nonce = self.world.nonces.get(me, 0) + (kind == "garbage")
        signed = WALLET_OF[me].sign_message(permit_message(self.world, me, value, nonce, deadline))
        return Permit(value, deadline, signed[64], signed[:32], signed[32:64])

    def seal(self, job: Job, index: int, kind: str) -> bytes:
        """What the provider of a seat would commit: `right`, `wrong`, `zero`, or `garbage` that nobody opens."""
        seats = job.round.seats
        seat = seats[index] if index < len(seats) else None
        if kind in ("right", "wrong") and seat:
            digest = TRUE if kind == "right" else FALSE
            salted = SALTED if job.round.number == 2 else NO_SALT
            setting = self.world.setting
            place = (setting.chain, setting.market, job.id, job.round.number, index)
            return seal(*place, seat.provider, digest, salted)
        return bytes(32) if kind == "zero" else b"\x77" * 32

    def challenge_seal(self, job: int, me: str, kind: str) -> bytes:
        setting = self.world.setting
        digest = {"right": TRUE, "wrong": FALSE}.get(kind)
        if digest is None:
            return bytes(32) if kind == "zero" else b"\x77" * 32
        return challenge_seal(setting.chain, setting.market, job, me, digest)

    def tickets(self, job: Job, provider: str) -> list[tuple[int, int, bool]]:
        """(ticket, unit, whether it sits) of all staked units, lowest ticket first; none before the draw."""
        if job.round.seed is None:
            return []
        seated = {(seat.provider, seat.ticket) for seat in job.round.seats if seat}
        units = self.world.state.account(provider).stake // self.market.unit
        return [
            (drawn, unit, (provider, drawn) in seated)
            for drawn, unit in _tickets(job.round.seed, provider, units)
        ]

    def entrants(self, job: Job) -> list[tuple[int, str, int]]:
        """(ticket, provider, unit) of all staked units that do not sit, lowest ticket first."""
        return sorted(
            (drawn, provider, unit)
            for provider in ROLES
            for drawn, unit, sits in self.tickets(job, provider)
            if not sits
        )

    def unit(self, job: Job, me: str, kind: str, n: int) -> int:
        """The `right` unit has the lowest ticket, the `wrong` one sits already; others are about the bounds."""
        found = [unit for _, unit, sits in self.tickets(job, me) if sits == (kind == "wrong")]
        if found and kind != "zero":
            return found[0 if kind != "garbage" else -1]
        return (0, n, self.world.state.account(me).stake // self.market.unit, ENDLESS)[n % 4]


def same(told_: list[Event], happened: Sequence[Event]) -> bool:
    """Whether the same events happened, in any order; a failed item may name any requirement that it broke."""
    reasons = {
        each.index: each.reason.decode().split(",") for each in told_ if isinstance(each, on.CallFailed)
    }
    failed = {each.index: error_name(each.reason) for each in happened if isinstance(each, on.CallFailed)}
    named = reasons.keys() == failed.keys() and all(failed[index] in reasons[index] for index in failed)
    both = [
        [bare(each) for each in events if not isinstance(each, on.CallFailed)] for events in (told_, happened)
    ]
    return named and sorted(both[0], key=repr) == sorted(both[1], key=repr)


def sentence(clock: Clock, me: str, function: str, arguments: Sequence[Any]) -> str:
    """A call as a line of a story."""
    return f"{clock.now} {NAMES[me]}: {function}({', '.join(map(show, arguments))})"


def show(value: Any) -> str:
    """An argument as a reader wants it."""
    if isinstance(value, str):
        return NAMES.get(value, value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}" if len(set(value)) > 1 else f"{len(value)} * {value[:1].hex()}"
    return repr(value)


def beginning(market: RealMarket, seen: Counter[tuple[str, ...]]) -> World:
    """Everybody has tokens, the providers a stake, the owner one dataset."""
    world = World(
        market.setting,
        market.deployment.stake,
        market.deployment.token,
        market.views.exit_delay(),
        wallets=dict.fromkeys(ROLES, IN_WALLET),
        allowances=dict.fromkeys(ROLES, IN_WALLET),
    )
    play = Play(market, world, seen)
    for role in ROLES:
        play.act(role, "deposit", FREE, NO_PERMIT)
    for provider, units in zip(PROVIDERS, STAKED_UNITS, strict=True):
        play.act(provider, "stake", units * market.unit // 2)
    play.act(OWNER, "listDataset", manifest(1), 1000, 10)
    _tour(play)
    return play.world


def _tour(play: Play) -> None:
    """What random courses send too seldom: a second dataset on its way to another owner, and stake that leaves."""
    for call in (
        ("listDataset", manifest(2), 1000, 10), ("updateManifest", 2, manifest(3)), ("cancelAllOffers", 2),
        ("publishOffers", 2, manifest(4)), ("setRoyalty", 2, STRANGER, 1000), ("setRoyalty", 2, OWNER, 1001),
        ("transferFrom", OWNER, STRANGER, 2), ("stake", play.market.unit), ("unstake", 1), ("collect",),
    ):  # fmt: skip
        play.act(OWNER, *call)
    play.act(STRANGER, "transferFrom", STRANGER, OWNER, 2)
    play.act(STRANGER, "setRoyalty", 2, STRANGER, 1)
    play.act(OWNER, "delist", 2)
    play.act(OWNER, "delist", 2)
    play.when = play.world.state.account(OWNER).collectable_at
    play.act(OWNER, "collect")
    play.act(OWNER, "unstake", play.market.unit - 1)


@lru_cache(maxsize=2000)
def _signed(signer: str, offer: Offer, market: str) -> bytes:
    return sign_offer(WALLET_OF[signer], offer, 31337, market)


@lru_cache(maxsize=2000)
def _tickets(seed: bytes, provider: str, units: int) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(tickets(seed, provider, range(units))))
