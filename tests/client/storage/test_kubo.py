"""A Kubo node, or the way to it, that returns other bytes, too few, too many, or nothing."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

import faulty
import pytest

import services
from hexchange.errors import (
    ContentMismatch,
    ContentMissing,
    ContentTooLarge,
    ContentTruncated,
    DiskFull,
    HexchangeError,
    StoreNotLocal,
    StoreUnreachable,
)
from hexchange.storage.kubo import KuboStore
from hexchange.storage.open import open_store
from hexchange.storage.tree import BLOCK_BYTES

BLOCK = b"a manifest of some length " * 100
FILE = bytes(range(256)) * 4096 * 2 + b"tail"

Nodes = tuple[services.Kubo, services.Kubo]


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (faulty.other_bytes, ContentMismatch),
        (faulty.short, ContentMismatch),  # a single block's length is not known beforehand
        (faulty.cut, ContentTruncated),
        (faulty.longer, ContentTooLarge),
        (faulty.endless, ContentTooLarge),
        (faulty.silence, ContentMissing),
        (faulty.stall, ContentMissing),
        (faulty.trickle, ContentMissing),
        (faulty.no_http, StoreUnreachable),
        (faulty.broken, StoreUnreachable),
        (faulty.elsewhere, StoreUnreachable),
    ],
)
def test_a_spoilt_block_is_refused_by_name(spoil: faulty.Spoil, refusal: type[HexchangeError], nodes: Nodes):
    with faulty.proxy(nodes[0].port, spoil) as proxy, KuboStore(proxy.api, idle=0.3) as store:
        digest = store.put_block(BLOCK)
        with pytest.raises(refusal) as refused:
            store.get_block(digest)
        assert type(refused.value) is refusal
        assert refused.value.hint


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (faulty.other_bytes, ContentMismatch),
        (faulty.short, ContentTruncated),
        (faulty.longer, ContentTooLarge),
    ],
)
def test_a_spoilt_leaf_is_refused_and_no_file_appears(
    spoil: faulty.Spoil, refusal: type[HexchangeError], nodes: Nodes, tmp_path: Path
):
    with KuboStore(nodes[0].api) as store:
        cid = store.put(FILE)
    leaf = "/api/v0/block/get?stream-channels=true&arg=bafkrei"  # the root passes
    with faulty.proxy(nodes[0].port, spoil, path=leaf) as proxy, KuboStore(proxy.api) as store:
        with pytest.raises(refusal):
            store.fetch(cid, len(FILE), tmp_path / "copy")
        assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("spoil", [faulty.other_bytes, faulty.cut, faulty.no_http])
def test_what_goes_wrong_twice_is_tried_a_third_time(spoil: faulty.Spoil, nodes: Nodes):
    with faulty.proxy(nodes[0].port, spoil, times=2) as proxy, KuboStore(proxy.api) as store:
        assert store.get_block(store.put_block(BLOCK)) == BLOCK
        assert sum("block/get" in path for path in proxy.asked) == 3


def test_a_deadline_bounds_the_whole_call(nodes: Nodes):
    with faulty.proxy(nodes[0].port, faulty.silence) as proxy, KuboStore(proxy.api, idle=600) as store:
        digest = store.put_block(BLOCK)
        with pytest.raises(ContentMissing):
            store.get_block(digest, deadline=0.2)


def test_a_node_that_stores_under_another_name_is_refused(nodes: Nodes):
    with (
        faulty.proxy(nodes[0].port, faulty.another_key, path="/api/v0/block/put") as proxy,
        KuboStore(proxy.api) as store,
        pytest.raises(ContentMismatch),
    ):
        store.put_block(BLOCK)


def test_a_node_that_reports_a_full_disk_is_named(nodes: Nodes):
    with (
        faulty.proxy(nodes[0].port, faulty.full, path="/api/v0/block/put") as proxy,
        KuboStore(proxy.api) as store,
        pytest.raises(DiskFull),
    ):
        store.put_block(BLOCK)


def test_a_node_without_room_refuses_a_put_by_name(tmp_path: Path):
    with services.kubo_node(tmp_path) as node, KuboStore(node.api) as store:
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (BLOCK_BYTES // 2, BLOCK_BYTES // 2))
        with pytest.raises(DiskFull) as refused:
            store.put(FILE)
        assert refused.value.hint


def test_a_node_that_is_gone_is_unreachable_and_what_it_kept_is_there_after_its_return(tmp_path: Path):
    with services.kubo_node(tmp_path) as node, KuboStore(node.api) as store:
        cid = store.put(FILE)
        services.stop(node.process)
        with pytest.raises(StoreUnreachable) as refused:
            store.get(cid, len(FILE))
        assert "ipfs daemon" in refused.value.hint
        with pytest.raises(StoreUnreachable):
            store.put(FILE)
        with pytest.raises(StoreUnreachable):
            store.has(cid)
    with services.kubo_node(tmp_path) as node, KuboStore(node.api) as store:
        assert store.get(cid, len(FILE)) == FILE


def test_the_only_peer_with_the_rest_dies(tmp_path: Path):
    with (
        services.kubo_pair(tmp_path) as (one, two),
        KuboStore(one.api) as here,
        KuboStore(two.api, idle=0.5) as there,
    ):
        cid = here.put(FILE)

        def kill(done: int, _total: int) -> None:
            services.stop(one.process)

        there.parallel = 1
        with pytest.raises(ContentMissing):
            there.fetch(cid, len(FILE), tmp_path / "copy", progress=kill)
        assert not (tmp_path / "copy").exists()


def test_what_is_put_survives_the_nodes_collector_and_what_is_only_read_does_not(nodes: Nodes):
    with KuboStore(nodes[0].api) as here, KuboStore(nodes[1].api, idle=0.5) as there:
        cid, digest = here.put(FILE + b"kept"), here.put_block(BLOCK + b"kept")
        there.get(cid, len(FILE) + 4)
        for node in nodes:
            collect = [services.program("ipfs"), "--api", node.api, "repo", "gc", "--silent"]
            subprocess.run(collect, check=True)
        assert here.has(cid)
        assert here.get_block(digest) == BLOCK + b"kept"
        assert not there.has(cid)


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/192.0.2.1/tcp/5001",
        "/ip4/0.0.0.0/tcp/5001",
        "/ip6/2001:db8::1/tcp/5001",
        "/dns/localhost/tcp/5001",
        "http://example.org:5001",
        "http://localhost:5001",
        "https://127.0.0.1:5001",
        "http://127.0.0.1@example.org:5001",
        "/ip4/127.0.0.1.example.org/tcp/5001",
        "nonsense",
        "",
    ],
)
def test_an_rpc_that_is_not_on_this_machine_is_refused(address: str):
    with pytest.raises(StoreNotLocal) as refused:
        KuboStore(address)
    assert refused.value.hint


def test_a_proxy_in_the_environment_is_passed_by(nodes: Nodes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with open_store(f"http://127.0.0.1:{nodes[0].port}") as store:
        assert store.get_block(store.put_block(BLOCK)) == BLOCK
