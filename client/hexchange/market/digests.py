"""Tickets, seals and seeds: the bytes on which chain and client must agree."""

from __future__ import annotations

from collections.abc import Iterable

from eth_abi.abi import encode
from eth_hash.auto import keccak

NO_SALT = bytes(32)
"""What a seal of round one, and that of a challenger, has in the place of a second trace."""


def ticket(seed: bytes, provider: str, unit: int) -> int:
    """The lottery ticket (96 bits, lowest wins) of one unit of a provider's stake under a round's seed."""
    # abi.encode of three words, by hand: a provider computes one for each of its units.
    words = seed + bytes.fromhex(provider[2:]).rjust(32, b"\0") + unit.to_bytes(32, "big")
    return int.from_bytes(keccak(words)[-12:], "big")


def tickets(seed: bytes, provider: str, units: Iterable[int]) -> list[tuple[int, int]]:
    """(ticket, unit) of every unit, lowest ticket first."""
    return sorted((ticket(seed, provider, unit), unit) for unit in units)


def redrawn(seed: bytes) -> bytes:
    """The seed of a redraw: derived, so that nobody gets a new throw."""
    return bytes(keccak(encode(["bytes32"], [seed])))


def seal(
    chain: int,
    market: str,
    job: int,
    round: int,
    seat: int,
    provider: str,
    digest: bytes,
    salted: bytes = NO_SALT,
) -> bytes:
    """What a seat commits, bound to it: its digest and, in round two, the trace under that round's seed."""
    types = ["uint256", "address", "uint256", "uint256", "uint256", "address", "bytes32", "bytes32"]
    return bytes(keccak(encode(types, [chain, market, job, round, seat, provider, digest, salted])))


def challenge_seal(chain: int, market: str, job: int, challenger: str, digest: bytes) -> bytes:
    """What a challenger commits: round 0, seat 0, its own digest."""
    return seal(chain, market, job, 0, 0, challenger, digest)
