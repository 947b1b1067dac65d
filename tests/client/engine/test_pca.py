"""Principal components from encrypted sums and products are those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Run, drawn, handed_over

from hexchange.circuit.library.pca import pca, pca_clear


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(50, 9000), st.integers(1, 6), st.booleans(), st.integers(0, 99))
def test_components_are_those_of_scikit_learn_within_the_declared_error(
    run: Run, rows: int, columns: int, label: bool, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, label=label, seed=seed)
    circuit = pca(table)
    model = handed_over(circuit, run(circuit, scaled))
    twin = pca_clear(table, frame)
    error = np.abs(model.explained_variance_ - twin.explained_variance_).max()
    assert error <= model.explained_variance_error_ <= 1000 * error
    turned = np.linalg.norm(model.components_ - twin.components_, axis=1)
    assert (turned <= model.components_error_ + 1e-12).all()
    features = frame[[column.name for column in table.features]]
    assert model.transform(features) == pytest.approx(twin.transform(features), abs=1e-2)
    assert model.singular_values_ == pytest.approx(twin.singular_values_, rel=1e-3)


def test_private_components_point_nearly_the_same_way(run: Run) -> None:
    table, frame, scaled = drawn(8000, 4, seed=2, norm=1.0)
    circuit = pca(table, noise=True)
    model = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    twin = pca_clear(table, frame)
    assert abs(model.components_[0] @ twin.components_[0]) > 0.98
    assert model.explained_variance_[0] == pytest.approx(twin.explained_variance_[0], rel=0.1)
