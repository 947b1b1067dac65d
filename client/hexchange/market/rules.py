"""What each role owes a job now: pure functions of the market's state, the time and what the caller knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hexchange.market import quantities
from hexchange.market.digests import NO_SALT, seal, tickets
from hexchange.market.state import Job, JobState, MarketState
from hexchange.market.windows import Clock, Setting, Window, windows

HALF_HOUR = 1800
LAST_PLACE = 9
"""Turns before a provider that a job does not concern makes a due call; ten turns fill the fill window."""


@dataclass(frozen=True, slots=True)
class Knows:
    """What the caller knows and wants beyond what the chain says.

    `ready`: it has fetched and verified every input, and wants a seat. `checks`: it runs jobs again to check
    them, as an owner always does. `digest` and `salted` come from its own run: the digest of the result
    manifest and the trace under the seed of round two. `failed`: that run ended in a failure.
    """

    ready: bool = False
    checks: bool = False
    digest: bytes | None = None
    salted: bytes | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: call `function` for `job`, or run the circuit if it is `run`."""

    function: str
    job: int
    round: int
    redrawn: bool = False
    seat: int | None = None
    unit: int | None = None

    @property
    def intent(self) -> str:
        """A name that is the same after a restart, and another one for every other thing to do."""
        place = f"{self.round}r" if self.redrawn else f"{self.round}"
        return ":".join(
            [self.function, str(self.job), place, *(str(n) for n in (self.seat, self.unit) if n is not None)]
        )


def next_step(
    state: MarketState, job: Job, clock: Clock, me: str, setting: Setting, knows: Knows
) -> Step | None:
    """The most urgent of `steps`, or None if `me` owes the job nothing now."""
    owed = steps(state, job, clock, me, setting, knows)
    return owed[0] if owed else None


def steps(
    state: MarketState, job: Job, clock: Clock, me: str, setting: Setting, knows: Knows
) -> tuple[Step, ...]:
    """Everything that `me` should do now for `job`, the most urgent first; the contracts accept each call."""
    case = _Case(state, job, clock, me, setting, knows)
    return tuple(
        Step(function, job.id, job.round.number, job.round.redrawn, seat, unit)
        for rule in (_challenge, _commit, _name, _open, _due, _sit, _run)
        for function, seat, unit in rule(case)
    )


