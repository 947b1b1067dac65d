"""The chain as a sequence of proven blocks with the market's events: for workers and for the indexer.

Every block is the child, by hash, of the one before. Which blocks hold events of ours is read from the log
filter in each header, which never misses one, and their logs are asked for by block hash: no answer for a
range is believed to be complete. What is read is dropped if the chain moved while it was being read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef, Event
from hexchange.chain.node import Header
from hexchange.errors import NodeUnreachable, NotFound, StaleNode

MAX_SPAN = 256
MAX_DEPTH = 95
"""A head further below ours than this belongs to a node that is behind: nothing is concluded from it."""
_QUICK_SECONDS, _SLOW_SECONDS = 0.5, 2.0


class Reorged(Exception):
    """The last block that the caller knows left the chain: find `common`, drop what is above it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block, its parent's hash, and the market's events in it, in order."""

    ref: BlockRef
    parent: bytes
    events: tuple[Event, ...]


class Reader:
    """Reads one market. It keeps no position: the caller's last block is the cursor."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts, self._node = contracts, contracts.node
        self._filters = [_bloom(address) for address in contracts.addresses]
        self._span = 16

    def tip(self, finality: str = "latest") -> BlockRef:
        """The newest block of that finality: `latest` is seen, `safe` and `finalized` are not undone."""
        return self._node.tip(finality).ref

    def read(self, after: BlockRef | None, finality: str = "latest") -> Iterator[Block]:
        """Blocks above `after` (None: from the deployment's) up to the tip of `finality`.

        Raises Reorged where `after` or a block already given left the chain; StaleNode where
        the node's head is far below `after`; NodeUnreachable. What was given before stays given.
        """
        tip = self._node.tip(finality)
        if after is not None and not self._reaches(tip, after):
            return
        last = after
        number = self._contracts.deployment.block if after is None else after.number + 1
        while number <= tip.ref.number:
            count = min(self._span, tip.ref.number - number + 1)
            blocks = self._read_span(last, number, count)
            for block in blocks:
                yield block
                last = block.ref
            number += count

    def common(self, known: Sequence[BlockRef]) -> BlockRef:
        """The newest of the caller's blocks that is still on the chain.

        `known` is what the caller may drop and the newest block it must keep. Raises StaleNode where the node
        is behind and proves nothing, Reorged where all of `known` is gone: the caller stops or starts anew.
        """
        head = self._node.tip("latest").ref
        for ref in sorted(known, key=lambda each: -each.number):
            if head.number < ref.number - MAX_DEPTH:
                raise _stale(head, ref)
            if ref.number <= head.number and self._node.header(ref.number).ref.hash == ref.hash:
                return ref
        raise Reorged("no block that is known here is on the chain any more")

    def _reaches(self, tip: Header, after: BlockRef) -> bool:
        """Whether there may be something to read above `after`."""
        if tip.ref.number > after.number:
            return True
        if tip.ref.number < after.number - MAX_DEPTH:
            raise _stale(tip.ref, after)
        if tip.ref.number == after.number and tip.ref.hash != after.hash:
            raise Reorged(f"block {after.number} was replaced")
        return False

    def _read_span(self, last: BlockRef | None, first: int, count: int) -> list[Block]:
        """`count` blocks from `first`; the span grows while the node is quick and halves when it is not."""
        started = time.monotonic()
        try:
            headers = self._node.headers(range(first, first + count))
            _check_chain(last, first, headers)
            logs = self._logs(headers)
            newest = self._node.header(headers[-1].ref.number)
        except NotFound as error:
            raise Reorged(error.message) from None
        except NodeUnreachable:
            self._span = max(1, self._span // 2)
            raise
        if newest.ref.hash != headers[-1].ref.hash:
            raise Reorged(f"block {newest.ref.number} was replaced while it was read")
        seconds = time.monotonic() - started
        if seconds < _QUICK_SECONDS:
            self._span = min(MAX_SPAN, self._span * 2)
        elif seconds > _SLOW_SECONDS:
            self._span = max(1, self._span // 2)
        return [self._block(header, logs.get(header.ref.hash, [])) for header in headers]

    def _logs(self, headers: Sequence[Header]) -> dict[bytes, list[Any]]:
        hashes = [each.ref.hash for each in headers if any(each.bloom & f == f for f in self._filters)]
        if not hashes:
            return {}
        return dict(zip(hashes, self._node.logs(hashes, self._contracts.addresses), strict=True))

    def _block(self, header: Header, logs: Sequence[Any]) -> Block:
        events = []
        for log in sorted(logs, key=lambda each: int(each["logIndex"])):
            if bytes(log["blockHash"]) != header.ref.hash:
                raise NodeUnreachable("the node gave logs of another block", hint="use another node")
            event = self._contracts.decode(log, header.ref)
            if event is not None:
                events.append(event)
        return Block(header.ref, header.parent, tuple(events))


def _check_chain(last: BlockRef | None, first: int, headers: Sequence[Header]) -> None:
    for offset, header in enumerate(headers):
        if header.ref.number != first + offset:
            raise NodeUnreachable("the node gave another block than asked for", hint="use another node")
        if last is not None and header.parent != last.hash:
            raise Reorged(f"block {header.ref.number} is no child of the last known block")
        last = header.ref


def _bloom(address: str) -> int:
    """The three bits of a 2,048-bit log filter that an address sets (Ethereum yellow paper, 4.4.3)."""
    digest = keccak(bytes.fromhex(address[2:]))
    bits = (int.from_bytes(digest[i : i + 2]) & 2047 for i in (0, 2, 4))
    return sum({1 << bit for bit in bits})


def _stale(head: BlockRef, ours: BlockRef) -> StaleNode:
    return StaleNode(
        f"the node's head is block {head.number}, {ours.number - head.number} below what was seen before",
        hint="wait until the node has caught up, or use another one",
    )
