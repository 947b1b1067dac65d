"""takeSeat: the lowest tickets sit, whoever comes first."""

from __future__ import annotations

import pytest
from brownie import chain
from stage import COMPUTE, FILL, FLOOR, ONE, REWARD, RIGHT, WRONG, at, reverts


def ranked(stage, job: int, number: int = 1, names=("ann", "bob", "cai")) -> list[tuple[int, str, int]]:
    """Every ticket of these providers, lowest first: (ticket, name, unit)."""
    seed = bytes(stage.round(job, number)["seed"])
    tickets = [
        (stage.ticket(seed, stage.people[name], unit), name, unit) for name in names for unit in range(40)
    ]
    return sorted(tickets)


def sit(stage, job: int, entry: tuple[int, str, int]):
    return stage.stake.takeSeat(job, entry[2], {"from": stage.people[entry[1]]})


# ------------------------------------------------------------------------------------------------- checks, in order


def test_an_unknown_job_has_no_seats(stage, ann):
    with reverts("RoundNotOpen", 9):
        stage.stake.takeSeat(9, 0, {"from": ann})


def test_nobody_sits_before_the_seed_is_drawn(stage, ann):
    job = stage.open()
    with reverts("NotDrawn"):
        stage.stake.takeSeat(job, 0, {"from": ann})


def test_empty_seats_are_taken_until_the_last_second_of_the_second_window(stage, ann):
    job = stage.open()
    stage.draw(job)
    at(stage.round(job)["contestEnd"] + FILL - 1)
    stage.stake.takeSeat(job, 0, {"from": ann})


def test_no_seat_is_taken_after_the_second_window(stage, ann):
    job = stage.open()
    stage.draw(job)
    until = stage.round(job)["contestEnd"] + FILL
    at(until)
    with reverts("SeatsOver", until, until):
        stage.stake.takeSeat(job, 0, {"from": ann})


def test_stake_of_the_second_of_the_opening_does_not_sit(stage, ann, buyer):
    stage.deposit(ann, ONE)
    job = stage.open()
    opened = stage.round(job)["start"]
    chain.undo(1)
    at(opened)
    stage.stake.stake(ONE, {"from": ann})
    # Blocks of one second: the offer is opened in the same one.
    signed = stage.offer()
    at(opened)
    stage.market.openJob(
        tuple(signed.values()),
        stage.sign(signed),
        stage.terms(1),
        (0, 0, 0, b"\0" * 32, b"\0" * 32),
        {"from": buyer},
    )
    assert stage.round(job)["start"] == opened
    stage.draw(job)
    with reverts("StakeTooYoung", opened, opened):
        stage.stake.takeSeat(job, 0, {"from": ann})


def test_stake_younger_than_the_job_sits_in_neither_round(stage, bob):
    job = stage.challenged("ann")
    opened = stage.round(job)["start"]
    stage.deposit(bob, ONE)
    since = stage.stake.stake(ONE, {"from": bob}).timestamp
    stage.draw(job)
    with reverts("StakeTooYoung", since, opened):
        stage.stake.takeSeat(job, 0, {"from": bob})


def test_a_unit_must_be_staked(stage, ann, stranger):
    job = stage.open()
    stage.draw(job)
    with reverts("UnitNotStaked", 40, 40):
        stage.stake.takeSeat(job, 40, {"from": ann})
    with reverts("UnitNotStaked", 0, 0):
        stage.stake.takeSeat(job, 0, {"from": stranger})


def test_the_last_staked_unit_sits(stage, ann):
    job = stage.open()
    stage.draw(job)
    stage.stake.takeSeat(job, 39, {"from": ann})


def test_the_free_stake_must_cover_the_bond(stage, ann):
    reward = 200 * ONE
    job = stage.open(1, maxReward=reward, terms={"reward": reward})
    other = stage.open(1, maxReward=reward, terms={"reward": reward})
    stage.draw(job)
    stage.sit(job, "ann")
    stage.draw(other)
    free = 4_000 * ONE - stage.bond(1, reward)
    with reverts("FreeStakeTooLow", free, stage.bond(1, reward)):
        stage.stake.takeSeat(other, 0, {"from": ann})


def test_one_ticket_takes_one_seat(stage, ann):
    job = stage.open(2)
    stage.draw(job)
    stage.stake.takeSeat(job, 3, {"from": ann})
    with reverts("AlreadySeated", 0):
        stage.stake.takeSeat(job, 3, {"from": ann})
    stage.stake.takeSeat(job, 4, {"from": ann})


