"""refund: every exit of a job, when it opens, to whom, and what it moves (M1, M2, M3, M6, M6', M8)."""

from __future__ import annotations

import pytest
from stage import (
    EPSILON,
    FILL,
    FLOOR,
    GUARANTEE,
    NAMING,
    ONE,
    OUTCOMES,
    PRICE,
    REWARD,
    RIGHT,
    WRONG,
    at,
    digest,
    reverts,
)


def refund(stage, job, by="stranger"):
    done = stage.market.refund(job, {"from": stage.people[by]})
    return OUTCOMES[done.events["JobRefunded"]["outcome"]]


def assert_due_from(stage, job, outcome, time):
    """By anybody: not one second before, and exactly from then on; the view says the same."""
    view = stage.view(job)
    assert (OUTCOMES[view["exit"]], view["exitFrom"]) == (outcome, time)
    at(time - 1)
    with reverts("RefundTooEarly", time, time - 1):
        refund(stage, job)
    at(time)
    assert refund(stage, job) == outcome


def budget(stage):
    epsilon = stage.market.datasetOf(1).dict()["epsilon"]
    return epsilon["reserved"], epsilon["spent"]


def decline(stage, job):
    return refund(stage, job, by="owner")


# ------------------------------------------------------------------------------------------------- checks


@pytest.mark.parametrize("reach", ["proposed", "released", "refunded", "unknown"])
def test_some_states_have_no_such_exit(stage, reach, owner):
    state = {"proposed": 2, "released": 5, "refunded": 6, "unknown": 0}[reach]
    job = 9
    if reach == "proposed":
        job = stage.proposed()
    if reach == "released":
        job = stage.settled()
        stage.market.release(job, RIGHT, b"", {"from": owner})
    if reach == "refunded":
        job = stage.open()
        decline(stage, job)
    for by in ("stranger", "owner"):
        with reverts("WrongState", state):
            refund(stage, job, by)


@pytest.mark.parametrize("by", ["buyer", "stranger"])
def test_nobody_but_the_owner_declines(stage, by):
    job = stage.open()
    until = stage.round(job)["start"] + FILL
    with pytest.raises(Exception, match=f"RefundTooEarly: {until}"):
        refund(stage, job, by)


# ------------------------------------------------------------------------------------------------- M1


def assert_m1(stage, before):
    assert stage.changes(before) == {}
    assert stage.state(1) == "Refunded"
    assert budget(stage) == (0, 0)


def test_m1_nobody_draws(stage):
    before = stage.money()
    job = stage.open()
    assert_due_from(stage, job, "Undrawn", stage.round(job)["start"] + FILL)
    assert_m1(stage, before)


@pytest.mark.parametrize("sitting", [0, 1, 2])
def test_m1_seats_stay_empty(stage, sitting):
    before = stage.money()
    job = stage.open(3)
    stage.draw(job)
    stage.sit(job, *["ann"] * sitting)
    assert_due_from(stage, job, "Unfilled", stage.round(job)["contestEnd"] + FILL)
    assert_m1(stage, before)


@pytest.mark.parametrize("reach", ["opened", "drawn", "half full", "full in the contest"])
def test_m1_the_owner_declines_before_anything_is_computed(stage, reach):
    before = stage.money()
    job = stage.open(2)
    if reach != "opened":
        stage.draw(job)
    if reach == "half full":
        stage.sit(job, "ann")
    if reach == "full in the contest":
        stage.sit(job, "ann", "bob")
        at(stage.round(job)["contestEnd"] - 1)
    assert decline(stage, job) == "Declined"
    assert_m1(stage, before)


def test_m1_the_owner_declines_a_round_that_is_not_full_after_its_contest(stage):
    before = stage.money()
    job = stage.open(2)
    stage.draw(job)
    stage.sit(job, "ann")
    at(stage.round(job)["contestEnd"] + 10)
    assert decline(stage, job) == "Declined"
    assert_m1(stage, before)


def test_the_owner_does_not_decline_once_computing_started(stage):
    job = stage.sat("ann")
    at(stage.round(job)["contestEnd"])
    with pytest.raises(Exception, match="RefundTooEarly"):
        decline(stage, job)


def test_the_owner_does_not_decline_after_a_redraw(stage):
    job = redrawn(stage)
    with pytest.raises(Exception, match="RefundTooEarly"):
        decline(stage, job)


def test_between_an_owner_and_itself_a_refund_returns_the_rewards(stage, owner):
    before = stage.money()
    job = stage.open(2, buyer=owner)
    assert decline(stage, job) == "Declined"
    assert_m1(stage, before)


