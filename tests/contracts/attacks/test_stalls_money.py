"""The attacker wants a job and its money to hang, or to be dragged through a dispute for nothing."""

from __future__ import annotations

import pytest
from plays import BOND, FINE, HONEST
from stage import FLOOR, NOBODY, PRICE, REWARD, RIGHT, TRACE, WRONG, at, digest, reverts

GARBAGE = digest("what nobody can open")


@pytest.mark.parametrize(
    ("sealed", "gets"),
    [
        (0, {"ann": -FINE[2], "bob": -FINE[2], "burnt": 2 * FINE[2]}),
        (1, {"ann": REWARD, "bob": -FINE[2], "burnt": FINE[2] - REWARD}),
        (2, {"ann": -FINE[2], "bob": -FINE[2], "burnt": 2 * FINE[2]}),
    ],
    ids=["no seal", "one seal", "every seal"],
)
def test_wants_a_round_one_without_seals_or_names_to_hang(play, sealed, gets):
    seals = [RIGHT] * sealed + [None] * (2 - sealed)
    job = play.committed(list(zip(("ann", "bob"), seals, strict=True)))
    play.refund(job)
    play.ends(**gets)


@pytest.mark.parametrize("sealed", [0, 1, 9], ids=["no seal", "one seal", "every seal"])
def test_wants_a_round_two_without_seals_or_names_to_hang(play, sealed):
    job = play.split([("ann", RIGHT), ("bob", WRONG)])
    play.court(job, cai=[RIGHT] * sealed + [None] * (9 - sealed))
    play.refund(job)
    play.ends(cai=-(9 - sealed) * FINE[2], burnt=(9 - sealed) * FINE[2])


def test_names_false_digests_to_disturb_both_rounds(play):
    stranger = play.by("stranger")
    job = play.committed([("ann", RIGHT)])
    for guess in map(digest, "abc"):
        with reverts("NothingOpens", guess):
            play.market.settle(job, guess, stranger)
    play.name(job)
    play.accuse(job, sealed=WRONG)
    play.court(job, cai=[RIGHT] * 7)
    for guess in map(digest, "abc"):
        with reverts("TooFewOpen", 0, 5):
            play.market.decide(job, guess, TRACE, stranger)
    play.decided(job)
    play.release(job)
    play.ends(**HONEST, challenger=-BOND[1], cai=7 * REWARD, burnt=BOND[1] - 7 * REWARD)


def sleepy_buyer(play):
    play.finish(play.committed([("ann", RIGHT)]))


def sleepy_owner(play):
    play.refund(play.settled("ann"))


def sleepy_provider(play):
    job = play.committed([("ann", None)])
    play.redraw(job, "bob")
    play.seal(job, 1, {0: RIGHT})
    play.finish(job)


def all_asleep(play):
    play.refund(play.open())


@pytest.mark.parametrize(
    ("life", "gets"),
    [
        (sleepy_buyer, HONEST),
        (sleepy_owner, {"owner": -FLOOR, "ann": FLOOR}),
        (sleepy_provider, HONEST | {"ann": -FINE[1], "bob": FLOOR, "burnt": FINE[1]}),
        (all_asleep, {}),
    ],
)
def test_wants_to_win_by_falling_asleep(play, life, gets):
    life(play)
    assert play.stake.ledgerOf(1)[1] == 0
    play.ends(**gets)


def test_wants_a_neighbour_to_work_for_nothing(play):
    job = play.committed([("ann", RIGHT), ("cai", None)])
    play.redraw(job)  # and nobody takes the empty seat
    play.refund(job)
    play.ends(ann=REWARD, cai=-FINE[2], burnt=FINE[2] - REWARD)


