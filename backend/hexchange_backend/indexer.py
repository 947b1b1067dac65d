"""Keeps the database and the market's state equal to the chain, block by proven block."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from hexchange.chain.contracts import Contracts, check
from hexchange.chain.events import BlockRef
from hexchange.chain.reader import MAX_DEPTH, Block, Reader, Reorged
from hexchange.errors import OtherHistory
from hexchange.market.fold import apply, fold
from hexchange.market.state import MarketState
from hexchange_backend.database import Database

log = logging.getLogger(__name__)

BATCH = 256
"""Blocks that are written at once."""


@dataclass(frozen=True, slots=True)
class View:
    """The market at one block, as requests read it; `final` is the number of the newest final block."""

    state: MarketState
    block: BlockRef | None
    final: int

    @property
    def now(self) -> int:
        """Block time in seconds: the only clock of answers."""
        return self.block.timestamp if self.block else 0


class Indexer:
    """Follows the chain into the database. `view` is replaced as a whole, so a request never sees half a block."""

    def __init__(self, contracts: Contracts, database: Database) -> None:
        self._contracts, self._database = contracts, database
        self._reader = Reader(contracts)
        self.view = self._replayed(0)

    def update(self) -> None:
        """Read what is new, and take back what left the chain.

        Raises NodeUnreachable, StaleNode, WrongChain or WrongContracts and concludes nothing from such a node;
        OtherHistory where more was replaced than an accident explains: then a person has to decide.
        """
        try:
            self._extend()
        except Reorged:
            self._rewind()
            self._extend()

    def _extend(self) -> None:
        for batch in _batches(self._reader.read(self.view.block)):
            self._database.extend(batch)
            state = fold((event for block in batch for event in block.events), self.view.state)
            self.view = View(state, batch[-1].ref, self.view.final)
        final = self._reader.tip(self._contracts.deployment.finality).number
        self.view = View(self.view.state, self.view.block, final)

    def _rewind(self) -> None:
        """Drop the blocks that left the chain, and fold what remains."""
        check(self._contracts.node, self._contracts.deployment)
        known = self._database.newest(MAX_DEPTH + 1)
        try:
            common = self._reader.common(known)
        except Reorged:
            raise OtherHistory(
                f"the node's chain and {self._database.path} differ in more than {MAX_DEPTH} blocks",
                hint="find out which one is right; to follow the node, delete the file and start again",
            ) from None
        log.warning("block %s left the chain; going on from block %s", known[0].number, common.number)
        self._database.drop_above(common.number)
        self.view = self._replayed(min(self.view.final, common.number))

    def _replayed(self, final: int) -> View:
        state = MarketState()
        for event in self._database.events():
            apply(state, event)
        return View(state, next(iter(self._database.newest(1)), None), final)


def _batches(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    while batch := list(islice(blocks, BATCH)):
        yield batch