def test_after_the_contest_a_full_round_takes_nobody(stage):
    job = stage.open()
    stage.draw(job)
    tickets = ranked(stage, job)
    sit(stage, job, tickets[-1])
    at(stage.round(job)["contestEnd"])
    with reverts("RoundFull"):
        sit(stage, job, tickets[0])


def test_a_higher_ticket_does_not_displace_a_lower_one(stage):
    job = stage.open()
    stage.draw(job)
    tickets = ranked(stage, job)
    sit(stage, job, tickets[0])
    with reverts("TicketTooHigh", tickets[1][0], tickets[0][0]):
        sit(stage, job, tickets[1])


# ------------------------------------------------------------------------------------------------- the contest


def test_a_lower_ticket_displaces_the_highest_one_whose_bond_returns_whole(stage):
    job = stage.open(2)
    stage.draw(job)
    low, middle, high = (ranked(stage, job, names=(name,))[0] for name in ("ann", "bob", "cai"))
    low, middle, high = sorted((low, middle, high))
    sit(stage, job, high)
    sit(stage, job, middle)
    done = sit(stage, job, low)
    assert dict(done.events["SeatTaken"]) == {
        "job": job,
        "round": 1,
        "seat": 0,
        "provider": stage.people[low[1]],
        "unit": low[2],
        "ticket": low[0],
        "bond": stage.bond(2),
        "displaced": stage.people[high[1]],
    }
    assert stage.stake.accountOf(stage.people[high[1]]).dict()["locked"] == 0
    assert stage.stake.accountOf(stage.people[high[1]]).dict()["staked"] == 4_000 * ONE


def test_after_the_contest_the_lowest_tickets_sit_in_whatever_order_they_came(stage):
    job = stage.open(3)
    stage.draw(job)
    tickets = ranked(stage, job)[:12]
    for entry in reversed(tickets):
        sit(stage, job, entry)
    seated = sorted(seat[1] for seat in stage.stake.seatsOf(job, 1))
    assert seated == [entry[0] for entry in tickets[:3]]


def test_displacing_oneself_needs_a_second_bond_but_keeps_only_one(stage, ann):
    job = stage.open()
    stage.draw(job)
    tickets = ranked(stage, job, names=("ann",))
    sit(stage, job, tickets[1])
    sit(stage, job, tickets[0])
    assert stage.stake.accountOf(ann).dict()["locked"] == stage.bond(1)


def test_one_provider_may_hold_several_seats(stage, ann):
    stage.sat("ann", "ann", "ann")
    assert stage.stake.accountOf(ann).dict()["locked"] == 3 * stage.bond(3)


# ------------------------------------------------------------------------------------------------- the full round


def test_a_round_full_in_the_contest_commits_from_its_end(stage):
    job = stage.sat("ann")
    end = stage.round(job)["contestEnd"]
    assert stage.round(job)["commitBy"] == end + COMPUTE
    assert stage.round(job)["late"] == 0


def test_displacing_in_a_full_round_moves_no_deadline(stage):
    job = stage.open()
    stage.draw(job)
    tickets = ranked(stage, job)
    sit(stage, job, tickets[1])
    before = stage.round(job)["commitBy"]
    done = sit(stage, job, tickets[0])
    assert stage.round(job)["commitBy"] == before
    assert "RoundFilled" not in done.events


@pytest.mark.parametrize("late", [0, 1, 300, FILL - 1])
def test_the_reward_climbs_with_every_second_after_the_contest(stage, ann, late):
    job = stage.open()
    stage.draw(job)
    end = stage.round(job)["contestEnd"]
    at(end + late)
    done = stage.stake.takeSeat(job, 0, {"from": ann})
    assert dict(done.events["RoundFilled"]) == {
        "job": job,
        "round": 1,
        "commitBy": end + late + COMPUTE,
        "late": late,
    }
    assert stage.view(job)["rewardPaid"] == FLOOR + (REWARD - FLOOR) * late // FILL


def test_round_two_has_two_n_plus_five_seats_and_the_same_bond(stage, bob):
    job = stage.split([("ann", RIGHT), ("bob", WRONG), ("cai", RIGHT)])
    stage.draw(job)
    done = stage.stake.takeSeat(job, 0, {"from": bob})
    assert done.events["SeatTaken"]["round"] == 2
    assert done.events["SeatTaken"]["bond"] == stage.bond(3)
    assert stage.round(job, 2)["seats"] == 11


def test_a_seat_of_round_one_may_sit_in_round_two_with_the_same_unit(stage, ann):
    job = stage.challenged("ann")
    stage.draw(job)
    stage.stake.takeSeat(job, 0, {"from": ann})
    assert stage.stake.accountOf(ann).dict()["locked"] == 2 * stage.bond(1)
