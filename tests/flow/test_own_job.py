"""Owner and buyer in one: seats compute over the owner's table, and the owner opens the result itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from acting import TOKEN, Town, act, applicants, list_applicants, offer, serve

import services
from hexchange.market.state import Job, JobState


def finish(town: Town, number: int) -> Job:
    """The job at its end, without waiting for windows in which nothing is left to do."""
    job = town.wait(number, lambda job: job.round.seed is not None)
    town.jump(job.round.contest_end - job.fill // 2)
    town.jump(town.wait(number, lambda job: job.round.full).round.contest_end)
    town.jump(town.wait(number, lambda job: job.state is JobState.PROPOSED).challenge_by)
    return town.wait(number, lambda job: job.over)


def test_an_owner_has_its_table_computed_on_and_opens_the_result_alone(tmp_path: Path) -> None:
    found = applicants(tmp_path)
    with services.anvil(tmp_path) as chain:
        town = Town(tmp_path, chain)
        owner, provider = town.person("owner"), town.provider("provider")
        dataset = str(list_applicants(owner, found, exact=0))
        wanted = act(owner, "buy", "request", dataset, "predict", "--model", str(found.model))
        file = tmp_path / "offer.json"
        offer(owner, wanted["circuit"], "5", file, "--buyer", owner.address, "--uses", "2")
        before = town.total(owner), town.total(provider)
        lying = [sys.executable, "-m", "demo.provider", *provider.options(), "--wrong", "2:0"]
        with provider.start(lying):
            with serve(owner, "owner", "watch"):
                quoted = act(owner, "buy", "quote", dataset, str(file))
                assert (quoted["price"], quoted["guarantee"], quoted["escrow"]) == ("0", "0", str(TOKEN))
                terms = ("--fill", "60", "--compute", "120")
                number = act(owner, "buy", "open", dataset, str(file), *terms)["job"]
                early = act(owner, "buy", "result", str(number), exit_code=9)
                assert early["code"] == "digest-not-final"
                job = finish(town, number)
                assert act(owner, "buy", "watch", str(number))[-1]["state"] == "released"
            # The owner's service is off when the second job is settled by a seat that lies.
            wrong = act(owner, "buy", "open", dataset, str(file), *terms)["job"]
            finish(town, wrong)
            assert act(owner, "buy", "watch", str(wrong))[-1]["state"] == "released"
        assert (job.state, job.released, job.price) == (JobState.RELEASED, False, 0)
        result = act(owner, "buy", "result", str(number), "--save", str(tmp_path / "result"))
        scores = pd.read_csv(tmp_path / "result" / "result.csv")["score"]
        assert scores.to_numpy() == pytest.approx(found.scores, abs=result["errors"]["score"])
        assert (result["epsilon"], result["noise"]) == (0, {})

        assert act(owner, "buy", "result", str(wrong), exit_code=9)["code"] == "rerun-differs"
        assert act(provider, "buy", "result", str(number), exit_code=4)["code"] == "encryption-not-found"
        assert (town.total(owner), town.total(provider)) == (before[0] - 2 * TOKEN, before[1] + 2 * TOKEN)
        listed = town.follower.state.dataset(int(dataset))
        assert (listed.exact_spent, listed.exact_reserved, listed.epsilon_spent) == (0, 0, 0)
