"""Only parameters inside the 128-bit table make an edition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hexchange.circuit.editions import (
    EDITIONS,
    LINEAR,
    MLP,
    POLY3,
    SECURE_BITS,
    STATS,
    SUM,
    TRAIN,
    Edition,
    Grid,
    ParameterSet,
    edition,
)
from hexchange.errors import EditionNotFound, UnsafeEdition


def test_an_edition_is_found_by_its_name() -> None:
    assert edition("stats") is STATS
    with pytest.raises(EditionNotFound) as refusal:
        edition("mega")
    assert "train" in refusal.value.hint


@pytest.mark.parametrize("degree", SECURE_BITS)
def test_a_modulus_above_the_security_table_is_refused(degree: int) -> None:
    for chosen in EDITIONS.values():
        parameters = chosen.parameters
        bits = sum(prime.bit_length() for prime in parameters.primes)
        if bits > SECURE_BITS[degree]:
            with pytest.raises(UnsafeEdition, match="128-bit"):
                replace(parameters, degree=degree)


def test_degrees_that_the_table_does_not_name_are_refused() -> None:
    for degree in (0, 512, 4095, 65536):
        with pytest.raises(UnsafeEdition):
            replace(LINEAR.parameters, degree=degree)


def test_primes_without_the_roots_that_encoding_needs_are_refused() -> None:
    with pytest.raises(UnsafeEdition, match="modulo 2N"):
        replace(LINEAR.parameters, primes=(1099511390209 - 2, *LINEAR.parameters.primes[1:]))


def test_data_primes_too_long_for_exact_encoding_are_refused() -> None:
    long = 1152921504606830593
    with pytest.raises(UnsafeEdition, match="data prime"):
        ParameterSet("long", 8192, (long, *STATS.parameters.primes[1:]), 2.0**40)


@pytest.mark.parametrize("chosen", [STATS, POLY3, TRAIN, MLP], ids=lambda one: one.name)
def test_the_special_prime_is_at_least_eight_bits_longer_than_the_data_primes(chosen: Edition) -> None:
    longest = max(prime.bit_length() for prime in chosen.parameters.data_primes)
    assert chosen.parameters.primes[-1].bit_length() >= longest + 8


def test_the_sum_of_all_row_blocks_stays_below_half_the_first_prime() -> None:
    for chosen in (SUM, LINEAR, STATS, POLY3):
        assert 2 * chosen.most_blocks * chosen.parameters.scale <= chosen.parameters.data_primes[0]


def test_the_grid_of_training_fills_its_slots_and_its_steps_are_its_keys() -> None:
    assert isinstance(TRAIN.layout, Grid)
    features, rows = TRAIN.layout.features, TRAIN.layout.rows
    assert features * rows == TRAIN.parameters.slots
    assert set(TRAIN.steps) == {1, 4, 16, 64} | {rows << turn for turn in range(5)}


@pytest.mark.parametrize(
    "change",
    [
        {"primes": ()},
        {"primes": (LINEAR.parameters.primes[0],) * 2},
        {"primes": (*LINEAR.parameters.primes[:2], 1)},
        {"primes": (*LINEAR.parameters.primes[:2], -8191)},
        {"primes": (536813569, (1 << 61) + 1), "degree": 8192},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"scale": -(2.0**29)},
        {"scale": 0.0},
    ],
)
def test_what_is_no_parameter_set_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UnsafeEdition):
        replace(LINEAR.parameters, **change)
