"""The buyer's X25519 key: results are sealed to it, and nobody else can open them."""

from __future__ import annotations

import os
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey

from hexchange.errors import BrokenResultKey


def result_key(home: Path) -> PrivateKey:
    """The key in `home`/buyer/result.key, made on first use. Raises BrokenResultKey for a damaged file."""
    path = home / "buyer" / "result.key"
    if not path.exists():
        _write_new(path, bytes(PrivateKey.generate()))
    try:
        return PrivateKey(path.read_bytes())
    except (CryptoError, TypeError, ValueError):
        raise BrokenResultKey(
            f"{path} is not a result key", hint="restore it from a backup; without it old results stay sealed"
        ) from None


def _write_new(path: Path, key: bytes) -> None:
    """Write beside and link, so that two first uses agree on one key and a crash leaves none or a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
