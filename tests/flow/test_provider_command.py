"""`hexchange provider` as people use it: money in and out of the stake, one process, status and drain."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import pytest
from stage import TOKEN, Listing, Market, Person, log_of, open_job

import services
from hexchange.chain.deploy import EXIT_SECONDS, UNIT
from hexchange.cli.app import main
from hexchange.provider import config


class Command:
    """The command for one person; `run` gives its exit code and JSON."""

    def __init__(self, market: Market, one: Person, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.options = [
            "--home", str(one.home), "--rpc-url", market.chain.url, "--store", str(market.store_folder),
            "--deployment", str(market.folder / "deployment.json"),
            "--password-file", str(one.home / "password"), "--json", "--yes",
        ]  # fmt: skip

    def run(self, *words: str) -> tuple[int, Any]:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["provider", *words, *self.options])
        return int(ended.value.code or 0), json.loads(self._capsys.readouterr().out)


def test_stake_goes_in_from_the_wallet_and_comes_back_after_its_delay(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    one = market.person("eve")
    command = Command(market, one, capsys)
    assert command.run("status")[1]["error"]["code"] == "provider-not-set-up"
    code, made = command.run("init")
    assert (code, made["path"], made["written"]) == (0, str(one.home / "provider/provider.toml"), True)
    assert made["costs"] == asdict(config.load_costs(one.home / "provider" / config.COSTS_FILE))
    assert command.run("init")[1]["written"] is False
    code, staked = command.run("stake", "300.5")
    assert (code, staked["staked"], staked["wallet"]) == (
        0,
        str(3005 * TOKEN // 10),
        str(996995 * TOKEN // 10),
    )
    assert command.run("stake", "100000")[0] == 7
    assert command.run("unstake", "301")[0] == 7
    assert command.run("unstake", "100")[1]["leaving"] == str(UNIT)
    code, early = command.run("collect")
    assert (code, early["error"]["code"]) == (5, "contract-reverted")
    market.jump(market.contracts.node.tip("latest").ref.timestamp + EXIT_SECONDS)
    assert command.run("collect")[1]["free"] == str(UNIT)
    assert command.run("stake", "150")[1]["staked"] == str(3505 * TOKEN // 10)  # what is free goes in first
    assert one.total == 100_000 * TOKEN


def test_a_provider_runs_once_says_how_it_is_and_drains(
    market: Market, listing: Listing, buyer: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    one = market.provider("dora")
    command = Command(market, one, capsys)
    start = [sys.executable, "-c", "from hexchange.cli.app import main; main()", "provider", "run"]
    with services.running([*start, *command.options], one.home / "run.log") as process:
        services.wait_until(lambda: '"ready"' in log_of(one), process, one.home / "run.log")
        code, second = command.run("run")
        assert (code, second["error"]["code"]) == (2, "already-running")
        held = open_job(market, listing, buyer)
        job = market.wait(held, lambda job: job.round.seed is not None)
        market.jump(job.round.contest_end - job.fill // 2)
        market.wait(held, lambda job: job.round.full)
        code, status = command.run("status")
        assert code == 0
        assert {check["name"]: check["severity"] for check in status["checks"]}["process"] == "ok"
        assert {check["severity"] for check in status["checks"]} <= {"ok", "degraded"}
        assert [(seat["job"], seat["sealed"]) for seat in status["seats"]] == [(held, False)]
        assert status["queue"] == 1
        assert command.run("drain")[0] == 0
        services.wait_until(lambda: "no more seats" in log_of(one), process, one.home / "run.log")
        refused = open_job(market, listing, buyer)
        market.fill(held)
        assert process.wait(60) == 0
    assert market.job(held).round.sealed == 1
    assert market.job(refused).round.seats == (None,)
    code, gone = command.run("drain")
    assert (code, gone["error"]["code"]) == (4, "not-running")
    assert command.run("status")[1]["severity"] != "ok"
