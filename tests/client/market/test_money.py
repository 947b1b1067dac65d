"""Each outcome pays what the published table says, and what is locked equals what comes out."""

from __future__ import annotations

import pytest
from small_ledger import BUYER, FALSE, FILL, OWNER, PROVIDERS, SALTED, STRANGER, TRUE, Ledger, NotAccepted

from hexchange.chain.events import Outcome
from hexchange.market.money import SeatPay
from hexchange.market.quantities import jury
from hexchange.market.state import Job, JobState

P, G, R = 500, 70, 10


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def wealth(ledger: Ledger) -> dict[str, int]:
    """What each party owns outside jobs."""
    owned = {a: s.free + s.stake + s.leaving for a, s in ledger.state.accounts.items()}
    return {**owned, "burnt": ledger.state.burnt}


def changes(ledger: Ledger, before: dict[str, int]) -> dict[str, int]:
    after = wealth(ledger)
    return {party: after[party] - before[party] for party in after if after[party] != before[party]}


def seats(pays: tuple[SeatPay | None, ...]) -> list[tuple[int, int]]:
    return [(pay.back, pay.reward) for pay in pays if pay]


@pytest.mark.parametrize("stage", ["undrawn", "unfilled", "declined", "declined full"])
def test_m1_gives_everything_back(ledger: Ledger, stage: str) -> None:
    before = wealth(ledger)
    job = ledger.open_job(3, epsilon=5)
    if stage != "undrawn":
        ledger.pass_time(1, blocks=2)
        ledger.draw(STRANGER, job)
        ledger.take_seat(PROVIDERS[0], ledger.job(), 0)
    if stage == "declined full":
        ledger.take_seat(PROVIDERS[0], ledger.job(), 1)
        ledger.take_seat(PROVIDERS[0], ledger.job(), 2)
    caller = OWNER if stage.startswith("declined") else STRANGER
    if caller == STRANGER:
        ledger.pass_time(2 * FILL)
    payout = ledger.refund(caller, ledger.job())
    assert (payout.buyer, payout.owner, payout.burnt) == (P + 3 * R, G, 0)
    assert changes(ledger, before) == {}
    assert ledger.job().refunded is {
        "undrawn": Outcome.UNDRAWN,
        "unfilled": Outcome.UNFILLED,
    }.get(stage, Outcome.DECLINED)
    ledger.check()


def test_m2_pays_sealed_seats_from_the_fines_of_silent_ones(ledger: Ledger) -> None:
    job = ledger.seal_all(ledger.fill(ledger.open_job(3)), [TRUE, None, None])
    ledger.now = job.round.commit_by + FILL
    payout = ledger.refund(STRANGER, job)
    assert (payout.buyer, payout.owner) == (P + 3 * R, G)
    assert seats(payout.round_one) == [(job.bond, R), (job.bond - job.fine, 0), (job.bond - job.fine, 0)]
    assert payout.burnt == 2 * job.fine - R
    ledger.check()


def test_m2_after_a_redraw_burns_both_fines(ledger: Ledger) -> None:
    job = ledger.seal_all(ledger.fill(ledger.open_job(2)), [TRUE, None])
    ledger.now = job.round.commit_by
    ledger.redraw(STRANGER, job)
    job = ledger.job()
    ledger.take_seat(PROVIDERS[1], job, 7)
    ledger.now = ledger.job().round.commit_by
    payout = ledger.refund(STRANGER, ledger.job())
    assert ledger.job().refunded is Outcome.SEALS_MISSING
    assert seats(payout.round_one) == [(job.bond, R), (job.bond - job.fine, 0)]
    assert payout.burnt == 2 * job.fine - R
    ledger.check()


def test_m2_without_a_refill_returns_new_bonds_whole(ledger: Ledger) -> None:
    job = ledger.seal_all(ledger.fill(ledger.open_job(3)), [TRUE, None, None])
    ledger.now = job.round.commit_by
    ledger.redraw(STRANGER, job)
    ledger.take_seat(PROVIDERS[1], ledger.job(), 7)
    ledger.pass_time(2 * FILL)
    payout = ledger.refund(STRANGER, ledger.job())
    assert ledger.job().refunded is Outcome.REFILL_FAILED
    assert seats(payout.round_one) == [(job.bond, R), (job.bond, 0)]
    assert payout.burnt == 2 * job.fine - R
    ledger.check()


