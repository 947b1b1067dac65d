"""Fails on every finding of Slither of high or medium impact that tools/analysis/slither.toml does not explain.

The contracts are analysed in a copy, beside a planted one that pays before it books: if that is not found, a
green run would prove nothing, and the check fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"
SLITHER = ROOT / ".tools" / "analysis" / "bin" / "slither"
PLANTED = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

contract Planted {
    mapping(address account => uint256) public balances;

    function deposit() external payable {
        balances[msg.sender] += msg.value;
    }

    function withdraw() external {
        uint256 amount = balances[msg.sender];
        (bool ok,) = msg.sender.call{value: amount}("");
        require(ok);
        balances[msg.sender] = 0;
    }
}
"""
EXPECTED = ("reentrancy-eth", "Planted.withdraw")


def findings(folder: Path) -> list[dict[str, Any]]:
    """What Slither reports of high and medium impact; exits if it could not analyse."""
    report = folder / "report.json"
    command: list[str | Path] = [
        SLITHER,
        ".",
        "--json",
        report,
        "--fail-none",
        "--foundry-out-directory",
        folder / "out",
    ]
    command += ["--filter-paths", "node_modules|mocks", "--exclude-low"]
    command += ["--exclude-informational", "--exclude-optimization"]
    environment = os.environ | {
        "PATH": f"{FORGE}{os.pathsep}{os.environ['PATH']}",
        "FOUNDRY_OUT": str(folder / "out"),
        "FOUNDRY_CACHE_PATH": str(folder / "cache"),
    }
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    read: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"success": False}
    if run.returncode or not read["success"]:
        raise SystemExit(f"{run.stdout}{run.stderr}\nSlither could not analyse the contracts")
    found: list[dict[str, Any]] = read["results"].get("detectors", [])
    return found


def place(finding: dict[str, Any]) -> tuple[str, str]:
    """The detector, and `Contract.function` or the name of the contract."""
    for element in finding["elements"]:
        while element["type"] not in ("function", "contract"):
            element = element["type_specific_fields"]["parent"]
        if element["type"] == "function":
            owner = element["type_specific_fields"]["parent"]["name"]
            return finding["check"], f"{owner}.{element['name']}"
        return finding["check"], element["name"]
    return finding["check"], ""


def complaints(found: list[dict[str, Any]], accepted: set[tuple[str, str]]) -> Iterator[str]:
    """One text for each finding that is not explained, and for each explanation without a finding."""
    met = {place(finding) for finding in found}
    if EXPECTED not in met:
        yield "the planted reentrancy was not found: this run proves nothing"
    for finding in found:
        if place(finding) != EXPECTED and place(finding) not in accepted:
            yield f"{finding['impact']}: {finding['check']} in {place(finding)[1]}\n{finding['description']}"
    for detector, function in sorted(accepted - met):
        yield f"accepted, but no longer found: {detector} in {function}"


def main() -> None:
    listed = tomllib.loads((ROOT / "tools" / "analysis" / "slither.toml").read_text())["accepted"]
    accepted = {(entry["detector"], entry["function"]) for entry in listed if entry["reason"]}
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="slither-", dir=ROOT / "build") as name:
        folder = Path(name)
        shutil.copytree(ROOT / "contracts", folder / "contracts")
        shutil.copy(ROOT / "foundry.toml", folder)
        for shared in ("tools", "node_modules"):
            (folder / shared).symlink_to(ROOT / shared)
        (folder / "contracts" / "Planted.sol").write_text(PLANTED)
        texts = list(complaints(findings(folder), accepted))
    if texts:
        sys.exit("\n".join(texts))
    print(
        f"Slither: nothing of high or medium impact but {len(accepted)} explained findings; a planted one is found"
    )


if __name__ == "__main__":
    main()
