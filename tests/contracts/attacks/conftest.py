"""Every play begins on the prepared market and ends with a table under its own name."""

from __future__ import annotations

import pytest
from plays import Play


@pytest.fixture(scope="session")
def owned(prepared):
    """What everybody owns before any play; the same for all of them, since each runs on a snapshot."""
    return prepared.money()


@pytest.fixture
def play(prepared, owned, request):
    title = request.node.name.removeprefix("test_").replace("_", " ")
    return Play(prepared.people, prepared.token, prepared.stake, prepared.market, title, owned)