def test_m3_fines_every_seat_when_nobody_names(ledger: Ledger) -> None:
    job = ledger.seal_all(ledger.fill(ledger.open_job(3)), [TRUE, FALSE, TRUE])
    ledger.pass_time(2000)
    payout = ledger.refund(STRANGER, job)
    assert (payout.buyer, payout.owner, payout.burnt) == (P + 3 * R, G, 3 * job.fine)
    assert seats(payout.round_one) == 3 * [(job.bond - job.fine, 0)]
    ledger.check()


def test_m4_pays_the_reward_of_the_hour_and_keeps_price_and_guarantee(ledger: Ledger) -> None:
    job = ledger.open_job(3, floor=2, reward=R)
    ledger.pass_time(1, blocks=2)
    ledger.draw(STRANGER, job)
    ledger.now = ledger.job().round.contest_end + FILL // 2
    for unit in range(3):
        ledger.take_seat(PROVIDERS[0], ledger.job(), unit)
    job = ledger.seal_all(ledger.job(), [TRUE] * 3)
    ledger.settle(STRANGER, job, TRUE)
    ledger.now = ledger.job().challenge_by
    payout = ledger.finalize(STRANGER, ledger.job())
    assert job.right_reward == 6
    assert (payout.buyer, payout.owner, payout.payee, payout.burnt) == (3 * (R - 6), 0, 0, 0)
    assert seats(payout.round_one) == 3 * [(job.bond, 6)]
    assert ledger.state.held[1] == P + G
    ledger.check()


def escalated(ledger: Ledger, first: list[bytes], challenger: bytes | None = None) -> Job:
    if challenger is None:
        job = ledger.seal_all(ledger.fill(ledger.open_job(len(first))), list(first))
        ledger.settle(STRANGER, job, TRUE)
    else:
        job = ledger.proposed(len(first), first[0])
        ledger.challenge(STRANGER, job, challenger)
    return ledger.fill(ledger.job())


def test_m5_takes_wrong_bonds_and_fines_silence(ledger: Ledger) -> None:
    job = escalated(ledger, [TRUE, FALSE, TRUE])
    job = ledger.seal_all(job, [TRUE] * 8 + [FALSE, None, None], SALTED)
    ledger.now = job.round.commit_by
    payout = ledger.decide(STRANGER, job, TRUE, SALTED)
    r = job.right_reward
    assert seats(payout.round_one) == [(job.bond, r), (0, 0), (job.bond, r)]
    assert seats(payout.round_two) == 8 * [(job.bond, R)] + [(0, 0)] + 2 * [(job.bond - job.fine, 0)]
    assert (payout.buyer, payout.challenger) == (3 * R - 2 * r, 0)
    assert payout.burnt == 2 * job.bond + 2 * job.fine - 8 * R >= R
    assert (ledger.job().state, ledger.job().right) == (JobState.SETTLED, 2)
    ledger.check()


def test_m5_pays_a_challenger_who_was_right(ledger: Ledger) -> None:
    job = escalated(ledger, [FALSE], challenger=TRUE)
    job = ledger.seal_all(job, [TRUE] * jury(1), SALTED)
    payout = ledger.decide(STRANGER, job, TRUE, SALTED)
    assert payout.challenger == job.bond + 4 * R
    assert (payout.buyer, payout.burnt) == (R, R)
    ledger.check()


@pytest.mark.parametrize("sealed", [TRUE, FALSE])
def test_m5_takes_the_bond_of_a_challenger_who_was_wrong_or_an_echo(ledger: Ledger, sealed: bytes) -> None:
    job = escalated(ledger, [TRUE], challenger=sealed)
    job = ledger.seal_all(job, [TRUE] * jury(1), SALTED)
    payout = ledger.decide(STRANGER, job, TRUE, SALTED)
    assert payout.challenger == 0
    assert payout.burnt == job.bond - jury(1) * R
    ledger.check()


def test_fewer_than_the_quorum_decide_nothing(ledger: Ledger) -> None:
    job = escalated(ledger, [FALSE], challenger=TRUE)
    job = ledger.seal_all(job, [TRUE] * 4 + [FALSE] * 3, SALTED)
    with pytest.raises(NotAccepted):
        ledger.decide(STRANGER, job, TRUE, SALTED)


@pytest.mark.parametrize("early", [False, True])
def test_m6_returns_what_was_locked_but_fines_silence(ledger: Ledger, early: bool) -> None:
    job = ledger.proposed(1, TRUE)
    if early:
        ledger.release(OWNER, job)
    ledger.challenge(STRANGER, ledger.job(), FALSE)
    job = ledger.seal_all(ledger.fill(ledger.job()), [TRUE] * 3 + [FALSE] * 3 + [None], SALTED)
    ledger.pass_time(5000)
    payout = ledger.refund(STRANGER, job)
    assert (payout.buyer, payout.owner) == ((R, 0) if early else (P + R, G))
    assert (payout.challenger, payout.burnt) == (job.bond, job.fine)
    assert seats(payout.round_one) == [(job.bond, 0)]
    assert seats(payout.round_two) == 6 * [(job.bond, 0)] + [(job.bond - job.fine, 0)]
    assert ledger.job().state is (JobState.RELEASED if early else JobState.REFUNDED)
    ledger.check()


@pytest.mark.parametrize("drawn", [False, True])
def test_a_challenge_without_a_jury_pays_round_one(ledger: Ledger, drawn: bool) -> None:
    job = ledger.proposed(2, TRUE)
    ledger.challenge(STRANGER, job, FALSE)
    if drawn:
        ledger.pass_time(1, blocks=2)
        ledger.draw(STRANGER, ledger.job())
        ledger.take_seat(PROVIDERS[0], ledger.job(), 0)
    ledger.pass_time(5000)
    payout = ledger.refund(STRANGER, ledger.job())
    assert (payout.buyer, payout.owner) == (P + 2 * R, G)
    assert seats(payout.round_one) == 2 * [(job.bond, R)]
    assert seats(payout.round_two) == ([(job.bond, 0)] if drawn else [])
    assert (payout.challenger, payout.burnt) == (job.bond - job.fine, job.fine - 2 * R)
    ledger.check()


def test_a_disagreement_without_a_jury_returns_every_bond(ledger: Ledger) -> None:
    job = ledger.seal_all(ledger.fill(ledger.open_job(2)), [TRUE, FALSE])
    ledger.settle(STRANGER, job, TRUE)
    ledger.pass_time(5000)
    payout = ledger.refund(STRANGER, ledger.job())
    assert seats(payout.round_one) == 2 * [(job.bond, 0)]
    assert (payout.buyer, payout.owner, payout.burnt) == (P + 2 * R, G, 0)
    ledger.check()


@pytest.mark.parametrize("early", [False, True])
def test_m7_pays_the_price_and_returns_the_guarantee(ledger: Ledger, early: bool) -> None:
    job = ledger.proposed(1, epsilon=7) if early else ledger.settled(1, epsilon=7)
    before = wealth(ledger)
    ledger.release(OWNER, job)
    assert changes(ledger, before) == {OWNER: P + G}
    assert ledger.state.datasets[1].epsilon_spent == 7
    if early:
        ledger.now = job.challenge_by
        ledger.finalize(STRANGER, ledger.job())
    assert ledger.job().state is JobState.RELEASED
    ledger.check()


@pytest.mark.parametrize(("caller", "spent"), [(OWNER, 0), (STRANGER, 7)])
@pytest.mark.parametrize(("guarantee", "made"), [(70, 6), (4, 4), (0, 0)])
def test_m8_makes_rewards_good_up_to_the_guarantee(
    ledger: Ledger, caller: str, spent: int, guarantee: int, made: int
) -> None:
    job = ledger.settled(3, epsilon=7, guarantee=guarantee, floor=2)
    if caller == STRANGER:
        ledger.now = job.release_by
    payout = ledger.refund(caller, job)
    assert (payout.buyer, payout.owner, payout.burnt) == (P + made, guarantee - made, 0)
    assert (ledger.state.datasets[1].epsilon_spent, ledger.state.datasets[1].epsilon_reserved) == (spent, 0)
    ledger.check()


def test_an_owner_that_buys_from_itself_pays_rewards_only(ledger: Ledger) -> None:
    before = wealth(ledger)
    job = ledger.settled(2, buyer=OWNER, epsilon=7, floor=2)
    assert job.state is JobState.RELEASED
    assert changes(ledger, before)[OWNER] == -2 * 2
    dataset = ledger.state.datasets[1]
    assert (dataset.epsilon_reserved, dataset.epsilon_spent, dataset.exact_spent) == (0, 0, 0)
    ledger.check()


def test_an_offer_without_epsilon_uses_one_exact_release(ledger: Ledger) -> None:
    job = ledger.settled(1, epsilon=0)
    assert ledger.state.datasets[1].exact_reserved == 1
    ledger.release(OWNER, job)
    dataset = ledger.state.datasets[1]
    assert (dataset.exact_reserved, dataset.exact_spent, dataset.exact_left) == (0, 1, 99)


def test_the_buyer_pays_price_and_rewards_and_no_more(ledger: Ledger) -> None:
    before = wealth(ledger)
    job = ledger.settled(3, floor=2)
    ledger.release(OWNER, job)
    assert changes(ledger, before)[BUYER] == -(P + 3 * 2)
