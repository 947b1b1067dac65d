"""The cast of the contract tests: people by role name, one deployment for all, every test on a snapshot."""

from __future__ import annotations

import pytest
from brownie import DataMarket, MockToken, ProviderStake, Wei, accounts, chain, web3
from ledger import Ledger
from stage import BOUNDS, EXIT, UNIT, Stage

OWNER_KEY = "0x" + "11" * 32


@pytest.fixture(scope="session")
def people():
    """Everybody who takes part; the owner signs offers, so its key is known."""
    assert web3.eth.block_number == 0, f"another chain listens at {web3.provider.endpoint_uri}: stop it first"
    owner = accounts.add(OWNER_KEY)
    accounts[0].transfer(owner, Wei("10 ether"))
    names = ("deployer", "buyer", "payee", "ann", "bob", "cai", "challenger", "stranger")
    return {"owner": owner, **dict(zip(names, accounts, strict=False))}


@pytest.fixture(scope="session")
def token(people):
    return people["deployer"].deploy(MockToken, "Mock Dollar", "MUSD", 6)


@pytest.fixture(scope="session")
def stake(people, token):
    deployer = people["deployer"]
    market = deployer.get_deployment_address(deployer.nonce + 1)
    return deployer.deploy(ProviderStake, token, market, UNIT, EXIT)


@pytest.fixture(scope="session")
def market(people, stake):
    return people["deployer"].deploy(DataMarket, stake, BOUNDS)


@pytest.fixture(scope="session")
def prepared(people, token, stake, market):
    """Everybody has tokens and an allowance; ann, bob and cai have staked; the owner has listed a dataset."""
    # Half of all requests would ask again which chain this is.
    web3.provider.cacheable_requests = {"eth_chainId"}
    web3.provider.cache_allowed_requests = True
    # Time passes when a test says so: what an error says of now is then the same on a slow machine.
    answer = web3.provider.make_request("anvil_setBlockTimestampInterval", [0])
    assert "error" not in answer, answer
    stage = Stage(people, token, stake, market)
    stage.prepare()
    chain.snapshot()
    return stage


@pytest.fixture(scope="session")
def folded(prepared):
    """The ledger of the prepared market, and its last block, which is empty."""
    return Ledger().replay(prepared), web3.eth.block_number


@pytest.fixture(autouse=True)
def isolation(prepared):
    """Runs each test on a snapshot of the prepared market: one deployment serves the whole suite."""
    yield
    chain.revert()


@pytest.fixture(autouse=True)
def conserved(prepared, folded, isolation):
    """After every test: the events alone give every balance, and all of them together are the tokens held."""
    yield
    ledger, since = folded
    ledger.replay(prepared, since).compare(prepared)


@pytest.fixture
def stage(prepared):
    return prepared


@pytest.fixture
def owner(people):
    return people["owner"]


@pytest.fixture
def buyer(people):
    return people["buyer"]


@pytest.fixture
def payee(people):
    return people["payee"]


@pytest.fixture
def ann(people):
    return people["ann"]


@pytest.fixture
def bob(people):
    return people["bob"]


@pytest.fixture
def cai(people):
    return people["cai"]


@pytest.fixture
def challenger(people):
    return people["challenger"]


@pytest.fixture
def stranger(people):
    return people["stranger"]
