"""What an owner encrypts, what it must refuse first, and the way back from whitened weights."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hexchange.circuit import results
from hexchange.circuit.builder import Draft
from hexchange.circuit.descent import GROWTH, LONGEST, REACH, SPREAD, WIDEST, descend, nesterov
from hexchange.circuit.document import Column, Table
from hexchange.circuit.editions import LINEAR, STATS, TRAIN, Edition
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.packing import in_rows, pack, signed_values
from hexchange.circuit.whitening import whiten
from hexchange.errors import (
    BadLabel,
    EmptyTable,
    HexchangeError,
    MissingValue,
    OutsideRange,
    TableTooLarge,
    UsageError,
)

COLUMNS = (Column("age", 0.0, 120.0), Column("dose", 0.0, 5.0), Column("ill", 0.0, 1.0))


def values_of(rows: int, columns: int = 3, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(-1, 1, (rows, columns))
    values[:, -1] = np.where(values[:, -1] > 0, 1.0, -1.0)
    values[:2, -1] = 1.0, -1.0
    return values


def test_columns_are_cut_into_blocks_of_rows_and_nothing_is_lost() -> None:
    values = values_of(10_000)
    packed = pack(STATS, Table(10_000, COLUMNS), values)
    assert [(name, block) for name, block, _ in packed.inputs] == [
        (column.name, block) for column in COLUMNS for block in range(3)
    ]
    ages = np.concatenate([slots for name, _, slots in packed.inputs if name == "age"])
    assert np.array_equal(ages, values[:, 0])
    assert packed.private == {}


def test_two_rows_share_a_slot_of_the_linear_edition() -> None:
    values = values_of(10_000)
    packed = pack(LINEAR, Table(10_000, COLUMNS), values)
    assert [(name, block) for name, block, _ in packed.inputs] == [
        (column.name, block) for column in COLUMNS for block in range(3)
    ]
    first, _, last = (slots for name, _, slots in packed.inputs if name == "age")
    assert np.array_equal(first, values[:2048, 0] + 1j * values[2048:4096, 0])
    assert np.array_equal(last, values[8192:, 0])
    ages = np.concatenate([in_rows(LINEAR, slots) for name, _, slots in packed.inputs if name == "age"])
    assert np.array_equal(ages[:10_000], values[:, 0])


def test_a_grid_holds_every_row_times_its_sign_and_the_mean_row() -> None:
    table = Table(300, COLUMNS, label="ill")
    values = values_of(300)
    packed = {(name, block): slots for name, block, slots in pack(TRAIN, table, values).inputs}
    assert sorted(packed) == [("means", 0), ("rows", 0), ("rows", 1)]
    rows = np.hstack([packed["rows", block].reshape(3, 256) for block in range(2)]).T
    assert np.allclose(rows[:300, -1], SPREAD * values[:, -1])
    assert not rows[300:].any()
    assert np.allclose(packed["means", 0].reshape(3, 256).T, rows[:300].mean(axis=0))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(20, 3), (60, 31), (500, 8)])
def test_whitened_rows_keep_the_promises_of_the_error_bound(shape: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    features = np.clip(random.standard_t(2, shape) / 5, -1, 1)
    signs = np.where(features[:, 0] + 0.01 * random.normal(size=len(features)) > 0, 1.0, -1.0)
    rows, _ = whiten(features, signs)
    run = descend(rows, nesterov(3))
    assert run.widest <= WIDEST
    assert run.reach <= REACH
    assert run.growth <= GROWTH
    assert np.linalg.norm(rows[:, :-1], axis=1).max() <= LONGEST * (1 + 1e-12)
    assert np.linalg.eigvalsh(rows[:, :-1].T @ rows[:, :-1] / len(rows)).max() <= SPREAD**2 * (1 + 1e-12)


def test_unwhitened_weights_score_rows_as_the_whitened_ones_do() -> None:
    table = Table(200, COLUMNS, label="ill")
    values = values_of(200)
    features, signs = signed_values(table, values)
    _, whitening = whiten(features, signs)
    weights = np.array([1.5, -0.5, 0.25])
    back = results.unwhiten(
        logistic(table), {"weights": weights}, json.loads(json.dumps(whitening.to_json()))
    )
    whitened = (features - whitening.mean) @ whitening.transform @ weights[:-1] + SPREAD * weights[-1]
    assert np.allclose(features @ back["weights"][:-1] + back["weights"][-1], whitened)


def test_a_trained_model_is_a_fitted_estimator_as_good_as_that_of_scikit_learn() -> None:
    data = load_breast_cancer(as_frame=True)
    for split in range(5):
        train, held, y, y_held = train_test_split(
            data.data, data.target, test_size=0.25, random_state=split, stratify=data.target
        )
        columns = tuple(Column(n, float(train[n].min()), float(train[n].max())) for n in train)
        table = Table(len(train), (*columns, Column("benign", 0.0, 1.0)), label="benign")
        scaled = (train - train.min()) / (train.max() - train.min()) * 2 - 1
        values = np.clip(np.column_stack([scaled, 2 * y - 1]), -1, 1)
        circuit = logistic(table)
        features, signs = signed_values(table, values)
        rows, whitening = whiten(features, signs)
        grid = float(circuit.release.grid)
        rounded = np.round(descend(rows, nesterov(3)).weights / grid) * grid
        weights = results.unwhiten(circuit, {"weights": rounded}, whitening.to_json())["weights"]
        model = results.present(circuit, {"weights": np.round(weights / grid) * grid})
        assert isinstance(model, LogisticRegression)
        twin = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(train, y)
        ours = roc_auc_score(y_held, model.predict_proba(held)[:, 1])
        assert ours >= roc_auc_score(y_held, twin.predict_proba(held)[:, 1]) - 0.01
        assert set(model.predict(held)) == {0.0, 1.0}


def broken(change: str) -> tuple[Edition, Table, np.ndarray]:
    values = values_of(20)
    table = Table(20, COLUMNS, label="ill")
    match change:
        case "missing":
            values[3, 1] = np.nan
        case "outside":
            values[3, 1] = 1.01
        case "infinite":
            values[3, 1] = np.inf
        case "one label":
            values[:, -1] = 1.0
        case "three labels":
            values[4, -1] = 0.0
        case "no label":
            table = Table(20, COLUMNS)
        case "other shape":
            values = values[:-1]
        case "wide":
            names = tuple(Column(f"c{i}", 0.0, 1.0) for i in range(33))
            table, values = Table(40, names, label="c32"), values_of(40, 33)
        case "long":
            rows = TRAIN.most_blocks * TRAIN.rows_per_block + 1
            table, values = Table(rows, COLUMNS, label="ill"), values_of(rows)
    return TRAIN, table, values


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("missing", MissingValue),
        ("outside", OutsideRange),
        ("infinite", OutsideRange),
        ("one label", BadLabel),
        ("three labels", BadLabel),
        ("no label", BadLabel),
        ("wide", TableTooLarge),
        ("long", TableTooLarge),
    ],
)
def test_a_table_that_cannot_be_encrypted_is_refused_with_a_next_step(
    change: str, error: type[HexchangeError]
) -> None:
    with pytest.raises(error) as refusal:
        pack(*broken(change))
    assert refusal.value.hint


def test_values_of_another_shape_than_the_table_are_refused() -> None:
    with pytest.raises(UsageError, match="The values are"):
        pack(*broken("other shape"))


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(EmptyTable) as refusal:
        pack(LINEAR, Table(0, COLUMNS), np.empty((0, 3)))
    assert refusal.value.hint


def test_numbers_come_back_in_the_units_that_the_outputs_state() -> None:
    draft = Draft(Table(10, COLUMNS))
    total = draft["age"].sum().measured(60.0, 600.0)
    circuit = draft.circuit("stats", {"total": total}, "exact")
    shown = results.present(circuit, {"total": np.array([-2.0])})
    assert isinstance(shown, pd.DataFrame)
    assert shown["value"].tolist() == [480.0]
