"""Correlations of encrypted columns are those of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Run, drawn, handed_over

from hexchange.circuit.document import Column, Table
from hexchange.circuit.library.correlation import correlation, correlation_clear


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(2, 6), st.integers(0, 99))
def test_correlations_are_those_of_pandas_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, seed=seed)
    circuit = correlation(table)
    found = handed_over(circuit, run(circuit, scaled))
    error = float(np.abs(found - correlation_clear(frame)).to_numpy().max())
    assert error <= found.attrs["error"] <= 1000 * error


def test_noisy_correlations_are_correlations_and_near(run: Run) -> None:
    table, frame, scaled = drawn(6000, 4, seed=1, norm=1.0)
    circuit = correlation(table, noise=True)
    found = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    assert (found.to_numpy() <= 1).all()
    assert np.linalg.eigvalsh(found).min() > -1e-9
    assert np.abs(found - correlation_clear(frame)).to_numpy().max() < 0.15


def test_a_column_that_does_not_vary_correlates_with_nothing(run: Run) -> None:
    table = Table(30, (Column("a", 0.0, 2.0), Column("b", -1.0, 1.0)))
    scaled = np.column_stack([np.full(30, 0.25), np.linspace(-1, 1, 30)])
    circuit = correlation(table)
    found = handed_over(circuit, run(circuit, scaled))
    expected = pd.DataFrame([[np.nan, np.nan], [np.nan, 1.0]], index=["a", "b"], columns=["a", "b"])
    pd.testing.assert_frame_equal(found, expected)
