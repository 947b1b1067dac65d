"""The circuits an owner can offer by name, and which edition each one needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from hexchange.circuit.document import Circuit, Table, parse_circuit
from hexchange.circuit.library import describe, logistic, predict
from hexchange.errors import CircuitNotFound
from hexchange.market.manifests import Manifest
from hexchange.owner.schema import circuit_table
from hexchange.storage.store import ContentStore

EDITION_FOR = MappingProxyType(
    {"describe": describe.EDITION, "predict": predict.EDITION, "logistic": logistic.EDITION}
)
"""Edition that a library circuit runs on."""


def editions_for(words: str) -> list[str]:
    """Editions for circuits named in a list with commas. Raises CircuitNotFound."""
    names = [word.strip() for word in words.split(",")]
    for name in names:
        if name not in EDITION_FOR:
            raise _unknown(name)
    return list(dict.fromkeys(EDITION_FOR[name] for name in names))


def find_circuit(word: str, manifest: Manifest, store: ContentStore, *, noise: bool) -> Circuit:
    """The circuit that `word` names: one of the library over this table, a file, or a digest in the store.

    Raises CircuitNotFound, MalformedCircuit, and the store's errors.
    """
    named: dict[str, Callable[[Table], Circuit]] = {
        "describe": lambda table: describe.describe(table, noise=noise),
        "logistic": logistic.logistic,
    }
    if word in named:
        return named[word](circuit_table(manifest.columns, manifest.rows, manifest.row_norm))
    path, digits = Path(word), word.removeprefix("0x").lower()
    if path.is_file():
        return parse_circuit(path.read_bytes())
    if len(digits) == 64 and set(digits) <= set("0123456789abcdef"):
        return parse_circuit(store.get_block(bytes.fromhex(digits)))
    raise _unknown(word)


def _unknown(word: str) -> CircuitNotFound:
    return CircuitNotFound(
        f"{word!r} is no circuit",
        hint=f"name one of {', '.join(EDITION_FOR)}, a file, or a digest of 64 digits",
    )
