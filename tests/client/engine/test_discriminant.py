"""A discriminant from encrypted sums and products is that of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from twin import Run, drawn, handed_over, within

from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.discriminant import discriminant, discriminant_clear
from hexchange.circuit.moments import halves


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(50, 9000), st.integers(1, 6), st.integers(0, 99))
def test_a_discriminant_is_that_of_scikit_learn_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, label=True, seed=seed)
    circuit = discriminant(table)
    model = handed_over(circuit, run(circuit, scaled))
    twin = discriminant_clear(frame, "ill")
    unit = halves(table.features)
    within(unit * np.abs(model.coef_ - twin.coef_), unit * model.coef_error_)
    features = frame.drop(columns="ill")
    assert model.priors_ == pytest.approx(twin.priors_, abs=1e-6)
    assert model.means_ == pytest.approx(twin.means_, rel=1e-4, abs=1e-4)
    assert model.decision_function(features) == pytest.approx(twin.decision_function(features), abs=1e-2)
    assert np.abs(model.transform(features)) == pytest.approx(np.abs(twin.transform(features)), abs=1e-2)
    assert (model.predict(features) == twin.predict(features)).mean() > 0.999


@pytest.mark.parametrize("epsilon", [0.0, 3.0])
def test_a_discriminant_of_tumours_is_as_good_as_that_of_scikit_learn(run: Run, epsilon: float) -> None:
    """Ranges are rounded means and deviations, rows are shortened as an owner who promises a norm does."""
    data = load_breast_cancer(as_frame=True)
    train, held, y, y_held = train_test_split(data.data, data.target, test_size=114, random_state=7)
    middle, spread = train.mean().to_numpy(), 3 * train.std().to_numpy()
    named = [Column(n, float(m - s), float(m + s)) for n, m, s in zip(train, middle, spread, strict=True)]
    norm = np.sqrt(31) / 2
    table = Table(len(train), (*named, Column("benign", 0.0, 1.0)), norm, "benign")
    scaled = np.clip((train.to_numpy() - middle) / spread, -1, 1)
    scaled = np.column_stack([scaled, 2.0 * y - 1])
    scaled *= np.minimum(1, norm / np.linalg.norm(scaled, axis=1, keepdims=True))
    circuit = discriminant(table, noise=epsilon > 0)
    model = handed_over(circuit, run(circuit, scaled), epsilon=epsilon)
    twin = LinearDiscriminantAnalysis().fit(train, y)
    ours, theirs = (roc_auc_score(y_held, m.predict_proba(held)[:, 1]) for m in (model, twin))
    assert ours >= theirs - (0.05 if epsilon else 0.01)
