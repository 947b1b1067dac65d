"""`hexchange owner` from a CSV file to a noised release, as commands in processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nacl.public import PrivateKey
from stage import TOKEN, Market, Person, provider_process

import services
from hexchange.chain.events import JobOpened, Terms
from hexchange.market import documents
from hexchange.market.messages import Offers
from hexchange.market.results import ReleasedResult, SealedResult
from hexchange.market.state import JobState
from hexchange.sealing import SealedBytes, open_result
from hexchange.storage.cid import Cid

KEY = PrivateKey(bytes(range(32)))
COLUMNS = """
row_norm = 0.9
clip = true
[[column]]
name = "age"
unit = "years"
low = 0
high = 100
[[column]]
name = "dose"
unit = "mg"
low = 0
high = 5
"""


class Command:
    """The installed command, as one person uses it."""

    def __init__(self, market: Market, one: Person) -> None:
        self.home = one.home
        self.words = [
            str(Path(sys.executable).with_name("hexchange")), "--json", "--yes", "--home", str(one.home), "--rpc-url",
            market.chain.url, "--deployment", str(market.folder / "deployment.json"), "--store",
            f"folder:{market.folder / 'store'}", "--password-file", str(one.home / "password"), "owner",
        ]  # fmt: skip

    def __call__(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        done = subprocess.run([*self.words, *words], capture_output=True, text=True, check=False)
        assert done.returncode == exit_code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer.get("error", answer)

    @contextmanager
    def watch(self) -> Iterator[subprocess.Popen[bytes]]:
        with services.running([*self.words, "watch"], self.home / "watch.log") as process:
            yield process


@pytest.fixture(scope="module")
def hospital(market: Market) -> Person:
    return market.person("hospital")


@pytest.fixture(scope="module")
def run(market: Market, hospital: Person) -> Command:
    generator = np.random.default_rng(11)
    table = pd.DataFrame({"age": generator.uniform(20, 80, 60), "dose": generator.uniform(0, 5, 60)})
    table.to_csv(hospital.home / "t.csv", index=False)
    table.assign(dose=["much"] * 60).to_csv(hospital.home / "text.csv", index=False)
    (hospital.home / "c.toml").write_text(COLUMNS)
    return Command(market, hospital)


def test_from_a_file_to_a_noised_release_with_the_service_killed_on_the_way(
    market: Market, run: Command, hospital: Person, buyer: Person
) -> None:
    home, provider = hospital.home, market.provider("amy")
    table = ("encrypt", str(home / "t.csv"), "--title", "Doses", "--columns", str(home / "c.toml"))
    refused = run("encrypt", str(home / "text.csv"), *table[2:], "--name", "t", exit_code=2)
    assert (refused["code"], refused["hint"] != "") == ("text-column", True)
    made = run(*table, "--name", "t")
    assert made["bytes"]["stats"] > 500_000
    assert made["rows_shortened"] > 0
    assert run("published", "t")["objects"][0]["what"] == "manifest"
    assert [key["present"] for key in run("keys")["keys"]] == [True]

    listed = run("list", "t", "--epsilon", "2.5", "--exact", "1")
    assert run("list", "t", "--epsilon", "2.5", "--exact", "1")["dataset"] == listed["dataset"]
    terms = ("--circuit", "describe", "--price", "5", "--max-reward", "100")
    assert run("offer", "t", *terms, "--epsilon", "3", exit_code=9)["code"] == "budget-short"
    file = home / "offer.json"
    private = run("offer", "t", *terms, "--epsilon", "1.5", "--buyer", buyer.address, "--save", str(file))
    standing = run("offer", "t", *terms, "--epsilon", "0.5")
    together = run("offer", "t", "--circuit", "covariance", *terms[2:], "--epsilon", "0.5")
    assert len({private["offer"], standing["offer"], together["offer"]}) == 3
    (signed,) = documents.parse(Offers, file.read_bytes()).offers

    calls = market.contracts.calls
    buyer.send("approve", calls.approve(10_000 * TOKEN))
    asked = Terms(1, TOKEN, TOKEN, 120, 600, 86_400, bytes(KEY.public_key))
    receipt = buyer.send(f"open:{private['offer']}", calls.open_job(signed.offer, signed.signature, asked))
    number = next(event.job for event in receipt.events if isinstance(event, JobOpened))
    with provider_process(market, provider):
        with run.watch() as process:
            log = home / "watch.log"
            market.fill(number)
            services.wait_until(lambda: '"run"' in log.read_text(), process, log)
            process.send_signal(signal.SIGKILL)
        with run.watch() as process:
            job = market.wait(number, lambda job: job.released)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert market.finish(number).state is JobState.RELEASED
    assert job.result is not None
    where = documents.parse(SealedResult, market.store.get_block(job.result))
    sealed = SealedBytes(market.store.get(Cid.parse(where.cid), where.size), job.sealed_key)
    released = documents.parse(ReleasedResult, open_result(sealed, KEY))
    assert released.epsilon == 1_500_000
    assert all(output.noise for output in released.outputs)
    assert market.follower.state.dataset(listed["dataset"]).epsilon_spent == 1_500_000

    assert run("cancel", "t", "ffff", exit_code=4)["code"] == "offer-not-found"
    assert run("cancel", "t", standing["offer"][:14])["offer"] == standing["offer"]
    run(*table, "--name", "t2", "--replaces", "t")
    assert run("update", "t2")["dataset"] == listed["dataset"]
    assert run("delist", "t2")["dataset"] == listed["dataset"]
    market.follower.update()
    dataset = market.follower.state.dataset(listed["dataset"])
    assert dataset.delisted
    assert len(dataset.manifests) == 2
    assert market.follower.state.offer(bytes.fromhex(standing["offer"][2:])).cancelled


def test_a_job_is_declined_by_its_owner(
    market: Market, run: Command, hospital: Person, buyer: Person
) -> None:
    run("encrypt", str(hospital.home / "t.csv"), "--title", "Doses", "--name", "inferred")
    assert run("list", "inferred", "--epsilon", "1", exit_code=2)["code"] == "budget-needs-ranges"
    listed = run("list", "inferred", "--exact", "1")
    file = hospital.home / "exact.json"
    run(
        "offer",
        "inferred",
        "--circuit",
        "describe",
        "--price",
        "5",
        "--max-reward",
        "100",
        "--save",
        str(file),
    )
    (signed,) = documents.parse(Offers, file.read_bytes()).offers
    asked = Terms(1, TOKEN, TOKEN, 120, 600, 86_400, bytes(KEY.public_key))
    call = market.contracts.calls.open_job(signed.offer, signed.signature, asked)
    buyer.send("approve", market.contracts.calls.approve(10_000 * TOKEN))
    receipt = buyer.send("open:declined", call)
    number = next(event.job for event in receipt.events if isinstance(event, JobOpened))
    run("decline", str(number))
    assert market.job(number).state is JobState.REFUNDED
    assert run("decline", str(number), exit_code=5)["code"] == "contract-reverted"
    assert market.follower.state.dataset(listed["dataset"]).exact_left == 1
