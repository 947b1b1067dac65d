"""The exact bytes of SEAL's objects: what is fixed, and where the free bytes (residues, seeds) lie.

A form is a list of parts: bytes that must be equal, or a number of free bytes. Matching a foreign body
against its form decides every field that SEAL's own load does not check: flag, size, level, scale, which
key it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from hexchange.circuit.program import Shape
from hexchange.he.engine import Engine
from hexchange.he.library import header, malformed

Form = tuple[bytes | int, ...]

_SEED = 64
_BLAKE2XB = b"\x01"
_KEY_SCALE, _KEY_TRANSFORMED = 1.0, 1


def prefix(engine: Engine, shape: Shape) -> bytes:
    """All that stands before the residues of an unseeded ciphertext."""
    fields = _fields(engine, shape.primes, shape.size, shape.scale, transformed(engine))
    return fields + _array(shape.size * shape.primes * engine.parameters.degree)


def transformed(engine: Engine) -> int:
    """The flag of a ciphertext whose polynomials are in the transformed form: as CKKS computes, and BFV does not."""
    return int(engine.parameters.scheme == "ckks")


def seeded(engine: Engine, primes: int, scale: float) -> Form:
    """A fresh symmetric ciphertext: its second polynomial is the seed that it expands from."""
    return _seeded(engine, primes, scale, transformed(engine))


def secret_key(engine: Engine) -> Form:
    """The secret polynomial, modulo every prime of the chain."""
    count = len(engine.parameters.primes) * engine.parameters.degree
    return (engine.ids[-1] + struct.pack("<Qd", count, _KEY_SCALE) + _array(count), 8 * count)


def relin_key(engine: Engine) -> Form:
    """Seeded key for the square of the secret, and no other."""
    return _switching_keys(engine, index=0, slots=1)


def galois_key(engine: Engine, element: int) -> Form:
    """Seeded key for one Galois element (odd, below 2N), and no other."""
    return _switching_keys(engine, index=(element - 1) // 2, slots=engine.parameters.degree)


def length(form: Form) -> int:
    """Bytes of a body of this form."""
    return sum(part if isinstance(part, int) else len(part) for part in form)


def match(form: Form, body: bytes) -> None:
    """Raise MalformedBlob unless `body` has exactly this form."""
    if len(body) != length(form):
        raise malformed(f"The object has {len(body)} bytes where {length(form)} are expected.")
    at = 0
    for part in form:
        if isinstance(part, int):
            at += part
        elif body[at : at + len(part)] == part:
            at += len(part)
        else:
            raise malformed("A fixed field of the object (parameters, form, size, level or scale) differs.")


def _seeded(engine: Engine, primes: int, scale: float, flag: int) -> Form:
    count = primes * engine.parameters.degree
    seed = header(1 + _SEED) + _BLAKE2XB
    return (_fields(engine, primes, 2, scale, flag) + _array(count), 8 * count, seed, _SEED)


def _fields(engine: Engine, primes: int, size: int, scale: float, flag: int) -> bytes:
    correction = 1
    sizes = struct.pack("<QQQ", size, engine.parameters.degree, primes)
    return engine.ids[primes] + bytes([flag]) + sizes + struct.pack("<dQ", scale, correction)


def _array(count: int) -> bytes:
    return header(8 + 8 * count) + struct.pack("<Q", count)


def _switching_keys(engine: Engine, *, index: int, slots: int) -> Form:
    """`slots` lists of keys, all empty but the one at `index`, with one seeded key per data prime."""
    one = _seeded(engine, len(engine.parameters.primes), _KEY_SCALE, _KEY_TRANSFORMED)
    start = engine.ids[-1] + struct.pack("<Q", slots) + bytes(8 * index) + struct.pack("<Q", engine.top)
    each = _merged([header(length(one)), *one])
    return _merged([start, *(each * engine.top), bytes(8 * (slots - 1 - index))])


def _merged(parts: Iterable[bytes | int]) -> Form:
    merged: list[bytes | int] = []
    for part in parts:
        if merged and isinstance(part, bytes) and isinstance(merged[-1], bytes):
            merged[-1] += part
        elif part:
            merged.append(part)
    return tuple(merged)
