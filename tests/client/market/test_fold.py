"""The fold over random histories: no unit is created or lost, and every job ends."""

from __future__ import annotations

import contextlib

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
    RELEASE,
    SALTED,
    SETTING,
    STRANGER,
    TRUE,
    UNIT,
    Ledger,
    NotAccepted,
)

from hexchange.chain import events as on
from hexchange.chain.events import EVENTS, ZERO_ADDRESS, Outcome
from hexchange.errors import DatasetNotFound, JobNotFound
from hexchange.market.digests import NO_SALT
from hexchange.market.fold import HANDLERS, fold
from hexchange.market.quantities import quorum
from hexchange.market.state import Account, Job, JobState
from hexchange.market.windows import deadline

LONGEST = 9 * FILL + 4 * COMPUTE + 2 * SETTING.naming + RELEASE


def test_every_event_has_a_handler_but_the_one_that_changes_nothing() -> None:
    assert set(EVENTS.values()) - set(HANDLERS) == {on.CallFailed}


def attempt(ledger: Ledger, data: st.DataObject, job: Job) -> None:
    """One random call by somebody who may not be allowed to; what is not accepted changes nothing."""
    number = job.round.number
    digest, salted = (
        data.draw(st.sampled_from([TRUE, TRUE, TRUE, FALSE])),
        (NO_SALT if number == 1 else SALTED),
    )
    caller = data.draw(st.sampled_from([OWNER, BUYER, STRANGER, *PROVIDERS]))
    seat = data.draw(st.integers(0, len(job.round.seats) - 1))
    taken = job.round.seats[seat]
    calls = {
        "draw": lambda: ledger.draw(caller, job),
        "take_seat": lambda: ledger.take_seat(caller, job, data.draw(st.integers(0, 12))),
        "fill": lambda: [
            ledger.take_seat(provider, ledger.job(job.id), unit)
            for unit in range(3)
            for provider in PROVIDERS
        ],
        "commit": lambda: ledger.commit(taken.provider if taken else caller, job, seat, digest, salted),
        "seal": lambda: ledger.seal_all(job, [digest] * len(job.round.seats), salted),
        "settle": lambda: ledger.settle(caller, job, digest),
        "challenge": lambda: ledger.challenge(caller, job, digest),
        "finalize": lambda: ledger.finalize(caller, job),
        "decide": lambda: ledger.decide(caller, job, digest, SALTED),
        "release": lambda: ledger.release(caller, job),
        "redraw": lambda: ledger.redraw(caller, job),
        "refund": lambda: ledger.refund(caller, job),
    }
    rare = ["refund", "redraw", "challenge"] if data.draw(st.integers(0, 3)) == 0 else []
    usual = ["draw", "take_seat", "fill", "commit", "seal", "settle", "finalize", "decide", "release"]
    with contextlib.suppress(NotAccepted):
        calls[data.draw(st.sampled_from(rare or usual))]()


def end_by_a_stranger(ledger: Ledger, job: Job) -> None:
    """From any state on, a stranger alone ends the job at its deadlines."""
    while not ledger.job(job.id).over:
        due = deadline(ledger.job(job.id), ledger.now, SETTING.naming)
        assert due is not None
        ledger.now = max(ledger.now, due.at)
        getattr(ledger, due.function)(STRANGER, ledger.job(job.id))
        ledger.check()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_histories_conserve_money_and_end(data: st.DataObject) -> None:
    ledger = Ledger()
    seats = data.draw(st.integers(1, 5))
    buyer = data.draw(st.sampled_from([BUYER, BUYER, OWNER]))
    job = ledger.open_job(seats, buyer=buyer, epsilon=data.draw(st.sampled_from([0, 9])))
    opened, escrow = ledger.now, seats * job.reward + job.price
    before = ledger.state.account(buyer).free + escrow
    for _ in range(data.draw(st.integers(0, 25))):
        attempt(ledger, data, ledger.job())
        ledger.check()
        due = deadline(ledger.job(), ledger.now, SETTING.naming)
        if due is None:
            break
        waits = [0, 0, 1, FILL, max(0, due.at - ledger.now), max(0, due.at - ledger.now - 1)]
        ledger.pass_time(data.draw(st.sampled_from(waits)), blocks=2)
    waited = ledger.now - opened
    end_by_a_stranger(ledger, ledger.job())
    assert ledger.now - opened <= max(LONGEST, waited)
    if buyer == BUYER:
        assert ledger.state.account(BUYER).free <= before
    decided = ledger.job().refunded is None and ledger.job().state is not JobState.OPEN
    disputed = len(ledger.job().rounds) == 2
    if decided and disputed:
        assert ledger.state.burnt >= job.reward
    cut = data.draw(st.integers(0, len(ledger.events)))
    assert fold(ledger.events[cut:], fold(ledger.events[:cut])) == ledger.state


def test_folding_on_leaves_the_first_state_alone() -> None:
    ledger = Ledger()
    ledger.settled(1)
    cut = len(ledger.events) // 2
    first = fold(ledger.events[:cut])
    second = fold(ledger.events[cut:], first)
    assert second == ledger.state
    assert first == fold(ledger.events[:cut])


