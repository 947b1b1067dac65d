"""How much noise a release will carry, said before it is paid for. The owner's own calibration decides."""

from __future__ import annotations

from math import inf, log, log1p, sqrt

from hexchange.circuit.analysis import Analysis


def expected_noise(analysis: Analysis, epsilon: float, delta: float) -> float | None:
    """Standard deviation of discrete Gaussian noise on each number, in the circuit's own units, within a few percent.

    None where nothing bounds what one row can move.
    """
    return None if analysis.sensitivity is None else analysis.sensitivity * _deviation(epsilon, delta)


def _deviation(epsilon: float, delta: float) -> float:
    """The least deviation that keeps (epsilon, delta) for a sensitivity of 1, by concentrated accounting."""
    low, high = 1e-3, 1e9
    while high / low > 1.001:
        middle = sqrt(low * high)
        low, high = (low, middle) if _spent(middle, delta) <= epsilon else (middle, high)
    return high


def _spent(deviation: float, delta: float) -> float:
    """ε of Gaussian noise at `delta`: the least over Rényi orders (Canonne, Kamath, Steinke 2020, corollary 13)."""
    concentrated = 1 / (2 * deviation**2)
    least = inf
    for step in range(1, 400):
        order = 1 + 1.05**step / 1000
        spent = concentrated * order - log(order * delta) / (order - 1) + log1p(-1 / order)
        least = min(least, spent)
    return max(least, 0.0)
