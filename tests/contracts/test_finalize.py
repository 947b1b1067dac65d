"""finalize: an unchallenged round one is paid."""

from __future__ import annotations

from stage import FILL, FLOOR, GUARANTEE, ONE, PRICE, REWARD, RIGHT, at, reverts


def test_only_a_proposed_job_can_be_finalized(stage, stranger):
    job = stage.committed([("ann", RIGHT)])
    with reverts("WrongState", 1):
        stage.market.finalize(job, {"from": stranger})


def test_finalize_waits_until_the_challenge_window_is_over(stage, stranger):
    job = stage.proposed("ann")
    by = stage.deadline(job)
    at(by - 1)
    with reverts("FinalizeTooEarly", by, by - 1):
        stage.market.finalize(job, {"from": stranger})


def test_m4_pays_the_seats_and_returns_to_the_buyer_what_they_left(stage, stranger):
    before = stage.money()
    job = stage.proposed("ann", "bob")
    at(stage.deadline(job))
    done = stage.market.finalize(job, {"from": stranger})
    assert stage.changes(before) == {
        "owner": -GUARANTEE,
        "buyer": -PRICE - 2 * FLOOR,
        "ann": FLOOR,
        "bob": FLOOR,
        "held": PRICE + GUARANTEE,
    }
    assert stage.state(job) == "Settled"
    print(done.gas_used)
