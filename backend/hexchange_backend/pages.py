"""The pages: catalogue, dataset and job, made on the server, readable without a wallet and without scripts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hexchange.chain.amounts import format_amount
from hexchange_backend import reference
from hexchange_backend.api import Answers, Before, Number, Words, service
from hexchange_backend.limits import known_query
from hexchange_backend.problems import HINTS
from hexchange_backend.words import result_text

router = APIRouter(
    default_response_class=HTMLResponse, include_in_schema=False, dependencies=[Depends(known_query)]
)

ROWS = 50
FEW_ROWS = 20
_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def environment() -> Environment:
    """Templates that escape everything and refuse a name they do not know."""
    folder = Path(__file__).parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {
        "time": _time,
        "micro": _micro,
        "short": _short,
        "size": _size,
        "amount": _amount,
        "units": _units,
    }
    made.filters |= {**filters, "result": result_text, "pretty": _pretty, "share": _share, "number": _number}
    return made


@router.get("/")
def catalogue(request: Request, answers: Answers, words: Words = "", before: Before = None) -> str:
    """What is for sale."""
    found = list(islice(answers.datasets(words, before), ROWS + 1))
    jobs = list(islice(answers.jobs(), FEW_ROWS))
    more = found[ROWS - 1].id if len(found) > ROWS else None
    return _render(request, "catalogue.html", datasets=found[:ROWS], words=words, more=more, jobs=jobs)


@router.get("/datasets/{number}")
def dataset(request: Request, answers: Answers, number: Number) -> str:
    """One dataset's card, budgets, offers and jobs."""
    offers = list(islice(answers.offers(number), ROWS))
    jobs = list(islice(answers.jobs(number), FEW_ROWS))
    return _render(request, "dataset.html", dataset=answers.dataset(number), offers=offers, jobs=jobs)


@router.get("/jobs/{number}")
def job(request: Request, answers: Answers, number: Number) -> str:
    """One job as a timeline, with what happens next."""
    found = answers.job(number)
    due = found.deadline is not None and answers.view.now >= found.deadline.at
    return _render(request, "job.html", job=found, due=due)


@router.get("/docs")
def docs(request: Request) -> str:
    """What the API answers."""
    routes = reference.routes(request.app.openapi())
    return _render(request, "docs.html", routes=routes, problems=HINTS)


def _render(request: Request, template: str, **values: object) -> str:
    health = service(request).health()
    page: str = request.app.state.templates.get_template(template).render(
        health=health, token=health.token, **values
    )
    return page


def _time(seconds: int) -> str:
    """A block time; the far end of what a contract stores has no date."""
    if seconds > _LAST_SECOND:
        return "no end"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _micro(millionths: str) -> str:
    return format_amount(int(millionths), 6)


def _amount(units: str, token: Any) -> str:
    return format_amount(int(units), token.decimals, token.symbol)


def _units(units: str, token: Any) -> str:
    return format_amount(int(units), token.decimals)


def _short(text: str) -> str:
    """Hashes and addresses in a text, by their first and last digits."""
    return re.sub(r"0x([0-9a-fA-F]{4})[0-9a-fA-F]{32,}([0-9a-fA-F]{4})", r"0x\1…\2", text)


def _size(count: int) -> str:
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} B"


def _number(value: float) -> str:
    return f"{value:,.15g}"


def _share(part: str, whole: str) -> int:
    """Percent of a bar."""
    return min(100, int(part) * 100 // max(1, int(whole)))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
