"""The circuits that owners and buyers name: of the library, in a file, or by digest; and the models they score."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hexchange.circuit.choice import listed_bytes, smallest
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.circuit.editions import edition
from hexchange.circuit.kinds import Asked
from hexchange.circuit.library import CIRCUITS
from hexchange.circuit.library.score_card import Card
from hexchange.errors import CircuitNotFound, ModelUnreadable, NothingToCount, TableTooLarge
from hexchange.market.manifests import Column, Manifest
from hexchange.market.tables import edition_table
from hexchange.storage.store import ContentStore

MODEL_TYPES = (
    "hexchange.square_classifier.SquareClassifier",
    "numpy.dtype",
    "sklearn.linear_model._base.LinearRegression",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
"""What a model file may hold; it is read by name and never unpickled."""


EXACT = ":exact"
"""What is written behind a circuit's name to want it exact where an ε could be offered."""

LARGEST_CARD = 1 << 18
"""Bytes of a score card's file."""


def editions_for(words: str, columns: Sequence[Column], rows: int, row_norm: float | None) -> dict[str, int]:
    """The smallest editions of a table that serve the circuits named in a list with commas, each with its bytes, about.

    A row norm is declared for offers with ε > 0, so what they need is chosen then, but for a name that ends in
    `:exact`. Raises CircuitNotFound, and what `edition_sizes` raises where no edition that a circuit can use holds the
    table.
    """
    wanted, sizes = [], dict[str, int]()
    for word in (word.strip() for word in words.split(",")):
        name = word.removesuffix(EXACT)
        if name not in CIRCUITS:
            raise _unknown(name)
        wanted.append(CIRCUITS[name].served_by(noise=row_norm is not None and name == word))
        for each in wanted[-1]:
            with suppress(TableTooLarge, NothingToCount):
                sizes |= edition_sizes([each], columns, rows, row_norm)
        if not sizes.keys() & set(wanted[-1]):
            edition_sizes(wanted[-1], columns, rows, row_norm)
    return {name: sizes[name] for name in smallest(wanted, sizes)}


def edition_sizes(
    names: Iterable[str], columns: Sequence[Column], rows: int, row_norm: float | None
) -> dict[str, int]:
    """About how many bytes each of these editions of a table takes.

    Raises EditionNotFound, TableTooLarge, and NothingToCount.
    """
    chosen = [edition(name) for name in names]
    return {one.name: listed_bytes(one, edition_table(one, columns, rows, row_norm)) for one in chosen}


def find_circuit(
    word: str, manifest: Manifest, store: ContentStore, *, noise: bool = False, model: Path | None = None
) -> Circuit:
    """The circuit that `word` names: one of the library over this table, a file, or a digest in the store.

    `noise` is for an offer with ε > 0, `model` the skops file of `predict` and `network`. Raises
    CircuitNotFound, ModelMissing, ModelUnreadable, MalformedCircuit, and the store's errors.
    """
    if word in CIRCUITS:
        served = CIRCUITS[word].served_by(noise=noise)
        listed = [each.name for each in manifest.editions]
        chosen = edition(next((name for name in served if name in listed), served[0]))
        table = edition_table(chosen, manifest.columns, manifest.rows, manifest.row_norm)
        asked = Asked(chosen.name, noise, read_model(model) if model else None)
        return CIRCUITS[word].build(table, asked)
    path, digits = Path(word), word.removeprefix("0x").lower()
    if path.is_file():
        return parse_circuit(path.read_bytes())
    if len(digits) == 64 and set(digits) <= set("0123456789abcdef"):
        return parse_circuit(store.get_block(bytes.fromhex(digits)))
    raise _unknown(word)


def read_model(path: Path) -> Any:
    """A fitted linear model or network saved by skops, a list of (weights, bias), or a score card in a TOML file.
    Raises ModelUnreadable for anything else."""
    if path.suffix.lower() == ".toml":
        return _read_card(path)
    import skops.io  # these are slow to import, and only a scoring circuit needs them
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    from hexchange.square_classifier import SquareClassifier

    hint = "save a fitted linear model, discriminant or network, or a list of (weights, bias), with skops.io.dump"
    known = (
        LinearRegression | Ridge | LogisticRegression | LinearDiscriminantAnalysis
        | MLPClassifier | MLPRegressor | SquareClassifier | list
    )  # fmt: skip
    try:
        model = skops.io.load(path, trusted=list(MODEL_TYPES))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes the library raise
        raise ModelUnreadable(f"{path} is no model that we read: {type(error).__name__}", hint=hint) from None
    fitted = isinstance(model, list) or hasattr(model, "coef_") or hasattr(model, "coefs_")
    if not isinstance(model, known) or not fitted:
        raise ModelUnreadable(f"{path} holds no fitted linear model or network", hint=hint)
    return model


def _read_card(path: Path) -> Card:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_CARD + 1)
        document = tomllib.loads(raw[:LARGEST_CARD].decode()) if len(raw) <= LARGEST_CARD else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        hint = "write base = 500, and a [[bin]] with column, low, high and points for each"
        raise ModelUnreadable(f"{path} is no score card: {error}", hint=hint) from None
    if len(raw) > LARGEST_CARD:
        raise ModelUnreadable(
            f"{path} is too long for a score card", hint=f"write at most {LARGEST_CARD} bytes"
        )
    return Card.of(document)


def _unknown(word: str) -> CircuitNotFound:
    return CircuitNotFound(
        f"{word!r} is no circuit",
        hint=f"name one of {', '.join(CIRCUITS)}, a file, or a digest of 64 digits",
    )
