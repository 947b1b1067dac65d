"""The published JSON Schema is that of the code, takes every circuit of the library, and refuses what is no circuit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import FormatChecker, validators

import build_schema
from hexchange.circuit.builder import Draft
from hexchange.circuit.document import Circuit, Column, Table, encode_circuit, parse_circuit
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.errors import MalformedCircuit, ModelMissing

SCHEMA = json.loads(build_schema.SCHEMA.read_text())


def _pattern(_validator: Any, pattern: str, text: str, _schema: Any) -> Iterator[jsonschema.ValidationError]:
    """As the standard wants it, with classes of characters that Python's own expressions do not know."""
    if not regex.search(pattern, text):
        yield jsonschema.ValidationError(f"{text!r} does not match {pattern!r}")


VALIDATOR = validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})(SCHEMA)
TABLE = Table(50, (Column("a", 0.0, 1.0), Column("b", 1.0, 3.0), Column("y", 0.0, 1.0)), norm=1.5, label="y")


def circuits() -> list[tuple[str, Circuit]]:
    """Every circuit of the library that needs no model, and a score."""
    draft = Draft(TABLE)
    made = [("score", draft.circuit("linear", {"score": draft["a"] * 0.5 - draft["b"] + 1.0}, "exact"))]
    for name, recipe in CIRCUITS.items():
        for noise in (False, True):
            try:
                asked = Asked(recipe.served_by(noise=noise)[0], noise)
                made.append((f"{name}{', noise' if noise else ''}", recipe.build(TABLE, asked)))
            except ModelMissing:
                pass
    return made


CIRCUITS_MADE = circuits()


def test_the_published_schema_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_schema.main(check=True)
    monkeypatch.setattr(build_schema, "SCHEMA", tmp_path / "circuit.schema.json")
    with pytest.raises(SystemExit, match="stale"):
        build_schema.main(check=True)
    build_schema.main(check=False)
    build_schema.main(check=True)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA, format_checker=FormatChecker(()))


@pytest.mark.parametrize(
    "circuit", [circuit for _, circuit in CIRCUITS_MADE], ids=[n for n, _ in CIRCUITS_MADE]
)
def test_every_circuit_is_valid(circuit: Circuit) -> None:
    VALIDATOR.validate(json.loads(encode_circuit(circuit)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_a_field_too_many_or_too_few_is_refused_by_schema_and_parser(data: st.DataObject) -> None:
    _, circuit = data.draw(st.sampled_from(CIRCUITS_MADE))
    document = json.loads(encode_circuit(circuit))
    part = data.draw(st.sampled_from(list(_objects(document))))
    if data.draw(st.booleans()):
        part["more"] = 1
    else:
        del part[data.draw(st.sampled_from(sorted(part)))]
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(MalformedCircuit):
        parse_circuit(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(found for each in value.values() for found in _objects(each))]
    return [found for each in value for found in _objects(each)] if isinstance(value, list) else []
