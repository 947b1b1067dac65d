"""Asking an owner for an offer: the circuit goes into the store, and the request on chain."""

from __future__ import annotations

from hexchange.chain.contracts import Contracts
from hexchange.chain.sender import Receipt, Sender
from hexchange.circuit.document import Circuit, circuit_digest, encode_circuit
from hexchange.market import documents
from hexchange.market.messages import OfferRequest
from hexchange.storage.store import ContentStore


def request_offer(
    request: OfferRequest, circuit: Circuit, contracts: Contracts, sender: Sender, store: ContentStore
) -> Receipt:
    """Publish circuit and request; the same request is sent once."""
    assert circuit_digest(circuit) == request.circuit
    store.put_block(encode_circuit(circuit))
    digest = store.put_block(documents.encode(request))
    return sender.send(f"request:{digest.hex()}", contracts.calls.request_offer(request.dataset, digest))
