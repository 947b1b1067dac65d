"""Fails on every line and branch of the contracts that no forge test runs and tools/analysis/coverage.toml does not
explain. Coverage is measured on code that is not optimized, so that each line is a line of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
OUT = ROOT / "build" / "coverage"
LEFT_OUT = "(tests|mocks|node_modules|interfaces)/"
LEFT_ALONE = ("Simulation", "Draw", "Coverage", "Gas")
"""They measure rates, reach and gas, and neither run nor notice anything that the others do not."""
FEW_RUNS = {"FOUNDRY_FUZZ_RUNS": "64", "FOUNDRY_INVARIANT_RUNS": "20", "FOUNDRY_INVARIANT_DEPTH": "100"}
"""Chance finds lines within a few runs or never."""


def measured() -> str:
    """The report in the format of lcov; exits if a test fails."""
    report = OUT / "lcov.info"
    command: list[str | Path] = [FORGE, "coverage", "--report", "lcov", "--report-file", report]
    command += ["--no-match-coverage", LEFT_OUT, "--no-match-path"]
    command += [f"tests/forge/{{{','.join(LEFT_ALONE)}}}.t.sol"]
    environment = os.environ | FEW_RUNS
    environment |= {"FOUNDRY_OUT": str(OUT / "out"), "FOUNDRY_CACHE_PATH": str(OUT / "cache")}
    OUT.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(
            f"{run.stdout}{run.stderr}\nthe tests fail without optimization, or under its instruments"
        )
    return report.read_text()


def missed(report: str) -> tuple[dict[str, set[tuple[str, str]]], int, int]:
    """For each file its (kind, source line) that nothing ran; the number of lines and of branches in all."""
    found: dict[str, set[tuple[str, str]]] = {}
    lines = branches = 0
    file, source = "", [""]
    for entry in report.splitlines():
        tag, _, value = entry.partition(":")
        if tag == "SF":
            file, source = value, (ROOT / value).read_text().splitlines()
        elif tag in ("DA", "BRDA"):
            lines, branches = lines + (tag == "DA"), branches + (tag == "BRDA")
            number, *_, hits = value.split(",")
            if hits in ("0", "-"):
                kind = "line" if tag == "DA" else "branch"
                found.setdefault(file, set()).add((kind, source[int(number) - 1].strip()))
    return found, lines, branches


def main() -> None:
    listed = tomllib.loads((ROOT / "tools" / "analysis" / "coverage.toml").read_text()).get("excluded", [])
    excluded = {(entry["file"], entry["kind"], entry["line"]) for entry in listed if entry["reason"]}
    found, lines, branches = missed(measured())
    open_ends = {(file, kind, line) for file, several in found.items() for kind, line in several}
    texts = [f"not covered: {kind} in {file}: {line}" for file, kind, line in sorted(open_ends - excluded)]
    texts += [
        f"excluded, but covered: {kind} in {file}: {line}"
        for file, kind, line in sorted(excluded - open_ends)
    ]
    if texts:
        sys.exit("\n".join(texts))
    print(f"all {lines} lines and {branches} branches are covered, but {len(excluded)} explained ones")


if __name__ == "__main__":
    main()
