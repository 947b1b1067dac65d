"""The command `hexchange-backend` as a process: killed, restarted, misled, and what its health says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from backend_server import CLOSE, every_answer, serving, wait_for
from sample_market import BUYER, SampleMarket, sample_market

from hexchange.chain import node
from hexchange.chain.deployment import save_deployment
from hexchange_backend.app import main
from services import free_port, running, wait_until

COMMAND = [sys.executable, "-c", "from hexchange_backend.app import main; main()"]


def arguments(market: SampleMarket, database: Path, port: int) -> list[str]:
    return [
        "--deployment", str(market.deployment_file), "--rpc-url", market.chain.url,
        "--store", f"folder:{market.folder / 'store'}", "--database", str(database), "--port", str(port),
    ]  # fmt: skip


@contextmanager
def backend(
    market: SampleMarket, database: Path, log: Path
) -> Iterator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    """The program, ready; whoever kills it may do so."""
    port = free_port()
    with (
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=CLOSE) as client,
        running([*COMMAND, *arguments(market, database, port)], log) as process,
    ):
        wait_until(lambda: b"serving" in log.read_bytes(), process, log)
        wait_for(client, "ok")
        yield client, process


def test_after_a_kill_and_from_nothing_every_answer_is_the_same(market: SampleMarket, tmp_path: Path) -> None:
    database, log = tmp_path / "index.sqlite", tmp_path / "log"
    with backend(market, database, log) as (client, process):
        answers = every_answer(client)
        assert {status for status, _ in answers.values()} == {200}
        assert len(answers) > 25
        second = subprocess.run(
            [*COMMAND, *arguments(market, database, free_port())], capture_output=True, text=True, check=False
        )
        assert second.returncode == 2
        assert f"a backend already runs here as process {process.pid}" in second.stderr
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with backend(market, database, log) as (client, _):
        assert every_answer(client) == answers
    database.unlink()
    with backend(market, database, log) as (client, process):
        assert every_answer(client) == answers
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert b"Traceback" not in log.read_bytes()


def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> tuple[int, str]:
    """Exit code and what is said by a program that cannot start."""
    monkeypatch.setattr(sys, "argv", ["hexchange-backend", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def test_what_it_cannot_start_from_is_named_with_a_next_step(
    market: SampleMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments(market, tmp_path / "index.sqlite", free_port())

    def replaced(name: str, value: str) -> list[str]:
        changed = list(words)
        changed[changed.index(name) + 1] = value
        return changed

    other = tmp_path / "other.json"
    save_deployment(other, replace(market.contracts.deployment, chain=1))
    (tmp_path / "file").write_text("text")
    cases = {
        (6, "does not answer"): replaced("--rpc-url", f"http://127.0.0.1:{free_port()}"),
        (8, "is on chain 31337"): replaced("--deployment", str(other)),
        (2, "No such file"): replaced("--deployment", str(tmp_path / "missing.json")),
        (2, "file is not a database"): replaced("--database", str(other)),
        (2, "index.sqlite cannot be used"): replaced("--database", str(tmp_path / "file" / "index.sqlite")),
    }
    for (code, reason), command in cases.items():
        found, said = start(monkeypatch, capsys, command)
        assert (found, reason in said, "next: " in said) == (code, True, True), said


# --- health ---------------------------------------------------------------------------------------


def test_health_says_what_troubles_the_index_and_answers_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "TIMEOUT_SECONDS", 1.0)
    with sample_market(tmp_path) as market, serving(market, tmp_path / "index.sqlite") as client:
        os.kill(market.chain.process.pid, signal.SIGSTOP)
        assert wait_for(client, "troubled")["trouble"] == "node-unreachable"
        assert client.get("/api/health").status_code == 503
        assert client.get("/api/providers").json() != []
        assert "This index is not up to date" in client.get("/").text
        os.kill(market.chain.process.pid, signal.SIGCONT)
        wait_for(client, "ok")
        market.mine(100)
        wait_for(client, "ok", block=market.contracts.node.tip("latest").ref.number)
        call = market.contracts.calls.deposit(2).fields(BUYER)
        market.chain.rpc("anvil_reorg", 96, [[{**call, "value": "0x0", "gas": hex(500_000)}, 0]])
        assert wait_for(client, "stopped")["trouble"] == "other-history"
        assert client.get("/api/providers").json() != []
