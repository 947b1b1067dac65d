"""What an owner says about its columns: role, unit, public range; declared, or read off the data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hexchange.errors import EmptyTable, MissingColumn, MissingValue, SchemaInvalid, TextColumn
from hexchange.market.manifests import Column

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("name", "type", "role", "unit", "low", "high")


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns that are encrypted, in order, and what happens to values outside their ranges.

    `row_norm` bounds the Euclidean norm of a row after scaling to [-1, 1]; with `clip`, values outside a
    range are moved to its edge and longer rows shortened, without it they are refused.
    """

    columns: tuple[Column, ...]
    ranges: Literal["declared", "inferred"]
    row_norm: float | None = None
    clip: bool = False


def read_schema(path: Path) -> Schema:
    """The schema declared in a TOML file: one [[column]] each, and `row_norm` and `clip` for the whole table.

    Columns that are not declared, and those with the role `id`, are left out of the encryption.
    Raises SchemaInvalid naming the column and the field.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SchemaInvalid(
            f"{path}: {error}", hint="write one [[column]] with name, low and high per column"
        ) from None
    unknown = set(document) - {"column", "row_norm", "clip"}
    if unknown:
        raise SchemaInvalid(f"{path}: unknown setting {min(unknown)!r}", hint="known: column, row_norm, clip")
    declared = document.get("column", [])
    if not declared:
        raise SchemaInvalid(f"{path}: no column is declared", hint="write one [[column]] per column")
    row_norm, clip = document.get("row_norm"), document.get("clip", False)
    if row_norm is not None and (not _number(row_norm) or row_norm <= 0):
        raise SchemaInvalid(f"{path}: row_norm must be a positive number", hint="write row_norm = 2.5")
    if not isinstance(clip, bool):
        raise SchemaInvalid(f"{path}: clip must be true or false", hint="write clip = true")
    declared_columns = [_column(path, entry) for entry in declared]
    names = [column.name for column in declared_columns]
    for name in names:
        if names.count(name) > 1:
            raise SchemaInvalid(f"{path}: column {name!r} is declared twice", hint="keep one of them")
    columns = tuple(column for column in declared_columns if column.role != "id")
    return Schema(columns, "declared", None if row_norm is None else float(row_norm), clip)


def _column(path: Path, entry: dict[str, Any]) -> Column:
    name = entry.get("name")
    unknown = set(entry) - set(FIELDS)
    if not isinstance(name, str) or not name or unknown:
        wrong = f"unknown field {min(unknown)!r}" if unknown else "no name"
        raise SchemaInvalid(f"{path}: a column has {wrong}", hint=f"fields: {', '.join(FIELDS)}")
    for field in ("low", "high"):
        if not _number(entry.get(field)):
            raise SchemaInvalid(
                f"{path}: column {name!r} has no {field}", hint="declare the range every value may lie in"
            )
    column_type, role = entry.get("type", "number"), entry.get("role", "feature")
    if column_type not in ("number", "integer", "category", "boolean") or role not in (
        "feature",
        "label",
        "id",
        "weight",
    ):
        hint = "types: number, integer, category, boolean; roles: feature, label, id, weight"
        raise SchemaInvalid(f"{path}: column {name!r} has an unknown type or role", hint=hint)
    if not entry["low"] < entry["high"]:
        raise SchemaInvalid(
            f"{path}: column {name!r} needs low < high", hint="declare the range every value may lie in"
        )
    return Column(
        name, column_type, role, str(entry.get("unit", "")), float(entry["low"]), float(entry["high"])
    )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def infer_schema(frame: pd.DataFrame, label: str | None = None) -> Schema:
    """Columns with the ranges that the data itself has: no ground for differential privacy.

    Raises EmptyTable, TextColumn, MissingValue, MissingColumn (no such label).
    """
    if frame.empty:
        raise EmptyTable("the table has no rows or no columns", hint="give a table with at least one row")
    if label is not None:
        require_column(frame, label)
    return Schema(tuple(_inferred(str(name), frame[name], label) for name in frame.columns), "inferred")


def require_column(frame: pd.DataFrame, name: str) -> None:
    """Raises MissingColumn, naming the columns that there are."""
    if name not in frame.columns:
        hint = f"its columns: {', '.join(map(str, frame.columns))}"
        raise MissingColumn(f"the table has no column {name!r}", hint=hint)


def _inferred(name: str, series: pd.Series[Any], label: str | None) -> Column:
    values = numbers(name, series)
    low, high = float(values.min()), float(values.max())
    integral = bool(np.all(values == np.floor(values)))
    boolean = integral and low >= 0 and high <= 1
    if low == high:
        low, high = low - 1, high + 1
    if boolean:
        low, high = 0.0, 1.0
    kind: Literal["boolean", "integer", "number"] = (
        "boolean" if boolean else "integer" if integral else "number"
    )
    return Column(name, kind, "label" if name == label else "feature", "", low, high)


def numbers(name: str, series: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The column as float64. Raises TextColumn or MissingValue, each naming column and row (from 1)."""
    import pandas as pd  # slow to import; of the owner's commands only `encrypt` needs it

    missing = series.isna().to_numpy()
    if missing.any():
        row = int(missing.argmax()) + 1
        more = f" and {int(missing.sum()) - 1} more" if missing.sum() > 1 else ""
        hint = "fill it, or drop the row, before encrypting: a ciphertext has no empty cell"
        raise MissingValue(f"column {name!r}, row {row}{more}: no value", hint=hint)
    if not (pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype)):
        row, value = _first_text(series)
        hint = f"code it as numbers, or leave it out with --drop {name!r}"
        raise TextColumn(f"column {name!r}, row {row}: {value!r} is not a number", hint=hint)
    return np.asarray(series.to_numpy(), dtype=np.float64)


def _first_text(series: pd.Series[Any]) -> tuple[int, str]:
    for row, value in enumerate(series, start=1):
        try:
            float(value)
        except (TypeError, ValueError):
            return row, str(value)[:40]
    return 1, str(series.iloc[0])[:40]
