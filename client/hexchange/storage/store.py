"""A store of content-addressed bytes: what every kind of store does alike.

Nothing that a store returns is believed: each block is counted against its cap while it arrives, and its hash
is compared with its CID before anybody parses it.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from hexchange.errors import (
    ContentMismatch,
    ContentMissing,
    ContentTooLarge,
    ContentTruncated,
    DiskFull,
    StoreUnreachable,
    VerificationFailed,
)
from hexchange.storage import tree
from hexchange.storage.cid import RAW, Cid
from hexchange.storage.tree import BLOCK_BYTES

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


class ContentStore(ABC):
    """Puts bytes under their CID and gets them back verified.

    `deadline` is in seconds for a whole call; each store also has a limit for a single block. What is put is
    on disk and kept when the call returns. Calls may be repeated; threads and processes may share a store.
    """

    attempts = 1
    parallel = 1

    def put_block(self, block: bytes) -> bytes:
        """Store one block of at most 1 MiB, such as a manifest; its 32-byte sha-256."""
        if len(block) > BLOCK_BYTES:
            raise ContentTooLarge(
                f"{len(block):,} bytes do not fit into one block of {BLOCK_BYTES:,}", hint="put it as a file"
            )
        cid = Cid.of(block)
        self._save(cid, block)
        self._keep(cid)
        return cid.digest

    def get_block(self, digest: bytes, cap: int = BLOCK_BYTES, *, deadline: float = math.inf) -> bytes:
        """The block with this sha-256, of at most `cap` bytes."""
        return self._obtain(Cid.raw(digest), min(cap, BLOCK_BYTES), time.monotonic() + deadline)

    def put(self, source: bytes | BinaryIO | Path, *, progress: Progress | None = None) -> Cid:
        """Store a file of any size, streamed; `progress` counts blocks as they are written."""
        with _opened(source) as (stream, total):
            done = 0

            def save(cid: Cid, block: bytes) -> None:
                nonlocal done
                self._save(cid, block)
                if progress and cid.codec == RAW:
                    done += len(block)
                    progress(done, max(total, done))

            root = tree.build(tree.chunks(stream), save)
        self._keep(root)
        return root

    def get(
        self, cid: Cid, cap: int, *, progress: Progress | None = None, deadline: float = math.inf
    ) -> bytes:
        """The file that `cid` names, of at most `cap` bytes, in memory."""
        out = BytesIO()
        self._copy(cid, cap, out, progress, time.monotonic() + deadline)
        return out.getvalue()

    def fetch(
        self, cid: Cid, cap: int, to: Path, *, progress: Progress | None = None, deadline: float = math.inf
    ) -> None:
        """Write the file that `cid` names to the path `to`, at once and on disk, streamed.

        What an interrupted call left in `to` + ".part" is verified and used. A file that is there already is
        verified, and replaced when it differs.
        """
        until = time.monotonic() + deadline
        part = to.with_name(to.name + ".part")
        with on_disk(to):
            if _contains(to, cid):
                return
            part.touch()
            with part.open("r+b") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                if _contains(to, cid):  # another process was faster
                    return
                out.truncate(self._copy(cid, cap, out, progress, until))
                out.flush()
                os.fsync(out.fileno())
                part.replace(to)
            sync_folder(to.parent)

    def has(self, cid: Cid) -> bool:
        """Whether this store itself holds everything that `cid` names; asks no other."""
        try:
            if cid.codec == RAW:
                return self._holds(cid)
            load = partial(self._obtain, cap=BLOCK_BYTES, until=math.inf, held=True)
            return all(self._holds(leaf.cid) for leaf in tree.leaves(load(cid), load))
        except (ContentMissing, VerificationFailed):
            return False

    def close(self) -> None:  # noqa: B027 (a folder has nothing to let go of)
        """Let go of connections; the store must not be used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what a kind of store provides ------------------------------------------------------------

    @abstractmethod
    def _save(self, cid: Cid, block: bytes) -> None:
        """Write a block so that it survives a crash."""

    @abstractmethod
    def _keep(self, root: Cid) -> None:
        """Protect all blocks below `root`, which were saved, from any collector."""

    @abstractmethod
    def _load(self, cid: Cid, cap: int, until: float, held: bool) -> bytes:
        """Read a block, unverified; stop at `cap` bytes and at the time `until`; `held`: ask nobody else."""

    @abstractmethod
    def _holds(self, cid: Cid) -> bool:
        """Whether one block is here."""

    # --- reading ----------------------------------------------------------------------------------

    def _obtain(self, cid: Cid, cap: int, until: float, held: bool = False, size: int | None = None) -> bytes:
        """One verified block, tried `attempts` times when the way to it is bad."""
        for attempt in range(self.attempts):
            try:
                return _verified(self._load(cid, cap, until, held), cid, size)
            except (ContentMismatch, ContentTruncated, StoreUnreachable):
                if attempt + 1 == self.attempts or time.monotonic() >= until:
                    raise
                time.sleep(0.1 * 4**attempt)
        raise AssertionError("attempts is at least 1")

    def _copy(self, cid: Cid, cap: int, out: BinaryIO, progress: Progress | None, until: float) -> int:
        """Write the file to `out`, leaving out what is there already; its size."""
        root = self._obtain(cid, min(cap, BLOCK_BYTES) if cid.codec == RAW else BLOCK_BYTES, until)
        if cid.codec == RAW:
            out.write(root)
            if progress:
                progress(len(root), len(root))
            return len(root)
        total = tree.size(root)
        if total > cap:
            raise too_large(cid, cap)
        load = partial(self._obtain, cap=BLOCK_BYTES, until=until)
        for offset, block in self._blocks(tree.leaves(root, load), out, until):
            out.seek(offset)
            out.write(block)
            if progress:
                progress(offset + len(block), total)
        return total

    def _blocks(
        self, leaves: Iterator[tree.Node], out: BinaryIO, until: float
    ) -> Iterator[tuple[int, bytes]]:
        """The leaves that `out` does not hold yet, each with its offset; a few are under way at a time."""
        waiting: deque[tuple[int, Future[bytes]]] = deque()
        pool = ThreadPoolExecutor(self.parallel)
        offset = 0
        try:
            for leaf in leaves:
                out.seek(offset)
                if Cid.of(out.read(leaf.size)) != leaf.cid:
                    task = pool.submit(self._obtain, leaf.cid, leaf.size, until, size=leaf.size)
                    waiting.append((offset, task))
                offset += leaf.size
                if len(waiting) > self.parallel:
                    at, task = waiting.popleft()
                    yield at, task.result()
            for at, task in waiting:
                yield at, task.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _verified(block: bytes, cid: Cid, size: int | None) -> bytes:
    if size is not None and len(block) < size:
        raise ContentTruncated(f"{len(block):,} of {size:,} bytes of block {cid}", hint=_ELSEWHERE)
    if Cid.of(block, cid.codec) != cid:
        raise ContentMismatch(f"the store returned other bytes than {cid} names", hint=_ELSEWHERE)
    return block


def too_large(cid: Cid, cap: int) -> ContentTooLarge:
    return ContentTooLarge(
        f"{cid} has more than the {cap:,} bytes allowed here",
        hint="nothing was kept; the publisher has to make it smaller, or the store is faulty",
    )


_ELSEWHERE = (
    "the store is damaged or faulty: repair it or use another one; nothing was used of what it returned"
)


# --- files ----------------------------------------------------------------------------------------


@contextmanager
def _opened(source: bytes | BinaryIO | Path) -> Iterator[tuple[BinaryIO, int]]:
    """The source as a stream, and its size where that is known."""
    if isinstance(source, bytes):
        yield BytesIO(source), len(source)
    elif isinstance(source, Path):
        with on_disk(source):
            stream = source.open("rb")
        with stream:
            yield stream, source.stat().st_size
    else:
        yield source, 0


def _contains(path: Path, cid: Cid) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as stream:
        return tree.identify(stream) == cid


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Turn the refusals of a file system into errors that say what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(
                f"no room to write {path}", hint="free some space or raise the quota, then repeat: it resumes"
            ) from error
        raise StoreUnreachable(
            f"cannot use {path}: {error.strerror}", hint="check the path and its rights"
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
