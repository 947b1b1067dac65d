"""`hexchange wallet`: a person's whole way from no key to tokens in the market and back, on a real chain."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import services
from hexchange.chain.contracts import Contracts
from hexchange.chain.deployment import Deployment, save_deployment
from hexchange.chain.sender import Sender
from hexchange.cli.app import main

FILES = Path(__file__).parent / "keystores"
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
FRIEND = "0x1000000000000000000000000000000000000001"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(
    tmp_path: Path,
    chain: services.Chain,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command with --json in a home of its own; gives its document, or its error with exit code."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".foundry" / "keystores").mkdir(parents=True)
    shutil.copy(FILES / "cast.json", tmp_path / ".foundry" / "keystores" / "alice")
    (tmp_path / "password").write_text("correct horse\n")
    save_deployment(tmp_path / ".hexchange" / "deployment.json", deployment)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)

    def command(*words: str, password: str = "password", yes: bool = True) -> dict[str, Any]:
        places = ["--rpc-url", chain.url, "--password-file", str(tmp_path / password)]
        with suppress(SystemExit):
            main([*words, *places, "--json", *(["--yes"] if yes else [])])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return command


def test_keys_are_listed_with_their_origin_imported_and_made(run: Run, tmp_path: Path) -> None:
    assert [(each["origin"], each["name"]) for each in run("wallet", "list")["accounts"]] == [
        ("cast", "alice")
    ]
    assert run("wallet", "import", "cast:alice")["address"] == ADDRESS
    made = run("wallet", "new", "bob")
    assert Path(made["path"]).parent == tmp_path / ".hexchange" / "keystores"
    names = [(each["origin"], each["name"]) for each in run("wallet", "list")["accounts"]]
    assert names == [("hexchange", "alice"), ("hexchange", "bob"), ("cast", "alice")]
    assert run("wallet", "new", "bob")["error"]["code"] == "account-exists"


def test_money_goes_in_across_and_out_and_every_amount_has_its_token(
    run: Run, sender: Sender, contracts: Contracts
) -> None:
    run("wallet", "import", "cast:alice")
    before = run("wallet", "balance")
    assert (before["symbol"], before["decimals"], before["address"]) == ("HXD", 18, ADDRESS)
    assert run("wallet", "deposit", "12.5")["amount"] == str(125 * 10**17)
    assert run("wallet", "withdraw", "2")["function"] == "withdraw"
    assert run("wallet", "send", FRIEND, "0.5")["function"] == "transfer"
    after = run("wallet", "balance")["balance"]
    change = {name: int(after[name]) - int(before["balance"][name]) for name in ("wallet", "free")}
    assert change == {"wallet": -11 * 10**18, "free": 105 * 10**17}
    assert run("wallet", "balance", FRIEND)["balance"]["wallet"] == str(5 * 10**17)
    assert contracts.views.allowance_of(ADDRESS) == 0


def test_what_goes_wrong_is_named_with_its_next_step(run: Run, sender: Sender, tmp_path: Path) -> None:
    assert run("wallet", "balance")["error"]["hint"] == "hexchange wallet new NAME"
    run("wallet", "import", "cast:alice")
    (tmp_path / "wrong").write_text("wrong horse")
    refused = {
        "wrong-password": run("wallet", "withdraw", "1", password="wrong"),
        "not-enough-tokens": run("wallet", "withdraw", "1000000"),
        "bad-amount": run("wallet", "deposit", "1e3"),
        "bad-address": run("wallet", "send", "bob", "1"),
        "declined": run("wallet", "send", FRIEND, "1", yes=False),
        "account-not-found": run("wallet", "import", "cast:nobody"),
    }
    for code, document in refused.items():
        assert document["error"]["code"] == code
        assert document["error"]["hint"]
    assert {code: document["error"]["exit"] for code, document in refused.items()} == {
        "wrong-password": 2, "not-enough-tokens": 7, "bad-amount": 2, "bad-address": 2, "declined": 3,
        "account-not-found": 4,
    }  # fmt: skip


def test_a_deposit_beyond_the_wallet_says_what_is_missing(run: Run, sender: Sender) -> None:
    run("wallet", "import", "cast:alice")
    error = run("wallet", "deposit", "1000000")["error"]
    assert error["exit"] == 7
    assert "HXD" in error["message"]
