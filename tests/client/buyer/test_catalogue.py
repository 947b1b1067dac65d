"""What a buyer sees before any money: datasets, offers and why some cannot be taken, and quotes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from shop import OWNER, PRICE, PROVIDER, REWARD, Shop

from hexchange.chain.offers import sign_offer, signed_by
from hexchange.market import documents
from hexchange.market.messages import SignedOffer


def test_datasets_are_found_by_words_of_their_card(shop: Shop) -> None:
    (found,) = shop.buy("search", "applicants", "INCOME")["datasets"]
    assert (found["id"], found["owner"], found["rows"]) == (1, OWNER.address, 40)
    assert (found["columns"], found["editions"], found["exact_left"] > 0) == (
        ["age", "income"],
        ["linear"],
        True,
    )
    assert shop.buy("search", "yachts")["datasets"] == []
    assert shop.buy("search", "77", exit_code=4)["code"] == "dataset-not-found"


def test_an_offer_is_shown_and_quoted_in_full_before_any_money(shop: Shop) -> None:
    signed = shop.offer(guarantee=0)
    shop.publish(signed)
    listed = shop.buy("search", "1")
    (shown,) = (one for one in listed["offers"] if one["digest"] == "0x" + shop.digest(signed))
    assert (shown["price"], shown["obstacle"], shown["buyer"]) == (str(PRICE), None, None)
    assert listed["token"]["decimals"] == 18
    quoted = shop.buy(
        "quote", "1", shop.digest(signed)[:12], "--seats", "3", "--reward", "0.00000000000000002"
    )
    assert (quoted["price"], quoted["escrow"]) == ("500", "560")
    assert quoted["rewards"] == {"least": "30", "most": "60"}
    assert (quoted["seats"], quoted["epsilon"], quoted["numbers"]) == (3, 0, 40)
    assert quoted["longest"] == 9 * 2 + 4 * 2 + 2 * 10 + 5
    assert quoted["bytes"]["in"] > 0
    assert quoted["levels"] == 1
    assert quoted["noise"] is None


def cancelled(shop: Shop) -> SignedOffer:
    signed = shop.offer()
    shop.send(shop.contracts.calls.cancel_offer(signed.offer))
    return signed


def used_up(shop: Shop) -> SignedOffer:
    signed = shop.offer(max_uses=1)
    shop.open(signed)
    return signed


UNUSABLE: dict[str, Any] = {
    "expired": lambda shop: shop.offer(expiry=1000),
    "cancelled": cancelled,
    "used up": used_up,
    "for another buyer": lambda shop: shop.offer(buyer=PROVIDER.address),
    "former manifest": lambda shop: shop.offer(manifest=bytes(32)),
    "cancelled all offers": lambda shop: shop.offer(epoch=7),
    "privacy budget": lambda shop: shop.offer(epsilon=1_000_000),
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_an_offer_that_opens_no_job_says_why_and_costs_nothing(shop: Shop, reason: str) -> None:
    signed = UNUSABLE[reason](shop)
    shop.publish(signed)
    before = shop.jobs()
    (shown,) = (
        one for one in shop.buy("search", "1")["offers"] if one["digest"] == "0x" + shop.digest(signed)
    )
    assert reason in shown["obstacle"]
    for verb in ("quote", "open"):
        refused = shop.buy(verb, "1", shop.digest(signed), exit_code=9)
        assert (refused["code"], reason in refused["message"]) == ("offer-unusable", True)
    assert shop.jobs() == before


def test_an_offer_that_its_owner_did_not_sign_is_no_offer(shop: Shop) -> None:
    offer = shop.offer().offer
    forged = SignedOffer(offer, sign_offer(PROVIDER, offer, *shop.place))
    genuine = shop.offer()
    shop.publish(forged, genuine)
    listed = shop.buy("search", "1")
    digests = [one["digest"] for one in listed["offers"]]
    assert "0x" + shop.digest(genuine) in digests
    assert "0x" + shop.digest(forged) not in digests
    assert any("not signed by the owner" in reason for reason in listed["unread"])
    assert shop.buy("open", "1", str(shop.file(forged)), exit_code=4)["code"] == "offer-not-found"


def test_a_circuit_that_was_not_signed_opens_no_job(shop: Shop) -> None:
    signed = shop.offer()
    other = SignedOffer(replace(signed.offer, circuit=bytes(31) + b"\1"), signed.signature)
    assert shop.buy("open", "1", str(shop.file(other)), exit_code=4)["code"] == "offer-not-found"


def test_a_prefix_has_to_mean_one_offer(shop: Shop) -> None:
    assert shop.buy("quote", "1", "ffffffffffff", exit_code=4)["code"] == "offer-not-found"
    shop.publish(shop.offer(), shop.offer())
    several = shop.buy("quote", "1", "", exit_code=4)["message"]
    assert int(several.split(" offers")[0]) >= 2


def test_a_file_that_holds_no_offer_is_refused(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "offer.json"
    for content in (b"", b"{}", b"\xff\x00", documents.encode(shop.manifest)):
        file.write_bytes(content)
        assert shop.buy("open", "1", str(file), exit_code=8)["code"] == "malformed-document"
    shop.buy("open", "2", str(shop.file(shop.offer())), exit_code=4)
    two = shop.file(shop.offer(), shop.offer())
    assert shop.buy("open", "1", str(two), exit_code=4)["code"] == "offer-not-found"


@pytest.mark.parametrize(
    "terms",
    [
        ("--seats", "0"), ("--seats", "6"), ("--reward", "0.000000000000000001"), ("--reward", "1"), ("--fill", "1"),
        ("--fill", "90000"), ("--compute", "1"), ("--release", "4"), ("--release", "2592001"),
    ],
)  # fmt: skip
def test_terms_outside_the_bounds_name_the_bound(shop: Shop, terms: tuple[str, str]) -> None:
    refused = shop.buy("quote", "1", str(shop.file(shop.offer())), *terms, exit_code=2)
    assert refused["code"] == "terms-out-of-bounds"
    assert terms[0] in refused["hint"]


STORE = {"other bytes": 8, "fewer": 8, "more": 9, "nothing": 4}


@pytest.mark.parametrize("how", STORE)
def test_a_store_that_gives_wrong_bytes_fools_no_buyer(shop: Shop, how: str) -> None:
    signed = shop.offer()
    published, prefix = shop.publish(signed), shop.digest(signed)
    for digest in (signed.offer.manifest, signed.offer.circuit):
        with shop.spoilt(digest, how):
            shop.buy("quote", "1", str(shop.file(signed)), exit_code=STORE[how])
    with shop.spoilt(signed.offer.manifest, how):
        (entry,) = (one for one in shop.buy("search")["datasets"] if one["id"] == 1)
        assert (entry["title"], bool(entry["missing"])) == (None, True)
    with shop.spoilt(published, how):
        assert shop.buy("search", "1")["unread"]
        assert "cannot be read" in shop.buy("quote", "1", prefix, exit_code=4)["message"]
    assert shop.buy("quote", "1", prefix)["price"] == str(PRICE)  # nothing was lost


def test_a_store_that_is_not_there_is_named(shop: Shop) -> None:
    away = ("--store", "kubo:/ip4/127.0.0.1/tcp/9")
    assert shop.buy("search", *away, exit_code=6)["code"] == "store-unreachable"


def test_a_node_on_another_chain_or_without_our_contracts_is_refused(shop: Shop, tmp_path: Path) -> None:
    right = json.loads((shop.folder / "deployment.json").read_text())
    for change, code in (({"chain": 1}, "wrong-chain"), ({"market": OWNER.address}, "wrong-contracts")):
        file = tmp_path / "deployment.json"
        file.write_text(json.dumps(right | change))
        for words in (("search",), ("open", "1", str(shop.file(shop.offer())))):
            assert shop.buy(*words, "--deployment", str(file), exit_code=8)["code"] == code
    assert shop.buy("search", "--rpc-url", "http://127.0.0.1:9", exit_code=6)["code"] == "node-unreachable"


def test_a_contract_that_owns_a_dataset_signs_by_its_consent(shop: Shop) -> None:
    wallet = to_checksum_address("0x00000000000000000000000000000000c0ffee00")
    answers = {"1626ba7e": True, "ffffffff": False}
    signed = replace(shop.offer(), signature=b"\x01" * 80)
    for answer, consents in answers.items():
        # PUSH4 answer PUSH1 224 SHL PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
        shop.chain.rpc("anvil_setCode", wallet, f"0x63{answer}60e01b60005260206000f3")
        assert signed_by(wallet, signed.offer, signed.signature, shop.contracts) is consents
    shop.chain.rpc("anvil_setCode", wallet, "0x60006000fd")
    assert not signed_by(wallet, signed.offer, signed.signature, shop.contracts)
    assert not signed_by(PROVIDER.address, signed.offer, signed.signature, shop.contracts)


def test_a_job_on_a_contracts_dataset_is_opened(shop: Shop) -> None:
    wallet = to_checksum_address("0x00000000000000000000000000000000c0ffee01")
    shop.chain.rpc("anvil_setCode", wallet, "0x631626ba7e60e01b60005260206000f3")
    calls, digest = shop.contracts.calls, documents.digest(shop.manifest)
    shop.send(calls.list_dataset(digest, 0, 5))
    number = shop.contracts.views.dataset_count()
    shop.send(calls.transfer_dataset(OWNER.address, wallet, number))
    signed = replace(shop.offer(dataset=number, epoch=1), signature=b"\x02" * 80)
    assert shop.buy("open", str(number), str(shop.file(signed)))["escrow"] == str(PRICE + REWARD)
