"""The attacker wants to block a dataset for gas, or to take more out of it than its owner allows."""

from __future__ import annotations

from plays import FINE, HONEST
from stage import EPSILON, FILL, FLOOR, ONE, PRICE, REWARD, RIGHT, at, reverts


def test_hoards_jobs_that_nobody_will_run(play):
    jobs = [play.open(3) for _ in range(3)]
    opened = [play.view(job)["roundOne"]["start"] for job in jobs]
    at(opened[0] + FILL - 1)
    play.stake.draw(jobs[0], play.by("buyer"))  # as late as can be
    for job, start in zip(jobs[1:], opened[1:], strict=True):
        assert play.view(job)["exitFrom"] == start + FILL
        play.refund(job)
    assert play.view(jobs[0])["exitFrom"] == opened[0] + FILL - 1 + 2 * FILL
    assert play.stake.ledgerOf(jobs[0])[1] == PRICE + 3 * REWARD + 10 * ONE  # its own money is locked as long
    play.refund(jobs[0])
    assert play.market.datasetOf(1).dict()["epsilon"]["reserved"] == 0
    play.ends()


def test_wants_exact_results_without_end_beside_a_budget(play):
    for _ in range(2):
        play.finish(play.committed([("ann", RIGHT)], epsilon=0))
    with reverts("BudgetExceeded", 0, 1):
        play.open(epsilon=0)
    play.ends(buyer=-2 * (PRICE + FLOOR), payee=2 * PRICE, ann=2 * FLOOR)


def test_squats_a_standing_offer_with_terms_that_nobody_takes(play):
    jobs = [play.open(buyer=play.people["stranger"], maxUses=9) for _ in range(4)]
    with reverts("BudgetExceeded", 0, EPSILON):
        play.open(maxUses=9)
    declines = [play.market.refund.encode_input(job) for job in jobs]
    play.market.multicall(declines, play.by("owner"))
    play.finish(play.committed([("ann", RIGHT)], maxUses=9))
    play.ends(**HONEST)


def test_squats_with_seats_of_its_own_that_stay_silent(play):
    job = play.committed([("bob", None)], buyer=play.people["stranger"])
    due = play.view(job)["exitFrom"]
    at(due - 1)
    with reverts("RefundTooEarly", due, due - 1):
        play.market.refund(job, play.by("owner"))
    play.refund(job)
    assert play.market.datasetOf(1).dict()["epsilon"]["reserved"] == 0
    play.ends(bob=-FINE[1], burnt=FINE[1])
