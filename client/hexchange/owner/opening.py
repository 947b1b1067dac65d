"""The key process of a release: verified bytes in, rounded and noised numbers out.

`open_result` runs in a fresh child without network that may read one key file. Raw decryptions exist only
there, and end with it: what it returns lies on the declared grid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from hexchange.circuit.analysis import check
from hexchange.circuit.document import Circuit
from hexchange.circuit.kinds import Floats
from hexchange.circuit.lowering import lower
from hexchange.circuit.results import reduce, unwhiten
from hexchange.circuit.sensitivity import sensitivity
from hexchange.he import sandbox
from hexchange.he.keys import SecretKey
from hexchange.he.opening import open_outputs
from hexchange.he.release import Privacy, release

LIMITS = sandbox.Limits(memory=4 << 30, cpu_seconds=600, wall_seconds=900.0, output_bytes=256 << 20)


@dataclass(frozen=True, slots=True)
class Opened:
    """Shape and counts of grid steps per output; `deviation` is that of the noise, 0 if exact."""

    outputs: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    deviation: float


def open_in_child(
    circuit: Circuit,
    outputs: tuple[bytes, ...],
    key: Path,
    private: dict[str, Any],
    epsilon: int,
    delta: float | None,
) -> Opened:
    """Decrypt, cut, noise and round in a fresh child. `epsilon` in millionths, 0 for an exact release.

    Raises BrokenSecretKey, GridTooFine, and what a child may die of.
    """
    arguments = (circuit, outputs, str(key), json.dumps(private), epsilon, delta or 0.0)
    deviation, *released = sandbox.run(open_result, *arguments, limits=LIMITS, readable=(key,))
    return Opened({name: (tuple(shape), tuple(counts)) for name, shape, counts in released}, deviation)


def open_result(
    circuit: Circuit, outputs: tuple[bytes, ...], key: str, private: str, epsilon: int, delta: float
) -> list[Any]:
    """What the child does: the noise's deviation, then (name, shape, counts) of each output."""
    program, error = lower(circuit), max(check(circuit).errors.values())
    secret = SecretKey.read(program.edition.parameters, Path(key))
    values = reduce(circuit, open_outputs(secret, program, outputs))
    privacy = _privacy(sensitivity(circuit), epsilon, delta)
    counts, deviation = _on_grid(circuit, values, error, privacy)
    if facts := json.loads(private):
        grid = Decimal(circuit.release.grid)
        rounded = {name: np.array([float(count * grid) for count in each]) for name, each in counts.items()}
        counts, _ = _on_grid(circuit, unwhiten(circuit, rounded, facts), 0.0, None)
    return [deviation, *([name, list(values[name].shape), each] for name, each in counts.items())]


def _on_grid(
    circuit: Circuit, values: dict[str, Floats], error: float, privacy: Privacy | None
) -> tuple[dict[str, list[int]], float]:
    """Counts of grid steps per output, all drawn together, and the noise's deviation."""
    flat = np.concatenate([values[output.name].reshape(-1) for output in circuit.outputs])
    noised = release(flat, Decimal(circuit.release.grid), error, privacy)
    ends = np.cumsum([values[output.name].size for output in circuit.outputs])
    names = [output.name for output in circuit.outputs]
    starts = [0, *ends[:-1]]
    counts = {
        name: list(noised.counts[start:end]) for name, start, end in zip(names, starts, ends, strict=True)
    }
    return counts, noised.deviation


def _privacy(moved: float | None, epsilon: int, delta: float) -> Privacy | None:
    """None for an exact release, which the policy allowed for circuits without noise only."""
    if epsilon == 0:
        return None
    assert moved is not None, "the policy passes no other circuit with noise"
    return Privacy(epsilon, delta, moved)
