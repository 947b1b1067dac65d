"""Documents that the chain names by digest: fetched beside the index, verified, kept in the database, read once.

Requests only look at what was read before, so neither a slow store nor a hostile document makes a reader wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from hexchange.chain.deployment import Deployment
from hexchange.chain.events import Offer
from hexchange.chain.offers import offer_digest, recover_signer
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.errors import BadSignature, ContentMissing, Refused, VerificationFailed
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.messages import Offers
from hexchange.market.state import MarketState
from hexchange.storage.store import ContentStore
from hexchange_backend.database import Database

PUBLICATIONS = 10
"""How many lists of offers of one dataset are read, the newest first: checking signatures takes time."""

MOST_OFFERS = 1000
"""Of one dataset, so that no owner makes a page slow."""

PATIENCE_SECONDS = 10.0
"""For one document that a store has to look for."""

ROUND_SECONDS = 20.0
"""For one round of fetching; then what is new comes first again."""

RETRY_SECONDS = 15.0
"""Before a missing document is asked for again; doubled each time, up to an hour."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Signed:
    """An offer with its EIP-712 digest (32 bytes) and the address whose key signed it."""

    offer: Offer
    digest: bytes
    signer: str


@dataclass(slots=True)
class Shelf(Generic[T]):
    """The documents of one kind that were read; `refused` are digests whose bytes are no such document."""

    read: Callable[[bytes], T]
    found: dict[bytes, T] = field(default_factory=dict)
    refused: set[bytes] = field(default_factory=set)


class Library:
    """Manifests, lists of offers and circuits of one market, as far as the content store has them."""

    def __init__(self, database: Database, store: ContentStore, deployment: Deployment) -> None:
        self._database, self._store, self._deployment = database, store, deployment
        self._manifests = Shelf(lambda body: documents.parse(Manifest, body))
        self._offers = Shelf(self._read_offers)
        self._circuits = Shelf(parse_circuit)
        self._asked: dict[bytes, tuple[int, float]] = {}  # how often, and when again
        self.missing = 0

    def collect(self, state: MarketState) -> None:
        """Read what the market names and was not read yet. Raises StoreUnreachable and the database's errors."""
        started = time.monotonic()
        wanted = list(self._wanted(state))
        due = [each for each in wanted if self._asked.get(each[1], (0, 0.0))[1] <= started]
        for shelf, digest in sorted(due, key=lambda each: self._asked.get(each[1], (0, 0.0))[0]):
            if time.monotonic() - started > ROUND_SECONDS:
                break
            self._take(shelf, digest)
        self.missing = sum(1 for shelf, digest in wanted if digest not in shelf.found)

    def manifest(self, digest: bytes) -> Manifest | None:
        """The manifest, or None while storage lacks it or where it is malformed."""
        return self._manifests.found.get(digest)

    def offers(self, published: Iterable[bytes]) -> Iterator[Signed]:
        """The offers of the newest of these lists, newest first; each was signed by somebody, see `signer`."""
        lists = (self._offers.found.get(digest, ()) for digest in reversed(tuple(published)[-PUBLICATIONS:]))
        return islice(chain.from_iterable(lists), MOST_OFFERS)

    def circuit(self, digest: bytes) -> Circuit | None:
        """The circuit, or None while storage lacks it or where it is malformed."""
        return self._circuits.found.get(digest)

    def _wanted(self, state: MarketState) -> Iterator[tuple[Shelf[Any], bytes]]:
        datasets = state.datasets.values()
        circuits = {job.circuit for job in state.jobs.values()}
        circuits |= {signed.offer.circuit for each in self._offers.found.values() for signed in each}
        published = {digest for dataset in datasets for digest in dataset.offers[-PUBLICATIONS:]}
        named = (
            (self._manifests, {dataset.manifest for dataset in datasets}),
            (self._circuits, circuits),
            (self._offers, published),
        )
        for shelf, digests in named:
            yield from ((shelf, digest) for digest in sorted(digests - shelf.found.keys() - shelf.refused))

    def _take(self, shelf: Shelf[Any], digest: bytes) -> None:
        body = self._database.document(digest)
        try:
            if body is None:
                body = self._store.get_block(digest, deadline=PATIENCE_SECONDS)
        except (ContentMissing, VerificationFailed, Refused):
            times, _ = self._asked.get(digest, (0, 0.0))
            again = time.monotonic() + min(RETRY_SECONDS * 2**times, 3600.0)
            self._asked[digest] = (times + 1, again)
            return
        try:
            shelf.found[digest] = shelf.read(body)
        except VerificationFailed:
            shelf.refused.add(digest)
            return
        self._database.keep(digest, body)

    def _read_offers(self, body: bytes) -> tuple[Signed, ...]:
        return tuple(self._signed(documents.parse(Offers, body)))

    def _signed(self, offers: Offers) -> Iterator[Signed]:
        place = (self._deployment.chain, self._deployment.market)
        for each in offers.offers:
            try:
                signer = recover_signer(each.offer, each.signature, *place)
                yield Signed(each.offer, offer_digest(each.offer, *place), signer)
            except BadSignature:
                continue