# ------------------------------------------------------------------------------------------------- M2


def redrawn(stage):
    """Three seats: ann and bob sealed, cai was silent and is fined; one seat is empty."""
    job = stage.committed([("ann", RIGHT), ("bob", RIGHT), ("cai", None)])
    at(stage.round(job)["commitBy"])
    stage.stake.redraw(job, {"from": stage.people["stranger"]})
    return job


def test_m2_silent_seats_and_nobody_redraws(stage):
    before = stage.money()
    job = stage.committed([("ann", RIGHT), ("bob", WRONG), ("cai", None)])
    assert_due_from(stage, job, "SealsMissing", stage.round(job)["commitBy"] + FILL)
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {"ann": REWARD, "bob": REWARD, "cai": -fine, "burnt": fine - 2 * REWARD}
    assert budget(stage) == (0, 0)
    assert stage.state(job) == "Refunded"


def test_m2_all_silent_burns_every_fine(stage):
    before = stage.money()
    job = stage.committed([("ann", None), ("bob", None)])
    at(stage.round(job)["commitBy"] + FILL)
    assert refund(stage, job) == "SealsMissing"
    fine = stage.bond(2) // 3
    assert stage.changes(before) == {"ann": -fine, "bob": -fine, "burnt": 2 * fine}


def test_m2_silent_again_after_the_redraw(stage):
    before = stage.money()
    job = redrawn(stage)
    stage.sit(job, "cai")
    assert_due_from(stage, job, "SealsMissing", stage.round(job)["commitBy"])
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {
        "ann": REWARD,
        "bob": REWARD,
        "cai": -2 * fine,
        "burnt": 2 * fine - 2 * REWARD,
    }


def test_m2_after_the_redraw_seats_stay_empty(stage):
    before = stage.money()
    job = redrawn(stage)
    assert_due_from(stage, job, "RefillFailed", stage.round(job)["contestEnd"] + FILL)
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {"ann": REWARD, "bob": REWARD, "cai": -fine, "burnt": fine - 2 * REWARD}
    assert budget(stage) == (0, 0)


def test_m2_a_seat_taken_since_the_redraw_gets_its_bond_whole_if_others_stay_empty(stage):
    before = stage.money()
    job = stage.committed([("ann", RIGHT), ("cai", None), ("cai", None)])
    at(stage.round(job)["commitBy"])
    stage.stake.redraw(job, {"from": stage.people["stranger"]})
    stage.sit(job, "bob")
    at(stage.round(job)["contestEnd"] + FILL)
    assert refund(stage, job) == "RefillFailed"
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {"ann": REWARD, "cai": -2 * fine, "burnt": 2 * fine - REWARD}


def test_m2_the_smallest_fine_covers_the_most_sealed_seats(stage):
    before = stage.money()
    names = ["ann", "bob", "ann", "bob"]
    job = stage.committed([(name, RIGHT) for name in names] + [("cai", None)])
    at(stage.round(job)["commitBy"] + FILL)
    refund(stage, job)
    fine = stage.bond(5) // 3
    assert fine == 8 * REWARD
    assert stage.changes(before) == {"ann": 2 * REWARD, "bob": 2 * REWARD, "cai": -fine, "burnt": 4 * REWARD}


# ------------------------------------------------------------------------------------------------- M3


def test_m3_all_sealed_and_nobody_names(stage):
    before = stage.money()
    job = stage.committed([("ann", RIGHT), ("bob", RIGHT)])
    assert_due_from(stage, job, "Unnamed", stage.round(job)["commitBy"] + NAMING)
    fine = stage.bond(2) // 3
    assert stage.changes(before) == {"ann": -fine, "bob": -fine, "burnt": 2 * fine}
    assert budget(stage) == (0, 0)


def test_m3_burns_the_fines_of_the_first_pass_too(stage):
    before = stage.money()
    job = redrawn(stage)
    stage.sit(job, "cai")
    stage.seal(job, 1, {2: RIGHT})
    at(stage.round(job)["commitBy"] + NAMING)
    assert refund(stage, job) == "Unnamed"
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {"ann": -fine, "bob": -fine, "cai": -2 * fine, "burnt": 4 * fine}


