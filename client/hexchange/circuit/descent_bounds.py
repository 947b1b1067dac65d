"""Error bound of training. Interval arithmetic over the steps would explode; the map of a step does not.

A step maps weights by I + rate * mean(p'(z) row row'), whose norm the packing's promises bound, and adds fresh
errors of its own. All figures are in units of 1 / UNIT, and bounds of single operations come from `Noise`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from hexchange.circuit.descent import (
    CUBIC,
    FACTOR,
    FASTEST,
    LONGEST,
    OFFSET,
    SLOPE,
    SPREAD,
    UNIT,
    WIDEST,
    levels,
    momenta,
)
from hexchange.circuit.document import Circuit, Descend
from hexchange.circuit.editions import Grid
from hexchange.circuit.noise import Noise
from hexchange.circuit.program import Program
from hexchange.circuit.tape import Ladder
from hexchange.errors import CircuitTooLarge

_MARGIN = WIDEST / UNIT
_CURVE = max(abs(OFFSET), abs(_MARGIN**2 + OFFSET))
_STEEPEST = max(0.5 + SLOPE * WIDEST - CUBIC * WIDEST**3, 0.5 - SLOPE * WIDEST + CUBIC * WIDEST**3, 1.0)
_ROTATIONS_OVER_ROWS = 3 * (1 + 2 + 4 + 8)  # radix 4 in four turns, earlier errors doubled by each


def descent_bound(circuit: Circuit, node: Descend, program: Program) -> float:
    """Largest error of a weight (before unwhitening), while the packing's promises hold.

    Raises CircuitTooLarge for a rate above FASTEST, for which they do not.
    """
    if node.rate > FASTEST:
        raise CircuitTooLarge(
            f"No error bound is known for steps at the rate {node.rate:g}.",
            hint=f"Choose a rate of at most {FASTEST:g}.",
        )
    return UNIT * _Errors(circuit, node, program).last()


@dataclass(frozen=True, slots=True)
class _Errors:
    circuit: Circuit
    node: Descend
    program: Program

    def last(self) -> float:
        """Error of the final weights, in the Euclidean norm over features."""
        node, ladder, noise = self.node, self._ladder, self._noise
        growth = max(1.0, 1 + node.rate * SPREAD**2 * (3 * CUBIC * WIDEST**2 - SLOPE))
        primes = ladder.start - 1
        half = node.rate / 2 / UNIT
        error = previous = half * self._features * noise.fresh(ladder.scale(ladder.start))
        error += self._features * noise.rescale(ladder.scale(primes))
        for step, momentum in enumerate(momenta(node.iterations)[1:], start=2):
            own = self._step(primes, last=step == node.iterations)
            moved = growth * error + own
            error, previous = (1 + momentum) * moved + momentum * previous, moved
            primes -= 4
        rounding = 3 * noise.rescale(ladder.scale(1))
        return error + self._features * sqrt(self._grid.rows) * rounding

    def _step(self, primes: int, *, last: bool) -> float:
        """Fresh error of a step whose weights have so many primes."""
        noise, scale = self._noise, self._ladder.scale
        row = noise.fresh(scale(self._ladder.start)) + noise.rescale(scale(primes - 1))
        weight = self._reach()
        turns = self._grid.features.bit_length() - 1
        grown = sqrt(self._grid.features) * (weight * row + noise.rescale(scale(primes - 1)))
        margin = grown + sum(sqrt(2) ** turn for turn in range(turns)) * self._turn(primes - 1)
        curve = 2 * _MARGIN * margin + noise.rescale(scale(primes - 2))
        pulled = LONGEST * margin + _MARGIN * row + noise.rescale(scale(primes - 2))
        each = _MARGIN * LONGEST * curve + _CURVE * pulled
        rows = self.circuit.table.rows
        factor = self.node.rate * FACTOR / UNIT / rows
        error = factor * (sqrt(rows) * each + sqrt(self._grid.rows) * noise.rescale(scale(primes - 3)))
        if not last:
            error += factor * _ROTATIONS_OVER_ROWS * self._turn(primes - 3)
            error += self._reach() / factor * noise.encode(scale(primes - 3)) * 1.0
            copied = noise.rescale(scale(primes - 4)) + (turns + 1) * self._turn(primes - 4)
            error += sqrt(self._grid.rows) * copied + _ROTATIONS_OVER_ROWS * self._turn(primes - 4)
        return self._features * error

    def _reach(self) -> float:
        """Largest Euclidean norm of weights: a step adds at most rate * max|p| * SPREAD."""
        step = self.node.rate * _STEEPEST * SPREAD / UNIT
        return step * self.node.iterations * 1.5

    def _turn(self, primes: int) -> float:
        return self._noise.switch_key(primes, self._ladder.scale(primes))

    @property
    def _ladder(self) -> Ladder:
        return Ladder(self.program.edition.parameters, levels(self.node.iterations) + 1)

    @property
    def _noise(self) -> Noise:
        return Noise(self.program.edition.parameters)

    @property
    def _grid(self) -> Grid:
        layout = self.program.edition.layout
        assert isinstance(layout, Grid)
        return layout

    @property
    def _features(self) -> float:
        """Root of the number of features and intercept: from one slot to the Euclidean norm."""
        return sqrt(len(self.circuit.table.features) + 1)
