"""A token that calls back in the middle of a transfer meets a closed ledger, whatever call moved it."""

from __future__ import annotations

import pytest
from brownie import DataMarket, MockHookToken, ProviderStake, web3
from stage import BOUNDS, EXIT, NO_PERMIT, ONE, RIGHT, UNIT, Stage, digest

GUARD = bytes(web3.keccak(text="ReentrancyGuardReentrantCall()")[:4])


@pytest.fixture
def hooked(people):
    """A market of its own whose token has hooks, with the same people."""
    deployer = people["deployer"]
    token = deployer.deploy(MockHookToken)
    market = deployer.get_deployment_address(deployer.nonce + 1)
    stake = deployer.deploy(ProviderStake, token, market, UNIT, EXIT)
    stage = Stage(people, token, stake, deployer.deploy(DataMarket, stake, BOUNDS))
    stage.prepare()
    return stage


def hook(stage, target, name: str, job: int) -> None:
    stranger = stage.people["stranger"]
    arguments = {
        "withdraw": (1, stranger), "deposit": (1, NO_PERMIT), "draw": (job,), "takeSeat": (job, 0),
        "commit": (job, 0, digest("seal")), "finalize": (job,), "refund": (job,),
        "challenge": (job, digest("seal"), NO_PERMIT),
    }[name]  # fmt: skip
    stage.token.hook(target, getattr(target, name).encode_input(*arguments), {"from": stranger})


@pytest.mark.parametrize("name", ["withdraw", "deposit", "draw", "takeSeat", "commit"])
@pytest.mark.parametrize("outer", ["open", "challenge"])
def test_the_ledger_is_closed_while_the_market_pulls_tokens(hooked, outer, name):
    job = 1 if outer == "open" else hooked.proposed("ann")
    hook(hooked, hooked.stake, name, job)
    hooked.open() if outer == "open" else hooked.challenge(job, RIGHT)
    assert not hooked.token.entered()
    assert bytes(hooked.token.answer()) == GUARD


@pytest.mark.parametrize("name", ["finalize", "refund", "challenge"])
def test_a_job_cannot_be_ended_or_disputed_while_its_challenge_is_paid(hooked, name):
    job = hooked.proposed("ann")
    hook(hooked, hooked.market, name, job)
    hooked.challenge(job, RIGHT)
    assert not hooked.token.entered()
    assert hooked.state(job) == "Escalated"
    assert hooked.view(job)["job"]["challenger"] == hooked.people["challenger"]
    assert hooked.stake.ledgerOf(job)[1] == hooked.token.balanceOf(hooked.stake) - sum(
        sum(hooked.stake.accountOf(account)[i] for i in (0, 3, 4)) for account in hooked.people.values()
    )


def test_a_job_cannot_be_declined_while_it_is_paid(hooked, owner):
    hook(hooked, hooked.market, "refund", 1)
    hooked.open()
    assert not hooked.token.entered()
    assert hooked.state(1) == "Open"
    assert hooked.token.balanceOf(hooked.stake) >= 12_000 * ONE
