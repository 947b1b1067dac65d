"""The backend as a program: an index that follows the chain in a thread, and a server that answers from it."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.errors import HexchangeError
from hexchange.storage.open import open_store
from hexchange_backend import api, pages, problems
from hexchange_backend.database import Database
from hexchange_backend.indexer import Indexer
from hexchange_backend.library import Library

STATIC = Path(__file__).parent / "static"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(indexer: Indexer, library: Library) -> FastAPI:
    """The application over an indexer; while it serves, a thread keeps the index up to date."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=indexer.run, args=(stop, library.collect), name="indexer", daemon=True)
        thread.start()
        yield
        stop.set()
        thread.join()

    app = FastAPI(
        title="Hexchange", version=version("hexchange"), lifespan=lifespan, redoc_url=None,
        description="The public index of one market. It holds no key; everything in it comes from chain and storage.",
    )  # fmt: skip
    app.state.indexer, app.state.library, app.state.templates = indexer, library, pages.environment()
    problems.install(app)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.middleware("http")
    async def headers(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call(request)
        if not request.url.path.startswith("/docs"):  # the interactive reference brings its own scripts
            for name, value in SECURITY_HEADERS.items():
                answer.headers.setdefault(name, value)
        return answer

    return app


def main() -> None:
    """`hexchange-backend`: serve one market."""
    parser = argparse.ArgumentParser(prog="hexchange-backend", description="Index one market and serve API and pages.")
    parser.add_argument("--deployment", type=Path, required=True, help="deployment file of the market")
    parser.add_argument("--rpc-url", default="http://127.0.0.1:8545", help="the chain's JSON-RPC address")
    parser.add_argument("--store", required=True, help="folder:PATH or kubo:MULTIADDR")
    parser.add_argument("--database", type=Path, required=True, help="SQLite file of the index; made if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        deployment = load_deployment(arguments.deployment)
        contracts = connect(arguments.rpc_url, deployment)
        database = Database(arguments.database, deployment)
        app = create_app(Indexer(contracts, database), Library(database, open_store(arguments.store)))
    except HexchangeError as error:
        sys.stderr.write(f"error {error.message}\n  next: {error.hint}\n")
        sys.exit(error.exit_code)
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning", limit_concurrency=200)
