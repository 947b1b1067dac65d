"""What every store does; each test runs on a folder and on a real Kubo node."""

from __future__ import annotations

import hashlib
import random
import subprocess
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest

import services
from hexchange.errors import ContentMissing, ContentTooLarge
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore
from hexchange.storage.kubo import KuboStore
from hexchange.storage.store import ContentStore
from hexchange.storage.tree import BLOCK_BYTES, LINKS

Nodes = tuple[services.Kubo, services.Kubo]

SIZES = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 7]
LARGE = (LINKS + 1) * BLOCK_BYTES + 3


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "file"
    path.write_bytes(content(LARGE))
    return path


def ipfs_add(node: services.Kubo, path: Path) -> str:
    """The CID by Kubo's own command line, independent of our code."""
    command = [services.program("ipfs"), "--api", node.api, "add", "--quieter", "--only-hash"]
    options = ["--cid-version=1", "--chunker=size-1048576", "--raw-leaves", str(path)]
    return subprocess.run([*command, *options], capture_output=True, check=True, text=True).stdout.strip()


@pytest.mark.parametrize("size", SIZES)
def test_what_is_put_is_got_under_the_cid_that_kubo_gives(
    store: ContentStore, size: int, tmp_path: Path, nodes: Nodes
):
    path = tmp_path / "file"
    path.write_bytes(content(size))
    cid = store.put(path)
    assert str(cid) == ipfs_add(nodes[0], path)
    assert store.put(content(size)) == store.put(BytesIO(content(size))) == cid
    assert store.get(cid, size) == content(size)
    store.fetch(cid, size, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content(size)
    assert store.has(cid)


def test_a_file_of_two_levels_streams_through_little_memory(
    store: ContentStore, large: Path, tmp_path: Path, nodes: Nodes
):
    tracemalloc.start()
    cid = store.put(large)
    store.fetch(cid, LARGE, tmp_path / "copy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * BLOCK_BYTES
    assert str(cid) == ipfs_add(nodes[0], large)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_a_block_is_named_by_its_sha256(store: ContentStore):
    digest = store.put_block(b"a manifest")
    assert digest == hashlib.sha256(b"a manifest").digest()
    assert store.get_block(digest) == store.get(Cid.raw(digest), 100) == b"a manifest"


def test_a_block_above_one_mebibyte_is_refused(store: ContentStore):
    store.put_block(content(BLOCK_BYTES))
    with pytest.raises(ContentTooLarge):
        store.put_block(content(BLOCK_BYTES + 1))


@pytest.mark.parametrize("size", [10, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES])
def test_content_above_the_cap_is_refused_and_nothing_of_it_kept(
    store: ContentStore, size: int, tmp_path: Path
):
    cid = store.put(content(size))
    with pytest.raises(ContentTooLarge) as refused:
        store.get(cid, size - 1)
    assert refused.value.hint
    with pytest.raises(ContentTooLarge):
        store.fetch(cid, size - 1, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert len(store.get(cid, size)) == size


def test_a_block_above_the_cap_is_refused(store: ContentStore):
    digest = store.put_block(b"1234567890")
    with pytest.raises(ContentTooLarge):
        store.get_block(digest, 9)


@pytest.mark.parametrize("codec", [0x55, 0x70])
def test_what_nobody_has_is_missing(store: ContentStore, codec: int, tmp_path: Path):
    nowhere = Cid(codec, hashlib.sha256(b"never put").digest())
    with pytest.raises(ContentMissing) as missing:
        store.get(nowhere, 100, deadline=0.3)
    assert missing.value.hint
    with pytest.raises(ContentMissing):
        store.fetch(nowhere, 100, tmp_path / "copy", deadline=0.3)
    assert not store.has(nowhere)


class Stop(Exception):
    pass


def stop_after(size: int):
    def progress(done: int, _total: int) -> None:
        if done >= size:
            raise Stop

    return progress


def test_an_interrupted_fetch_goes_on_where_it_stopped(store: ContentStore, tmp_path: Path):
    cid = store.put(content(9 * BLOCK_BYTES))
    copy = tmp_path / "copy"
    with pytest.raises(Stop):
        store.fetch(cid, 9 * BLOCK_BYTES, copy, progress=stop_after(5 * BLOCK_BYTES))
    assert not copy.exists()
    seen: list[tuple[int, int]] = []
    store.fetch(cid, 9 * BLOCK_BYTES, copy, progress=lambda *at: seen.append(at))
    assert seen == [(n * BLOCK_BYTES, 9 * BLOCK_BYTES) for n in (6, 7, 8, 9)]
    assert copy.read_bytes() == content(9 * BLOCK_BYTES)
    assert not copy.with_name("copy.part").exists()


def test_what_an_interrupted_fetch_left_is_not_believed(store: ContentStore, tmp_path: Path):
    data = content(4 * BLOCK_BYTES)
    cid = store.put(data)
    (tmp_path / "copy.part").write_bytes(
        data[:BLOCK_BYTES] + bytes(BLOCK_BYTES) + data[2 * BLOCK_BYTES :] + b"more"
    )
    store.fetch(cid, len(data), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data


def test_a_file_in_the_way_is_kept_when_right_and_replaced_when_wrong(store: ContentStore, tmp_path: Path):
    data = content(2 * BLOCK_BYTES)
    cid = store.put(data)
    copy = tmp_path / "copy"
    copy.write_bytes(data)
    before = copy.stat().st_ino
    store.fetch(cid, len(data), copy)
    assert copy.stat().st_ino == before
    copy.write_bytes(data[::-1])
    store.fetch(cid, len(data), copy)
    assert copy.read_bytes() == data


def test_progress_of_a_put_ends_at_the_size(store: ContentStore):
    seen: list[tuple[int, int]] = []
    store.put(content(3 * BLOCK_BYTES - 1), progress=lambda *at: seen.append(at))
    assert seen[-1] == (3 * BLOCK_BYTES - 1, 3 * BLOCK_BYTES - 1)
    assert len(seen) == 3


def test_an_interrupted_put_can_be_repeated(store: ContentStore):
    data = content(4 * BLOCK_BYTES, seed=4)
    with pytest.raises(Stop):
        store.put(data, progress=stop_after(2 * BLOCK_BYTES))
    cid = store.put(data)
    assert store.get(cid, len(data)) == data


def test_added_on_one_node_read_on_the_other(nodes: Nodes, large: Path, tmp_path: Path):
    with KuboStore(nodes[0].api) as here, KuboStore(nodes[1].api) as there:
        cid = here.put(large)
        manifest = here.put_block(b"a manifest of one")
        assert not there.has(cid)
        assert there.get_block(manifest) == b"a manifest of one"
        there.fetch(cid, LARGE, tmp_path / "copy")
        assert there.has(cid)
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_a_store_does_not_have_a_file_of_which_a_block_is_missing(folder: FolderStore, tmp_path: Path):
    data = content(3 * BLOCK_BYTES)
    cid = folder.put(data)
    leaf = str(Cid.of(data[BLOCK_BYTES : 2 * BLOCK_BYTES]))
    next((tmp_path / "store").rglob(leaf)).unlink()
    assert not folder.has(cid)
    with pytest.raises(ContentMissing):
        folder.get(cid, len(data))
