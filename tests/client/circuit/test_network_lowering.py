"""Networks on paper: what their lowering computes, how rows are packed for it, and what is refused."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from interpreter import interpret

from hexchange.circuit import results
from hexchange.circuit.analysis import analyse, check, describe_text
from hexchange.circuit.document import (
    Circuit,
    Column,
    Network,
    Table,
    circuit_digest,
    encode_circuit,
    parse_circuit,
)
from hexchange.circuit.editions import MLP, Interleaved
from hexchange.circuit.layer import Layer
from hexchange.circuit.library.network import network
from hexchange.circuit.lowering import lower
from hexchange.circuit.network import run, told
from hexchange.circuit.packing import pack
from hexchange.circuit.program import Op
from hexchange.errors import (
    CircuitTooDeep,
    CircuitTooLarge,
    EditionUnfit,
    MalformedCircuit,
    TableTooLarge,
    TransparentCircuit,
)

Weights = list[tuple[np.ndarray, np.ndarray]]


def table_of(rows: int, features: int, *, label: bool = False) -> Table:
    columns = tuple(Column(f"p{index}", -1.0, 1.0) for index in range(features))
    return Table(rows, (*columns[:1], Column("label", 0.0, 1.0), *columns[1:]) if label else columns,
                 None, "label" if label else None)  # fmt: skip


def weights_of(*sizes: int, seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    return [
        (random.normal(size=(before, after)) / np.sqrt(before), random.normal(size=after) / 4)
        for before, after in pairwise(sizes)
    ]


def node_of(circuit: Circuit) -> Network:
    (node,) = circuit.nodes
    assert isinstance(node, Network)
    return node


def interpreted(circuit: Circuit, values: np.ndarray) -> np.ndarray:
    """Outputs by the primitives that lowering chose, in the clear."""
    program = lower(circuit)
    packed = pack(program.edition, circuit.table, values)
    return results.reduce(circuit, interpret(program, packed.inputs))["outputs"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.integers(1, 200), st.lists(st.integers(1, 128), min_size=1, max_size=2), st.integers(1, 70),
    st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_the_primitives_of_any_size_compute_the_network(
    features: int, widths: list[int], rows: int, label: bool, seed: int
) -> None:
    circuit = network(table_of(rows, features, label=label), weights_of(features, *widths, seed=seed))
    values = np.random.default_rng(seed).uniform(-1, 1, (rows, features + label))
    own = np.delete(values, 1, axis=1) if label else values
    found = interpreted(circuit, values)
    assert found.shape == results.shapes(circuit)["outputs"] == (rows, widths[-1])
    assert found == pytest.approx(run(node_of(circuit).layers, own), abs=1e-9 * np.abs(found).max())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 1024), st.integers(1, 300), st.integers(0, 9))
def test_a_row_repeats_along_its_places_and_nothing_is_lost(features: int, rows: int, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, (rows, features))
    packed = pack(MLP, table_of(rows, features), values)
    edition = MLP.over(features)
    width = MLP.parameters.slots // edition.rows_per_block
    assert width >= max(features, 128)
    assert [(name, block) for name, block, _ in packed.inputs] == [
        ("rows", n) for n in range(edition.blocks(rows))
    ]
    places = np.hstack([slots.reshape(width, -1) for _, _, slots in packed.inputs])
    assert np.array_equal(places[:features, :rows].T, values)
    assert not places[:, rows:].any()
    period = 1 << (features - 1).bit_length()
    assert not places[features:period].any()
    assert np.array_equal(places, np.tile(places[:period], (width // period, 1)))
    assert packed.private == {}


@pytest.mark.parametrize(
    ("sizes", "steps", "rotations"),
    [
        ((784, 64, 10), {4, 32, 256, 512, 1024, 2048, 16, 64, 128}, 26),
        ((128, 128), {32, 512}, 22),
        ((64, 32, 10), {32, 256, 1024, 128, 512}, 18),
    ],
)
def test_a_product_takes_about_twice_the_root_of_its_diagonals_in_rotations(
    sizes: tuple[int, ...], steps: set[int], rotations: int
) -> None:
    program = lower(network(table_of(4, sizes[0]), weights_of(*sizes)))
    assert set(program.steps) == steps <= set(MLP.steps)
    assert sum(primitive.op is Op.ROTATE for _, primitive in program.numbered()) == rotations
    assert program.outputs[0].shape.primes == 1
    first = next(primitive for _, primitive in program.numbered() if primitive.op is Op.ROTATE)
    assert first.shape.primes == 2 * len(sizes) - 2


def test_weights_of_zero_cost_nothing() -> None:
    sparse = np.zeros((128, 128))
    sparse[np.arange(128), np.arange(128)] = 1.0
    program = lower(network(table_of(4, 128), [(sparse, np.zeros(128))]))
    ops = [primitive.op for _, primitive in program.numbered()]
    assert ops.count(Op.MULTIPLY_VECTOR) == 1
    assert Op.ADD_VECTOR not in ops


def test_columns_in_their_own_units_are_folded_into_the_first_layer() -> None:
    columns = (Column("a", 0.0, 255.0), Column("b", -3.0, -1.0), Column("c", 10.0, 1000.0))
    layers = weights_of(3, 5, 2)
    values = np.random.default_rng(1).uniform(-1, 1, (40, 3))
    own = values * [column.half for column in columns] + [column.middle for column in columns]
    circuit = network(Table(40, columns), layers, ["no", "yes"], classes=True)
    clear = (own @ layers[0][0] + layers[0][1]) ** 2 @ layers[1][0] + layers[1][1]
    found = results.present(circuit, {"outputs": interpreted(circuit, values)})
    assert list(found.columns) == ["no", "yes", "label"]
    assert found[["no", "yes"]].to_numpy() == pytest.approx(clear, rel=1e-5, abs=1e-5 * np.abs(clear).max())
    assert found["label"].tolist() == ["yes" if yes > no else "no" for no, yes in clear]
    assert "label" not in results.present(
        circuit, {"outputs": interpreted(circuit, values)}, result="outputs"
    )


def test_a_network_is_said_in_words_and_bounded_before_it_runs() -> None:
    circuit = network(table_of(40, 784), weights_of(784, 64, 10), classes=True)
    text = describe_text(circuit)
    assert "A network 784 - 64 - 10, squares between its layers, of the 784 columns p0, p1, p2 … p783" in text
    assert "3 multiplications deep on the edition mlp" in text
    assert "without a proven bound" in text
    analysis = check(circuit)
    assert (analysis.levels, analysis.released, analysis.sensitivity) == (3, 400, None)
    assert analysis.key_bytes < 50_300_000 / 2.5
    assert len(encode_circuit(circuit)) < Circuit.CAP / 3
    assert "A matrix product 128 - 128" in describe_text(network(table_of(40, 128), weights_of(128, 128)))


def test_a_network_comes_back_from_its_bytes() -> None:
    circuit = network(table_of(40, 30), weights_of(30, 8, 2))
    again = parse_circuit(encode_circuit(circuit))
    assert again == circuit
    assert circuit_digest(again) == circuit_digest(circuit)
    assert again.nodes[0].layers[0].matrix.shape == (8, 30)  # type: ignore[union-attr]


def with_layer(**fields: Any) -> bytes:
    document = json.loads(encode_circuit(network(table_of(40, 2), weights_of(2, 2))))
    document["nodes"][0]["layers"][0] |= fields
    return rfc8785.dumps(document)


def packed_floats(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"biases": "AAAAAA=="}, "one name each"),
        ({"biases": packed_floats(1, 2, 3)}, "whole number of rows"),
        ({"weights": packed_floats(1, 2, 3, 4, 5, 6)}, "takes 3 values"),
        ({"weights": packed_floats(1, 2, 3, np.inf)}, "not finite"),
        ({"weights": packed_floats(1, 2, 3, np.nan)}, "not finite"),
        ({"weights": packed_floats(1, 2, 3, 2e6)}, "above 1e"),
        ({"weights": packed_floats(1, 2, 3, 4)[:-1]}, "padding"),
        ({"weights": packed_floats(1, 2, 3, 4).replace("A", "é")}, "ASCII"),
        ({"weights": "AACAPwAAAEAAAEBAAACAQB=="}, "not the base64"),
        ({"weights": "\n" + packed_floats(1, 2, 3, 4)}, "base64"),
        ({"weights": [1, 2, 3, 4]}, "string"),
        ({"activation": "relu"}, "activation"),
    ],
)
def test_what_is_no_layer_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(MalformedCircuit, match=why):
        parse_circuit(with_layer(**fields))


def test_networks_that_do_not_fit_are_refused_and_say_what_does() -> None:
    with pytest.raises(CircuitTooDeep, match="3 layers need 5 levels"):
        network(table_of(40, 5), weights_of(5, 5, 5, 5))
    with pytest.raises(CircuitTooLarge, match="rows of this table are 128 places wide"):
        network(table_of(40, 5), weights_of(5, 200, 2))
    with pytest.raises(CircuitTooLarge, match="180,000 weights"):
        network(table_of(40, 1000), weights_of(1000, 256, 2))
    with pytest.raises(TableTooLarge, match="1025 features"):
        MLP.over(1025)
    with pytest.raises(TableTooLarge, match="8192"):
        network(table_of(8193, 784), weights_of(784, 4))
    with pytest.raises(MalformedCircuit, match="takes 4 values"):
        network(table_of(40, 5), weights_of(4, 2))
    with pytest.raises(MalformedCircuit, match="another number of values"):
        network(table_of(40, 4), [*weights_of(4, 3), *weights_of(2, 2)])
    with pytest.raises(MalformedCircuit, match="inputs x outputs"):
        network(table_of(40, 4), [(np.ones(4), np.ones(1))])
    with pytest.raises(MalformedCircuit, match="not finite"):
        network(table_of(40, 1), [(np.array([[np.nan]]), np.ones(1))])
    with pytest.raises(MalformedCircuit, match="all zero"):
        network(table_of(40, 4), [(np.zeros((4, 2)), np.zeros(2))])
    with pytest.raises(MalformedCircuit, match="one name each"):
        network(table_of(40, 4), weights_of(4, 2), ["a", "a"])


def changed(circuit: Circuit, *layers: Layer) -> Circuit:
    return replace(circuit, nodes=(replace(node_of(circuit), layers=layers),))


def test_layers_that_hide_nothing_or_outgrow_the_edition_are_refused() -> None:
    circuit = network(table_of(40, 2), weights_of(2, 2))
    with pytest.raises(TransparentCircuit, match="all its weights are zero"):
        lower(changed(circuit, Layer.of(np.zeros((2, 2)), np.ones(2))))
    with pytest.raises(TransparentCircuit, match="one diagonal"):
        analyse(changed(circuit, Layer.of(np.array([[1, 1e-9], [0, 1]]), np.ones(2))))
    with pytest.raises(CircuitTooLarge, match="more than the edition mlp carries"):
        analyse(changed(circuit, Layer.of(np.full((2, 2), 5000.0), np.ones(2))))
    with pytest.raises(CircuitTooLarge, match="more than the edition mlp carries"):
        analyse(changed(circuit, *[Layer.of(np.full((2, 2), 1000.0), np.ones(2))] * 2))


def test_a_network_needs_an_edition_of_whole_rows_and_stands_alone() -> None:
    circuit = network(table_of(40, 2), weights_of(2, 2))
    with pytest.raises(EditionUnfit, match="no whole rows"):
        lower(replace(circuit, profile=replace(circuit.profile, edition="stats")))
    two = replace(circuit.outputs[0], name="again", node=1)
    other = Network((Layer.of(np.eye(2), np.ones(2)),), ("a", "b"))
    with pytest.raises(EditionUnfit, match="stands alone"):
        lower(replace(circuit, nodes=(*circuit.nodes, other), outputs=(*circuit.outputs, two)))


def test_narrow_rows_stand_more_to_a_block() -> None:
    layouts = {features: MLP.over(features).layout for features in (1, 128, 129, 512, 513, 1024)}
    assert layouts == {n: Interleaved(rows) for n, rows in zip(layouts, (32, 32, 16, 8, 4, 4), strict=True)}
    steps = {
        place * rows
        for rows, width in ((32, 128), (4, 1024))
        for place in (1 << k for k in range(10))
        if place < width
    }
    assert set(MLP.steps) == steps


def test_what_can_be_solved_for_is_told() -> None:
    random = np.random.default_rng(0)
    few = Layer.of(random.normal(size=(3, 20)), np.zeros(3))
    assert told((few,)).max() < 0.9
    copies = random.normal(size=(3, 20))
    copies[0] = 0
    copies[0, 7] = 1
    mixed = random.normal(size=(3, 3)) @ copies
    shares = told((Layer.of(mixed, np.zeros(3)),))
    assert shares[7] == pytest.approx(1)
    assert np.delete(shares, 7).max() < 0.9
    assert told((Layer.of(random.normal(size=(20, 20)), np.zeros(20)),)) == pytest.approx(np.ones(20))
    hidden = Layer.of(copies, np.ones(3))
    assert told((hidden, Layer.of(np.array([[2.0, 0, 0]]), np.zeros(1))))[7] == pytest.approx(1)
    assert told((hidden, Layer.of(np.ones((1, 3)), np.zeros(1)))).max() < 0.9
    assert told((hidden, Layer.of(random.normal(size=(3, 3)), np.zeros(3))))[7] == pytest.approx(1)
