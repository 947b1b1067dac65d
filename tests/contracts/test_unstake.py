"""unstake: stake that is not locked leaves the draw and waits."""

from __future__ import annotations

from stage import EXIT, ONE, at, now, reverts


def test_more_than_the_stake_cannot_leave(stage, ann):
    with reverts("FreeStakeTooLow", 4_000 * ONE, 4_000 * ONE + 1):
        stage.stake.unstake(4_000 * ONE + 1, {"from": ann})


def test_a_bond_cannot_leave(stage, ann):
    stage.sat("ann")
    free = 4_000 * ONE - stage.bond(1)
    with reverts("FreeStakeTooLow", free, free + 1):
        stage.stake.unstake(free + 1, {"from": ann})
    stage.stake.unstake(free, {"from": ann})
    assert stage.stake.accountOf(ann).dict()["staked"] == stage.bond(1)


def test_a_bond_stays_locked_through_a_dispute(stage, ann):
    stage.challenged("ann")
    free = 4_000 * ONE - stage.bond(1)
    with reverts("FreeStakeTooLow", free, 4_000 * ONE):
        stage.stake.unstake(4_000 * ONE, {"from": ann})


def test_unstaking_leaves_the_draw_at_once_and_says_when_it_can_be_collected(stage, ann):
    done = stage.stake.unstake(50 * ONE, {"from": ann})
    account = stage.stake.accountOf(ann).dict()
    available = done.timestamp + EXIT
    assert (account["staked"], account["leaving"], account["availableAt"]) == (
        3_950 * ONE,
        50 * ONE,
        available,
    )
    assert dict(done.events["Unstaked"]) == {"provider": ann, "amount": 50 * ONE, "availableAt": available}


def test_a_second_unstake_starts_the_delay_of_all_of_it_anew(stage, ann):
    stage.stake.unstake(50 * ONE, {"from": ann})
    at(now() + EXIT - 10)
    done = stage.stake.unstake(20 * ONE, {"from": ann})
    account = stage.stake.accountOf(ann).dict()
    assert (account["leaving"], account["availableAt"]) == (70 * ONE, done.timestamp + EXIT)


def test_a_unit_that_left_draws_no_seat(stage, ann):
    job = stage.open(1)
    stage.draw(job)
    stage.stake.unstake(ONE, {"from": ann})
    with reverts("UnitNotStaked", 39, 39):
        stage.stake.takeSeat(job, 39, {"from": ann})
