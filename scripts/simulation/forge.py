"""The figures of the real contracts: tests/forge/Simulation.t.sol, run here or before."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from simulation.law import FIELDS
from simulation.market import Row
from simulation.rules import KINDS

ROOT = Path(__file__).resolve().parents[2]
FORGE = ROOT / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
FIGURES = ROOT / "var" / "simulation" / "forge"
UNITS = 100
REWARD = 2_000_000
"""R in base units."""
AMOUNTS = {"buyer_paid", "hostile_gain", "honest_gain", "checker_gain"}


def run(jobs: int) -> None:
    """Play that many jobs on the contracts; exits if one of their assertions fails."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    command = [str(FORGE), "test", "--match-path", "tests/forge/Simulation.t.sol"]
    environment = os.environ | {"SIMULATION_JOBS": str(jobs), "SIMULATION_WRITE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def read(folder: Path = FIGURES) -> list[Row]:
    """A row for each kind and share."""
    rows = []
    for kind in KINDS:
        for seen in json.loads((folder / f"{kind.name}.json").read_text(encoding="utf-8")):
            percent, jobs = int(seen["share"]), int(seen["jobs"])
            means = {name: seen[name] / jobs / (REWARD if name in AMOUNTS else 1) for name in FIELDS}
            rows.append(Row(kind, percent, UNITS, percent * UNITS // 100, jobs, means))
    return rows
