"""Errors as problem documents (RFC 9457): a stable type, words, the next step; never a trace, a query or a path."""

from __future__ import annotations

import logging
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from hexchange.errors import HexchangeError, NotFound
from hexchange_backend.schemas import Problem

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Give the application its error answers."""

    @app.exception_handler(HexchangeError)
    def known(request: Request, error: HexchangeError) -> Response:
        return _answer(request, error.code, 404 if isinstance(error, NotFound) else 503, error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        return _answer(request, "invalid-request", 422, f"{place}: {first['msg']}", "see /docs for what is accepted")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return _answer(request, f"http-{error.status_code}", error.status_code, str(error.detail), "see / or /docs")

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        answer = _answer(request, "unexpected", 500, "something went wrong here", "try again, and report the request")
        log.error("request %s failed: %s", answer.headers["x-request-id"], type(error).__name__, exc_info=error)
        return answer


def _answer(request: Request, code: str, status: int, detail: str, hint: str) -> Response:
    number = uuid4().hex
    problem = Problem(
        type=f"about:blank#{code}", title=code.replace("-", " "), status=status, detail=detail, hint=hint,
        request=number,
    )  # fmt: skip
    headers = {"X-Request-Id": number}
    if request.url.path.startswith("/api"):
        return JSONResponse(
            problem.model_dump(), status_code=status, headers=headers, media_type="application/problem+json"
        )
    page: str = request.app.state.templates.get_template("problem.html").render(problem=problem)
    return HTMLResponse(page, status_code=status, headers=headers)
