"""Each state's windows, to the second: what is open before, at and after every edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from small_ledger import (
    BUYER,
    COMPUTE,
    FALSE,
    FILL,
    OWNER,
    PROVIDERS,
    RELEASE,
    SALTED,
    SETTING,
    STRANGER,
    TRUE,
    UNIT,
    Ledger,
)

from hexchange.chain.events import Outcome
from hexchange.market.digests import ticket
from hexchange.market.quantities import jury
from hexchange.market.state import Job
from hexchange.market.windows import Clock, admitted, deadline, windows

NAMING = SETTING.naming
START = 5_000


def opened() -> Ledger:
    ledger = Ledger()
    ledger.now = START
    ledger.open_job(2)
    return ledger


def drawn() -> Ledger:
    ledger = opened()
    ledger.pass_time(5, blocks=2)
    ledger.draw(STRANGER, ledger.job())
    return ledger


def full() -> Ledger:
    ledger = drawn()
    ledger.take_seat(PROVIDERS[0], ledger.job(), 0)
    ledger.take_seat(PROVIDERS[1], ledger.job(), 0)
    return ledger


def sealed(*digests: bytes | None) -> Ledger:
    ledger = full()
    ledger.now = ledger.job().round.contest_end
    ledger.seal_all(ledger.job(), list(digests))
    return ledger


def redrawn() -> Ledger:
    ledger = sealed(TRUE, None)
    ledger.now = ledger.job().round.commit_by
    ledger.redraw(STRANGER, ledger.job())
    return ledger


def refilled() -> Ledger:
    ledger = redrawn()
    ledger.take_seat(PROVIDERS[2], ledger.job(), 0)
    return ledger


def proposed() -> Ledger:
    ledger = sealed(TRUE, TRUE)
    ledger.settle(STRANGER, ledger.job(), TRUE)
    return ledger


def released_early() -> Ledger:
    ledger = proposed()
    ledger.release(OWNER, ledger.job())
    return ledger


def escalated() -> Ledger:
    ledger = sealed(TRUE, FALSE)
    ledger.settle(STRANGER, ledger.job(), TRUE)
    return ledger


def jury_drawn() -> Ledger:
    ledger = escalated()
    ledger.pass_time(5, blocks=2)
    ledger.draw(STRANGER, ledger.job())
    return ledger


def jury_full() -> Ledger:
    ledger = escalated()
    ledger.fill(ledger.job())
    return ledger


def jury_sealed() -> Ledger:
    ledger = jury_full()
    ledger.seal_all(ledger.job(), [TRUE] * jury(2), SALTED)
    return ledger


def settled() -> Ledger:
    ledger = proposed()
    ledger.now = ledger.job().challenge_by
    ledger.finalize(STRANGER, ledger.job())
    return ledger


ANY, BY_OWNER, SEATED = "anyone", "the owner", "its provider"
ENDLESS = None
Row = tuple[str, str, int, int | None]

END = START + 5 + FILL  # of the first contest
BY = END + COMPUTE  # end of the first commits
AGAIN = BY + FILL  # end of the contest after a redraw
ESCALATED = END  # round two starts as soon as the seals are named
JURY_END = ESCALATED + 5 + FILL
JURY_BY = JURY_END - 4 + COMPUTE
PROPOSED = END
SETTLED = PROPOSED + COMPUTE

TABLE: list[tuple[Callable[[], Ledger], list[Row], tuple[int, str, Outcome | None]]] = [
    (
        opened,
        [
            ("draw", ANY, START, START + FILL),
            ("refund", ANY, START + FILL, ENDLESS),
            ("refund", BY_OWNER, START, ENDLESS),
        ],
        (START + FILL, "refund", Outcome.UNDRAWN),
    ),
    (
        drawn,
        [
            ("take_seat", ANY, START, END + FILL),
            ("refund", ANY, END + FILL, ENDLESS),
            ("refund", BY_OWNER, START, ENDLESS),
        ],
        (END + FILL, "refund", Outcome.UNFILLED),
    ),
    (
        full,
        [
            ("take_seat", ANY, START, END),
            ("commit", SEATED, END, BY),
            ("redraw", ANY, BY, BY + FILL),
            ("refund", ANY, BY + FILL, ENDLESS),
            ("refund", BY_OWNER, START, END),
        ],
        (BY, "redraw", None),
    ),
    (
        lambda: sealed(TRUE, TRUE),
        [("settle", ANY, END, BY + NAMING), ("refund", ANY, BY + NAMING, ENDLESS)],
        (BY + NAMING, "refund", Outcome.UNNAMED),
    ),
    (
        redrawn,
        [("take_seat", ANY, BY, AGAIN + FILL), ("refund", ANY, AGAIN + FILL, ENDLESS)],
        (AGAIN + FILL, "refund", Outcome.REFILL_FAILED),
    ),
    (
        refilled,
        [
            ("take_seat", ANY, BY, AGAIN),
            ("commit", SEATED, AGAIN, AGAIN + COMPUTE),
            ("refund", ANY, AGAIN + COMPUTE, ENDLESS),
        ],
        (AGAIN + COMPUTE, "refund", Outcome.SEALS_MISSING),
    ),
    (
        proposed,
        [
            ("challenge", ANY, PROPOSED, PROPOSED + COMPUTE),
            ("finalize", ANY, PROPOSED + COMPUTE, ENDLESS),
            ("release", BY_OWNER, PROPOSED, ENDLESS),
        ],
        (PROPOSED + COMPUTE, "finalize", None),
    ),
    (
        released_early,
        [
            ("challenge", ANY, PROPOSED, PROPOSED + COMPUTE),
            ("finalize", ANY, PROPOSED + COMPUTE, ENDLESS),
        ],
        (PROPOSED + COMPUTE, "finalize", None),
    ),
    (
        escalated,
        [("draw", ANY, ESCALATED, ESCALATED + FILL), ("refund", ANY, ESCALATED + FILL, ENDLESS)],
        (ESCALATED + FILL, "refund", Outcome.JURY_UNFILLED),
    ),
    (
        jury_drawn,
        [("take_seat", ANY, ESCALATED, JURY_END + FILL), ("refund", ANY, JURY_END + FILL, ENDLESS)],
        (JURY_END + FILL, "refund", Outcome.JURY_UNFILLED),
    ),
    (
        jury_full,
        [
            ("commit", SEATED, JURY_END - 4, JURY_BY),
            ("decide", ANY, JURY_BY, JURY_BY + NAMING),
            ("refund", ANY, JURY_BY + NAMING, ENDLESS),
        ],
        (JURY_BY + NAMING, "refund", Outcome.UNDECIDED),
    ),
    (
        jury_sealed,
        [("decide", ANY, JURY_END - 4, JURY_BY + NAMING), ("refund", ANY, JURY_BY + NAMING, ENDLESS)],
        (JURY_BY + NAMING, "refund", Outcome.UNDECIDED),
    ),
    (
        settled,
        [
            ("release", BY_OWNER, SETTLED, SETTLED + RELEASE),
            ("refund", BY_OWNER, SETTLED, ENDLESS),
            ("refund", ANY, SETTLED + RELEASE, ENDLESS),
        ],
        (SETTLED + RELEASE, "refund", Outcome.RELEASE_LAPSED),
    ),
]
IDS = ["opened", "drawn", "full", "sealed", "redrawn", "refilled", "proposed", "released early", "escalated",
       "jury drawn", "jury full", "jury sealed", "settled"]  # fmt: skip


def may(job: Job, function: str, caller: str, now: int) -> bool:
    clock = Clock(now, 1 << 30)
    return any(w.function == function and w.open(clock, caller) for w in windows(job, NAMING))


def callers(job: Job, who: str) -> tuple[str, str | None]:
    """One who may, and one who may not."""
    if who == ANY:
        return STRANGER, None
    if who == BY_OWNER:
        return OWNER, STRANGER
    silent = next(seat for seat in job.round.seats if seat and not seat.seal)
    return silent.provider, STRANGER


@pytest.mark.parametrize(("state", "rows", "due"), TABLE, ids=IDS)
def test_windows_open_and_close_to_the_second(
    state: Callable[[], Ledger], rows: list[Row], due: tuple[int, str, Outcome | None]
) -> None:
    ledger = state()
    job = ledger.job()
    for function, who, since, until in rows:
        able, unable = callers(job, who)
        times = [t for t in (since - 1, since, since + 1) if t >= ledger.now]
        times += [until - 1, until, until + 1] if until else [since + 10**7]
        for now in times:
            inside = since <= now and (until is None or now < until)
            assert may(job, function, able, now) == inside, (function, now)
            if unable and function != "refund":
                assert not may(job, function, unable, now), (function, now)
    to_come = {w.function for w in windows(job, NAMING) if w.until is None or w.until > ledger.now}
    assert to_come == {function for function, *_ in rows}
    found = deadline(job, ledger.now, NAMING)
    assert found is not None
    assert (found.at, found.function, found.outcome) == due


@pytest.mark.parametrize(("state", "rows", "due"), TABLE, ids=IDS)
def test_a_deadline_opens_its_call_to_a_stranger_and_not_a_second_before(
    state: Callable[[], Ledger], rows: list[Row], due: tuple[int, str, Outcome | None]
) -> None:
    job, (at, function, _) = state().job(), due
    assert may(job, function, STRANGER, at)
    assert not may(job, function, STRANGER, at - 1)


def test_no_two_windows_of_a_pair_are_open_at_one_time() -> None:
    pairs = [("commit", "redraw"), ("challenge", "finalize"), ("draw", "refund"), ("settle", "refund")]
    for state, _, due in TABLE:
        job = state().job()
        for now in range(due[0] - 2, due[0] + 3):
            for one, other in pairs:
                assert not (may(job, one, STRANGER, now) and may(job, other, STRANGER, now))


def test_a_missed_redraw_ends_in_a_refund() -> None:
    job = sealed(TRUE, None).job()
    due = deadline(job, BY + FILL, NAMING)
    assert due is not None
    assert (due.at, due.function, due.outcome) == (BY + FILL, "refund", Outcome.SEALS_MISSING)


def test_a_seed_is_never_drawn_in_the_block_of_the_start_or_the_next() -> None:
    ledger = opened()
    start = ledger.block
    (draw,) = (window for window in windows(ledger.job(), NAMING) if window.function == "draw")
    assert [draw.open(Clock(START, start + n), STRANGER) for n in range(4)] == [False, False, True, True]


def test_a_job_that_is_over_accepts_nothing() -> None:
    ledger = settled()
    ledger.release(OWNER, ledger.job())
    assert windows(ledger.job(), NAMING) == ()
    assert deadline(ledger.job(), ledger.now, NAMING) is None


def test_an_owner_that_bought_its_own_job_has_nothing_to_release() -> None:
    ledger = Ledger()
    ledger.proposed(1, buyer=OWNER)
    assert not any(window.function == "release" for window in windows(ledger.job(), NAMING))


def test_only_a_lower_ticket_enters_a_full_round_and_only_during_the_contest() -> None:
    ledger = full()
    job = ledger.job()
    highest = max(seat.ticket for seat in job.round.seats if seat)
    for provider in PROVIDERS:
        for unit in range(1, 30):
            seat = admitted(ledger.state, job, provider, unit, ledger.now, UNIT)
            assert (seat is not None) == (ticket_of(ledger, provider, unit) < highest)
            assert admitted(ledger.state, job, provider, unit, job.round.contest_end, UNIT) is None


def ticket_of(ledger: Ledger, provider: str, unit: int) -> int:
    seed = ledger.job().round.seed
    assert seed is not None
    return ticket(seed, provider, unit)


def test_who_may_not_enter() -> None:
    ledger = drawn()
    job, provider = ledger.job(), PROVIDERS[0]
    account = ledger.state.account(provider)
    enters = {"unit": 39, "now": ledger.now, "account": account}
    cases = [
        {},
        {"unit": 40},
        {"now": job.round.contest_end + FILL},
        {"account": replace(account, since=job.opened_at)},
        {"account": replace(account, locked=account.stake - job.bond + 1)},
        {"account": replace(account, stake=40 * UNIT - 1)},
    ]
    found = []
    for case in cases:
        chosen = {**enters, **case}
        ledger.state.accounts[provider] = chosen["account"]
        found.append(admitted(ledger.state, job, provider, chosen["unit"], chosen["now"], UNIT) is not None)
    assert found == [True, False, False, False, False, False]
    ledger.state.accounts[provider] = account
    ledger.take_seat(provider, job, 3)
    assert admitted(ledger.state, ledger.job(), provider, 3, ledger.now, UNIT) is None
    assert admitted(ledger.state, ledger.job(), BUYER, 0, ledger.now, UNIT) is None


def test_a_deadline_says_in_words_who_is_paid() -> None:
    for state, _, (at, _, _) in TABLE:
        due = deadline(state().job(), at, NAMING)
        assert due is not None
        assert due.text.startswith(f"anyone may {due.function}; ")
