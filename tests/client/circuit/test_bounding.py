"""Training for ε > 0: no row moves the weights further than is proven, and the model is worth its price."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import interpret
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from hexchange.circuit import results
from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.bounding import bound_rows, largest_pull, reach
from hexchange.circuit.descent import descend, pace_of
from hexchange.circuit.document import BoundedDescend, Circuit, Column, Table
from hexchange.circuit.editions import BOUNDED, TRAIN
from hexchange.circuit.library.logistic import bounded_logistic, bounded_logistic_clear, logistic
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import pack
from hexchange.circuit.sensitivity import sensitivity
from hexchange.errors import (
    CircuitTooLarge,
    EditionUnfit,
    MalformedCircuit,
    RowNormMissing,
    SensitivityUnknown,
)

FLOATS = 1 + 1e-12  # what rounding of float64 adds; bounds are reached

few = settings(max_examples=40, deadline=None)


def table_of(rows: int, features: int, norm: float | None = 1.5) -> Table:
    columns = tuple(Column(f"c{index}", -2.0, 3.0) for index in range(features))
    return Table(rows, (*columns, Column("ill", 0.0, 1.0)), norm, label="ill")


def values_of(rows: int, features: int, seed: int, spread: float = 1.0) -> np.ndarray:
    """Scaled features, the more alike the smaller the spread, and labels that follow them but for a few."""
    random = np.random.default_rng(seed)
    common = random.choice([-1.0, 1.0], features)
    values = np.clip(
        common * random.choice([-1.0, 1.0], (rows, 1)) + spread * random.normal(size=(rows, features)), -1, 1
    )
    labels = np.where(values @ common + spread * random.normal(size=rows) > 0, 1.0, -1.0)
    return np.column_stack([values, labels])


def weights_of(node: BoundedDescend, rows: np.ndarray) -> np.ndarray:
    return descend(rows, pace_of(node)).weights


@few
@given(
    st.integers(2, 30), st.integers(1, 8), st.integers(1, 3), st.sampled_from([0.5, 4.0, 4.28]),
    st.sampled_from([0.0, 0.1, 1.0]), st.floats(0.1, 3.0), st.integers(0, 999),
)  # fmt: skip
def test_no_row_moves_the_weights_further_than_the_sensitivity(
    count: int, features: int, iterations: int, rate: float, spread: float, norm: float, seed: int
) -> None:
    """Every row of a random table is left out once; alike rows of full length pull the weights furthest."""
    table = table_of(count, features, norm)
    bound = sensitivity(bounded_logistic(table, iterations, rate, noise=True))
    assert bound is not None
    values = values_of(count, features, seed, spread)
    rows = bound_rows(values[:, :-1], values[:, -1], norm)
    assert np.linalg.norm(rows, axis=1).max() <= FLOATS
    node = BoundedDescend(iterations, rate)
    whole, promised = descend(rows, pace_of(node)), reach(node)
    assert np.linalg.norm(whole.weights) <= promised.weights * FLOATS
    assert whole.widest <= promised.margin * FLOATS
    assert whole.growth <= promised.growth * FLOATS
    for row in range(count):
        without = rows.copy()
        without[row] = 0.0
        assert np.linalg.norm(whole.weights - weights_of(node, without)) <= bound * FLOATS


def test_one_step_moves_by_all_of_its_sensitivity_and_three_by_a_good_part() -> None:
    """The bound is no larger than it has to be: the worst table that was found comes near it."""
    rows = np.zeros((50, 2))
    rows[0] = [0.0, 1.0]
    for iterations, least in ((1, 0.999), (3, 0.3)):
        node = BoundedDescend(iterations, 4.0)
        alone = rows.copy()
        alone[0] = 0.0
        moved = np.linalg.norm(weights_of(node, rows) - weights_of(node, alone))
        bound = sensitivity(bounded_logistic(table_of(50, 1), iterations, 4.0))
        assert bound is not None
        assert least * bound <= moved <= bound


def test_three_steps_of_the_size_four_are_proven_to_nine_and_a_half_rows() -> None:
    assert reach(BoundedDescend(3, 4.0)).weights == pytest.approx(9.37, abs=0.01)
    table = table_of(10_000, 20)
    assert sensitivity(bounded_logistic(table)) == pytest.approx(9.37e-4, abs=1e-6)


@given(st.floats(0, 20))
def test_the_largest_pull_is_that_of_all_margins(margin: float) -> None:
    margins = np.linspace(-margin, margin, 1001)
    pulls = np.abs(0.5 - 0.15012 * margins + 0.001593 * margins**3)
    assert pulls.max() <= largest_pull(margin) * FLOATS
    assert largest_pull(margin) <= pulls.max() * 1.001


def test_steps_that_lengthen_differences_are_exact_only_and_longer_ones_refused() -> None:
    check(bounded_logistic(table_of(100, 3), 3, 4.28, noise=True))
    with pytest.raises(SensitivityUnknown, match="bounds how far one row") as refusal:
        check(bounded_logistic(table_of(100, 3), 3, 4.5, noise=True))
    assert "smaller steps" in refusal.value.hint
    assert "no ε" in describe_text(bounded_logistic(table_of(100, 3), 3, 4.5))
    with pytest.raises(CircuitTooLarge, match="weights") as refusal:
        bounded_logistic(table_of(100, 3), 3, 30.0)
    assert "smaller steps" in refusal.value.hint


def test_the_description_says_how_long_rows_and_weights_can_be() -> None:
    text = describe_text(bounded_logistic(table_of(500, 3, 1.5), noise=True))
    assert "3 gradient steps of the size 4 over rows at most 1.5 long, to weights at most 6.25 long" in text
    assert "Releases 4 numbers" in text
    assert "with discrete noise" in text


def test_error_and_rounding_of_every_weight_are_part_of_the_sensitivity() -> None:
    circuit = bounded_logistic(table_of(500, 8), noise=True)
    analysis, exact = analyse(circuit), sensitivity(circuit)
    error, grid = analysis.errors["weights"], float(circuit.release.grid)
    assert exact is not None
    assert analysis.sensitivity == pytest.approx(exact + 3 * (2 * error + grid))


@settings(max_examples=8, deadline=None)
@given(st.integers(4, 700), st.integers(1, 31), st.integers(1, 3), st.integers(0, 99))
def test_bounded_weights_equal_the_algorithm_in_the_clear(
    rows: int, features: int, iterations: int, seed: int
) -> None:
    table, values = table_of(rows, features), values_of(rows, features, seed)
    values[:2, -1] = [-1.0, 1.0]
    circuit, packed = bounded_logistic(table, iterations), pack(BOUNDED, table, values)
    assert packed.private == {}
    raw = results.reduce(circuit, interpret(lower(circuit), packed.inputs))
    weights = results.in_units(circuit, raw)["weights"]
    np.testing.assert_allclose(
        weights, bounded_logistic_clear(table, values, iterations), atol=1e-9, rtol=1e-9
    )


def renamed(circuit: Circuit, edition: str) -> Circuit:
    return replace(circuit, profile=replace(circuit.profile, edition=edition))


def test_bounded_steps_are_no_steps_on_whitened_rows_nor_the_reverse() -> None:
    table = table_of(100, 3)
    for circuit in (renamed(bounded_logistic(table), "train"), renamed(logistic(table), "bounded")):
        with pytest.raises(EditionUnfit, match="whitened") as refusal:
            lower(circuit)
        assert "bounded" in refusal.value.hint
    with pytest.raises(EditionUnfit, match="grid"):
        lower(renamed(bounded_logistic(table), "stats"))


def test_bounded_rows_need_a_declared_norm() -> None:
    table, values = table_of(20, 3, None), values_of(20, 3, 0)
    with pytest.raises(RowNormMissing, match="norm") as refusal:
        pack(BOUNDED, table, values)
    assert "row_norm" in refusal.value.hint
    assert pack(TRAIN, table, values).private
    with pytest.raises(MalformedCircuit, match="norm"):
        bounded_logistic(table)
    with pytest.raises(EditionUnfit, match="norm"):
        lower(replace(bounded_logistic(table_of(20, 3)), table=table))


@pytest.mark.parametrize("change", [{"unit": 1.0}, {"offset": 0.5}])
def test_weights_in_other_units_are_no_classifier(change: dict[str, Any]) -> None:
    circuit = bounded_logistic(table_of(100, 3))
    output = replace(circuit.outputs[0], **change)
    with pytest.raises(MalformedCircuit, match="classifier"):
        check(replace(circuit, outputs=(output,)))


def test_a_bounded_model_ranks_nearly_as_well_as_that_of_scikit_learn() -> None:
    """Ranges are declared to two digits and rows shortened, as an owner would; scikit-learn reaches 0.99 there."""
    data = load_breast_cancer(as_frame=True)
    found = []
    for split in range(10):
        train, held, y, y_held = train_test_split(
            data.data, data.target, test_size=114, random_state=split, stratify=data.target
        )
        ends = [(train - 3 * side * train.std()).mean() for side in (1, -1)]
        low, high = ({name: float(f"{end[name]:.1e}") for name in train} for end in ends)
        columns = tuple(Column(name, low[name], high[name]) for name in train)
        table = Table(len(train), (*columns, Column("benign", 0.0, 1.0)), np.sqrt(31) / 2, label="benign")
        scaled = [(train[c.name] - c.middle) / c.half for c in columns]
        values = np.clip(np.column_stack([*scaled, 2.0 * y - 1]), -1, 1)
        circuit = bounded_logistic(table)
        weights = bounded_logistic_clear(table, values) * table.norm
        model = results.present(circuit, {"weights": weights})
        found.append(roc_auc_score(y_held, model.predict_proba(held)[:, 1]))
    assert np.mean(found) >= 0.983
