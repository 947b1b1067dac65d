"""Asking an owner for an offer: the circuit goes into the store, and the request on chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skops.io
from sklearn.linear_model import LinearRegression, LogisticRegression

from hexchange.chain.contracts import Contracts
from hexchange.chain.sender import Receipt, Sender
from hexchange.circuit.document import Circuit, Table, circuit_digest, encode_circuit
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.predict import predict
from hexchange.errors import ModelUnreadable, UnknownCircuit
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.messages import OfferRequest
from hexchange.market.tables import circuit_table
from hexchange.storage.store import ContentStore

MODEL_TYPES = [
    "numpy.dtype",
    "sklearn.linear_model._base.LinearRegression",
    "sklearn.linear_model._logistic.LogisticRegression",
]
"""What a model file may hold; it is read by name and never unpickled."""


def build_circuit(
    name: str, manifest: Manifest, *, noise: bool = False, model: Path | None = None
) -> Circuit:
    """A circuit of the library over a listed table: `describe`, `logistic`, or `predict` with a model file.

    Raises UnknownCircuit, ModelUnreadable, and what the circuit itself refuses.
    """
    table = circuit_table(manifest.columns, manifest.rows, manifest.row_norm)
    match name:
        case "describe":
            return describe(table, noise=noise)
        case "logistic":
            return logistic(table)
        case "predict" if model is not None:
            return scoring(table, read_model(model))
        case "predict":
            raise UnknownCircuit("predict needs a model", hint="add --model FILE.skops")
    raise UnknownCircuit(f"there is no circuit called {name!r}", hint="choose describe, logistic or predict")


def scoring(table: Table, model: LinearRegression | LogisticRegression) -> Circuit:
    """The scores of a fitted model, whose columns are found by name, or by order where it was fitted without names.

    Raises ModelUnreadable where the model has several outputs or not as many coefficients as columns.
    """
    names = list(getattr(model, "feature_names_in_", [column.name for column in table.features]))
    coefficients = model.coef_.reshape(-1)
    if len(coefficients) != len(names):
        raise ModelUnreadable(
            f"the model has {len(coefficients)} coefficients for {len(names)} columns",
            hint="use a model with one output, fitted to columns of this table",
        )
    (intercept,) = np.reshape(model.intercept_, -1)
    weights = {name: float(value) for name, value in zip(names, coefficients, strict=True)}
    return predict(table, weights, float(intercept), probability=isinstance(model, LogisticRegression))


def read_model(path: Path) -> LinearRegression | LogisticRegression:
    """A fitted linear or logistic model saved by skops. Raises ModelUnreadable for anything else."""
    try:
        model = skops.io.load(path, trusted=MODEL_TYPES)
    except Exception as error:
        raise ModelUnreadable(
            f"{path} is no model that we read: {type(error).__name__}",
            hint="save a fitted LinearRegression or LogisticRegression with skops.io.dump",
        ) from None
    if not isinstance(model, LinearRegression | LogisticRegression):
        raise ModelUnreadable(
            f"{path} holds a {type(model).__name__}", hint="use a LinearRegression or a LogisticRegression"
        )
    return model


def request_offer(
    request: OfferRequest, circuit: Circuit, contracts: Contracts, sender: Sender, store: ContentStore
) -> Receipt:
    """Publish circuit and request; the same request is sent once."""
    assert circuit_digest(circuit) == request.circuit
    store.put_block(encode_circuit(circuit))
    digest = store.put_block(documents.encode(request))
    return sender.send(f"request:{digest.hex()}", contracts.calls.request_offer(request.dataset, digest))
