"""The embedded store: blocks as files in a local folder, one file a block, named by their CIDs."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path

from hexchange.errors import ContentMissing
from hexchange.storage.cid import Cid
from hexchange.storage.store import ContentStore, on_disk, sync_folder, too_large

_LEFT_SECONDS = 3600  # writing a block takes far less


class FolderStore(ContentStore):
    """Blocks under `folder`/<last two letters of the CID>/<CID>; several processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder / "partial"
        with on_disk(folder):
            self._partial.mkdir(parents=True, exist_ok=True)
            for left in self._partial.iterdir():  # by a process that was killed
                with suppress(FileNotFoundError):
                    if left.stat().st_mtime < time.time() - _LEFT_SECONDS:
                        left.unlink()

    def __repr__(self) -> str:
        return f"FolderStore({str(self._folder)!r})"

    def _save(self, cid: Cid, block: bytes) -> None:
        path = self._path(cid)
        with on_disk(path):
            if self._holds(cid) and path.stat().st_size == len(block) and path.read_bytes() == block:
                return
            temporary = self._partial / uuid.uuid4().hex
            try:
                with temporary.open("xb") as out:
                    out.write(block)
                    out.flush()
                    os.fsync(out.fileno())
                path.parent.mkdir(exist_ok=True)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(path.parent)

    def _keep(self, root: Cid) -> None:
        sync_folder(self._folder)

    def _load(self, cid: Cid, cap: int, until: float, held: bool) -> bytes:
        path = self._path(cid)
        with on_disk(path):
            try:
                with path.open("rb") as file:
                    block = file.read(cap + 1)
            except FileNotFoundError:
                raise ContentMissing(
                    f"{cid} is not in {self._folder}",
                    hint="its publisher has not put it here, or uses another store",
                ) from None
        if len(block) > cap:
            raise too_large(cid, cap)
        return block

    def _holds(self, cid: Cid) -> bool:
        return self._path(cid).exists()

    def _path(self, cid: Cid) -> Path:
        name = str(cid)
        return self._folder / name[-2:] / name
