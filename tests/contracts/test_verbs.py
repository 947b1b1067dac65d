"""The ledger's verbs: lock, pay, divide, openRoundOne, openRoundTwo, closeRound, for the market alone."""

from __future__ import annotations

import pytest
from brownie import accounts, web3
from stage import NO_PERMIT, ONE, RIGHT, ZERO, reverts

CLOSING = (0, 0, 0, 0)
VERBS = {
    "lock": lambda who: (1, who, 1, NO_PERMIT),
    "pay": lambda who: (1, who, 1),
    "divide": lambda who: (1, who, 1, who, 1, 0),
    "openRoundOne": lambda who: (1, (1, 1, 1, 1, who, 1, who, 1), NO_PERMIT),
    "openRoundTwo": lambda who: (1, 7),
    "closeRound": lambda who: (1, 1, ZERO, ZERO, CLOSING),
}


@pytest.fixture
def acting(stage):
    """The market itself as caller: the ledger alone is under test."""
    web3.provider.make_request("anvil_setBalance", [stage.market.address, hex(10**18)])
    return accounts.at(stage.market.address, force=True)


@pytest.mark.parametrize("name", VERBS)
def test_only_the_market_calls_a_verb(stage, owner, name):
    with reverts("CallerNotMarket", str(owner)):
        getattr(stage.stake, name)(*VERBS[name](owner), {"from": owner})


def test_what_is_locked_is_free_or_in_the_wallet(stage, acting, owner):
    done = stage.stake.lock(1, owner, 1_000 * ONE + 7, NO_PERMIT, {"from": acting})
    assert done.events["Deposited"]["amount"] == 7
    assert dict(done.events["Locked"]) == {"job": 1, "account": owner, "amount": 1_000 * ONE + 7}
    missing = 10**6 * ONE
    with reverts("ERC20InsufficientBalance", str(owner), stage.token.balanceOf(owner), missing):
        stage.stake.lock(1, owner, missing, NO_PERMIT, {"from": acting})


def test_the_guarantee_of_an_opening_is_locked_from_the_free_balance_alone(stage, acting, buyer, owner):
    quantities = (1, 20, 600, 3_600, buyer, 5)
    with reverts("FreeBalanceTooLow", str(owner), 1_000 * ONE, 1_000 * ONE + 1):
        stage.stake.openRoundOne(1, (*quantities, owner, 1_000 * ONE + 1), NO_PERMIT, {"from": acting})
    done = stage.stake.openRoundOne(1, (*quantities, owner, 3), NO_PERMIT, {"from": acting})
    assert [(each["account"], each["amount"]) for each in done.events["Locked"]] == [(buyer, 5), (owner, 3)]
    assert tuple(stage.stake.ledgerOf(1)) == (20, 8, 600, 3_600, 1)


def test_an_opening_without_a_guarantee_asks_nothing_of_the_owner(stage, acting, buyer, owner):
    done = stage.stake.openRoundOne(1, (1, 20, 600, 3_600, buyer, 5, owner, 0), NO_PERMIT, {"from": acting})
    assert len(done.events["Locked"]) == 1


def lock(stage, acting, job, account, amount):
    stage.stake.lock(job, account, amount, NO_PERMIT, {"from": acting})


def test_no_payment_of_a_job_exceeds_what_is_held_for_it(stage, acting, owner, buyer):
    lock(stage, acting, 1, owner, 10)
    with reverts("HeldTooLow", 1, 10, 11):
        stage.stake.pay(1, buyer, 11, {"from": acting})
    with reverts("HeldTooLow", 2, 0, 1):
        stage.stake.pay(2, buyer, 1, {"from": acting})
    with reverts("HeldTooLow", 1, 10, 11):
        stage.stake.divide(1, buyer, 11, owner, 0, 0, {"from": acting})
    with reverts("HeldTooLow", 1, 4, 5):
        stage.stake.divide(1, buyer, 6, owner, 5, 0, {"from": acting})
    stage.stake.pay(1, buyer, 10, {"from": acting})


def test_nothing_is_kept_that_is_not_held(stage, acting, owner, buyer):
    with reverts("HeldTooLow", 1, 0, 1):
        stage.stake.divide(1, buyer, 0, owner, 0, 1, {"from": acting})


def test_what_is_burnt_is_counted_and_its_tokens_stay(stage, acting, owner, buyer):
    lock(stage, acting, 1, owner, 10)
    held = stage.token.balanceOf(stage.stake)
    done = stage.stake.divide(1, buyer, 1, owner, 2, 4, {"from": acting})
    assert [(each["account"], each["amount"]) for each in done.events["Paid"]] == [(buyer, 1), (owner, 2)]
    assert dict(done.events["Burnt"]) == {"job": 1, "amount": 3}
    assert (stage.stake.burnt(), stage.stake.ledgerOf(1)[1]) == (3, 4)
    stage.stake.divide(1, buyer, 0, owner, 0, 0, {"from": acting})
    assert stage.stake.burnt() == 7
    assert stage.token.balanceOf(stage.stake) == held


def test_rewards_of_a_closing_round_do_not_exceed_what_is_held(stage, acting):
    job = stage.committed([("ann", RIGHT)])
    held = stage.stake.ledgerOf(job)[1]
    with reverts("HeldTooLow", job, held, held + 1):
        stage.stake.closeRound(job, 1, ZERO, ZERO, (0, held + 1, 0, 0), {"from": acting})


def test_zero_movements_emit_nothing(stage, acting, owner, buyer):
    assert not stage.stake.pay(1, owner, 0, {"from": acting}).events
    assert not stage.stake.divide(1, buyer, 0, owner, 0, 0, {"from": acting}).events
