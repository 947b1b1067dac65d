"""The REST API over a market with a job in every state: right, typed, within limits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from sample_market import BUYER, CIRCUIT, PROVIDERS, TOKEN, SampleMarket

from hexchange.market.state import JobState
from hexchange_backend import api
from hexchange_backend.service import Service
from hexchange_backend.words import outcome_text


def get(client: httpx2.Client, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- what is answered -----------------------------------------------------------------------------


def test_health_counts_what_the_contracts_count(client: httpx2.Client, market: SampleMarket) -> None:
    found, views = get(client, "/api/health"), market.contracts.views
    assert (found["status"], found["trouble"], found["missing"]) == ("ok", "", 0)
    assert (found["datasets"], found["jobs"]) == (views.dataset_count(), views.job_count())
    assert found["burnt"] == str(views.burnt()) != "0"
    assert found["block"] == market.contracts.node.tip("latest").ref.number
    assert found["final"] == market.contracts.node.tip("finalized").ref.number


def test_a_dataset_shows_the_budgets_of_the_contract_and_the_words_of_its_manifest(
    client: httpx2.Client, market: SampleMarket
) -> None:
    found, told = get(client, "/api/datasets/1"), market.contracts.views.dataset_of(1)
    for name, budget in (("epsilon", told.epsilon), ("exact", told.exact)):
        left = budget.limit - budget.reserved - budget.spent
        numbers = {"limit": budget.limit, "reserved": budget.reserved, "spent": budget.spent, "left": left}
        assert found[name] == {key: str(value) for key, value in numbers.items()}
    assert found["manifest"] == "0x" + told.manifest.hex()
    assert (found["title"], found["rows"], found["columns"]) == ("Measurements of 569 tumours", 569, 3)
    assert found["editions"] == [{"name": "stats", "layout": "columns", "bytes": 4 * 262_291}]
    assert found["card"]["columns"][0] == {
        "name": "mean radius", "type": "number", "role": "feature", "unit": "mm", "low": 6.0, "high": 29.0,
    }  # fmt: skip
    assert found["card"]["delta"] == 1e-5
    assert found["price_from"] == str(12 * TOKEN), "the cheaper one is for one buyer alone"


def test_offers_say_what_they_cost_and_whether_they_are_open(client: httpx2.Client) -> None:
    standing, noisy, private = get(client, "/api/datasets/1/offers")
    assert (standing["price"], standing["uses"], standing["open"]) == (str(25 * TOKEN), 1, True)
    assert (noisy["epsilon"], noisy["buyer"]) == ("1000000", None)
    assert private["buyer"] == BUYER
    assert standing["circuit"]["result"] == "describe"
    assert get(client, "/api/datasets/1/offers", skip=1, limit=1) == [noisy]


def test_there_is_a_job_in_every_state_as_the_contracts_say(
    client: httpx2.Client, market: SampleMarket
) -> None:
    jobs = get(client, "/api/jobs")
    assert [job["id"] for job in jobs] == list(range(market.contracts.views.job_count(), 0, -1))
    assert {job["state"] for job in jobs} == {state.value for state in JobState}
    names = ["none", *(state.value for state in JobState)]
    for job in jobs:
        view = market.contracts.views.job_of(job["id"])
        assert names[view["job"]["state"]] == job["state"]
        assert get(client, f"/api/jobs/{job['id']}")["held"] == str(view["ledger"]["held"])
    settled = get(client, "/api/jobs", state="settled", dataset=1)
    assert [job["id"] for job in settled] == [3]


def test_lists_are_paged_by_number(client: httpx2.Client) -> None:
    everything = get(client, "/api/jobs")
    first = get(client, "/api/jobs", limit=4)
    assert first == everything[:4]
    assert get(client, "/api/jobs", limit=100, before=first[-1]["id"]) == everything[4:]
    assert get(client, "/api/datasets", before=1) == []


def test_a_job_tells_its_story(client: httpx2.Client, market: SampleMarket) -> None:
    found = get(client, "/api/jobs/4")
    one, two = found["rounds"]
    assert [seat["outcome"] for seat in one["seats"]] == ["right", "wrong", "right"]
    assert one["seats"][1]["fine"] == one["seats"][1]["bond"] == str(market.state.job(4).bond)
    assert {seat["outcome"] for seat in two["seats"]} == {"right"}
    steps = [step["event"] for step in found["timeline"]]
    assert steps[0] == "JobOpened"
    assert steps[-1] == "ResultReleased"
    assert len(steps) == len(market.state.job(4).timeline)
    texts = [step["text"] for step in found["timeline"]]
    assert texts[0] == "the buyer opened the job and put 34 HXD into escrow"
    assert texts[-1] == "the owner released the result to the buyer"
    assert sum(text.endswith("was wrong and lost its bond of 54 HXD") for text in texts) == 1
    assert not set(texts) & set(steps), "every event has a sentence"
    assert found["deadline"] is None


def test_a_job_that_goes_on_names_its_next_deadline(client: httpx2.Client, market: SampleMarket) -> None:
    due = get(client, "/api/jobs/8")["deadline"]
    assert due["at"] == market.state.job(8).challenge_by
    assert (due["function"], due["text"]) == ("finalize", "anyone may finalize; the seats are paid")


def test_a_place_that_was_drawn_anew_and_an_ended_job_say_why(
    client: httpx2.Client, market: SampleMarket
) -> None:
    (only,) = get(client, "/api/jobs/6")["rounds"]
    assert only["redrawn"]
    assert [(seat["seat"], seat["outcome"]) for seat in only["seats"]] == [
        (0, "right"),
        (1, "empty"),
        (None, "silent"),
    ]
    for job in (6, 7):
        outcome = market.state.job(job).refunded
        assert outcome is not None
        assert get(client, f"/api/jobs/{job}")["refunded"] == outcome_text(outcome)


def test_providers_are_counted_by_how_their_seats_ended(client: httpx2.Client, market: SampleMarket) -> None:
    found = get(client, "/api/providers")
    assert {one["address"] for one in found} == set(PROVIDERS)
    for one in found:
        account = market.contracts.views.balance_of(one["address"])
        assert (one["stake"], one["locked"]) == (str(account.staked), str(account.locked))
    seats = [
        seat
        for job in market.state.jobs.values()
        for each in job.rounds
        for seat in (*each.seats, *each.silent)
    ]
    for outcome in ("right", "wrong", "silent", "sealed", "taken", "returned", "unnamed"):
        expected = sum(1 for seat in seats if seat and seat.outcome == outcome)
        assert sum(one["seats"][outcome] for one in found) == expected


@pytest.mark.parametrize(
    ("words", "found"),
    [("tumours", 1), ("TEXTURE cc-by", 1), ("mean radius", 1), ("none", 0), ("%", 0), ("tumours absent", 0)],
)
def test_search_needs_every_word_in_the_card(client: httpx2.Client, words: str, found: int) -> None:
    assert len(get(client, "/api/datasets", q=words)) == found


# --- what is refused ------------------------------------------------------------------------------


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert sorted(problem) == ["detail", "hint", "request", "status", "title", "type"]
    assert (problem["type"], problem["status"]) == (f"/docs#{code}", status)
    assert problem["hint"]
    assert problem["request"] == answer.headers["x-request-id"]
    return problem


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/datasets/77", "dataset-not-found"),
        ("/api/datasets/77/offers", "dataset-not-found"),
        ("/api/jobs?dataset=77", "dataset-not-found"),
        ("/api/jobs/77", "job-not-found"),
        ("/api/nothing", "not-found"),
    ],
)
def test_what_does_not_exist_is_404(client: httpx2.Client, path: str, code: str) -> None:
    refused(client.get(path), 404, code)


@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs?limit=101", "/api/jobs?limit=0", "/api/jobs?limit=x", "/api/jobs?state=done", "/api/jobs/0",
        "/api/jobs/9007199254740992", "/api/jobs/one", "/api/jobs?dataset=-1", "/api/providers?skip=10001",
        f"/api/datasets?q={'x' * 201}", "/api/jobs?page=2", "/api/jobs?limit=1&limit=2", "/api/health?verbose=1",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_422(client: httpx2.Client, path: str) -> None:
    refused(client.get(path), 422, "invalid-request")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_index_is_only_read(client: httpx2.Client, method: str) -> None:
    answer = client.request(method, "/api/jobs")
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


def test_a_body_is_refused_unread(client: httpx2.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 16
            yield bytes(1 << 16)

    refused(client.request("POST", "/api/jobs", content=b"x"), 413, "body-not-accepted")
    refused(client.request("GET", "/api/jobs", content=b"{}"), 413, "body-not-accepted")
    with suppress(httpx2.TransportError):  # the connection is cut, sometimes before the answer is read
        refused(client.post("/api/jobs", content=endless()), 413, "body-not-accepted")
    assert sent < 32 << 20


def test_a_long_query_is_refused_unread(client: httpx2.Client) -> None:
    refused(client.get(f"/api/jobs?{'x' * 2049}"), 414, "query-too-long")


def test_a_failure_of_ours_shows_nothing_but_a_number(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_service: Service) -> None:
        raise RuntimeError("SELECT secret FROM /var/lib")

    monkeypatch.setattr(Service, "views", fail)
    with caplog.at_level(logging.ERROR, "hexchange_backend"):
        answer = client.get("/api/jobs")
    problem = refused(answer, 500, "unexpected")
    assert "secret" not in answer.text
    assert problem["request"] in caplog.text
    assert "nosniff" in answer.headers["x-content-type-options"]


# --- the description ------------------------------------------------------------------------------


def test_every_route_is_described_with_an_example_of_its_own_type(client: httpx2.Client) -> None:
    described = get(client, "/api/openapi.json")["paths"]
    routes = [route for route in api.router.routes if isinstance(route, APIRoute)]
    assert set(described) == {route.path for route in routes}
    for route in routes:
        answers = described[route.path]["get"]["responses"]
        example = answers["200"]["content"]["application/json"]["example"]
        adapter = TypeAdapter(route.response_model)
        assert adapter.dump_python(adapter.validate_python(example), mode="json") == example
        assert (
            answers["422"]["content"]["application/problem+json"]["example"]["type"]
            == "/docs#dataset-not-found"
        )
        for parameter in described[route.path]["get"].get("parameters", ()):
            assert parameter["description"]


def test_the_circuit_of_the_sample_is_the_one_that_is_shown(
    client: httpx2.Client, market: SampleMarket
) -> None:
    digest = bytes.fromhex(get(client, "/api/jobs/1")["circuit"]["digest"][2:])
    assert market.store.get_block(digest) == CIRCUIT
