"""The attacker wants a bond, a fine or an escrow that is another's, or to keep one that it lost."""

from __future__ import annotations

import pytest
from plays import BOND, FINE, HONEST
from stage import (
    COMPUTE,
    FLOOR,
    GUARANTEE,
    MAX_COMPUTE,
    NO_PERMIT,
    ONE,
    PRICE,
    REWARD,
    RIGHT,
    TRACE,
    WRONG,
    ZERO,
    reverts,
)


def test_wants_the_exit_to_forget_its_fine(play):
    job = play.committed([("ann", RIGHT), ("bob", None)])
    play.refund(job)
    with reverts("WrongState", 6):
        play.market.refund(job, play.by("bob"))
    play.ends(ann=REWARD, bob=-FINE[2], burnt=FINE[2] - REWARD)


def test_wants_its_bond_back_through_a_timeout(play):
    job = play.split([("ann", RIGHT), ("bob", WRONG)])
    play.court(job, cai=[RIGHT] * 5, bob=[None] * 4)
    with reverts("TooFewOpen", 5, 6):
        play.decided(job)
    play.refund(job)
    play.ends(bob=-4 * FINE[2], burnt=4 * FINE[2])
    assert 4 * FINE[2] > BOND[2]


def test_wants_the_bonds_as_owner_of_the_data_or_as_the_one_who_deployed(play):
    job = play.committed([("ann", WRONG)])
    play.name(job, WRONG)
    play.accuse(job, "stranger", RIGHT)
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    assert BOND[1] == 7 * REWARD + FINE[1] + REWARD  # the jury, the challenger, and what is burnt
    play.ends(buyer=-PRICE, payee=PRICE, ann=-BOND[1], cai=7 * REWARD, stranger=FINE[1], burnt=REWARD)


@pytest.mark.parametrize("seats", [1, 2, 3, 4, 5])
def test_owns_every_seat_the_challenger_and_all_of_round_two(play, seats):
    job = play.committed([("bob", WRONG)] * seats)
    play.name(job, WRONG)
    play.accuse(job, "challenger", RIGHT)
    play.court(job, cai=[RIGHT] * (2 * seats + 5))
    play.decided(job)
    play.release(job)
    coalition = {"bob": -seats * BOND[seats], "challenger": FINE[seats], "cai": (2 * seats + 5) * REWARD}
    loss = (seats - 1) * BOND[seats] + REWARD
    assert sum(coalition.values()) == -loss <= -REWARD
    play.ends(buyer=-PRICE, payee=PRICE, **coalition, burnt=loss)


@pytest.mark.parametrize("seats", [2, 3, 4, 5])
def test_owns_one_wrong_seat_and_all_of_round_two(play, seats):
    job = play.split([("ann", RIGHT)] * (seats - 1) + [("bob", WRONG)])
    play.court(job, cai=[RIGHT] * (2 * seats + 5))
    play.decided(job)
    play.release(job)
    coalition = {"bob": -BOND[seats], "cai": (2 * seats + 5) * REWARD}
    loss = (seats + 4) * REWARD
    assert sum(coalition.values()) == -loss <= -REWARD
    honest = {"buyer": -PRICE - (seats - 1) * FLOOR, "payee": PRICE, "ann": (seats - 1) * FLOOR}
    play.ends(**honest, **coalition, burnt=loss)


def test_wants_one_job_to_pay_for_another(play):
    play.deposit(play.people["buyer"], 1_000 * ONE)
    quiet = play.proposed("ann")
    loud = play.split([("ann", RIGHT), ("bob", WRONG)])
    play.court(loud, cai=[RIGHT] * 9)
    play.decided(loud)
    assert play.stake.ledgerOf(quiet)[1] == PRICE + REWARD + GUARANTEE
    play.finalize(quiet)
    for job in (quiet, loud):
        play.release(job)
    assert play.stake.accountOf(play.people["buyer"]).dict()["free"] == 1_000 * ONE - 2 * (PRICE + FLOOR)
    twice = {name: 2 * change for name, change in HONEST.items()}
    play.ends(**twice, bob=-BOND[2], cai=9 * REWARD, burnt=BOND[2] - 9 * REWARD)


