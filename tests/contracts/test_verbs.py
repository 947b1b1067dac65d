"""The ledger's verbs: topUp, lock, pay, burn, openRoundOne, openRoundTwo, closeRound, for the market alone."""

from __future__ import annotations

import pytest
from brownie import accounts, web3
from stage import NO_PERMIT, ONE, RIGHT, ZERO, reverts

CLOSING = (0, 0, 0, 0)
VERBS = {
    "topUp": lambda who: (who, 1, NO_PERMIT),
    "lock": lambda who: (1, who, 1),
    "pay": lambda who: (1, who, 1),
    "burn": lambda who: (1, 0),
    "openRoundOne": lambda who: (1, 1, 1, 1, 1),
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


def test_no_more_is_locked_than_is_free(stage, acting, owner):
    with reverts("FreeBalanceTooLow", str(owner), 1_000 * ONE, 1_000 * ONE + 1):
        stage.stake.lock(1, owner, 1_000 * ONE + 1, {"from": acting})


def test_no_payment_of_a_job_exceeds_what_is_held_for_it(stage, acting, owner, buyer):
    stage.stake.lock(1, owner, 10, {"from": acting})
    with reverts("HeldTooLow", 1, 10, 11):
        stage.stake.pay(1, buyer, 11, {"from": acting})
    with reverts("HeldTooLow", 2, 0, 1):
        stage.stake.pay(2, buyer, 1, {"from": acting})
    stage.stake.burn(1, 0, {"from": acting})


def test_nothing_is_kept_that_is_not_held(stage, acting):
    with reverts("HeldTooLow", 1, 0, 1):
        stage.stake.burn(1, 1, {"from": acting})


def test_what_is_burnt_is_counted_and_its_tokens_stay(stage, acting, owner):
    held = stage.token.balanceOf(stage.stake)
    stage.stake.lock(1, owner, 10, {"from": acting})
    stage.stake.burn(1, 4, {"from": acting})
    assert stage.stake.burnt() == 6
    stage.stake.burn(1, 0, {"from": acting})
    assert stage.stake.burnt() == 10
    assert stage.token.balanceOf(stage.stake) == held


def test_rewards_of_a_closing_round_do_not_exceed_what_is_held(stage, acting):
    job = stage.committed([("ann", RIGHT)])
    held = stage.stake.ledgerOf(job)[1]
    with reverts("HeldTooLow", job, held, held + 1):
        stage.stake.closeRound(job, 1, ZERO, ZERO, (0, held + 1, 0, 0), {"from": acting})


def test_zero_movements_emit_nothing(stage, acting, owner):
    assert not stage.stake.pay(1, owner, 0, {"from": acting}).events
    assert not stage.stake.burn(1, 0, {"from": acting}).events
    assert not stage.stake.topUp(owner, 1_000 * ONE, NO_PERMIT, {"from": acting}).events
