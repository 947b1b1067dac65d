"""Who takes part: each with a home folder, a keystore, tokens and, for services, a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import services
from hexchange.chain.contracts import Contracts, connect
from hexchange.chain.deploy import mint_call
from hexchange.chain.deployment import Deployment
from hexchange.chain.sender import Sender
from hexchange.chain.wallet import Keystores, Wallet
from hexchange.storage.open import open_store
from hexchange.storage.store import ContentStore

PASSWORD = "only for the demo"  # noqa: S105 - of throw-away keys on a chain that ends with the demo
NATIVE = 10**21
"""Wei that each participant has for gas."""


@dataclass
class Participant:
    """One role in the demo. Its services are started as processes through the same command that people use."""

    role: str
    home: Path
    rpc_url: str
    store_address: str
    deployment_file: Path
    deployment: Deployment
    process: subprocess.Popen[bytes] | None = None
    _wallet: Wallet | None = None

    def enter(self) -> None:
        """Make the participant's home: a new key in a keystore, opened by a password file."""
        self.home.mkdir(parents=True)
        self.password_file.write_text(PASSWORD + "\n", encoding="utf-8")
        self.password_file.chmod(0o600)
        keystores = Keystores(self.home / "keystores")
        keystores.new(self.role, lambda: PASSWORD)
        self._wallet = keystores.unlock(self.role, lambda: PASSWORD)

    @property
    def wallet(self) -> Wallet:
        assert self._wallet
        return self._wallet

    @property
    def address(self) -> str:
        return self.wallet.address

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    @cached_property
    def contracts(self) -> Contracts:
        return connect(self.rpc_url, self.deployment)

    @cached_property
    def store(self) -> ContentStore:
        return open_store(self.store_address)

    def sender(self) -> Sender:
        """The durable sender in the place where the command keeps it, so that a service goes on with it."""
        path = self.home / "sender" / f"{self.contracts.chain_id}-{self.address.lower()}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        return Sender(path, self.wallet, self.contracts)

    def options(self) -> list[str]:
        """What the command needs to act as this participant."""
        return [
            "--home", str(self.home), "--rpc-url", self.rpc_url, "--deployment", str(self.deployment_file),
            "--store", self.store_address, "--account", self.role, "--password-file", str(self.password_file),
        ]  # fmt: skip

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).with_name("hexchange")), *words, *self.options()]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False)

    def start(self, command: Sequence[str]) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A service as a process; its words go to a log in the home folder."""
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return services.running(command, self.home / "service.log", environment)

    def pause(self) -> None:
        """Stop the service where it stands, and what it started."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGCONT)


def fund(participant: Participant, chain: services.Chain, amount: int) -> None:
    """Native coin from the local chain, and tokens that the local token mints for anybody."""
    chain.rpc("anvil_setBalance", participant.address, hex(NATIVE))
    with participant.sender() as sender:
        sender.send("mint", mint_call(participant.deployment, participant.address, amount))
