"""What is for sale: datasets as their manifests describe them, and the offers a buyer could take now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import ZERO_ADDRESS
from hexchange.chain.offers import offer_digest, recover_signer
from hexchange.circuit.document import Circuit, parse_circuit
from hexchange.errors import HexchangeError, OfferNotFound
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.state import Dataset, MarketState
from hexchange.storage.store import ContentStore

CIRCUIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Offered:
    """A signed offer with its EIP-712 digest (32 bytes), its circuit, and why it cannot be taken ("" if it can)."""

    signed: SignedOffer
    digest: bytes
    circuit: Circuit
    obstacle: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset of the catalogue; `manifest` is None where the store does not have it (`missing` says why)."""

    dataset: Dataset
    manifest: Manifest | None
    missing: str


class Catalogue:
    """Reads datasets and offers from the market's state and the content store; everything read is verified."""

    def __init__(self, state: MarketState, now: int, contracts: Contracts, store: ContentStore) -> None:
        self.state, self.now, self.contracts, self.store = state, now, contracts, store

    def search(self, words: str = "") -> list[Entry]:
        """Datasets that still sell and whose manifest holds every word of `words`, newest first."""
        entries = [self._entry(dataset) for dataset in self.state.datasets.values() if not dataset.delisted]
        wanted = words.lower().split()
        found = [entry for entry in entries if all(word in _text(entry) for word in wanted)]
        return sorted(found, key=lambda entry: -entry.dataset.id)

    def manifest(self, dataset: Dataset) -> Manifest:
        """The dataset's current manifest. Raises the store's errors and MalformedDocument."""
        return documents.parse(Manifest, self.store.get_block(dataset.manifest))

    def offers(self, number: int, buyer: str = ZERO_ADDRESS) -> list[Offered]:
        """Every published offer of the dataset, newest first; `obstacle` as seen by `buyer`."""
        dataset = self.state.dataset(number)
        seen: dict[bytes, Offered] = {}
        for published in reversed(dataset.offers):
            for offered in self._published(dataset, published, buyer):
                seen.setdefault(offered.digest, offered)
        return list(seen.values())

    def offer(self, number: int, prefix: str, buyer: str) -> Offered:
        """The one offer whose digest starts with `prefix` (hex). Raises OfferNotFound for none or several."""
        offers = self.offers(number, buyer)
        found = [
            offered
            for offered in offers
            if offered.digest.hex().startswith(prefix.removeprefix("0x").lower())
        ]
        if len(found) != 1:
            raise OfferNotFound(
                f"{len(found)} offers of dataset {number} start with {prefix!r}",
                hint=f"`hexchange buy search {number}` shows them all",
            )
        return found[0]

    def private(self, signed: SignedOffer, buyer: str) -> Offered:
        """An offer that came outside the chain, checked like a published one. Raises OfferNotFound if forged."""
        dataset = self.state.dataset(signed.offer.dataset)
        offered = self._offered(dataset, signed, buyer)
        if offered is None:
            raise OfferNotFound(
                "the owner of this dataset did not sign this offer", hint="ask the owner for another"
            )
        return offered

    def _entry(self, dataset: Dataset) -> Entry:
        try:
            return Entry(dataset, self.manifest(dataset), "")
        except HexchangeError as error:
            return Entry(dataset, None, error.message)

    def _published(self, dataset: Dataset, digest: bytes, buyer: str) -> Iterator[Offered]:
        """The genuine offers of one published document; a document that is gone or malformed holds none."""
        try:
            signed_offers = documents.parse(Offers, self.store.get_block(digest)).offers
        except HexchangeError:
            return
        for signed in signed_offers:
            try:
                offered = self._offered(dataset, signed, buyer)
            except HexchangeError:
                continue
            if offered is not None:
                yield offered

    def _offered(self, dataset: Dataset, signed: SignedOffer, buyer: str) -> Offered | None:
        offer = signed.offer
        market = self.contracts.deployment.market
        if offer.dataset != dataset.id:
            return None
        digest = offer_digest(offer, self.contracts.chain_id, market)
        if recover_signer(offer, signed.signature, self.contracts.chain_id, market) != dataset.owner:
            return None
        circuit = parse_circuit(self.store.get_block(offer.circuit, CIRCUIT_BYTES))
        return Offered(signed, digest, circuit, self._obstacle(dataset, signed, digest, buyer))

    def _obstacle(self, dataset: Dataset, signed: SignedOffer, digest: bytes, buyer: str) -> str:
        offer, use = signed.offer, self.state.offer(digest)
        exact = offer.epsilon == 0
        obstacles = {
            "the dataset is delisted": dataset.delisted,
            "expired": self.now >= offer.expiry,
            "signed for a former manifest": offer.manifest != dataset.manifest,
            "signed before the owner cancelled all offers or sold the dataset": offer.epoch != dataset.epoch,
            "cancelled": use.cancelled,
            "used up": use.uses >= offer.max_uses,
            "for another buyer": offer.buyer not in (ZERO_ADDRESS, buyer),
            "no exact release is left": exact and dataset.exact_left < 1 and buyer != dataset.owner,
            "the privacy budget is too small": offer.epsilon > dataset.epsilon_left
            and buyer != dataset.owner,
        }
        return next((text for text, holds in obstacles.items() if holds), "")


def _text(entry: Entry) -> str:
    manifest = entry.manifest
    if manifest is None:
        return str(entry.dataset.id)
    columns = " ".join(column.name for column in manifest.columns)
    editions = " ".join(edition.name for edition in manifest.editions)
    return f"{entry.dataset.id} {manifest.title} {manifest.summary} {manifest.licence} {columns} {editions}".lower()
