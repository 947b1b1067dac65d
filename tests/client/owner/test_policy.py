"""What an owner lets run: circuits over the listed table, as it is packed."""

from __future__ import annotations

import pytest

from hexchange.circuit.document import Table
from hexchange.circuit.library.logistic import logistic
from hexchange.errors import PolicyRefused
from hexchange.market.manifests import Column, Edition, Manifest
from hexchange.market.tables import circuit_table
from hexchange.owner.policy import review

COLUMNS = (
    Column("age", "number", "feature", "year", 0.0, 120.0),
    Column("dose", "number", "feature", "mg", 0.0, 5.0),
    Column("ill", "boolean", "label", "", 0.0, 1.0),
)
LISTED = circuit_table(COLUMNS, 100, None)


def listing() -> Manifest:
    train = Edition("train", bytes(32), "grid", 1, {}, None, {})
    return Manifest(
        "Doses", "", "CC0-1.0", COLUMNS, 100, None, "inferred", (train,), None, "SEAL 4.3", None, 1, None
    )


def test_training_on_the_whole_table_passes() -> None:
    assert "logistic model of ill" in review(logistic(LISTED), listing(), 0).text


@pytest.mark.parametrize(
    "columns", [LISTED.columns[1:], (LISTED.columns[1], LISTED.columns[0], LISTED.columns[2])]
)
def test_training_on_columns_other_than_those_packed_is_refused(columns: tuple[object, ...]) -> None:
    table = Table(100, columns, label="ill")  # type: ignore[arg-type]
    with pytest.raises(PolicyRefused) as refusal:
        review(logistic(table), listing(), 0)
    assert refusal.value.hint
