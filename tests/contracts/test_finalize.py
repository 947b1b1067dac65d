"""finalize: an unchallenged round one is paid (row M4 of the money table)."""

from __future__ import annotations

import pytest
from stage import FILL, FLOOR, GUARANTEE, PRICE, RELEASE, REWARD, RIGHT, ZERO, at, digest, reverts


def finalize(stage, job):
    return stage.market.finalize(job, {"from": stage.people["stranger"]})


@pytest.mark.parametrize(("reach", "state"), [("open", 1), ("challenged", 3), ("settled", 4)])
def test_only_a_proposed_job_is_finalized_and_only_once(stage, reach, state):
    job = getattr(stage, reach)()
    with reverts("WrongState", state):
        finalize(stage, job)


def test_finalize_waits_until_the_challenge_window_is_over(stage):
    job = stage.proposed("ann")
    by = stage.deadline(job)
    at(by - 1)
    with reverts("FinalizeTooEarly", by, by - 1):
        finalize(stage, job)
    at(by)
    finalize(stage, job)


@pytest.mark.parametrize("names", [("ann",), ("ann", "bob"), ("ann", "bob", "cai", "ann", "bob")])
def test_m4_pays_every_seat_and_returns_to_the_buyer_what_they_left(stage, names):
    before = stage.money()
    job = stage.proposed(*names)
    at(stage.deadline(job))
    done = finalize(stage, job)
    assert stage.changes(before) == {
        "owner": -GUARANTEE,
        "buyer": -PRICE - len(names) * FLOOR,
        **{name: names.count(name) * FLOOR for name in names},
        "held": PRICE + GUARANTEE,
    }
    assert stage.state(job) == "Settled"
    assert dict(done.events["JobSettled"]) == {
        "job": job,
        "digest": "0x" + ZERO.hex(),
        "right": len(names),
        "reward": FLOOR,
        "releaseBy": done.timestamp + RELEASE,
    }


def test_m4_pays_the_reward_of_the_second_the_round_was_full(stage, stranger):
    before = stage.money()
    job = stage.open()
    stage.draw(job)
    at(stage.round(job)["contestEnd"] + 250)
    stage.sit(job, "ann")
    stage.seal(job, 1, {0: RIGHT})
    stage.market.settle(job, RIGHT, {"from": stranger})
    at(stage.deadline(job))
    finalize(stage, job)
    reward = FLOOR + (REWARD - FLOOR) * 250 // FILL
    assert stage.changes(before)["ann"] == reward
    assert stage.changes(before)["buyer"] == -PRICE - reward


def test_a_fraction_of_a_base_unit_stays_with_the_buyer(stage, stranger):
    job = stage.open(terms={"floor": FLOOR, "reward": FLOOR + 7})
    stage.draw(job)
    at(stage.round(job)["contestEnd"] + 200)
    stage.sit(job, "ann")
    stage.seal(job, 1, {0: RIGHT})
    stage.market.settle(job, RIGHT, {"from": stranger})
    at(stage.deadline(job))
    assert finalize(stage, job).events["JobSettled"]["reward"] == FLOOR + 7 * 200 // FILL


def test_bonds_return_to_the_stake_and_rewards_go_to_the_free_balance(stage, ann):
    stage.settled("ann")
    account = stage.stake.accountOf(ann).dict()
    assert (account["locked"], account["staked"], account["free"]) == (0, 4_000 * 10**6, FLOOR)


def test_a_job_released_before_ends_released(stage, owner):
    before = stage.money()
    job = stage.proposed("ann")
    stage.market.release(job, digest("sealed"), b"key", {"from": owner})
    at(stage.deadline(job))
    done = finalize(stage, job)
    assert stage.state(job) == "Released"
    assert done.events["JobSettled"]["releaseBy"] == 0
    assert stage.changes(before) == {"buyer": -PRICE - FLOOR, "payee": PRICE, "ann": FLOOR}


def test_between_an_owner_and_itself_settlement_ends_the_job(stage, owner):
    before = stage.money()
    job = stage.proposed("ann", buyer=owner)
    at(stage.deadline(job))
    done = finalize(stage, job)
    assert stage.state(job) == "Released"
    assert done.events["JobSettled"]["releaseBy"] == 0
    assert stage.changes(before) == {"owner": -FLOOR, "ann": FLOOR}
    epsilon = stage.market.datasetOf(1).dict()["epsilon"]
    assert (epsilon["reserved"], epsilon["spent"]) == (0, 0)


def test_seals_of_the_zero_digest_change_nothing_for_those_who_sealed_with_them(stage, stranger):
    job = stage.committed([("ann", ZERO), ("bob", RIGHT)])
    done = stage.market.settle(job, RIGHT, {"from": stranger})
    assert "JobEscalated" in done.events
