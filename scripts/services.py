"""Start the real programs that a local market needs: a chain (anvil or geth) and Kubo nodes.

Each function is a context manager. Everything listens on loopback with a port of its own, logs into a folder
given by the caller, and is gone when the block ends, fails, or its Python process dies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
DEVELOPER = "0x71562b71999873DB5b286dF957af199Ec94617F7"  # the unlocked account of `geth --dev`


def post(port: int, path: str, body: bytes = b"") -> Any:
    """Send a request to a program on loopback (past any proxy); its JSON answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())


@dataclass(frozen=True, slots=True)
class Chain:
    """A running chain; `url` is its JSON-RPC over HTTP."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rpc(self, method: str, *params: Any) -> Any:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = post(self.port, "/", json.dumps(call).encode())
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class Kubo:
    """A running Kubo node; `api` is the multiaddr of its RPC."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def api(self) -> str:
        return f"/ip4/127.0.0.1/tcp/{self.port}"

    def rpc(self, command: str, *args: str) -> Any:
        return post(self.port, f"/api/v0/{command}?{urlencode([('arg', arg) for arg in args])}")

    def connect(self, other: Kubo) -> None:
        """Join two private nodes; again after either restarts."""
        self.rpc("swarm/connect", other.rpc("id")["Addresses"][0])


def program(name: str) -> str:
    """The pinned build of anvil, geth or ipfs; else the one on the PATH.

    The launchers in node_modules/.bin are not used: they hide the exit code and stand in the way of signals.
    """
    for found in [*ROOT.glob(f"node_modules/@foundry-rs/*/bin/{name}"), ROOT / ".tools/bin" / name]:
        if found.exists():
            return str(found)
    on_path = shutil.which(name)
    if on_path is None:
        raise RuntimeError(f"{name} is not installed; `make setup` gets it")
    return on_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, output to `log`; the whole group is killed at the end."""
    setpriv = shutil.which("setpriv")  # lets the kernel kill the program even when we are killed outright
    prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*prefix, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, env={**os.environ, **(environment or {})},
        )  # fmt: skip
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes], patience: float = 5) -> None:
    """Ask the process group to end, and after `patience` seconds end what is left of it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float = 60
) -> None:
    """Wait for `ready`; a program that ended or is late raises with the end of its log."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if ready():
                return
        except (OSError, HTTPException, ValueError):
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not get ready:\n{log.read_text(errors='replace')[-2000:]}")


@contextmanager
def anvil(folder: Path, *, port: int = 0) -> Iterator[Chain]:
    """Anvil with a block each second and quick finality."""
    port = port or free_port()
    log = folder / "anvil.log"
    command = [program("anvil"), "--host", "127.0.0.1", "--port", str(port), "--chain-id", "31337",
               "--slots-in-an-epoch", "1", "--block-time", "1"]  # fmt: skip
    with running(command, log) as process:
        chain = Chain(port, process, log)
        wait_until(lambda: chain.rpc("eth_chainId") == hex(31337), process, log)
        yield chain


@contextmanager
def geth(folder: Path, *, port: int = 0) -> Iterator[Chain]:
    """Geth's developer chain with a block each second, under the fork rules of today's main network.

    Its own genesis turns on a fork that no public network has yet, which changes gas, so we make one.
    The account DEVELOPER is funded and unlocked.
    """
    data, log = folder / "geth", folder / "geth.log"
    port = port or free_port()
    if not data.exists():
        data.mkdir(parents=True)
        dumped = subprocess.run([program("geth"), "--dev", "dumpgenesis"], capture_output=True, check=True)
        genesis = json.loads(dumped.stdout)
        genesis["config"].pop("bogotaTime", None)
        genesis["alloc"][DEVELOPER] = {"balance": hex(10**27)}
        (folder / "genesis.json").write_text(json.dumps(genesis))
        init = [program("geth"), "--datadir", str(data), "init", str(folder / "genesis.json")]
        subprocess.run(init, capture_output=True, check=True)
    command = [program("geth"), "--dev", "--dev.period", "1", "--datadir", str(data), "--ipcdisable",
               "--nodiscover", "--nat", "none", "--port", "0", "--authrpc.port", "0", "--http",
               "--http.addr", "127.0.0.1", "--http.port", str(port),
               "--http.api", "eth,net,web3,debug"]  # fmt: skip
    with running(command, log) as process:
        chain = Chain(port, process, log)
        wait_until(lambda: int(chain.rpc("eth_blockNumber"), 16) > 0, process, log)
        yield chain


@contextmanager
def kubo_node(folder: Path) -> Iterator[Kubo]:
    """A private Kubo node: loopback only, no routing, bootstrap or telemetry; `folder` keeps its repo."""
    repo, log = folder / "kubo", folder / "kubo.log"
    environment = {"IPFS_PATH": str(repo), "IPFS_TELEMETRY": "off"}
    if not (repo / "config").exists():
        repo.mkdir(parents=True, exist_ok=True)
        init = [program("ipfs"), "init", "--profile=test"]
        subprocess.run(init, capture_output=True, check=True, env={**os.environ, **environment})
        _make_private(repo / "config")
    (repo / "api").unlink(missing_ok=True)
    with running([program("ipfs"), "daemon", "--migrate=false"], log, environment) as process:
        wait_until(lambda: (repo / "api").exists() and _port(repo) > 0, process, log)
        node = Kubo(_port(repo), process, log)
        wait_until(lambda: bool(node.rpc("id")["Addresses"]), process, log)
        yield node


def _port(repo: Path) -> int:
    """The port that the node chose, from the file in which it says so."""
    found = re.search(r"/tcp/(\d+)", (repo / "api").read_text())
    return int(found.group(1)) if found else 0


def _make_private(path: Path) -> None:
    config = json.loads(path.read_text())
    config["Bootstrap"] = []
    config["Addresses"]["Gateway"] = []
    config["Routing"] = {**config.get("Routing", {}), "Type": "none"}
    config["Swarm"]["DisableNatPortMap"] = True
    config.setdefault("Plugins", {})["Plugins"] = {"telemetry": {"Disabled": True}}
    path.write_text(json.dumps(config, indent=2))


@contextmanager
def kubo_pair(folder: Path) -> Iterator[tuple[Kubo, Kubo]]:
    """Two private nodes that know each other and nobody else."""
    with kubo_node(folder / "one") as one, kubo_node(folder / "two") as two:
        one.connect(two)
        yield one, two
