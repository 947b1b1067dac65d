"""multicall: several calls of one caller, of which a bad one does not undo the others."""

from __future__ import annotations

from stage import NO_PERMIT, ONE, digest


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
    from brownie import web3

    errors = {}
    for entry in contract.abi:
        if entry["type"] == "error":
            kinds = ",".join(item["type"] for item in entry["inputs"])
            errors[web3.to_hex(web3.keccak(text=f"{entry['name']}({kinds})")[:4])] = entry["name"]
    return errors
