"""release: the owner opens the result to the buyer (row M7 of the money table)."""

from __future__ import annotations

import pytest
from stage import EPSILON, FLOOR, GUARANTEE, NOBODY, PRICE, at, digest, reverts

RESULT = digest("sealed result")


def release(stage, job, by="owner"):
    return stage.market.release(job, RESULT, b"sealed key", {"from": stage.people[by]})


def budget(stage, name="epsilon"):
    found = stage.market.datasetOf(1).dict()[name]
    return found["reserved"], found["spent"]


@pytest.mark.parametrize(("reach", "state"), [("open", 1), ("challenged", 3)])
def test_only_a_proposed_or_settled_job_is_released(stage, reach, state):
    job = getattr(stage, reach)()
    with reverts("WrongState", state):
        release(stage, job)


def test_only_the_owner_releases(stage, owner, buyer):
    job = stage.settled()
    with reverts("CallerNotOwner", str(buyer), str(owner)):
        release(stage, job, by="buyer")


def test_a_new_holder_of_the_dataset_does_not_release_the_jobs_of_the_former_one(stage, owner, stranger):
    job = stage.settled()
    stage.market.transferFrom(owner, stranger, 1, {"from": owner})
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        release(stage, job, by="stranger")
    release(stage, job)
    assert stage.state(job) == "Released"


def test_an_owner_has_nothing_to_release_to_itself(stage, owner):
    job = stage.proposed("ann", buyer=owner)
    with reverts("OwnerIsBuyer"):
        release(stage, job)


def test_a_result_is_released_once(stage):
    job = stage.proposed()
    release(stage, job)
    with reverts("AlreadyReleased"):
        release(stage, job)


def test_a_released_job_is_not_released_again(stage):
    job = stage.settled()
    release(stage, job)
    with reverts("WrongState", 5):
        release(stage, job)


def test_the_last_second_of_the_release_window_releases(stage):
    job = stage.settled()
    at(stage.deadline(job) - 1)
    release(stage, job)
    assert stage.state(job) == "Released"


def test_the_end_of_the_release_window_does_not_release(stage):
    job = stage.settled()
    by = stage.deadline(job)
    at(by)
    with reverts("ReleaseOver", by, by):
        release(stage, job)


def test_m7_pays_the_price_to_the_payee_and_the_guarantee_to_the_owner(stage):
    job = stage.settled()
    before = stage.money()
    done = release(stage, job)
    assert stage.changes(before) == {"payee": PRICE, "owner": GUARANTEE, "held": -PRICE - GUARANTEE}
    assert dict(done.events["ResultReleased"]) == {
        "job": job,
        "result": "0x" + RESULT.hex(),
        "sealedKey": "0x" + b"sealed key".hex(),
    }
    assert budget(stage) == (0, EPSILON)
    assert stage.state(job) == "Released"


def test_without_a_payee_the_owner_is_paid(stage):
    job = stage.settled("ann", payee=NOBODY)
    before = stage.money()
    release(stage, job)
    assert stage.changes(before)["owner"] == PRICE + GUARANTEE


def test_an_exact_release_is_counted(stage):
    job = stage.settled("ann", epsilon=0)
    assert budget(stage, "exact") == (1, 0)
    release(stage, job)
    assert budget(stage, "exact") == (0, 1)
    assert budget(stage) == (0, 0)


def test_a_release_before_the_settlement_pays_at_once_and_the_seats_keep_their_window(stage):
    before = stage.money()
    job = stage.proposed()
    release(stage, job)
    assert stage.state(job) == "Proposed"
    assert stage.view(job)["job"]["released"]
    assert budget(stage) == (0, EPSILON)
    at(stage.deadline(job))
    stage.market.finalize(job, {"from": stage.people["stranger"]})
    assert stage.state(job) == "Released"
    assert stage.changes(before) == {"buyer": -PRICE - FLOOR, "payee": PRICE, "ann": FLOOR}


def test_a_proposed_job_is_released_also_after_its_window_until_somebody_finalizes(stage):
    job = stage.proposed()
    at(stage.deadline(job) + 100)
    release(stage, job)
    assert stage.view(job)["job"]["released"]


def test_offers_without_price_and_guarantee_are_released_for_nothing(stage):
    job = stage.settled("ann", price=0, guarantee=0)
    before = stage.money()
    done = release(stage, job)
    assert stage.changes(before) == {}
    assert "Paid" not in done.events
