"""Training on the grid: gradient steps on a logistic model, data and weights encrypted.

A slot is feature * R + row, and a row of the table is held as its features times its label's sign. With p
for the sigmoid's cubic on signed margins, a step adds rate * mean(p(z) * row) to the weights. Everything is
kept in units of 1 / UNIT (weights and margins alike), so that no constant is small and the cubic factors:

    p(z) = 1/2 - SLOPE z + CUBIC z³ = 1/2 + FACTOR y (y² + OFFSET),   y = z / UNIT

The half contributes rate / 2 times the mean row, which the owner uploads (`means`), so the first step is one
product with a constant. Each further step takes four levels: margins, then y² and y * row, then their
product, then a mask. The last step needs no mask: its rows stay in the slots for the key holder to add.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from hexchange.circuit.document import BoundedDescend, Circuit, Descend, Trained
from hexchange.circuit.editions import Edition, Grid
from hexchange.circuit.program import Kept, Program, ProgramOutput, Shape, Stage, TableInput
from hexchange.circuit.tape import Ladder, Tape, Value
from hexchange.errors import CircuitTooDeep, EditionUnfit, TableTooLarge

#: Least-squares cubic of the sigmoid on [-8, 8] (Kim et al., BMC Medical Genomics 11:83), at -z.
SLOPE = 0.15012
CUBIC = 0.001593

UNIT = 8.0
FACTOR = CUBIC * UNIT * UNIT * UNIT
OFFSET = -SLOPE / (CUBIC * UNIT * UNIT)

#: Step size; with rows of second moment SPREAD² it is close to a Newton step.
RATE = 30.0
MOST_STEPS = 3

#: What the packing promises of the rows, and the error bound relies on: a spread of SPREAD in no direction
#: exceeded, no row longer than LONGEST (its intercept, SPREAD, apart), and in a run over them no margin above
#: WIDEST, no weights longer than REACH, and no step that lengthens a difference by more than GROWTH.
SPREAD = 0.5
LONGEST = 4.0
WIDEST = 13.0
REACH = 12.0
GROWTH = 1.25

ROWS, MEANS, MASK = "rows", "means", "mask"
LEVELS_PER_STEP = 4
_RADIX = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """The size of steps, and the weight g of the extrapolation after each: new = v + g (v - previous v)."""

    rate: float
    momenta: tuple[float, ...]

    @property
    def iterations(self) -> int:
        """How many steps."""
        return len(self.momenta)


def nesterov(iterations: int) -> Pace:
    """Nesterov's momenta.

    Like all that decides bytes they use only operations that IEEE 754 rounds correctly, `sqrt` among them.
    """
    lambdas = [1.0]
    for _ in range(iterations):
        lambdas.append((1 + sqrt(1 + 4 * lambdas[-1] * lambdas[-1])) / 2)
    return Pace(RATE, tuple((lambdas[step] - 1) / lambdas[step + 1] for step in range(iterations)))


def pace_of(node: Trained) -> Pace:
    """The steps that a node asks for."""
    if isinstance(node, BoundedDescend):
        return Pace(node.rate, (0.0,) * node.iterations)
    return nesterov(node.iterations)


def combination(pace: Pace) -> list[list[float]]:
    """Weights after each step as multiples of the mean row's part and of the data parts of steps 2, 3, …

    Entry t is [a, b_2, .., b_t]: weights = a * rate/2 * mean row + sum of b_s * (data part of step s).
    """
    weights, previous = np.zeros(pace.iterations), np.zeros(pace.iterations)
    after: list[list[float]] = []
    for step, momentum in enumerate(pace.momenta):
        moved = weights.copy()
        moved[0] += 1.0
        if step:
            moved[step] += 1.0
        weights, previous = moved + momentum * (moved - previous), moved
        after.append([float(part) for part in weights[: step + 1]])
    return after


@dataclass(frozen=True, slots=True)
class Descent:
    """A run in the clear: final weights, and the extremes that the error bound depends on."""

    weights: NDArray[np.float64]
    widest: float
    reach: float
    growth: float


def descend(rows: NDArray[np.float64], pace: Pace) -> Descent:
    """The same algorithm in the clear, on signed rows (rows x features)."""
    weights = previous = np.zeros(rows.shape[1])
    widest = reach = growth = 0.0
    for momentum in pace.momenta:
        margins = rows @ weights
        bends = (3 * CUBIC * margins**2 - SLOPE)[:, None] * rows
        jacobian = np.eye(rows.shape[1]) + pace.rate * (bends.T @ rows) / len(rows)
        slopes = 0.5 - SLOPE * margins + CUBIC * margins**3
        moved = weights + pace.rate * (slopes @ rows) / len(rows)
        weights, previous = moved + momentum * (moved - previous), moved
        widest = max(widest, float(np.abs(margins).max()))
        reach = max(reach, float(np.linalg.norm(weights)))
        growth = max(growth, float(np.abs(np.linalg.eigvalsh(jacobian)).max()))
    return Descent(weights, widest, reach, growth)


def levels(iterations: int) -> int:
    """Levels that so many steps use."""
    return 1 + LEVELS_PER_STEP * (iterations - 1)


def lower_descent(circuit: Circuit, chosen: Edition) -> Program:
    """The program of a circuit whose one node is a descent; raises what `lower` does."""
    (node,) = circuit.nodes if len(circuit.nodes) == 1 else (None,)
    if not isinstance(node, Trained) or circuit.table.label is None:
        raise EditionUnfit(
            "A descent stands alone in its circuit, over a table with a label.",
            hint="Build it with hexchange.circuit.library.logistic.",
        )
    if not isinstance(chosen.layout, Grid):
        raise EditionUnfit(
            f"The edition {chosen.name} has no grid of features and rows.",
            hint="Choose `train`, or `bounded` for bounded steps.",
        )
    if chosen.layout.whitened != isinstance(node, Descend):
        raise EditionUnfit(
            f"The edition {chosen.name} holds rows {'' if chosen.layout.whitened else 'not '}whitened by their owner, "
            "on which these steps prove nothing.",
            hint="Choose `train` for Nesterov steps, `bounded` for bounded ones.",
        )
    if isinstance(node, BoundedDescend) and circuit.table.norm is None:
        raise EditionUnfit(
            "Bounded steps need the norm that rows are divided by, and the table declares none.",
            hint="Declare row_norm in the columns file and encrypt the table again.",
        )
    if levels(node.iterations) > chosen.parameters.levels:
        raise CircuitTooDeep(
            f"{node.iterations} steps need {levels(node.iterations)} levels, the edition {chosen.name} has "
            f"{chosen.parameters.levels}.",
            hint="Ask for fewer iterations.",
        )
    if len(circuit.table.features) >= chosen.layout.features:
        raise TableTooLarge(
            f"The table has {len(circuit.table.features)} features, the edition {chosen.name} holds "
            f"{chosen.layout.features - 1} and an intercept.",
            hint="List fewer columns in this edition.",
        )
    return _Descent(circuit, node, chosen, chosen.layout).program()


class _Descent:
    def __init__(self, circuit: Circuit, node: Trained, chosen: Edition, grid: Grid) -> None:
        self.circuit, self.node, self.edition, self.grid = circuit, node, chosen, grid
        pace = pace_of(node)
        self.steps = combination(pace)
        parameters = chosen.parameters
        self.ladder = Ladder(parameters, levels(node.iterations) + 1)
        fresh = Shape(2, len(parameters.data_primes), parameters.scale)
        self.rows, self.means = TableInput(ROWS, fresh), TableInput(MEANS, fresh, per_block=False)
        self.half = pace.rate / 2 / UNIT
        self.data = pace.rate * FACTOR / UNIT / circuit.table.rows
        self.feature_steps = [grid.rows << turn for turn in range((grid.features - 1).bit_length())]
        self.row_steps = [_RADIX**turn for turn in range((grid.rows - 1).bit_length() // 2)]
        self.stages: list[Stage] = []

    def program(self) -> Program:
        """A once stage for the first step, then a block stage and a once stage for each further step."""
        steps = self.steps
        if self.node.iterations == 1:
            return self._program(self._last(steps[0][0]), {})
        weights = self._first(steps[0][0])
        if self.node.iterations == 2:
            own, gradient = steps[1]
            return self._program(self._last(own, (self._gradient(weights), self.data * gradient)), {})
        own, inner = steps[1]
        vectors = {MASK: self._mask(self.data * inner)}
        weights, part = self._middle(own, self._gradient(weights))
        own, earlier, gradient = steps[2]
        last = self._gradient(weights), self.data * gradient
        return self._program(self._last(own, last, (part, earlier / inner)), vectors)

    def _program(self, value: Value, vectors: dict[str, NDArray[np.float64]]) -> Program:
        name = self.circuit.outputs[0].name
        output = ProgramOutput(name, len(self.stages) - 1, value.register, False, value.shape)
        return Program(self.edition, self.circuit.table.rows, tuple(self.stages), (output,), vectors)

    def _keep(self, tape: Tape, *values: Value) -> list[Kept]:
        self.stages.append(tape.stage(*values))
        stage = len(self.stages) - 1
        return [Kept(stage, index, value.shape) for index, value in enumerate(values)]

    def _first(self, own: float) -> Kept:
        """The weights after one step: the mean row times a constant."""
        tape = Tape(self.ladder, per_block=False)
        (means,) = tape.sources(self.means)
        (weights,) = self._keep(tape, tape.lower(tape.start(means), self.ladder.start - 1, self.half * own))
        return weights

    def _gradient(self, weights: Kept) -> Kept:
        """Data part of a step before its factor: y (y² + OFFSET) * row, summed over blocks, unrescaled."""
        tape = Tape(self.ladder, per_block=True)
        rows, held = tape.sources(self.rows, weights)
        rows = tape.start(rows)
        primes = held.shape.primes
        margins = tape.finish(tape.multiply(tape.lower(rows, primes), held))
        for step in self.feature_steps:
            margins = tape.add(margins, tape.rotate(margins, step))
        curve = tape.shift(tape.finish(tape.multiply(margins, margins)), OFFSET)
        pulled = tape.finish(tape.multiply(margins, tape.lower(rows, primes - 1)))
        (gradient,) = self._keep(tape, tape.multiply(pulled, curve))
        return gradient

    def _middle(self, own: float, gradient: Kept) -> tuple[Kept, Kept]:
        """New weights, and this step's part in them, both copied to every row."""
        tape = Tape(self.ladder, per_block=False)
        summed, means = tape.sources(gradient, self.means)
        part = tape.finish(tape.weigh(self._over_rows(tape, tape.finish(summed)), MASK))
        for step in (*self.feature_steps, 1):  # from the first row of a feature to its last
            part = tape.rotate(part, step)
        part = self._over_rows(tape, part)
        weights = tape.lower(tape.start(means), part.shape.primes, self.half * own)
        kept_weights, kept_part = self._keep(tape, tape.add(weights, part), part)
        return kept_weights, kept_part

    def _last(self, own: float, *scaled: tuple[Kept, float]) -> Value:
        """Final weights, spread over the rows of each feature: the mean row's part, then what is given.

        What is copied to every row counts 1/R there; a gradient's rows count in full.
        """
        tape = Tape(self.ladder, per_block=False)
        means, *held = tape.sources(self.means, *(kept for kept, _ in scaled))
        share = 1 / self.grid.rows
        value = tape.lower(tape.start(means), 1, self.half * own * share)
        for source, (kept, factor) in zip(held, scaled, strict=True):
            unrescaled = kept.shape.size == 3
            value = tape.add(value, tape.lower(source, 1, factor if unrescaled else factor * share))
        self.stages.append(tape.stage())
        return value

    def _over_rows(self, tape: Tape, value: Value) -> Value:
        """Each slot becomes the sum of itself and the R - 1 slots after it."""
        for step in self.row_steps:
            turned, total = value, value
            for _ in range(_RADIX - 1):
                turned = tape.rotate(turned, step)
                total = tape.add(total, turned)
            value = total
        return value

    def _mask(self, factor: float) -> NDArray[np.float64]:
        """`factor` at the first row of each feature, nothing elsewhere."""
        mask = np.zeros(self.edition.parameters.slots)
        mask[:: self.grid.rows] = factor
        return mask
