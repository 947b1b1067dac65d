"""withdraw: the only way out for tokens."""

from __future__ import annotations

import pytest
from brownie import MockHookToken, MockTopFeeToken, ProviderStake, web3
from stage import EXIT, NO_PERMIT, NOBODY, ONE, RIGHT, UNIT, reverts

GUARD = bytes(web3.keccak(text="ReentrancyGuardReentrantCall()")[:4])


def test_nothing_is_sent_to_the_zero_address_or_to_the_market_itself(stage, owner):
    for to in (NOBODY, stage.stake.address, stage.market.address):
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


def test_a_fee_on_top_of_a_withdrawal_is_not_paid_with_the_tokens_of_others(people, ann, bob):
    token = ann.deploy(MockTopFeeToken, 1_000)
    stake = ann.deploy(ProviderStake, token, people["deployer"], UNIT, EXIT)
    token.transfer(bob, 500, {"from": ann})
    for account in (ann, bob):
        token.approve(stake, 500, {"from": account})
        stake.deposit(400, NO_PERMIT, {"from": account})
    token.charge(True, {"from": ann})
    with reverts("DepartureDiffers", 800, 499, 300):
        stake.withdraw(300, bob, {"from": bob})
    assert token.balanceOf(stake) == 800
    token.charge(False, {"from": ann})
    stake.withdraw(400, bob, {"from": bob})
    assert token.balanceOf(stake) == 400


@pytest.mark.parametrize("name", ["withdraw", "deposit", "stake", "commit"])
def test_nothing_can_be_called_while_a_withdrawal_is_measured(people, stranger, name):
    token = people["deployer"].deploy(MockHookToken)
    stake = people["deployer"].deploy(ProviderStake, token, people["buyer"], UNIT, EXIT)
    token.mint(stranger, 100, {"from": stranger})
    token.approve(stake, 100, {"from": stranger})
    stake.deposit(100, NO_PERMIT, {"from": stranger})
    arguments = {
        "withdraw": (1, stranger), "deposit": (1, NO_PERMIT), "stake": (0,), "commit": (1, 0, b"\1" * 32)
    }[name]  # fmt: skip
    token.hook(stake, getattr(stake, name).encode_input(*arguments), {"from": stranger})
    stake.withdraw(40, stranger, {"from": stranger})
    assert not token.entered()
    assert bytes(token.answer()) == GUARD
    assert (stake.accountOf(stranger)[3], token.balanceOf(stake)) == (60, 60)