def test_a_job_keeps_its_events_in_order() -> None:
    ledger = Ledger()
    job = ledger.settled(1)
    kinds = [type(event).__name__ for event in job.timeline]
    assert kinds == [
        "JobOpened",
        "SeedDrawn",
        "SeatTaken",
        "RoundFilled",
        "SealCommitted",
        "ResultProposed",
        "SeatClosed",
        "Paid",
        "JobSettled",
    ]


def test_stake_leaves_through_a_delay() -> None:
    ledger = Ledger()
    provider = PROVIDERS[0]
    ledger.emit(on.Unstaked, provider, 5 * UNIT, ledger.now + 600)
    account = ledger.state.account(provider)
    assert (account.stake, account.leaving, account.collectable_at) == (35 * UNIT, 5 * UNIT, ledger.now + 600)
    ledger.emit(on.Collected, provider, 5 * UNIT)
    ledger.emit(on.Withdrawn, provider, STRANGER, 5 * UNIT)
    ledger.deposited -= 5 * UNIT
    assert ledger.state.account(provider).leaving == 0
    ledger.check()


def test_what_happens_to_a_dataset_is_remembered() -> None:
    ledger = Ledger()
    ledger.emit(on.OfferRequested, 1, BUYER, b"\x21" * 32)
    ledger.emit(on.OffersPublished, 1, b"\x22" * 32)
    ledger.emit(on.OfferCancelled, 1, b"\x23" * 32)
    ledger.emit(on.ManifestUpdated, 1, b"\x24" * 32)
    ledger.emit(on.Transfer, OWNER, STRANGER, 1)
    ledger.emit(on.EpochRaised, 1, 1)
    ledger.emit(on.DatasetDelisted, 1)
    dataset = ledger.state.dataset(1)
    assert dataset.requests == ((BUYER, b"\x21" * 32),)
    assert dataset.offers == (b"\x22" * 32,)
    assert ledger.state.offer(b"\x23" * 32).cancelled
    assert (dataset.manifest, dataset.manifests) == (b"\x24" * 32, (b"\x01" * 32, b"\x24" * 32))
    assert (dataset.owner, dataset.epoch, dataset.delisted) == (STRANGER, 1, True)


def test_each_job_uses_its_offer_once() -> None:
    ledger = Ledger()
    job = ledger.open_job(1)
    ledger.open_job(1)
    assert ledger.state.offer(job.offer).uses == 2


def test_a_displaced_seat_gets_its_bond_back() -> None:
    ledger = Ledger()
    job = ledger.open_job(1)
    ledger.pass_time(1, blocks=2)
    ledger.draw(STRANGER, job)
    for unit in range(40):
        for provider in PROVIDERS:
            with contextlib.suppress(NotAccepted):
                ledger.take_seat(provider, ledger.job(), unit)
    displaced = [
        event
        for event in ledger.events
        if isinstance(event, on.SeatTaken) and event.displaced != ZERO_ADDRESS
    ]
    assert displaced
    assert sum(account.locked for account in ledger.state.accounts.values()) == job.bond
    ledger.check()


def test_the_first_seed_stays_that_of_the_trace() -> None:
    ledger = Ledger()
    job = ledger.fill(ledger.open_job(1))
    first = job.round.seed
    ledger.now = job.round.commit_by
    ledger.redraw(STRANGER, job)
    job = ledger.job()
    assert job.trace_seed == first != job.round.seed
    assert [seat.outcome for seat in job.round.silent] == ["silent"]
    assert job.round.seats == (None,)


def test_seats_say_how_they_ended() -> None:
    ledger = Ledger()
    job = ledger.seal_all(ledger.fill(ledger.open_job(2)), [TRUE, FALSE])
    assert [seat.outcome for seat in job.round.seats if seat] == ["sealed", "sealed"]
    ledger.settle(STRANGER, job, TRUE)
    job = ledger.fill(ledger.job())
    assert {seat.outcome for seat in job.round.seats if seat} == {"taken"}
    job = ledger.seal_all(job, [TRUE] * quorum(2) + [FALSE] + [None] * 2, SALTED)
    ledger.now = job.round.commit_by
    ledger.decide(STRANGER, job, TRUE, SALTED)
    one, two = ledger.job().rounds
    assert [seat.outcome for seat in one.seats if seat] == ["right", "wrong"]
    assert [seat.outcome for seat in two.seats if seat] == ["right"] * 6 + ["wrong"] + ["silent"] * 2


def test_a_refund_says_its_outcome() -> None:
    ledger = Ledger()
    ledger.refund(OWNER, ledger.open_job(1))
    assert ledger.job().refunded is Outcome.DECLINED
    assert ledger.job().over


def test_unknown_numbers_and_addresses() -> None:
    state = Ledger().state
    assert state.account("0x" + "99" * 20) == Account()
    with pytest.raises(JobNotFound):
        state.job(7)
    with pytest.raises(DatasetNotFound):
        state.dataset(7)
