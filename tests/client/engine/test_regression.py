"""Linear and ridge regressions from encrypted sums and products are those of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from twin import Run, drawn, handed_over, within

from hexchange.circuit.analysis import describe_text
from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.linear import linear, linear_clear
from hexchange.circuit.library.ridge import ridge, ridge_clear
from hexchange.circuit.moments import halves, middles
from hexchange.errors import MalformedCircuit


def within_errors(table: Table, model: Any, coefficients: Any, intercept: float) -> None:
    """Coefficients, in one unit, are within bounds that are not much wider; so is the intercept, whose own error may
    happen to be next to nothing."""
    unit = halves(table.features)
    within(unit * np.abs(model.coef_ - coefficients), unit * model.coef_error_)
    assert abs(model.intercept_ - intercept) <= model.intercept_error_


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(50, 9000), st.integers(1, 6), st.integers(0, 99))
def test_a_linear_regression_is_that_of_scikit_learn_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, label=True, seed=seed)
    circuit = linear(table)
    model = handed_over(circuit, run(circuit, scaled))
    twin = linear_clear(frame, "ill")
    within_errors(table, model, twin.coef_, twin.intercept_)
    features = frame.drop(columns="ill")
    assert model.predict(features) == pytest.approx(twin.predict(features), abs=1e-3)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(1, 6), st.integers(0, 99))
def test_a_ridge_regression_is_that_of_scikit_learn_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, label=True, seed=seed)
    circuit = ridge(table)
    model = handed_over(circuit, run(circuit, scaled))
    twin = ridge_clear(table, frame)
    own = twin[-1].coef_ / halves(table.features)
    within_errors(table, model, own, twin[-1].intercept_ - middles(table.features) @ own)
    features = frame.drop(columns="ill")
    assert model.predict(features) == pytest.approx(twin.predict(features), abs=1e-4)


def test_a_private_ridge_regression_predicts_nearly_as_well(run: Run) -> None:
    table, frame, scaled = drawn(8000, 5, label=True, seed=4)
    shortened = scaled * np.minimum(1.0, 1.5 / np.linalg.norm(scaled, axis=1, keepdims=True))
    private = Table(table.rows, table.columns, 1.5, table.label)
    circuit = ridge(private, noise=True)
    model = handed_over(circuit, run(circuit, shortened), epsilon=1.0)
    assert model.alpha > 1
    features = frame.drop(columns="ill")
    twin = linear_clear(frame, "ill").predict(features)
    assert np.corrcoef(model.predict(features), twin)[0, 1] > 0.95
    assert r2_score(frame["ill"], twin) > 0.3


def test_columns_that_say_the_same_share_their_weight_without_a_bound(run: Run) -> None:
    table, frame, scaled = drawn(200, 2, label=True)
    again = Column("again", table.columns[0].low, table.columns[0].high)
    twice = Table(200, (*table.columns[:2], again, table.columns[2]), None, "ill")
    circuit = linear(twice)
    model = handed_over(circuit, run(circuit, np.column_stack([scaled[:, :2], scaled[:, 0], scaled[:, 2]])))
    assert model.rank_ == 2
    assert np.isinf(model.coef_error_).all()
    twin = linear_clear(frame, "ill")
    assert model.coef_ == pytest.approx([twin.coef_[0] / 2, twin.coef_[1], twin.coef_[0] / 2], rel=1e-5)


def test_a_regression_says_what_it_is_and_needs_a_label() -> None:
    table, _, _ = drawn(100, 3, label=True)
    assert describe_text(linear(table)).startswith("A linear regression of ill on all other columns")
    assert describe_text(ridge(table)).startswith("A ridge regression of ill on all other columns")
    with pytest.raises(MalformedCircuit, match="no label"):
        ridge(Table(table.rows, table.columns))