def test_m3_a_seal_of_the_zero_digest_pays_its_fine_like_any_other(stage):
    before = stage.money()
    job = stage.committed([("ann", b"\0" * 32)])
    at(stage.round(job)["commitBy"] + NAMING)
    refund(stage, job)
    assert stage.changes(before) == {"ann": -stage.bond(1) // 3, "burnt": stage.bond(1) // 3}


# ------------------------------------------------------------------------------------------------- M6


def test_m6_a_split_without_a_draw_returns_everything(stage):
    before = stage.money()
    job = stage.split([("ann", RIGHT), ("bob", WRONG)])
    assert_due_from(stage, job, "JuryUnfilled", stage.round(job, 2)["start"] + FILL)
    assert stage.changes(before) == {}
    assert budget(stage) == (0, 0)
    assert stage.state(job) == "Refunded"


def test_m6_a_split_whose_jury_does_not_fill_returns_everything(stage):
    before = stage.money()
    job = stage.split([("ann", RIGHT), ("bob", WRONG)])
    stage.draw(job)
    stage.sit(job, *["cai"] * 8)
    assert_due_from(stage, job, "JuryUnfilled", stage.round(job, 2)["contestEnd"] + FILL)
    assert stage.changes(before) == {}


def test_m6_an_undecided_jury_costs_only_its_silent_seats(stage):
    before = stage.money()
    job = stage.split([("ann", RIGHT), ("bob", WRONG)])
    stage.jury(job, [RIGHT] * 4 + [WRONG] * 3 + [None] * 2, names=("cai",))
    assert_due_from(stage, job, "Undecided", stage.round(job, 2)["commitBy"] + NAMING)
    fine = stage.bond(2) // 3
    assert stage.changes(before) == {"cai": -2 * fine, "burnt": 2 * fine}
    assert budget(stage) == (0, 0)


def test_m6_an_undecided_challenge_returns_the_challengers_bond(stage):
    before = stage.money()
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 3 + [WRONG] * 3 + [None], names=("bob",))
    at(stage.round(job, 2)["commitBy"] + NAMING)
    assert refund(stage, job) == "Undecided"
    fine = stage.bond(1) // 3
    assert stage.changes(before) == {"bob": -fine, "burnt": fine}


def test_m6_the_fines_of_a_redraw_are_burnt(stage):
    before = stage.money()
    job = redrawn(stage)
    stage.sit(job, "cai")
    stage.seal(job, 1, {2: WRONG})
    stage.market.settle(job, RIGHT, {"from": stage.people["stranger"]})
    at(stage.round(job, 2)["start"] + FILL)
    assert refund(stage, job) == "JuryUnfilled"
    fine = stage.bond(3) // 3
    assert stage.changes(before) == {"cai": -fine, "burnt": fine}


def test_m6_after_an_early_release_the_buyer_gets_only_the_rewards(stage, owner):
    before = stage.money()
    job = stage.proposed("ann")
    stage.market.release(job, digest("sealed"), b"", {"from": owner})
    stage.challenge(job, WRONG)
    stage.jury(job, [RIGHT] * 3 + [WRONG] * 4, names=("bob",))
    at(stage.round(job, 2)["commitBy"] + NAMING)
    assert refund(stage, job) == "Undecided"
    assert stage.changes(before) == {"buyer": -PRICE, "payee": PRICE}
    assert budget(stage) == (0, EPSILON)
    assert stage.state(job) == "Released"


# ------------------------------------------------------------------------------------------------- M6'


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("names", [("ann",), ("ann", "bob", "ann")])
def test_m6_a_challenge_without_a_jury_pays_round_one_from_the_challengers_fine(stage, drawn, names):
    before = stage.money()
    job = stage.challenged(*names)
    due = stage.round(job, 2)["start"] + FILL
    if drawn:
        stage.draw(job)
        stage.sit(job, "cai")
        due = stage.round(job, 2)["contestEnd"] + FILL
    assert_due_from(stage, job, "JuryUnfilled", due)
    fine = stage.bond(len(names)) // 3
    expected = {name: names.count(name) * REWARD for name in names}
    assert stage.changes(before) == {
        **expected,
        "challenger": -fine,
        "burnt": fine - len(names) * REWARD,
    }
    assert budget(stage) == (0, 0)


def test_m6_after_an_early_release_a_challenge_without_a_jury_ends_released(stage, owner):
    before = stage.money()
    job = stage.proposed("ann")
    stage.market.release(job, digest("sealed"), b"", {"from": owner})
    stage.challenge(job, WRONG)
    at(stage.round(job, 2)["start"] + FILL)
    assert refund(stage, job) == "JuryUnfilled"
    fine = stage.bond(1) // 3
    assert stage.changes(before) == {
        "buyer": -PRICE,
        "payee": PRICE,
        "ann": REWARD,
        "challenger": -fine,
        "burnt": fine - REWARD,
    }
    assert stage.state(job) == "Released"
    assert budget(stage) == (0, EPSILON)


