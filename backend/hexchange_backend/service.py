"""One market as the backend serves it: an index that follows the chain, a library of documents, two tasks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

from hexchange.chain.contracts import Contracts
from hexchange.errors import HexchangeError, OtherHistory
from hexchange.storage.store import ContentStore
from hexchange_backend import schemas
from hexchange_backend.database import Database
from hexchange_backend.indexer import Indexer
from hexchange_backend.library import Library
from hexchange_backend.views import Views

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.5
STARTING = "starting"


class Task(threading.Thread):
    """Work that is repeated until `stop`, once the task `after` succeeded or failed for the first time.

    Trouble is kept for health and tried again; OtherHistory ends the task.
    """

    def __init__(self, name: str, work: Callable[[], None], after: Task | None = None) -> None:
        super().__init__(name=name, daemon=True)
        self._work, self._after = work, after
        self._stopping = threading.Event()
        self.trouble = STARTING

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._after is None or self._after.trouble != STARTING:
                try:
                    self._work()
                    self.trouble = ""
                except HexchangeError as error:
                    self._note(error)
                    if isinstance(error, OtherHistory):
                        return
                except Exception:
                    self.trouble = "unexpected"
                    raise
            self._stopping.wait(PAUSE_SECONDS)

    def _note(self, error: HexchangeError) -> None:
        if error.code != self.trouble:
            log.warning("%s: %s (next: %s)", self.name, error.message, error.hint)
        self.trouble = error.code

    def stop(self) -> None:
        """End after the work in hand; whatever is cut off is whole on disk."""
        self._stopping.set()
        self.join(timeout=5)


class Service:
    """What requests are answered from."""

    def __init__(self, contracts: Contracts, database: Database, store: ContentStore) -> None:
        self._contracts = contracts
        self._naming = contracts.views.bounds().naming
        self._indexer = Indexer(contracts, database)
        self._library = Library(database, store, contracts.deployment)
        follow = Task("indexer", self._indexer.update)
        collect = Task("library", lambda: self._library.collect(self._indexer.view.state), after=follow)
        self._tasks = (follow, collect)

    def start(self) -> None:
        """Begin to follow chain and store."""
        for task in self._tasks:
            task.start()

    def stop(self) -> None:
        for task in self._tasks:
            task.stop()

    def views(self) -> Views:
        """Answers over the market as it is now."""
        return Views(self._indexer.view, self._library, self._contracts, self._naming)

    def health(self) -> schemas.Health:
        """How far the index is, and what troubles it."""
        view, deployment, token = self._indexer.view, self._contracts.deployment, self._contracts.token
        status, trouble = self._status()
        return schemas.Health(
            status=status,
            trouble=trouble,
            chain=deployment.chain,
            market=deployment.market,
            token=schemas.Token(address=token.address, symbol=token.symbol, decimals=token.decimals),
            block=view.block.number if view.block else None,
            time=view.now,
            final=view.final,
            datasets=len(view.state.datasets),
            jobs=len(view.state.jobs),
            missing=self._library.missing,
            burnt=str(view.state.burnt),
            version=version("hexchange"),
        )

    def _status(self) -> tuple[Literal["ok", "starting", "troubled", "stopped"], str]:
        for task in self._tasks:
            if not task.is_alive():
                return "stopped", task.trouble
        troubles = [task.trouble for task in self._tasks if task.trouble]
        if not troubles:
            return "ok", ""
        return ("starting" if troubles[0] == STARTING else "troubled"), troubles[0]
