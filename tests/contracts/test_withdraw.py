"""withdraw: the only way out for tokens."""

from __future__ import annotations

import pytest
from stage import NOBODY, ONE, RIGHT, reverts


def test_nothing_is_sent_to_the_zero_address_or_to_the_ledger_itself(stage, owner):
    for to in (NOBODY, stage.stake.address):
        with reverts("RecipientInvalid", to):
            stage.stake.withdraw(1, to, {"from": owner})


def test_no_more_than_the_free_balance_leaves(stage, owner):
    with reverts("FreeBalanceTooLow", str(owner), 1_000 * ONE, 1_000 * ONE + 1):
        stage.stake.withdraw(1_000 * ONE + 1, owner, {"from": owner})


def test_stake_cannot_be_withdrawn(stage, ann):
    with reverts("FreeBalanceTooLow", str(ann), 0, 1):
        stage.stake.withdraw(1, ann, {"from": ann})


def test_a_withdrawal_may_go_to_another_wallet(stage, owner, stranger):
    before = stage.token.balanceOf(stranger)
    done = stage.stake.withdraw(3 * ONE, stranger, {"from": owner})
    assert stage.token.balanceOf(stranger) == before + 3 * ONE
    assert stage.stake.accountOf(owner).dict()["free"] == 997 * ONE
    assert dict(done.events["Withdrawn"]) == {"account": owner, "to": stranger, "amount": 3 * ONE}


@pytest.mark.parametrize("reach", ["open", "proposed", "challenged", "settled"])
def test_free_balance_can_be_withdrawn_in_every_state_of_a_job(stage, owner, reach):
    getattr(stage, reach)()
    free = stage.stake.accountOf(owner).dict()["free"]
    stage.stake.withdraw(free, owner, {"from": owner})
    assert stage.stake.accountOf(owner).dict()["free"] == 0


def test_a_reward_can_be_withdrawn_at_once(stage, ann):
    stage.settled("ann")
    stage.stake.withdraw(2 * ONE, ann, {"from": ann})


def test_what_is_locked_for_a_job_is_out_of_reach(stage, buyer):
    stage.committed([("ann", RIGHT)])
    with reverts("FreeBalanceTooLow", str(buyer), 0, 1):
        stage.stake.withdraw(1, buyer, {"from": buyer})