def jury_seats(state: MarketState, job: Job, unit: int) -> int:
    """How many seats of a second round the providers could fill now, with stake older than the job."""
    return sum(
        min(account.stake // unit, (account.stake - account.locked) // job.bond)
        for account in state.accounts.values()
        if account.since < job.opened_at
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One question: this caller, this job, this moment."""

    state: MarketState
    job: Job
    clock: Clock
    me: str
    setting: Setting
    knows: Knows

    def open(self, function: str) -> Iterator[Window]:
        """The windows of `function` that are open to the caller."""
        for window in windows(self.job, self.setting.naming):
            if window.function == function and window.open(self.clock, self.me):
                yield window

    def matches(self, salted: bytes) -> list[int]:
        """The seats of the current round whose seal opens with what the caller knows."""
        if self.knows.digest is None:
            return []
        drawn, place = (
            self.job.round,
            (self.setting.chain, self.setting.market, self.job.id, self.job.round.number),
        )
        return [
            index
            for index, seat in enumerate(drawn.seats)
            if seat and seat.seal == seal(*place, index, seat.provider, self.knows.digest, salted)
        ]

    @property
    def checks(self) -> bool:
        return self.knows.checks or self.me == self.job.owner

    @property
    def sits(self) -> bool:
        return self.me in self.job.round.providers()


Owed = Iterator[tuple[str, int | None, int | None]]


def _challenge(case: _Case) -> Owed:
    """Dispute a digest that differs from the own run, where there are enough units for a jury."""
    digest, job = case.knows.digest, case.job
    if not case.checks or digest is None or digest == job.proposed:
        return
    if jury_seats(case.state, job, case.setting.unit) >= quantities.jury(job.seats):
        for _ in case.open("challenge"):
            yield "challenge", None, None


def _commit(case: _Case) -> Owed:
    """Seal every own seat once the run is done; in round two the run has both traces."""
    if case.knows.digest is None or (case.job.round.number == 2 and case.knows.salted is None):
        return
    for window in case.open("commit"):
        if window.caller == case.me:
            yield "commit", window.seat, None


def _name(case: _Case) -> Owed:
    """Name the digest: the owner and the lowest seat that sealed it at once, others if nobody does."""
    current, jury = case.job.round, case.job.round.number == 2
    function, salted = ("decide", case.knows.salted or NO_SALT) if jury else ("settle", NO_SALT)
    if not any(case.open(function)):
        return
    matching = case.matches(salted)
    if len(matching) < (quantities.quorum(case.job.seats) if jury else 1):
        return
    complete = current.sealed == len(current.seats)
    since = current.sealed_at if complete else current.commit_by
    lowest = current.seats[matching[0]]
    first = case.me == case.job.owner or (lowest is not None and lowest.provider == case.me)
    if first or case.clock.now >= since + case.setting.naming // 6:
        yield function, None, None


def _open(case: _Case) -> Owed:
    """The owner opens what its own run confirms, and declines a settled result that it cannot open.

    Near the deadline it does neither: a transaction that lands late shows the sealed key and earns nothing.
    """
    job, digest = case.job, case.knows.digest
    if case.me != job.owner or digest is None:
        return
    if job.state is JobState.SETTLED and case.clock.now >= job.release_by - min(HALF_HOUR, job.release // 10):
        return
    if digest == (job.settled or job.proposed) and not case.knows.failed:
        if any(case.open("release")):
            yield "release", None, None
    elif job.state is JobState.SETTLED:
        yield "refund", None, None


def _due(case: _Case) -> Owed:
    """What anybody may call: a seed in the first block allowed; the rest one party after the other, and last
    every other provider, so that a job ends although all that it concerns are silent."""
    parties = _parties(case.job)
    if any(case.open("draw")) and (case.knows.ready or case.me in parties):
        yield "draw", None, None
    if case.me in parties:
        place = min(parties.index(case.me), LAST_PLACE - 1)
    elif case.state.account(case.me).stake >= case.setting.unit:
        place = LAST_PLACE
    else:
        return
    patience = place * (case.job.fill // (LAST_PLACE + 1))
    for function in ("redraw", "finalize", "refund"):
        for window in case.open(function):
            if window.caller is None and case.clock.now >= window.since + patience:
                yield function, None, None


def _sit(case: _Case) -> Owed:
    """Take seats with the lowest tickets, as many as the free stake can bond.

    In the first half of the contest only with tickets that would win if everybody came: others are displaced.
    """
    job, current, account = case.job, case.job.round, case.state.account(case.me)
    if not case.knows.ready or current.seed is None or not any(case.open("take_seat")):
        return
    if account.since >= job.opened_at:
        return
    taken = [seat for seat in current.seats if seat]
    mine = {seat.ticket for seat in taken if seat.provider == case.me}
    empty = len(current.seats) - len(taken)
    movable = sorted((seat.ticket for seat in taken if not seat.seal), reverse=True)
    early = case.clock.now < current.contest_end - job.fill // 2
    limit = _winning(case.state, job, case.setting.unit) if early else 1 << 96
    bonds = (account.stake - account.locked) // job.bond
    for ticket, unit in _tickets(current.seed, case.me, account.stake // case.setting.unit):
        if bonds == 0 or ticket > limit:
            return
        if ticket in mine:
            continue
        if empty:
            empty -= 1
        elif case.clock.now < current.contest_end and movable and ticket < movable[0]:
            movable.pop(0)
        else:
            return
        bonds -= 1
        yield "take_seat", None, unit


def _run(case: _Case) -> Owed:
    """Evaluate: a seat once its round is full and the contest over, a checker from the first seed on."""
    if _seat_runs(case) or _checker_runs(case):
        yield "run", None, None


def _seat_runs(case: _Case) -> bool:
    job, current, now = case.job, case.job.round, case.clock.now
    if job.state not in (JobState.OPEN, JobState.ESCALATED) or not case.sits or not current.full:
        return False
    missing = case.knows.digest is None or (current.number == 2 and case.knows.salted is None)
    return missing and current.contest_end <= now < current.commit_by + case.setting.naming


def _checker_runs(case: _Case) -> bool:
    job = case.job
    wanted = case.me == job.owner or (case.checks and job.state in (JobState.OPEN, JobState.PROPOSED))
    return wanted and case.knows.digest is None and job.trace_seed is not None and not job.over


def _parties(job: Job) -> list[str]:
    """Who has something at stake, in the order in which they make due calls."""
    seated = [provider for drawn in reversed(job.rounds) for provider in drawn.providers()]
    others = [job.owner, job.buyer, *([job.challenger] if job.challenger else [])]
    return list(dict.fromkeys([*seated, *others]))


def _winning(state: MarketState, job: Job, unit: int) -> int:
    """The highest ticket that would sit if every unit that may enter did."""
    seed = job.round.seed
    assert seed is not None, "only a drawn round has tickets"
    lowest = sorted(
        ticket
        for provider, account in state.accounts.items()
        if account.since < job.opened_at and account.stake - account.locked >= job.bond
        for ticket, _ in _tickets(seed, provider, account.stake // unit)
    )
    seats = len(job.round.seats)
    return lowest[seats - 1] if len(lowest) >= seats else 1 << 96


@lru_cache(maxsize=4096)
def _tickets(seed: bytes, provider: str, units: int) -> tuple[tuple[int, int], ...]:
    """Tickets are asked for at every block, so they are remembered; lowest first."""
    return tuple(tickets(seed, provider, range(units)))