def test_wants_its_stake_out_before_the_blow_lands(play):
    reward, bond = 300 * ONE, 3_600 * ONE
    play.enlist("cai", 30_000 * ONE)

    def leaves():
        with reverts("FreeStakeTooLow", 400 * ONE, 400 * ONE + 1):
            play.stake.unstake(400 * ONE + 1, play.by("ann"))

    job = play.sat("ann", maxReward=reward, terms={"reward": reward})
    leaves()
    play.seal(job, 1, {0: WRONG})
    leaves()
    play.name(job, WRONG)
    leaves()
    play.accuse(job, sealed=RIGHT)
    leaves()
    play.court(job, cai=[RIGHT] * 7)
    leaves()
    play.decided(job)
    play.release(job)
    gains = {"challenger": bond // 3, "cai": 7 * reward, "burnt": reward}
    play.ends(buyer=-PRICE, payee=PRICE, ann=-bond, **gains)


def test_wants_one_stake_to_answer_for_two_seats(play):
    reward = 300 * ONE
    first, second = (play.open(1, maxReward=reward, terms={"reward": reward}) for _ in range(2))
    play.draw(first)
    play.sit(first, "ann")
    play.draw(second)
    with reverts("FreeStakeTooLow", 400 * ONE, 3_600 * ONE):
        play.stake.takeSeat(second, 1, play.by("ann"))
    play.sit(second, "bob")
    play.seal(first, 1, {0: RIGHT})
    play.seal(second, 1, {0: RIGHT})
    play.finish(first)
    play.finish(second)
    play.ends(buyer=-2 * (PRICE + FLOOR), payee=2 * PRICE, ann=FLOOR, bob=FLOOR)


def test_buys_a_job_to_live_on_no_shows_that_it_causes(play):
    with reverts("ComputeOutOfBounds", COMPUTE - 1, COMPUTE, MAX_COMPUTE):
        play.open(2, terms={"compute": COMPUTE - 1})
    job = play.committed([("ann", RIGHT), ("cai", None)])
    play.redraw(job, "bob")  # cai and bob are the buyer's own, and silent
    play.refund(job)
    play.ends(ann=REWARD, bob=-FINE[2], cai=-FINE[2], burnt=2 * FINE[2] - REWARD)


def test_steals_the_bounty_by_copying_a_pending_challenge(play):
    job = play.committed([("ann", WRONG)])
    play.name(job, WRONG)
    pending = play.seal_of(job, 0, 0, str(play.people["challenger"]), RIGHT, ZERO)
    play.market.challenge(job, pending, NO_PERMIT, play.by("stranger"))
    with reverts("WrongState", 3):
        play.market.challenge(job, pending, NO_PERMIT, play.by("challenger"))
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    losses = {"ann": -BOND[1], "stranger": -BOND[1]}
    play.ends(buyer=-PRICE, payee=PRICE, **losses, cai=7 * REWARD, burnt=2 * BOND[1] - 7 * REWARD)


def test_challenges_itself_to_save_its_bond(play):
    job = play.committed([("ann", WRONG)])
    play.name(job, WRONG)
    play.accuse(job, "challenger", RIGHT)  # the challenger is ann's own
    play.court(job, bob=[RIGHT] * 4, cai=[RIGHT] * 3)
    play.decided(job)
    play.release(job)
    own = {"ann": -BOND[1], "challenger": FINE[1]}
    assert sum(own.values()) == -2 * FINE[1]
    play.ends(buyer=-PRICE, payee=PRICE, **own, bob=4 * REWARD, cai=3 * REWARD, burnt=REWARD)


def test_echoes_the_proposed_digest_for_a_bounty_that_nobody_lost(play):
    job = play.challenged("ann", sealed=RIGHT)
    play.court(job, cai=[RIGHT] * 7)
    with reverts("TooFewOpen", 0, 5):
        play.decided(job, WRONG, TRACE)
    play.decided(job)
    play.release(job)
    play.ends(**HONEST, challenger=-BOND[1], cai=7 * REWARD, burnt=BOND[1] - 7 * REWARD)
