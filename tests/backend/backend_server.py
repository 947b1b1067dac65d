"""A real server over a sample market, and what tests ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from sample_market import SampleMarket

from hexchange.chain.contracts import connect
from hexchange_backend.app import create_app
from hexchange_backend.database import Database
from hexchange_backend.service import Service
from services import free_port

CLOSE = {"Connection": "close"}
"""A connection for each request: the server closes one after an error, and a reused one may be that one."""


@contextmanager
def serving(market: SampleMarket, path: Path) -> Iterator[httpx2.Client]:
    """A server in a thread over an index at `path`, as soon as it has read all."""
    contracts = connect(market.chain.url, market.contracts.deployment)
    database = Database(path, contracts.deployment)
    app = create_app(Service(contracts, database, market.store))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", ws="none", http="h11"))
    thread = threading.Thread(target=server.run)
    thread.start()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=CLOSE) as client:
        try:
            wait_for(client, "ok")
            yield client
        finally:
            server.should_exit = True
            thread.join()
            database.close()


def wait_for(client: httpx2.Client, status: str, block: int = 0, seconds: float = 60) -> dict[str, Any]:
    """The health document once it says `status` at `block` or later."""
    end = time.monotonic() + seconds
    while True:
        try:
            found: dict[str, Any] = client.get("/api/health").json()
            if found["status"] == status and (found["block"] or 0) >= block:
                return found
            assert time.monotonic() < end, found
        except httpx2.TransportError:
            assert time.monotonic() < end, "nobody listens"
        time.sleep(0.05)


def every_address(client: httpx2.Client) -> list[str]:
    """Each address that the API and the pages have, with every number that exists."""
    health = client.get("/api/health").json()
    datasets, jobs = (range(1, health[kind] + 1) for kind in ("datasets", "jobs"))
    paths = [
        *client.get("/api/openapi.json").json()["paths"],
        "/",
        "/docs",
        "/datasets/{number}",
        "/jobs/{number}",
    ]
    return [
        path.replace("{number}", str(number))
        for path in paths
        for number in (datasets if "/datasets/{" in path else jobs if "{" in path else [0])
    ]


def every_answer(client: httpx2.Client) -> dict[str, tuple[int, str]]:
    """What each address answers."""
    answers = {path: client.get(path) for path in every_address(client)}
    return {path: (answer.status_code, answer.text) for path, answer in answers.items()}
