"""What is for sale: datasets as their manifests describe them, and the offers that one buyer could take now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.chain.offers import offer_digest, signed_by
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.errors import HexchangeError, OfferNotFound, TimedOut
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.state import Dataset, MarketState
from hexchange.storage.store import ContentStore

READ_SECONDS = 20.0
"""How long the store may take for one small document."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A genuine offer with its EIP-712 digest (32 bytes), its circuit, and why it cannot be taken ("" if it can)."""

    signed: SignedOffer
    digest: bytes
    circuit: Circuit
    obstacle: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset of the catalogue; `manifest` is None where the store does not give it (`missing` says why)."""

    dataset: Dataset
    manifest: Manifest | None
    missing: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """The published offers of one dataset, newest first, and what was published and cannot be read, in words."""

    offers: tuple[Offered, ...]
    unread: tuple[str, ...]


class Catalogue:
    """What `buyer` sees in the market's state at block time `now`; all that comes from the store is verified.

    Every method raises TimedOut where chain or store do not answer.
    """

    def __init__(
        self, state: MarketState, now: int, contracts: Contracts, store: ContentStore, buyer: str
    ) -> None:
        """`buyer` is zero where nobody in particular looks."""
        self.state, self.now, self.contracts, self.store, self.buyer = state, now, contracts, store, buyer

    def search(self, words: str = "") -> list[Entry]:
        """Datasets that still sell and whose card holds every word of `words`, newest first."""
        wanted = words.lower().split()
        entries = [self._entry(dataset) for dataset in self.state.datasets.values() if not dataset.delisted]
        found = [entry for entry in entries if all(word in _text(entry) for word in wanted)]
        return sorted(found, key=lambda entry: -entry.dataset.id)

    def manifest(self, dataset: Dataset) -> Manifest:
        """The dataset's current manifest. Raises the store's errors and MalformedDocument."""
        return documents.parse(
            Manifest, self.store.get_block(dataset.manifest, Manifest.CAP, deadline=READ_SECONDS)
        )

    def offers(self, number: int) -> Shelf:
        """Everything that the owner of a dataset published and signed. Raises DatasetNotFound."""
        dataset = self.state.dataset(number)
        found: dict[bytes, Offered] = {}
        unread: list[str] = []
        for published in reversed(dataset.offers):
            for offered in self._published(dataset, published):
                if isinstance(offered, Offered):
                    found.setdefault(offered.digest, offered)
                else:
                    unread.append(offered)
        return Shelf(tuple(found.values()), tuple(unread))

    def offer(self, number: int, prefix: str) -> Offered:
        """The one published offer whose digest starts with `prefix` (hex). Raises OfferNotFound for none or several."""
        shelf = self.offers(number)
        digits = prefix.removeprefix("0x").lower()
        found = [offered for offered in shelf.offers if offered.digest.hex().startswith(digits)]
        if len(found) == 1:
            return found[0]
        unread = f"; of what was published, some cannot be read: {shelf.unread[0]}" if shelf.unread else ""
        raise OfferNotFound(
            f"{len(found)} offers of dataset {number} start with {prefix!r}{unread}",
            hint=f"`hexchange buy search {number}` shows them all; an offer in a file is given by its path",
        )

    def private(self, number: int, raw: bytes) -> Offered:
        """The one offer in a file from the owner, checked like a published one.

        Raises MalformedDocument, OfferNotFound for another dataset's or one that its owner did not sign, and the
        store's errors for its circuit.
        """
        signed = documents.parse(Offers, raw).offers
        if len(signed) != 1 or signed[0].offer.dataset != number:
            raise OfferNotFound(
                f"the file does not hold one offer of dataset {number}",
                hint="give the number of its dataset, and a file with one offer",
            )
        return self._offered(self.state.dataset(number), signed[0])

    def _entry(self, dataset: Dataset) -> Entry:
        try:
            return Entry(dataset, self.manifest(dataset), "")
        except TimedOut:
            raise
        except HexchangeError as error:
            return Entry(dataset, None, error.message)

    def _published(self, dataset: Dataset, digest: bytes) -> Iterator[Offered | str]:
        """The genuine offers of one published document, and why others cannot be read."""
        try:
            raw = self.store.get_block(digest, Offers.CAP, deadline=READ_SECONDS)
            signed_offers = documents.parse(Offers, raw).offers
        except TimedOut:
            raise
        except HexchangeError as error:
            yield error.message
            return
        for signed in signed_offers:
            try:
                yield self._offered(dataset, signed)
            except TimedOut:
                raise
            except HexchangeError as error:
                yield error.message

    def _offered(self, dataset: Dataset, signed: SignedOffer) -> Offered:
        offer = signed.offer
        genuine = signed_by(dataset.owner, offer, signed.signature, self.contracts)
        if offer.dataset != dataset.id or not genuine:
            raise OfferNotFound(
                f"an offer was not signed by the owner of dataset {dataset.id}",
                hint="ask the owner for an offer; this one opens no job",
            )
        digest = offer_digest(offer, self.contracts.chain_id, self.contracts.deployment.market)
        circuit = parse_circuit(self.store.get_block(offer.circuit, deadline=READ_SECONDS))
        return Offered(signed, digest, circuit, self._obstacle(dataset, signed, digest))

    def _obstacle(self, dataset: Dataset, signed: SignedOffer, digest: bytes) -> str:
        offer, use, own = signed.offer, self.state.offer(digest), self.buyer == dataset.owner
        obstacles = {
            "the dataset is delisted": dataset.delisted,
            "expired": self.now >= offer.expiry,
            "signed for a former manifest": offer.manifest != dataset.manifest,
            "signed before the owner cancelled all offers or sold the dataset": offer.epoch != dataset.epoch,
            "cancelled": use.cancelled,
            "used up": use.uses >= offer.max_uses,
            "for another buyer": offer.buyer not in (ZERO_ADDRESS, self.buyer),
            "no exact release is left": not own and offer.epsilon == 0 and dataset.exact_left < 1,
            "the privacy budget is too small": not own and offer.epsilon > dataset.epsilon_left,
        }
        return next((text for text, holds in obstacles.items() if holds), "")


def _text(entry: Entry) -> str:
    manifest = entry.manifest
    if manifest is None:
        return str(entry.dataset.id)
    columns = " ".join(column.name for column in manifest.columns)
    editions = " ".join(edition.name for edition in manifest.editions)
    return f"{entry.dataset.id} {manifest.title} {manifest.summary} {manifest.licence} {columns} {editions}".lower()
