"""A real HTTP server in front of a real Kubo node that spoils the blocks it serves, each in one named way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Spoil = Callable[["_Handler", bytes], None]


@dataclass
class Proxy:
    """`spoil` answers what `path` is asked for, at most `times`; all else passes to the node on `port`."""

    port: int
    spoil: Spoil
    path: str = "/api/v0/block/get"
    times: int = 1 << 30
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    api: str = ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or self._chunks()
        node = HTTPConnection("127.0.0.1", self.proxy.port, timeout=10)
        node.request("POST", self.path, body, {"Content-Type": self.headers.get("Content-Type", "")})
        reply = node.getresponse()
        content = reply.read()
        node.close()
        self.proxy.asked.append(self.path)
        if self.path.startswith(self.proxy.path) and self.proxy.times > 0:
            self.proxy.times -= 1
            self.proxy.spoil(self, content)
        else:
            self.answer(content, reply.status)

    def _chunks(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def answer(self, content: bytes, status: int = 200, declared: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if declared is None else declared))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxy(port: int, spoil: Spoil, **settings: object) -> Iterator[Proxy]:
    settled = Proxy(port, spoil, **settings)  # type: ignore[arg-type]
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": settled}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is expected
    settled.api = f"/ip4/127.0.0.1/tcp/{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield settled
    finally:
        settled.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def other_bytes(handler: _Handler, content: bytes) -> None:
    handler.answer(bytes([content[0] ^ 1]) + content[1:])


def short(handler: _Handler, content: bytes) -> None:
    handler.answer(content[:-1])


def cut(handler: _Handler, content: bytes) -> None:
    handler.answer(content[: len(content) // 2], declared=len(content))
    handler.connection.shutdown(socket.SHUT_RDWR)


def longer(handler: _Handler, content: bytes) -> None:
    handler.answer(content + b"\x00" * (8 << 20))


def endless(handler: _Handler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while not handler.proxy.over.is_set():
        handler.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def silence(handler: _Handler, content: bytes) -> None:
    handler.proxy.over.wait()


def stall(handler: _Handler, content: bytes) -> None:
    handler.answer(content[:10], declared=len(content))
    handler.proxy.over.wait()


def trickle(handler: _Handler, content: bytes) -> None:
    handler.answer(b"", declared=len(content))
    for byte in content:
        handler.wfile.write(bytes([byte]))
        if handler.proxy.over.wait(0.05):
            break


def no_http(handler: _Handler, content: bytes) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.connection.shutdown(socket.SHUT_RDWR)


def broken(handler: _Handler, content: bytes) -> None:
    handler.answer(b'{"Message":"open: input/output error","Code":0,"Type":"error"}', status=500)


def full(handler: _Handler, content: bytes) -> None:
    handler.answer(b'{"Message":"write: no space left on device","Code":0,"Type":"error"}', status=500)


def elsewhere(handler: _Handler, content: bytes) -> None:
    handler.send_response(307)
    handler.send_header("Location", f"http://127.0.0.1:{handler.proxy.port}{handler.path}")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def another_key(handler: _Handler, content: bytes) -> None:
    key = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    handler.answer(f'{{"Key":"{key}","Size":1}}'.encode())
