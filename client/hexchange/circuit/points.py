"""Points: whole numbers for values of columns, added up per row. Exact, since BFV computes on integers.

A factor is made by doubling and adding, so no product is needed: from the highest bit down the sum so far is doubled,
and what has the bit is added.
"""

from __future__ import annotations

from hexchange.circuit.counting import input_name, require_values
from hexchange.circuit.document import Circuit, Indicator
from hexchange.circuit.editions import Edition
from hexchange.circuit.program import Op, Primitive, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.circuit.sensitivity import Polynomial, polynomials
from hexchange.errors import CircuitTooLarge, EditionUnfit

Points = dict[tuple[str, int], int]
"""What a row gets for each (column, value) that it has."""


def points_of(circuit: Circuit, polynomial: Polynomial) -> Points:
    """The points that a value per row is the sum of; raises EditionUnfit where it is no such sum."""
    indicators = {
        input_name(node.column, node.value): (node.column, node.value)
        for node in circuit.nodes
        if isinstance(node, Indicator)
    }
    points: Points = {}
    for monomial, factor in polynomial.items():
        if len(monomial) != 1 or monomial[0] not in indicators or factor < 0 or factor != int(factor):
            raise EditionUnfit(
                "On indicators a value per row is a sum of whole points, none below 0, and of nothing else.",
                hint="Build it with hexchange.circuit.library.score_card.",
            )
        points[indicators[monomial[0]]] = int(factor)
    return points


def most_points(points: Points) -> dict[str, int]:
    """The most that a row can get for each column: it has one value of each."""
    most: dict[str, int] = {}
    for (column, _), number in points.items():
        most[column] = max(most.get(column, 0), number)
    return most


def lower_points(circuit: Circuit, chosen: Edition) -> Program:
    """The program of a circuit of one sum of points per row.

    Raises EditionUnfit for anything else, CircuitTooLarge above what the plain modulus carries, and MalformedCircuit
    for a value that a column cannot have.
    """
    output, *others = circuit.outputs
    if others:
        raise EditionUnfit("Points are released alone, one sum per row.", hint="Make a circuit of each.")
    rows = polynomials(circuit)
    points = points_of(circuit, rows[output.node] if rows else {})
    most = sum(most_points(points).values())
    if not 0 < most < chosen.parameters.plain_modulus // 2:
        raise CircuitTooLarge(
            f"A row can get {most} points, 1 to {chosen.parameters.plain_modulus // 2 - 1} are carried.",
            hint="Give points in larger units.",
        )
    require_values(circuit.table, points)
    top = Shape(2, len(chosen.parameters.data_primes), chosen.parameters.scale)
    primitives = _summed(list(points.values()), top)
    last = len(points) + len(primitives) - 1
    small = Shape(2, 1, top.scale)
    primitives.append(Primitive(Op.MOD_SWITCH, (last,), small))
    inputs = tuple(TableInput(input_name(*part), top) for part in points)
    stage = Stage(True, inputs, tuple(primitives), ())
    result = ProgramOutput(output.name, 0, last + 1, True, small)
    return Program(chosen, circuit.table.rows, (stage,), (result,), {})


def _summed(factors: list[int], shape: Shape) -> list[Primitive]:
    """The sum of registers 0, 1, .. times these factors; it stands in the last register written, or the only one."""
    primitives: list[Primitive] = []
    total: int | None = None

    def add(one: int, other: int) -> int:
        primitives.append(Primitive(Op.ADD, (one, other), shape))
        return len(factors) + len(primitives) - 1

    for bit in reversed(range(max(factors).bit_length())):
        if total is not None:
            total = add(total, total)
        for register, factor in enumerate(factors):
            if factor >> bit & 1:
                total = register if total is None else add(total, register)
    return primitives
