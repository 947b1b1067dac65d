"""A small ledger that plays the contracts' part: accepted calls become events, for histories without a chain.

What it accepts comes from `windows` and `admitted`, what it pays from `money`; that both equal the contracts
is what the test against a real chain shows.
"""

from __future__ import annotations

import hashlib
from typing import Any

from hexchange.chain import events as on
from hexchange.chain.events import (
    ZERO_ADDRESS,
    ZERO_BYTES32,
    BlockRef,
    Event,
    EventRef,
    Offer,
    Outcome,
    Terms,
)
from hexchange.market import money
from hexchange.market.digests import NO_SALT, challenge_seal, redrawn, seal
from hexchange.market.fold import apply
from hexchange.market.money import Payout
from hexchange.market.quantities import quorum
from hexchange.market.state import Job, MarketState
from hexchange.market.windows import Clock, Setting, Window, admitted, windows

UNIT = 1000
SETTING = Setting(31337, "0x" + "11" * 20, 60, UNIT)
OWNER, BUYER, STRANGER = ("0x" + f"{n:02x}" * 20 for n in (1, 2, 3))
PROVIDERS = tuple("0x" + f"{n:02x}" * 20 for n in range(0x10, 0x16))
FILL, COMPUTE, RELEASE = 300, 600, 3600
TRUE, FALSE = b"\xaa" * 32, b"\xbb" * 32
SALTED = b"\xcc" * 32


class NotAccepted(Exception):
    """The contracts would revert."""


