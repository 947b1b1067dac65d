"""Error bound of a network: what each step adds, and how far the layers after it can stretch it.

Errors of one ciphertext's slots are taken as independent, so a product with weights stretches them by a row's
Euclidean norm, and through several layers by the matrices' norms. Bounds are six standard deviations, as in `Noise`,
with the heavier tails of single slots throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from hexchange.circuit.document import Network
from hexchange.circuit.network import babies, network_levels, places
from hexchange.circuit.noise import Noise, require_room
from hexchange.circuit.program import Program, Shape
from hexchange.circuit.tape import Ladder

_FLOATS = 1 + 1e-9  # of matrix norms in float64, generously


def network_bound(node: Network, program: Program) -> float:
    """Largest error of an output. Raises CircuitTooLarge where a value can outgrow the modulus under it."""
    return _Passage(node, program).error()


@dataclass(frozen=True, slots=True)
class _Step:
    """Of one layer: new errors of its input (turned) and of its output, how large an output can be, and how far off
    with all earlier errors, by absolute values; the last only enters errors of second order."""

    entering: float
    leaving: float
    reach: float
    off: float


class _Passage:
    def __init__(self, node: Network, program: Program) -> None:
        self.parameters = program.edition.parameters
        self.noise, self.layers = Noise(self.parameters), node.layers
        self.ladder = Ladder(self.parameters, network_levels(node) + 1)
        self.places = places(node.inputs, node.layers)

    def error(self) -> float:
        """Errors that enter each layer and leave it, times what the layers from there on make of them.

        `stretch` is the norm of the map from what enters a layer to one final output, for each layer in turn from the
        last: a square multiplies it by its derivative, a layer before it by its matrix's norm.
        """
        forward = self._forward()
        stretch = float(np.linalg.norm(self.layers[-1].matrix, axis=1).max())
        total = forward[-1].leaving + stretch * forward[-1].entering
        for layer, step in reversed(list(zip(self.layers, forward, strict=True))[:-1]):
            stretch *= 2 * step.reach + step.off
            total += stretch * step.leaving
            stretch *= float(np.linalg.norm(layer.matrix, 2)) * _FLOATS
            total += stretch * step.entering
        return total

    def _forward(self) -> list[_Step]:
        """Layer by layer, primes falling by two: one for the product, one for the square after it."""
        steps: list[_Step] = []
        most, off = np.ones(self.layers[0].matrix.shape[1]), 0.0
        arriving = self.noise.fresh(self.ladder.scale(self.ladder.start))
        for number, (layer, (before, after)) in enumerate(zip(self.layers, self.places, strict=True)):
            primes = self.ladder.start - 2 * number
            if number:
                product = self.ladder.product(primes + 1)
                most, off = most * most, (2 * steps[-1].reach + off) * off
                require_room(self.parameters, Shape(3, primes + 1, product), float(most.max()))
                relinearized = self.noise.switch_key(primes + 1, product)
                arriving = relinearized + self.noise.rescale(self.ladder.scale(primes))
            turns = babies(min(before, after)) - 1
            turned = sqrt(turns) * self.noise.switch_key(primes, self.ladder.scale(primes))
            entering = sqrt(arriving**2 + turned**2)
            leaving = self._product(before, after, primes, float(most.max()))
            weights = np.abs(layer.matrix)
            most = weights @ most + np.abs(layer.bias)
            off = float(weights.sum(axis=1).max()) * (off + entering) + leaving
            reach = float(most.max())
            steps.append(_Step(entering, leaving, reach, off))
            require_room(self.parameters, Shape(2, primes, self.ladder.product(primes)), reach)
            require_room(self.parameters, Shape(2, primes - 1, self.ladder.scale(primes - 1)), reach)
        return steps

    def _product(self, before: int, after: int, primes: int, most: float) -> float:
        """New errors of a layer's output: constants encoded, unrescaled sums turned, rescaling, bias."""
        count = min(before, after)
        encoded = sqrt(before) * most * self.noise.encode(self.ladder.scale(primes))
        giants, folded = count // babies(count), before // count
        turned = (giants + folded - 2) * self.noise.switch_key(primes, self.ladder.product(primes))
        below = self.ladder.scale(primes - 1)
        return encoded + turned + self.noise.rescale(below) + self.noise.encode(below)
