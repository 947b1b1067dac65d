"""Writing a circuit as one writes NumPy: columns are terms, and arithmetic on terms adds nodes.

    draft = Draft(table)
    age, income = draft["age"], draft["income"]
    circuit = draft.circuit("stats", {"together": (age * income).sum()}, "exact")

Terms are normalised: a column's declared range is [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hexchange.circuit.document import (
    Binary,
    BoundedDescend,
    Circuit,
    Descend,
    Indicator,
    Mechanism,
    Node,
    Output,
    Profile,
    Read,
    Release,
    Sum,
    Table,
    Unary,
    encode_circuit,
    malformed,
)
from hexchange.circuit.editions import edition as find_edition


class Draft:
    """Nodes over one table, each written once."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._nodes: dict[Node, int] = {}

    def __getitem__(self, column: str) -> Term:
        self.table.column(column)
        return self.term(Read(column))

    def indicator(self, column: str, value: int) -> Term:
        """1 in rows whose column has the value, else 0."""
        self.table.column(column)
        return self.term(Indicator(column, value))

    def descend(self, iterations: int) -> Term:
        """Weights of a logistic model after so many Nesterov steps."""
        return self.term(Descend(iterations))

    def bounded_descend(self, iterations: int, rate: float) -> Term:
        """Weights of a logistic model after so many plain gradient steps of that size."""
        return self.term(BoundedDescend(iterations, rate))

    def term(self, node: Node) -> Term:
        """The term of a node, which is added if it is new."""
        return Term(self, self._nodes.setdefault(node, len(self._nodes)))

    def circuit(
        self,
        edition: str,
        outputs: Mapping[str, Term],
        mechanism: Mechanism,
        *,
        grid: str | None = None,
        result: str = "numbers",
    ) -> Circuit:
        """The circuit that releases `outputs`; nodes that no output needs are left out.

        Without a grid it is the least that hides the computation's error. Raises
        MalformedCircuit for what the language does not allow, and without a grid what `analyse` raises.
        """
        nodes = list(self._nodes)
        needed = {term.index for term in outputs.values()}
        for index in reversed(range(len(nodes))):
            if index in needed:
                needed.update(nodes[index].of)
        place = {index: position for position, index in enumerate(sorted(needed))}
        moved = tuple(_moved(nodes[index], place) for index in place)
        named = tuple(
            Output(name, place[term.index], term.unit, term.offset) for name, term in outputs.items()
        )
        try:
            release = Release(mechanism, grid or "1")
            profile = Profile(edition, scheme=find_edition(edition).parameters.scheme)
            circuit = Circuit(profile, self.table, moved, named, release, result)
        except ValueError as error:
            raise malformed(str(error)) from None
        encode_circuit(circuit)
        if grid is None:
            from hexchange.circuit.analysis import analyse  # it knows the library, which is written with this

            return replace(circuit, release=Release(mechanism, analyse(circuit).least_grid))
        return circuit


def _moved(node: Node, place: Mapping[int, int]) -> Node:
    if isinstance(node, Binary | Unary | Sum):
        return replace(node, of=tuple(place[of] for of in node.of))  # type: ignore[arg-type]
    return node


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A node of a draft: one value per row, or after `sum` one value. `unit` and `offset` say what a released
    value stands for."""

    draft: Draft
    index: int
    unit: float = 1.0
    offset: float = 0.0

    def __add__(self, other: Term | float) -> Term:
        return self._with("add", "shift", other)

    __radd__ = __add__

    def __sub__(self, other: Term | float) -> Term:
        return self._with("subtract", "shift", other if isinstance(other, Term) else -other)

    def __rsub__(self, other: float) -> Term:
        return -self + other

    def __mul__(self, other: Term | float) -> Term:
        return self._with("multiply", "scale", other)

    __rmul__ = __mul__

    def __neg__(self) -> Term:
        return self * -1.0

    def square(self) -> Term:
        """The term times itself."""
        return self * self

    def sum(self) -> Term:
        """The sum over all rows."""
        return self.draft.term(Sum((self.index,)))

    def measured(self, unit: float, offset: float = 0.0) -> Term:
        """The same term, standing for offset + unit * value once it is released."""
        return replace(self, unit=unit, offset=offset)

    def _with(self, binary: str, unary: str, other: Term | float) -> Term:
        if isinstance(other, Term):
            return self.draft.term(Binary(binary, (self.index, other.index)))  # type: ignore[arg-type]
        return self.draft.term(Unary(unary, (self.index,), float(other)))  # type: ignore[arg-type]
