"""One process for one piece of work: a lock that the kernel drops when its holder dies, children or not."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from hexchange.errors import AlreadyRunning


class ProcessLock:
    """Held while the context is open. Raises AlreadyRunning where another process holds it."""

    def __init__(self, path: Path, work: str) -> None:
        self._path, self._work = path, work
        self._descriptor = -1

    def __enter__(self) -> ProcessLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"{self._work} already runs here as process {holder}", hint="stop that process first"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
