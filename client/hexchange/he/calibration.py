"""How fast is this machine? Measures the cost table that predictions of seconds are made from.

It encrypts nothing in particular under a key of its own. Operands change from call to call, as they do in a run, so
that they are not all in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from math import log2
from time import thread_time
from typing import Any

import numpy as np

from hexchange.circuit.costs import COSTS, CostTable
from hexchange.circuit.editions import COUNT, MLP, STATS, SUM, Edition
from hexchange.circuit.program import Shape
from hexchange.he.canonical import from_seeded, to_canonical
from hexchange.he.encoder import encode_scalar, encode_vector
from hexchange.he.encryption import Encryption
from hexchange.he.engine import engine
from hexchange.he.keys import SecretKey, load_relin_key, load_rotation_key, make_relin_key, make_rotation_key
from hexchange.he.library import sealapi

_SECONDS = 0.25
"""What each figure is measured for, at least."""

_OPERANDS = 24

_LEAST = 1e-12
"""No figure is below that, whatever a clock says."""


def measure() -> CostTable:
    """The cost table of one core of this machine, but for what a call costs that does nothing."""
    small, stats, mlp, count = (_Primitives(one) for one in (SUM, STATS, MLP, COUNT))
    load = (stats.load() - small.load()) / (stats.residues - small.residues)
    return CostTable(
        add=stats.add(),
        times_plain=stats.times_plain(),
        times=stats.times(),
        times_exact=count.times(),
        rescale=stats.rescale(),
        switch_key=mlp.switch_key(),
        parse=max(small.load() - load * small.residues, _LEAST),
        load=load,
        store=mlp.store(),
        load_key=mlp.load_key(),
        encode=mlp.encode(),
    )


class _Primitives:
    """Each measures one figure over an edition's fresh ciphertexts, per unit of work as the cost table counts it."""

    def __init__(self, edition: Edition) -> None:
        parameters = edition.parameters
        self.engine, self.evaluator = engine(parameters), engine(parameters).evaluator
        self.degree, self.levels = parameters.degree, log2(parameters.degree)
        self.primes, self.scale = len(parameters.data_primes), parameters.scale
        self.shape = Shape(2, self.primes, self.scale)
        self.secret = SecretKey.generate(parameters)
        encryption = Encryption(self.secret)
        zeros = np.zeros(parameters.slots)
        self.blobs = [encryption.encrypt(zeros) for _ in range(_OPERANDS)]
        self.fresh = [from_seeded(self.engine, blob, self.shape) for blob in self.blobs]

    def add(self) -> float:
        return _seconds(self._call(self.evaluator.add, 2)) / (2 * self.residues)

    def times_plain(self) -> float:
        constant = encode_scalar(self.engine, 0.75, self.primes, self.scale)
        return _seconds(self._call(self.evaluator.multiply_plain, 1, constant)) / (2 * self.residues)

    def times(self) -> float:
        return _seconds(self._call(self.evaluator.multiply, 2)) / (3 * self.residues)

    def rescale(self) -> float:
        products = []
        for each in self.fresh:
            products.append(sealapi.Ciphertext())
            self.evaluator.square(each, products[-1])
        took = _seconds(self._call(self.evaluator.rescale_to_next, 1, of=products))
        return took / (self.degree * self.levels * self.primes * 3)

    def switch_key(self) -> float:
        key = load_rotation_key(self.engine, 1, make_rotation_key(self.secret, 1))
        took = _seconds(self._call(self.evaluator.rotate_vector, 1, 1, key))
        return took / (self.degree * self.levels * self.primes * (self.primes + 3))

    def load(self) -> float:
        blobs = cycle(self.blobs)
        return _seconds(lambda: from_seeded(self.engine, next(blobs), self.shape))

    def store(self) -> float:
        ciphertexts = cycle(self.fresh)
        took = _seconds(lambda: to_canonical(self.engine, next(ciphertexts), self.shape))
        return took / (2 * self.residues)

    def load_key(self) -> float:
        key = make_relin_key(self.secret)
        return _seconds(lambda: load_relin_key(self.engine, key)) / len(key)

    def encode(self) -> float:
        vector = np.linspace(-1.0, 1.0, self.engine.parameters.slots)
        took = _seconds(lambda: encode_vector(self.engine, vector, self.primes, self.scale))
        return took / (self.degree * self.levels * (self.primes + 0.5))

    @property
    def residues(self) -> int:
        """Of one polynomial."""
        return self.degree * self.primes

    def _call(
        self, call: Callable[..., None], operands: int, *more: Any, of: list[Any] | None = None
    ) -> Callable[[], object]:
        taken = cycle(of or self.fresh)
        return lambda: call(*(next(taken) for _ in range(operands)), *more, sealapi.Ciphertext())


def _seconds(work: Callable[[], object]) -> float:
    """Processor time of the quickest of many calls, beyond what the table counts for any call: of what else the machine
    does, as little as possible is measured."""
    work()
    took: list[float] = []
    while sum(took) < _SECONDS:
        began = thread_time()
        work()
        took.append(thread_time() - began)
    return max(min(took) - COSTS.call, _LEAST)
