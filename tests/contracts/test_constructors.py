"""The constructors: two contracts that name each other, and bounds that make sense."""

from __future__ import annotations

import pytest
from brownie import DataMarket, MockTopFeeToken, ProviderStake
from stage import BOUNDS, EXIT, NOBODY, UNIT, reverts


@pytest.mark.parametrize("place", [0, 1])
def test_the_ledger_refuses_zero_addresses(stage, people, place):
    addresses = [stage.token, people["stranger"]]
    addresses[place] = NOBODY
    with reverts("AddressZero"):
        people["deployer"].deploy(ProviderStake, *addresses, UNIT, EXIT)


def test_the_ledger_refuses_a_unit_of_nothing(stage, people):
    with reverts("UnitZero"):
        people["deployer"].deploy(ProviderStake, stage.token, people["stranger"], 0, EXIT)


def test_the_ledger_refuses_an_exit_without_delay(stage, people):
    with reverts("ExitZero"):
        people["deployer"].deploy(ProviderStake, stage.token, people["stranger"], UNIT, 0)


def test_the_ledger_refuses_a_token_of_which_there_is_more_than_it_can_count(people, stranger):
    token = stranger.deploy(MockTopFeeToken, 2**96)
    with reverts("SupplyTooLarge", 2**96):
        stranger.deploy(ProviderStake, token, people["deployer"], UNIT, EXIT)
    stranger.deploy(
        ProviderStake, stranger.deploy(MockTopFeeToken, 2**96 - 1), people["deployer"], UNIT, EXIT
    )


def test_a_market_refuses_a_ledger_that_expects_another(stage, people):
    with reverts("StakeMismatch", stage.stake.address):
        people["deployer"].deploy(DataMarket, stage.stake, BOUNDS)


@pytest.mark.parametrize(
    "change",
    [{0: 0}, {2: 0}, {4: 0}, {6: 0}, {0: BOUNDS[1] + 1}, {2: BOUNDS[3] + 1}, {4: BOUNDS[5] + 1}],
    ids=["no fill", "no compute", "no release", "no naming", "fill", "compute", "release"],
)
def test_a_market_refuses_bounds_that_make_no_sense(stage, people, change):
    deployer = people["deployer"]
    market = deployer.get_deployment_address(deployer.nonce + 1)
    stake = deployer.deploy(ProviderStake, stage.token, market, UNIT, EXIT)
    with reverts("BoundsInvalid"):
        deployer.deploy(DataMarket, stake, [change.get(i, bound) for i, bound in enumerate(BOUNDS)])


def test_what_was_given_can_be_read(stage):
    assert (stage.stake.token(), stage.stake.market()) == (stage.token, stage.market)
    assert (stage.stake.unit(), stage.stake.exitDelay()) == (UNIT, EXIT)
    assert stage.market.stake() == stage.stake
    assert tuple(stage.market.bounds()) == BOUNDS


def test_no_function_has_a_privileged_caller(stage):
    words = ("owner", "pause", "upgrade", "rescue", "sweep", "admin", "fee", "treasury")
    names = {
        entry["name"] for c in (stage.market, stage.stake) for entry in c.abi if entry["type"] == "function"
    }
    assert not {n for n in names if any(word in n.lower() for word in words)} - {"ownerOf"}
