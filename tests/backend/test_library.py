"""Documents that the chain names: only genuine ones are shown, missing ones are asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_market import OWNER, STRANGER, TOKEN, WALLETS, SampleMarket, manifest, sample_market

from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.storage.folder import FolderStore
from hexchange_backend import library as library_module
from hexchange_backend.database import Database
from hexchange_backend.indexer import View
from hexchange_backend.library import Library
from hexchange_backend.views import Views


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleMarket]:
    with sample_market(tmp_path_factory.mktemp("market")) as made:
        made.list_dataset(manifest())
        made.list_dataset(manifest("Another table"))
        yield made


@pytest.fixture
def database(market: SampleMarket, tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "index.sqlite", market.contracts.deployment)
    yield made
    made.close()


@pytest.fixture
def library(market: SampleMarket, database: Database) -> Library:
    return Library(database, market.store, market.contracts.deployment)


def views(market: SampleMarket, library: Library) -> Views:
    head = market.contracts.node.tip("latest").ref
    return Views(View(market.state, head, head.number), library, market.contracts, 0)


def test_only_what_the_owner_signed_for_this_dataset_is_an_offer(
    market: SampleMarket, library: Library
) -> None:
    genuine = market.sign(market.offer(1, price=7 * TOKEN))
    forged = market.sign(market.offer(1, price=1), WALLETS[2])
    broken = type(genuine)(market.offer(1, price=2), bytes(65))
    market.publish(1, forged, genuine, broken)
    market.publish(1, market.sign(market.offer(2, price=3)))
    market.publish(1, genuine)
    library.collect(market.state)
    assert [offer.price for offer in views(market, library).offers(1)] == [str(7 * TOKEN)]
    assert list(views(market, library).offers(2)) == []
    assert library.missing == 0


def test_an_offer_closes_when_it_can_no_longer_be_taken(market: SampleMarket, library: Library) -> None:
    number = market.list_dataset(manifest("Closing"), epsilon=1_000_000, exact=0)
    now = market.contracts.node.tip("latest").ref.timestamp
    changes: dict[str, dict[str, Any]] = {
        "open": {"epsilon": 1_000_000},
        "expired": {"epsilon": 1, "expiry": now},
        "over budget": {"epsilon": 1_000_001},
        "no exact release left": {},
        "another manifest": {"epsilon": 1, "manifest": bytes(32)},
        "another epoch": {"epsilon": 1, "epoch": 1},
        "cancelled": {"epsilon": 1, "price": 5},
    }
    offers = [market.offer(number, **fields) for fields in changes.values()]
    market.publish(number, *(market.sign(offer) for offer in offers))
    market.send(market.contracts.calls.cancel_offer(offers[-1]), OWNER)
    library.collect(market.state)
    answers = views(market, library)
    assert [offer.open for offer in answers.offers(number)] == [name == "open" for name in changes]
    market.send(market.contracts.calls.delist(number), OWNER)
    assert not any(offer.open for offer in answers.offers(number))
    assert number not in [dataset.id for dataset in answers.datasets()]
    assert answers.dataset(number).delisted


def test_a_missing_document_is_asked_for_again(
    market: SampleMarket, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    library = Library(database, store, market.contracts.deployment)
    library.collect(market.state)
    assert library.missing >= 2
    dataset = views(market, library).dataset(1)
    assert (dataset.title, dataset.card, dataset.editions) == (None, None, None)
    store.put_block(documents.encode(manifest()))
    library.collect(market.state)
    assert views(market, library).dataset(1).title is None, "not yet: it was asked for just now"
    monkeypatch.setattr(library_module, "RETRY_SECONDS", 0.0)
    again = Library(database, FolderStore(tmp_path / "empty"), market.contracts.deployment)
    again.collect(market.state)
    again._store = store
    again.collect(market.state)
    assert views(market, again).dataset(1).title == "Measurements of 569 tumours"


def test_a_document_is_kept_when_the_store_forgets_it(
    market: SampleMarket, database: Database, library: Library, tmp_path: Path
) -> None:
    library.collect(market.state)
    restarted = Library(database, FolderStore(tmp_path / "empty"), market.contracts.deployment)
    restarted.collect(market.state)
    assert views(market, restarted).dataset(1) == views(market, library).dataset(1)
    assert restarted.missing == 0


def test_bytes_that_are_no_such_document_are_neither_shown_nor_kept(
    market: SampleMarket, database: Database, library: Library
) -> None:
    listed = market.state.dataset(1).manifest
    digest = market.store.put_block(b'{"kind":"dataset"}')
    market.send(market.contracts.calls.update_manifest(1, digest), OWNER)
    market.send(market.contracts.calls.publish_offers(1, listed), OWNER)
    library.collect(market.state)
    assert views(market, library).dataset(1).title is None
    assert database.document(digest) is None
    assert database.document(listed) is None, "it is a manifest, published as offers"
    assert library.missing == 2
    market.send(market.contracts.calls.update_manifest(1, listed), OWNER)
    library.collect(market.state)
    assert views(market, library).dataset(1).title == "Measurements of 569 tumours"


def test_a_dataset_that_was_sold_shows_no_offer_of_its_former_owner(
    market: SampleMarket, library: Library
) -> None:
    number = market.list_dataset(manifest("Sold"))
    market.publish(number, market.sign(market.offer(number)))
    library.collect(market.state)
    assert len(list(views(market, library).offers(number))) == 1
    market.send(market.contracts.calls.transfer_dataset(OWNER, STRANGER, number), OWNER)
    assert list(views(market, library).offers(number)) == []


def test_one_document_of_the_largest_size_is_read(market: SampleMarket, library: Library) -> None:
    plain = manifest()
    column = plain.columns[0]
    columns = tuple(type(column)(f"{'c' * 120}{n}", "number", "feature", "", 0.0, 1.0) for n in range(4096))
    document: Manifest = manifest("Wide", columns=columns)
    number = market.list_dataset(document)
    library.collect(market.state)
    assert views(market, library).dataset(number).columns == 4096
    assert len(documents.encode(document)) > 800_000
