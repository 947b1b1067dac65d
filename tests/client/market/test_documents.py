"""Documents have one encoding, and nothing else is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hexchange.chain.events import Offer
from hexchange.errors import EditionNotFound, MalformedDocument
from hexchange.market.documents import digest, encode, parse
from hexchange.market.manifests import Blob, Column, Edition, Manifest
from hexchange.market.messages import OfferRequest, Offers, SignedOffer
from hexchange.market.results import Provenance, ReleasedOutput, ReleasedResult, ResultManifest, SealedResult

OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BLOB = Blob("bafkrei" + "a" * 52, 107_000)
AGE = Column("age", "number", "feature", "years", 0, 120.5)
STATS = Edition("stats", b"\x01" * 32, "columns", 2, {"age": (BLOB, BLOB)}, BLOB, {"1": BLOB, "16": BLOB})
MANIFEST = Manifest(
    title="Patients",
    summary="A table.\nOf patients.",
    licence="CC-BY-4.0",
    columns=(AGE,),
    rows=569,
    row_norm=1.5,
    ranges="declared",
    editions=(STATS,),
    delta=1 / 5690,
    format="SEAL 4.3",
    sample=None,
    version=1,
    previous=None,
)
OFFER = Offer(
    1,
    0,
    b"\x01" * 32,
    b"\x02" * 32,
    OWNER,
    OWNER,
    10**30,
    0,
    0,
    1,
    1,
    5,
    300,
    600,
    1 << 40,
    (1 << 256) - 1,
    b"\x03" * 32,
)
OFFERS = Offers((SignedOffer(OFFER, b"\x04" * 65),))
REQUEST = OfferRequest(1, OWNER, b"\x02" * 32, 10**24, 3, 5, 250_000, "a study")
RESULT = ResultManifest(7, "ok", None, (BLOB,), b"\x05" * 32)
FAILED = ResultManifest(7, "failed", "scale-overflow", (), b"\x05" * 32)
SEALED = SealedResult(7, BLOB.cid, 1000)
PROVENANCE = Provenance(31337, OWNER, 7, 1, b"\x01" * 32, b"\x02" * 32, b"\x06" * 32, "stats")
RELEASED = ReleasedResult(PROVENANCE, 0, None, (ReleasedOutput("mean", (2,), "0.001", (-1, 3), 1e-7, None),))
ALL = [MANIFEST, OFFERS, REQUEST, RESULT, FAILED, SEALED, RELEASED]


def tree(document: Any) -> Any:
    return json.loads(encode(document))


def refused(kind: type[Any], value: Any) -> str:
    with pytest.raises(MalformedDocument) as caught:
        parse(kind, rfc8785.dumps(value))
    return caught.value.message


@pytest.mark.parametrize("document", ALL, ids=lambda document: type(document).__name__)
def test_a_document_reads_back_and_its_digest_is_that_of_its_bytes(document: Any) -> None:
    raw = encode(document)
    assert parse(type(document), raw) == document
    assert digest(document) == hashlib.sha256(raw).digest()
    assert rfc8785.dumps(json.loads(raw)) == raw


@pytest.mark.parametrize("document", ALL, ids=lambda document: type(document).__name__)
def test_no_field_may_be_missing_added_or_of_another_kind(document: Any) -> None:
    plain = tree(document)
    for name in plain:
        refused(type(document), {key: value for key, value in plain.items() if key != name})
        refused(type(document), {**plain, name: {"absurd": True}})
    refused(type(document), {**plain, "more": 1})
    refused(type(document), [plain])


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b'"rows":569', b'"rows": 569'),
        lambda raw: raw.replace(b'"rows":569', b'"rows":5.69e2'),
        lambda raw: raw.replace(b'"rows":569', b'"rows":569,"rows":569'),
        lambda raw: raw.replace(b"120.5", b"120.50"),
        lambda raw: raw.replace(b"Patients", b"P\\u0061tients"),
        lambda raw: raw + b"\n",
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw[:-1],
        lambda raw: b"",
        lambda raw: b"\xff\xfe",
        lambda raw: b"[" * 100_000,
    ],
)
def test_only_the_canonical_bytes_are_read(change: Any) -> None:
    raw = encode(MANIFEST)
    assert change(raw) != raw
    with pytest.raises(MalformedDocument):
        parse(Manifest, change(raw))


def test_too_many_bytes_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(MalformedDocument, match="at most 1048576"):
        parse(Manifest, b" " * (Manifest.CAP + 1))


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1e16", b"-0", b'"1"', b"true"]
)
def test_absurd_numbers_are_refused(number: bytes) -> None:
    raw = encode(replace(MANIFEST, columns=(replace(AGE, low=-7777.0),)))
    with pytest.raises(MalformedDocument):
        parse(Manifest, raw.replace(b"-7777", number))


@pytest.mark.parametrize("rows", [0, -1, 1 << 41, 10**300])
def test_absurd_counts_of_rows_are_refused(rows: int) -> None:
    raw = encode(MANIFEST).replace(b'"rows":569', f'"rows":{rows}'.encode())
    with pytest.raises(MalformedDocument):
        parse(Manifest, raw)


@pytest.mark.parametrize("amount", ["-1", "01", "", "1.0", "1e3", "٣", str(1 << 256), "9" * 100, 5])
def test_amounts_are_plain_decimal_strings_of_base_units(amount: Any) -> None:
    refused(OfferRequest, {**tree(REQUEST), "price": amount})
    offers = tree(OFFERS)
    offers["offers"][0]["offer"]["price"] = amount
    refused(Offers, offers)


@pytest.mark.parametrize("address", [OWNER.lower(), OWNER[:-1], "0x" + "0" * 39 + "g", "", 5])
def test_addresses_are_checksummed(address: Any) -> None:
    refused(OfferRequest, {**tree(REQUEST), "buyer": address})
    offers = tree(OFFERS)
    offers["offers"][0]["offer"]["payee"] = address
    refused(Offers, offers)


@pytest.mark.parametrize("value", ["AB" * 32, "ab" * 31, "0x" + "ab" * 31, "zz" * 32, "a b" * 21 + "a", None])
def test_digests_are_lower_case_hex_of_32_bytes(value: Any) -> None:
    refused(OfferRequest, {**tree(REQUEST), "circuit": value})


def test_one_document_holds_the_offers_of_one_dataset() -> None:
    other = SignedOffer(replace(OFFER, dataset=2), b"\x04" * 65)
    assert "one dataset" in refused(
        Offers, {**tree(OFFERS), "offers": [*tree(OFFERS)["offers"], *tree(Offers((other,)))["offers"]]}
    )


def test_names_are_unique() -> None:
    plain = tree(MANIFEST)
    assert "twice" in refused(Manifest, {**plain, "columns": plain["columns"] * 2})
    assert "twice" in refused(Manifest, {**plain, "editions": plain["editions"] * 2})


def test_every_input_has_one_blob_per_block() -> None:
    plain = tree(MANIFEST)
    plain["editions"][0]["blocks"] = 3
    assert "needs 1 or 3 blobs" in refused(Manifest, plain)


def test_a_range_must_not_be_empty() -> None:
    plain = tree(MANIFEST)
    plain["columns"][0]["high"] = 0
    assert "low < high" in refused(Manifest, plain)


def test_delta_is_at_most_a_tenth_of_a_row() -> None:
    assert "delta" in refused(Manifest, {**tree(MANIFEST), "delta": 1 / 5689})


def test_only_the_first_version_has_none_before_it() -> None:
    plain = tree(MANIFEST)
    refused(Manifest, {**plain, "version": 2})
    assert parse(Manifest, rfc8785.dumps({**plain, "version": 2, "previous": "ab" * 32})).version == 2


@pytest.mark.parametrize("change", [{"status": "failed"}, {"code": "x"}, {"outputs": []}, {"status": "done"}])
def test_a_result_is_whole_or_failed(change: dict[str, Any]) -> None:
    refused(ResultManifest, {**tree(RESULT), **change})


def test_two_jobs_never_share_a_digest() -> None:
    assert digest(RESULT) != digest(replace(RESULT, job=8))
    assert digest(RESULT) != digest(replace(RESULT, trace=b"\x06" * 32))


def test_released_values_are_multiples_of_the_grid() -> None:
    assert RELEASED.outputs[0].values() == (-0.001, 0.003)


@pytest.mark.parametrize(
    "change", [{"shape": [3]}, {"grid": "0"}, {"grid": "0.10"}, {"grid": "1e-3"}, {"counts": [1, 1 << 53]}]
)
def test_a_released_output_is_exactly_its_shape_on_its_grid(change: dict[str, Any]) -> None:
    plain = tree(RELEASED)
    plain["outputs"][0].update(change)
    with pytest.raises((MalformedDocument, rfc8785.CanonicalizationError)):
        parse(ReleasedResult, rfc8785.dumps(plain))


def test_an_exact_release_has_no_noise() -> None:
    refused(ReleasedResult, {**tree(RELEASED), "delta": 1e-6})


def test_encode_refuses_what_parse_would_refuse() -> None:
    for wrong in (
        replace(MANIFEST, licence=""),
        replace(MANIFEST, title="\x00"),
        replace(MANIFEST, title="\ud800"),
    ):
        with pytest.raises(MalformedDocument):
            encode(wrong)


def test_an_unknown_edition_names_those_there_are() -> None:
    assert MANIFEST.edition("stats") is STATS
    with pytest.raises(EditionNotFound) as caught:
        MANIFEST.edition("train")
    assert "stats" in caught.value.hint


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_is_raised(raw: bytes) -> None:
    for kind in (Manifest, Offers, OfferRequest, ResultManifest, SealedResult, ReleasedResult):
        with pytest.raises(MalformedDocument):
            parse(kind, raw)
