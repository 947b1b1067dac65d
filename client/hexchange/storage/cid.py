"""Content identifiers: the one shape this market uses, CIDv1 with sha2-256, of a raw block or of a file tree.

A 32-byte digest on chain and the CID of a single raw block are the same fact. Layout of the binary form
(https://github.com/multiformats/cid): version 1, codec, hash function 0x12, hash length 32, hash.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from hexchange.errors import BadCid

RAW = 0x55
DAG_PB = 0x70

_SHA2_256 = b"\x12\x20"
_TEXT_LENGTH = 59  # "b" + base32 of 36 bytes without padding


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """Names bytes by their hash: `codec` is RAW or DAG_PB, `digest` has 32 bytes."""

    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.codec not in (RAW, DAG_PB) or len(self.digest) != 32:
            raise BadCid("not a CIDv1 of a raw block or a file tree with sha2-256", hint=_HINT)

    @classmethod
    def of(cls, block: bytes, codec: int = RAW) -> Cid:
        """The CID of one block."""
        return cls(codec, hashlib.sha256(block).digest())

    @classmethod
    def raw(cls, digest: bytes) -> Cid:
        """The CID of the raw block with this sha-256: how manifests and circuits are named on chain."""
        return cls(RAW, digest)

    @classmethod
    def parse(cls, text: str) -> Cid:
        """Read the canonical text; any other spelling of the same CID raises BadCid."""
        try:
            binary = base64.b32decode(text[1:].upper() + "=" * 6) if len(text) == _TEXT_LENGTH else b""
        except ValueError:
            binary = b""
        if binary[:1] != b"\x01" or binary[2:4] != _SHA2_256:
            raise BadCid(f"not a CID this market uses: {text[:80]!r}", hint=_HINT)
        cid = cls(binary[1], binary[4:])
        if str(cid) != text:
            raise BadCid(f"not the canonical spelling of a CID: {text[:80]!r}", hint=f"write {cid}")
        return cid

    @property
    def binary(self) -> bytes:
        return bytes([1, self.codec]) + _SHA2_256 + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.binary).decode().lower().rstrip("=")


_HINT = "a CID here starts with bafkrei (one block) or bafybei (a file tree) and has 59 characters"
