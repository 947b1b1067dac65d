"""One small table encrypted in a folder store, a circuit run over it, and the case that the gate decides on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doses import Ran, agreed, frame, job_of, run, schema

from hexchange import evaluation
from hexchange.chain.deployment import Deployment
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.circuit.library.describe import describe
from hexchange.market.tables import circuit_table
from hexchange.owner.budget import Ledger
from hexchange.owner.encrypt import Card, Encrypted, encrypt_table
from hexchange.owner.gate import Case
from hexchange.owner.journal import Journal
from hexchange.owner.release import Desk
from hexchange.owner.workspace import Workspace
from hexchange.storage.folder import FolderStore


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("owner")


@pytest.fixture(scope="session")
def store(house: Path) -> FolderStore:
    return FolderStore(house / "store")


@pytest.fixture(scope="session")
def encrypted(house: Path, store: FolderStore) -> Encrypted:
    card = Card("Doses", "Made up for tests.")
    workspace = Workspace(house, "doses")
    return encrypt_table(frame(), schema(clip=True), ["stats", "linear"], card, workspace, store)


@pytest.fixture(scope="session")
def runner(house: Path, store: FolderStore, encrypted: Encrypted) -> Iterator[evaluation.Evaluator]:
    with evaluation.Evaluator(house / "cache") as evaluator:
        yield evaluator


@pytest.fixture(scope="session")
def described(house: Path, store: FolderStore, encrypted: Encrypted, runner: evaluation.Evaluator) -> Ran:
    manifest = encrypted.manifest
    table = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
    return run(describe(table, ["age", "dose"], noise=True), 7, encrypted, store, runner, house / "cache")


@pytest.fixture
def desk(tmp_path: Path, store: FolderStore) -> Iterator[Desk]:
    journal = Journal(tmp_path / "journal.sqlite")
    deployment = Deployment(31337, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS, 0, "latest", {}, {}, {})
    yield Desk(Ledger(tmp_path / "ledger.sqlite"), journal, store, deployment)
    journal.close()


@pytest.fixture
def case(encrypted: Encrypted, described: Ran, desk: Desk) -> Iterator[Case]:
    """A case that passes: an agreed, honest result of `describe`."""
    job = job_of(described, encrypted)
    with agreed(described, job, encrypted, desk) as found:
        yield found
