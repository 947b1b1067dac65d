"""The attacker wants to be paid for a result that it did not compute."""

from __future__ import annotations

from plays import BOND, FINE, HONEST
from stage import FLOOR, PRICE, REWARD, RIGHT, TRACE, WRONG, ZERO, at, digest, reverts


def test_wants_pay_for_a_seal_that_nobody_ever_opens(play):
    job = play.sat("ann")
    play.commit(job, 0, "ann", digest("proof"))
    for named in (RIGHT, digest("proof")):
        with reverts("NothingOpens", named):
            play.name(job, named)
    play.refund(job)
    play.ends(ann=-FINE[1], burnt=FINE[1])


def test_copies_a_neighbours_seal(play):
    job = play.sat("ann", "bob")
    play.seal(job, 1, {0: RIGHT})
    play.commit(job, 1, "bob", play.stake.seatsOf(job, 1)[0][2])
    play.name(job)
    assert play.state(job) == "Escalated"
    play.court(job, cai=[RIGHT] * 9)
    play.decided(job)
    play.release(job)
    play.ends(**HONEST, bob=-BOND[2], cai=9 * REWARD, burnt=BOND[2] - 9 * REWARD)


def test_seals_first_and_wants_to_choose_again_later(play):
    job = play.committed([("ann", RIGHT), ("bob", WRONG)])
    with reverts("AlreadySealed", 1):
        play.commit(job, 1, "bob", play.seal_of(job, 1, 1, str(play.people["bob"]), RIGHT, ZERO))
    play.name(job)
    play.court(job, cai=[RIGHT] * 8, bob=[WRONG])
    with reverts("AlreadySealed", 8):
        play.commit(job, 8, "bob", play.seal_of(job, 2, 8, str(play.people["bob"]), RIGHT, TRACE))
    play.decided(job)
    play.release(job)
    play.ends(**HONEST, bob=-2 * BOND[2], cai=8 * REWARD, burnt=2 * BOND[2] - 8 * REWARD)


def test_claims_that_the_run_failed_without_running(play):
    failed = digest("status: failed, code: out of range")
    job = play.committed([("ann", failed)])
    play.name(job, failed)
    play.accuse(job, sealed=RIGHT)
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    gains = {"challenger": BOND[1] // 3, "cai": 7 * REWARD, "burnt": REWARD}
    play.ends(buyer=-PRICE, payee=PRICE, ann=-BOND[1], **gains)


def test_hands_in_the_valid_seal_of_another_job(play):
    first = play.committed([("ann", RIGHT)])
    seal = play.stake.seatsOf(first, 1)[0][2]
    play.finish(first)
    second = play.sat("ann")
    play.commit(second, 0, "ann", seal)
    with reverts("NothingOpens", RIGHT):
        play.name(second, RIGHT)
    play.refund(second)
    play.ends(**HONEST | {"ann": FLOOR - FINE[1]}, burnt=FINE[1])


def test_repeats_the_result_of_an_earlier_equal_job(play):
    earlier, later = (
        digest("result of job 1"),
        digest("result of job 2"),
    )  # a result names its job and its trace
    play.finish(play.committed([("ann", earlier)]), earlier)
    job = play.committed([("ann", later), ("bob", earlier)])
    play.name(job, later)
    play.court(job, cai=[later] * 9)
    play.decided(job, later)
    play.release(job)
    twice = {name: 2 * change for name, change in HONEST.items()}
    play.ends(**twice, bob=-BOND[2], cai=9 * REWARD, burnt=BOND[2] - 9 * REWARD)


def test_votes_for_public_bytes_without_having_run_them(play):
    job = play.challenged("ann")
    play.court(job, bob=[RIGHT] * 5, cai=[(RIGHT, digest("a trace made up"))] * 2)
    with reverts("TooFewOpen", 2, 5):
        play.decided(job, RIGHT, digest("a trace made up"))
    play.decided(job)
    play.release(job)
    losses = {"challenger": -BOND[1], "cai": -2 * BOND[1]}
    play.ends(**HONEST, **losses, bob=5 * REWARD, burnt=3 * BOND[1] - 5 * REWARD)


def test_waits_for_the_name_and_commits_in_front_of_it(play):
    job = play.challenged("ann")
    play.court(job, bob=[RIGHT] * 6, cai=[None])
    by, stranger = play.round(job, 2)["commitBy"], play.by("stranger")
    at(by - 1)
    with reverts("CommitsOpen", by, by - 1):
        play.market.decide(job, RIGHT, TRACE, stranger)
    at(by)
    copied = play.seal_of(job, 2, 6, str(play.people["cai"]), RIGHT, TRACE)
    with reverts("CommitOver", by, by):
        play.commit(job, 6, "cai", copied)
    play.decided(job)
    play.release(job)
    play.ends(
        **HONEST, bob=6 * REWARD, cai=-FINE[1], challenger=-BOND[1], burnt=BOND[1] + FINE[1] - 6 * REWARD
    )


def test_wants_neighbours_to_compute_for_a_round_that_never_fills(play):
    job = play.open(2)
    play.draw(job)
    play.sit(job, "ann")
    with reverts("NotFull"):
        play.commit(job, 0, "ann", digest("computed too early"))
    play.refund(job)
    play.ends()


def test_wants_a_late_claim_to_pass_without_an_error(play):
    job = play.sat("ann")
    by = play.round(job)["commitBy"]
    at(by)
    with reverts("CommitOver", by, by):
        play.stake.commit(job, 0, digest("late"), play.by("ann"))
    late = play.stake.commit.encode_input(job, 0, digest("late"))
    done = play.stake.multicall([late], play.by("ann"))
    reason = bytes(done.events["CallFailed"]["reason"])
    assert [int.from_bytes(reason[4 + i : 36 + i], "big") for i in (0, 32)] == [by, done.timestamp]
    play.refund(job)
    play.ends(ann=-FINE[1], burnt=FINE[1])
