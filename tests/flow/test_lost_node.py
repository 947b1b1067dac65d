"""The connection to the chain's node fails around every transaction of a job, for everybody who takes part."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from acting import TOKEN, Town, act, applicants, list_applicants, offer, serve
from lines import exchange

import services
from hexchange.market.state import JobState

STEPS = {"openJob", "draw", "takeSeat", "commit", "settle", "release", "finalize"}


def ask(port: int, path: str) -> Any:
    with urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=10) as answer:
        return json.loads(answer.read())


def test_a_job_ends_right_though_every_line_to_the_node_fails_at_every_step(tmp_path: Path) -> None:
    found = applicants(tmp_path)
    with services.anvil(tmp_path) as chain, exchange(chain.port) as lines:
        town = Town(tmp_path, chain, url=lines.url)
        owner, buyer, provider = town.person("owner"), town.person("buyer"), town.provider("provider")
        dataset = str(list_applicants(owner, found))
        wanted = act(buyer, "buy", "request", dataset, "predict", "--model", str(found.model))
        offer(owner, wanted["circuit"], "5", tmp_path / "offer.json")
        before = {one.role: town.total(one) for one in (owner, buyer, provider)}
        port = services.free_port()
        backend = [
            str(Path(sys.executable).with_name("hexchange-backend")), "--deployment", str(tmp_path / "deployment.json"),
            "--rpc-url", lines.url("backend"), "--store", f"folder:{tmp_path / 'store'}", "--port", str(port),
            "--database", str(tmp_path / "index.sqlite"),
        ]  # fmt: skip
        log = tmp_path / "backend.log"
        with (
            services.running(backend, log) as process,
            serve(provider, "provider", "run"),
            serve(owner, "owner", "watch"),
        ):
            services.wait_until(lambda: ask(port, "health")["status"] == "ok", process, log)
            lines.armed, lines.bystanders = True, ["backend"]
            terms = ("--fill", "120", "--compute", "300", "--release", "86400")
            number = act(buyer, "buy", "open", dataset, str(tmp_path / "offer.json"), *terms)["job"]
            with serve(buyer, "buy", "watch", str(number), "--json") as watching:
                said = buyer.home / "service.log"
                services.wait_until(lambda: b"JobOpened" in said.read_bytes(), watching, said)
                lines.bystanders.append("buyer")
                job = town.wait(number, lambda job: job.round.seed is not None)
                town.jump(job.round.contest_end - 60)
                town.jump(town.wait(number, lambda job: job.round.full).round.contest_end)
                town.jump(town.wait(number, lambda job: job.released).challenge_by)
                job = town.wait(number, lambda job: job.over)
                assert watching.wait(30) == 0, said.read_text()
            lines.armed = False
            time.sleep(1)
            services.wait_until(
                lambda: len(ask(port, f"jobs/{number}")["timeline"]) == len(job.timeline), process, log
            )
            served = ask(port, f"jobs/{number}")
        assert job.state is JobState.RELEASED
        assert json.loads(said.read_text().splitlines()[-1])["released"] is True
        assert {name for _, name in lines.cuts} >= STEPS
        assert all(count >= 2 for count in lines.cuts.values())
        assert (served["state"], served["held"], served["settled"][-64:]) == (
            "released",
            "0",
            job.settled.hex(),
        )  # type: ignore[union-attr]
        after = {one.role: town.total(one) - before[one.role] for one in (owner, buyer, provider)}
        assert after == {"owner": 5 * TOKEN, "buyer": -6 * TOKEN, "provider": TOKEN}
        assert town.contracts.views.job_count() == 1
        result = act(buyer, "buy", "result", str(number))
        assert result["outputs"]["score"] == pytest.approx(found.scores, abs=result["errors"]["score"])
