"""Index a market over and over, each time killed one write later than before, until nothing is left to kill.

After each kill the index is started again, and must then equal one that was never killed. Prints how often it was
killed. Arguments: the node's address, the deployment file, and the index to start from (an empty one if missing).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import event

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange_backend import indexer
from hexchange_backend.database import Database
from hexchange_backend.indexer import Indexer

URL, DEPLOYMENT, START = sys.argv[1], load_deployment(Path(sys.argv[2])), Path(sys.argv[3])
WRITES = ("INSERT", "DELETE", "CREATE", "PRAGMA application_id =")
indexer.BATCH = 200


def index(path: Path, kill_at: int) -> list[tuple[Any, ...]]:
    """Read all; end with SIGKILL just before the write number `kill_at`, where a commit counts as a write."""
    writes = count(1)

    def write(*_: Any) -> None:
        if next(writes) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(WRITES):
            write()

    class Killed(Database):
        def _claim(self, *arguments: Any) -> None:
            event.listen(self.engine, "before_cursor_execute", execute)
            event.listen(self.engine, "commit", write)
            super()._claim(*arguments)

    database = Killed(path, DEPLOYMENT)
    Indexer(connect(URL, DEPLOYMENT), database).update()
    return database.dump()


def start_over(path: Path) -> None:
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()
    if START.exists():
        shutil.copy(START, path)


def child_is_killed(path: Path, kill_at: int) -> bool:
    child = os.fork()
    if child == 0:
        index(path, kill_at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main() -> None:
    path = Path("killed.sqlite")
    start_over(path)
    expected = index(path, 0)
    for kill_at in count(1):
        start_over(path)
        if not child_is_killed(path, kill_at):
            print(kill_at - 1)
            return
        assert index(path, 0) == expected, f"killed at write {kill_at}"


if __name__ == "__main__":
    main()
