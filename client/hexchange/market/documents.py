"""The one strict reader and writer of market documents.

A document is a frozen dataclass. Its bytes are canonical JSON (RFC 8785) of at most `CAP` bytes, every field
present, so one value has exactly one encoding and its sha-256 names it: on chain as 32 bytes, in storage as
the CID of a single raw block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, cast

import rfc8785
from eth_utils.address import is_checksum_address
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
)

from hexchange.chain.events import Offer
from hexchange.errors import MalformedDocument

BLOCK = 1 << 20
"""Largest single raw block, and so the largest document whose digest goes on chain (bytes)."""

STRICT = ConfigDict(strict=True, extra="forbid")


class Document(Protocol):
    """A dataclass with the largest size its bytes may have."""

    CAP: ClassVar[int]


D = TypeVar("D", bound=Document)


def parse(kind: type[D], raw: bytes) -> D:
    """The document in `raw`, which nobody has checked before.

    Raises MalformedDocument on too many bytes, unknown, missing or repeated fields, wrong types, numbers out
    of range, and on any encoding but the canonical one.
    """
    if len(raw) > kind.CAP:
        raise _malformed(kind, f"{len(raw)} bytes, at most {kind.CAP} are allowed")
    try:
        document = _adapter(kind).validate_json(raw)
    except ValidationError as error:
        raise _malformed(kind, _first(error)) from error
    if _canonical(document) != raw:
        raise _malformed(kind, "the bytes are not the canonical form of their value")
    return cast(D, document)


def encode(document: Document) -> bytes:
    """Canonical bytes of `document`; raises MalformedDocument for what `parse` would refuse."""
    kind = type(document)
    try:
        raw = _canonical(document)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _malformed(kind, str(error)) from error
    parse(kind, raw)
    return raw


def digest(document: Document) -> bytes:
    """sha-256 of the canonical bytes (32 bytes)."""
    return hashlib.sha256(encode(document)).digest()


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _canonical(document: Document) -> bytes:
    return rfc8785.dumps(_adapter(type(document)).dump_python(document, mode="json", warnings=False))


def _first(error: ValidationError) -> str:
    """Where and what, without the offered value: it may be a megabyte long."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _malformed(kind: type[Any], reason: str) -> MalformedDocument:
    return MalformedDocument(
        f"malformed {kind.__name__} document: {reason}",
        hint="Ask whoever published it for a correct document; nothing in this one can be trusted.",
    )


# --- Field types ----------------------------------------------------------------------------------


def _hex(length: int | None) -> Callable[[object], bytes]:
    def read(value: object) -> bytes:
        if not isinstance(value, str) or value != value.lower() or (length and len(value) != 2 * length):
            raise ValueError(f"expected {length or 'some'} bytes in lower-case hex")
        return bytes.fromhex(value)

    return read


def _checksummed(value: object) -> str:
    if not isinstance(value, str) or not is_checksum_address(value):
        raise ValueError("expected a checksummed address")
    return value


_to_hex = PlainSerializer(bytes.hex, return_type=str)

Digest = Annotated[bytes, BeforeValidator(_hex(32)), _to_hex]
"""32 bytes, in JSON 64 lower-case hex digits."""

Signature = Annotated[bytes, BeforeValidator(_hex(None)), Field(min_length=65, max_length=4096), _to_hex]
"""Signature bytes: 65 of a key, or more of a contract wallet."""

Address = Annotated[str, BeforeValidator(_checksummed)]
"""Checksummed account or contract address."""

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$")]
"""One line of at most 200 characters, none of which commands a terminal or turns the order of what is read."""

Prose = Annotated[str, Field(max_length=20_000)]
"""Text of several lines."""

Id = Annotated[int, Field(ge=0, lt=1 << 53)]
"""Number of a dataset, a job or a chain."""

Epsilon = Annotated[int, Field(ge=0, lt=1 << 53)]
"""Privacy budget in millionths; 0 means no differential privacy."""

Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
"""A finite number; beyond 1e15 a double no longer resolves a quarter."""

Positive = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]


def _amount(value: object) -> int:
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 78:
        raise ValueError("expected base units as a decimal string")
    number = int(value)
    if str(number) != value or number >= 1 << 256:
        raise ValueError("expected base units below 2^256, without leading zeros")
    return number


Amount = Annotated[int, BeforeValidator(_amount), PlainSerializer(str, return_type=str)]
"""Token amount in base units, in JSON a decimal string: it may exceed what a JSON number holds exactly."""

_READERS: dict[str, Callable[[object], Any]] = {"int": _amount, "bytes": _hex(32), "str": _checksummed}


def _read_offer(value: object) -> Offer:
    names = [field.name for field in fields(Offer)]
    if not isinstance(value, dict) or sorted(value) != sorted(names):
        raise ValueError("expected exactly the fields of an offer")
    return Offer(**{field.name: _READERS[str(field.type)](value[field.name]) for field in fields(Offer)})


def _write_offer(offer: Offer) -> dict[str, str]:
    values = ((field.name, getattr(offer, field.name)) for field in fields(Offer))
    return {name: value.hex() if isinstance(value, bytes) else str(value) for name, value in values}


OfferField = Annotated[
    Offer, BeforeValidator(_read_offer), PlainSerializer(_write_offer, return_type=dict[str, str])
]
"""An offer as it is signed: numbers as decimal strings, digests as hex."""
