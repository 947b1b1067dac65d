"""challenge: a bond and a seal against a proposed digest."""

from __future__ import annotations

import pytest
from stage import NO_PERMIT, ONE, RIGHT, WRONG, ZERO, at, digest, reverts

SEAL = digest("a seal")


def challenge(stage, job, seal=SEAL):
    return stage.market.challenge(job, seal, NO_PERMIT, {"from": stage.people["challenger"]})


@pytest.mark.parametrize(("reach", "state"), [("open", 1), ("challenged", 3), ("settled", 4)])
def test_only_a_proposed_job_is_challenged_and_only_once(stage, reach, state):
    job = getattr(stage, reach)()
    with reverts("WrongState", state):
        challenge(stage, job)


def test_the_last_second_of_the_window_challenges(stage):
    job = stage.proposed()
    at(stage.deadline(job) - 1)
    challenge(stage, job)
    assert stage.state(job) == "Escalated"


def test_the_end_of_the_window_does_not_challenge(stage):
    job = stage.proposed()
    by = stage.deadline(job)
    at(by)
    with reverts("ChallengeOver", by, by):
        challenge(stage, job)


def test_a_challenge_needs_a_seal(stage):
    job = stage.proposed()
    with reverts("ChallengeSealZero"):
        challenge(stage, job, ZERO)


def test_a_challenge_needs_a_bond(stage, challenger):
    job = stage.proposed()
    stage.token.approve(stage.stake, 0, {"from": challenger})
    with reverts("ERC20InsufficientAllowance", stage.stake.address, 0, stage.bond(1)):
        challenge(stage, job)
    assert stage.state(job) == "Proposed"


def test_a_challenge_locks_one_bond_from_the_wallet_and_starts_round_two(stage, challenger):
    job = stage.proposed("ann", "bob")
    wallet = stage.token.balanceOf(challenger)
    before = stage.money()
    done = challenge(stage, job)
    bond = stage.bond(2)
    assert stage.changes(before) == {"challenger": -bond, "held": bond}
    assert stage.token.balanceOf(challenger) == wallet - bond
    assert dict(done.events["JobEscalated"]) == {
        "job": job,
        "challenger": challenger,
        "seal": "0x" + SEAL.hex(),
    }
    round = stage.round(job, 2)
    assert (round["start"], round["seats"]) == (done.timestamp, 9)
    assert stage.view(job)["pot"] == 0


def test_only_what_the_free_balance_lacks_is_pulled(stage, challenger):
    job = stage.proposed()
    stage.deposit(challenger, stage.bond(1) - ONE)
    wallet = stage.token.balanceOf(challenger)
    challenge(stage, job)
    assert stage.token.balanceOf(challenger) == wallet - ONE
    assert stage.stake.accountOf(challenger).dict()["free"] == 0


def test_round_one_keeps_its_bonds_while_the_dispute_runs(stage, ann):
    stage.challenged("ann")
    assert stage.stake.accountOf(ann).dict()["locked"] == stage.bond(1)


def test_the_owner_may_challenge(stage, owner):
    job = stage.proposed()
    seal = stage.seal_of(job, 0, 0, str(owner), WRONG, ZERO)
    stage.market.challenge(job, seal, NO_PERMIT, {"from": owner})
    assert stage.view(job)["job"]["challenger"] == owner


def test_a_seal_can_be_the_one_that_was_proposed(stage):
    assert stage.state(stage.challenged("ann", sealed=RIGHT)) == "Escalated"
