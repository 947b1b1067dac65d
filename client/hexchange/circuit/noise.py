"""Bounds of CKKS errors in a slot, as six standard deviations of an approximately Gaussian error.

With N the degree, D a scale and s² = 10.5 the variance of fresh noise: a coefficient's variance v gives a
slot the variance N v, and rounding has v = 1/12. A slot of rounding times the ternary secret is a product of
two complex Gaussians with heavy tails, hence 18 in place of 6 deviations. A bound fails with probability
below 1e-9 per ciphertext.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

from hexchange.circuit.editions import ParameterSet
from hexchange.circuit.program import Shape
from hexchange.errors import CircuitTooLarge

_FRESH_VARIANCE = 10.5


@dataclass(frozen=True, slots=True)
class Noise:
    """Error bounds of single operations under a parameter set."""

    parameters: ParameterSet

    @property
    def _root(self) -> float:
        return sqrt(self.parameters.degree)

    def encode(self, scale: float) -> float:
        """A vector of values, encoded."""
        return 6 * self._root / (sqrt(12) * scale)

    def fresh(self, scale: float) -> float:
        """Values encoded and encrypted under the secret key."""
        return 6 * self._root * sqrt(_FRESH_VARIANCE) / scale + self.encode(scale)

    def rescale(self, scale: float, *, summed: bool = False) -> float:
        """Rounding of a rescaled ciphertext; `scale` is the one after it. With `summed`, a share in a sum of
        many slots, where tails are Gaussian again: times the root of their number it bounds the sum."""
        tail = 6 if summed else 18
        return self._root / sqrt(12) * (6 + tail * sqrt(2 * self.parameters.degree / 3)) / scale

    def rescale_sum(self, scale: float, parts: int) -> float:
        """Rounding of a rescaled ciphertext added over all slots: N/2 times the error of one coefficient.

        Imaginary `parts`, where they are added too, depend on other coefficients and vary as much.
        """
        degree = self.parameters.degree
        return sqrt(parts) * degree / 2 * 6 * sqrt((1 + 2 * degree / 3) / 12) / scale

    def switch_key(self, primes: int, scale: float, *, summed: bool = False) -> float:
        """A rotation or relinearisation at a level. SEAL's digits are not centred: the term N / pi is the
        worst slot's, the first ones. `summed` as in `rescale`."""
        degree, special = self.parameters.degree, self.parameters.primes[-1]
        digits = sqrt(sum(float(prime) ** 2 for prime in self.parameters.data_primes[:primes]))
        spread = degree / pi + 3 * sqrt(degree / 12)
        lifted = 6 * self._root * sqrt(_FRESH_VARIANCE) * digits / special * spread / scale
        return lifted + self.rescale(scale, summed=summed)


def require_room(parameters: ParameterSet, shape: Shape, magnitude: float) -> None:
    """Refuse values that can outgrow the modulus under them; raises CircuitTooLarge."""
    modulus = 1.0
    for prime in parameters.data_primes[: shape.primes]:
        modulus *= prime
    if magnitude * shape.scale >= modulus / 4:
        raise CircuitTooLarge(
            f"A value can reach {magnitude:.3g}, more than the edition {parameters.name} carries there.",
            hint="Divide by a constant before the sum, use narrower ranges, or list the table in parts.",
        )
