"""What an owner stores: encrypted tables by column, and the public keys of training."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from bench.peer import SAME, Columns, Parameters, public_context
from bench.report import Peer, Result
from hexchange.circuit.document import Column, Table
from hexchange.circuit.editions import LINEAR, STATS, TRAIN, Edition
from hexchange.circuit.packing import pack
from hexchange.he.encryption import Encryption
from hexchange.he.keys import SecretKey, make_relin_key, make_rotation_key


def tables(rows: int = 100_000, columns: int = 20) -> list[Result]:
    """A table in both editions of columns; seconds are those of encrypting it."""
    values = np.random.default_rng(5).uniform(-1, 1, (rows, columns))
    table = Table(rows, tuple(Column(f"x{number}", -1.0, 1.0) for number in range(columns)))

    def stored(edition: Edition, parameters: Parameters, goal: int) -> Result:
        encryption = Encryption(SecretKey.generate(edition.parameters))
        began = perf_counter()
        size = sum(len(encryption.encrypt(slots)) for _, _, slots in pack(edition, table, values).inputs)
        seconds = perf_counter() - began
        theirs = Columns(parameters, values, rotations=False)
        peer = Peer(f"TenSEAL, a column per ciphertext, {parameters}", theirs.seconds, theirs.stored_bytes)
        return Result(
            f"storage_100000x20_{edition.name}", f"store {rows:,} x {columns}, edition {edition.name}", seconds, size,
            peer, goal_bytes=goal, compares="bytes",
        )  # fmt: skip

    same = Parameters(STATS.parameters.degree, _bits(STATS), STATS.parameters.scale)
    return [stored(LINEAR, SAME, 22_000_000), stored(STATS, same, 55_000_000)]


def keys() -> list[Result]:
    """What is published to train a model: exactly the rotations that are used, beside all of a public context."""
    began = perf_counter()
    secret = SecretKey.generate(TRAIN.parameters)
    size = len(make_relin_key(secret)) + sum(len(make_rotation_key(secret, step)) for step in TRAIN.steps)
    seconds = perf_counter() - began
    same = Parameters(TRAIN.parameters.degree, _bits(TRAIN), TRAIN.parameters.scale)
    context, peer_seconds = public_context(same, rotations=True)
    peer = Peer(
        f"TenSEAL, a public context with keys for relinearising and rotating, {same}",
        peer_seconds,
        len(context.serialize(save_secret_key=False)),
    )
    return [
        Result("keys", "keys to train on", seconds, size, peer, goal_ratio=2.5, compares="bytes"),
    ]


def _bits(edition: Edition) -> tuple[int, ...]:
    return tuple(prime.bit_length() for prime in edition.parameters.primes)
