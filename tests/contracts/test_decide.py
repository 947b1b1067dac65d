"""decide: round two names a digest, the dispute is paid at once (row M5 of the money table)."""

from __future__ import annotations

import pytest
from stage import (
    FLOOR,
    GUARANTEE,
    NAMING,
    PRICE,
    REWARD,
    RIGHT,
    TRACE,
    WRONG,
    ZERO,
    at,
    digest,
    reverts,
)

GARBAGE = digest("garbage")
SPLIT = [("ann", RIGHT), ("bob", RIGHT), ("cai", WRONG)]


# ------------------------------------------------------------------------------------------------- checks, in order


@pytest.mark.parametrize(("reach", "state"), [("open", 1), ("proposed", 2), ("settled", 4)])
def test_only_an_escalated_job_can_be_decided(stage, stranger, reach, state):
    job = getattr(stage, reach)()
    with reverts("WrongState", state):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})


def test_an_unknown_job_cannot_be_decided(stage, stranger):
    with reverts("WrongState", 0):
        stage.market.decide(77, RIGHT, TRACE, {"from": stranger})


def test_nothing_is_decided_before_round_two_is_full(stage, stranger):
    job = stage.challenged("ann")
    with reverts("RoundTwoNotFull"):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    stage.draw(job)
    stage.sit(job, *["bob"] * 6)
    with reverts("RoundTwoNotFull"):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})


def test_no_digest_is_named_while_a_commit_is_still_possible(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 6 + [None])
    by = stage.round(job, 2)["commitBy"]
    at(by - 1)
    with reverts("CommitsOpen", by, by - 1):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    at(by)
    stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    assert stage.state(job) == "Settled"


def test_a_round_that_is_all_sealed_is_decided_before_its_commits_end(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    assert stage.state(job) == "Settled"


def test_the_last_second_of_the_naming_window_decides_and_the_next_does_not(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    name_by = stage.round(job, 2)["commitBy"] + NAMING
    at(name_by)
    with reverts("NamingOver", name_by, name_by):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})


def test_one_second_before_the_end_of_the_naming_window_decides(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    at(stage.round(job, 2)["commitBy"] + NAMING - 1)
    stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    assert stage.state(job) == "Settled"


@pytest.mark.parametrize(("seats", "needed"), [(1, 5), (2, 6), (3, 8), (4, 9), (5, 10)])
def test_t_of_m_seats_decide_and_one_less_does_not(stage, stranger, seats, needed):
    names = ("ann", "bob", "cai", "ann", "bob")[:seats]
    jury = 2 * seats + 5
    job = stage.challenged(*names)
    stage.jury(job, [RIGHT] * needed + [GARBAGE] * (jury - needed))
    with reverts("TooFewOpen", jury - needed, needed):
        stage.market.decide(job, GARBAGE, TRACE, {"from": stranger})
    stage.market.decide(job, RIGHT, TRACE, {"from": stranger})
    assert stage.state(job) == "Settled"


@pytest.mark.parametrize(("seats", "needed"), [(1, 5), (3, 8), (5, 10)])
def test_one_seat_too_few_is_no_decision(stage, stranger, seats, needed):
    names = ("ann", "bob", "cai", "ann", "bob")[:seats]
    job = stage.challenged(*names)
    stage.jury(job, [RIGHT] * (needed - 1) + [GARBAGE] * (2 * seats + 6 - needed))
    with reverts("TooFewOpen", needed - 1, needed):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})


