"""A real anvil for each test module, with a market of its own; blocks come with transactions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import services
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.deployment import Deployment
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Wallet

KEYS = [
    bytes.fromhex(text)
    for text in (
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    )
]
"""The published keys of anvil's first accounts, which its genesis funds."""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Chain]:
    with services.anvil(tmp_path_factory.mktemp("chain")) as running:
        running.rpc("evm_setIntervalMining", 0)
        running.rpc("evm_setAutomine", True)
        yield running


@pytest.fixture(scope="module")
def deployment(chain: services.Chain) -> Deployment:
    return deploy(chain.url, Wallet(KEYS[0]))


@pytest.fixture
def contracts(chain: services.Chain, deployment: Deployment) -> Contracts:
    return connect(chain.url, deployment)


@pytest.fixture
def wallet() -> Wallet:
    return Wallet(KEYS[1])


@pytest.fixture
def sender(tmp_path: Path, wallet: Wallet, contracts: Contracts) -> Iterator[Sender]:
    """A sender whose wallet holds at least 1,000 tokens."""
    with Sender(tmp_path / "sends.sqlite", wallet, contracts) as made:
        with made.once("mint") as intent:
            made.send(intent, mint_call(contracts.deployment, wallet.address, 1000 * 10**18))
        yield made
