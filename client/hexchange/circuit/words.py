"""Circuits in words, for whoever is about to sign or pay."""

from __future__ import annotations

from hexchange.circuit.document import Circuit, Output, Read, Sum
from hexchange.circuit.sensitivity import Polynomial, polynomials


def times(count: int, noun: str) -> str:
    """The number with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def read_columns(circuit: Circuit) -> list[str]:
    """Names of the columns that a circuit reads, in the order of its nodes."""
    return [node.column for node in circuit.nodes if isinstance(node, Read)]


def formulas(circuit: Circuit, value: str) -> str:
    """Every output with its formula, values per row first, each called `value`."""
    rows = polynomials(circuit)
    assert rows is not None, "the analysis has followed each polynomial"
    outputs = sorted(circuit.outputs, key=lambda output: isinstance(circuit.nodes[output.node], Sum))
    return "; ".join(_formula(circuit, output, rows[output.node], value) for output in outputs)


def _formula(circuit: Circuit, output: Output, polynomial: Polynomial, value: str) -> str:
    terms = sorted(polynomial.items(), key=lambda term: -abs(term[1]))
    scaled = [
        f"{number * output.unit:+.4g}{''.join(' ' + name for name in monomial)}" for monomial, number in terms
    ]
    offset = [f"{output.offset:+.4g}"] if output.offset else []
    kind = "the sum" if isinstance(circuit.nodes[output.node], Sum) else f"{value} per row"
    return f"{output.name}: {kind} of {' '.join(offset + scaled)} (columns scaled to [-1, 1])"
