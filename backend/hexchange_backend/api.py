"""The REST API: one route a question, read-only, answers typed."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from hexchange.market.state import JobState
from hexchange_backend import schemas
from hexchange_backend.limits import known_query
from hexchange_backend.service import Service
from hexchange_backend.views import Views


def service(request: Request) -> Service:
    """The market that this application serves."""
    found: Service = request.app.state.service
    return found


def views(request: Request) -> Views:
    """Answers over the market as it is now."""
    return service(request).views()


PROBLEM: dict[str, Any] = {"model": schemas.Problem}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: PROBLEM}
router = APIRouter(prefix="/api", dependencies=[Depends(known_query)], responses={422: PROBLEM})

Answers = Annotated[Views, Depends(views)]
Number = Annotated[int, Path(ge=1, lt=2**53, description="as the lists give it", examples=[1])]
Words = Annotated[
    str, Query(alias="q", max_length=200, description="words that the card must hold", examples=["income"])
]
Limit = Annotated[int, Query(ge=1, le=100, description="most that is answered", examples=[20])]
Skip = Annotated[int, Query(ge=0, le=10_000, description="how many to leave out first", examples=[0])]
Before = Annotated[
    int | None, Query(ge=1, lt=2**53, description="only numbers below this: the next page", examples=[40])
]


@router.get("/datasets")
def datasets(
    answers: Answers, words: Words = "", before: Before = None, limit: Limit = 50
) -> list[schemas.Dataset]:
    """Datasets that still sell, newest first."""
    return list(islice(answers.datasets(words, before), limit))


@router.get("/datasets/{number}", responses=NOT_FOUND)
def dataset(answers: Answers, number: Number) -> schemas.DatasetDetail:
    """One dataset: budgets, editions, and its whole card."""
    return answers.dataset(number)


@router.get("/datasets/{number}/offers", responses=NOT_FOUND)
def offers(answers: Answers, number: Number, skip: Skip = 0, limit: Limit = 50) -> list[schemas.Offer]:
    """The published offers of a dataset that its owner signed, newest first."""
    return list(islice(answers.offers(number), skip, skip + limit))


@router.get("/jobs", responses=NOT_FOUND)
def jobs(
    answers: Answers,
    dataset: Annotated[
        int | None, Query(ge=1, lt=2**53, description="only on this one", examples=[1])
    ] = None,
    state: Annotated[JobState | None, Query(description="only in this state", examples=["open"])] = None,
    before: Before = None,
    limit: Limit = 50,
) -> list[schemas.Job]:
    """Jobs, newest first."""
    return list(islice(answers.jobs(dataset, state, before), limit))


@router.get("/jobs/{number}", responses=NOT_FOUND)
def job(answers: Answers, number: Number) -> schemas.JobDetail:
    """One job: seats, timeline, and what happens next at what time."""
    return answers.job(number)


@router.get("/providers")
def providers(answers: Answers, skip: Skip = 0, limit: Limit = 50) -> list[schemas.Provider]:
    """Everybody who has stake or held a seat, most stake first."""
    return answers.providers()[skip : skip + limit]


@router.get("/health", responses={503: {"model": schemas.Health, "description": "Answers may be old"}})
def health(request: Request, response: Response) -> schemas.Health:
    """How far the index is, and what troubles it; 503 unless all is well."""
    found = service(request).health()
    response.status_code = 200 if found.status == "ok" else 503
    return found
