"""multicall: several calls of one caller, of which a bad one does not undo the others."""

from __future__ import annotations

import pytest
from brownie import chain, web3
from stage import NO_PERMIT, ONE, at, digest, reverts


def test_deposit_and_stake_in_one_transaction(stage, stranger):
    calls = [stage.stake.deposit.encode_input(5 * ONE, NO_PERMIT), stage.stake.stake.encode_input(3 * ONE)]
    stage.stake.multicall(calls, {"from": stranger})
    account = stage.stake.accountOf(stranger).dict()
    assert (account["free"], account["staked"]) == (2 * ONE, 3 * ONE)


def test_a_bad_item_reverts_alone_and_says_why(stage, stranger):
    calls = [
        stage.stake.deposit.encode_input(5 * ONE, NO_PERMIT),
        stage.stake.stake.encode_input(6 * ONE),
        stage.stake.stake.encode_input(ONE),
        stage.stake.collect.encode_input(),
    ]
    done = stage.stake.multicall(calls, {"from": stranger})
    account = stage.stake.accountOf(stranger).dict()
    assert (account["free"], account["staked"]) == (4 * ONE, ONE)
    failed = done.events["CallFailed"]
    assert [event["index"] for event in failed] == [1, 3]
    assert done.return_value[0] == (True, False, True, False)
    selector = next(k for k, v in stage_errors(stage.stake).items() if v == "FreeBalanceTooLow")
    assert str(failed[0]["reason"]).startswith(selector)


def opening(stage, **changes) -> str:
    offer = stage.offer(**changes)
    return stage.market.openJob.encode_input(
        tuple(offer.values()), stage.sign(offer), stage.terms(), NO_PERMIT
    )


@pytest.mark.parametrize("items", [1, 3])
def test_what_an_estimate_of_gas_says_is_enough_for_every_item(stage, buyer, items):
    calls = [opening(stage, salt=digest(f"offer {i}")) for i in range(items)]
    data = stage.market.multicall.encode_input(calls)
    call = {"from": str(buyer), "to": stage.market.address, "data": data}
    estimate = web3.eth.estimate_gas(call)
    done = stage.market.multicall(calls, {"from": buyer, "gas_limit": estimate})
    assert "CallFailed" not in done.events
    assert stage.market.jobCount() == items


def test_an_item_without_enough_gas_undoes_the_whole_and_is_named(stage, buyer):
    calls = [opening(stage, salt=digest("one")), opening(stage, salt=digest("two"))]
    spent = stage.market.multicall(calls[:1], {"from": buyer}).gas_used
    with reverts("OutOfGas", 1):
        stage.market.multicall(calls, {"from": buyer, "gas_limit": spent + 150_000})
    assert stage.market.jobCount() == 1


def test_a_seal_that_lacks_gas_is_not_taken_for_committed(stage, ann):
    job = stage.sat("ann")
    at(stage.round(job)["contestEnd"])
    chain.mine(1)
    seal = stage.seal_of(job, 1, 0, str(ann), digest("right"), b"\0" * 32)
    calls = [stage.stake.commit.encode_input(job, 0, seal)]
    needed = web3.eth.estimate_gas(
        {"from": str(ann), "to": stage.stake.address, "data": stage.stake.multicall.encode_input(calls)}
    )
    with reverts("OutOfGas", 0):
        stage.stake.multicall(calls, {"from": ann, "gas_limit": needed - 10_000})
    stage.stake.multicall(calls, {"from": ann, "gas_limit": needed})
    assert stage.round(job)["sealedMask"] == 1


def test_an_item_that_reverts_by_itself_is_not_taken_for_one_that_lacks_gas(stage, stranger):
    calls = [stage.stake.collect.encode_input()]
    needed = web3.eth.estimate_gas(
        {"from": str(stranger), "to": stage.stake.address, "data": stage.stake.multicall.encode_input(calls)}
    )
    done = stage.stake.multicall(calls, {"from": stranger, "gas_limit": needed})
    assert [event["index"] for event in done.events["CallFailed"]] == [0]


def test_the_market_runs_several_calls_of_an_owner(stage, owner):
    calls = [
        stage.market.publishOffers.encode_input(1, digest("offers")),
        stage.market.delist.encode_input(7),
        stage.market.cancelAllOffers.encode_input(1),
    ]
    done = stage.market.multicall(calls, {"from": owner})
    assert {"OffersPublished", "EpochRaised", "CallFailed"} <= set(done.events.keys())


def test_a_multicall_gives_nobody_the_rights_of_another(stage, stranger):
    done = stage.market.multicall([stage.market.delist.encode_input(1)], {"from": stranger})
    assert "CallFailed" in done.events
    assert not stage.market.datasetOf(1)[2]


def stage_errors(contract) -> dict[str, str]:
    errors = {}
    for entry in contract.abi:
        if entry["type"] == "error":
            kinds = ",".join(item["type"] for item in entry["inputs"])
            errors[web3.to_hex(web3.keccak(text=f"{entry['name']}({kinds})")[:4])] = entry["name"]
    return errors
