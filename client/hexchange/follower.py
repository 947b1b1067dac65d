"""The market as the chain tells it: one state at the head, one at the finalized block, kept up to date.

Nothing is stored: a restart reads the chain again from the block of the deployment. What stands above the
finalized block is kept as blocks, so that a reorganisation only replays those.
"""

from __future__ import annotations

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef
from hexchange.chain.reader import Block, Reader, Reorged
from hexchange.market.fold import apply
from hexchange.market.state import MarketState


class Follower:
    """Folds the chain's events. `state` and `block` are those of the head, `final` of the finalized block."""

    def __init__(self, contracts: Contracts) -> None:
        self.contracts = contracts
        self.reader = Reader(contracts)
        self.state = MarketState()
        self.final = MarketState()
        self.block: BlockRef | None = None
        self._final_block: BlockRef | None = None
        self._pending: list[Block] = []

    @property
    def now(self) -> int:
        """Time of the head block in seconds: the only clock of protocol decisions."""
        return self.block.timestamp if self.block else 0

    def update(self) -> bool:
        """Read and fold what is new; True when the head moved. Raises NodeUnreachable or StaleNode unchanged."""
        before = self.block
        try:
            self._extend()
        except Reorged:
            self._rewind()
            self._extend()
        self._finalize()
        return self.block != before

    def _extend(self) -> None:
        for block in self.reader.read(self.block):
            for event in block.events:
                apply(self.state, event)
            self._pending.append(block)
            self.block = block.ref

    def _rewind(self) -> None:
        """Drop the blocks that left the chain and fold the rest again over the finalized state."""
        known = [block.ref for block in reversed(self._pending)]
        if self._final_block:
            known.append(self._final_block)
        common = self.reader.common(known)
        self._pending = [block for block in self._pending if block.ref.number <= common.number]
        self.state = self.final.copy()
        for block in self._pending:
            for event in block.events:
                apply(self.state, event)
        self.block = common

    def _finalize(self) -> None:
        tip = self.reader.tip(self.contracts.deployment.finality)
        while self._pending and self._pending[0].ref.number <= tip.number:
            block = self._pending.pop(0)
            for event in block.events:
                apply(self.final, event)
            self._final_block = block.ref
