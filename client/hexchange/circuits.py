"""The circuits that owners and buyers name: of the library, in a file, or by digest; and the models they score."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from hexchange.circuit.document import Circuit, Table, parse_circuit
from hexchange.circuit.library import describe, logistic, predict
from hexchange.errors import CircuitNotFound, ModelMissing, ModelUnreadable
from hexchange.market.manifests import Manifest
from hexchange.market.tables import circuit_table
from hexchange.storage.store import ContentStore

if TYPE_CHECKING:
    from sklearn.linear_model import LinearRegression, LogisticRegression

EDITION_FOR = MappingProxyType(
    {"describe": describe.EDITION, "predict": predict.EDITION, "logistic": logistic.EDITION}
)
"""Edition that a library circuit runs on."""

MODEL_TYPES = (
    "numpy.dtype",
    "sklearn.linear_model._base.LinearRegression",
    "sklearn.linear_model._logistic.LogisticRegression",
)
"""What a model file may hold; it is read by name and never unpickled."""


def editions_for(words: str) -> list[str]:
    """Editions for circuits named in a list with commas. Raises CircuitNotFound."""
    names = [word.strip() for word in words.split(",")]
    for name in names:
        if name not in EDITION_FOR:
            raise _unknown(name)
    return list(dict.fromkeys(EDITION_FOR[name] for name in names))


def find_circuit(
    word: str, manifest: Manifest, store: ContentStore, *, noise: bool = False, model: Path | None = None
) -> Circuit:
    """The circuit that `word` names: one of the library over this table, a file, or a digest in the store.

    `noise` is for an offer with ε > 0, `model` the skops file that `predict` scores with. Raises
    CircuitNotFound, ModelMissing, ModelUnreadable, MalformedCircuit, and the store's errors.
    """
    if word in EDITION_FOR:
        table = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
        return _library(word, table, noise=noise, model=model)
    path, digits = Path(word), word.removeprefix("0x").lower()
    if path.is_file():
        return parse_circuit(path.read_bytes())
    if len(digits) == 64 and set(digits) <= set("0123456789abcdef"):
        return parse_circuit(store.get_block(bytes.fromhex(digits)))
    raise _unknown(word)


def _library(name: str, table: Table, *, noise: bool, model: Path | None) -> Circuit:
    if name == "describe":
        return describe.describe(table, noise=noise)
    if name == "logistic":
        return logistic.logistic(table)
    if model is None:
        raise ModelMissing("predict needs a model to score with", hint="add --model FILE.skops")
    return scoring(table, read_model(model))


def scoring(table: Table, model: LinearRegression | LogisticRegression) -> Circuit:
    """The scores of a fitted model, its columns found by name, or by order where it was fitted without names.

    Raises ModelUnreadable where the model has several outputs or not as many coefficients as columns.
    """
    names = [
        str(name) for name in getattr(model, "feature_names_in_", [column.name for column in table.features])
    ]
    coefficients = [float(value) for value in model.coef_.reshape(-1)]
    intercepts = [float(value) for value in np.reshape(model.intercept_, -1)]
    if len(coefficients) != len(names) or len(intercepts) != 1:
        raise ModelUnreadable(
            f"the model has {len(coefficients)} coefficients for {len(names)} columns",
            hint="use a model with one output, fitted to columns of this table",
        )
    weights = dict(zip(names, coefficients, strict=True))
    return predict.predict(table, weights, intercepts[0], probability=hasattr(model, "predict_proba"))


def read_model(path: Path) -> LinearRegression | LogisticRegression:
    """A fitted linear or logistic model saved by skops. Raises ModelUnreadable for anything else."""
    import skops.io  # these two are slow to import, and only a scoring circuit needs them
    from sklearn.linear_model import LinearRegression, LogisticRegression

    hint = "save a fitted LinearRegression or LogisticRegression with skops.io.dump"
    try:
        model = skops.io.load(path, trusted=list(MODEL_TYPES))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file makes the library raise
        raise ModelUnreadable(f"{path} is no model that we read: {type(error).__name__}", hint=hint) from None
    if not isinstance(model, LinearRegression | LogisticRegression) or not hasattr(model, "coef_"):
        raise ModelUnreadable(f"{path} holds no fitted linear or logistic model", hint=hint)
    return model


def _unknown(word: str) -> CircuitNotFound:
    return CircuitNotFound(
        f"{word!r} is no circuit",
        hint=f"name one of {', '.join(EDITION_FOR)}, a file, or a digest of 64 digits",
    )
