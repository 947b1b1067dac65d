"""Ciphertexts: one canonical form, and nothing else is believed."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import zstandard

from hexchange.circuit.editions import STATS
from hexchange.circuit.program import Shape
from hexchange.errors import MalformedBlob
from hexchange.he.canonical import from_canonical, from_seeded, to_canonical
from hexchange.he.encryption import Encryption
from hexchange.he.engine import engine
from hexchange.he.keys import SecretKey
from hexchange.he.library import HEADER, header, load, save, sealapi

FIELDS = {
    "tag": 0,
    "parameter id": 4,
    "form": 36,
    "size": 37,
    "level": 38,
    "degree": 40,
    "scale": 44,
}


@pytest.fixture(scope="module")
def blob(linear: SecretKey) -> bytes:
    return Encryption(linear).encrypt(np.linspace(-1, 1, 100))


@pytest.fixture(scope="module")
def canonical(linear: SecretKey, fresh: Shape, blob: bytes) -> bytes:
    return to_canonical(linear.engine, from_seeded(linear.engine, blob, fresh), fresh)


def test_canonical_bytes_come_out_as_they_went_in(linear: SecretKey, fresh: Shape, canonical: bytes) -> None:
    ciphertext = from_canonical(linear.engine, canonical, fresh)
    assert to_canonical(linear.engine, ciphertext, fresh) == canonical
    assert len(canonical) == fresh.canonical_bytes(4096) == 52 + 16 * 2 * 4096


def test_one_ciphertext_in_two_encodings_has_one_digest(linear: SecretKey, fresh: Shape, blob: bytes) -> None:
    body = zstandard.ZstdDecompressor().decompressobj().decompress(blob[HEADER:])
    stored = header(len(body)) + body
    assert stored != blob
    digests = {
        sha256(to_canonical(linear.engine, from_seeded(linear.engine, data, fresh), fresh)).digest()
        for data in (blob, stored)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("field", FIELDS)
def test_a_result_with_another_header_field_is_refused(
    linear: SecretKey, fresh: Shape, canonical: bytes, field: str
) -> None:
    changed = bytearray(canonical)
    changed[FIELDS[field]] ^= 1
    with pytest.raises(MalformedBlob, match=field):
        from_canonical(linear.engine, bytes(changed), fresh)


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"\0", "trailing"),
        (lambda data: b"", "empty"),
        (lambda data: data[:52] + struct.pack("<Q", 1099511390209) + data[60:], "residue out of range"),
        (lambda data: data[: len(data) // 2 + 26] + bytes(len(data) // 2 - 26), "transparent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_result_bytes_are_refused(
    linear: SecretKey, fresh: Shape, canonical: bytes, damage: Callable[[bytes], bytes], name: str
) -> None:
    with pytest.raises(MalformedBlob):
        from_canonical(linear.engine, damage(canonical), fresh)


@pytest.mark.parametrize(
    "other",
    [{"size": 3}, {"primes": 1}, {"scale": 2.0**29 * (1 + 2**-52)}],
    ids=["size", "level", "scale by one bit"],
)
def test_a_ciphertext_of_another_shape_than_the_program_says_is_refused(
    linear: SecretKey, fresh: Shape, blob: bytes, canonical: bytes, other: dict[str, float]
) -> None:
    shape = replace(fresh, **other)
    with pytest.raises(MalformedBlob):
        from_canonical(linear.engine, canonical, shape)
    with pytest.raises(MalformedBlob):
        to_canonical(linear.engine, from_seeded(linear.engine, blob, fresh), shape)


def test_a_ciphertext_under_other_parameters_is_refused(
    linear: SecretKey, fresh: Shape, canonical: bytes
) -> None:
    with pytest.raises(MalformedBlob):
        from_canonical(engine(STATS.parameters), canonical, fresh)


def _body(blob: bytes) -> bytearray:
    return bytearray(zstandard.ZstdDecompressor().decompressobj().decompress(blob[HEADER:]))


@pytest.mark.parametrize(
    ("offset", "name"),
    [
        (0, "parameters"),
        (32, "form"),
        (33, "size"),
        (41, "degree"),
        (49, "primes"),
        (57, "scale"),
        (65, "correction"),
    ],
)
def test_an_upload_with_another_field_is_refused(
    linear: SecretKey, fresh: Shape, blob: bytes, offset: int, name: str
) -> None:
    body = _body(blob)
    body[offset] ^= 3
    with pytest.raises(MalformedBlob):
        from_seeded(linear.engine, header(len(body)) + bytes(body), fresh)


def test_an_upload_that_is_not_seeded_is_refused(linear: SecretKey, fresh: Shape, blob: bytes) -> None:
    expanded = save(load(sealapi.Ciphertext(), linear.engine.context, bytes(_body(blob))))
    with pytest.raises(MalformedBlob):
        from_seeded(linear.engine, expanded, fresh)


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: blob[:-1],
        lambda blob: blob + b"\0",
        lambda blob: blob[:HEADER],
        lambda blob: blob[: HEADER - 1],
        lambda blob: b"\0" + blob[1:],
        lambda blob: blob[:5] + b"\1" + blob[6:],
        lambda blob: blob[:8] + struct.pack("<Q", len(blob) + 1) + blob[16:],
        lambda blob: blob[:200] + bytes(8) + blob[208:],
        lambda blob: blob + bytes(1 << 20),
    ],
    ids=[
        "truncated",
        "trailing",
        "header only",
        "no header",
        "magic",
        "compression",
        "declared length",
        "stream",
        "oversized",
    ],
)
def test_a_damaged_upload_is_refused(
    linear: SecretKey, fresh: Shape, blob: bytes, damage: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(MalformedBlob):
        from_seeded(linear.engine, damage(blob), fresh)


def test_a_stream_that_swells_beyond_the_expected_length_is_refused_at_that_length(
    linear: SecretKey, fresh: Shape
) -> None:
    stream = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    bomb = bytearray(header(len(stream)) + stream)
    bomb[5] = 2
    tracemalloc.start()
    with pytest.raises(MalformedBlob):
        from_seeded(linear.engine, bytes(bomb), fresh)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 22
