"""Ciphertexts as canonical bytes: the only form that is hashed, published as a result, or believed.

Layout, little endian: tag (4 bytes), parameter id (32), transformed flag (1), polynomials (1), primes (2),
degree (4), scale (8, float64), then polynomials x primes x degree residues (8 each), as SEAL orders them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from hexchange.circuit.program import Program, Shape
from hexchange.he import forms
from hexchange.he.engine import Engine
from hexchange.he.library import inflate, load, malformed, save, sealapi

TAG = b"HXct"
_REST = struct.Struct("<BBHId")


def to_canonical(engine: Engine, ciphertext: Any, shape: Shape) -> bytes:
    """The canonical bytes of a ciphertext.

    Raises MalformedBlob when the object is not of the shape that the program states.
    """
    prefix = forms.prefix(engine, shape)
    body = inflate(save(ciphertext), len(prefix) + 8 * shape.size * shape.primes * engine.parameters.degree)
    if body[: len(prefix)] != prefix:
        raise malformed("The ciphertext is not of the shape that the circuit says.")
    return _header(engine, shape) + body[len(prefix) :]


def from_canonical(engine: Engine, data: bytes, shape: Shape) -> Any:
    """The ciphertext in a stranger's canonical bytes.

    Raises MalformedBlob for any other length or header, residues out of range, a transparent ciphertext, or
    bytes that do not come out again as they went in.
    """
    expected, header = shape.canonical_bytes(engine.parameters.degree), _header(engine, shape)
    if len(data) != expected:
        raise malformed(f"The ciphertext has {len(data)} bytes where {expected} are expected.")
    if data[: len(header)] != header:
        raise malformed(f"The ciphertext's {_differing(data, header)} is not what the circuit says.")
    ciphertext = load(sealapi.Ciphertext(), engine.context, forms.prefix(engine, shape) + data[len(header) :])
    _refuse_transparent(ciphertext)
    if to_canonical(engine, ciphertext, shape) != data:
        raise malformed("The ciphertext does not come out again as it went in.")
    return ciphertext


def from_seeded(engine: Engine, data: bytes, shape: Shape) -> Any:
    """The ciphertext in an uploaded file: fresh, symmetric, seeded, as `encryption` writes it.

    Raises MalformedBlob for anything else.
    """
    form = forms.seeded(engine, shape.primes, shape.scale)
    body = inflate(data, forms.length(form))
    forms.match(form, body)
    ciphertext = load(sealapi.Ciphertext(), engine.context, body)
    _refuse_transparent(ciphertext)
    return ciphertext


def from_saved(engine: Engine, data: bytes, shape: Shape) -> Any:
    """The ciphertext in a file that SEAL wrote: how processes of one run hand each other what they summed.

    It may be transparent, since it is a part of a sum. Raises MalformedBlob for any other shape.
    """
    prefix = forms.prefix(engine, shape)
    body = inflate(data, len(prefix) + 8 * shape.size * shape.primes * engine.parameters.degree)
    if body[: len(prefix)] != prefix:
        raise malformed("A part of a sum is not of the shape that the circuit says.")
    return load(sealapi.Ciphertext(), engine.context, body)


def from_outputs(engine: Engine, program: Program, outputs: Sequence[bytes]) -> Iterator[tuple[str, Any]]:
    """The ciphertexts of a stranger's result, each with its output's name, in the program's order.

    Raises MalformedBlob as `from_canonical` does, and for another number of them.
    """
    places = program.result_sizes()
    if len(outputs) != len(places):
        raise malformed(f"The result has {len(outputs)} ciphertexts where {len(places)} are expected.")
    shapes = {output.name: output.shape for output in program.outputs}
    for (name, _, _), data in zip(places, outputs, strict=True):
        yield name, from_canonical(engine, data, shapes[name])


def _header(engine: Engine, shape: Shape) -> bytes:
    rest = _REST.pack(
        forms.transformed(engine), shape.size, shape.primes, engine.parameters.degree, shape.scale
    )
    return TAG + engine.ids[shape.primes] + rest


_FIELDS = (
    ("tag", 4),
    ("parameter id", 36),
    ("form", 37),
    ("size", 38),
    ("level", 40),
    ("degree", 44),
    ("scale", 52),
)


def _differing(data: bytes, expected: bytes) -> str:
    """Name of the first header field in which `data` differs."""
    return next(name for name, end in _FIELDS if data[:end] != expected[:end])


def _refuse_transparent(ciphertext: Any) -> None:
    if ciphertext.is_transparent():
        raise malformed("The ciphertext is transparent: it hides nothing.")
