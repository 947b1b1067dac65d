"""The backend as a program: a service that follows one market, and a server that answers from it."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from hexchange.chain.contracts import connect
from hexchange.chain.deployment import load_deployment
from hexchange.chain.lock import ProcessLock
from hexchange.errors import HexchangeError
from hexchange.storage.open import open_store
from hexchange_backend import api, pages, problems, reference
from hexchange_backend.database import Database
from hexchange_backend.limits import Guard
from hexchange_backend.service import Service

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
HEADER_BYTES = 16_384


class Application(FastAPI):
    """FastAPI with our guard around everything, and examples in its description."""

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = reference.complete(super().openapi())
        return self.openapi_schema


def create_app(service: Service) -> FastAPI:
    """The application over a service, which runs while the application does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.stop()

    app = Application(
        title="Hexchange",
        version=version("hexchange"),
        description="The public index of one market. It holds no key; all of it comes from chain and storage.",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.service, app.state.templates = service, pages.environment()
    problems.install(app)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def main() -> None:
    """`hexchange-backend`: serve one market."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        deployment = load_deployment(arguments.deployment)
        contracts = connect(arguments.rpc_url, deployment)
        store = open_store(arguments.store)
        database = Database(arguments.database, deployment)
        with ProcessLock(database.path.with_name(f"{database.path.name}.lock"), "a backend"):
            app = create_app(Service(contracts, database, store))
            log.info("serving http://%s:%s/", arguments.host, arguments.port)
            uvicorn.run(
                app, host=arguments.host, port=arguments.port, log_level="warning", http="h11", ws="none",
                proxy_headers=False, server_header=False, limit_concurrency=200,
                h11_max_incomplete_event_size=HEADER_BYTES, timeout_graceful_shutdown=5,
            )  # fmt: skip
    except HexchangeError as error:
        sys.stderr.write(f"error {error.message}\n  next: {error.hint}\n")
        sys.exit(error.exit_code)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hexchange-backend", description="Index one market; serve its API and pages."
    )
    parser.add_argument("--deployment", type=Path, required=True, help="deployment file of the market")
    parser.add_argument("--rpc-url", default="http://127.0.0.1:8545", help="the chain's JSON-RPC address")
    parser.add_argument("--store", required=True, help="a folder, folder:PATH, or the address of a Kubo node")
    parser.add_argument(
        "--database", type=Path, required=True, help="SQLite file of the index; made if missing"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    return parser.parse_args()
