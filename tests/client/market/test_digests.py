"""Seals and tickets are bound to everything they name."""

from __future__ import annotations

import pytest
from eth_hash.auto import keccak

from hexchange.market.digests import NO_SALT, challenge_seal, redrawn, seal, ticket, tickets

MARKET = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
PROVIDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
OTHER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
PLAIN = (31337, MARKET, 4, 2, 1, PROVIDER, b"\x11" * 32, b"\x22" * 32)


def word(value: int | str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


def test_a_seal_hashes_eight_plain_words() -> None:
    assert seal(*PLAIN) == keccak(b"".join(word(value) for value in PLAIN))


@pytest.mark.parametrize("place", range(8))
def test_a_seal_changes_with_each_word(place: int) -> None:
    others = (1, OTHER, 5, 1, 0, OTHER, b"\x12" * 32, NO_SALT)
    swapped = (*PLAIN[:place], others[place], *PLAIN[place + 1 :])
    assert seal(*swapped) != seal(*PLAIN)


def test_a_challenge_is_a_seal_of_round_zero_without_salt() -> None:
    assert challenge_seal(31337, MARKET, 4, OTHER, b"\x11" * 32) == seal(
        31337, MARKET, 4, 0, 0, OTHER, b"\x11" * 32, bytes(32)
    )


def test_a_ticket_is_the_low_96_bits_of_its_hash() -> None:
    seed = b"\x07" * 32
    assert ticket(seed, PROVIDER, 3) == int.from_bytes(keccak(seed + word(PROVIDER) + word(3)), "big") % (
        1 << 96
    )


def test_tickets_come_lowest_first() -> None:
    found = tickets(b"\x07" * 32, PROVIDER, range(50))
    assert found == sorted(found)
    assert sorted(unit for _, unit in found) == list(range(50))


def test_a_redraw_derives_its_seed() -> None:
    assert redrawn(b"\x07" * 32) == keccak(b"\x07" * 32)
