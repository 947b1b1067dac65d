"""The attacker wants a small part of the stake to say what is right."""

from __future__ import annotations

from math import comb

from plays import BOND
from stage import FLOOR, PRICE, REWARD, RIGHT, TRACE, WRONG, reverts


def convicts(share: float, seats: int, needed: int) -> float:
    """The chance that this share of a large stake holds so many of the seats."""
    return sum(comb(seats, k) * share**k * (1 - share) ** (seats - k) for k in range(needed, seats + 1))


def test_wants_four_of_seven_jurors_to_convict_an_honest_seat(play):
    job = play.challenged("ann", sealed=WRONG)
    play.court(job, cai=[RIGHT] * 3, bob=[WRONG] * 4)
    with reverts("TooFewOpen", 4, 5):
        play.decided(job, WRONG, TRACE)
    play.refund(job)
    # With two of three jurors enough, a third of the stake would convict one honest seat in four.
    assert convicts(1 / 3, 7, 5) < 0.05 < 0.25 < convicts(1 / 3, 3, 2)
    play.ends()


def test_splits_round_one_and_is_outvoted(play):
    job = play.split([("ann", RIGHT), ("bob", WRONG), ("bob", WRONG)])
    play.court(job, cai=[RIGHT] * 8, bob=[WRONG] * 3)
    with reverts("TooFewOpen", 3, 8):
        play.decided(job, WRONG, TRACE)
    play.decided(job)
    play.release(job)
    loss = 5 * BOND[3]
    play.ends(
        buyer=-PRICE - FLOOR, payee=PRICE, ann=FLOOR, bob=-loss, cai=8 * REWARD, burnt=loss - 8 * REWARD
    )
