"""Proves the properties of tests/forge/symbolic with Halmos: `check_…` by default, `check_nightly_…` too with --all.

A property that is false fails, and so does one that only reverts. One property is planted and false: if it is not
refuted, a green run would prove nothing. With --all a property that the solver did not finish is listed, otherwise
it fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
OUT = ROOT / "build" / "symbolic"
PLANTED = "check_planted(uint32)"
PASS, COUNTEREXAMPLE, TIMEOUT = 0, 1, 2
LOOPS = 20
"""Unrolled passes of each loop: more than the fifteen seats of the largest round."""


def results(nightly: bool) -> dict[str, list[dict[str, Any]]]:
    """The results of each contract; exits if Halmos did not run."""
    report = OUT / "report.json"
    report.unlink(missing_ok=True)
    OUT.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        ROOT / ".tools" / "analysis" / "bin" / "halmos",
        "--no-status",
        "--loop",
        str(LOOPS),
    ]
    command += ["--forge-build-out", OUT / "out", "--json-output", report, "--minimal-json-output"]
    command += ["--match-test", "^check_" if nightly else "^check_(?!nightly_)", "--solver-threads", "2"]
    command += ["--solver-timeout-branching", "20"]
    command += [
        "--solver",
        "z3" if nightly else "yices",
        "--solver-timeout-assertion",
        "300s" if nightly else "30s",
    ]
    environment = os.environ | {
        "PATH": f"{FORGE}{os.pathsep}{os.environ['PATH']}",
        "FOUNDRY_TEST": "tests/forge/symbolic",
        "FOUNDRY_OUT": str(OUT / "out"),
        "FOUNDRY_CACHE_PATH": str(OUT / "cache"),
    }
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (OUT / "output").write_text(run.stdout + run.stderr)
    if not report.exists():
        raise SystemExit(f"{run.stdout}{run.stderr}\nHalmos did not run")
    found: dict[str, list[dict[str, Any]]] = json.loads(report.read_text())["test_results"]
    return found


def complaints(tests: list[dict[str, Any]], nightly: bool) -> Iterator[str]:
    """One text for each property that is not proved; nightly an unfinished one is printed instead."""
    ends = {test["name"]: test["exitcode"] for test in tests}
    if ends.get(PLANTED) != COUNTEREXAMPLE:
        yield "the planted false property was not refuted: this run proves nothing"
    for name, end in ends.items():
        if name == PLANTED or end == PASS:
            continue
        if end == TIMEOUT and nightly:
            print(f"not finished: {name}")
        else:
            yield f"not proved: {name}, see {OUT / 'output'}"


def main(nightly: bool) -> None:
    start = time.monotonic()
    tests = [test for several in results(nightly).values() for test in several]
    texts = list(complaints(tests, nightly))
    if texts:
        sys.exit("\n".join(texts))
    proved = sum(test["exitcode"] == PASS for test in tests)
    print(f"{proved} properties proved in {time.monotonic() - start:.0f} s; a false one is refuted")


if __name__ == "__main__":
    main(nightly=sys.argv[1:] == ["--all"])
