"""What a command works with: settings, output, and the chain, store and keys it asks for, each opened once."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hexchange.chain.events import ZERO_ADDRESS
from hexchange.cli.output import Output
from hexchange.config import Settings
from hexchange.errors import PasswordMissing

if TYPE_CHECKING:
    from hexchange.chain.contracts import Contracts
    from hexchange.chain.deployment import Deployment
    from hexchange.chain.sender import Sender
    from hexchange.chain.wallet import Keystores, Wallet
    from hexchange.follower import Follower
    from hexchange.storage.store import ContentStore


@dataclass
class Context:
    """One command's surroundings. Nothing is opened, or even imported, before a command asks for it."""

    settings: Settings
    output: Output

    @cached_property
    def deployment(self) -> Deployment:
        from hexchange.chain.deployment import load_deployment

        return load_deployment(Path(self.settings.deployment))

    @cached_property
    def contracts(self) -> Contracts:
        from hexchange.chain.contracts import connect

        return connect(self.settings.rpc_url, self.deployment)

    @cached_property
    def store(self) -> ContentStore:
        from hexchange.storage.open import open_store

        return open_store(self.settings.store)

    @cached_property
    def follower(self) -> Follower:
        """The market at the head of the chain, read when first asked for."""
        from hexchange.follower import Follower

        follower = Follower(self.contracts)
        with self.output.progress("Reading the market from the chain", None):
            follower.update()
        return follower

    @cached_property
    def keystores(self) -> Keystores:
        from hexchange.chain.wallet import Keystores

        return Keystores(self.settings.keystores)

    @cached_property
    def address_or_zero(self) -> str:
        """Address of the account in force without unlocking it; zero where none is set and there is not just one."""
        if not self.settings.account and len(self.keystores.accounts()) != 1:
            return ZERO_ADDRESS
        return self.keystores.find(self.settings.account).address

    @cached_property
    def wallet(self) -> Wallet:
        """The account in force, unlocked once by its password file or by a question."""
        return self.keystores.unlock(self.settings.account, self.password)

    def password(self, *, twice: bool = False) -> str:
        """The password from the file in force, or asked for. Raises PasswordMissing where nobody can answer."""
        if self.settings.password_file:
            return Path(self.settings.password_file).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        if not sys.stdin.isatty():
            raise PasswordMissing(
                "a password is needed and nobody is there to type it", hint="add --password-file FILE"
            )
        password = getpass.getpass("Password: ", stream=sys.stderr)
        if twice and getpass.getpass("Again: ", stream=sys.stderr) != password:
            raise PasswordMissing("the two passwords differ", hint="run the command again")
        return password

    @contextmanager
    def sender(self) -> Iterator[Sender]:
        """The durable sender of the account in force; one process at a time may hold it."""
        from hexchange.chain.sender import Sender

        state = (
            self.settings.home / "sender" / f"{self.contracts.chain_id}-{self.wallet.address.lower()}.sqlite"
        )
        state.parent.mkdir(parents=True, exist_ok=True)
        with Sender(state, self.wallet, self.contracts) as sender:
            yield sender
