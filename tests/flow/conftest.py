"""One chain, one market and one listed table for all flow tests of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import Listing, Market, Person, list_table
from stage import market as open_market


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with open_market(tmp_path_factory.mktemp("market")) as opened:
        yield opened


@pytest.fixture(scope="session")
def owner(market: Market) -> Person:
    return market.person("owner")


@pytest.fixture(scope="session")
def buyer(market: Market) -> Person:
    return market.person("buyer")


@pytest.fixture(scope="session")
def listing(market: Market, owner: Person) -> Listing:
    return list_table(market, owner)
