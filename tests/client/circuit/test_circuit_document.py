"""A circuit has exactly one encoding, and bytes that are not it are refused before anything is made of them."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Table, circuit_digest, encode_circuit, parse_circuit
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.errors import MalformedCircuit

TABLE = Table(100, (Column("age", 0.0, 120.0), Column("dose", 0.0, 5.0), Column("ill", 0.0, 1.0)), 1.5, "ill")
LIBRARY = [
    describe(TABLE),
    describe(TABLE, ["age"], noise=True),
    predict(TABLE, {"age": 0.1}, -1.0),
    logistic(TABLE),
]


@pytest.mark.parametrize("circuit", LIBRARY, ids=lambda circuit: circuit.result)
def test_a_circuit_comes_back_from_its_bytes_and_is_named_by_them(circuit: Circuit) -> None:
    raw = encode_circuit(circuit)
    assert parse_circuit(raw) == circuit
    assert circuit_digest(circuit) == sha256(raw).digest()


def changed(**fields: object) -> bytes:
    return rfc8785.dumps(json.loads(encode_circuit(LIBRARY[0])) | fields)


def with_nodes(*nodes: dict[str, object], outputs: tuple[int, ...]) -> bytes:
    named = [{"name": str(node), "node": node, "offset": 0, "unit": 1} for node in outputs]
    return changed(nodes=list(nodes), outputs=named, result="numbers")


AGE: dict[str, object] = {"op": "column", "column": "age"}

REFUSED = {
    "empty": b"",
    "no object": b"[]",
    "cut": encode_circuit(LIBRARY[0])[:-1],
    "trailing space": encode_circuit(LIBRARY[0]) + b" ",
    "another number form": encode_circuit(LIBRARY[0]).replace(b'"rows":100', b'"rows":1e2'),
    "repeated field": encode_circuit(LIBRARY[0]).replace(b'{"kind"', b'{"kind":"circuit","kind"'),
    "unknown field": changed(extra=1),
    "missing field": rfc8785.dumps({k: v for k, v in json.loads(encode_circuit(LIBRARY[0])).items() if k != "nodes"}),
    "oversized": b" " * (Circuit.CAP + 1),
    "deeply nested": b"[" * 100_000,
    "not a number": encode_circuit(LIBRARY[0]).replace(b'"high":120', b'"high":NaN'),
    "huge number": encode_circuit(LIBRARY[0]).replace(b'"high":120', b'"high":1e300'),
    "text for a number": encode_circuit(LIBRARY[0]).replace(b'"rows":100', b'"rows":"100"'),
    "another lowering": encode_circuit(LIBRARY[0]).replace(b'"lowering":1', b'"lowering":2'),
    "another library format": encode_circuit(LIBRARY[0]).replace(b'"seal":"4.3"', b'"seal":"4.4"'),
    "unknown operation": with_nodes({"op": "exec", "of": [0]}, outputs=(0,)),
    "no nodes": changed(nodes=[]),
    "no outputs": changed(outputs=[]),
    "a node that is read too early": with_nodes({"op": "sum", "of": [1]}, AGE, outputs=(0,)),
    "a node that reads itself": with_nodes({"op": "sum", "of": [0]}, outputs=(0,)),
    "an unused node": with_nodes(AGE, {"op": "sum", "of": [0]}, {"op": "column", "column": "dose"}, outputs=(1,)),
    "a repeated node": with_nodes(AGE, AGE, outputs=(0, 1)),
    "an output without a node": with_nodes(AGE, outputs=(0, 7)),
    "an unknown column": with_nodes({"op": "column", "column": "name"}, outputs=(0,)),
    "a sum of sums": with_nodes(AGE, {"op": "sum", "of": [0]}, {"op": "sum", "of": [1]}, outputs=(2,)),
    "one operand of two": with_nodes(AGE, {"op": "add", "of": [0]}, outputs=(1,)),
    "a zero grid": changed(release={"grid": "0", "mechanism": "exact"}),
    "an empty range": encode_circuit(LIBRARY[0]).replace(b'"high":120', b'"high":0'),
    "a label that is no column": encode_circuit(LIBRARY[0]).replace(b'"label":"ill"', b'"label":"sex"'),
    "a control character in a name": encode_circuit(LIBRARY[0]).replace(b"dose", b"do\\u0007e"),
}  # fmt: skip


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_a_circuit_is_refused_with_a_next_step(raw: bytes) -> None:
    with pytest.raises(MalformedCircuit) as refusal:
        parse_circuit(raw)
    assert refusal.value.hint
    assert len(refusal.value.message) < 500


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused_or_makes_another_circuit(data: st.DataObject) -> None:
    raw = bytearray(encode_circuit(LIBRARY[data.draw(st.integers(0, len(LIBRARY) - 1))]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    try:
        circuit = parse_circuit(bytes(raw))
    except MalformedCircuit:
        return
    assert encode_circuit(circuit) == bytes(raw)


def test_a_draft_writes_each_node_once_and_leaves_out_what_no_output_needs() -> None:
    draft = Draft(TABLE)
    draft["dose"].square().sum()
    circuit = draft.circuit("stats", {"a": draft["age"].sum(), "b": draft["age"].square().sum()}, "exact")
    assert [node.op for node in circuit.nodes] == ["column", "sum", "multiply", "sum"]


def test_a_draft_refuses_columns_that_the_table_does_not_have() -> None:
    with pytest.raises(MalformedCircuit, match="no column 'name'"):
        Draft(TABLE)["name"]
