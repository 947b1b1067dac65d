"""One suite, two stores: whatever a test asks of `store` is asked of a folder and of a real Kubo node."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import services
from hexchange.storage.folder import FolderStore
from hexchange.storage.kubo import KuboStore
from hexchange.storage.store import ContentStore


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[services.Kubo, services.Kubo]]:
    with services.kubo_pair(tmp_path_factory.mktemp("kubo")) as pair:
        yield pair


@pytest.fixture
def kubo(nodes: tuple[services.Kubo, services.Kubo]) -> Iterator[KuboStore]:
    with KuboStore(nodes[0].api, idle=2) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture(params=["folder", "kubo"])
def store(request: pytest.FixtureRequest) -> ContentStore:
    return request.getfixturevalue(request.param)
