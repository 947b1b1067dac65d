"""A small market in which everybody acts through the installed command alone, on any chain.

Single commands run in this process (their services apart): the same code, without starting an interpreter each time.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LinearRegression

import services
from demo.cast import Participant
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.views import Bounds
from hexchange.chain.wallet import Wallet
from hexchange.cli.app import main
from hexchange.follower import Follower
from hexchange.market.state import Job

TOKEN = 10**18
GAS = 10**19
MONEY = 5000 * TOKEN
BOUNDS = Bounds(
    min_fill=2, max_fill=86_400, min_compute=2, max_compute=604_800, min_release=5, max_release=2_592_000,
    naming=600,
)  # fmt: skip
ROWS = 40


def on_anvil(chain: services.Chain, address: str) -> None:
    """Give gas to an address of anvil."""
    chain.rpc("anvil_setBalance", address, hex(GAS))


@dataclass
class Town:
    """One chain with a market, a store folder, and people; `gas` gives an address native coin."""

    folder: Path
    chain: services.Chain
    gas: Callable[[services.Chain, str], None] = on_anvil
    finality: str = "finalized"
    url: Callable[[str], str] | None = None
    """Address of the chain as the person of a role reaches it, if not directly."""
    deployment: Deployment = field(init=False)
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        deployer = Wallet(os.urandom(32))
        self.gas(self.chain, deployer.address)
        self.deployment = deploy(self.chain.url, deployer, bounds=BOUNDS, finality=self.finality)
        save_deployment(self.folder / "deployment.json", self.deployment)
        self.follower = Follower(connect(self.chain.url, self.deployment))

    @property
    def contracts(self) -> Contracts:
        return self.follower.contracts

    def person(self, role: str) -> Participant:
        """Somebody with a keystore, gas and tokens."""
        one = Participant(
            role, self.folder / role, self.url(role) if self.url else self.chain.url, f"folder:{self.folder / 'store'}",
            self.folder / "deployment.json", self.deployment,
        )  # fmt: skip
        one.enter()
        self.gas(self.chain, one.address)
        with one.sender() as sender:
            sender.send("mint", mint_call(self.deployment, one.address, MONEY))
        return one

    def provider(self, role: str) -> Participant:
        """Somebody with ten tickets of stake, set up to run."""
        one = self.person(role)
        act(one, "provider", "init")
        act(one, "provider", "stake", "1000")
        return one

    def job(self, number: int) -> Job:
        self.follower.update()
        return self.follower.state.job(number)

    def wait(self, number: int, until: Callable[[Job], bool], seconds: float = 90) -> Job:
        """The job as soon as `until` holds for it."""
        end = time.monotonic() + seconds
        while not until(job := self.job(number)):
            assert time.monotonic() < end, f"job {number} did not get there: {job.state}, {job.round}"
            time.sleep(0.2)
        return job

    def jump(self, at: int) -> None:
        """Let anvil's clock reach `at`, where nobody has anything to do before."""
        missing = at - self.contracts.node.tip("latest").ref.timestamp
        if missing > 0:
            self.chain.rpc("evm_increaseTime", missing)

    def total(self, one: Participant) -> int:
        """All tokens of somebody: in the wallet, free, staked and leaving."""
        balance = self.contracts.views.balance_of(one.address)
        return balance.wallet + balance.free + balance.staked + balance.leaving


def act(one: Participant, *words: str, exit_code: int = 0) -> Any:
    """One command with --json to its end: its document, or its error, or the lines of one that follows."""
    said, heard = io.StringIO(), io.StringIO()
    with redirect_stdout(said), redirect_stderr(heard), pytest.raises(SystemExit) as ended:
        main([*words, "--json", "--yes", *one.options()])
    assert (ended.value.code or 0) == exit_code, (words, said.getvalue(), heard.getvalue())
    if words[:2] == ("buy", "watch"):
        return [json.loads(line) for line in said.getvalue().splitlines()]
    document = json.loads(said.getvalue())
    return document.get("error", document)


def serve(one: Participant, *words: str) -> AbstractContextManager[Popen[bytes]]:
    """A service of somebody, as a process of the installed command."""
    return one.start(one.command(*words))


@dataclass(frozen=True)
class Applicants:
    """A table as an owner has it in a file, a model as a buyer has it in a file, and the scores in the clear."""

    table: Path
    model: Path
    scores: np.ndarray[Any, np.dtype[np.float64]]


def applicants(folder: Path) -> Applicants:
    """Forty rows, and a linear model fitted by scikit-learn."""
    generator = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"age": generator.uniform(18, 90, ROWS), "income": generator.uniform(0, 200, ROWS)}
    ).round(2)
    fitted = LinearRegression().fit(frame, frame["age"] / 50 - frame["income"] / 100)
    frame.to_csv(folder / "applicants.csv", index=False)
    skops.io.dump(fitted, folder / "model.skops")
    return Applicants(folder / "applicants.csv", folder / "model.skops", fitted.predict(frame))


def list_applicants(owner: Participant, found: Applicants, *, exact: int = 3) -> int:
    """Encrypt and list; the number of the dataset."""
    act(
        owner,
        "owner",
        "encrypt",
        str(found.table),
        "--name",
        "applicants",
        "--title",
        "Applicants",
        "--for",
        "predict",
    )
    return int(act(owner, "owner", "list", "applicants", "--exact", str(exact))["dataset"])


def offer(owner: Participant, circuit: str, price: str, file: Path, *words: str) -> str:
    """A private offer in a file; its digest."""
    terms = ("--price", price, "--min-reward", "1", "--max-reward", "2", "--save", str(file), *words)
    return str(act(owner, "owner", "offer", "applicants", "--circuit", circuit, *terms)["offer"])
