"""The trace of a run: sixteen intermediate results that only whoever ran the circuit can hash.

For a 32-byte seed, h_i = sha256(seed, position, canonical bytes) over the K = min(16, all) positions with
the smallest sha256(seed, position), in the order of those hashes; the trace is sha256(seed, h_1, ..,
h_K). A position is the row block and the primitive, each as big-endian u32.
"""

from __future__ import annotations

import heapq
import struct
from hashlib import sha256

from hexchange.circuit.program import Position, Program

SAMPLES = 16


class Trace:
    """Collects one seed's samples while a program runs, in whatever order its positions come."""

    def __init__(self, program: Program, seed: bytes) -> None:
        self._seed = seed
        ranked = ((sha256(seed + _packed(p)).digest(), p.block, p.primitive) for p in program.positions())
        chosen = heapq.nsmallest(SAMPLES, ranked)
        self._order = [Position(block, primitive) for _, block, primitive in chosen]
        self._hashes: dict[Position, bytes] = {}

    @property
    def positions(self) -> tuple[Position, ...]:
        """The sampled positions, in the trace's order."""
        return tuple(self._order)

    def add(self, position: Position, canonical: bytes) -> None:
        """Take the output at a sampled position."""
        self._hashes[position] = sha256(self._seed + _packed(position) + canonical).digest()

    def digest(self) -> bytes:
        """The trace over what was added; the whole one once every position was."""
        hashes = (self._hashes[position] for position in self._order if position in self._hashes)
        return sha256(self._seed + b"".join(hashes)).digest()


def _packed(position: Position) -> bytes:
    return struct.pack(">II", position.block, position.primitive)
