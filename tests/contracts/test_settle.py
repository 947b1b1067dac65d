"""settle: anyone names the digest of round one."""

from __future__ import annotations

import pytest
from brownie import chain, web3
from eth_abi import encode
from stage import COMPUTE, NAMING, NOBODY, RIGHT, TRACE, WRONG, ZERO, at, digest, reverts


def settle(stage, job, named=RIGHT):
    return stage.market.settle(job, named, {"from": stage.people["stranger"]})


@pytest.mark.parametrize(("reach", "state"), [("proposed", 2), ("challenged", 3), ("settled", 4)])
def test_only_an_open_job_is_settled(stage, reach, state):
    job = getattr(stage, reach)()
    with reverts("WrongState", state):
        settle(stage, job)


def test_nothing_is_named_before_every_seat_sealed(stage):
    job = stage.open(2)
    with reverts("SealsIncomplete"):
        settle(stage, job)
    stage.draw(job)
    stage.sit(job, "ann", "bob")
    stage.seal(job, 1, {0: RIGHT})
    with reverts("SealsIncomplete"):
        settle(stage, job)
    at(stage.round(job)["commitBy"])
    with reverts("SealsIncomplete"):
        settle(stage, job)


def test_the_last_second_of_the_naming_window_settles(stage):
    job = stage.committed([("ann", RIGHT)])
    at(stage.round(job)["commitBy"] + NAMING - 1)
    settle(stage, job)
    assert stage.state(job) == "Proposed"


def test_the_end_of_the_naming_window_does_not_settle(stage):
    job = stage.committed([("ann", RIGHT)])
    until = stage.round(job)["commitBy"] + NAMING
    at(until)
    with reverts("NamingOver", until, until):
        settle(stage, job)


def test_a_digest_that_opens_no_seal_changes_nothing(stage):
    job = stage.committed([("ann", RIGHT), ("bob", WRONG)])
    for named in (digest("guess"), ZERO):
        with reverts("NothingOpens", named):
            settle(stage, job, named)
    assert stage.state(job) == "Open"


def test_a_seal_of_the_zero_digest_opens_with_nothing(stage):
    job = stage.committed([("ann", ZERO)])
    with reverts("NothingOpens", ZERO):
        settle(stage, job, ZERO)


def test_every_seal_open_proposes_the_digest(stage):
    job = stage.committed([("ann", RIGHT), ("bob", RIGHT), ("cai", RIGHT)])
    before = stage.money()
    done = settle(stage, job)
    challenge_by = done.timestamp + COMPUTE
    assert dict(done.events["ResultProposed"]) == {
        "job": job,
        "digest": "0x" + RIGHT.hex(),
        "challengeBy": challenge_by,
    }
    assert stage.state(job) == "Proposed"
    assert stage.view(job)["challengeBy"] == challenge_by
    assert stage.changes(before) == {}


@pytest.mark.parametrize("named", [RIGHT, WRONG], ids=["of two", "of one"])
def test_one_seal_that_differs_escalates_whichever_digest_is_named(stage, named):
    job = stage.committed([("ann", RIGHT), ("bob", RIGHT), ("cai", WRONG)])
    done = settle(stage, job, named)
    assert dict(done.events["JobEscalated"]) == {"job": job, "challenger": NOBODY, "seal": "0x" + ZERO.hex()}
    assert stage.state(job) == "Escalated"
    round = stage.round(job, 2)
    assert (round["start"], round["startBlock"], round["seats"]) == (done.timestamp, done.block_number, 11)


@pytest.mark.parametrize(
    "changed",
    [("chain", 0, 1), ("market", 1, NOBODY), ("job", 2, 2), ("round", 3, 2), ("seat", 4, 1), ("provider", 5, NOBODY),
     ("digest", 6, WRONG), ("salted", 7, TRACE)],
    ids=lambda changed: changed[0],
)  # fmt: skip
def test_a_seal_is_bound_to_every_one_of_its_parts(stage, ann, changed):
    job = stage.sat("ann")
    at(stage.round(job)["contestEnd"])
    kinds = ["uint256", "address", "uint256", "uint8", "uint8", "address", "bytes32", "bytes32"]
    values = [chain.id, stage.market.address, job, 1, 0, str(ann), RIGHT, ZERO]
    _, place, value = changed
    values[place] = value
    stage.stake.commit(job, 0, web3.keccak(encode(kinds, values)), {"from": ann})
    with reverts("NothingOpens", RIGHT):
        settle(stage, job)


def test_a_neighbours_seal_opens_nothing(stage, bob):
    job = stage.sat("ann", "bob")
    stage.seal(job, 1, {0: RIGHT})
    copied = stage.stake.seatsOf(job, 1)[0][2]
    stage.stake.commit(job, 1, copied, {"from": bob})
    done = settle(stage, job)
    assert "JobEscalated" in done.events
