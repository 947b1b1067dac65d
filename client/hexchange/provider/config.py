"""What a provider accepts to compute, an annotated TOML file in its home folder, and how fast its machine is."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hexchange.circuit.costs import COSTS, CostTable
from hexchange.circuit.editions import EDITIONS
from hexchange.errors import ConfigInvalid, ProviderNotSetUp

GIB = 1 << 30

COSTS_FILE = "costs.json"

TEMPLATE = f"""\
# What this provider accepts to compute. Restart `hexchange provider run` after a change.

# Memory one run may use, in GiB. A circuit that declares more is left to others.
memory = 4

# Runs at a time; each may use `memory`. Cores are shared out among them: with 1, a long run uses all cores.
parallel = 1

# Room for fetched inputs, in GiB. What was used longest ago makes place for what is needed.
disk = 20

# Editions (parameter set and layout) whose circuits this provider runs.
editions = {json.dumps(list(EDITIONS))}

# Least reward for a seat, in tokens, and least reward for each minute of declared computing time.
minimum_reward = "0"
minimum_per_minute = "0"
"""

Amount = Annotated[str, Field(pattern=r"^[0-9]{1,60}(\.[0-9]{1,30})?$")]


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """Limits of one provider: GiB, runs at a time, names of editions, and amounts of tokens as text."""

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    memory: Annotated[int, Field(ge=1, le=4096)]
    parallel: Annotated[int, Field(ge=1, le=256)]
    disk: Annotated[int, Field(ge=1, le=1 << 20)]
    editions: Annotated[list[str], Field(min_length=1)]
    minimum_reward: Amount
    minimum_per_minute: Amount

    @property
    def memory_bytes(self) -> int:
        return self.memory * GIB

    @property
    def disk_bytes(self) -> int:
        return self.disk * GIB


def load(path: Path) -> ProviderConfig:
    """The limits in `path`. Raises ProviderNotSetUp without the file, ConfigInvalid for one that is wrong."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(ProviderConfig).validate_json(json.dumps(values, default=str))
    except FileNotFoundError:
        raise ProviderNotSetUp(f"there is no {path}", hint="run `hexchange provider init` first") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is not valid TOML: {error}", hint="correct the line it names") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        raise ConfigInvalid(
            f"{path}: {name}: {first['msg']}", hint="`hexchange provider init` shows every setting"
        ) from None


def load_costs(path: Path) -> CostTable:
    """What computing costs on this machine, as measured; the defaults without the file.

    Raises ConfigInvalid for one that is wrong.
    """
    try:
        return TypeAdapter(CostTable).validate_json(path.read_bytes())
    except FileNotFoundError:
        return COSTS
    except ValidationError:
        hint = "`hexchange provider init` measures and writes it anew"
        raise ConfigInvalid(f"{path} is no cost table", hint=hint) from None


def write_costs(path: Path, costs: CostTable) -> None:
    """Keep what was measured, in place of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(costs), indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)


def write_template(path: Path) -> bool:
    """Write the annotated file unless there is one; True when it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        return False
    return True
