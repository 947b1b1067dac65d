"""The deployment file: which contracts on which chain, and what their code hashes to."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hexchange.chain.amounts import parse_address
from hexchange.errors import BadAddress, BrokenDeployment

FINALITIES = ("finalized", "safe", "latest")
_MAX_FILE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Deployment:
    """`block` is where reading events starts; `finality` the tag that irreversible steps wait for.

    By `market` and `stake`, as 0x hex: `code` is the keccak-256 of the runtime code, `created` the hash of the
    transaction that created it, `arguments` what its constructor was given, ABI-encoded.
    """

    chain: int
    market: str
    stake: str
    token: str
    block: int
    finality: str
    code: dict[str, str]
    created: dict[str, str]
    arguments: dict[str, str]


def load_deployment(path: Path) -> Deployment:
    """Read and check a deployment file. Raises BrokenDeployment."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        hint = "put the market's deployment file there, or name it with --deployment"
        raise BrokenDeployment(f"{path}: {error.strerror}", hint=hint) from None
    try:
        if len(raw) > _MAX_FILE_BYTES:
            raise ValueError("it is too large")
        return _checked(json.loads(raw))
    except (ValueError, TypeError, KeyError, BadAddress) as error:
        hint = "get the file again from where you found the market"
        raise BrokenDeployment(f"{path} is no deployment file: {error}", hint=hint) from None


def save_deployment(path: Path, deployment: Deployment) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(deployment), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _checked(fields: dict[str, Any]) -> Deployment:
    deployment = Deployment(**fields)
    for name in ("chain", "block"):
        if type(getattr(deployment, name)) is not int or getattr(deployment, name) < 0:
            raise ValueError(f"{name} is no number")
    if deployment.finality not in FINALITIES:
        raise ValueError(f"finality is none of {', '.join(FINALITIES)}")
    for name in ("code", "created", "arguments"):
        found = getattr(deployment, name)
        if set(found) != {"market", "stake"}:
            raise ValueError(f"{name} must name market and stake")
        sizes = {len(bytes.fromhex(text.removeprefix("0x"))) for text in found.values()}
        if name != "arguments" and sizes != {32}:
            raise ValueError(f"a hash of {name} has a wrong length")
    places = {name: parse_address(str(getattr(deployment, name))) for name in ("market", "stake", "token")}
    return Deployment(**{**fields, **places})