# ------------------------------------------------------------------------------------------------- M8


def test_m8_an_owner_that_declines_pays_the_rewards_and_keeps_its_epsilon(stage):
    before = stage.money()
    job = stage.settled("ann", "bob")
    at(stage.deadline(job) - 1)
    assert decline(stage, job) == "ReleaseDeclined"
    made = 2 * FLOOR
    assert stage.changes(before) == {"owner": -made, "ann": FLOOR, "bob": FLOOR}
    assert budget(stage) == (0, 0)
    assert stage.state(job) == "Refunded"


@pytest.mark.parametrize("by", ["stranger", "owner"])
def test_m8_a_lapse_is_the_same_money_and_spends_epsilon_whoever_calls(stage, by):
    before = stage.money()
    job = stage.settled("ann", "bob")
    at(stage.deadline(job))
    assert refund(stage, job, by) == "ReleaseLapsed"
    assert stage.changes(before) == {"owner": -2 * FLOOR, "ann": FLOOR, "bob": FLOOR}
    assert budget(stage) == (0, EPSILON)


def test_m8_is_due_for_anybody_from_the_end_of_the_release_window(stage):
    job = stage.settled()
    assert_due_from(stage, job, "ReleaseLapsed", stage.deadline(job))


def test_m8_a_guarantee_below_the_rewards_is_all_that_is_paid(stage):
    before = stage.money()
    job = stage.settled("ann", "bob", guarantee=ONE)
    assert decline(stage, job) == "ReleaseDeclined"
    assert stage.changes(before) == {"owner": -ONE, "buyer": ONE - 2 * FLOOR, "ann": FLOOR, "bob": FLOOR}


def test_m8_a_guarantee_above_the_rewards_leaves_the_rest_to_the_owner(stage):
    before = stage.money()
    stage.settled("ann", guarantee=100 * ONE)
    at(stage.deadline(1))
    refund(stage, 1)
    assert stage.changes(before) == {"owner": -FLOOR, "ann": FLOOR}


def test_m8_after_a_dispute_counts_only_the_rewards_that_the_escrow_paid(stage):
    job = stage.split([("ann", RIGHT), ("bob", WRONG), ("ann", RIGHT)])
    stage.jury(job, [RIGHT] * 11, names=("cai",))
    stage.decided(job)
    before = stage.money()
    assert decline(stage, job) == "ReleaseDeclined"
    made = 2 * FLOOR
    assert stage.changes(before) == {
        "buyer": PRICE + made,
        "owner": GUARANTEE - made,
        "held": -PRICE - GUARANTEE,
    }


def test_m8_a_late_round_counts_its_higher_reward(stage, stranger):
    before = stage.money()
    job = stage.open(guarantee=100 * ONE)
    stage.draw(job)
    at(stage.round(job)["contestEnd"] + 300)
    stage.sit(job, "ann")
    stage.seal(job, 1, {0: RIGHT})
    stage.market.settle(job, RIGHT, {"from": stranger})
    at(stage.deadline(job))
    stage.market.finalize(job, {"from": stranger})
    decline(stage, job)
    reward = FLOOR + (REWARD - FLOOR) // 2
    assert stage.changes(before) == {"owner": -reward, "ann": reward}


def test_m8_an_exact_release_is_returned_or_counted_like_epsilon(stage):
    declined = stage.settled("ann", epsilon=0)
    decline(stage, declined)
    lapsed = stage.settled("ann", epsilon=0)
    at(stage.deadline(lapsed))
    refund(stage, lapsed)
    exact = stage.market.datasetOf(1).dict()["exact"]
    assert (exact["reserved"], exact["spent"]) == (0, 1)


# ------------------------------------------------------------------------------------------------- one exit at a time


def test_no_two_calls_of_a_deadline_succeed_at_the_same_second(stage, stranger):
    """At each deadline: what stops has stopped, what starts has started."""
    job = stage.committed([("ann", RIGHT), ("cai", None)])
    by = stage.round(job)["commitBy"]
    at(by)
    with reverts("RefundTooEarly", by + FILL, by):
        refund(stage, job)
    at(by + FILL)
    with reverts("RedrawOver", by + FILL, by + FILL):
        stage.stake.redraw(job, {"from": stranger})
    assert refund(stage, job) == "SealsMissing"
