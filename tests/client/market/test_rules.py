"""What each role owes, and that the contracts' part accepts whatever the rules say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_ledger import (
    BUYER,
    COMPUTE,
    FALSE,
    FILL,
    OWNER,
    PROVIDERS,
    SALTED,
    SETTING,
    STRANGER,
    TRUE,
    UNIT,
    Ledger,
    NotAccepted,
)

from hexchange.chain.events import Outcome
from hexchange.market.digests import NO_SALT, ticket
from hexchange.market.quantities import jury, quorum
from hexchange.market.rules import LAST_PLACE, Knows, Step, jury_seats, next_step, steps
from hexchange.market.state import Job, JobState

NOTHING, HONEST, READY = Knows(), Knows(digest=TRUE), Knows(ready=True)
PATIENCE = SETTING.naming // 6


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def owed(ledger: Ledger, me: str, knows: Knows = NOTHING) -> list[str]:
    return [step.function for step in steps(ledger.state, ledger.job(), ledger.clock, me, SETTING, knows)]


def do(ledger: Ledger, step: Step, me: str, knows: Knows) -> None:
    """Send what the rules say; the ledger raises if the contracts would not accept it."""
    job = ledger.state.jobs[step.job]
    match step.function:
        case "take_seat":
            assert step.unit is not None
            ledger.take_seat(me, job, step.unit)
        case "commit":
            assert step.seat is not None
            salted = NO_SALT if knows.salted is None or step.round == 1 else knows.salted
            ledger.commit(me, job, step.seat, knows.digest or b"", salted)
        case "settle" | "challenge":
            getattr(ledger, step.function)(me, job, knows.digest)
        case "decide":
            ledger.decide(me, job, knows.digest or b"", knows.salted or b"")
        case "run":
            pass
        case function:
            getattr(ledger, function)(me, job)


def sitting(ledger: Ledger, seats: int = 1) -> Job:
    return ledger.fill(ledger.open_job(seats))


def first(job: Job) -> str:
    seat = job.round.seats[0]
    assert seat is not None
    return seat.provider


# --- drawing and sitting ---


def test_whoever_waits_for_a_seat_draws_in_the_first_block_allowed(ledger: Ledger) -> None:
    ledger.open_job(1)
    assert owed(ledger, PROVIDERS[0], READY) == []
    ledger.pass_time(1, blocks=2)
    assert owed(ledger, PROVIDERS[0], READY) == ["draw"]
    assert owed(ledger, OWNER) == ["draw"]
    assert owed(ledger, STRANGER) == []


def drawn(ledger: Ledger, seats: int = 1) -> Job:
    job = ledger.open_job(seats)
    ledger.pass_time(1, blocks=2)
    ledger.draw(STRANGER, job)
    return ledger.job()


def everybody(ledger: Ledger, job: Job) -> list[tuple[int, str, int]]:
    seed = job.round.seed
    assert seed is not None
    return sorted((ticket(seed, p, unit), p, unit) for p in PROVIDERS for unit in range(40))


def test_early_in_the_contest_only_winning_tickets_enter(ledger: Ledger) -> None:
    job = drawn(ledger, 3)
    winners = everybody(ledger, job)[:3]
    for provider in PROVIDERS:
        told = steps(ledger.state, job, ledger.clock, provider, SETTING, READY)
        assert [step.unit for step in told] == [unit for _, who, unit in winners if who == provider]


def test_later_every_provider_enters_with_its_lowest_tickets(ledger: Ledger) -> None:
    job = drawn(ledger, 3)
    ledger.now = job.round.contest_end - FILL // 2
    mine = [unit for _, who, unit in everybody(ledger, job) if who == PROVIDERS[3]]
    told = steps(ledger.state, job, ledger.clock, PROVIDERS[3], SETTING, READY)
    assert [step.unit for step in told] == mine[:3]


def test_a_lower_ticket_displaces_and_a_higher_one_waits(ledger: Ledger) -> None:
    job = drawn(ledger, 1)
    ledger.now = job.round.contest_end - 1
    order = everybody(ledger, job)
    _, holder, unit = order[3]
    ledger.take_seat(holder, job, unit)
    for provider in PROVIDERS:
        lower = [u for _, who, u in order[:3] if who == provider]
        told = steps(ledger.state, ledger.job(), ledger.clock, provider, SETTING, READY)
        assert [step.unit for step in told] == lower[:1]


def test_nobody_sits_before_it_is_ready_or_with_young_or_locked_stake(ledger: Ledger) -> None:
    job = drawn(ledger, 1)
    ledger.now = job.round.contest_end
    provider = PROVIDERS[0]
    account = ledger.state.account(provider)
    assert owed(ledger, provider) == []
    assert owed(ledger, provider, READY) == ["take_seat"]
    for changed in (
        replace(account, since=job.opened_at),
        replace(account, locked=account.stake - job.bond + 1),
    ):
        ledger.state.accounts[provider] = changed
        assert owed(ledger, provider, READY) == []


def test_free_stake_bounds_the_seats_one_provider_takes(ledger: Ledger) -> None:
    job = drawn(ledger, 5)
    ledger.now = job.round.contest_end
    provider = PROVIDERS[0]
    account = ledger.state.account(provider)
    ledger.state.accounts[provider] = replace(account, locked=account.stake - 2 * job.bond)
    assert owed(ledger, provider, READY) == ["take_seat", "take_seat"]


# --- running and sealing ---


def test_a_seat_computes_once_the_contest_is_over(ledger: Ledger) -> None:
    job = sitting(ledger)
    ledger.now -= 1
    assert owed(ledger, first(job)) == []
    ledger.now += 1
    assert owed(ledger, first(job)) == ["run"]
    assert owed(ledger, first(job), HONEST) == ["commit"]


def test_all_seats_of_one_provider_are_sealed_by_one_run(ledger: Ledger) -> None:
    job = ledger.open_job(3)
    ledger.pass_time(1, blocks=2)
    ledger.draw(STRANGER, job)
    for unit in range(3):
        ledger.take_seat(PROVIDERS[0], ledger.job(), unit)
    ledger.now = ledger.job().round.contest_end
    told = steps(ledger.state, ledger.job(), ledger.clock, PROVIDERS[0], SETTING, HONEST)
    assert [(step.function, step.seat) for step in told] == [("commit", 0), ("commit", 1), ("commit", 2)]
    assert len({step.intent for step in told}) == 3


def test_in_round_two_a_seal_needs_both_traces(ledger: Ledger) -> None:
    ledger.seal_all(sitting(ledger, 2), [TRUE, FALSE])
    ledger.settle(STRANGER, ledger.job(), TRUE)
    job = ledger.fill(ledger.job())
    assert owed(ledger, first(job), HONEST) == ["run"]
    both = Knows(digest=TRUE, salted=SALTED)
    assert set(owed(ledger, first(job), both)) == {"commit"}


def test_an_owner_runs_from_the_first_seed_on(ledger: Ledger) -> None:
    ledger.open_job(1)
    assert owed(ledger, OWNER) == []
    ledger.pass_time(1, blocks=2)
    ledger.draw(STRANGER, ledger.job())
    assert owed(ledger, OWNER) == ["run"]
    assert owed(ledger, STRANGER, Knows(checks=True)) == ["run"]
    assert owed(ledger, STRANGER) == []


# --- naming ---


def test_the_lowest_seat_that_sealed_the_digest_names_it_and_the_others_after_a_while(ledger: Ledger) -> None:
    job = ledger.seal_all(sitting(ledger, 3), [FALSE, TRUE, TRUE])
    liar, lowest, other = (seat.provider for seat in job.round.seats if seat)
    assert owed(ledger, lowest, HONEST) == ["settle"]
    assert owed(ledger, other, HONEST) == []
    assert owed(ledger, OWNER, HONEST) == ["settle"]
    ledger.pass_time(PATIENCE - 1)
    assert owed(ledger, other, HONEST) == []
    ledger.pass_time(1)
    assert owed(ledger, other, HONEST) == ["settle"]
    assert owed(ledger, liar, HONEST) == ["settle"]


def test_a_digest_that_opens_no_seal_is_not_named(ledger: Ledger) -> None:
    job = ledger.seal_all(sitting(ledger), [FALSE])
    ledger.pass_time(PATIENCE)
    assert owed(ledger, first(job), HONEST) == []
    assert owed(ledger, OWNER, HONEST) == []


def test_nothing_is_named_while_seals_are_missing(ledger: Ledger) -> None:
    job = ledger.seal_all(sitting(ledger, 2), [TRUE, None])
    assert owed(ledger, first(job), HONEST) == []


@pytest.mark.parametrize("right", [quorum(1) - 1, quorum(1)])
def test_a_jury_decides_with_its_quorum(ledger: Ledger, right: int) -> None:
    ledger.challenge(STRANGER, ledger.proposed(1, FALSE), TRUE)
    job = ledger.fill(ledger.job())
    job = ledger.seal_all(job, [TRUE] * right + [FALSE] * (jury(1) - right), SALTED)
    told = owed(ledger, first(job), Knows(digest=TRUE, salted=SALTED))
    assert told == (["decide"] if right == quorum(1) else [])


# --- challenging, releasing, declining ---


def test_an_owner_releases_what_its_own_run_confirms_without_waiting(ledger: Ledger) -> None:
    ledger.proposed(1, TRUE)
    assert owed(ledger, OWNER, HONEST) == ["release"]
    assert owed(ledger, BUYER, HONEST) == []


def test_a_checker_challenges_what_differs_within_the_window(ledger: Ledger) -> None:
    job = ledger.proposed(1, FALSE)
    assert owed(ledger, OWNER, HONEST) == ["challenge"]
    assert owed(ledger, STRANGER, HONEST) == []
    assert owed(ledger, STRANGER, Knows(checks=True, digest=TRUE)) == ["challenge"]
    assert owed(ledger, STRANGER, Knows(checks=True, digest=FALSE)) == []
    ledger.now = job.challenge_by
    assert "challenge" not in owed(ledger, OWNER, HONEST)


def test_nobody_challenges_where_no_jury_could_sit(ledger: Ledger) -> None:
    job = ledger.proposed(1, FALSE)
    for provider in PROVIDERS:
        account = ledger.state.account(provider)
        ledger.state.accounts[provider] = replace(account, stake=account.locked + job.bond)
    seats = jury_seats(ledger.state, job, UNIT)
    assert seats < jury(1)
    assert owed(ledger, OWNER, HONEST) == []


def test_only_stake_older_than_the_job_counts_for_a_jury(ledger: Ledger) -> None:
    job = ledger.proposed(1, FALSE)
    before = jury_seats(ledger.state, job, UNIT)
    account = ledger.state.account(PROVIDERS[0])
    ledger.state.accounts[PROVIDERS[0]] = replace(account, since=job.opened_at)
    assert jury_seats(ledger.state, job, UNIT) < before


def test_near_its_deadline_an_owner_neither_releases_nor_declines(ledger: Ledger) -> None:
    job = ledger.settled(1)
    ledger.now = job.release_by - job.release // 10 - 1
    assert owed(ledger, OWNER, HONEST) == ["release"]
    ledger.now += 1
    assert owed(ledger, OWNER, HONEST) == []


@pytest.mark.parametrize("knows", [Knows(digest=FALSE), Knows(digest=TRUE, failed=True)])
def test_an_owner_declines_a_settled_result_that_it_cannot_open(ledger: Ledger, knows: Knows) -> None:
    ledger.settled(1)
    assert owed(ledger, OWNER, knows) == ["refund"]
    ledger.refund(OWNER, ledger.job())
    assert ledger.job().refunded is Outcome.RELEASE_DECLINED


def test_an_owner_that_bought_its_own_job_has_nothing_left_to_do(ledger: Ledger) -> None:
    ledger.settled(1, buyer=OWNER)
    assert owed(ledger, OWNER, HONEST) == []


# --- what anybody may call ---


def test_due_calls_come_from_one_party_after_the_other(ledger: Ledger) -> None:
    job = ledger.proposed(1)
    ledger.now = job.challenge_by
    turns = [first(job), OWNER, BUYER]
    for turn, party in enumerate(turns):
        ledger.now = job.challenge_by + turn * (FILL // 10)
        assert owed(ledger, party) == (["finalize", "run"] if party == OWNER else ["finalize"])
    assert owed(ledger, STRANGER) == []


def test_a_provider_without_a_seat_redraws_where_everybody_concerned_is_silent(ledger: Ledger) -> None:
    job = ledger.seal_all(sitting(ledger), [None])
    (waiting, *_) = (provider for provider in PROVIDERS if provider != first(job))
    ledger.now = job.round.commit_by + LAST_PLACE * (FILL // 10) - 1
    assert owed(ledger, waiting) == []
    ledger.now += 1
    assert owed(ledger, waiting) == ["redraw"]


def test_missing_seals_are_redrawn_and_a_missed_redraw_refunded(ledger: Ledger) -> None:
    job = ledger.seal_all(sitting(ledger, 2), [TRUE, None])
    ledger.now = job.round.commit_by
    assert "redraw" in owed(ledger, first(job), HONEST)
    ledger.now = job.round.commit_by + FILL
    assert "refund" in owed(ledger, first(job), HONEST)


def test_the_most_urgent_step_comes_first(ledger: Ledger) -> None:
    job = sitting(ledger)
    assert next_step(ledger.state, job, ledger.clock, first(job), SETTING, NOTHING) == Step("run", 1, 1)
    assert next_step(ledger.state, job, ledger.clock, STRANGER, SETTING, NOTHING) is None


def test_after_a_redraw_the_same_step_has_another_intent(ledger: Ledger) -> None:
    assert Step("take_seat", 4, 1, unit=3).intent == "take_seat:4:1:3"
    assert Step("take_seat", 4, 1, redrawn=True, unit=3).intent == "take_seat:4:1r:3"


# --- whole histories ---


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.sets(st.sampled_from(PROVIDERS), max_size=3), st.data())
def test_honest_parties_follow_the_rules_to_the_end(seats: int, liars: set[str], data: st.DataObject) -> None:
    """Whatever the rules say is accepted, and if all are honest the result is released and all seats paid."""
    ledger = Ledger()
    ledger.open_job(seats)
    parties = [*PROVIDERS, OWNER, BUYER]
    for turn in range(2_000):
        if ledger.job().over:
            break
        ledger.pass_time(data.draw(st.sampled_from([7, 60])), blocks=1)
        me = parties[turn % len(parties)]
        digest = FALSE if me in liars else TRUE
        knows = Knows(ready=me in PROVIDERS, digest=digest, salted=SALTED)
        for step in steps(ledger.state, ledger.job(), ledger.clock, me, SETTING, knows):
            do(ledger, step, me, knows)
            if ledger.job().state is not JobState.OPEN:
                break
        ledger.check()
    job = ledger.job()
    assert job.over
    if not liars:
        assert job.state is JobState.RELEASED
        assert {seat.outcome for seat in job.rounds[0].seats if seat} == {"right"}


def test_the_rules_never_offer_a_call_that_is_refused(ledger: Ledger) -> None:
    """A commit that is a second late is refused by the ledger, and no longer owed."""
    job = sitting(ledger)
    ledger.now = job.round.commit_by
    assert "commit" not in owed(ledger, first(job), HONEST)
    with pytest.raises(NotAccepted):
        ledger.commit(first(job), job, 0, TRUE)


def test_windows_are_long_enough_for_a_patient_party() -> None:
    assert LAST_PLACE * (FILL // 10) < FILL < COMPUTE
