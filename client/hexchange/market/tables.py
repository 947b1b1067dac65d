"""A listed table as circuits see it."""

from __future__ import annotations

from collections.abc import Sequence

from hexchange.circuit import document
from hexchange.circuit.counting import MOST_VALUES, is_countable
from hexchange.circuit.editions import Categories, Edition
from hexchange.errors import NothingToCount
from hexchange.market.manifests import Column


def circuit_table(columns: Sequence[Column], rows: int, row_norm: float | None) -> document.Table:
    """Public facts alone: names, declared ranges, rows, row norm, and which column is the label."""
    label = next((column.name for column in columns if column.role == "label"), None)
    seen = tuple(document.Column(column.name, column.low, column.high) for column in columns)
    return document.Table(rows, seen, row_norm, label)


def edition_table(
    edition: Edition, columns: Sequence[Column], rows: int, row_norm: float | None
) -> document.Table:
    """The table as an edition holds it: one that counts holds only columns of few whole values.

    Raises NothingToCount where there is none.
    """
    if not isinstance(edition.layout, Categories):
        return circuit_table(columns, rows, row_norm)
    counted = [column for column in columns if column.type != "number" and is_countable(column)]
    if not counted:
        raise NothingToCount(
            f"no column can be counted: none is of type category, integer or boolean with at most {MOST_VALUES} values",
            hint="declare such a column with --columns, or ask for other circuits",
        )
    return circuit_table(counted, rows, None)
