"""Blocks on IPFS through the RPC of a Kubo node on this machine. The only file that imports ipfshttpclient.

The node is asked for single blocks, never for paths: each reply is small, of known hash, repeatable.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from urllib.parse import urlsplit

from ipfshttpclient import Client, exceptions
from urllib3.exceptions import HTTPError, ReadTimeoutError

from hexchange.errors import (
    ContentMismatch,
    ContentMissing,
    ContentTruncated,
    DiskFull,
    HexchangeError,
    StoreNotLocal,
    StoreUnreachable,
)
from hexchange.storage.cid import RAW, Cid
from hexchange.storage.store import ContentStore, too_large

_CONNECT_SECONDS = 5
_GRACE_SECONDS = 1  # the node is to give up first, so that it stops searching
_PIECE_BYTES = 1 << 16


class KuboStore(ContentStore):
    """A Kubo node at a multiaddr or http://127.0.0.1:5001; `idle` is how many seconds one block may take."""

    attempts = 3
    parallel = 4

    def __init__(self, address: str, *, idle: float = 30.0) -> None:
        self._address = _local(address)
        self._idle = idle
        # `connect()` would refuse every node since 0.8, although the calls used here have not changed.
        self._client = Client(self._address)
        self._client._client.open_session()
        session = self._client._client._session
        session.trust_env = False  # no proxy stands between us and our own machine
        session.max_redirects = 0
        for adapter in session.adapters.values():  # an option that urllib3 no longer has, and warns about
            adapter.poolmanager.connection_pool_kw.pop("strict", None)

    def __repr__(self) -> str:
        return f"KuboStore({self._address!r})"

    def close(self) -> None:
        self._client._client.close_session()

    def _save(self, cid: Cid, block: bytes) -> None:
        options = {"cid-codec": "raw" if cid.codec == RAW else "dag-pb", "mhtype": "sha2-256", "pin": "false"}
        with self._talking():
            answer = self._client.block.put(
                BytesIO(block), opts=options, timeout=(_CONNECT_SECONDS, self._idle)
            )
        if answer["Key"] != str(cid):
            raise ContentMismatch(
                f"the node stored {answer['Key']} where we put {cid}",
                hint="this is no Kubo node we can trust",
            )

    def _keep(self, root: Cid) -> None:
        with self._talking():
            self._client.pin.add(
                str(root), recursive=True, offline=True, timeout=(_CONNECT_SECONDS, self._idle)
            )

    def _holds(self, cid: Cid) -> bool:
        try:
            with self._talking():
                self._client.block.stat(str(cid), offline=True, timeout=(_CONNECT_SECONDS, self._idle))
        except ContentMissing:
            return False
        return True

    def _load(self, cid: Cid, cap: int, until: float, held: bool) -> bytes:
        seconds = min(self._idle, until - time.monotonic())
        late = ContentMissing(f"nobody served {cid} within {max(seconds, 0):.0f} seconds", hint=_NOBODY)
        if seconds <= 0:
            raise late
        end = time.monotonic() + seconds + _GRACE_SECONDS
        block = bytearray()
        with self._talking(late):
            for piece in self._stream(cid, seconds, held):
                block += piece
                if len(block) > cap:
                    raise too_large(cid, cap)
                if time.monotonic() > end:
                    raise late
        return bytes(block)

    def _stream(self, cid: Cid, seconds: float, held: bool) -> Iterator[bytes]:
        """The pieces of a block as they arrive; the library's iterator may read a whole reply at once."""
        options = {"arg": str(cid), "timeout": f"{math.ceil(seconds * 1000)}ms", "offline": str(held).lower()}
        closables, _ = self._client._client._request(
            "POST", "block/get", list(options.items()), auth=None, data=None, headers=None,
            timeout=(_CONNECT_SECONDS, seconds + _GRACE_SECONDS), chunk_size=_PIECE_BYTES,
        )  # fmt: skip
        response = closables[0]
        try:
            while piece := response.raw.read1(_PIECE_BYTES):
                yield piece
        finally:
            response.close()

    @contextmanager
    def _talking(self, late: HexchangeError | None = None) -> Iterator[None]:
        """Turn what the node and the way to it may answer into our errors; `late` is what silence means."""
        try:
            yield
        except exceptions.ErrorResponse as error:
            raise _refusal(str(error), late) from error
        except (exceptions.TimeoutError, ReadTimeoutError) as error:
            raise late or self._unreachable("does not answer in time") from error
        except exceptions.ConnectionError as error:
            raise self._unreachable("does not answer") from error
        except HTTPError as error:  # only from the body of a reply
            raise ContentTruncated(
                f"the Kubo node at {self._address} broke off in the middle of a block", hint=_START
            ) from error
        except (exceptions.Error, OSError) as error:
            raise self._unreachable("does not speak the language of Kubo") from error

    def _unreachable(self, what: str) -> StoreUnreachable:
        return StoreUnreachable(f"the Kubo node at {self._address} {what}", hint=_START)


def _refusal(text: str, late: HexchangeError | None) -> HexchangeError:
    """The node's own error, by the texts of Kubo (boxo, flatfs) and of the operating system."""
    if any(words in text for words in ("no space left", "file too large", "quota exceeded")):
        return DiskFull(f"the Kubo node has no room: {text[:200]}", hint="free some space, then repeat")
    if any(words in text for words in ("deadline exceeded", "not found locally", "could not find")):
        return late or ContentMissing("the node does not hold all of it", hint=_NOBODY)
    return StoreUnreachable(f"the Kubo node refused: {text[:200]}", hint="look into the node's log")


def _local(address: str) -> str:
    """The address as a multiaddr; whoever reaches the RPC owns the node, so it must be on this machine."""
    url = urlsplit(address)
    if url.scheme == "http" and url.hostname:
        host, port = url.hostname, url.port or 5001
        address = f"/ip{6 if ':' in host else 4}/{host}/tcp/{port}"
    kind, _, rest = address.removeprefix("/").partition("/")
    if kind == "unix":
        return address
    try:
        if kind in ("ip4", "ip6") and ipaddress.ip_address(rest.partition("/")[0]).is_loopback:
            return address
    except ValueError:
        pass
    raise StoreNotLocal(
        f"the RPC of a store must be on this machine: {address}",
        hint="use /ip4/127.0.0.1/tcp/5001, a unix socket, or a tunnel that ends here; never open this port",
    )


_START = "start the node with `ipfs daemon`, or use a folder as the store"
_NOBODY = "is its publisher online and connected to this node? try again later"
