"""Telephone lines from people to the chain's node, which fail at every transaction and come back.

Each person calls the node under a path of its own. The first time a transaction is sent its line goes down before
the node hears of it, the second time after: the node has it, and the answer is lost. The lines of bystanders, who
send nothing, go down with each of them.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_utils.abi import function_abi_to_4byte_selector

from hexchange.chain.artifacts import artifact

OUTAGE_SECONDS = 0.8
NAMES = {
    bytes(function_abi_to_4byte_selector(entry)): str(entry["name"])
    for contract in ("DataMarket", "ProviderStake")
    for entry in artifact(contract).abi
    if entry["type"] == "function"
}


@dataclass
class Exchange:
    """All lines to the node on `port`; `cuts` counts them by person and function once they are `armed`."""

    port: int
    server_port: int = 0
    armed: bool = False
    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    cuts: Counter[tuple[str, str]] = field(default_factory=Counter)
    down: dict[str, float] = field(default_factory=dict)
    bystanders: list[str] = field(default_factory=list)

    def url(self, person: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{person}"

    def is_down(self, person: str) -> bool:
        return time.monotonic() < self.down.get(person, 0.0)

    def attempt(self, person: str, raw: bytes) -> int:
        """How often this person sent this nonce so far, this time included."""
        fields = rlp.decode(raw[1:])
        place = person, int.from_bytes(fields[1])
        self.sent[place] += 1
        if self.sent[place] <= 2:
            self.cuts[person, NAMES.get(fields[7][:4], "nothing")] += 1
            for each in (person, *self.bystanders):
                self.down[each] = time.monotonic() + OUTAGE_SECONDS
        return self.sent[place]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    exchange: Exchange

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        person, call = self.path.strip("/"), json.loads(body)
        exchange, attempt = self.exchange, 3
        if exchange.armed and exchange.is_down(person):
            self.close_connection = True
            return
        if exchange.armed and isinstance(call, dict) and call["method"] == "eth_sendRawTransaction":
            attempt = exchange.attempt(person, bytes.fromhex(call["params"][0].removeprefix("0x")))
        answer = self._forward(body) if attempt != 1 else b""
        if attempt < 3:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _forward(self, body: bytes) -> bytes:
        node = HTTPConnection("127.0.0.1", self.exchange.port, timeout=30)
        node.request("POST", "/", body, {"Content-Type": "application/json"})
        content = node.getresponse().read()
        node.close()
        return content

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def exchange(port: int) -> Iterator[Exchange]:
    """Lines to the node on `port`; all of them are gone when the block ends."""
    lines = Exchange(port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"exchange": lines}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is expected
    lines.server_port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield lines
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
