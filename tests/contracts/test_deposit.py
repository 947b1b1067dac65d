"""deposit: from the wallet to the free balance, measured."""

from __future__ import annotations

import pytest
from brownie import MockFeeToken, MockHookToken, ProviderStake, chain, web3
from eth_account import Account
from stage import EXIT, NO_PERMIT, ONE, UNIT, now, reverts

GUARD = bytes(web3.keccak(text="ReentrancyGuardReentrantCall()")[:4])


def other_stake(people, token):
    return people["deployer"].deploy(ProviderStake, token, people["stranger"], UNIT, EXIT)


def permit(stage, key: str, value: int, deadline: int) -> tuple:
    owner = Account.from_key(key).address
    typed = {
        "domain": {
            "name": "Mock Dollar",
            "version": "1",
            "chainId": chain.id,
            "verifyingContract": stage.token.address,
        },
        "primaryType": "Permit",
        "types": {
            "Permit": [
                {"name": "owner", "type": "address"},
                {"name": "spender", "type": "address"},
                {"name": "value", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        "message": {
            "owner": owner,
            "spender": stage.stake.address,
            "value": value,
            "nonce": stage.token.nonces(owner),
            "deadline": deadline,
        },
    }
    signed = Account.sign_typed_data(key, full_message=typed)
    return (value, deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))


def test_a_transfer_that_brings_less_is_refused(people, stranger):
    token = people["deployer"].deploy(MockFeeToken)
    stake = other_stake(people, token)
    token.mint(stranger, 100, {"from": stranger})
    token.approve(stake, 100, {"from": stranger})
    with reverts("ArrivalDiffers", 0, 99, 100):
        stake.deposit(100, NO_PERMIT, {"from": stranger})


def test_more_tokens_than_the_ledger_can_count_are_refused(people, stranger):
    token = people["deployer"].deploy(MockHookToken)
    stake = other_stake(people, token)
    token.mint(stake, 1, {"from": stranger})
    token.mint(stranger, 2**96, {"from": stranger})
    token.approve(stake, 2**256 - 1, {"from": stranger})
    with reverts("SupplyTooLarge", 2**96):
        stake.deposit(2**96 - 1, NO_PERMIT, {"from": stranger})
    stake.deposit(2**96 - 2, NO_PERMIT, {"from": stranger})
    assert stake.accountOf(stranger)[3] == 2**96 - 2


def test_without_an_allowance_the_token_refuses(stage, stranger):
    stage.token.approve(stage.stake, 0, {"from": stranger})
    with reverts("ERC20InsufficientAllowance", stage.stake.address, 0, 5):
        stage.stake.deposit(5, NO_PERMIT, {"from": stranger})


def test_a_deposit_becomes_free_balance(stage, stranger):
    done = stage.stake.deposit(5 * ONE, NO_PERMIT, {"from": stranger})
    assert stage.stake.accountOf(stranger).dict()["free"] == 5 * ONE
    assert dict(done.events["Deposited"]) == {"account": stranger, "amount": 5 * ONE}


def test_a_permit_replaces_the_allowance(stage, owner):
    stage.token.approve(stage.stake, 0, {"from": owner})
    given = permit(stage, owner.private_key, 7 * ONE, now() + 1000)
    stage.stake.deposit(7 * ONE, given, {"from": owner})
    assert stage.stake.accountOf(owner).dict()["free"] == 1_007 * ONE


def test_a_permit_that_a_stranger_used_first_changes_nothing(stage, owner, stranger):
    stage.token.approve(stage.stake, 0, {"from": owner})
    given = permit(stage, owner.private_key, 7 * ONE, now() + 1000)
    stage.token.permit(owner, stage.stake, *given, {"from": stranger})
    stage.stake.deposit(7 * ONE, given, {"from": owner})
    assert stage.stake.accountOf(owner).dict()["free"] == 1_007 * ONE


def test_a_bad_permit_is_ignored_and_the_allowance_decides(stage, stranger):
    stage.stake.deposit(ONE, (ONE, now() + 1000, 27, b"\1" * 32, b"\2" * 32), {"from": stranger})
    assert stage.stake.accountOf(stranger).dict()["free"] == ONE


@pytest.mark.parametrize(
    "name", ["deposit", "withdraw", "stake", "unstake", "collect", "draw", "takeSeat", "redraw"]
)
def test_nothing_can_be_called_while_a_deposit_is_measured(people, stranger, name):
    token = people["deployer"].deploy(MockHookToken)
    stake = other_stake(people, token)
    token.mint(token, 100, {"from": stranger})
    token.mint(stranger, 100, {"from": stranger})
    token.approve(stake, 100, {"from": stranger})
    arguments = {
        "deposit": (1, NO_PERMIT), "withdraw": (0, stranger), "stake": (0,), "unstake": (0,), "collect": (),
        "draw": (1,), "takeSeat": (1, 0), "redraw": (1,),
    }[name]  # fmt: skip
    data = getattr(stake, name).encode_input(*arguments)
    token.hook(stake, data, {"from": stranger})
    stake.deposit(10, NO_PERMIT, {"from": stranger})
    assert not token.entered()
    assert bytes(token.answer()) == GUARD
    assert stake.accountOf(stranger).dict()["free"] == 10
