"""commit: one seal a seat, once, while commits are open."""

from __future__ import annotations

import pytest
from stage import NOBODY, RIGHT, TRACE, WRONG, ZERO, at, reverts


@pytest.fixture
def job(stage):
    """One seat, ann's, the contest over."""
    job = stage.sat("ann")
    at(stage.round(job)["contestEnd"])
    return job


def test_an_unknown_job_takes_no_seals(stage, ann):
    with reverts("RoundNotOpen", 9):
        stage.stake.commit(9, 0, RIGHT, {"from": ann})


def test_a_round_that_is_not_full_takes_no_seals(stage, ann):
    job = stage.open(2)
    stage.draw(job)
    stage.sit(job, "ann")
    with reverts("NotFull"):
        stage.stake.commit(job, 0, RIGHT, {"from": ann})


def test_no_seal_is_taken_while_the_contest_runs(stage, ann):
    job = stage.sat("ann")
    end = stage.round(job)["contestEnd"]
    at(end - 1)
    with reverts("CommitTooEarly", end, end - 1):
        stage.stake.commit(job, 0, RIGHT, {"from": ann})


def test_the_first_second_after_the_contest_takes_a_seal(stage, ann, job):
    stage.stake.commit(job, 0, RIGHT, {"from": ann})


def test_the_last_second_of_the_compute_window_takes_a_seal(stage, ann, job):
    at(stage.round(job)["commitBy"] - 1)
    stage.stake.commit(job, 0, RIGHT, {"from": ann})


def test_the_end_of_the_compute_window_takes_no_seal(stage, ann, job):
    by = stage.round(job)["commitBy"]
    at(by)
    with reverts("CommitOver", by, by):
        stage.stake.commit(job, 0, RIGHT, {"from": ann})


def test_a_seal_is_not_zero(stage, ann, job):
    with reverts("SealZero"):
        stage.stake.commit(job, 0, ZERO, {"from": ann})


def test_only_the_seats_provider_seals_it(stage, ann, bob, job):
    with reverts("NotYourSeat", 0, str(ann)):
        stage.stake.commit(job, 0, RIGHT, {"from": bob})


def test_a_seat_that_does_not_exist_is_nobodys(stage, ann, job):
    for seat in (1, 14, 15, 255):
        with reverts("NotYourSeat", seat, NOBODY):
            stage.stake.commit(job, seat, RIGHT, {"from": ann})


def test_a_seal_is_written_once(stage, ann, job):
    stage.stake.commit(job, 0, RIGHT, {"from": ann})
    with reverts("AlreadySealed", 0):
        stage.stake.commit(job, 0, WRONG, {"from": ann})
    assert bytes(stage.stake.seatsOf(job, 1)[0][2]) == RIGHT


def test_a_seal_is_stored_and_announced(stage, ann, job):
    done = stage.stake.commit(job, 0, RIGHT, {"from": ann})
    assert dict(done.events["SealCommitted"]) == {
        "job": job,
        "round": 1,
        "seat": 0,
        "seal": "0x" + RIGHT.hex(),
    }
    assert stage.round(job)["sealedMask"] == 1


def test_an_escalated_job_takes_seals_of_round_two_only(stage, ann):
    job = stage.challenged("ann")
    with reverts("NotFull"):
        stage.stake.commit(job, 0, RIGHT, {"from": ann})
    stage.draw(job)
    stage.sit(job, *["bob"] * 7)
    at(stage.round(job, 2)["contestEnd"])
    with reverts("NotYourSeat", 0, str(stage.people["bob"])):
        stage.stake.commit(job, 0, RIGHT, {"from": ann})
    stage.seal(job, 2, {0: RIGHT}, TRACE)
    assert stage.round(job, 2)["sealedMask"] == 1
