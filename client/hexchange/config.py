"""Settings of a user, read in this one place: flag > environment > config.toml > default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hexchange.errors import ConfigInvalid

DEFAULT_HOME = "~/.hexchange"


@dataclass(frozen=True, slots=True)
class Settings:
    """What every command may need; `origin` tells where each value came from."""

    home: Path
    rpc_url: str
    deployment: str
    store: str
    account: str
    password_file: str
    origin: Mapping[str, str]

    @property
    def keystores(self) -> Path:
        return self.home / "keystores"


DEFAULTS = {
    "rpc_url": "http://127.0.0.1:8545",
    "deployment": "{home}/deployment.json",
    "store": "folder:{home}/store",
    "account": "",
    "password_file": "",
}
"""Name of each setting and its default; `store` is `folder:PATH` or `kubo:MULTIADDR`."""

ENVIRONMENT = {name: f"HEXCHANGE_{name.upper()}" for name in DEFAULTS} | {"rpc_url": "ETH_RPC_URL"}


def load(flags: Mapping[str, str | None], environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. `flags` holds what the command line gave (None: not given).

    Raises ConfigInvalid for a file that is no TOML, an unknown name or a value that is no text.
    """
    home_text = flags.get("home") or environment.get("HEXCHANGE_HOME") or DEFAULT_HOME
    home = Path(home_text).expanduser().absolute()
    file = _read_file(home / "config.toml")
    values: dict[str, str] = {}
    origin: dict[str, str] = {}
    for name, default in DEFAULTS.items():
        for source, value in (
            ("flag", flags.get(name)),
            (ENVIRONMENT[name], environment.get(ENVIRONMENT[name])),
            ("config.toml", file.get(name)),
            ("default", default),
        ):
            if value:
                values[name], origin[name] = value.replace("{home}", str(home)), source
                break
        else:
            values[name], origin[name] = "", "default"
    return Settings(home=home, origin=origin, **values)


def _read_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is not valid TOML: {error}", hint="correct the line it names") from None
    for name, value in document.items():
        if name not in DEFAULTS:
            known = ", ".join(DEFAULTS)
            raise ConfigInvalid(f"{path}: unknown setting {name!r}", hint=f"known settings: {known}")
        if not isinstance(value, str):
            raise ConfigInvalid(f"{path}: {name} must be text", hint=f'write {name} = "..."')
    return document
