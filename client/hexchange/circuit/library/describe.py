"""Count, mean, variance and standard deviation of columns, from their sums and sums of squares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hexchange.circuit.document import Circuit, Table
from hexchange.circuit.kinds import Kind, Recipe, Released
from hexchange.circuit.moments import EDITION, Moments, are_moments, moments
from hexchange.circuit.sensitivity import Monomial
from hexchange.circuit.words import read_columns

if TYPE_CHECKING:
    import pandas as pd


def describe(table: Table, columns: Sequence[str] | None = None, *, noise: bool = False) -> Circuit:
    """Statistics of `columns` (default: all), one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a column that the table does not have.
    """
    names = columns or [column.name for column in table.columns]
    return moments(table, _monomials(names), "describe", noise=noise)


def describe_clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    count = frame.count().astype(float)
    return pd.DataFrame({"count": count, "mean": frame.mean(), "variance": frame.var(), "std": frame.std()})


def _monomials(names: Iterable[str]) -> list[Monomial]:
    return [monomial for name in names for monomial in ((name,), (name, name))]


def _present(released: Released) -> pd.DataFrame:
    """Count, mean, variance (of a sample: n - 1) and standard deviation per column."""
    import pandas as pd  # slow to import, and needed by a buyer alone

    found = Moments.of(released)
    rows = found.rows
    described: dict[str, tuple[float, ...]] = {}
    for column in found.columns:
        mean = found.values[(column.name,)] / rows
        square = found.values[column.name, column.name] / rows
        variance = max(square - mean**2, 0.0) * rows / max(rows - 1, 1)
        described[column.name] = (
            rows,
            column.middle + column.half * mean,
            column.half**2 * variance,
            column.half * variance**0.5,
        )
    return pd.DataFrame.from_dict(described, orient="index", columns=["count", "mean", "variance", "std"])


CIRCUIT = Recipe("describe", (EDITION,), lambda table, asked: describe(table, noise=asked.noise))
KINDS = (
    Kind(
        "describe",
        "statistics of columns",
        holds=lambda circuit, rows: are_moments(circuit, rows, _monomials(read_columns(circuit))),
        says=lambda circuit: (
            f"Count, mean, variance and standard deviation of {', '.join(read_columns(circuit))}"
        ),
        present=_present,
        derives=True,
    ),
)
