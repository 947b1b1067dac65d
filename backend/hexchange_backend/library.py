"""Documents that the chain names by digest: fetched beside the index, verified, and kept in the database.

Requests only read what is kept, so a slow content store never makes a reader wait.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.errors import HexchangeError
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.messages import Offers
from hexchange.market.state import MarketState
from hexchange.storage.store import BLOCK_BYTES, ContentStore
from hexchange_backend.database import Database

RETRY_SECONDS = 30.0


class Library:
    """Manifests, offers and circuits. One that is missing is asked for again after a while, not each time."""

    def __init__(self, database: Database, store: ContentStore) -> None:
        self.database, self.store = database, store
        self._asked: dict[bytes, float] = {}

    def collect(self, state: MarketState) -> None:
        """Fetch what the market names and the database lacks."""
        for digest in self._named(state):
            waited = time.monotonic() - self._asked.get(digest, -RETRY_SECONDS)
            if waited >= RETRY_SECONDS and self.database.document(digest) is None:
                self._asked[digest] = time.monotonic()
                self._fetch(digest)

    def manifest(self, digest: bytes) -> Manifest | None:
        """The manifest, or None while storage lacks it or it is malformed."""
        body = self.database.document(digest)
        try:
            return None if body is None else documents.parse(Manifest, body)
        except HexchangeError:
            return None

    def offers(self, digest: bytes) -> Offers | None:
        """A published list of offers, or None."""
        body = self.database.document(digest)
        try:
            return None if body is None else documents.parse(Offers, body)
        except HexchangeError:
            return None

    def circuit(self, digest: bytes) -> Circuit | None:
        """A circuit, or None."""
        body = self.database.document(digest)
        try:
            return None if body is None else parse_circuit(body)
        except HexchangeError:
            return None

    def _named(self, state: MarketState) -> Iterator[bytes]:
        for dataset in state.datasets.values():
            yield dataset.manifest
            for published in dataset.offers:
                yield published
                offers = self.offers(published)
                yield from (signed.offer.circuit for signed in (offers.offers if offers else ()))
        yield from {job.circuit for job in state.jobs.values()}

    def _fetch(self, digest: bytes) -> None:
        try:
            self.database.keep(digest, self.store.get_block(digest, BLOCK_BYTES))
        except HexchangeError:
            return  # asked again later; pages say that it is missing
