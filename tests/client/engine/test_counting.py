"""Counts from encrypted indicators are exact: those of pandas and SciPy, to the last row."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import Floats, Run, handed_over

from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.builder import Draft
from hexchange.circuit.counting import MOST_VALUES, cells
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.editions import COUNT
from hexchange.circuit.library.chi2 import chi2, chi2_clear
from hexchange.circuit.library.contingency import contingency, contingency_clear
from hexchange.circuit.library.histogram import histogram, histogram_clear
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import pack
from hexchange.circuit.sensitivity import sensitivity
from hexchange.errors import EditionUnfit, MalformedCircuit, ResultUnfit, UsageError, ValueNotWhole
from hexchange.he import canonical
from hexchange.he.encryption import Encryption
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, SecretKey


def drawn(rows: int, widths: list[int], seed: int = 0) -> tuple[Table, pd.DataFrame, Floats]:
    """Columns of so many values each and a label: as declared, in the clear, and scaled to [-1, 1]."""
    random = np.random.default_rng(seed)
    columns = [Column(f"c{at}", float(at - 1), float(at + width - 2)) for at, width in enumerate(widths)]
    columns.append(Column("ill", 0.0, 1.0))
    own = {column.name: random.integers(int(column.low), int(column.high) + 1, rows) for column in columns}
    scaled = np.column_stack([(own[column.name] - column.middle) / column.half for column in columns])
    return Table(rows, tuple(columns), label="ill"), pd.DataFrame(own), scaled


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.integers(1, 9000), st.lists(st.integers(2, 7), min_size=1, max_size=3), st.integers(0, 99))
def test_counts_are_those_of_pandas(run: Run, rows: int, widths: list[int], seed: int) -> None:
    table, frame, scaled = drawn(rows, widths, seed)
    one, two = histogram(table), contingency(table)
    pd.testing.assert_frame_equal(handed_over(one, run(one, scaled)), histogram_clear(table, frame))
    pd.testing.assert_frame_equal(handed_over(two, run(two, scaled)), contingency_clear(table, frame))


def test_tests_of_independence_are_those_of_scipy(run: Run) -> None:
    table, frame, scaled = drawn(5000, [2, 5])
    circuit = chi2(table)
    raw = run(circuit, scaled)
    pd.testing.assert_frame_equal(handed_over(circuit, raw), chi2_clear(table, frame))
    counts = contingency(table)
    pd.testing.assert_frame_equal(handed_over(counts, raw, result="chi2"), chi2_clear(table, frame))
    with pytest.raises(ResultUnfit, match="noise"):
        handed_over(contingency(table, noise=True), raw, epsilon=1.0, result="chi2")
    with pytest.raises(ResultUnfit, match="contingency"):
        handed_over(histogram(table), run(histogram(table), scaled), result="chi2")


def test_noise_is_for_one_count_of_each_column(run: Run) -> None:
    table, frame, scaled = drawn(3000, [4])
    circuit = histogram(table, noise=True)
    assert sensitivity(circuit) == check(circuit).sensitivity == sqrt(2)
    found = handed_over(circuit, run(circuit, scaled), epsilon=1.0)
    clear = histogram_clear(table, frame)
    assert 0 < (found - clear)["rows"].abs().max() < 200
    assert not found.equals(clear)


def _several(table: Table, *often: int) -> Circuit:
    """Counts of some values, one of them as many times as a circuit lets it be: alone and in other words."""
    draft = Draft(table)
    one, other = draft.indicator("c0", -1), draft.indicator("ill", 1)
    outputs = {"a": (one * other).sum(), "b": (other * one).sum(), "c": one.sum()}
    return draft.circuit("count", {name: outputs[name] for name in "abc"[: often[0]]}, "noise")


@pytest.mark.parametrize(("outputs", "moved"), [(1, 1.0), (2, sqrt(2)), (3, sqrt(3))])
def test_what_is_said_twice_moves_twice(outputs: int, moved: float) -> None:
    table, _, _ = drawn(100, [3])
    assert sensitivity(_several(table, outputs)) == moved


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(2, 5), min_size=1, max_size=3), st.integers(0, 10**6))
def test_no_row_moves_counts_by_more_than_the_sensitivity(widths: list[int], seed: int) -> None:
    table, frame, _ = drawn(30, widths, seed)
    for circuit in (histogram(table), contingency(table)):
        counts = [
            np.array([np.all([rows[name] == value for name, value in cell], axis=0).sum() for cell in found])
            for rows in (frame, frame.drop(index=seed % 30))
            for found in [cells(circuit).values()]
        ]
        assert float(np.linalg.norm(counts[0] - counts[1])) <= (sensitivity(circuit) or 0) + 1e-12


def test_the_largest_table_of_equal_rows_leaves_noise_its_room() -> None:
    """Equal blocks add their noise up as no others do, and each product is of ciphertexts full of ones."""
    rows = COUNT.most_rows
    draft = Draft(Table(rows, (Column("a", 0.0, 1.0), Column("b", 0.0, 1.0))))
    both = (draft.indicator("a", 1) * draft.indicator("b", 1)).sum()
    program = lower(draft.circuit("count", {"both": both}, "exact"))
    secret = SecretKey.generate(COUNT.parameters)
    blob = Encryption(secret).encrypt(np.ones(COUNT.parameters.slots))
    keys = Keys.made(secret, [], relinearize=True)
    outputs = evaluate(program, lambda _name, _block: blob, keys, ()).outputs
    ((_, ciphertext),) = canonical.from_outputs(secret.engine, program, outputs)
    assert secret.decryptor().invariant_noise_budget(ciphertext) >= 8


def test_a_count_says_what_it_is() -> None:
    table, _, _ = drawn(100, [3])
    text = describe_text(contingency(table))
    assert "Rows by each value of c0 and of ill together, over all 100 rows." in text
    assert "Releases 6 numbers on a grid of 1, error at most 0." in text
    assert "moves the result by at most 1 (L2)" in text
    assert analyse(histogram(table)).errors["c0 = 0"] == 0


def test_what_cannot_be_counted_is_refused() -> None:
    table, _, scaled = drawn(50, [3])
    with pytest.raises(MalformedCircuit, match="no label"):
        contingency(Table(50, table.columns))
    for column in (Column("x", 0.0, 0.5), Column("x", 0.0, float(MOST_VALUES))):
        with pytest.raises(MalformedCircuit, match=f"at most {MOST_VALUES}"):
            histogram(Table(50, (column,)))
    with pytest.raises(ValueNotWhole, match="'c0'"):
        pack(COUNT, table, scaled * 0.9)
    with pytest.raises(UsageError, match="whole numbers"):
        Encryption(SecretKey.generate(COUNT.parameters)).encrypt(np.array([0.5]))


def test_what_is_no_count_is_refused() -> None:
    table, _, _ = drawn(50, [3])
    draft = Draft(table)
    one, other = draft.indicator("c0", 1), draft.indicator("c0", 0)
    with pytest.raises(EditionUnfit, match="no sum over rows"):
        draft.circuit("count", {"rows": one, "count": other.sum()}, "exact")
    for term in (one * other, one * draft.indicator("ill", 1) * one, one + other, one * 2, draft["c0"]):
        with pytest.raises(EditionUnfit, match="no value of a column"):
            draft.circuit("count", {"count": term.sum()}, "exact")
    with pytest.raises(MalformedCircuit, match="cannot have the value 9"):
        draft.circuit("count", {"count": draft.indicator("c0", 9).sum()}, "exact")
    with pytest.raises(EditionUnfit, match="cannot tell whether"):
        draft.circuit("stats", {"count": one.sum()}, "exact")
