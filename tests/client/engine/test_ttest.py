"""t-tests from encrypted sums, squares and products with the label are those of SciPy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import ENOUGH, Run, drawn, handed_over, within_bound

from hexchange.circuit.analysis import describe_text
from hexchange.circuit.document import Table
from hexchange.circuit.library.covariance import covariance
from hexchange.circuit.library.ttest import ttest, ttest_clear
from hexchange.errors import MalformedCircuit, ResultUnfit


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(1, 6), st.integers(0, 99))
def test_t_is_that_of_scipy_within_the_declared_error(run: Run, rows: int, columns: int, seed: int) -> None:
    table, frame, scaled = drawn(rows, columns, label=True, seed=seed)
    circuit = ttest(table)
    raw = run(circuit, scaled)
    within_bound(circuit, raw, {f"c{i} * ill": float(scaled[:, i] @ scaled[:, -1]) for i in range(columns)})
    found, twin = handed_over(circuit, raw), ttest_clear(table, frame)
    error = float(np.abs(found["t"] - twin["t"]).max())
    assert error <= found.attrs["error"]
    assert columns < ENOUGH or found.attrs["error"] <= 1000 * error
    pd.testing.assert_frame_equal(found, twin, rtol=1e-3, atol=1e-4)


def test_noise_makes_a_test_careful_and_never_certain(run: Run) -> None:
    table, frame, scaled = drawn(6000, 3, label=True, seed=3)
    private = Table(table.rows, table.columns, 2.0, table.label)
    circuit = ttest(private, noise=True)
    found = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    exact = ttest_clear(table, frame)
    assert (found["t"].abs() < 1.1 * exact["t"].abs() + 3).all()
    assert (found["t"].abs() < exact["t"].abs().max()).all()


def test_a_whole_gram_matrix_holds_the_tests_too(run: Run) -> None:
    table, frame, scaled = drawn(500, 3, label=True, seed=5)
    circuit = covariance(table)
    raw = run(circuit, scaled)
    found = handed_over(circuit, raw, result="ttest")
    pd.testing.assert_frame_equal(found, ttest_clear(table, frame), rtol=1e-4, atol=1e-4)
    only = ttest(table)
    some = {output.name: raw[output.name] for output in only.outputs}
    with pytest.raises(ResultUnfit, match="does not hold 'c0 "):
        handed_over(only, some, result="covariance")


def test_a_test_says_what_it_releases() -> None:
    table, _, _ = drawn(100, 3, label=True)
    text = describe_text(ttest(table))
    assert "Student's t-tests of all other columns between the groups of ill" in text
    assert "Releases 11 numbers" in text
    with pytest.raises(MalformedCircuit, match="no label"):
        ttest(Table(table.rows, table.columns))
