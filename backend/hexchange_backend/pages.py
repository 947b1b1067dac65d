"""The pages: catalogue, dataset and job, made on the server, readable without a wallet and without scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hexchange.chain.amounts import format_amount
from hexchange_backend.api import Answers, Number

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


def environment() -> Environment:
    """Templates that escape everything and refuse a name they do not know."""
    folder = Path(__file__).parent / "templates"
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.filters |= {"time": _time, "epsilon": _epsilon, "short": _short, "size": _size, "amount": _amount}
    return made


@router.get("/")
def catalogue(request: Request, answers: Answers, q: Annotated[str, Query(max_length=200)] = "") -> str:
    """What is for sale."""
    found = answers.datasets(q)
    jobs = answers.jobs()
    return _render(request, answers, "catalogue.html", datasets=found, words=q, jobs=jobs[:20])


@router.get("/datasets/{number}")
def dataset(request: Request, answers: Answers, number: Number) -> str:
    """One dataset's card, budgets, offers and jobs."""
    return _render(
        request, answers, "dataset.html", dataset=answers.dataset(number), offers=answers.offers(number),
        jobs=answers.jobs(number),
    )  # fmt: skip


@router.get("/jobs/{number}")
def job(request: Request, answers: Answers, number: Number) -> str:
    """One job as a timeline, with what happens next."""
    return _render(request, answers, "job.html", job=answers.job(number))


def _render(request: Request, answers: Answers, template: str, **values: object) -> str:
    block = answers.view.block
    common = {"token": answers.token(), "block": block, "market": answers.contracts.deployment}
    page: str = request.app.state.templates.get_template(template).render(**common, **values)
    return page


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _epsilon(millionths: int) -> str:
    return format_amount(millionths, 6)


def _amount(units: str, decimals: int) -> str:
    return format_amount(int(units), decimals)


def _short(text: str) -> str:
    return text if len(text) <= 14 else f"{text[:8]}…{text[-4:]}"


def _size(count: int) -> str:
    for power, unit in ((9, "GB"), (6, "MB"), (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} B"
