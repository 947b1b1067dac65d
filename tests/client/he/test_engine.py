"""Contexts come from pinned parameters, and only in SEAL's format 4.3."""

from __future__ import annotations

import struct

import pytest

from hexchange.circuit.editions import EDITIONS, ParameterSet
from hexchange.errors import ForeignEngine, MalformedBlob
from hexchange.he import engine as engines
from hexchange.he import library

#: SEAL's own ids of the whole parameter sets: a changed prime or degree would move them.
PINNED = {
    "count": "7d9c8ffc94f143267b7292a684efafbfa46cd493ade206bdd782681db7db7677",
    "linear": "054b44d69ad5d81e95a5b5ebcbc368ea17d5bbdb47d07cb9cf4ea3244e580aa7",
    "mlp": "9ba9fa3c691c31467707a43ad2413c31054a4999406de05f81773fb5ec71b2fb",
    "poly3": "2eb64a25906a0d7222fa6198b2d243cde6a33b7a756471427176e1f2e4eb264a",
    "stats": "2197dc4380c57f7ad09cfad6ae2a95a99f5dc91cab7fe48bebd7b4c1f81d2926",
    "sum": "d39f0376785d9a7ebaa45a6afb25c16814b8e1c9738cf68066cd42d6995a2b72",
    "train": "88e456aa0f9cbe7ac22f4b4739c117fc97b553d8e7ff8e2c259e43f02deb117d",
    "bounded": "88e456aa0f9cbe7ac22f4b4739c117fc97b553d8e7ff8e2c259e43f02deb117d",
}


@pytest.mark.parametrize("name", EDITIONS)
def test_every_edition_is_the_pinned_one(name: str) -> None:
    assert engines.engine(EDITIONS[name].parameters).ids[-1].hex() == PINNED[name]


@pytest.mark.parametrize("name", EDITIONS)
def test_our_ids_of_every_level_are_those_of_seal(name: str) -> None:
    built = engines.engine(EDITIONS[name].parameters)
    for primes in range(1, built.top + 1):
        level = built.context.get_context_data(built.words(primes))
        assert len(level.parms().coeff_modulus()) == primes


def test_a_parameter_set_that_is_no_chain_of_primes_is_refused() -> None:
    square = ParameterSet(
        name="square", degree=4096, primes=(1099511390209, 8193 * 8193, 1099511480321), scale=2.0**29
    )
    with pytest.raises(ForeignEngine):
        engines.engine(square)


def test_a_build_that_writes_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "VERSION", (4, 4))
    with pytest.raises(ForeignEngine, match=r"4\.3"):
        library.check_library()


def test_a_file_in_another_format_version_is_refused() -> None:
    foreign = struct.pack("<HBBBBHQ", 0xA15E, 16, 4, 4, 0, 0, 16 + 8) + bytes(8)
    with pytest.raises(MalformedBlob, match=r"4\.4"):
        library.inflate(foreign, 8)
