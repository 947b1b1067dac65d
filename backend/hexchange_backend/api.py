"""The REST API: one route a question, read-only, answers typed."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from hexchange.errors import NodeUnreachable
from hexchange.market.state import JobState
from hexchange_backend import schemas
from hexchange_backend.indexer import Indexer
from hexchange_backend.views import Views

router = APIRouter(prefix="/api", responses={404: {"model": schemas.Problem}, 422: {"model": schemas.Problem}})


def views(request: Request) -> Views:
    """Views over the market as it is now."""
    state = request.app.state
    return Views(state.indexer.view, state.library, state.indexer.contracts)


Answers = Annotated[Views, Depends(views)]
Number = Annotated[int, Path(ge=1, lt=2**53)]
Limit = Annotated[int, Query(ge=1, le=100, description="rows a page")]
Before = Annotated[int | None, Query(ge=1, lt=2**53, description="only numbers below this one: the next page")]


@router.get("/datasets")
def datasets(
    answers: Answers,
    q: Annotated[str, Query(max_length=200, description="words that the card must hold", examples=["income"])] = "",
    limit: Limit = 50,
    before: Before = None,
) -> list[schemas.Dataset]:
    """Datasets that still sell, newest first."""
    return [one for one in answers.datasets(q) if before is None or one.id < before][:limit]


@router.get("/datasets/{number}")
def dataset(answers: Answers, number: Number) -> schemas.Dataset:
    """One dataset with its card, budgets and editions."""
    return answers.dataset(number)


@router.get("/datasets/{number}/offers")
def offers(answers: Answers, number: Number) -> list[schemas.Offer]:
    """The published offers of a dataset, newest first."""
    return answers.offers(number)


@router.get("/jobs")
def jobs(
    answers: Answers,
    dataset: Annotated[int | None, Query(ge=1, lt=2**53)] = None,
    state: JobState | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> list[schemas.Job]:
    """Jobs, newest first."""
    found = answers.jobs(dataset, state)
    return [one for one in found if before is None or one.id < before][:limit]


@router.get("/jobs/{number}")
def job(answers: Answers, number: Number) -> schemas.JobDetail:
    """One job: seats, timeline, and what happens next at what time."""
    return answers.job(number)


@router.get("/providers")
def providers(answers: Answers) -> list[schemas.Provider]:
    """Everybody who has stake or held a seat, most stake first."""
    return answers.providers()


@router.get("/health")
def health(request: Request, answers: Answers) -> schemas.Health:
    """How far the index is, and what troubles it."""
    indexer: Indexer = request.app.state.indexer
    try:
        head = indexer.reader.tip("latest").number
    except NodeUnreachable:
        head = None
    view, deployment = answers.view, indexer.contracts.deployment
    return schemas.Health(
        status="ok" if head is not None and not indexer.trouble else "degraded",
        chain=deployment.chain, market=deployment.market, block=view.block and view.block.number, head=head,
        final=view.final, trouble=indexer.trouble, datasets=len(view.state.datasets), jobs=len(view.state.jobs),
        burnt=str(view.state.burnt), token=answers.token(), version=version("hexchange"),
    )  # fmt: skip
