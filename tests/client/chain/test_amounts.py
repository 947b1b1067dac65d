"""Amounts: exact in both directions, and refused when a digit would be lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexchange.chain.amounts import format_amount, parse_address, parse_amount
from hexchange.errors import BadAddress, BadAmount


@given(st.integers(0, 2**96), st.integers(0, 30))
def test_what_is_shown_reads_back_as_the_same_base_units(value: int, decimals: int) -> None:
    assert parse_amount(format_amount(value, decimals), decimals) == value


def test_an_amount_is_shown_without_trailing_zeros_and_with_its_token() -> None:
    assert format_amount(12_500_000, 6, "HXD") == "12.5 HXD"
    assert format_amount(-1, 18) == "-0.000000000000000001"
    assert format_amount(7, 0, "HXD") == "7 HXD"


@pytest.mark.parametrize(
    "text", ["", "1e3", "-1", "+1", "1.", ".5", "1,5", "1.2.3", "0x10", "nan", "1.0000001", "٣"]
)
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text, 6)


def test_an_address_with_a_wrong_checksum_is_refused() -> None:
    good = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert parse_address(good.lower()) == good
    for bad in (good.replace("C5", "c5"), good[:-1], "alice", ""):
        with pytest.raises(BadAddress):
            parse_address(bad)
