"""Covariances of encrypted columns are those of pandas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Run, drawn, handed_over, within_bound

from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.document import Table
from hexchange.circuit.library.covariance import covariance, covariance_clear
from hexchange.errors import MalformedCircuit


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(1, 6), st.integers(0, 99))
def test_covariances_are_those_of_pandas_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, seed=seed)
    circuit = covariance(table)
    raw = run(circuit, scaled)
    gram = scaled.T @ scaled
    exact = {f"c{i}.sum": float(scaled[:, i].sum()) for i in range(columns)}
    exact |= {f"c{i}.squares": float(gram[i, i]) for i in range(columns)}
    exact |= {f"c{i} * c{j}": float(gram[i, j]) for j in range(columns) for i in range(j)}
    within_bound(circuit, raw, exact)  # type: ignore[arg-type]
    found = handed_over(circuit, raw)
    error = float(np.abs(found - covariance_clear(frame)).to_numpy().max())
    assert error <= found.attrs["error"] <= 1000 * error


def test_noisy_covariances_can_be_covariances_and_are_near(run: Run) -> None:
    table, frame, scaled = drawn(6000, 4, seed=1, norm=1.0)
    circuit = covariance(table, noise=True)
    found = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    halves = np.array([column.half for column in table.columns])
    scale = np.outer(halves, halves)
    assert np.linalg.eigvalsh(found / scale).min() > -1e-12
    assert np.abs((found - covariance_clear(frame)) / scale).to_numpy().max() < 0.02


def test_one_row_moves_a_gram_matrix_by_its_length_and_its_square() -> None:
    table, _, _ = drawn(1000, 8, norm=1.0)
    exact, noisy = (covariance(table, noise=noise) for noise in (False, True))
    assert analyse(exact).sensitivity == pytest.approx(np.sqrt(2), rel=1e-4)
    assert analyse(noisy).sensitivity == pytest.approx(np.sqrt(1 + 2 - 1 / 8), rel=1e-4)
    check(noisy)


def test_a_covariance_says_what_it_releases() -> None:
    table, _, _ = drawn(400, 3)
    text = describe_text(covariance(table, ["c0", "c2"]))
    assert "Covariances of all pairs of c0, c2, over all 400 rows" in text
    assert "Releases 5 numbers" in text


def test_more_columns_than_one_circuit_holds_are_refused() -> None:
    table, _, _ = drawn(20, 63)
    with pytest.raises(MalformedCircuit, match="at most 62"):
        covariance(table)
    covariance(Table(20, table.columns[:62]))
