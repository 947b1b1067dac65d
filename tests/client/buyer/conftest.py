"""One shop for all tests of a buyer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop import Shop, open_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened
