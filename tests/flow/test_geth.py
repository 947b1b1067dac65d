"""A whole job on another client of the chain: geth, with its own blocks, fees and finality."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from acting import MONEY, TOKEN, Town, act, applicants, list_applicants, offer, serve

import services
from hexchange.market.state import JobState


def from_the_developer(chain: services.Chain, address: str) -> None:
    """Gas from geth's unlocked account, in a block before anybody spends it."""
    chain.rpc("eth_sendTransaction", {"from": services.DEVELOPER, "to": address, "value": hex(10**19)})
    while chain.rpc("eth_getBalance", address, "latest") == "0x0":
        pass


def test_a_whole_job_on_geth_from_listing_to_withdrawal(tmp_path: Path) -> None:
    found = applicants(tmp_path)
    with services.geth(tmp_path) as chain:
        # Developer geth moves its finalized block once in 32 blocks, and its blocks never leave the chain.
        town = Town(tmp_path, chain, gas=from_the_developer, finality="latest")
        owner, buyer, provider = town.person("owner"), town.person("buyer"), town.provider("provider")
        with serve(provider, "provider", "run"), serve(owner, "owner", "watch"):
            dataset = str(list_applicants(owner, found))
            wanted = act(
                buyer, "buy", "request", dataset, "predict", "--model", str(found.model), "--price", "5"
            )
            file = tmp_path / "offer.json"
            offer(owner, wanted["circuit"], "5", file, "--buyer", buyer.address)
            terms = ("--fill", "8", "--compute", "12", "--release", "60")
            opened = act(buyer, "buy", "open", dataset, str(file), *terms)
            assert opened["escrow"] == str(6 * TOKEN)
            events = [line.get("event") for line in act(buyer, "buy", "watch", str(opened["job"]))]
            assert [events[0], events[-2]] == ["JobOpened", "ResultReleased"]
            result = act(buyer, "buy", "result", str(opened["job"]), "--save", str(tmp_path / "result"))
            job = town.wait(opened["job"], lambda job: job.over)
        assert job.state is JobState.RELEASED
        scores = pd.read_csv(tmp_path / "result" / "result.csv")["score"]
        assert scores.to_numpy() == pytest.approx(found.scores, abs=result["errors"]["score"])
        assert act(provider, "job", "verify", str(job.id))["agrees"]
        act(provider, "wallet", "withdraw", "1")
        act(owner, "wallet", "withdraw", "5")
        wallets = [town.contracts.views.wallet_of(one.address) for one in (owner, buyer, provider)]
        assert wallets == [MONEY + 5 * TOKEN, MONEY - 6 * TOKEN, MONEY - 999 * TOKEN]
