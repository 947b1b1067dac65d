"""The programs that tests and the demo start: ready when handed over, gone afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import services


def test_anvil_mines_by_itself_and_finality_follows(tmp_path: Path):
    with services.anvil(tmp_path) as chain:
        assert chain.rpc("eth_chainId") == hex(31337)
        chain.rpc("anvil_mine", hex(4))
        head = int(chain.rpc("eth_blockNumber"), 16)
        assert head - int(chain.rpc("eth_getBlockByNumber", "finalized", False)["number"], 16) <= 3


def test_geth_has_todays_rules_a_rich_developer_and_keeps_its_chain(tmp_path: Path):
    with services.geth(tmp_path) as chain:
        [developer] = chain.rpc("eth_accounts")
        assert developer == services.DEVELOPER.lower()
        assert int(chain.rpc("eth_getBalance", developer, "latest"), 16) >= 10**24
        genesis = chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
    assert "bogotaTime" not in (tmp_path / "genesis.json").read_text()
    with services.geth(tmp_path) as chain:
        assert chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"] == genesis


def test_kubo_nodes_know_each_other_and_nobody_else(tmp_path: Path):
    with services.kubo_pair(tmp_path) as (one, two):
        assert [peer["Peer"] for peer in one.rpc("swarm/peers")["Peers"]] == [two.rpc("id")["ID"]]
        listening = [c for c in psutil.Process(one.process.pid).net_connections() if c.status == "LISTEN"]
        assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_a_program_and_its_children_are_gone_when_the_block_fails(tmp_path: Path):
    family: list[psutil.Process] = []

    def work_and_fail() -> None:
        with services.running(["sh", "-c", "sleep 600 & wait"], tmp_path / "log") as shell:
            process = psutil.Process(shell.pid)
            services.wait_until(lambda: bool(process.children()), shell, tmp_path / "log")
            family.extend([process, *process.children()])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work_and_fail()
    assert len(family) == 2
    psutil.wait_procs(family, timeout=10)
    assert not any(member.is_running() for member in family)


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path):
    log = tmp_path / "log"
    with (
        services.running(["sh", "-c", "echo no such luck; exit 3"], log) as process,
        pytest.raises(RuntimeError, match="no such luck"),
    ):
        services.wait_until(lambda: False, process, log)


PARENT = """
import sys
sys.path[:] = {path!r}
from pathlib import Path
import services
with services.running(["sleep", "600"], Path({log!r})) as process:
    print(process.pid, flush=True)
    sys.stdin.read()
"""


def test_a_program_dies_with_whoever_started_it(tmp_path: Path):
    program = [sys.executable, "-c", PARENT.format(path=sys.path, log=str(tmp_path / "log"))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=20)


def test_a_program_that_is_not_installed_is_named_with_the_command_that_gets_it():
    with pytest.raises(RuntimeError, match=r"no-such-program is not installed; `make setup` gets it"):
        services.program("no-such-program")
