"""One SEAL context per parameter set, pinned by the parameter ids that we compute ourselves."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from hexchange.circuit.editions import ParameterSet
from hexchange.errors import ForeignEngine
from hexchange.he.library import check_library, sealapi

_SCHEMES = {"bfv": (1, sealapi.SCHEME_TYPE.BFV), "ckks": (2, sealapi.SCHEME_TYPE.CKKS)}


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """What evaluation needs of SEAL under one parameter set; holds no key.

    `ids[k]` is the 32-byte parameter id of a ciphertext with k primes; the last one, with the special prime if there
    is one, is that of keys and names the whole set.
    """

    parameters: ParameterSet
    context: Any
    evaluator: Any
    encoder: Any
    ids: tuple[bytes, ...]

    @property
    def top(self) -> int:
        """Data primes of a fresh ciphertext."""
        return len(self.parameters.data_primes)

    def words(self, primes: int) -> list[int]:
        """The parameter id of a level as SEAL's calls take it."""
        return list(struct.unpack("<4Q", self.ids[primes]))


@lru_cache(maxsize=8)
def engine(parameters: ParameterSet) -> Engine:
    """The engine of a parameter set, built once per process.

    Raises ForeignEngine when SEAL is of another version, finds the parameters weaker than 128 bits, or
    names them by other ids than the scheme's definition.
    """
    check_library()
    _, scheme = _SCHEMES[parameters.scheme]
    chosen = sealapi.EncryptionParameters(scheme)
    chosen.set_poly_modulus_degree(parameters.degree)
    chosen.set_coeff_modulus([sealapi.Modulus(prime) for prime in parameters.primes])
    if parameters.plain_modulus:
        chosen.set_plain_modulus(parameters.plain_modulus)
    context = sealapi.SEALContext(chosen, True, sealapi.SEC_LEVEL_TYPE.TC128)
    if not context.parameters_set():
        raise ForeignEngine(
            f"SEAL refuses the parameters of {parameters.name}: {context.parameters_error_message()}.",
            hint="Use one of the listed editions; their parameters have 128 bits of security.",
        )
    ids = tuple(parameter_id(parameters, count) for count in range(len(parameters.primes) + 1))
    encoder = sealapi.BatchEncoder(context) if parameters.plain_modulus else sealapi.CKKSEncoder(context)
    made = Engine(parameters, context, sealapi.Evaluator(context), encoder, ids)
    if (context.key_parms_id(), context.first_parms_id()) != (made.words(-1), made.words(made.top)):
        raise ForeignEngine(f"SEAL names the parameters of {parameters.name} by another id than expected.")
    return made


def parameter_id(parameters: ParameterSet, primes: int) -> bytes:
    """SEAL's id of the first `primes` primes: BLAKE2b-256 over scheme, degree, primes, plain modulus."""
    number, _ = _SCHEMES[parameters.scheme]
    words = (number, parameters.degree, *parameters.primes[:primes], parameters.plain_modulus)
    return blake2b(struct.pack(f"<{len(words)}Q", *words), digest_size=32).digest()
