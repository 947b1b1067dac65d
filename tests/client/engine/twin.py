"""Circuits beside their twins in the clear: tables to run them on, their release, and what bounds promise."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hexchange.circuit.analysis import analyse
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.results import present, released_errors
from hexchange.circuit.sensitivity import sensitivity
from hexchange.he.release import Privacy, release

Floats = NDArray[np.float64]
ENOUGH = 4
"""Of so many errors one is not small by chance; of one it often is, and tells nothing of its bound."""
Run = Callable[[Circuit, Floats], dict[str, Floats]]


def within_bound(circuit: Circuit, raw: dict[str, Floats], exact: dict[str, Floats | float]) -> None:
    """The declared bound of each output holds, and the largest is at most a thousand times the error."""
    bounds = analyse(circuit).errors
    errors = {name: float(np.abs(raw[name] - value).max()) for name, value in exact.items()}
    assert all(errors[name] <= bounds[name] for name in errors)
    if sum(np.size(raw[name]) for name in errors) >= ENOUGH:
        assert max(bounds.values()) <= 1000 * max(errors.values())


def within(error: Floats, bound: Floats) -> None:
    """No error is above its bound, and the largest bound is at most a thousand times the largest error."""
    assert (error <= bound).all()
    if error.size >= ENOUGH:
        assert bound.max() <= 1000 * error.max()


def drawn(
    rows: int, columns: int, *, label: bool = False, seed: int = 0, norm: float | None = None
) -> tuple[Table, pd.DataFrame, Floats]:
    """Correlated columns in units of their own (and a label that they explain in part): as declared, in the clear,
    and scaled to [-1, 1]."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(rows, columns)) @ random.normal(size=(columns, columns))
    scaled = np.tanh(0.5 * mixed + 0.3 * random.normal(size=(rows, columns)))
    if norm is not None:
        scaled *= np.minimum(1.0, norm / np.linalg.norm(scaled, axis=1, keepdims=True))
    low, half = random.uniform(-50, 50, columns), 10 ** random.uniform(-1, 2, columns)
    named = [
        Column(f"c{index}", float(low[index]), float(low[index] + 2 * half[index]))
        for index in range(columns)
    ]
    if label:
        score = scaled @ random.normal(size=columns) + 0.3 * random.normal(size=rows)
        signs = np.where(score > np.median(score), 1.0, -1.0)
        scaled, named = np.column_stack([scaled, signs]), [*named, Column("ill", 0.0, 1.0)]
    own = {column.name: column.middle + column.half * scaled[:, at] for at, column in enumerate(named)}
    return Table(rows, tuple(named), norm, "ill" if label else None), pd.DataFrame(own), scaled


def handed_over(
    circuit: Circuit, raw: dict[str, Floats], *, epsilon: float = 0.0, result: str | None = None
) -> Any:
    """What the buyer makes of raw values that were rounded, and noised for an ε, as in a release."""
    errors, grid = analyse(circuit).errors, Decimal(circuit.release.grid)
    moved = sensitivity(circuit)
    privacy = Privacy(int(epsilon * 1e6), 1e-6, moved) if epsilon and moved else None
    flat = np.concatenate([raw[output.name].reshape(-1) for output in circuit.outputs])
    noised = release(flat, grid, max(errors.values()), privacy)
    counts = iter(noised.counts)
    values = {
        output.name: np.array([float(next(counts) * grid) for _ in range(raw[output.name].size)]).reshape(
            raw[output.name].shape
        )
        for output in circuit.outputs
    }
    bounds = released_errors(circuit, errors)
    return present(circuit, values, errors=bounds, noise=noised.deviation, result=result)
