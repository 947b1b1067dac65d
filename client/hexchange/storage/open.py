"""Choose a store by its address, as written in the settings."""

from __future__ import annotations

from pathlib import Path

from hexchange.storage.folder import FolderStore
from hexchange.storage.store import ContentStore


def open_store(address: str) -> ContentStore:
    """A folder by its path, or a Kubo node by its address (/ip4/…, /ip6/…, /unix/…, http://…, or kubo:ADDRESS)."""
    if address.startswith(("kubo:", "/ip4/", "/ip6/", "/unix/", "/dns", "http:", "https:")):
        from hexchange.storage.kubo import KuboStore  # an import that folders do not pay for

        return KuboStore(address.removeprefix("kubo:"))
    return FolderStore(Path(address.removeprefix("folder:")).expanduser())
