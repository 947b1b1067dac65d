"""What is known of a circuit before any money moves: levels, cost, error, sensitivity. Pure functions.

`analyse` says what is, `check` also refuses what must not run, `describe_text` says it to people.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import floor, hypot, log10, prod, sqrt

import numpy as np

from hexchange.circuit import costs
from hexchange.circuit.bounds import error_bounds
from hexchange.circuit.costs import COSTS, CostTable
from hexchange.circuit.counting import is_whole
from hexchange.circuit.descent import levels
from hexchange.circuit.document import BoundedDescend, Circuit, Network, Sum, Trained, malformed
from hexchange.circuit.library import KINDS
from hexchange.circuit.lowering import depth, lower
from hexchange.circuit.network import LEAST_WEIGHT, diagonals, network_levels, places
from hexchange.circuit.results import released_errors, shapes
from hexchange.circuit.sensitivity import LEAST_COEFFICIENT, Polynomial, polynomials, sensitivity
from hexchange.circuit.words import times
from hexchange.errors import CircuitTooLarge, GridTooFine, SensitivityUnknown, TransparentCircuit

#: Whom ε and δ of a noisy release protect.
NEIGHBOURS = (
    "for one row present or zeroed (put to the middle of its ranges), the number of rows being public; "
    "a row replaced by another counts as two such changes"
)
_MOST_RESULTS = 8192
_MOST_RESULT_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class Analysis:
    """Figures of one circuit under its edition.

    `errors` bound each output's values in the circuit's own units. `sensitivity` is the joint L2 sensitivity
    of all released numbers, scheme error and rounding to the grid included; None where no bound is proven.
    `least_grid` is the finest grid of 1, 2 or 5 times a power of ten on which rounding hides the error.
    Seconds are of one core.
    """

    levels: int
    operations: dict[str, int]
    seconds: float
    memory: int
    input_bytes: int
    key_bytes: int
    result_bytes: int
    released: int
    errors: dict[str, float]
    sensitivity: float | None
    least_grid: str


@lru_cache(maxsize=64)
def analyse(circuit: Circuit, table: CostTable = COSTS) -> Analysis:
    """The figures of a circuit.

    Raises what lowering raises (too deep, unfit edition, table too large), TransparentCircuit,
    MalformedCircuit for outputs that are not what the result's name says, and CircuitTooLarge for values,
    terms or results beyond what an edition carries.
    """
    program = lower(circuit)
    rows = _polynomials(circuit)
    _require_substance(circuit, rows)
    _require_result(circuit, rows)
    results = program.result_sizes()
    if len(results) > _MOST_RESULTS or costs.result_bytes(program) > _MOST_RESULT_BYTES:
        raise CircuitTooLarge(
            f"The circuit has {len(results)} result ciphertexts, at most {_MOST_RESULTS} are allowed.",
            hint="Ask for fewer outputs at a time.",
        )
    errors = error_bounds(circuit, program)
    return Analysis(
        levels=_levels(circuit),
        operations=costs.operations(program),
        seconds=costs.seconds(program, table),
        memory=costs.memory(program),
        input_bytes=costs.input_bytes(program),
        key_bytes=costs.key_bytes(program),
        result_bytes=costs.result_bytes(program),
        released=sum(prod(shape) for shape in shapes(circuit).values()),
        errors=errors,
        sensitivity=_with_rounding(circuit, errors),
        least_grid=_least_grid(max(errors.values())),
    )


def check(circuit: Circuit, table: CostTable = COSTS) -> Analysis:
    """The figures, after refusing what must not be offered, sat for or opened.

    Raises what `analyse` raises, GridTooFine where rounding would not hide the error, and SensitivityUnknown
    for noise on what one row can move without bound.
    """
    analysis = analyse(circuit, table)
    if Decimal(circuit.release.grid) < 2 * Decimal(max(analysis.errors.values())):
        raise GridTooFine(
            f"The grid {circuit.release.grid} is below twice the computation's error.",
            hint=f"Choose a grid of at least {analysis.least_grid}.",
        )
    if circuit.release.mechanism == "noise" and analysis.sensitivity is None:
        raise SensitivityUnknown(
            "Nothing bounds how far one row moves the result, so no noise protects it.",
            hint="Take fewer or smaller steps, of the size 4 at most, or offer an exact release with ε = 0."
            if isinstance(circuit.nodes[0], BoundedDescend)
            else "Release sums over rows instead, or offer the circuit as an exact release with ε = 0.",
        )
    return analysis


def describe_text(circuit: Circuit) -> str:
    """The circuit in words, for whoever is about to sign or pay: all its outputs, and all that they read.

    Raises what `check` raises.
    """
    analysis = check(circuit)
    table = circuit.table
    lines = [f"{KINDS[circuit.result].says(circuit)}, over all {table.rows} rows."]
    lines.append(
        f"{times(analysis.levels, 'multiplication')} deep on the edition {circuit.profile.edition}; "
        f"about {analysis.seconds:.2g} s on one core, {analysis.result_bytes / 1e6:.3g} MB of results."
    )
    unit = max(output.unit for output in circuit.outputs)
    grid, error = (
        float(circuit.release.grid) * unit,
        max(released_errors(circuit, analysis.errors).values()) * unit,
    )
    lines.append(
        f"Releases {times(analysis.released, 'number')} on a grid of {grid:.3g}, error at most {error:.2g}."
    )
    if analysis.sensitivity is None:
        lines.append("One row can move the result without a proven bound: only an exact release, no ε.")
    else:
        lines.append(
            f"One row, present or zeroed, moves the result by at most {analysis.sensitivity:.4g} (L2)."
        )
    noise = f"with discrete noise on the grid; its ε and δ are {NEIGHBOURS}"
    lines.append(f"Release: {noise if circuit.release.mechanism == 'noise' else 'exact, rounded'}.")
    return "\n".join(lines)


# --- Private --------------------------------------------------------------------------------------


def _levels(circuit: Circuit) -> int:
    node = circuit.nodes[0]
    if isinstance(node, Network):
        return network_levels(node)
    if circuit.profile.scheme == "bfv":  # points are added up
        return int(any(node.op == "multiply" for node in circuit.nodes))
    return levels(node.iterations) if isinstance(node, Trained) else depth(circuit)


def _polynomials(circuit: Circuit) -> list[Polynomial]:
    """Each node in the columns of a row; empty for training and networks."""
    if isinstance(circuit.nodes[0], Trained | Network):
        return []
    rows = polynomials(circuit)
    if rows is None:
        raise CircuitTooLarge("The circuit's polynomials have too many terms.", hint="Ask for fewer outputs.")
    return rows


def _require_substance(circuit: Circuit, rows: list[Polynomial]) -> None:
    """Refuse nodes that do not depend on the table, and sums that count empty slots."""
    if isinstance(circuit.nodes[0], Network):
        _require_weights(circuit.nodes[0])
    for index, polynomial in enumerate(rows):
        node = circuit.nodes[index]
        if _reach(polynomial) < LEAST_COEFFICIENT:
            raise TransparentCircuit(
                f"Node {index} ({node.op}) does not depend on the table, like x - x or x * 0.",
                hint="Leave it out, or add the constant after release.",
            )
        if isinstance(node, Sum) and polynomial.get((), 0.0) != 0:
            raise TransparentCircuit(
                f"Node {index} sums a constant over rows, which would count empty slots too.",
                hint="Sum without the constant, and add the number of rows times it after release.",
            )


def _require_weights(node: Network) -> None:
    """Refuse diagonals that vanish among the rounding of constants."""
    for number, (layer, (before, after)) in enumerate(
        zip(node.layers, places(node.inputs, node.layers), strict=True)
    ):
        for diagonal in diagonals(np.abs(layer.matrix), before, after):
            if 0 < diagonal.max() < LEAST_WEIGHT:
                raise TransparentCircuit(
                    f"Layer {number} has weights of at most {diagonal.max():.1g} on one diagonal, which vanish.",
                    hint="Set weights below 1e-7 to zero, or scale the layer.",
                )


def _require_result(circuit: Circuit, rows: list[Polynomial]) -> None:
    """Refuse outputs that are not what the result's name says: people sign and pay by that name."""
    kind = KINDS.get(circuit.result)
    if kind is None:
        raise malformed(f"there is no result called {circuit.result!r}; another version may have it")
    if not kind.holds(circuit, rows):
        raise malformed(f"its outputs are not those of a result called {circuit.result!r}")


def _reach(polynomial: Polynomial) -> float:
    return max((abs(value) for monomial, value in polynomial.items() if monomial), default=0.0)


def _with_rounding(circuit: Circuit, errors: dict[str, float]) -> float | None:
    exact = sensitivity(circuit)
    if exact is None or is_whole(circuit):
        return exact
    numbers = {name: prod(shape) for name, shape in shapes(circuit).items()}
    moved = hypot(*(sqrt(numbers[name]) * error for name, error in errors.items()))
    return exact + 2 * moved + sqrt(sum(numbers.values())) * float(circuit.release.grid)


def _least_grid(error: float) -> str:
    """The smallest of 1, 2, 5, 10, … times a power of ten that is at least twice the error; 1 for counts."""
    if error == 0:
        return "1"
    exponent = floor(log10(2 * error))
    mantissa = next(m for m in (1, 2, 5, 10) if m * Decimal(10) ** exponent >= 2 * Decimal(error))
    return f"{(mantissa * Decimal(10) ** exponent).normalize():f}"
