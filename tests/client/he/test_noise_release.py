"""Releases lie on the grid above the error and carry the noise they claim, whatever the values are."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import norm

from hexchange.errors import GridTooFine
from hexchange.he.release import Privacy, release, steps_of_sensitivity

GRID = Decimal("0.001")
NUMBERS = 2000


def test_an_exact_release_is_the_nearest_point_of_the_grid_and_nothing_finer() -> None:
    values = np.array([1.23456, -7.7, 0.0004999, 0.0005001, 0.0])
    exact = release(values, GRID, 1e-6, None)
    assert [count * GRID for count in exact.counts] == [
        Decimal("1.235"),
        Decimal("-7.700"),
        Decimal("0.000"),
        Decimal("0.001"),
        Decimal("0"),
    ]
    assert exact.deviation == 0


def test_two_computations_within_the_error_release_the_same_number() -> None:
    middle = np.linspace(-5, 5, 11)
    near = middle + 1e-6 * np.resize([1, -1], 11)
    assert release(middle, GRID, 1e-6, None) == release(near, GRID, 1e-6, None)


def test_a_grid_below_twice_the_error_is_refused() -> None:
    with pytest.raises(GridTooFine) as refusal:
        release(np.zeros(1), GRID, 0.000501, None)
    assert "coarser" in refusal.value.hint
    release(np.zeros(1), GRID, 0.00049, None)


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf, 1e300])
def test_no_value_makes_a_release_fail(wild: float) -> None:
    assert all(abs(count) <= 1 << 50 for count in release(np.array([wild]), GRID, 1e-6, None).counts)
    noised = release(np.array([wild]), GRID, 1e-6, Privacy(1_000_000, 1e-4, 1.0))
    assert len(noised.counts) == 1


def test_sensitivity_holds_the_row_the_error_and_the_rounding() -> None:
    assert steps_of_sensitivity(2.0, 0.0, GRID, 1) == 2002
    assert steps_of_sensitivity(2.0, 0.0005, GRID, 1) == 2003
    assert steps_of_sensitivity(0.0, 0.0, GRID, 16) == 6


@pytest.mark.parametrize(("epsilon", "delta"), [(1_000_000, 1e-4), (3_000_000, 1e-4), (100_000, 1e-6)])
def test_gaussian_noise_keeps_epsilon_and_delta_and_wastes_little(epsilon: int, delta: float) -> None:
    deviation = release(np.zeros(1), GRID, 0.0, Privacy(epsilon, delta, 2.0)).deviation
    ratio, budget = deviation / float(GRID) / steps_of_sensitivity(2.0, 0.0, GRID, 1), epsilon / 1e6

    def spent(sigma: float) -> float:
        """Delta of Gaussian noise for sensitivity 1 (Balle and Wang 2018, theorem 8)."""
        return norm.cdf(1 / (2 * sigma) - budget * sigma) - math.exp(budget) * norm.cdf(
            -1 / (2 * sigma) - budget * sigma
        )

    assert spent(ratio) <= delta
    assert spent(ratio / 1.3) > delta


def test_laplace_noise_covers_the_joint_change_of_all_numbers() -> None:
    for numbers in (1, 9):
        deviation = release(np.zeros(numbers), GRID, 0.0, Privacy(500_000, 0.0, 1.0)).deviation
        moved = math.sqrt(numbers) * steps_of_sensitivity(1.0, 0.0, GRID, numbers)
        scale = deviation / float(GRID) / math.sqrt(2)
        assert moved / 0.5 <= scale <= 1.001 * (moved + 1) / 0.5


@pytest.mark.parametrize("delta", [1e-4, 0.0])
def test_noise_has_the_declared_deviation_and_no_bias(delta: float) -> None:
    """Bounds are eight standard errors wide: a true sampler fails them less than once in 10^14 runs."""
    noised = release(np.full(NUMBERS, 7.0), GRID, 1e-6, Privacy(1_000_000, delta, 1.0))
    residual = np.array(noised.counts) * float(GRID) - 7.0
    kurtosis = 3 if delta else 6
    spread = math.sqrt((kurtosis - 1) / (4 * NUMBERS))
    assert abs(residual.mean()) < 8 * noised.deviation / math.sqrt(NUMBERS)
    assert abs(residual.std() / noised.deviation - 1) < 8 * spread
    assert len(set(noised.counts)) > NUMBERS / 2


def test_two_releases_of_one_value_differ_in_their_noise() -> None:
    privacy = Privacy(1_000, 1e-4, 100.0)
    assert release(np.zeros(8), GRID, 0.0, privacy).counts != release(np.zeros(8), GRID, 0.0, privacy).counts


def test_epsilon_beyond_any_use_still_gets_noise() -> None:
    assert release(np.zeros(1), GRID, 0.0, Privacy(10**12, 1e-9, 1.0)).deviation > 0.05
