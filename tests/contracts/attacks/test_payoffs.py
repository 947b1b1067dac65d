"""What a seat gets, whatever it did and however the job ends: the table of both rounds, exact."""

from __future__ import annotations

import pytest
from plays import BOND, FINE
from stage import FLOOR, GUARANTEE, PRICE, REWARD, RIGHT, WRONG, digest, reverts

# Job of three seats. A silent seat of round one is emptied by a redraw, fined, and given to a neutral provider.
BOND_LOST, FINED = -BOND[3], -FINE[3]
PAYOFFS = {
    # (round, end): what a right, a wrong and a silent seat get; None where no such seat can be
    (1, "finalized"): (FLOOR, None, FINED),
    (1, "finalized, all agree on a wrong digest"): (None, FLOOR, FINED),
    (1, "decided"): (FLOOR, BOND_LOST, FINED),
    (1, "undecided"): (0, 0, FINED),
    (1, "timed out, seals missing"): (REWARD, REWARD, FINED),
    (1, "timed out, nobody names"): (FINED, FINED, FINED),
    (2, "decided"): (REWARD, BOND_LOST, FINED),
    (2, "undecided"): (0, 0, FINED),
    (2, "timed out, nobody names"): (0, 0, FINED),
    (2, "timed out, never full"): (0, 0, 0),
}


def first_round(play, ann: bytes, bob: bytes, last: bytes | None) -> int:
    """ann and bob seal, cai is silent; payee, who is neutral, takes its seat after the redraw."""
    job = play.committed([("ann", ann), ("bob", bob), ("cai", None)])
    play.redraw(job, "payee")
    if last is not None:
        play.seal(job, 1, {2: last})
    return job


def play_round_one(play, end: str) -> None:
    agreed = {"finalized": RIGHT, "finalized, all agree on a wrong digest": WRONG}.get(end)
    if agreed:
        job = first_round(play, agreed, agreed, agreed)
        play.name(job, agreed)
        return play.finalize(job)
    job = first_round(play, RIGHT, WRONG, None if end == "timed out, seals missing" else RIGHT)
    if end in ("decided", "undecided"):
        play.name(job)
        play.court(
            job,
            payee=[RIGHT] * (11 if end == "decided" else 7),
            stranger=[] if end == "decided" else [WRONG] * 4,
        )
    return play.decided(job) if end == "decided" else play.refund(job)


def play_round_two(play, end: str) -> None:
    job = play.split([("payee", RIGHT), ("payee", RIGHT), ("payee", WRONG)])
    if end == "timed out, never full":
        play.draw(job)
        play.sit(job, "ann", "bob", "cai")
        with reverts("NotFull"):
            play.commit(job, 0, "ann", digest("too early"))
        return play.refund(job)
    right = 5 if end == "undecided" else 7
    neutral = [RIGHT] * right + [None] * (8 - right)
    play.court(job, ann=[RIGHT], bob=[WRONG], cai=[None], payee=neutral)
    return play.decided(job) if end == "decided" else play.refund(job)


@pytest.mark.parametrize(("number", "end"), PAYOFFS)
def test_a_seat_gets_what_the_table_says(play, number, end):
    play.enlist("payee")
    play.enlist("stranger")
    (play_round_one if number == 1 else play_round_two)(play, end)
    changes = play.changes(play.before)
    right, wrong, silent = PAYOFFS[number, end]
    got = changes.get("ann", 0), changes.get("bob", 0), changes.get("cai", 0)
    print(f"\n  round {number}, {end}: right {right}, wrong {wrong}, silent {silent}")
    expected = (right if right is not None else wrong, wrong if wrong is not None else right, silent)
    assert got == expected
    assert sum(changes.values()) == 0
    waiting = end.startswith("finalized") or end == "decided"
    assert changes.get("held", 0) == (PRICE + GUARANTEE if waiting else 0)


def test_nobody_sits_in_a_second_round_of_a_job_that_was_finalized(play):
    job = play.settled("ann")
    with reverts("RoundNotOpen", job):
        play.stake.takeSeat(job, 0, play.by("bob"))
    play.release(job)
    play.ends(buyer=-PRICE - FLOOR, payee=PRICE, ann=FLOOR)
