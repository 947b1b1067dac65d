"""Count, mean, variance and standard deviation of columns, from their sums and sums of squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hexchange.circuit.builder import Draft, Term
from hexchange.circuit.document import Circuit, Table

if TYPE_CHECKING:
    import pandas as pd

EDITION = "stats"


def describe(table: Table, columns: Sequence[str] | None = None, *, noise: bool = False) -> Circuit:
    """Statistics of `columns` (default: all), one level deep; with `noise`, for an offer with ε > 0.

    Raises MalformedCircuit for a column that the table does not have.
    """
    draft = Draft(table)
    outputs: dict[str, Term] = {}
    for name in columns or [column.name for column in table.columns]:
        column = draft[name]
        outputs |= {f"{name}.sum": column.sum(), f"{name}.squares": column.square().sum()}
    return draft.circuit(EDITION, outputs, "noise" if noise else "exact", result="describe")


def describe_clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The twin: the same table from clear values."""
    import pandas as pd  # slow to import, and needed by the twin alone

    count = frame.count().astype(float)
    return pd.DataFrame({"count": count, "mean": frame.mean(), "variance": frame.var(), "std": frame.std()})
