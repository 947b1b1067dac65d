"""The attacker wants terms under which nobody but its own providers can sit, or none at all."""

from __future__ import annotations

import pytest
from plays import HONEST
from stage import COMPUTE, FILL, FLOOR, MAX_COMPUTE, MAX_FILL, ONE, REWARD, RIGHT, reverts


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"floor": 1, "reward": 1}, ("RewardOutOfBounds", 1, 1)),
        ({"floor": 1}, ("RewardOutOfBounds", 1, REWARD)),
        ({"floor": FLOOR - 1}, ("RewardOutOfBounds", FLOOR - 1, REWARD)),
        ({"compute": COMPUTE - 1}, ("ComputeOutOfBounds", COMPUTE - 1, COMPUTE, MAX_COMPUTE)),
    ],
    ids=["a reward of dust", "a floor of dust", "one unit too little", "one second too short"],
)
def test_prices_honest_providers_out(play, terms, refusal):
    with reverts(*refusal):
        play.open(terms=terms)
    play.finish(play.committed([("ann", RIGHT)]))
    play.ends(**HONEST)


def test_bids_so_high_that_nobody_else_can_lock_a_bond(play):
    with reverts("RewardOutOfBounds", FLOOR, REWARD + 1):
        play.open(terms={"reward": REWARD + 1})
    play.enlist("stranger", 30_000 * ONE)  # the buyer's own, and an owner that forgot a limit
    rich = play.open(maxReward=2_000 * ONE, terms={"reward": 2_000 * ONE})
    play.draw(rich)
    with reverts("FreeStakeTooLow", 4_000 * ONE, 24_000 * ONE):
        play.stake.takeSeat(rich, 0, play.by("ann"))
    play.sit(rich, "stranger")
    play.market.refund(rich, play.by("owner"))  # declines before anything is computed
    play.finish(play.committed([("ann", RIGHT)]))
    play.ends(**HONEST)


def test_leaves_no_time_to_fetch_the_inputs(play):
    with reverts("FillOutOfBounds", FILL - 1, FILL, MAX_FILL):
        play.open(terms={"fill": FILL - 1})
    play.finish(play.committed([("ann", RIGHT)]))
    play.ends(**HONEST)