@pytest.mark.parametrize(
    ("votes", "gets"),
    [
        ({"ann": [RIGHT] * 4, "bob": [WRONG] * 4, "cai": [GARBAGE] * 3}, {}),
        ({"ann": [RIGHT] * 5, "cai": [None] * 6}, {"cai": -6 * FINE[3], "burnt": 6 * FINE[3]}),
        ({}, {}),
    ],
    ids=["three camps", "half silent", "nobody came"],
)
def test_wants_a_hung_jury(play, votes, gets):
    job = play.split([("ann", RIGHT), ("bob", WRONG), ("cai", GARBAGE)])
    if votes:
        play.court(job, **votes)
        with reverts("TooFewOpen", len(votes["ann"]), 8):
            play.decided(job)
    play.refund(job)
    play.ends(**gets)


def test_wants_to_cancel_after_the_delivery(play):
    buyer = play.by("buyer")
    job = play.committed([("ann", RIGHT)])
    due = play.view(job)["exitFrom"]
    at(due - 1)
    with reverts("RefundTooEarly", due, due - 1):
        play.market.refund(job, buyer)
    play.name(job)
    with reverts("WrongState", 2):
        play.market.refund(job, buyer)
    play.finalize(job)
    play.release(job)
    with reverts("WrongState", 5):
        play.market.refund(job, buyer)
    play.ends(**HONEST)


def test_wants_the_escrow_to_hang_behind_seals_that_nothing_opens(play):
    job = play.committed([(name, GARBAGE) for name in ("ann", "bob", "cai")])
    with reverts("NothingOpens", RIGHT):
        play.name(job)
    play.refund(job)
    play.ends(ann=-FINE[3], bob=-FINE[3], cai=-FINE[3], burnt=3 * FINE[3])


def test_wants_a_third_of_the_jury_to_stop_a_dispute_for_ever(play):
    job = play.split([("ann", RIGHT), ("bob", WRONG), ("cai", RIGHT)])
    play.court(job, cai=[RIGHT] * 7, bob=[WRONG] * 4)
    with reverts("TooFewOpen", 7, 8):
        play.decided(job)
    play.refund(job)
    assert play.state(job) == "Refunded"
    play.ends()


def test_wants_a_unanimous_job_in_a_dispute_for_the_price_of_gas(play):
    job = play.committed([(name, RIGHT) for name in ("ann", "bob", "cai")])
    with reverts("NothingOpens", WRONG):
        play.name(job, WRONG)
    assert play.state(job) == "Open"
    play.finish(job)
    play.ends(buyer=-PRICE - 3 * FLOOR, payee=PRICE, ann=FLOOR, bob=FLOOR, cai=FLOOR)


def test_wants_the_burning_to_block_the_settlement(play):
    with reverts("ERC20InvalidReceiver", NOBODY):
        play.token.transfer(NOBODY, 1, play.by("stranger"))
    supply = play.token.totalSupply()
    job = play.challenged("ann")
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    burnt = BOND[1] - 7 * REWARD
    with reverts("FreeBalanceTooLow", str(play.people["stranger"]), 0, burnt):
        play.stake.withdraw(burnt, play.people["stranger"], play.by("stranger"))
    assert (play.token.totalSupply(), play.token.balanceOf(NOBODY)) == (supply, 0)
    play.ends(**HONEST, challenger=-BOND[1], cai=7 * REWARD, burnt=burnt)


def test_challenges_only_to_keep_the_buyer_waiting(play):
    job = play.proposed("ann")
    done = play.release(job)
    assert "ResultReleased" in done.events
    assert done.timestamp < play.view(job)["challengeBy"]
    play.accuse(job, sealed=WRONG)
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    assert play.state(job) == "Released"
    play.ends(**HONEST, challenger=-BOND[1], cai=7 * REWARD, burnt=BOND[1] - 7 * REWARD)


def test_challenges_where_no_jury_can_come(play):
    job = play.challenged("ann", sealed=GARBAGE)
    play.refund(job)
    play.ends(ann=REWARD, challenger=-FINE[1], burnt=FINE[1] - REWARD)
