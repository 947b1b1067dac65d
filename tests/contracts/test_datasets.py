"""listDataset, updateManifest, delist, the offers' announcements and the dataset's token."""

from __future__ import annotations

import json

import brownie
import pytest
from stage import EPSILON_BUDGET, EXACT, MANIFEST, NOBODY, ZERO, digest, reverts

OTHER = digest("other manifest")


# ------------------------------------------------------------------------------------------------- listDataset


def test_a_manifest_is_not_zero(stage, owner):
    with reverts("ManifestZero"):
        stage.market.listDataset(ZERO, 1, 1, {"from": owner})


def test_a_listing_mints_the_token_and_fixes_the_budgets(stage, stranger):
    done = stage.market.listDataset(OTHER, 500_000, 3, {"from": stranger})
    assert dict(done.events["DatasetListed"]) == {
        "dataset": 2,
        "owner": stranger,
        "manifest": "0x" + OTHER.hex(),
        "epsilonBudget": 500_000,
        "exactReleases": 3,
    }
    assert done.return_value == stage.market.datasetCount() == 2
    assert stage.market.ownerOf(2) == stranger
    assert stage.market.datasetOf(2).dict() == {
        "manifest": "0x" + OTHER.hex(),
        "epoch": 0,
        "delisted": False,
        "epsilon": {"limit": 500_000, "reserved": 0, "spent": 0},
        "exact": {"limit": 3, "reserved": 0, "spent": 0},
    }


def test_a_listing_stays_below_its_gas_ceiling(stage, stranger):
    assert stage.market.listDataset(OTHER, 500_000, 0, {"from": stranger}).gas_used <= 150_000


# ------------------------------------------------------------------------------------------------- updateManifest


def test_only_the_owner_updates_the_manifest(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.updateManifest(1, OTHER, {"from": stranger})


def test_a_manifest_is_not_updated_to_zero(stage, owner):
    with reverts("ManifestZero"):
        stage.market.updateManifest(1, ZERO, {"from": owner})


def test_an_update_is_announced_to_holders_of_tokens_too(stage, owner):
    done = stage.market.updateManifest(1, OTHER, {"from": owner})
    assert dict(done.events["ManifestUpdated"]) == {"dataset": 1, "manifest": "0x" + OTHER.hex()}
    assert dict(done.events["MetadataUpdate"]) == {"_tokenId": 1}
    assert bytes(stage.market.datasetOf(1)[0]) == OTHER


# ------------------------------------------------------------------------------------------------- delist


def test_only_the_owner_delists(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.delist(1, {"from": stranger})


def test_a_dataset_is_delisted_once_and_for_good(stage, owner):
    done = stage.market.delist(1, {"from": owner})
    assert dict(done.events["DatasetDelisted"]) == {"dataset": 1}
    with reverts("AlreadyDelisted", 1):
        stage.market.delist(1, {"from": owner})


def test_jobs_that_are_open_outlive_the_delisting(stage, owner):
    job = stage.proposed()
    stage.market.delist(1, {"from": owner})
    stage.market.release(job, digest("sealed"), b"", {"from": owner})


# ------------------------------------------------------------------------------------------------- announcements


def test_an_offer_is_requested_for_a_dataset_that_exists(stage, stranger):
    with reverts("ERC721NonexistentToken", 9):
        stage.market.requestOffer(9, OTHER, {"from": stranger})


def test_anyone_may_request_an_offer(stage, stranger):
    done = stage.market.requestOffer(1, OTHER, {"from": stranger})
    assert dict(done.events["OfferRequested"]) == {
        "dataset": 1,
        "buyer": stranger,
        "request": "0x" + OTHER.hex(),
    }


def test_only_the_owner_publishes_offers(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.publishOffers(1, OTHER, {"from": stranger})
    done = stage.market.publishOffers(1, OTHER, {"from": owner})
    assert dict(done.events["OffersPublished"]) == {"dataset": 1, "offers": "0x" + OTHER.hex()}


# ------------------------------------------------------------------------------------------------- cancelOffer


def test_only_the_owner_cancels_an_offer(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.cancelOffer(tuple(stage.offer().values()), {"from": stranger})


def test_a_cancelled_offer_is_marked_for_good(stage, owner):
    offer = tuple(stage.offer().values())
    key = stage.market.offerDigestOf(offer)
    done = stage.market.cancelOffer(offer, {"from": owner})
    assert dict(done.events["OfferCancelled"]) == {"dataset": 1, "offerDigest": key}
    assert tuple(stage.market.offerUseOf(key)) == (0, True)


# ------------------------------------------------------------------------------------------------- cancelAllOffers


def test_only_the_owner_cancels_all_offers(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.cancelAllOffers(1, {"from": stranger})


def test_cancelling_all_offers_raises_the_epoch(stage, owner):
    done = stage.market.cancelAllOffers(1, {"from": owner})
    assert dict(done.events["EpochRaised"]) == {"dataset": 1, "epoch": 1}
    assert stage.market.datasetOf(1)[1] == 1


# ------------------------------------------------------------------------------------------------- the token


def test_a_transfer_raises_the_epoch_also_on_the_way_back(stage, owner, stranger):
    done = stage.market.transferFrom(owner, stranger, 1, {"from": owner})
    assert dict(done.events["EpochRaised"]) == {"dataset": 1, "epoch": 1}
    stage.market.transferFrom(stranger, owner, 1, {"from": stranger})
    assert stage.market.datasetOf(1)[1] == 2


def test_a_former_owner_has_no_say(stage, owner, stranger):
    stage.market.transferFrom(owner, stranger, 1, {"from": owner})
    for call in (stage.market.delist, stage.market.cancelAllOffers):
        with reverts("CallerNotOwner", str(owner), str(stranger)):
            call(1, {"from": owner})
    stage.market.delist(1, {"from": stranger})


def test_the_token_names_the_manifest_as_a_cid_in_base_16(stage):
    assert stage.market.tokenURI(1) == "ipfs://f01551220" + MANIFEST.hex()
    with reverts("ERC721NonexistentToken", 2):
        stage.market.tokenURI(2)


@pytest.mark.parametrize(
    ("interface", "known"),
    [
        ("0x01ffc9a7", True),
        ("0x80ac58cd", True),
        ("0x5b5e139f", True),
        ("0x49064906", True),
        ("0x2a55205a", True),
        ("0xffffffff", False),
    ],
)
def test_the_market_says_which_interfaces_it_has(stage, interface, known):
    assert stage.market.supportsInterface(interface) is known


def test_the_collection_describes_itself_without_a_server(stage):
    kind, _, text = stage.market.contractURI().partition(",")
    assert kind == "data:application/json;utf8"
    assert json.loads(text) == {"name": "Hexchange datasets"}


def test_budgets_start_unused(stage):
    dataset = stage.market.datasetOf(1).dict()
    assert dataset["epsilon"] == {"limit": EPSILON_BUDGET, "reserved": 0, "spent": 0}
    assert dataset["exact"] == {"limit": EXACT, "reserved": 0, "spent": 0}


def test_nobody_mints_by_transfer_from_nobody(stage, stranger):
    with brownie.reverts():
        stage.market.transferFrom(NOBODY, stranger, 7, {"from": stranger})
