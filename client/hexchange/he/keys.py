"""Keys of an edition: the owner's secret key, and the public keys that evaluation needs.

Public keys are seeded and come as one blob each: the relinearisation key, and a rotation key for each
step that the edition declares. A blob is matched byte by byte against the form of the one key it must be,
since SEAL's load tells neither which kind of key it holds nor which steps.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from hexchange.circuit.editions import ParameterSet
from hexchange.errors import BrokenSecretKey, MalformedBlob
from hexchange.he import forms
from hexchange.he.engine import Engine, engine
from hexchange.he.library import inflate, load, malformed, save, sealapi


class SecretKey:
    """The owner's key. Whoever has it reads the whole dataset; it never leaves the owner's machine."""

    __slots__ = ("_key", "engine")

    def __init__(self, engine: Engine, key: Any) -> None:
        self.engine = engine
        self._key = key

    @classmethod
    def generate(cls, parameters: ParameterSet) -> SecretKey:
        """A fresh ternary key from the system's randomness."""
        chosen = engine(parameters)
        return cls(chosen, sealapi.KeyGenerator(chosen.context).secret_key())

    @classmethod
    def from_bytes(cls, parameters: ParameterSet, data: bytes) -> SecretKey:
        """The key that `to_bytes` wrote; raises BrokenSecretKey for anything else."""
        chosen = engine(parameters)
        form = forms.secret_key(chosen)
        try:
            body = inflate(data, forms.length(form))
            forms.match(form, body)
            return cls(chosen, load(sealapi.SecretKey(), chosen.context, body))
        except MalformedBlob:
            raise BrokenSecretKey(
                f"This is no intact secret key of edition {parameters.name}.",
                hint="Restore it from your backup.",
            ) from None

    @classmethod
    def read(cls, parameters: ParameterSet, path: Path) -> SecretKey:
        """The key in a file; raises BrokenSecretKey when it is missing or damaged."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BrokenSecretKey(
                f"The secret key {path} cannot be read: {error.strerror}.",
                hint="Restore it from your backup.",
            ) from None
        return cls.from_bytes(parameters, data)

    def to_bytes(self) -> bytes:
        """The key itself, for an encrypted backup."""
        return save(self._key)

    def write(self, path: Path) -> None:
        """Write the key durably and at once, readable by its owner alone; an existing file is not replaced.

        Raises FileExistsError.
        """
        descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            os.link(partial, path)
        finally:
            os.unlink(partial)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def encryptor(self) -> Any:
        """SEAL's symmetric encryptor under this key."""
        return sealapi.Encryptor(self.engine.context, self._key)

    def decryptor(self) -> Any:
        """SEAL's decryptor under this key."""
        return sealapi.Decryptor(self.engine.context, self._key)

    def generator(self) -> Any:
        """SEAL's generator of public keys for this key."""
        return sealapi.KeyGenerator(self.engine.context, self._key)

    def __repr__(self) -> str:
        return f"<SecretKey of edition {self.engine.parameters.name}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key does not travel between processes")


def make_relin_key(secret: SecretKey) -> bytes:
    """The seeded relinearisation key as a blob."""
    return save(secret.generator().create_relin_keys())


def make_rotation_key(secret: SecretKey, step: int) -> bytes:
    """The seeded key for rotations to the left by `step` (1 .. N/2 - 1) as a blob."""
    # SEAL takes a list with a negative number as steps, any other as Galois elements.
    return save(secret.generator().create_galois_keys([step - secret.engine.parameters.slots]))


def load_relin_key(engine: Engine, data: bytes) -> Any:
    """The relinearisation key in a stranger's blob; raises MalformedBlob for anything else."""
    form = forms.relin_key(engine)
    keys = _load(engine, sealapi.RelinKeys(), data, form)
    if keys.size() != 1 or not keys.has_key(2):
        raise malformed("The blob holds another key than the relinearisation key.")
    return keys


def load_rotation_key(engine: Engine, step: int, data: bytes) -> Any:
    """The key for rotations by `step` in a stranger's blob; raises MalformedBlob for anything else."""
    element = pow(3, step, 2 * engine.parameters.degree)
    keys = _load(engine, sealapi.GaloisKeys(), data, forms.galois_key(engine, element))
    if keys.size() != 1 or not keys.has_key(element):
        raise malformed(f"The blob holds another key than that of step {step}.")
    return keys


def _load(engine: Engine, empty: Any, data: bytes, form: forms.Form) -> Any:
    body = inflate(data, forms.length(form))
    forms.match(form, body)
    return load(empty, engine.context, body)


@dataclass(frozen=True, slots=True)
class Keys:
    """Loaded public keys: what a program's relinearisations and rotations use."""

    relin: Any
    rotations: Mapping[int, Any]

    @classmethod
    def made(cls, secret: SecretKey, steps: Iterable[int], *, relinearize: bool) -> Keys:
        """Those of an owner's secret key, through the blobs that it would publish."""
        engine = secret.engine
        relin = load_relin_key(engine, make_relin_key(secret)) if relinearize else None
        return cls(
            relin, {step: load_rotation_key(engine, step, make_rotation_key(secret, step)) for step in steps}
        )
