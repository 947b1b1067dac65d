"""An owner's keys in the two small editions, made once."""

from __future__ import annotations

import pytest

from hexchange.circuit.editions import LINEAR, STATS
from hexchange.circuit.program import Shape
from hexchange.he.keys import SecretKey


@pytest.fixture(scope="session")
def linear() -> SecretKey:
    return SecretKey.generate(LINEAR.parameters)


@pytest.fixture(scope="session")
def stats() -> SecretKey:
    return SecretKey.generate(STATS.parameters)


@pytest.fixture(scope="session")
def fresh(linear: SecretKey) -> Shape:
    """The shape of a fresh ciphertext of the smallest edition."""
    return Shape(2, linear.engine.top, linear.engine.parameters.scale)
