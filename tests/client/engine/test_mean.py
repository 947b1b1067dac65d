"""Sums and means over ciphertexts that can only be added are those of pandas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Run, drawn, handed_over, within, within_bound

from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.builder import Draft
from hexchange.circuit.choice import listed_bytes
from hexchange.circuit.editions import LINEAR, SUM
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.mean import EDITIONS, mean, mean_clear
from hexchange.circuit.lowering import lower
from hexchange.circuit.sensitivity import sensitivity
from hexchange.errors import CircuitTooDeep, ResultUnfit


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(20, 9000), st.integers(1, 6), st.integers(0, 99))
def test_means_are_those_of_pandas_within_the_declared_error(
    run: Run, rows: int, columns: int, seed: int
) -> None:
    table, frame, scaled = drawn(rows, columns, seed=seed)
    circuit = mean(table)
    raw = run(circuit, scaled)
    within_bound(circuit, raw, {f"c{i}.sum": float(scaled[:, i].sum()) for i in range(columns)})
    found, clear = handed_over(circuit, raw), mean_clear(frame)
    grid, (error, *_) = float(circuit.release.grid), analyse(circuit).errors.values()
    halves = np.array([column.half for column in table.columns])
    within(np.abs(found["sum"] - clear["sum"]).to_numpy(), (error + grid / 2) * halves)
    assert found["mean"].to_numpy() == pytest.approx(found["sum"].to_numpy() / rows)
    assert (found["count"] == rows).all()


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_edition_that_can_add_gives_the_same_means(run: Run, edition: str) -> None:
    table, frame, scaled = drawn(5000, 2, seed=3)
    circuit = mean(table, edition=edition)
    found = handed_over(circuit, run(circuit, scaled))
    assert found.to_numpy() == pytest.approx(mean_clear(frame).to_numpy(), rel=1e-4, abs=1e-3)


def test_one_row_moves_all_sums_together_by_its_length(run: Run) -> None:
    table, frame, scaled = drawn(6000, 4, seed=1, norm=1.0)
    circuit = mean(table, noise=True)
    assert sensitivity(circuit) == pytest.approx(1.0)
    check(circuit)
    found = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    halves = np.array([column.half for column in table.columns])
    assert (np.abs(found["mean"] - mean_clear(frame)["mean"]) / halves).max() < 0.01


def test_additions_need_less_than_half_of_what_scores_store_and_no_keys() -> None:
    table, _, _ = drawn(100_000, 20)
    assert 2 * listed_bytes(SUM, table) < listed_bytes(LINEAR, table)
    assert analyse(mean(table)).key_bytes == 0


def test_a_trace_has_steps_to_ask_for_in_sums_alone() -> None:
    table, _, _ = drawn(5000, 3)
    program = lower(mean(table))
    assert len(list(program.positions())) == 3 * program.blocks + 3


def test_a_mean_is_read_out_of_other_statistics_and_not_out_of_scores(run: Run) -> None:
    table, frame, scaled = drawn(300, 2)
    circuit = describe(table)
    found = handed_over(circuit, run(circuit, scaled), result="mean")
    assert found["mean"].to_numpy() == pytest.approx(mean_clear(frame)["mean"].to_numpy(), rel=1e-6)
    draft = Draft(table)
    scores = draft.circuit("sum", {"row": draft["c0"] - draft["c1"]}, "exact")
    with pytest.raises(ResultUnfit, match="no sum"):
        handed_over(scores, run(scores, scaled), result="mean")


def test_differences_of_rows_are_released_in_the_edition_of_sums(run: Run) -> None:
    table, _, scaled = drawn(3000, 2)
    draft = Draft(table)
    circuit = draft.circuit("sum", {"row": draft["c0"] - draft["c1"] + 0.5}, "exact")
    within_bound(circuit, run(circuit, scaled), {"row": scaled[:, 0] - scaled[:, 1] + 0.5})


def test_products_are_refused_where_there_are_sums_alone() -> None:
    table, _, _ = drawn(300, 2)
    draft = Draft(table)
    with pytest.raises(CircuitTooDeep, match="needs 1 levels, the edition sum has 0"):
        draft.circuit("sum", {"row": draft["c0"] * 2.0}, "exact")


def test_a_mean_says_what_it_releases() -> None:
    table, _, _ = drawn(400, 3)
    text = describe_text(mean(table, ["c0", "c2"]))
    assert "Sum and mean of c0, c2, over all 400 rows" in text
    assert "0 multiplications deep on the edition sum" in text
