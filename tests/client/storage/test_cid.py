from __future__ import annotations

import hashlib

import libipld
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexchange.errors import BadCid
from hexchange.storage.cid import DAG_PB, RAW, Cid

EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"  # the empty raw block, known everywhere


def test_the_empty_block_has_its_well_known_name():
    assert str(Cid.of(b"")) == EMPTY
    assert Cid.parse(EMPTY) == Cid.raw(hashlib.sha256(b"").digest())


@given(st.binary(min_size=32, max_size=32), st.sampled_from([RAW, DAG_PB]))
def test_another_library_reads_the_same_cid(digest: bytes, codec: int):
    cid = Cid(codec, digest)
    other = libipld.decode_cid(str(cid))
    assert (other["version"], other["codec"], other["hash"]["code"]) == (1, codec, 0x12)
    assert other["hash"]["digest"] == digest
    assert libipld.encode_cid(cid.binary) == str(cid)
    assert Cid.parse(str(cid)) == cid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        EMPTY[:-1],
        EMPTY + "a",
        EMPTY.upper(),
        EMPTY[:20] + EMPTY[20].upper() + EMPTY[21:],
        EMPTY[:-1] + "v",  # other unused bits at the end, same hash
        "z" + EMPTY[1:],
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n",
        "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua",  # dag-cbor
        "bafkrei" + "é" * 52,
        "../" * 19 + "ab",
    ],
)
def test_any_other_text_is_refused(text: str):
    with pytest.raises(BadCid) as refused:
        Cid.parse(text)
    assert refused.value.hint


def test_a_digest_of_another_length_is_refused():
    with pytest.raises(BadCid):
        Cid.raw(b"\x00" * 31)
