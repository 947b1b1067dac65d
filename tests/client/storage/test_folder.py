"""A folder that somebody changed, or that has no room."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from hexchange.errors import ContentMismatch, ContentTooLarge, ContentTruncated, DiskFull, StoreUnreachable
from hexchange.storage.cid import DAG_PB, Cid
from hexchange.storage.folder import FolderStore
from hexchange.storage.tree import BLOCK_BYTES

DATA = bytes(range(256)) * 4096 * 2 + b"tail"
FIRST = str(Cid.of(DATA[:BLOCK_BYTES]))


def block_file(tmp_path: Path, name: str) -> Path:
    return next((tmp_path / "store").rglob(name))


def test_other_bytes_are_refused_and_a_put_heals_them(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    block_file(tmp_path, FIRST).write_bytes(bytes(BLOCK_BYTES))
    with pytest.raises(ContentMismatch) as refused:
        folder.get(cid, len(DATA))
    assert refused.value.hint
    folder.put(DATA)
    assert folder.get(cid, len(DATA)) == DATA


def test_a_truncated_block_is_refused(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    os.truncate(block_file(tmp_path, FIRST), 1000)
    with pytest.raises(ContentTruncated) as refused:
        folder.fetch(cid, len(DATA), tmp_path / "copy")
    assert refused.value.hint
    assert not (tmp_path / "copy").exists()


def test_a_block_with_more_bytes_is_refused(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    with block_file(tmp_path, FIRST).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ContentTooLarge):
        folder.get(cid, len(DATA))


def test_a_changed_inner_node_is_refused_before_it_is_parsed(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    assert cid.codec == DAG_PB
    block_file(tmp_path, str(cid)).write_bytes(b"\xff" * 200)
    with pytest.raises(ContentMismatch):
        folder.get(cid, len(DATA))
    assert not folder.has(cid)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let the kernel refuse to write files longer than this, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_put_without_room_says_so_and_leaves_nothing_half_written(folder: FolderStore, tmp_path: Path):
    with room_for(BLOCK_BYTES // 2), pytest.raises(DiskFull) as refused:
        folder.put(DATA)
    assert refused.value.hint
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert folder.get(folder.put(DATA), len(DATA)) == DATA


def test_a_fetch_without_room_says_so_and_resumes_later(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    with room_for(BLOCK_BYTES + 5), pytest.raises(DiskFull):
        folder.fetch(cid, len(DATA), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    seen: list[int] = []
    folder.fetch(cid, len(DATA), tmp_path / "copy", progress=lambda done, _: seen.append(done))
    assert seen == [2 * BLOCK_BYTES, len(DATA)]
    assert (tmp_path / "copy").read_bytes() == DATA


def test_a_full_device_is_named(folder: FolderStore, tmp_path: Path):
    cid = folder.put(DATA)
    (tmp_path / "copy.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        folder.fetch(cid, len(DATA), tmp_path / "copy")


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnreachable) as refused:
        FolderStore(tmp_path / "file")
    assert str(tmp_path / "file") in refused.value.message


def test_what_a_killed_process_left_is_cleared_away_and_what_is_under_way_is_not(tmp_path: Path):
    FolderStore(tmp_path / "store")
    left, new = tmp_path / "store/partial/left", tmp_path / "store/partial/new"
    left.touch()
    os.utime(left, (0, 0))
    new.touch()
    FolderStore(tmp_path / "store")
    assert not left.exists()
    assert new.exists()


def _put_and_fetch(folder: Path, copy: Path) -> str:
    store = FolderStore(folder)
    cid = store.put(DATA)
    store.fetch(cid, len(DATA), copy)
    return str(cid)


def test_processes_share_a_folder_and_a_target(tmp_path: Path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        works = [pool.submit(_put_and_fetch, tmp_path / "store", tmp_path / "copy") for _ in range(6)]
        assert len({work.result() for work in works}) == 1
    assert (tmp_path / "copy").read_bytes() == DATA
