"""collect: what left the stake becomes free."""

from __future__ import annotations

from stage import ONE, at, reverts


def test_there_must_be_something_leaving(stage, ann):
    with reverts("NothingLeaving"):
        stage.stake.collect({"from": ann})


def test_nothing_is_collected_one_second_too_early(stage, ann):
    available = stage.stake.unstake(50 * ONE, {"from": ann}).events["Unstaked"]["availableAt"]
    at(available - 1)
    with reverts("StillLeaving", available, available - 1):
        stage.stake.collect({"from": ann})


def test_everything_is_collected_at_the_second_it_is_available_and_only_once(stage, ann):
    available = stage.stake.unstake(50 * ONE, {"from": ann}).events["Unstaked"]["availableAt"]
    at(available)
    done = stage.stake.collect({"from": ann})
    account = stage.stake.accountOf(ann).dict()
    assert (account["free"], account["leaving"]) == (50 * ONE, 0)
    assert dict(done.events["Collected"]) == {"provider": ann, "amount": 50 * ONE}
    with reverts("NothingLeaving"):
        stage.stake.collect({"from": ann})
