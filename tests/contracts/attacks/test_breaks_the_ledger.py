"""The attacker wants a boundary, a rounding, a call back, a long list or a large number to break the accounts."""

from __future__ import annotations

import pytest
from brownie import DataMarket, MockHookToken, ProviderStake, web3
from plays import BOND, FINE, HONEST, Play
from stage import (
    BOUNDS,
    EXIT,
    FILL,
    FLOOR,
    NO_PERMIT,
    ONE,
    PRICE,
    REWARD,
    RIGHT,
    UNIT,
    WRONG,
    ZERO,
    at,
    digest,
    reverts,
)

GUARD = bytes(web3.keccak(text="ReentrancyGuardReentrantCall()")[:4])


def succeeded(contract, calls: list, sender: dict) -> list[int]:
    """Which of these calls, all in one transaction and thus in one second, went through."""
    done = contract.multicall(calls, sender)
    failed = (
        {int(event["index"]) for event in done.events["CallFailed"]} if "CallFailed" in done.events else set()
    )
    return [index for index in range(len(calls)) if index not in failed]


def silent_seat(play):
    job = play.sat("ann")
    seal = play.seal_of(job, 1, 0, str(play.people["ann"]), RIGHT, ZERO)
    calls = [play.stake.commit.encode_input(job, 0, seal), play.stake.redraw.encode_input(job)]
    return job, play.stake, "ann", calls, play.round(job)["commitBy"]


def doubtful_result(play):
    job = play.proposed("ann")
    seal = play.seal_of(job, 0, 0, str(play.people["challenger"]), WRONG, ZERO)
    calls = [play.market.challenge.encode_input(job, seal, NO_PERMIT), play.market.finalize.encode_input(job)]
    return job, play.market, "challenger", calls, play.deadline(job)


def late_owner(play):
    job = play.settled("ann")
    calls = [
        play.market.release.encode_input(job, digest("sealed"), b"k"),
        play.market.refund.encode_input(job),
    ]
    return job, play.market, "owner", calls, play.deadline(job)


@pytest.mark.parametrize(
    ("scene", "before", "after"),
    [
        (silent_seat, {"ann": -FINE[1], "burnt": FINE[1]}, {"ann": -FINE[1], "burnt": FINE[1]}),
        (doubtful_result, {"ann": REWARD, "challenger": -FINE[1], "burnt": FINE[1] - REWARD}, HONEST),
        (late_owner, HONEST, {"owner": -FLOOR, "ann": FLOOR}),
    ],
)
@pytest.mark.parametrize("past", [False, True], ids=["last second", "deadline"])
def test_wants_both_sides_of_a_deadline_in_one_second(play, scene, before, after, past):
    job, contract, name, calls, deadline = scene(play)
    at(deadline - 1 + past)
    assert succeeded(contract, calls, play.by(name)) == [1 if past else 0]
    if scene is doubtful_result and past:
        play.release(job)
    elif play.state(job) not in ("Released", "Refunded"):
        play.refund(job)
    play.ends(**(after if past else before))


def test_calls_back_from_the_token_to_be_paid_twice(people):
    deployer = people["deployer"]
    token = deployer.deploy(MockHookToken)
    market = deployer.get_deployment_address(deployer.nonce + 1)
    stake = deployer.deploy(ProviderStake, token, market, UNIT, EXIT)
    play = Play(
        people, token, stake, deployer.deploy(DataMarket, stake, BOUNDS), "calls back to be paid twice"
    )
    play.prepare()
    play.before = play.money()
    play.finish(play.committed([("ann", RIGHT)]))
    again = stake.withdraw.encode_input(FLOOR, people["ann"])
    token.hook(stake, again, play.by("ann"))
    stake.withdraw(FLOOR, people["ann"], play.by("ann"))
    assert (token.entered(), bytes(token.answer())) == (False, GUARD)
    with reverts("FreeBalanceTooLow", str(people["ann"]), 0, FLOOR):
        stake.withdraw(FLOOR, people["ann"], play.by("ann"))
    play.ends(**HONEST)


def test_wants_the_crumbs_of_a_rounded_reward(play):
    floor, reward, late = FLOOR + 1, REWARD + 2, 7
    job = play.open(3, maxReward=reward, terms={"floor": floor, "reward": reward})
    play.draw(job)
    at(play.round(job)["contestEnd"] + late)
    play.stake.multicall([play.stake.takeSeat.encode_input(job, unit) for unit in range(3)], play.by("ann"))
    play.seal(job, 1, {0: RIGHT, 1: RIGHT, 2: RIGHT})
    play.finish(job)
    paid, crumbs = divmod(FILL * floor + (reward - floor) * late, FILL)
    assert crumbs
    play.ends(buyer=-PRICE - 3 * paid, payee=PRICE, ann=3 * paid)


def test_wants_a_settlement_too_dear_for_any_block(play):
    play.enlist("cai", 50_000 * ONE)
    job = play.challenged("ann", "ann", "bob", "bob", "cai", sealed=WRONG)
    play.court(job, cai=[RIGHT] * 15)
    done = play.decided(job)
    assert done.gas_used < 15_000_000 // 20
    play.release(job)
    gains = {"ann": 2 * FLOOR, "bob": 2 * FLOOR, "cai": FLOOR + 15 * REWARD}
    play.ends(
        buyer=-PRICE - 5 * FLOOR, payee=PRICE, **gains, challenger=-BOND[5], burnt=BOND[5] - 15 * REWARD
    )


def test_bids_a_reward_whose_bond_overflows(play):
    most = 2**96 // 24
    with reverts("RewardOutOfBounds", FLOOR, most + 1):
        play.open(maxReward=2**96 - 1, terms={"reward": most + 1})
    buyer = str(play.people["buyer"])
    with reverts("ERC20InsufficientBalance", buyer, 100_000 * ONE, PRICE + most):
        play.open(maxReward=2**96 - 1, terms={"reward": most})
    play.finish(play.committed([("ann", RIGHT)]))
    play.ends(**HONEST)


def test_asks_a_price_whose_escrow_overflows(play):
    with reverts("EscrowTooLarge", 2**96 - 1 + REWARD):
        play.open(price=2**96 - 1)
    assert play.market.jobCount() == 0
    play.finish(play.committed([("ann", RIGHT)]))
    play.ends(**HONEST)


def test_slips_a_job_in_between_so_that_the_buyer_follows_the_wrong_one(play):
    expected = play.market.jobCount() + 1
    other = play.open(buyer=play.people["stranger"])
    offer = play.offer()
    opening = (tuple(offer.values()), play.sign(offer), play.terms(), NO_PERMIT)
    done = play.market.openJob(*opening, play.by("buyer"))
    job = done.return_value
    assert (expected, other) == (1, 1)
    assert job == done.events["JobOpened"]["job"] == play.market.jobCount() == 2
    assert play.view(job)["job"]["buyer"] == play.people["buyer"]
    play.market.refund(other, play.by("owner"))
    play.draw(job)
    play.sit(job, "ann")
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)
    play.ends(**HONEST)
