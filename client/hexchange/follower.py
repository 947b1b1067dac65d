"""The market as the chain tells it: one state at the head, one at the finalized block, kept up to date.

Nothing is stored: a restart reads the chain again from the block of the deployment. What stands above the
finalized block is kept as blocks, so that a reorganisation only replays those.
"""

from __future__ import annotations

from hexchange.chain.contracts import Contracts
from hexchange.chain.events import BlockRef
from hexchange.chain.reader import Block, Reader, Reorged
from hexchange.errors import FinalityBroken
from hexchange.market.fold import apply
from hexchange.market.state import MarketState
from hexchange.market.windows import Clock


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

    def clock(self) -> Clock:
        """The earliest time and number of the next block. Follow the chain once before."""
        assert self.block is not None, "nothing was read yet"
        return Clock(self.block.timestamp + 1, self.block.number + 1)

    def update(self) -> bool:
        """Read and fold what is new; True when the head moved.

        Raises NodeUnreachable or StaleNode and changes nothing, FinalityBroken where final blocks were replaced.
        """
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
        try:
            common = self.reader.common(known)
        except Reorged:
            self._start_anew()
            return
        self._pending = [block for block in self._pending if block.ref.number <= common.number]
        self.state = self.final.copy()
        for block in self._pending:
            for event in block.events:
                apply(self.state, event)
        self.block = common

    def _start_anew(self) -> None:
        """Every known block is gone. Where `latest` counts as final that happens; elsewhere it must not."""
        if self.contracts.deployment.finality != "latest":
            raise FinalityBroken(
                "the chain replaced blocks that it had called final",
                hint="check the node; what was released on them cannot be taken back",
            )
        self.state, self.final = MarketState(), MarketState()
        self.block = self._final_block = None
        self._pending = []

    def _finalize(self) -> None:
        """Fold what became final, if the node's final branch is the one that was read from it."""
        tip = self.reader.tip(self.contracts.deployment.finality)
        final = [block for block in self._pending if block.ref.number <= tip.number]
        if not final:
            return
        newest = final[-1].ref
        theirs = tip if newest.number == tip.number else self.contracts.node.header(newest.number).ref
        if theirs.hash != newest.hash:
            return  # two views of one chain: the next update reads the fork
        for block in final:
            for event in block.events:
                apply(self.final, event)
        self._final_block = newest
        del self._pending[: len(final)]
