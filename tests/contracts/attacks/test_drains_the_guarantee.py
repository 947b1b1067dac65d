"""The attacker wants the guarantee of the owner, or the result and the money back."""

from __future__ import annotations

from plays import BOND, FINE
from stage import EPSILON, FLOOR, GUARANTEE, ONE, PRICE, REWARD, RIGHT, WRONG, at, digest, reverts

OWN = ("ann", "bob", "cai")  # providers of the buyer


def budget(play) -> tuple[int, int]:
    epsilon = play.market.datasetOf(1).dict()["epsilon"]
    return epsilon["reserved"], epsilon["spent"]


def test_wants_the_guarantee_by_a_lapse(play):
    job = play.committed([(name, WRONG) for name in OWN], terms={"floor": REWARD})
    play.name(job, WRONG)
    play.finalize(job)
    play.refund(job)
    # The buyer has no gain: it spent 3 rewards and gets no more than the guarantee for them.
    lost = 3 * REWARD - GUARANTEE
    play.ends(buyer=-lost, owner=-GUARANTEE, ann=REWARD, bob=REWARD, cai=REWARD)


def test_wants_the_guarantee_and_meets_an_owner_that_checks(play):
    play.enlist("stranger")
    job = play.committed([(name, WRONG) for name in OWN])
    play.name(job, WRONG)
    play.accuse(job, "owner", RIGHT)
    play.court(job, stranger=[RIGHT] * 11)
    play.decided(job)
    play.release(job)
    coalition = {"buyer": -PRICE, **dict.fromkeys(OWN, -BOND[3])}
    gains = {"payee": PRICE, "owner": FINE[3], "stranger": 11 * REWARD}
    play.ends(**coalition, **gains, burnt=2 * BOND[3] + REWARD)


def test_wants_its_money_back_with_a_flag_that_says_failed(play):
    failed = digest("status: failed")
    job = play.committed([("ann", failed)])
    play.name(job, failed)
    play.finalize(job)
    play.market.refund(job, play.by("owner"))  # declines: there is nothing to open, and nobody is asked why
    assert budget(play) == (0, 0)
    play.ends(owner=-FLOOR, ann=FLOOR)


def test_reads_a_late_release_and_wants_money_and_budget_back(play):
    job = play.settled("ann")
    by = play.deadline(job)
    at(by)
    with reverts("ReleaseOver", by, by):
        play.release(job)
    play.market.refund(job, play.by("buyer"))
    assert budget(play) == (0, EPSILON)
    play.ends(owner=-FLOOR, ann=FLOOR)


def test_drains_the_balance_from_which_the_owner_would_challenge(play):
    job, other = (play.open(guarantee=500 * ONE) for _ in range(2))
    assert play.stake.accountOf(play.people["owner"]).dict()["free"] == 0
    play.market.refund(other, play.by("owner"))
    play.stake.withdraw(500 * ONE, play.people["owner"], play.by("owner"))
    play.draw(job)
    play.sit(job, "ann")
    play.seal(job, 1, {0: WRONG})
    play.name(job, WRONG)
    play.accuse(job, "owner", RIGHT)  # the bond comes from the wallet
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    gains = {"payee": PRICE, "owner": FINE[1], "cai": 7 * REWARD, "burnt": REWARD}
    play.ends(buyer=-PRICE, ann=-BOND[1], **gains)
