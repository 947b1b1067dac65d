"""redraw: the silent seats of round one pay and are drawn anew, once."""

from __future__ import annotations

import pytest
from brownie import web3
from stage import COMPUTE, FILL, FLOOR, REWARD, RIGHT, WRONG, at, reverts


@pytest.fixture
def job(stage):
    """Two seats: ann sealed, cai is silent; commits are over."""
    job = stage.committed([("ann", RIGHT), ("cai", None)])
    at(stage.round(job)["commitBy"])
    return job


def redraw(stage, job):
    return stage.stake.redraw(job, {"from": stage.people["stranger"]})


def test_an_unknown_job_is_not_redrawn(stage):
    with reverts("RoundNotOpen", 9):
        redraw(stage, 9)


def test_round_two_is_not_redrawn(stage):
    job = stage.split([("ann", RIGHT), ("bob", WRONG)])
    stage.jury(job, [RIGHT] * 8 + [None])
    at(stage.round(job, 2)["commitBy"])
    with reverts("RoundTwoOpen"):
        redraw(stage, job)


def test_a_round_that_is_not_full_is_not_redrawn(stage):
    job = stage.open()
    with reverts("NotFull"):
        redraw(stage, job)


def test_a_round_is_redrawn_once(stage, job):
    redraw(stage, job)
    stage.sit(job, "bob")
    at(stage.round(job)["commitBy"])
    with reverts("AlreadyRedrawn"):
        redraw(stage, job)


def test_a_round_that_is_all_sealed_is_not_redrawn(stage):
    job = stage.committed([("ann", RIGHT)])
    at(stage.round(job)["commitBy"])
    with reverts("AllSealed"):
        redraw(stage, job)


def test_a_proposed_job_is_not_redrawn(stage):
    job = stage.proposed("ann")
    at(stage.round(job)["commitBy"])
    with reverts("AllSealed"):
        redraw(stage, job)


def test_nobody_is_fined_while_commits_are_open(stage):
    job = stage.committed([("ann", RIGHT), ("cai", None)])
    by = stage.round(job)["commitBy"]
    at(by - 1)
    with reverts("RedrawTooEarly", by, by - 1):
        redraw(stage, job)


def test_the_last_second_of_the_window_redraws(stage, job):
    at(stage.round(job)["commitBy"] + FILL - 1)
    redraw(stage, job)


def test_the_end_of_the_window_does_not_redraw(stage, job):
    until = stage.round(job)["commitBy"] + FILL
    at(until)
    with reverts("RedrawOver", until, until):
        redraw(stage, job)


def test_silent_seats_pay_their_fine_and_are_empty_and_sealed_seats_stay(stage, job):
    before = stage.money()
    seed = bytes(stage.round(job)["seed"])
    done = redraw(stage, job)
    fine = stage.bond(2) // 3
    assert stage.changes(before) == {"cai": -fine, "held": fine}
    assert dict(done.events["SeatClosed"]) == {
        "job": job,
        "round": 1,
        "seat": 1,
        "provider": stage.people["cai"],
        "bond": stage.bond(2),
        "fine": fine,
        "reward": 0,
    }
    round = stage.round(job)
    assert (round["takenMask"], round["sealedMask"], round["redrawn"], round["commitBy"]) == (1, 1, True, 0)
    assert round["contestEnd"] == done.timestamp + FILL
    assert bytes(round["seed"]) == bytes(web3.keccak(seed))
    assert done.events["RoundRedrawn"]["seed"] == web3.to_hex(web3.keccak(seed))
    assert stage.stake.accountOf(stage.people["cai"]).dict()["locked"] == 0
    assert stage.view(job)["pot"] == fine


def test_a_sealed_seat_is_not_displaced_by_a_lower_ticket(stage, job):
    redraw(stage, job)
    for unit in range(10):
        stage.stake.multicall([stage.stake.takeSeat.encode_input(job, unit)], {"from": stage.people["bob"]})
    seats = stage.stake.seatsOf(job, 1)
    assert seats[0][0] == stage.people["ann"]
    assert seats[1][0] == stage.people["bob"]


def test_a_unit_that_sealed_may_sit_again_after_a_redraw(stage, job):
    redraw(stage, job)
    stage.stake.takeSeat(job, 0, {"from": stage.people["ann"]})
    assert stage.stake.accountOf(stage.people["ann"]).dict()["locked"] == 2 * stage.bond(2)


def test_the_second_pass_ends_like_the_first(stage, job, stranger):
    before = stage.money()
    redraw(stage, job)
    stage.sit(job, "bob")
    assert stage.round(job)["commitBy"] == stage.round(job)["contestEnd"] + COMPUTE
    stage.seal(job, 1, {1: RIGHT})
    stage.market.settle(job, RIGHT, {"from": stranger})
    at(stage.deadline(job))
    stage.market.finalize(job, {"from": stranger})
    fine = stage.bond(2) // 3
    changes = stage.changes(before)
    assert changes["burnt"] == fine
    assert changes["cai"] == -fine
    assert stage.state(job) == "Settled"


@pytest.mark.parametrize(("first", "second"), [(200, 50), (50, 200)])
def test_the_later_of_both_passes_sets_the_reward(stage, stranger, first, second):
    job = stage.open(2)
    stage.draw(job)
    at(stage.round(job)["contestEnd"] + first)
    stage.sit(job, "ann", "ann")
    stage.seal(job, 1, {0: RIGHT})
    at(stage.round(job)["commitBy"])
    redraw(stage, job)
    at(stage.round(job)["contestEnd"] + second)
    stage.sit(job, "bob")
    assert stage.round(job)["late"] == 200
    assert stage.view(job)["rewardPaid"] == FLOOR + (REWARD - FLOOR) * 200 // FILL


def test_all_seats_silent_are_all_drawn_anew(stage, stranger):
    job = stage.committed([("ann", None), ("bob", None), ("cai", None)])
    at(stage.round(job)["commitBy"])
    redraw(stage, job)
    assert stage.round(job)["takenMask"] == 0
    assert stage.view(job)["pot"] == stage.bond(3)
