"""Writes the ABI and bytecode that the Python package ships, from the contracts; with --check only compares.

Either way it fails if a contract's runtime code is too large for a public chain.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
SHIPPED = ROOT / "client" / "hexchange" / "chain" / "abi"
CONTRACTS = ("DataMarket", "ProviderStake", "MockToken")
CODE_LIMIT = 24_576
"""Bytes of runtime code that a chain accepts: https://eips.ethereum.org/EIPS/eip-170"""


def artifact(contract: str) -> str:
    """The shipped text of one compiled contract: ABI, creation code and the size of its runtime code."""
    compiled = json.loads((ROOT / "build" / "forge" / f"{contract}.sol" / f"{contract}.json").read_text())
    size = (len(compiled["deployedBytecode"]["object"]) - 2) // 2
    if size >= CODE_LIMIT:
        raise SystemExit(
            f"{contract}: {size:,} bytes of runtime code, a chain takes less than {CODE_LIMIT:,}"
        )
    shipped = {
        "contract": contract,
        "abi": compiled["abi"],
        "bytecode": compiled["bytecode"]["object"],
        "deployedSize": size,
    }
    return json.dumps(shipped, indent=1) + "\n"


def main(check: bool) -> None:
    subprocess.run([FORGE, "build", "--quiet"], cwd=ROOT, check=True)
    for contract in CONTRACTS:
        path, text = SHIPPED / f"{contract}.json", artifact(contract)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            raise SystemExit(f"{path} is stale: run scripts/build_abi.py and commit what it writes")


if __name__ == "__main__":
    main(check=sys.argv[1:] == ["--check"])