def test_round_two_opens_only_with_digest_and_trace_together(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    for named, salted in ((RIGHT, ZERO), (RIGHT, digest("other trace")), (WRONG, TRACE)):
        with reverts("TooFewOpen", 0, 5):
            stage.market.decide(job, named, salted, {"from": stranger})
    before = stage.money()
    assert stage.changes(before) == {}


def test_seals_of_the_zero_digest_open_with_nothing(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [ZERO] * 7)
    with reverts("TooFewOpen", 0, 5):
        stage.market.decide(job, ZERO, TRACE, {"from": stranger})


# ------------------------------------------------------------------------------------------------- money: M5


def test_a_split_round_one_pays_its_right_seats_and_the_jury_from_the_wrong_bond(stage):
    before = stage.money()
    job = stage.split(SPLIT)
    stage.jury(job, [RIGHT] * 11)
    stage.decided(job)
    bond = stage.bond(3)
    assert stage.changes(before) == {
        "buyer": -PRICE - 2 * FLOOR,
        "owner": -GUARANTEE,
        "ann": FLOOR + 4 * REWARD,
        "bob": FLOOR + 4 * REWARD,
        "cai": -bond + 3 * REWARD,
        "held": PRICE + GUARANTEE,
        "burnt": bond - 11 * REWARD,
    }
    assert bond - 11 * REWARD == 7 * REWARD


def test_a_challenger_who_was_right_wins_a_third_of_a_bond_and_one_reward_is_burnt(stage):
    before = stage.money()
    job = stage.committed([("ann", WRONG)])
    stage.market.settle(job, WRONG, {"from": stage.people["stranger"]})
    stage.challenge(job, RIGHT)
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    stage.decided(job)
    bond = stage.bond(1)
    assert stage.changes(before) == {
        "buyer": -PRICE,
        "owner": -GUARANTEE,
        "ann": -bond,
        "bob": 4 * REWARD,
        "cai": 3 * REWARD,
        "challenger": bond // 3,
        "held": PRICE + GUARANTEE,
        "burnt": REWARD,
    }


def test_a_challenger_who_was_wrong_pays_the_jury(stage):
    before = stage.money()
    job = stage.challenged("ann", sealed=WRONG)
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    stage.decided(job)
    bond = stage.bond(1)
    assert stage.changes(before) == {
        "buyer": -PRICE - FLOOR,
        "owner": -GUARANTEE,
        "ann": FLOOR,
        "bob": 4 * REWARD,
        "cai": 3 * REWARD,
        "challenger": -bond,
        "held": PRICE + GUARANTEE,
        "burnt": bond - 7 * REWARD,
    }


def test_a_challenger_who_seals_the_proposed_digest_itself_loses_its_bond(stage):
    before = stage.money()
    job = stage.challenged("ann", sealed=RIGHT)
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    stage.decided(job)
    assert stage.changes(before)["challenger"] == -stage.bond(1)
    assert stage.changes(before)["ann"] == FLOOR


def test_a_challenger_whose_seal_nobody_can_open_loses_its_bond_even_if_round_one_was_wrong(stage):
    before = stage.money()
    job = stage.committed([("ann", WRONG)])
    stage.market.settle(job, WRONG, {"from": stage.people["stranger"]})
    stage.challenge(job, GARBAGE)
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    stage.decided(job)
    bond = stage.bond(1)
    assert stage.changes(before) == {
        "buyer": -PRICE,
        "owner": -GUARANTEE,
        "ann": -bond,
        "bob": 4 * REWARD,
        "cai": 3 * REWARD,
        "challenger": -bond,
        "held": PRICE + GUARANTEE,
        "burnt": 2 * bond - 7 * REWARD,
    }


def test_a_copied_challenge_seal_opens_nothing(stage, stranger):
    before = stage.money()
    job = stage.committed([("ann", WRONG)])
    stage.market.settle(job, WRONG, {"from": stranger})
    copied = stage.seal_of(job, 0, 0, str(stage.people["challenger"]), RIGHT, ZERO)
    stage.market.challenge(job, copied, [0, 0, 0, ZERO, ZERO], {"from": stranger})
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    stage.decided(job)
    assert stage.changes(before)["stranger"] == -stage.bond(1)


def test_silent_and_wrong_seats_of_round_two_pay_their_fine_and_their_bond(stage):
    before = stage.money()
    job = stage.challenged("ann", sealed=WRONG)
    # Seats 0 to 4 right (bob), 5 wrong (cai), 6 silent (cai).
    stage.draw(job)
    stage.sit(job, *["bob"] * 5, "cai", "cai")
    stage.seal(job, 2, {**dict.fromkeys(range(5), RIGHT), 5: GARBAGE}, TRACE)
    stage.decided(job)
    bond = stage.bond(1)
    assert stage.changes(before) == {
        "buyer": -PRICE - FLOOR,
        "owner": -GUARANTEE,
        "ann": FLOOR,
        "bob": 5 * REWARD,
        "cai": -bond - bond // 3,
        "challenger": -bond,
        "held": PRICE + GUARANTEE,
        "burnt": 2 * bond + bond // 3 - 5 * REWARD,
    }


def test_round_one_wrong_in_full_returns_every_reward_to_the_buyer(stage):
    before = stage.money()
    job = stage.split([("ann", RIGHT), ("bob", GARBAGE), ("cai", GARBAGE)])
    stage.jury(job, [WRONG] * 11)
    stage.decided(job, WRONG)
    changes = stage.changes(before)
    bond = stage.bond(3)
    assert changes["buyer"] == -PRICE
    assert changes["burnt"] == 3 * bond - 11 * REWARD
    assert changes["ann"] + changes["bob"] + changes["cai"] == -3 * bond + 11 * REWARD


def test_a_jury_may_name_what_no_seat_of_round_one_sealed(stage):
    job = stage.challenged("ann", "bob", sealed=GARBAGE)
    stage.jury(job, [WRONG] * 9)
    done = stage.decided(job, WRONG)
    assert done.events["JobSettled"]["right"] == 0


@pytest.mark.parametrize("seats", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("challenger_right", [True, False])
def test_every_size_balances_and_burns_at_least_one_reward(stage, seats, challenger_right):
    before = stage.money()
    names = ("ann", "bob", "cai", "ann", "bob")[:seats]
    job = stage.committed([(name, WRONG) for name in names])
    stage.market.settle(job, WRONG, {"from": stage.people["stranger"]})
    stage.challenge(job, RIGHT if challenger_right else GARBAGE)
    verdict = RIGHT if challenger_right else WRONG
    stage.jury(job, [verdict] * (2 * seats + 5))
    stage.decided(job, verdict)
    changes = stage.changes(before)
    assert sum(changes.values()) == 0
    assert changes["burnt"] >= REWARD
    won = stage.bond(seats) // 3 if challenger_right else -stage.bond(seats)
    assert changes["challenger"] == won


def test_a_late_round_one_is_paid_its_higher_reward_also_after_a_dispute(stage, stranger):
    job = stage.open(1)
    stage.draw(job)
    late = 150
    at(stage.round(job)["contestEnd"] + late)
    stage.sit(job, "ann")
    stage.seal(job, 1, {0: RIGHT})
    stage.market.settle(job, RIGHT, {"from": stranger})
    stage.challenge(job, WRONG)
    before = stage.money()
    stage.jury(job, [RIGHT] * 7, names=("bob", "cai"))
    done = stage.decided(job)
    reward = FLOOR + (REWARD - FLOOR) * late // 600
    assert done.events["JobSettled"]["reward"] == reward
    assert stage.changes(before)["ann"] == reward
    assert stage.changes(before)["buyer"] == REWARD - reward


def test_fines_of_a_redraw_are_burnt_with_the_pot(stage, stranger):
    before = stage.money()
    job = stage.committed([("ann", RIGHT), ("cai", None)])
    at(stage.round(job)["commitBy"])
    stage.stake.redraw(job, {"from": stranger})
    # Another unit of bob's, so that round two draws its own.
    stage.sit(job, "bob")
    stage.seal(job, 1, {1: WRONG})
    stage.market.settle(job, RIGHT, {"from": stranger})
    stage.jury(job, [RIGHT] * 9, names=("ann",))
    stage.decided(job)
    bond = stage.bond(2)
    assert stage.changes(before) == {
        "buyer": -PRICE - FLOOR,
        "owner": -GUARANTEE,
        "ann": FLOOR + 9 * REWARD,
        "bob": -bond,
        "cai": -bond // 3,
        "held": PRICE + GUARANTEE,
        "burnt": bond + bond // 3 - 9 * REWARD,
    }


# ------------------------------------------------------------------------------------------------- what follows


def test_a_decided_job_waits_for_its_release(stage):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    done = stage.decided(job)
    release_by = done.timestamp + 86_400
    event = done.events["JobSettled"]
    assert dict(event) == {
        "job": job,
        "digest": "0x" + RIGHT.hex(),
        "right": 1,
        "reward": FLOOR,
        "releaseBy": release_by,
    }
    assert stage.view(job)["releaseBy"] == release_by


def test_a_job_released_before_its_dispute_ends_released_and_keeps_only_what_the_seats_need(stage, owner):
    before = stage.money()
    job = stage.proposed("ann")
    stage.market.release(job, digest("sealed"), b"key", {"from": owner})
    stage.challenge(job, WRONG)
    stage.jury(job, [RIGHT] * 7, names=("bob",))
    done = stage.decided(job)
    bond = stage.bond(1)
    assert stage.state(job) == "Released"
    assert done.events["JobSettled"]["releaseBy"] == 0
    assert stage.changes(before) == {
        "buyer": -PRICE - FLOOR,
        "payee": PRICE,
        "ann": FLOOR,
        "bob": 7 * REWARD,
        "challenger": -bond,
        "burnt": bond - 7 * REWARD,
    }


def test_a_price_paid_for_an_early_release_stays_paid_if_another_digest_is_decided(stage, owner):
    before = stage.money()
    job = stage.committed([("ann", WRONG)])
    stage.market.settle(job, WRONG, {"from": stage.people["stranger"]})
    stage.market.release(job, digest("sealed"), b"key", {"from": owner})
    stage.challenge(job, RIGHT)
    stage.jury(job, [RIGHT] * 7, names=("bob",))
    stage.decided(job, RIGHT)
    bond = stage.bond(1)
    assert stage.changes(before) == {
        "buyer": -PRICE,
        "payee": PRICE,
        "ann": -bond,
        "bob": 7 * REWARD,
        "challenger": bond // 3,
        "burnt": REWARD,
    }
    epsilon = stage.market.datasetOf(1).dict()["epsilon"]
    assert (epsilon["reserved"], epsilon["spent"]) == (0, 250_000)


def test_between_an_owner_and_itself_a_decision_ends_the_job(stage, owner):
    before = stage.money()
    job = stage.split([("ann", RIGHT), ("bob", WRONG)], buyer=owner)
    stage.jury(job, [RIGHT] * 9, names=("cai",))
    done = stage.decided(job)
    bond = stage.bond(2)
    assert stage.state(job) == "Released"
    assert done.events["JobSettled"]["releaseBy"] == 0
    assert stage.changes(before) == {
        "owner": -FLOOR,
        "ann": FLOOR,
        "bob": -bond,
        "cai": 9 * REWARD,
        "burnt": bond - 9 * REWARD,
    }


def test_a_decided_job_is_decided_once(stage, stranger):
    job = stage.challenged("ann")
    stage.jury(job, [RIGHT] * 7)
    stage.decided(job)
    with reverts("WrongState", 4):
        stage.market.decide(job, RIGHT, TRACE, {"from": stranger})


def test_the_largest_dispute_fits_well_into_a_block(stage):
    names = ("ann", "bob", "cai", "ann", "bob")
    job = stage.challenged(*names)
    stage.jury(job, [RIGHT] * 15)
    done = stage.decided(job)
    assert done.gas_used < 600_000
