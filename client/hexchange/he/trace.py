"""The trace of a run: sixteen intermediate results that only whoever ran the circuit can hash.

For a 32-byte seed, h_i = sha256(seed, position, canonical bytes) over the K = min(16, all) positions with
the smallest sha256(seed, position), in the order of those hashes; the trace is sha256(seed, h_1, ..,
h_K). A position is the row block and the primitive, each as big-endian u32.
"""

from __future__ import annotations

import heapq
import struct
from hashlib import sha256

from hexchange.circuit.program import SAMPLES, Place, Position, Program


class Trace:
    """One seed's samples of a run, in whatever order and from whatever process they come.

    `hashes` are those taken so far.
    """

    def __init__(self, program: Program, seed: bytes) -> None:
        self._program, self._seed = program, seed
        ranked = ((sha256(seed + _packed(p)).digest(), p.block, p.primitive) for p in program.positions())
        chosen = heapq.nsmallest(SAMPLES, ranked)
        self._order = [Position(block, primitive) for _, block, primitive in chosen]
        self.hashes: dict[Position, bytes] = {}

    @property
    def positions(self) -> tuple[Position, ...]:
        """The sampled positions, in the trace's order."""
        return tuple(self._order)

    def add(self, position: Position, canonical: bytes) -> None:
        """Take the output at a sampled position."""
        self.hashes[position] = sha256(self._seed + _packed(position) + canonical).digest()

    def digest(self, before: Place | None = None) -> bytes:
        """The trace over what was taken; where the run failed, over what stands `before` that place only."""
        places = [place for place in self._order if before is None or self._program.place(place) < before]
        hashes = (self.hashes[position] for position in places if position in self.hashes)
        return sha256(self._seed + b"".join(hashes)).digest()


def _packed(position: Position) -> bytes:
    return struct.pack(">II", position.block, position.primitive)
