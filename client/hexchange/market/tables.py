"""A listed table as circuits see it."""

from __future__ import annotations

from collections.abc import Sequence

from hexchange.circuit import document
from hexchange.market.manifests import Column


def circuit_table(columns: Sequence[Column], rows: int, row_norm: float | None) -> document.Table:
    """Public facts alone: names, declared ranges, rows, row norm, and which column is the label."""
    label = next((column.name for column in columns if column.role == "label"), None)
    seen = tuple(document.Column(column.name, column.low, column.high) for column in columns)
    return document.Table(rows, seen, row_norm, label)
