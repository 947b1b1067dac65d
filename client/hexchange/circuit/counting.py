"""Counting: how many rows have a value, or two values together. Exact, since BFV computes on integers.

What is counted is a sum over rows of indicators, or of products of two. A row has one value of a column, so of the
counts over the same columns it adds to one at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from typing import Protocol

from hexchange.circuit.document import Binary, Circuit, Column, Indicator, Sum, Table, malformed
from hexchange.circuit.editions import Edition
from hexchange.circuit.program import Kept, Op, Primitive, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.errors import EditionUnfit

#: Most values that a column may take to be counted.
MOST_VALUES = 64

Cell = tuple[tuple[str, int], ...]
"""What one count is of: columns with a value each, in the order of their names."""


class Ranged(Protocol):
    """What has a range."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def is_countable(column: Ranged) -> bool:
    """Whether the column's range ends in whole numbers, and holds few enough of them to count each."""
    whole = column.low == int(column.low) and column.high == int(column.high)
    return whole and column.high - column.low < MOST_VALUES


def values_of(column: Column) -> range:
    """The values that are counted."""
    return range(int(column.low), int(column.high) + 1)


def input_name(column: str, value: int) -> str:
    """Name of the ciphertexts that say which rows have the value."""
    return f"{column} = {value}"


def table_inputs(table: Table) -> list[tuple[Column, int]]:
    """Every (column, value) for which an owner encrypts indicators. Raises MalformedCircuit for other columns."""
    for column in table.columns:
        if not is_countable(column):
            raise malformed(
                f"the column {column.name!r} cannot be counted: its range must end in whole numbers and hold at most "
                f"{MOST_VALUES}"
            )
    return [(column, value) for column in table.columns for value in values_of(column)]


def require_values(table: Table, parts: Iterable[tuple[str, int]]) -> None:
    """Refuse values that a column cannot have; raises MalformedCircuit."""
    known = {(column.name, value) for column, value in table_inputs(table)}
    for name, value in sorted(set(parts) - known):
        raise malformed(f"the column {name!r} cannot have the value {value}")


def cells(circuit: Circuit) -> dict[str, Cell]:
    """What each output counts; raises EditionUnfit for an output that is no count."""
    found: dict[str, Cell] = {}
    for output in circuit.outputs:
        node = circuit.nodes[output.node]
        if not isinstance(node, Sum):
            raise _no_count(f"the output {output.name!r} is no sum over rows")
        found[output.name] = _cell(circuit, node.of[0])
    return found


def is_whole(circuit: Circuit) -> bool:
    """Whether what is released are the counts themselves: no error, and nothing to round."""
    return circuit.profile.scheme == "bfv" and float(circuit.release.grid) == 1


def count_sensitivity(circuit: Circuit) -> float:
    """Joint L2 sensitivity of all counts: of those over the same columns a row moves one cell, by one.

    A cell that is released several times moves as often.
    """
    most: dict[tuple[str, ...], int] = {}
    for cell, often in Counter(cells(circuit).values()).items():
        columns = tuple(name for name, _ in cell)
        most[columns] = max(most.get(columns, 0), often)
    return sqrt(sum(most.values()))


def lower_counts(circuit: Circuit, chosen: Edition) -> Program:
    """The program of a circuit that counts: products and their sums over row blocks, then one relinearisation and
    the modulus switched down, for the smallest result. Raises EditionUnfit, and MalformedCircuit for a value that a
    column cannot have."""
    counted = cells(circuit)
    top = Shape(2, len(chosen.parameters.data_primes), chosen.parameters.scale)
    sources = list(dict.fromkeys(part for cell in counted.values() for part in cell))
    require_values(circuit.table, sources)
    blocks: list[Primitive] = []
    registers: dict[Cell, int] = {(part,): register for register, part in enumerate(sources)}
    for cell in counted.values():
        if cell not in registers:
            one, other = (registers[part,] for part in cell)
            registers[cell] = len(sources) + len(blocks)
            blocks.append(Primitive(Op.MULTIPLY, (one, other), Shape(3, top.primes, top.scale)))
    keeps = list(dict.fromkeys(counted.values()))
    inputs = tuple(TableInput(input_name(*part), top) for part in sources)
    stage = Stage(True, inputs, tuple(blocks), tuple(registers[cell] for cell in keeps))
    finish = _Finish(stage, Shape(2, 1, top.scale))
    places = {cell: finish.output(index) for index, cell in enumerate(keeps)}
    outputs = tuple(
        ProgramOutput(name, 1, places[cell], False, finish.shape) for name, cell in counted.items()
    )
    return Program(chosen, circuit.table.rows, (stage, finish.stage()), outputs, {})


class _Finish:
    """The stage after the sums over row blocks."""

    def __init__(self, before: Stage, shape: Shape) -> None:
        self._sources = tuple(
            Kept(0, index, before.shape(register)) for index, register in enumerate(before.keeps)
        )
        self._primitives: list[Primitive] = []
        self.shape = shape

    def output(self, source: int) -> int:
        """Relinearise and switch down what was kept; the register of the result."""
        held, register = self._sources[source].shape, source
        if held.size == 3:
            register = self._put(Op.RELINEARIZE, register, Shape(2, held.primes, held.scale))
        return self._put(Op.MOD_SWITCH, register, self.shape)

    def stage(self) -> Stage:
        return Stage(False, self._sources, tuple(self._primitives), ())

    def _put(self, op: Op, register: int, shape: Shape) -> int:
        self._primitives.append(Primitive(op, (register,), shape))
        return len(self._sources) + len(self._primitives) - 1


def _cell(circuit: Circuit, number: int) -> Cell:
    node = circuit.nodes[number]
    if isinstance(node, Indicator):
        return ((node.column, node.value),)
    if isinstance(node, Binary) and node.op == "multiply":
        parts = [part for of in node.of for part in _cell(circuit, of)]
        if len({name for name, _ in parts}) == len(parts) == 2:
            return tuple(sorted(parts))
    raise _no_count(
        f"node {number} ({node.op}) is no value of a column, nor two values of two columns together"
    )


def _no_count(reason: str) -> EditionUnfit:
    return EditionUnfit(
        f"A circuit that counts cannot be this: {reason}.",
        hint="Build it with hexchange.circuit.library.histogram or contingency, or choose `stats`.",
    )
