"""Accounts of this machine: keystores in one folder, those of other tools, and the unlocked wallet."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from eth_account import Account as EthAccount
from eth_account.messages import SignableMessage
from eth_utils.address import to_checksum_address

from hexchange.chain.keystore import Keyfile, decrypt, encrypt, parse_keystore
from hexchange.errors import AccountExists, AccountNotFound, BadAccountName, BrokenKeystore, PasswordMissing

Password = Callable[[], str]
"""Gives the password when it is needed: a prompt, or the text of a file."""

FOREIGN = {
    "cast": (".foundry/keystores", "*"),
    "brownie": (".brownie/accounts", "*.json"),
    "ape": (".ape/accounts", "*.json"),
    "geth": (".ethereum/keystore", "UTC--*"),
}
"""Where other tools keep their keystores, below the user's home folder."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """A keystore on this machine; `address` is empty where the file does not say it (cast)."""

    name: str
    address: str
    path: Path
    origin: str


class Wallet:
    """An unlocked account. It signs; it never shows its key."""

    __slots__ = ("_account", "address")

    def __init__(self, key: bytes) -> None:
        self._account = EthAccount.from_key(key)
        self.address: str = self._account.address

    def sign_message(self, message: SignableMessage) -> bytes:
        """65 bytes r, s, v (27 or 28) with low s."""
        return bytes(self._account.sign_message(message).signature)

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """The signed bytes and their hash (32 bytes)."""
        signed = self._account.sign_transaction(dict(fields))
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a wallet does not travel")


class Keystores:
    """The keystores of one folder: `<name>.json`, readable by its owner alone, never overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, name: str, password: Password) -> Account:
        """Make a key. Raises AccountExists, BadAccountName, PasswordMissing for an empty password."""
        self._path(name)
        given = password()
        if not given:
            raise PasswordMissing("an empty password protects nothing", hint="choose a password")
        return self._save(name, secrets.token_bytes(32), lambda: given)

    def import_file(
        self, path: Path, name: str, password: Password, new_password: Password | None = None
    ) -> Account:
        """Copy a keystore of another tool, re-encrypted at our cost, under its own password or a new one.

        Raises WrongPassword, BrokenKeystore, AccountExists, AccountNotFound.
        """
        keyfile = _read(path)
        self._path(name)
        given = password()
        return self._save(name, decrypt(keyfile, given), new_password or (lambda: given))

    def accounts(self) -> list[Account]:
        """Our keystores by name; a file that cannot be read is listed without an address."""
        return [_account(path, path.stem, "hexchange") for path in sorted(self.folder.glob("*.json"))]

    def find(self, account: str) -> Account:
        """The keystore of that name or address; of the only one there is where `account` is empty."""
        known = self.accounts()
        if not account and len(known) == 1:
            return known[0]
        for each in known:
            if account and (each.name == account or each.address.lower() == account.lower()):
                return each
        if not known:
            raise AccountNotFound("there is no account yet", hint="hexchange wallet new NAME")
        names = ", ".join(each.name for each in known)
        text = f"there is no account '{account}'" if account else "there are several accounts"
        raise AccountNotFound(text, hint=f"add --account with one of: {names}")

    def unlock(self, account: str, password: Password) -> Wallet:
        """The wallet of that name or address. Raises AccountNotFound, WrongPassword, BrokenKeystore."""
        found = self.find(account)
        return Wallet(decrypt(_read(found.path), password()))

    def _save(self, name: str, key: bytes, password: Password) -> Account:
        path = self._path(name)
        content = encrypt(key, password())
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_new(path, content)
        return _account(path, name, "hexchange")

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise BadAccountName(
                f"'{name}' cannot name an account", hint="use letters, digits, dot, dash, underscore"
            )
        path = self.folder / f"{name}.json"
        if path.exists():
            raise AccountExists(
                f"the account '{name}' exists", hint="choose another name; keys are never overwritten"
            )
        return path


def foreign_accounts(home: Path) -> list[Account]:
    """Keystores that other tools keep below `home`, each with its tool; nothing is copied."""
    found = []
    for origin, (folder, pattern) in FOREIGN.items():
        for path in sorted((home / folder).glob(pattern)):
            if path.is_file():
                found.append(_account(path, path.name.removesuffix(".json"), origin))
    return found


def _read(path: Path) -> Keyfile:
    try:
        with path.open("rb") as file:
            return parse_keystore(file.read(2**15))
    except FileNotFoundError:
        raise AccountNotFound(f"there is no keystore {path}", hint="hexchange wallet list") from None


def _account(path: Path, name: str, origin: str) -> Account:
    try:
        address = _read(path).address
    except BrokenKeystore:
        address = ""
    return Account(name, to_checksum_address(address) if address else "", path, origin)


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all and replaces nothing, readable by its owner alone."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        raise AccountExists(
            f"{path} exists", hint="choose another name; keys are never overwritten"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
