"""`hexchange job` over a real chain: what anybody sees and may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import services
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import deploy, mint_call
from hexchange.chain.deployment import save_deployment
from hexchange.chain.events import ZERO_ADDRESS, JobOpened, Offer, Terms
from hexchange.chain.offers import sign_offer
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Keystores, Wallet
from hexchange.cli.app import main

OWNER = Wallet(bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"))
FILL = 60


@dataclass
class Market:
    """A market with one dataset; `run` is the command of a stranger."""

    chain: services.Chain
    contracts: Contracts
    sender: Sender
    home: Path
    offers: int = 0

    def open_job(self) -> int:
        self.offers += 1
        offer = Offer(
            1, 0, b"\x01" * 32, b"\x02" * 32, ZERO_ADDRESS, ZERO_ADDRESS, 500, 0, 0, 1, 1, 100, 2, 2,
            1 << 39, 1, self.offers.to_bytes(32, "big"),
        )  # fmt: skip
        signature = sign_offer(OWNER, offer, self.contracts.chain_id, self.contracts.deployment.market)
        terms = Terms(1, 2, 10, FILL, 600, 3600, b"\x09" * 32)
        receipt = self.sender.send(
            f"open:{self.offers}", self.contracts.calls.open_job(offer, signature, terms)
        )
        return next(event.job for event in receipt.events if isinstance(event, JobOpened))

    def wait(self, seconds: int) -> None:
        self.chain.rpc("evm_increaseTime", seconds)
        self.chain.rpc("anvil_mine", "0x2")

    def run(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
        """Exit code and JSON of one command."""
        options = ["--home", str(self.home), "--rpc-url", self.chain.url, "--json", "--yes"]
        password = ["--account", "stranger", "--password-file", str(self.home / "password")]
        with pytest.raises(SystemExit) as ended:
            main(["job", *words, *options, *password])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    home = tmp_path_factory.mktemp("home")
    with services.anvil(home) as chain:
        chain.rpc("evm_setIntervalMining", 0)
        chain.rpc("evm_setAutomine", True)
        deployment = deploy(chain.url, OWNER)
        save_deployment(home / "deployment.json", deployment)
        contracts = connect(chain.url, deployment)
        (home / "password").write_text("correct horse")
        stranger = Keystores(home / "keystores").new("stranger", lambda: "correct horse")
        chain.rpc("anvil_setBalance", stranger.address, hex(10**20))
        with Sender(home / "owner.sqlite", OWNER, contracts) as sender:
            calls = contracts.calls
            sender.send("mint", mint_call(deployment, OWNER.address, 10_000))
            sender.send("approve", calls.approve(10_000))
            sender.send("deposit", calls.deposit(10_000))
            sender.send("list", calls.list_dataset(b"\x01" * 32, 0, 5))
            made = Market(chain, contracts, sender, home)
            made.open_job()
            yield made


def test_a_stranger_draws_and_refunds_at_the_deadline(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    job = str(market.open_job())
    market.wait(1)
    code, drawn = market.run(capsys, "draw", job)
    assert (code, drawn["function"], drawn["state"]) == (0, "draw", "open")
    code, shown = market.run(capsys, "show", job)
    assert code == 0
    assert [moment["event"] for moment in shown["timeline"]] == ["JobOpened", "SeedDrawn"]
    assert shown["deadline"]["function"] == "refund"
    code, early = market.run(capsys, "refund", job)
    assert (code, early["error"]["exit"]) == (5, 5)
    market.wait(2 * FILL + 1)
    code, refunded = market.run(capsys, "refund", job)
    assert (code, refunded["state"]) == (0, "refunded")
    code, shown = market.run(capsys, "show", job)
    assert (shown["outcome"], shown["deadline"], shown["held"]) == ("unfilled", None, "0")


def test_the_list_shows_the_newest_first_and_live_ones_alone_if_asked(
    market: Market, capsys: pytest.CaptureFixture[str]
) -> None:
    over, live = market.open_job(), market.open_job()
    market.sender.send(f"decline:{over}", market.contracts.calls.refund(over))
    _, everything = market.run(capsys, "list")
    assert [job["id"] for job in everything["jobs"]][:2] == [live, over]
    _, living = market.run(capsys, "list", "--live")
    assert over not in [job["id"] for job in living["jobs"]]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("show", "999"), 4, "job-not-found"),
        (("draw", "999"), 4, "job-not-found"),
        (("settle", "1", "--digest", "zz"), 2, "bad-digest"),
        (("challenge", "1", "--digest", "0x12"), 2, "bad-digest"),
        (("finalize", "1"), 5, "contract-reverted"),
        (("redraw", "1"), 5, "contract-reverted"),
        (("settle", "1", "--digest", "0x" + "12" * 32), 5, "contract-reverted"),
    ],
)
def test_what_cannot_be_done_says_why(
    market: Market, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, error: str
) -> None:
    found, document = market.run(capsys, *words)
    assert (found, document["error"]["code"]) == (code, error)
    assert document["error"]["hint"]


def test_a_job_without_a_seed_cannot_be_verified(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = market.run(capsys, "verify", str(market.open_job()))
    assert (code, document["error"]["code"]) == (2, "not-drawn")
