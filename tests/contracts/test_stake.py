"""stake: free balance becomes tickets of the draw."""

from __future__ import annotations

from stage import ONE, reverts


def test_only_free_balance_is_staked(stage, owner):
    with reverts("FreeBalanceTooLow", str(owner), 1_000 * ONE, 1_000 * ONE + 1):
        stage.stake.stake(1_000 * ONE + 1, {"from": owner})


def test_staking_moves_free_balance_and_records_the_time(stage, owner):
    done = stage.stake.stake(300 * ONE, {"from": owner})
    account = stage.stake.accountOf(owner).dict()
    assert account["free"] == 700 * ONE
    assert account["staked"] == 300 * ONE
    assert account["since"] == done.timestamp
    assert dict(done.events["Staked"]) == {"provider": owner, "amount": 300 * ONE, "since": done.timestamp}


def test_every_further_stake_sets_the_time_anew(stage, ann):
    stage.deposit(ann, ONE)
    done = stage.stake.stake(ONE, {"from": ann})
    assert stage.stake.accountOf(ann).dict()["since"] == done.timestamp
