"""Lowering means what the circuit says: programs, run in the clear, equal their twins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import interpret

from hexchange.circuit import results
from hexchange.circuit.builder import Draft, Term
from hexchange.circuit.document import Column, Table
from hexchange.circuit.editions import LINEAR, STATS, TRAIN
from hexchange.circuit.library.describe import describe, describe_clear
from hexchange.circuit.library.logistic import logistic, logistic_clear
from hexchange.circuit.library.predict import predict, predict_clear
from hexchange.circuit.lowering import lower
from hexchange.circuit.packing import pack
from hexchange.circuit.program import Op
from hexchange.circuit.shares import split
from hexchange.errors import CircuitTooDeep, EditionUnfit, TableTooLarge

few = settings(max_examples=25, deadline=None)
ranges = st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 1e3)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def table_of(rows: int, *ranges: tuple[float, float], label: bool = False) -> Table:
    columns = tuple(Column(f"c{index}", low, high) for index, (low, high) in enumerate(ranges))
    if label:
        return Table(rows, (*columns, Column("label", 0.0, 1.0)), label="label")
    return Table(rows, columns)


def scaled_values(table: Table, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(-1, 1, (table.rows, len(table.columns)))
    if table.label:
        values[:, -1] = np.where(values[:, 0] + 0.5 * values[:, -1] > 0, 1.0, -1.0)
        values[0, -1], values[-1, -1] = 1.0, -1.0
    return values


def own_units(table: Table, values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {c.name: c.middle + c.half * values[:, index] for index, c in enumerate(table.columns)}
    )


@few
@given(st.integers(2, 9000), st.lists(ranges, min_size=1, max_size=4), st.integers(0, 99))
def test_described_columns_equal_pandas(rows: int, ranges: list[tuple[float, float]], seed: int) -> None:
    table = table_of(rows, *ranges)
    values = scaled_values(table, seed)
    circuit = describe(table)
    slots = interpret(lower(circuit), pack(STATS, table, values).inputs)
    shown = results.present(circuit, results.reduce(circuit, slots))
    expected = describe_clear(own_units(table, values))
    scale = expected.abs().max().max()
    np.testing.assert_allclose(shown.to_numpy(), expected.to_numpy(), rtol=1e-9, atol=1e-9 * scale)


@few
@given(st.integers(1, 5000), st.lists(ranges, min_size=1, max_size=5), st.integers(0, 99))
def test_scores_equal_the_model_in_the_clear(rows: int, ranges: list[tuple[float, float]], seed: int) -> None:
    table = table_of(rows, *ranges)
    values = scaled_values(table, seed)
    weights = np.random.default_rng(seed).normal(0, 1, len(ranges)) / [c.half for c in table.columns]
    model = {c.name: float(weight) for c, weight in zip(table.columns, weights, strict=True)}
    circuit = predict(table, model, 0.5)
    slots = interpret(lower(circuit), pack(LINEAR, table, values).inputs)
    shown = results.present(circuit, results.reduce(circuit, slots))
    expected = predict_clear(own_units(table, values), model, 0.5)
    magnitude = 1 + sum(
        abs(weight) * max(abs(c.low), abs(c.high)) for weight, c in zip(weights, table.columns, strict=True)
    )
    np.testing.assert_allclose(shown.to_numpy(), expected.to_numpy(), atol=1e-12 * magnitude)


@settings(few, max_examples=10)
@given(st.integers(4, 700), st.integers(1, 31), st.integers(1, 3), st.integers(0, 99))
def test_trained_weights_equal_the_algorithm_in_the_clear(
    rows: int, features: int, iterations: int, seed: int
) -> None:
    table = table_of(rows, *[(-2.0, 3.0)] * features, label=True)
    values = scaled_values(table, seed)
    circuit = logistic(table, iterations)
    packed = pack(TRAIN, table, values)
    raw = results.reduce(circuit, interpret(lower(circuit), packed.inputs))
    weights = results.unwhiten(circuit, raw, packed.private)["weights"]
    np.testing.assert_allclose(weights, logistic_clear(table, values, iterations), atol=1e-9, rtol=1e-9)


@st.composite
def expressions(draw: st.DrawFn) -> Table:
    return table_of(draw(st.integers(1, 6000)), *[(-1.0, 1.0)] * 3)


@few
@given(expressions(), st.lists(st.sampled_from("+-*sc"), min_size=1, max_size=6), st.integers(0, 99))
def test_row_by_row_arithmetic_equals_numpy(table: Table, steps: list[str], seed: int) -> None:
    """Random circuits of products, sums and constants, at most one level deep, mixing levels on the way."""
    values = scaled_values(table, seed)
    draft = Draft(table)
    terms: list[tuple[Term, np.ndarray, int]] = [(draft[f"c{i}"], values[:, i], 0) for i in range(3)]
    random = np.random.default_rng(seed)
    for step in steps:
        (one, x, deep), (other, y, deeper) = (terms[random.integers(len(terms))] for _ in range(2))
        if step in "*s" and (deep or deeper):
            step = "+"
        match step:
            case "+":
                terms.append((one + other * 1.0 if deeper == 0 else one + other, x + y, 1))
            case "-":
                terms.append((one - other, x - y, max(deep, deeper)))
            case "*":
                terms.append((one * other, x * y, 1))
            case "s":
                terms.append((one * 0.75, x * 0.75, 1))
            case "c":
                terms.append((one + 2.0, x + 2.0, deep))
    term, expected, _ = terms[-1]
    circuit = draft.circuit("stats", {"row": term}, "exact", grid="0.001")
    slots = interpret(lower(circuit), pack(STATS, table, values).inputs)
    np.testing.assert_allclose(results.reduce(circuit, slots)["row"], expected, atol=1e-12)


@few
@given(st.integers(1, 9000), st.integers(0, 99))
def test_rows_that_share_a_slot_have_sums_and_constants_of_their_own(rows: int, seed: int) -> None:
    table = table_of(rows, *[(-1.0, 1.0)] * 2)
    values = scaled_values(table, seed)
    x, y = values.T
    draft = Draft(table)
    row = (draft["c0"] + 0.5) * 2.0 - draft["c1"] + 0.25
    outputs = {"row": row, "plain": draft["c0"] - 3.0, "sum": (draft["c0"] * 2.0 - draft["c1"]).sum()}
    circuit = draft.circuit("linear", outputs, "exact", grid="0.001")
    program = lower(circuit)
    assert not any(primitive.op is Op.ADD_SCALAR for _, primitive in program.numbered())
    raw = results.reduce(circuit, interpret(program, pack(LINEAR, table, values).inputs))
    np.testing.assert_allclose(raw["row"], 2 * x - y + 1.25, atol=1e-12)
    np.testing.assert_allclose(raw["plain"], x - 3, atol=1e-12)
    np.testing.assert_allclose(raw["sum"], [(2 * x - y).sum()], atol=1e-9)


def test_sums_travel_between_blocks_before_they_are_relinearised_or_rescaled() -> None:
    program = lower(describe(table_of(9000, (0.0, 1.0))))
    blocks, once = program.stages
    assert {p.op for p in blocks.primitives} == {Op.SQUARE}
    assert [p.op for p in once.primitives if p.op in (Op.RELINEARIZE, Op.RESCALE)] == [
        Op.RELINEARIZE,
        Op.RESCALE,
    ]


def test_lowering_the_same_circuit_twice_gives_the_same_program() -> None:
    table = table_of(500, *[(0.0, 1.0)] * 5, label=True)
    for circuit in (describe(table), predict(table, {"c1": 2.0}, 0.0), logistic(table)):
        lower.cache_clear()
        first = lower(circuit)
        lower.cache_clear()
        assert repr(lower(circuit)) == repr(first)


def test_training_uses_exactly_the_nine_rotation_keys_of_its_edition() -> None:
    assert lower(logistic(table_of(455, *[(0.0, 1.0)] * 30, label=True))).steps == TRAIN.steps


def test_results_have_one_prime_left_and_two_polynomials() -> None:
    table = table_of(500, *[(0.0, 1.0)] * 5, label=True)
    for circuit in (describe(table), predict(table, {"c1": 2.0}, 0.0), logistic(table)):
        assert {(o.shape.size, o.shape.primes) for o in lower(circuit).outputs} == {(2, 1)}


def test_memory_does_not_grow_with_rows_but_for_the_results() -> None:
    from hexchange.circuit import costs

    def held(rows: int) -> int:
        program = lower(predict(table_of(rows, *[(0.0, 1.0)] * 20), {"c1": 2.0, "c2": 1.0}, 0.0))
        return costs.memory(program) - costs.result_bytes(program)

    assert held(100_000) == held(2_000)


def test_registers_are_dropped_after_their_last_use_and_never_before() -> None:
    for circuit in (describe(table_of(9, (0.0, 1.0))), logistic(table_of(9, (0.0, 1.0), label=True))):
        program = lower(circuit)
        (shares,) = split(program, 1)
        for number, (stage, share) in enumerate(zip(program.stages, shares, strict=True)):
            gone: set[int] = set()
            for primitive, dying in zip(stage.primitives, share.parts[0].frees, strict=True):
                assert not gone & set(primitive.args)
                gone.update(dying)
            assert not gone & {o.register for o in program.outputs if o.stage == number}
            assert not gone & {register for register in stage.keeps if register < len(stage.sources)}


def test_a_circuit_too_deep_is_told_what_it_needs_and_what_the_edition_has() -> None:
    draft = Draft(table_of(10, (0.0, 1.0)))
    cube = draft["c0"] * draft["c0"] * draft["c0"]
    with pytest.raises(CircuitTooDeep, match="needs 2 levels, the edition stats has 1") as refusal:
        lower(draft.circuit("stats", {"cube": cube}, "exact", grid="0.01"))
    assert refusal.value.hint


def test_products_of_columns_are_refused_where_no_key_for_them_is_listed() -> None:
    draft = Draft(table_of(10, (0.0, 1.0)))
    with pytest.raises(EditionUnfit, match="key"):
        lower(draft.circuit("linear", {"square": draft["c0"].square()}, "exact", grid="0.01"))


def test_columns_are_refused_on_a_grid_and_training_on_columns() -> None:
    table = table_of(10, (0.0, 1.0), label=True)
    draft = Draft(table)
    with pytest.raises(EditionUnfit, match="no single columns"):
        lower(draft.circuit("train", {"sum": draft["c0"].sum()}, "exact", grid="0.01"))
    with pytest.raises(EditionUnfit, match="no grid"):
        lower(draft.circuit("stats", {"weights": draft.descend(3)}, "exact", grid="0.01"))


def test_more_features_than_the_grid_holds_are_refused() -> None:
    with pytest.raises(TableTooLarge, match="32 features") as refusal:
        logistic(table_of(40, *[(0.0, 1.0)] * 32, label=True))
    assert refusal.value.hint
