"""What the contracts accept: for each state of a job, every call, who may send it, and from when until when.

All windows are half open. A job that is not over always has exactly one next deadline, and from it on a call
that anybody may send.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hexchange.chain.events import Outcome
from hexchange.market.digests import ticket
from hexchange.market.state import Job, JobState, MarketState, Round, Seat

DRAW_BLOCKS = 2
"""Blocks from the start of a round to the first one that may draw its seed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time (seconds) and number of the block that a call would be part of."""

    now: int
    block: int


@dataclass(frozen=True, slots=True)
class Setting:
    """The constants of one market: chain id, address, naming window (seconds) and stake of one ticket."""

    chain: int
    market: str
    naming: int
    unit: int


@dataclass(frozen=True, slots=True)
class Window:
    """The call of `function` is open in [since, until) to `caller`, or to anybody if that is None.

    `seat` is the seat it is about, `outcome` how a refund ends, `block` the first block that may hold it.
    """

    function: str
    since: int
    until: int | None = None
    caller: str | None = None
    seat: int | None = None
    outcome: Outcome | None = None
    block: int = 0

    def open(self, clock: Clock, caller: str) -> bool:
        """Whether `caller` may send it now."""
        if self.until is not None and clock.now >= self.until:
            return False
        return clock.now >= self.since and clock.block >= self.block and self.caller in (None, caller)


@dataclass(frozen=True, slots=True)
class Deadline:
    """From `at` on anybody may call `function`; `outcome` is None where it pays the seats or draws anew."""

    at: int
    function: str
    outcome: Outcome | None

    @property
    def text(self) -> str:
        """In words: what anybody may then do, and who is paid by it."""
        return f"anyone may {self.function}; {_THEN[self.outcome] if self.outcome else _THEN_PAID[self.function]}"


_BACK = "buyer and owner get back what is locked"
_THEN_PAID = {
    "finalize": "the seats are paid",
    "redraw": "silent seats are fined and their places drawn anew",
}
_THEN = {
    Outcome.UNDRAWN: _BACK,
    Outcome.UNFILLED: _BACK,
    Outcome.REFILL_FAILED: f"{_BACK}, sealed seats are paid from the fines of the silent ones",
    Outcome.SEALS_MISSING: f"{_BACK}, silent seats are fined and sealed ones paid from it",
    Outcome.UNNAMED: f"{_BACK}, every seat is fined",
    Outcome.UNDECIDED: f"{_BACK}, bonds return, silent seats are fined",
    Outcome.JURY_UNFILLED: f"{_BACK}, bonds return, a challenger is fined",
    Outcome.RELEASE_LAPSED: "the buyer gets the price back, and rewards up to the owner's guarantee",
}


def windows(job: Job, naming: int) -> tuple[Window, ...]:
    """Every call that the contracts accept for `job` until its state changes.

    `take_seat` has more conditions, those of `admitted`; `settle` and `decide` depend on the digest as well.
    """
    if job.state in (JobState.OPEN, JobState.ESCALATED):
        return (*_decline(job), *_round(job, job.round, naming))
    if job.state is JobState.PROPOSED:
        challenge = Window("challenge", job.proposed_at, job.challenge_by)
        return (challenge, Window("finalize", job.challenge_by), *_release(job, None))
    if job.state is JobState.SETTLED:
        decline = Window(
            "refund", job.settled_at, job.release_by, job.owner, outcome=Outcome.RELEASE_DECLINED
        )
        lapse = Window("refund", job.release_by, outcome=Outcome.RELEASE_LAPSED)
        return (*_release(job, job.release_by), decline, lapse)
    return ()


def deadline(job: Job, now: int, naming: int) -> Deadline | None:
    """The one next deadline of `job`; it may have passed. None when the job is over."""
    exits = [
        window
        for window in windows(job, naming)
        if window.function in ("refund", "finalize", "redraw")
        and window.caller is None
        and (window.until is None or now < window.until)
    ]
    if not exits:
        return None
    first = min(exits, key=lambda window: window.since)
    return Deadline(first.since, first.function, first.outcome)


def admitted(state: MarketState, job: Job, provider: str, unit: int, now: int, size: int) -> Seat | None:
    """The seat that `provider` would take with `unit` at `now`, or None; `size` is the stake of one ticket.

    Until the contest ends a lower ticket displaces the highest one without a seal; later only empty seats are
    free.
    """
    current, account = job.round, state.account(provider)
    if current.seed is None or now >= current.contest_end + job.fill or account.since >= job.opened_at:
        return None
    if unit >= account.stake // size or account.stake - account.locked < job.bond:
        return None
    drawn = ticket(current.seed, provider, unit)
    taken = [seat for seat in current.seats if seat]
    if any((seat.provider, seat.ticket) == (provider, drawn) for seat in taken):
        return None
    highest = max((seat.ticket for seat in taken if not seat.seal), default=0)
    if len(taken) < len(current.seats) or (now < current.contest_end and drawn < highest):
        return Seat(provider, unit, drawn, job.bond)
    return None


def _decline(job: Job) -> Iterator[Window]:
    """The owner may end a job while nothing is computed: until its first pass is full and contested."""
    if job.state is JobState.OPEN and not job.round.redrawn:
        until = job.round.contest_end if job.round.full else None
        yield Window("refund", job.opened_at, until, job.owner, outcome=Outcome.DECLINED)


def _release(job: Job, until: int | None) -> Iterator[Window]:
    if not job.own and not job.released:
        yield Window("release", job.proposed_at or job.settled_at, until, job.owner)


def _round(job: Job, current: Round, naming: int) -> Iterator[Window]:
    jury = current.number == 2
    if current.seed is None:
        draw_by = current.start + job.fill
        yield Window("draw", current.start, draw_by, block=current.start_block + DRAW_BLOCKS)
        yield Window("refund", draw_by, outcome=Outcome.JURY_UNFILLED if jury else Outcome.UNDRAWN)
    elif not current.full:
        fill_by = current.contest_end + job.fill
        unfilled = Outcome.REFILL_FAILED if current.redrawn else Outcome.UNFILLED
        yield Window("take_seat", 0, fill_by)
        yield Window("refund", fill_by, outcome=Outcome.JURY_UNFILLED if jury else unfilled)
    else:
        yield Window("take_seat", 0, current.contest_end)
        yield from _commits(current)
        yield from _verdict(current, naming) if jury else _naming(job, current, naming)


def _commits(current: Round) -> Iterator[Window]:
    for index, seat in enumerate(current.seats):
        if seat and not seat.seal:
            yield Window("commit", current.contest_end, current.commit_by, seat.provider, index)


def _verdict(current: Round, naming: int) -> Iterator[Window]:
    """Round two is decided once every seat sealed or commits are over."""
    name_by = current.commit_by + naming
    complete = current.sealed == len(current.seats)
    yield Window("decide", 0 if complete else current.commit_by, name_by)
    yield Window("refund", name_by, outcome=Outcome.UNDECIDED)


def _naming(job: Job, current: Round, naming: int) -> Iterator[Window]:
    """Round one is named once every seat sealed; missing seals are drawn anew, once."""
    name_by = current.commit_by + naming
    if current.sealed == len(current.seats):
        yield Window("settle", 0, name_by)
        yield Window("refund", name_by, outcome=Outcome.UNNAMED)
    elif current.redrawn:
        yield Window("refund", current.commit_by, outcome=Outcome.SEALS_MISSING)
    else:
        redraw_by = current.commit_by + job.fill
        yield Window("redraw", current.commit_by, redraw_by)
        yield Window("refund", redraw_by, outcome=Outcome.SEALS_MISSING)
