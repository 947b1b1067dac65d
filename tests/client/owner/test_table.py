"""Tables that cannot be encrypted are refused by name, row and next step; the rest is scaled and clipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doses import frame, schema

from hexchange.errors import (
    EmptyTable,
    MissingColumn,
    MissingValue,
    OutsideRange,
    SchemaInvalid,
    TableUnreadable,
    TextColumn,
)
from hexchange.owner.schema import infer_schema, read_schema
from hexchange.owner.table import prepare, read_table


def test_csv_parquet_and_frame_give_the_same_numbers(tmp_path: Path) -> None:
    table = frame()
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    expected = prepare(table, schema(row_norm=None)).values
    for name in ("t.csv", "t.parquet"):
        assert np.array_equal(prepare(read_table(tmp_path / name), schema(row_norm=None)).values, expected)
    assert np.abs(expected).max() <= 1
    assert np.isclose(expected[0, 0], table["age"][0] / 50 - 1)


def test_a_value_outside_its_range_is_refused_with_column_row_and_value() -> None:
    table = frame()
    table.loc[4, "dose"] = 5.5
    with pytest.raises(OutsideRange, match=r"column 'dose', row 5: 5\.5 is outside \[0, 5\]") as caught:
        prepare(table, schema())
    assert "clip" in caught.value.hint


def test_clipping_moves_values_to_the_edge_and_counts_them() -> None:
    table = frame()
    table.loc[[4, 9], "dose"] = [5.5, -1.0]
    prepared = prepare(table, schema(clip=True, row_norm=None))
    assert prepared.clipped == {"age": 0, "dose": 2, "ill": 0}
    assert prepared.values[4, 1] == 1
    assert prepared.values[9, 1] == -1


def test_rows_are_shortened_to_the_declared_norm_and_counted() -> None:
    prepared = prepare(frame(), schema(clip=True, row_norm=1.2))
    norms = np.linalg.norm(prepared.values, axis=1)
    assert norms.max() <= 1.2 + 1e-12
    assert prepared.rows_shortened == int((np.linalg.norm(prepared.unshortened, axis=1) > 1.2).sum()) > 0


def test_a_long_row_is_refused_without_clipping() -> None:
    with pytest.raises(OutsideRange, match=r"row \d+: norm .* is above row_norm 1\.01"):
        prepare(frame(), schema(row_norm=1.01))


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_missing_value_names_column_and_row(value: float | None) -> None:
    table = frame()
    table.loc[2, "age"] = value
    with pytest.raises(MissingValue, match="column 'age', row 3: no value"):
        prepare(table, schema())


def test_a_text_column_names_the_first_text() -> None:
    table = frame().astype({"dose": object})
    table.loc[1, "dose"] = "two mg"
    with pytest.raises(TextColumn, match="column 'dose', row 2: 'two mg' is not a number") as caught:
        prepare(table, schema())
    assert "--drop" in caught.value.hint


def test_an_infinite_value_lies_outside_every_range() -> None:
    table = frame()
    table.loc[0, "age"] = float("inf")
    with pytest.raises(OutsideRange, match="row 1"):
        prepare(table, schema())


def test_a_column_can_be_left_out_if_it_is_there(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    assert list(read_table(tmp_path / "t.csv", ["dose"]).columns) == ["age", "ill"]
    with pytest.raises(MissingColumn, match="'dosage'") as caught:
        read_table(tmp_path / "t.csv", ["dosage"])
    assert "dose" in caught.value.hint


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumn, match="'dose'"):
        prepare(frame().drop(columns="dose"), schema())


@pytest.mark.parametrize("text", ["", "age,dose,ill\n"])
def test_an_empty_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(EmptyTable):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("name", "data"), [("t.xlsx", b"x"), ("t.parquet", b"no parquet"), ("none.csv", None)]
)
def test_an_unreadable_file_is_refused(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(TableUnreadable):
        read_table(tmp_path / name)


def test_inferred_ranges_are_those_of_the_data_and_marked_so() -> None:
    inferred = infer_schema(frame(), label="ill")
    by_name = {column.name: column for column in inferred.columns}
    assert inferred.ranges == "inferred"
    assert inferred.row_norm is None
    assert (by_name["age"].low, by_name["age"].high) == (frame()["age"].min(), frame()["age"].max())
    assert (by_name["ill"].type, by_name["ill"].role, by_name["ill"].high) == ("boolean", "label", 1.0)


def test_a_constant_column_gets_a_range_of_its_own() -> None:
    (column,) = infer_schema(pd.DataFrame({"x": [5.0, 5.0]})).columns
    assert column.low < 5.0 < column.high


DECLARED = """
row_norm = 1.5
clip = true
[[column]]
name = "age"
unit = "years"
low = 0
high = 100
[[column]]
name = "patient"
role = "id"
low = 0
high = 9
"""


def test_a_declared_schema_is_read_and_identifiers_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(DECLARED)
    found = read_schema(tmp_path / "c.toml")
    assert [column.name for column in found.columns] == ["age"]
    assert (found.ranges, found.row_norm, found.clip) == ("declared", 1.5, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("low = 0\nhigh = 100", "low = 0"), "'age' has no high"),
        (("high = 100", "high = 0"), "'age' needs low < high"),
        (("high = 100", 'high = "big"'), "'age' has no high"),
        (('role = "id"', 'role = "key"'), "'patient' has an unknown type or role"),
        (('unit = "years"', 'units = "years"'), "unknown field 'units'"),
        (("row_norm = 1.5", "row_norm = -1"), "row_norm"),
        (("clip = true", 'clip = "yes"'), "clip"),
        (("clip = true", "norm = 1"), "unknown setting 'norm'"),
        (('name = "patient"', 'name = "age"'), "'age' is declared twice"),
    ],
)
def test_a_wrong_columns_file_names_column_and_field(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "c.toml").write_text(DECLARED.replace(*change))
    with pytest.raises(SchemaInvalid, match=message):
        read_schema(tmp_path / "c.toml")
