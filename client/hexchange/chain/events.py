"""What the contracts say: their structs and events as values. Pure: nothing of a chain client is imported.

Fields follow the Solidity declarations in name and order, in snake case: `bytes32` is `bytes` of 32, an address
is a checksummed `str`, every integer an `int`, amounts are base units of the market's token, times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

ZERO_ADDRESS = "0x" + 40 * "0"
ZERO_BYTES32 = bytes(32)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block: its number, its hash (32 bytes) and its time in seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class EventRef:
    """Where an event stands: (block hash, log index) is its identity, `tx` the transaction's hash (32 bytes)."""

    block: BlockRef
    tx: bytes
    log_index: int
    contract: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a dataset's owner signs (EIP-712): one circuit over one manifest, its price and the terms it accepts.

    `buyer` zero means anybody; `epsilon` is in millionths, 0 an exact release; `fill` and `compute` in seconds.
    """

    dataset: int
    epoch: int
    manifest: bytes
    circuit: bytes
    buyer: str
    payee: str
    price: int
    guarantee: int
    epsilon: int
    min_seats: int
    min_reward: int
    max_reward: int
    min_fill: int
    min_compute: int
    expiry: int
    max_uses: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What a buyer chooses within an offer; `result_key` is the X25519 key that the result is sealed to."""

    seats: int
    floor: int
    reward: int
    fill: int
    compute: int
    release: int
    result_key: bytes


@dataclass(frozen=True, slots=True)
class Permit:
    """An ERC-2612 signature that lets the ledger pull `value`; all zero means none."""

    value: int
    deadline: int
    v: int
    r: bytes
    s: bytes


NO_PERMIT = Permit(0, 0, 0, ZERO_BYTES32, ZERO_BYTES32)


@dataclass(frozen=True, slots=True)
class Event:
    """Something a contract announced, and where."""

    at: EventRef
