"""A real market with a job in each state, and a real server over it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from backend_server import serving
from sample_market import SampleMarket, sample_market


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleMarket]:
    """Only read by tests: its chain makes no more blocks."""
    with sample_market(tmp_path_factory.mktemp("market")) as made:
        made.every_state()
        yield made


@pytest.fixture(scope="session")
def client(market: SampleMarket) -> Iterator[httpx2.Client]:
    with serving(market, market.folder / "index.sqlite") as made:
        yield made
