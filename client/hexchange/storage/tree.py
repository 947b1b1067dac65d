"""Files as trees of blocks: balanced UnixFS, raw leaves of 1 MiB, 174 links a node, the same bytes as Kubo's.

The size of a file fixes the whole shape of its tree, so a tree of any other shape is refused: nobody can make
a reader walk deeper or wider than the declared size allows.
Formats: https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from hexchange.errors import BadCid, ContentMalformed
from hexchange.storage.cid import DAG_PB, RAW, Cid

BLOCK_BYTES = 1 << 20
LINKS = 174


@dataclass(frozen=True, slots=True)
class Node:
    """A subtree: its CID, the bytes of the file below it, and the bytes of all its blocks."""

    cid: Cid
    size: int
    stored: int


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """The leaves of a file, at least one: each of BLOCK_BYTES but the last."""
    chunk = _read_full(source)
    yield chunk
    while len(chunk) == BLOCK_BYTES and (chunk := _read_full(source)):
        yield chunk


def build(leaves: Iterable[bytes], save: Callable[[Cid, bytes], None]) -> Cid:
    """Hand every block of the tree over `leaves` to `save`, children first; the root's CID."""
    level = []
    for leaf in leaves:
        level.append(Node(Cid.of(leaf), len(leaf), len(leaf)))
        save(level[-1].cid, leaf)
    while len(level) > 1:
        groups = [level[start : start + LINKS] for start in range(0, len(level), LINKS)]
        level = [_join(group, save) for group in groups]
    return level[0].cid


def identify(source: BinaryIO) -> Cid:
    """The CID of a file, computed without storing anything."""
    return build(chunks(source), lambda _cid, _block: None)


def size(root: bytes) -> int:
    """Bytes of the whole file, as the inner node at its root says."""
    return sum(node.size for node in _decode(root))


def leaves(root: bytes, load: Callable[[Cid], bytes]) -> Iterator[Node]:
    """The leaves of the file below a root node, in order; `load` returns verified inner nodes.

    Raises ContentMalformed at the first node that is not what `build` makes for a file of this size.
    """
    total = size(root)
    height = 1
    while BLOCK_BYTES * LINKS**height < total:
        height += 1
    yield from _below(_decode(root), total, height, load)


def _below(nodes: list[Node], total: int, height: int, load: Callable[[Cid], bytes]) -> Iterator[Node]:
    """The leaves below a node of this height; its children must be those that `total` bytes have."""
    span = BLOCK_BYTES * LINKS ** (height - 1)
    if total > span * LINKS or [node.size for node in nodes] != [
        min(span, total - start) for start in range(0, total, span)
    ]:
        raise ContentMalformed("the sizes in a file's tree do not fit together", hint=_HINT)
    if {node.cid.codec for node in nodes} != {RAW if height == 1 else DAG_PB}:
        raise ContentMalformed("a file's tree is deeper or flatter than its size", hint=_HINT)
    for node in nodes:
        if height == 1:
            yield node
        else:
            yield from _below(_decode(load(node.cid)), node.size, height - 1, load)


def _join(group: list[Node], save: Callable[[Cid, bytes], None]) -> Node:
    block = _encode(group)
    cid = Cid.of(block, DAG_PB)
    save(cid, block)
    return Node(cid, sum(node.size for node in group), len(block) + sum(node.stored for node in group))


def _read_full(source: BinaryIO) -> bytes:
    """One chunk, also from a pipe or socket that returns less than asked."""
    parts = []
    missing = BLOCK_BYTES
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


# --- protobuf, as much as these two messages need -------------------------------------------------


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _encode(nodes: list[Node]) -> bytes:
    links = (
        _message(2, _message(1, node.cid.binary) + _message(2, b"") + _number(3, node.stored))
        for node in nodes
    )
    sizes = (_number(4, node.size) for node in nodes)
    unixfs = _number(1, 2) + _number(3, sum(node.size for node in nodes)) + b"".join(sizes)
    return b"".join(links) + _message(1, unixfs)


def _decode(block: bytes) -> list[Node]:
    """Read an inner node; raises ContentMalformed unless `_encode` writes exactly these bytes."""
    try:
        *links, (_, unixfs) = _fields(block)
        sizes = [length for field, length in _fields(unixfs) if field == 4]
        nodes = [_link(dict(_fields(link)), length) for (_, link), length in zip(links, sizes, strict=True)]
        if _encode(nodes) == block:
            return nodes
    except (ValueError, IndexError, KeyError, TypeError, BadCid):
        pass
    raise ContentMalformed("a block is not an inner node of a file's tree", hint=_HINT)


def _link(link: dict[int, Any], length: int) -> Node:
    return Node(Cid(link[1][1], link[1][4:]), length, link[3])


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and values: bytes for length-delimited fields, else integers."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if key & 7 == 2:
            yield key >> 3, data[at : at + value]
            at += value
        else:
            yield key >> 3, value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        number |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return number, at
    raise ValueError("a number of more than ten bytes")


_HINT = "the publisher has to put the file again: 1 MiB chunks, raw leaves, 174 links a node"
