"""The folder of one encrypted table: its keys, its private facts, and what of it was published.

home/owner/NAME/            readable by the owner alone
    encryption.json         which table, which editions: an interrupted encryption goes on with the same
    EDITION.key             HE secret key (0600)
    EDITION.private.json    what only the owner may know, such as a whitening transform (0600)
    blobs.sqlite            what was put in the store
    pending                 the one blob that is on its way there
    manifest.json           published last
    listing.json            the dataset's number on its market
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from hexchange.errors import BadAccountName, EncryptionNotFound, NotListed
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.storage.store import on_disk, sync_folder

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Listing:
    """Where the table is listed."""

    chain: int
    market: str
    dataset: int


class Workspace:
    """One encrypted table: one manifest, one key per edition."""

    def __init__(self, home: Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise BadAccountName(
                f"{name!r} is no name", hint="use lower-case letters, digits, dot, dash, underscore"
            )
        self.name = name
        self.folder = home / "owner" / name

    def __repr__(self) -> str:
        return f"<Workspace {self.name}>"

    def create(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @cached_property
    def manifest(self) -> Manifest:
        """What was published. Raises EncryptionNotFound before an encryption ended."""
        return documents.parse(Manifest, self.manifest_bytes)

    @cached_property
    def manifest_bytes(self) -> bytes:
        path = self.folder / "manifest.json"
        if not path.exists():
            hint = f"run hexchange owner encrypt TABLE --name {self.name}"
            raise EncryptionNotFound(f"no finished encryption is called {self.name!r}", hint=hint)
        return path.read_bytes()

    @property
    def manifest_digest(self) -> bytes:
        """sha-256 of the manifest: what the chain names the table by."""
        return sha256(self.manifest_bytes).digest()

    def key(self, edition: str) -> Path:
        return self.folder / f"{edition}.key"

    def private_path(self, edition: str) -> Path:
        return self.folder / f"{edition}.private.json"

    def private(self, edition: str) -> dict[str, Any]:
        """What only the owner may know of an edition's packing; empty where there is nothing."""
        facts: dict[str, Any] = json.loads(self.private_path(edition).read_text(encoding="utf-8"))
        return facts

    @property
    def listing(self) -> Listing:
        """Where the table is listed. Raises NotListed."""
        try:
            return Listing(**json.loads((self.folder / "listing.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            hint = f"run hexchange owner list {self.name}"
            raise NotListed(f"the table {self.name!r} is not listed yet", hint=hint) from None

    def replaced(self, home: Path) -> Workspace:
        """The table that this one is the next version of. Raises EncryptionNotFound."""
        claim = json.loads((self.folder / "encryption.json").read_text(encoding="utf-8"))
        if not self.manifest.previous or not claim["replaces"]:
            hint = "encrypt the new table with --replaces NAME"
            raise EncryptionNotFound(f"{self.name!r} replaces no other table", hint=hint)
        return Workspace(home, claim["replaces"])

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the folder, durable and whole, readable by the owner alone."""
        write_file(self.folder / name, data)


def workspaces(home: Path, *, except_: Iterable[Workspace] = ()) -> list[Workspace]:
    """Every finished encryption in the home folder, by name, but those that are known already."""
    known = {table.name for table in except_}
    names = (path.parent.name for path in sorted((home / "owner").glob("*/manifest.json")))
    return [Workspace(home, name) for name in names if name not in known]


def write_file(path: Path, data: bytes) -> None:
    """Write a file (0600): it is the old one or the whole new one, and on disk when this returns. Raises DiskFull."""
    partial = path.with_name(f".{path.name}.part")
    with on_disk(path):
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
