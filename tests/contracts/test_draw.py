"""draw: the seed of a round, stored once."""

from __future__ import annotations

import pytest
from brownie import chain, web3
from eth_abi import encode
from stage import FILL, RIGHT, WRONG, ZERO, at, now, reverts


def test_an_unknown_job_has_no_round(stage, stranger):
    with reverts("RoundNotOpen", 9):
        stage.stake.draw(9, {"from": stranger})


def test_a_job_that_is_over_has_no_round(stage, stranger):
    job = stage.settled()
    with reverts("RoundNotOpen", job):
        stage.stake.draw(job, {"from": stranger})


def test_a_seed_is_drawn_once(stage, stranger):
    job = stage.open()
    stage.draw(job)
    with reverts("AlreadyDrawn"):
        stage.stake.draw(job, {"from": stranger})


def test_the_seed_is_never_drawn_in_the_block_of_the_start_or_the_next(stage, stranger):
    job = stage.open()
    start = stage.round(job)["startBlock"]
    with reverts("DrawTooEarly", start + 2, start + 1):
        stage.stake.draw(job, {"from": stranger})
    # The failed attempt was block start + 1.
    done = stage.stake.draw(job, {"from": stranger})
    assert done.block_number == start + 2


def test_the_last_second_of_the_fill_window_draws(stage, stranger):
    job = stage.open()
    chain.mine(1)
    at(stage.round(job)["start"] + FILL - 1)
    stage.stake.draw(job, {"from": stranger})


def test_the_end_of_the_fill_window_does_not_draw(stage, stranger):
    job = stage.open()
    chain.mine(1)
    until = stage.round(job)["start"] + FILL
    at(until)
    with reverts("DrawOver", until, until):
        stage.stake.draw(job, {"from": stranger})


@pytest.mark.parametrize("blocks", [255, 256, 257, 1_000])
def test_the_seed_does_not_depend_on_how_many_blocks_have_passed(stage, stranger, blocks):
    job = stage.open(1, terms={"fill": 86_400})
    web3.provider.make_request("anvil_mine", [hex(blocks)])
    stage.stake.draw(job, {"from": stranger})
    assert bytes(stage.round(job)["seed"]) != ZERO


def test_the_seed_comes_from_the_beacon_of_its_block_and_starts_the_contest(stage, stranger):
    job = stage.open()
    chain.mine(1)
    done = stage.stake.draw(job, {"from": stranger})
    prevrandao = int(web3.eth.get_block(done.block_number)["mixHash"].hex(), 16)
    kinds = ["uint256", "address", "uint256", "uint8"]
    seed = web3.keccak(encode(kinds, [prevrandao, stage.market.address, job, 1]))
    assert dict(done.events["SeedDrawn"]) == {
        "job": job,
        "round": 1,
        "seed": web3.to_hex(seed),
        "contestEnd": done.timestamp + FILL,
    }
    assert bytes(stage.round(job)["seed"]) == bytes(seed)


def test_round_two_is_drawn_anew_after_its_own_start(stage, stranger):
    job = stage.split([("ann", RIGHT), ("bob", WRONG)])
    start = stage.round(job, 2)["startBlock"]
    with reverts("DrawTooEarly", start + 2, start + 1):
        stage.stake.draw(job, {"from": stranger})
    done = stage.stake.draw(job, {"from": stranger})
    assert done.events["SeedDrawn"]["round"] == 2
    assert stage.round(job, 2)["seed"] != stage.round(job, 1)["seed"]
    assert stage.round(job, 2)["contestEnd"] == now() + FILL
