from __future__ import annotations

from io import BytesIO

import pytest

from hexchange.errors import ContentMalformed
from hexchange.storage import tree
from hexchange.storage.cid import DAG_PB, RAW, Cid
from hexchange.storage.tree import BLOCK_BYTES, LINKS, Node

SIZES = [BLOCK_BYTES + 1, 3 * BLOCK_BYTES, LINKS * BLOCK_BYTES, LINKS * BLOCK_BYTES + 1]


def zeros(size: int):
    whole, rest = divmod(size, BLOCK_BYTES)
    yield from (b"\x00" * BLOCK_BYTES for _ in range(whole))
    if rest or not size:
        yield b"\x00" * rest


def build(size: int) -> tuple[Cid, dict[Cid, bytes]]:
    blocks: dict[Cid, bytes] = {}
    return tree.build(zeros(size), blocks.__setitem__), blocks


@pytest.mark.parametrize(
    "size", [BLOCK_BYTES + 1, 3 * BLOCK_BYTES, LINKS * BLOCK_BYTES, LINKS * BLOCK_BYTES + 1]
)
def test_the_leaves_of_a_tree_are_its_chunks_in_order(size: int):
    root, blocks = build(size)
    leaves = list(tree.leaves(blocks[root], blocks.__getitem__))
    assert tree.size(blocks[root]) == size == sum(leaf.size for leaf in leaves)
    assert all(len(blocks[leaf.cid]) == leaf.size for leaf in leaves)


def test_a_source_that_gives_less_than_asked_makes_the_same_tree():
    class Dripping(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 70_000))

    data = b"x" * (2 * BLOCK_BYTES + 5)
    assert tree.identify(Dripping(data)) == tree.identify(BytesIO(data))


def _flat(sizes: list[int], codec: int = RAW) -> bytes:
    return tree._encode([Node(Cid(codec, bytes(32)), size, size) for size in sizes])


GOOD = _flat([BLOCK_BYTES, 1])


def test_the_smallest_tree_is_accepted():
    assert [leaf.size for leaf in tree.leaves(GOOD, _no_more)] == [BLOCK_BYTES, 1]


@pytest.mark.parametrize(
    "root",
    [
        b"",
        b"\x00",
        b"\xff" * 1000,
        GOOD[:-1],
        GOOD + b"\x00",
        b"\x18\x01" + GOOD,
        _flat([]),
        _flat([0, 0]),
        _flat([1, 1]),
        _flat([1, BLOCK_BYTES]),
        _flat([BLOCK_BYTES * 2, 1]),
        _flat([BLOCK_BYTES] * (LINKS + 1)),
        _flat([BLOCK_BYTES, 1], DAG_PB),
        _flat([BLOCK_BYTES * LINKS, 1], RAW),
        _flat([2**63, 2**63]),
    ],
)
def test_a_root_of_any_other_shape_is_refused(root: bytes):
    with pytest.raises(ContentMalformed) as refused:
        list(tree.leaves(root, _no_more))
    assert refused.value.hint


def test_a_node_below_the_root_that_lies_about_its_size_is_refused():
    inner = _flat([BLOCK_BYTES] * 3)
    root = _flat([BLOCK_BYTES * LINKS, 1], DAG_PB)
    with pytest.raises(ContentMalformed):
        list(tree.leaves(root, lambda _cid: inner))


def test_a_tree_that_names_itself_ends():
    root = _flat([BLOCK_BYTES * LINKS, BLOCK_BYTES * LINKS], DAG_PB)
    with pytest.raises(ContentMalformed):
        list(tree.leaves(root, lambda _cid: root))


def _no_more(cid: Cid) -> bytes:
    raise AssertionError(f"nothing below the root may be asked for: {cid}")
