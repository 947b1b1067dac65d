"""Writes docs/circuit.schema.json, the JSON Schema of a circuit in its canonical form; with --check only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hexchange.circuit.document import circuit_schema

SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "circuit.schema.json"


def main(check: bool) -> None:
    text = json.dumps(circuit_schema(), indent=1) + "\n"
    if not check:
        SCHEMA.write_text(text, encoding="utf-8")
    elif not SCHEMA.exists() or SCHEMA.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{SCHEMA} is stale: run scripts/build_schema.py and commit what it writes")


if __name__ == "__main__":
    main(check=sys.argv[1:] == ["--check"])