class Ledger:
    """One market with funded parties; `now` and `block` are those of the next call."""

    def __init__(self, units: int = 40) -> None:
        self.state, self.events = MarketState(), list[Event]()
        self.now, self.block, self.deposited = 1_000, 10, 0
        for party in (OWNER, BUYER, STRANGER, *PROVIDERS):
            self.emit(on.Deposited, party, 1_000_000)
            self.deposited += 1_000_000
        for provider in PROVIDERS:
            self.emit(on.Staked, provider, units * UNIT, self.now)
        self.emit(on.Transfer, ZERO_ADDRESS, OWNER, 1)
        self.emit(on.DatasetListed, 1, OWNER, b"\x01" * 32, 10_000_000, 100)
        self.pass_time(1)

    def pass_time(self, seconds: int, blocks: int = 1) -> None:
        self.now += seconds
        self.block += blocks

    def emit(self, kind: type[Any], *fields: Any) -> None:
        block = BlockRef(self.block, self.block.to_bytes(32, "big"), self.now)
        event = kind(EventRef(block, b"\x01" * 32, len(self.events), SETTING.market), *fields)
        self.events.append(event)
        apply(self.state, event)

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.block)

    def job(self, number: int = 1) -> Job:
        return self.state.jobs[number]

    # --- calls ---

    def open_job(self, seats: int = 1, *, buyer: str = BUYER, epsilon: int = 0, **changes: int) -> Job:
        number = len(self.state.jobs) + 1
        values = {"price": 500, "guarantee": 70, "floor": 2, "reward": 10, **changes}
        offer = Offer(
            1,
            0,
            b"\x01" * 32,
            b"\x02" * 32,
            ZERO_ADDRESS,
            ZERO_ADDRESS,
            values["price"],
            values["guarantee"],
            epsilon,
            1,
            1,
            10**6,
            FILL,
            COMPUTE,
            1 << 39,
            1000,
            ZERO_BYTES32,
        )
        terms = Terms(seats, values["floor"], values["reward"], FILL, COMPUTE, RELEASE, b"\x09" * 32)
        own = buyer == OWNER
        self.emit(on.Locked, number, buyer, seats * values["reward"] + (0 if own else values["price"]))
        if not own and values["guarantee"]:
            self.emit(on.Locked, number, OWNER, values["guarantee"])
        self.emit(on.JobOpened, number, 1, buyer, b"\x03" * 32, OWNER, offer, terms)
        return self.job(number)

    def accepted(self, function: str, caller: str, job: Job, seat: int | None = None) -> Window:
        for window in windows(job, SETTING.naming):
            if window.function == function and window.seat == seat and window.open(self.clock, caller):
                return window
        raise NotAccepted(function)

    def draw(self, caller: str, job: Job) -> None:
        self.accepted("draw", caller, job)
        seed = hashlib.sha256(b"%d %d %d" % (self.block, job.id, job.round.number)).digest()
        self.emit(on.SeedDrawn, job.id, job.round.number, seed, self.now + job.fill)

    def take_seat(self, caller: str, job: Job, unit: int) -> None:
        self.accepted("take_seat", caller, job)
        seat = admitted(self.state, job, caller, unit, self.now, UNIT)
        if seat is None:
            raise NotAccepted("take_seat")
        current = job.round
        empty = [index for index, taken in enumerate(current.seats) if taken is None]
        movable = [(s.ticket, i, s.provider) for i, s in enumerate(current.seats) if s and not s.seal]
        _, index, displaced = (0, empty[0], ZERO_ADDRESS) if empty else max(movable)
        self.emit(on.SeatTaken, job.id, current.number, index, caller, unit, seat.ticket, job.bond, displaced)
        if not current.full and len(empty) == 1:
            since = max(self.now, current.contest_end)
            late = max(since - current.contest_end, current.late)
            self.emit(on.RoundFilled, job.id, current.number, since + job.compute, late)

    def commit(self, caller: str, job: Job, seat: int, digest: bytes, salted: bytes = NO_SALT) -> None:
        self.accepted("commit", caller, job, seat)
        sealed = seal(SETTING.chain, SETTING.market, job.id, job.round.number, seat, caller, digest, salted)
        self.emit(on.SealCommitted, job.id, job.round.number, seat, sealed)

    def redraw(self, caller: str, job: Job) -> None:
        self.accepted("redraw", caller, job)
        assert job.round.seed is not None
        for index, seat in enumerate(job.round.seats):
            if seat and not seat.seal:
                self.emit(on.SeatClosed, job.id, 1, index, seat.provider, seat.bond, job.fine, 0)
        self.emit(on.RoundRedrawn, job.id, redrawn(job.round.seed), self.now + job.fill)

    def settle(self, caller: str, job: Job, digest: bytes) -> None:
        self.accepted("settle", caller, job)
        matches = self._matches(job, digest, NO_SALT)
        if matches == 0:
            raise NotAccepted("settle")
        if matches == job.seats:
            self.emit(on.ResultProposed, job.id, digest, self.now + job.compute)
        else:
            self.emit(on.JobEscalated, job.id, ZERO_ADDRESS, ZERO_BYTES32)

    def challenge(self, caller: str, job: Job, digest: bytes) -> None:
        self.accepted("challenge", caller, job)
        sealed = challenge_seal(SETTING.chain, SETTING.market, job.id, caller, digest)
        self.emit(on.JobEscalated, job.id, caller, sealed)
        self.emit(on.Locked, job.id, caller, job.bond)

    def finalize(self, caller: str, job: Job) -> Payout:
        self.accepted("finalize", caller, job)
        payout = money.finalized(job, self.state.held[job.id])
        self._settled(job, payout, ZERO_BYTES32)
        return payout

    def decide(self, caller: str, job: Job, digest: bytes, salted: bytes) -> Payout:
        self.accepted("decide", caller, job)
        if self._matches(job, digest, salted) < quorum(job.seats):
            raise NotAccepted("decide")
        payout = money.decided(job, digest, salted, SETTING, self.state.held[job.id])
        self._settled(job, payout, digest)
        return payout

    def release(self, caller: str, job: Job) -> None:
        self.accepted("release", caller, job)
        self._pay(job, money.released(job))
        self.emit(on.ResultReleased, job.id, b"\x0a" * 32, b"key")

    def refund(self, caller: str, job: Job) -> Payout:
        outcome = self.accepted("refund", caller, job).outcome
        assert outcome is not None
        payout = money.refunded(job, outcome, self.state.held[job.id])
        self._pay(job, payout)
        self.emit(on.JobRefunded, job.id, Outcome(outcome))
        return payout

    # --- money ---

    def _matches(self, job: Job, digest: bytes, salted: bytes) -> int:
        place = (SETTING.chain, SETTING.market, job.id, job.round.number)
        return sum(
            1
            for index, seat in enumerate(job.round.seats)
            if seat and seat.seal == seal(*place, index, seat.provider, digest, salted)
        )

    def _settled(self, job: Job, payout: Payout, digest: bytes) -> None:
        self._pay(job, payout)
        right = sum(1 for pay in payout.round_one if pay and pay.back)
        release_by = 0 if job.own or job.released else self.now + job.release
        self.emit(on.JobSettled, job.id, digest, right, job.right_reward, release_by)

    def _pay(self, job: Job, payout: Payout) -> None:
        for drawn, pays in zip(job.rounds, (payout.round_one, payout.round_two), strict=False):
            for index, pay in enumerate(pays):
                if pay:
                    fine = job.bond - pay.back
                    self.emit(
                        on.SeatClosed, job.id, drawn.number, index, pay.provider, job.bond, fine, pay.reward
                    )
        shares = [(job.buyer, payout.buyer), (job.owner, payout.owner), (job.payee, payout.payee)]
        for account, amount in [*shares, (job.challenger or ZERO_ADDRESS, payout.challenger)]:
            if amount:
                self.emit(on.Paid, job.id, account, amount)
        if payout.burnt:
            self.emit(on.Burnt, job.id, payout.burnt)

    # --- shortcuts for histories ---

    def fill(self, job: Job) -> Job:
        """Draw and seat the current round, whoever comes first, and go to the end of the contest."""
        self.pass_time(1, blocks=2)
        self.draw(STRANGER, self.job(job.id))
        unit = 0
        while not self.job(job.id).round.full:
            for provider in PROVIDERS:
                if not self.job(job.id).round.full:
                    self.take_seat(provider, self.job(job.id), unit)
            unit += 1
        self.now = self.job(job.id).round.contest_end
        return self.job(job.id)

    def seal_all(self, job: Job, digests: list[bytes | None], salted: bytes = NO_SALT) -> Job:
        """Every seat commits its digest, or stays silent for None."""
        for index, (seat, digest) in enumerate(zip(job.round.seats, digests, strict=True)):
            if seat and digest is not None:
                self.commit(seat.provider, self.job(job.id), index, digest, salted)
        return self.job(job.id)

    def proposed(self, seats: int = 1, digest: bytes = TRUE, **changes: Any) -> Job:
        job = self.seal_all(self.fill(self.open_job(seats, **changes)), [digest] * seats)
        self.settle(STRANGER, job, digest)
        return self.job(job.id)

    def settled(self, seats: int = 1, **changes: Any) -> Job:
        job = self.proposed(seats, **changes)
        self.now = job.challenge_by
        self.finalize(STRANGER, job)
        return self.job(job.id)

    def check(self) -> None:
        """What holds after every event: nothing is created or lost, bonds are locked, budgets are kept."""
        accounts = self.state.accounts.values()
        balances = sum(each.free + each.stake + each.leaving for each in accounts)
        assert balances + sum(self.state.held.values()) + self.state.burnt == self.deposited
        assert all(min(each.free, each.stake - each.locked, each.locked) >= 0 for each in accounts)
        open_seats = [
            seat
            for job in self.state.jobs.values()
            for drawn in job.rounds
            for seat in drawn.seats
            if seat and seat.fine is None
        ]
        assert sum(each.locked for each in accounts) == sum(seat.bond for seat in open_seats)
        assert all(self.state.held[job.id] == 0 for job in self.state.jobs.values() if job.over)
        dataset = self.state.datasets[1]
        live = [j for j in self.state.jobs.values() if not (j.own or j.over or j.released)]
        assert dataset.epsilon_reserved == sum(job.epsilon for job in live)
        assert dataset.exact_reserved == sum(1 for job in live if not job.epsilon)
        assert min(dataset.epsilon_left, dataset.exact_left, dataset.epsilon_spent, dataset.exact_spent) >= 0
