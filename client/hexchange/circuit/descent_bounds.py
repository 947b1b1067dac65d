"""Error bound of training. Interval arithmetic over the steps would explode; the map of a step does not.

A step maps a difference of weights by a matrix whose norm is at most `growth`, and adds errors of its own. Of
whitened rows the packing promises that, of bounded ones it is proven. Figures are in units of 1 / UNIT and bound one
slot by six standard deviations, like those of `Noise`; `_length` makes of it a bound of the Euclidean length over
features.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from hexchange.circuit.bounding import reach
from hexchange.circuit.descent import (
    FACTOR,
    GROWTH,
    LEVELS_PER_STEP,
    LONGEST,
    OFFSET,
    REACH,
    UNIT,
    WIDEST,
    Pace,
    levels,
    pace_of,
)
from hexchange.circuit.document import BoundedDescend, Circuit, Trained
from hexchange.circuit.editions import Grid
from hexchange.circuit.noise import Noise
from hexchange.circuit.program import Program
from hexchange.circuit.tape import Ladder
from hexchange.errors import CircuitTooLarge


def descent_bound(circuit: Circuit, node: Trained, program: Program) -> float:
    """Largest error of a weight (before unwhitening), while the packing's promises hold.

    Raises CircuitTooLarge for steps that reach further than what a run carries.
    """
    grid = program.edition.layout
    assert isinstance(grid, Grid)
    parameters = program.edition.parameters
    ladder = Ladder(parameters, levels(node.iterations) + 1)
    features = len(circuit.table.features) + 1
    training = _Training(
        Noise(parameters), ladder, grid, circuit.table.rows, features, pace_of(node), _extent(node)
    )
    return UNIT * training.error()


@dataclass(frozen=True, slots=True)
class _Extent:
    """Of a run, in units of 1 / UNIT but for the first: the longest row, the widest margin, the longest weights, and
    the largest growth of a difference in a step."""

    row: float
    margin: float
    weights: float
    growth: float

    @property
    def curve(self) -> float:
        """The largest |y² + OFFSET|."""
        return max(abs(OFFSET), abs(self.margin**2 + OFFSET))


def _extent(node: Trained) -> _Extent:
    if not isinstance(node, BoundedDescend):
        return _Extent(LONGEST, WIDEST / UNIT, REACH / UNIT, GROWTH)
    found = reach(node)
    if found.weights > REACH or found.margin > WIDEST:
        raise CircuitTooLarge(
            f"{node.iterations} steps of the size {node.rate:g} can lead to weights {found.weights:.3g} long, at most "
            f"{REACH:g} are carried.",
            hint="Take fewer or smaller steps; 3 of the size 4 are proven.",
        )
    return _Extent(1.0, found.margin / UNIT, found.weights / UNIT, found.growth)


@dataclass(frozen=True, slots=True)
class _Training:
    noise: Noise
    ladder: Ladder
    grid: Grid
    rows: int
    features: int
    pace: Pace
    extent: _Extent

    def error(self) -> float:
        """Of a final weight."""
        iterations = self.pace.iterations
        primes = self.ladder.start - 1
        means = self.pace.rate / 2 / UNIT * self.noise.fresh(self.ladder.scale(self.ladder.start))
        carried = previous = self._length(means + self._rescale(primes))
        fresh = 0.0
        for step, momentum in enumerate(self.pace.momenta[1:], start=2):
            moved = self.extent.growth * carried
            if step < iterations:
                moved += self._length(self._copied(primes))
            else:
                fresh = (1 + momentum) * self._gradient(primes)
            carried, previous = (1 + momentum) * moved + momentum * previous, moved
            primes -= LEVELS_PER_STEP
        return carried + fresh + iterations * self._over_rows * self._share(1)

    def _gradient(self, primes: int) -> float:
        """Of a data part, summed over all rows, where the weights have so many primes."""
        fresh = self.noise.fresh(self.ladder.scale(self.ladder.start))
        extent = self.extent
        product = extent.weights * (fresh + self._share(primes - 1)) + self._share(primes - 1)
        turns = self.grid.features.bit_length() - 1
        margin = sqrt(self.grid.features) * product + self._turns(turns, sqrt(2), primes - 1)
        curve = 2 * extent.margin * margin + self._rescale(primes - 2)
        row = fresh + self._rescale(primes - 1)
        pulled = extent.row * margin + extent.margin * row + self._rescale(primes - 2)
        each = extent.margin * extent.row * curve + extent.curve * pulled
        return self._factor * (sqrt(self.rows) * each + self._over_rows * self._share(primes - 3))

    def _copied(self, primes: int) -> float:
        """Of a data part that was summed by rotations, masked, and copied to every row."""
        turns = (self.grid.rows.bit_length() - 1) // 2  # radix 4
        summed = self._factor * 3 * self._turns(turns, 2, primes - 3)
        masked = self.extent.weights / self._factor * self.noise.encode(self.ladder.scale(primes - 3))
        shifts = self.grid.features.bit_length()
        shifted = shifts * self.noise.switch_key(primes - 4, self.ladder.scale(primes - 4), summed=True)
        copied = self._over_rows * (masked + self._share(primes - 4) + shifted)
        return self._gradient(primes) + summed + copied + 3 * self._turns(turns, 2, primes - 4)

    def _turns(self, count: int, growth: float, primes: int) -> float:
        """Of so many rotations and additions in a row, each multiplying earlier errors by `growth`."""
        scale = self.ladder.scale(primes)
        earlier = self.noise.switch_key(primes, scale, summed=True)
        return self.noise.switch_key(primes, scale) + sum(growth**turn * earlier for turn in range(1, count))

    def _rescale(self, primes: int) -> float:
        return self.noise.rescale(self.ladder.scale(primes))

    def _share(self, primes: int) -> float:
        """Of a rescaled slot that is summed with many others."""
        return self.noise.rescale(self.ladder.scale(primes), summed=True)

    @property
    def _over_rows(self) -> float:
        return sqrt(self.grid.rows)

    def _length(self, slot: float) -> float:
        return slot * (sqrt(self.features) + 6) / 6

    @property
    def _factor(self) -> float:
        return self.pace.rate * FACTOR / UNIT / self.rows
