"""What is known of a circuit before any money moves, and what is refused."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hexchange.circuit import costs
from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Table
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.circuit.lowering import lower
from hexchange.circuit.results import released_errors
from hexchange.circuit.sensitivity import sensitivity
from hexchange.circuit.whitening import whiten
from hexchange.errors import (
    CircuitTooLarge,
    GridTooFine,
    MalformedCircuit,
    SensitivityUnknown,
    TableTooLarge,
    TransparentCircuit,
)


def table_of(columns: int, rows: int = 1000, norm: float | None = None) -> Table:
    return Table(rows, tuple(Column(f"c{index}", 0.0, 10.0) for index in range(columns)), norm)


def test_a_description_says_what_is_released_and_what_one_row_can_change() -> None:
    text = describe_text(describe(table_of(2, 427), ["c1"], noise=True))
    assert "standard deviation of c1, over all 427 rows" in text
    assert "1 multiplication deep on the edition stats" in text
    assert "Releases 2 numbers on a grid of 2e-06" in text
    assert "One row, present or zeroed, moves the result by at most 1.414 (L2)" in text
    assert "ε and δ are for one row present or zeroed" in text
    assert "with discrete noise" in text


def test_a_training_says_that_it_has_no_differential_privacy() -> None:
    table = Table(100, (Column("age", 0.0, 9.0), Column("ill", 0.0, 1.0)), label="ill")
    text = describe_text(logistic(table))
    assert "logistic model of ill" in text
    assert "9 multiplications deep" in text
    assert "no ε" in text


@pytest.mark.parametrize("of_nothing", ["x - x", "x * 0", "x * 1e-9", "x + y - x - y"])
def test_what_does_not_depend_on_the_table_is_refused(of_nothing: str) -> None:
    draft = Draft(table_of(2))
    term = eval(of_nothing, {"x": draft["c0"], "y": draft["c1"]})
    with pytest.raises(TransparentCircuit) as refusal:
        analyse(draft.circuit("stats", {"nothing": term + draft["c0"]}, "exact", grid="0.1"))
    assert refusal.value.hint


def test_a_sum_of_constants_is_refused_because_empty_slots_would_count() -> None:
    draft = Draft(table_of(1))
    with pytest.raises(TransparentCircuit, match="empty slots"):
        draft.circuit("stats", {"sum": (draft["c0"] + 1.0).sum()}, "exact")


def test_noise_is_refused_where_one_row_is_one_output() -> None:
    draft = Draft(table_of(1))
    circuit = draft.circuit("linear", {"row": draft["c0"] * 2.0}, "noise")
    with pytest.raises(SensitivityUnknown) as refusal:
        check(circuit)
    assert refusal.value.hint


def test_a_grid_below_the_error_is_refused_with_the_least_one() -> None:
    draft = Draft(table_of(1))
    circuit = draft.circuit("stats", {"sum": draft["c0"].sum()}, "exact", grid="0.000000001")
    with pytest.raises(GridTooFine) as refusal:
        check(circuit)
    assert analyse(circuit).least_grid in refusal.value.hint


@pytest.mark.parametrize("rows", [10, 5000, 100_000])
def test_the_least_grid_is_twice_the_error_or_little_more(rows: int) -> None:
    analysis = analyse(describe(table_of(3, rows)))
    error = max(analysis.errors.values())
    assert 2 * error <= float(analysis.least_grid) <= 5 * 2 * error


def test_values_that_outgrow_the_modulus_are_refused() -> None:
    draft = Draft(table_of(1))
    with pytest.raises(CircuitTooLarge) as refusal:
        draft.circuit("linear", {"row": draft["c0"] * 1000.0}, "exact")
    assert refusal.value.hint


def test_more_rows_than_the_edition_carries_are_refused() -> None:
    with pytest.raises(TableTooLarge, match="holds 1048576") as refusal:
        describe(table_of(1, 2_000_000))
    assert refusal.value.hint


def test_a_formula_is_shown_for_what_has_no_name() -> None:
    draft = Draft(table_of(2))
    together = draft["c0"] * draft["c1"] - 0.5 * draft["c0"]
    text = describe_text(draft.circuit("stats", {"both": together.sum()}, "exact"))
    assert "both: the sum of +1 c0 c1 -0.5 c0" in text
    text = describe_text(predict(table_of(2), {"c0": 0.2, "c1": -3.0}, 4.0, probability=True))
    assert "score: a probability per row of -10 -15 c1 +1 c0" in text


def test_a_circuit_cannot_call_itself_something_else() -> None:
    draft = Draft(table_of(2))
    sums = {"c0.sum": draft["c0"].sum(), "c0.squares": draft["c1"].square().sum()}
    rows = {"c0.sum": draft["c0"] * 2.0, "c0.squares": draft["c0"].square()}
    for outputs, result in ((sums, "describe"), (rows, "describe"), (sums, "score"), (sums, "classifier")):
        with pytest.raises(MalformedCircuit, match="not those of a result"):
            draft.circuit("stats", outputs, "exact", result=result)  # type: ignore[arg-type]


def test_terms_beyond_all_measure_are_refused_quickly() -> None:
    draft = Draft(table_of(1000))
    every = draft["c0"]
    for index in range(1, 1000):
        every = every + draft[f"c{index}"]
    with pytest.raises(CircuitTooLarge, match="terms"):
        draft.circuit("stats", {"square": every.square().sum()}, "exact")


def test_a_score_of_any_model_fits_the_edition() -> None:
    for weight in (1e-7, 1.0, 1e6):
        (output,) = predict(table_of(2), {"c0": weight, "c1": -weight}, 1e3).outputs
        assert output.offset == 1e3
        assert 64 < 2 * 5 * weight / output.unit <= 128


# --- Sensitivity ----------------------------------------------------------------------------------


def rows_within(random: np.random.Generator, columns: int, norm: float | None) -> np.ndarray:
    """Rows that try to move sums far: corners of the cube, cut to the norm."""
    rows = random.choice([-1.0, 1.0, 0.0, 0.5], (4000, columns))
    if norm is not None:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows *= np.minimum(1, norm / np.maximum(lengths, 1e-9))
    return rows


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 8), st.none() | st.floats(0.2, 4.0), st.integers(0, 99))
def test_no_row_moves_described_sums_further_than_the_sensitivity(
    columns: int, norm: float | None, seed: int
) -> None:
    rows = rows_within(np.random.default_rng(seed), columns, norm)
    moved = np.sqrt((rows**2).sum(axis=1) + (rows**4).sum(axis=1))
    bound = sensitivity(describe(table_of(columns, norm=norm)))
    assert bound is not None
    assert moved.max() <= bound * (1 + 1e-12)


@settings(max_examples=30, deadline=None)
@given(
    st.none() | st.floats(0.2, 2.0), st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.integers(0, 99)
)
def test_no_row_moves_mixed_sums_further_than_the_sensitivity(
    norm: float | None, weights: list[float], seed: int
) -> None:
    a, b, c, d = (weight + (0.5 if weight >= 0 else -0.5) for weight in weights)
    draft = Draft(table_of(3, norm=norm))
    x, y, z = draft["c0"], draft["c1"], draft["c2"]
    outputs = {
        "one": (x * a).sum(),
        "two": (x * b + y * c).sum(),
        "three": (y * z).sum(),
        "four": (x * y + z.square()).sum(),
        "five": (z * d).sum(),
    }
    bound = sensitivity(draft.circuit("stats", outputs, "noise"))
    rows = rows_within(np.random.default_rng(seed), 3, norm)
    x_, y_, z_ = rows.T
    moved = np.stack([a * x_, b * x_ + c * y_, y_ * z_, x_ * y_ + z_**2, d * z_])
    assert bound is not None
    assert np.linalg.norm(moved, axis=0).max() <= bound * (1 + 1e-12)


def test_the_norm_makes_many_columns_cheap() -> None:
    assert sensitivity(describe(table_of(30, norm=2.0))) == pytest.approx(sqrt(2 * 2.0**2))
    assert sensitivity(describe(table_of(30, norm=0.5))) == pytest.approx(sqrt(0.5**2 + 0.5**4))
    assert sensitivity(describe(table_of(30))) == pytest.approx(sqrt(2 * 30))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.floats(0.0, 1.0), st.integers(0, 99))
def test_released_weights_are_no_further_off_than_declared(features: int, common: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    shared = generator.uniform(-1, 1, (200, 1))
    columns = common * shared + (1 - common) * generator.uniform(-1, 1, (200, features))
    _, way_back = whiten(columns, np.where(shared[:, 0] > 0, 1.0, -1.0))
    names = tuple(Column(f"c{index}", -1.0, 1.0) for index in range(features))
    circuit = logistic(Table(200, (*names, Column("y", 0.0, 1.0)), label="y"))
    errors, grid = analyse(circuit).errors, float(circuit.release.grid)
    (declared,) = released_errors(circuit, errors).values()
    (error,) = errors.values()
    true = generator.uniform(-1, 1, features + 1)
    worst = generator.choice([-error, error], features + 1)
    released = np.rint(way_back.unwhiten(np.rint((true + worst) / grid) * grid) / grid) * grid
    assert np.abs(released - way_back.unwhiten(true)).max() <= declared


def test_a_replaced_row_counts_as_two_changes() -> None:
    bound = sensitivity(describe(table_of(1)))
    assert bound is not None
    present_or_zeroed, replaced = (
        np.hypot(1, 1),
        abs(1 - -1),
    )  # x and x² of a row at 1; from a row at -1 to it
    assert present_or_zeroed <= bound < replaced <= 2 * bound


def test_the_shown_sensitivity_includes_error_and_rounding() -> None:
    circuit = describe(table_of(1), noise=True)
    shown, exact = analyse(circuit).sensitivity, sensitivity(circuit)
    assert shown is not None
    assert exact is not None
    assert shown - exact > float(circuit.release.grid)


# --- Cost -----------------------------------------------------------------------------------------


def test_operations_are_counted_over_blocks_with_the_sums_between_them() -> None:
    counted = analyse(describe(table_of(2, 9000))).operations
    assert counted == {"add": 8, "mod_switch": 2, "relinearize": 2, "rescale": 2, "square": 6}


def test_the_goals_of_speed_are_predicted_to_be_met() -> None:
    scoring = lower(predict(table_of(20, 100_000), {f"c{i}": 1.0 for i in range(20)}, 0.0))
    columns = (*table_of(20).columns, Column("label", 0.0, 1.0))
    training = lower(logistic(Table(1000, columns, label="label")))
    assert costs.compute_seconds(scoring) < 0.2
    assert costs.compute_seconds(training) < 5


@pytest.mark.parametrize(("edition", "seeded"), [("linear", 43_500), ("stats", 107_000)])
def test_predicted_bytes_are_those_measured_within_a_fifth(edition: str, seeded: int) -> None:
    draft = Draft(table_of(1))
    circuit: Circuit = draft.circuit(edition, {"row": draft["c0"] * 2.0}, "exact")
    assert analyse(circuit).input_bytes == pytest.approx(seeded, rel=0.2)
