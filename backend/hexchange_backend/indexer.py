"""Keeps the database and the market's state equal to the chain, block by proven block."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef
from hexchange.chain.reader import Reader, Reorged
from hexchange.errors import HexchangeError
from hexchange.market.fold import apply
from hexchange.market.state import MarketState
from hexchange_backend.database import Database

log = logging.getLogger(__name__)

DEEPEST_REORGANISATION = 95
"""Blocks. A deeper one is no accident: the indexer stops and an operator decides."""

PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class View:
    """The market at one block, as requests read it; `final` is the number of the finalized block."""

    state: MarketState
    block: BlockRef | None
    final: int


class Indexer:
    """Follows the chain into the database. `view` is replaced as a whole, so a request never sees half a block."""

    def __init__(self, contracts: Contracts, database: Database) -> None:
        self.contracts = contracts
        self.reader = Reader(contracts)
        self.database = database
        self.trouble = ""
        self.view = self._replayed()

    def update(self) -> None:
        """Read what is new. Raises NodeUnreachable or StaleNode and changes nothing then."""
        try:
            self._extend()
        except Reorged:
            self._rewind()
            self._extend()

    def run(self, stop: threading.Event, then: Callable[[MarketState], None]) -> None:
        """Update until `stop` is set, and call `then` each time; trouble is shown by health and tried again."""
        while not stop.is_set():
            try:
                self.update()
                then(self.view.state)
                self.trouble = ""
            except HexchangeError as error:
                if error.message != self.trouble:
                    log.warning("%s", error.message)
                self.trouble = error.message
            stop.wait(PAUSE_SECONDS)

    def _extend(self) -> None:
        state, block = self.view.state.copy(), self.view.block
        for found in self.reader.read(block):
            self.database.extend(found)
            for event in found.events:
                apply(state, event)
            block = found.ref
            if found.events:
                self.view = View(state, block, self.view.final)
                state = state.copy()
        self.view = View(state, block, self.reader.tip("finalized").number)

    def _rewind(self) -> None:
        """Drop the blocks that left the chain, and fold what remains."""
        known = self.database.newest(DEEPEST_REORGANISATION + 1)
        common = self.reader.common(known)
        log.warning("the chain left block %s; back to block %s", known[0].number, common.number)
        self.database.drop_above(common.number)
        self.view = self._replayed()

    def _replayed(self) -> View:
        state = MarketState()
        for event in self.database.events():
            apply(state, event)
        newest = self.database.newest(1)
        return View(state, newest[0] if newest else None, 0)
