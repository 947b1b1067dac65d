"""What a request may be, and what every answer carries."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hexchange_backend.problems import problem

QUERY_BYTES = 2048
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """The outermost layer: numbers each request, refuses bodies and long queries unread, and sets headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.number = uuid4().hex

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**HEADERS, "X-Request-Id": request.state.number})
            await send(message)

        refusal = _refusal(request)
        if refusal:
            answer = problem(request, *refusal, headers={"Connection": "close"})  # what follows is not read
            await answer(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def known_query(request: Request) -> None:
    """Refuse a parameter that the route does not know, or one that is given twice."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {field.alias for field in route.dependant.query_params}
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known or times > 1:
            reason = "given more than once" if name in known else "not a parameter of this request"
            raise RequestValidationError([{"loc": ("query", name[:50]), "msg": reason}])


def _refusal(request: Request) -> tuple[int, str, str] | None:
    headers = request.headers
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        return 413, "body-not-accepted", "nothing here takes a request body"
    if len(request.scope["query_string"]) > QUERY_BYTES:
        return 414, "query-too-long", f"a query has at most {QUERY_BYTES} bytes"
    return None
