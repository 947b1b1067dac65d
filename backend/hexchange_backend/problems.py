"""Errors as problem documents (RFC 9457): a stable type, words, the next step; never a trace, a query or a path."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from hexchange.errors import HexchangeError, NotFound
from hexchange_backend.schemas import Problem

log = logging.getLogger(__name__)

HINTS = {
    "dataset-not-found": "the catalogue lists the datasets: /",
    "job-not-found": "the jobs are listed at /api/jobs",
    "not-found": "see the catalogue at /, or what the API answers at /docs",
    "method-not-allowed": "this index is only read; to act on the market use the hexchange command",
    "invalid-request": "see what is accepted at /docs",
    "body-not-accepted": "send the request without a body",
    "query-too-long": "search for fewer words",
    "unavailable": "try again later; /api/health says how the index is",
    "unexpected": "try again, and report the number of the request",
}
"""By code: the next step."""


def install(app: FastAPI) -> None:
    """Give the application its error answers."""

    @app.exception_handler(HexchangeError)
    def known(request: Request, error: HexchangeError) -> Response:
        if isinstance(error, NotFound):
            return problem(request, 404, error.code, error.message)
        log.error("request %s failed: %s", request.state.number, error.message)
        return problem(request, 503, "unavailable", "the index cannot answer at the moment")

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        return problem(request, 422, "invalid-request", f"{place}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        code = "method-not-allowed" if error.status_code == 405 else "not-found"
        return problem(
            request, error.status_code, code, f"{request.method} {request.url.path[:100]}", error.headers
        )

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        log.error("request %s failed", request.state.number, exc_info=error)
        return problem(request, 500, "unexpected", "something went wrong here")


def problem(
    request: Request, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for a request that failed: JSON from the API, elsewhere a page."""
    found = Problem(
        type=f"/docs#{code}",
        title=code.replace("-", " "),
        status=status,
        detail=detail,
        hint=HINTS.get(code, HINTS["not-found"]),
        request=request.state.number,
    )
    if request.url.path.startswith("/api"):
        return JSONResponse(found.model_dump(), status, dict(headers or {}), "application/problem+json")
    page: str = request.app.state.templates.get_template("problem.html").render(problem=found)
    return HTMLResponse(page, status, dict(headers or {}))
