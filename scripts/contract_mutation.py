"""Breaks the contracts in every small way and asks the forge tests to notice.

All mutants of a file are compiled into one build: each broken statement stands beside the whole one, and the number
in the block's coinbase, which nothing of the project reads, says which of them runs. A mutant then costs one run of
the tests, and no compilation. What was run is kept in var/mutation/report.json: a run that is interrupted goes on
where it stopped, starts anew for a file that changed, and asks changed tests again about what none noticed.

    scripts/contract_mutation.py [--seconds N] [FILE...]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_coverage import FORGE, LEFT_ALONE, ROOT

WORK = ROOT / "var" / "mutation"
QUICK = {"FOUNDRY_FUZZ_RUNS": "32", "FOUNDRY_INVARIANT_RUNS": "16", "FOUNDRY_INVARIANT_DEPTH": "60"}
SECONDS = 600
"""A mutant that keeps the tests busy for longer never ends: that is noticed too."""
SWAPS = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "&&": ("||",), "||": ("&&",), "&": ("|",), "|": ("&",),
    "<<": (">>",), ">>": ("<<",), "+=": ("-=",), "-=": ("+=",), "|=": ("&=",),
}  # fmt: skip
SWITCH = """
/// @dev Which mutant runs. The cast lets pure functions ask, too.
library Mutants {
    function _read(uint160 id) private view returns (bool) {
        return uint160(address(block.coinbase)) == id;
    }

    function on(uint160 id) internal pure returns (bool) {
        function(uint160) view returns (bool) read = _read;
        function(uint160) pure returns (bool) cast;
        assembly ("memory-safe") {
            cast := read
        }
        return cast(id);
    }
}
"""
Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken way to write a statement, or a part of it that is evaluated alone."""

    function: str
    line: int
    start: int
    end: int
    whole: bool  # a statement; else an expression
    text: str


def span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def children(node: Any) -> Iterator[Node]:
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict) and "nodeType" in value:
            yield value
        elif isinstance(value, list):
            yield from (item for item in value if isinstance(item, dict) and "nodeType" in item)


class Source:
    """One file and its syntax tree. Positions are bytes, and the sources are ASCII."""

    def __init__(self, path: Path, tree: Node) -> None:
        self.text = path.read_text()
        self.mutants = [mutant for function in self._functions(tree) for mutant in self._of(function)]

    def _functions(self, node: Node) -> Iterator[Node]:
        if node["nodeType"] in ("FunctionDefinition", "ModifierDefinition"):
            yield node
            return
        for child in children(node):
            yield from self._functions(child)

    def _of(self, function: Node) -> Iterator[Mutant]:
        name = function["name"] or "constructor"
        for node, whole in self._places(function.get("body") or {}):
            start, end = span(node)
            seen = {self.text[start:end]}
            variants = list(self._variants(node))
            if whole and node["nodeType"] == "ExpressionStatement":
                variants.append("{}")
            if not whole and node["typeDescriptions"]["typeString"] == "bool":
                variants += ["true", "false", f"!({self.text[start:end]})"]
            for text in variants:
                if text not in seen:
                    seen.add(text)
                    yield Mutant(name, self.text.count("\n", 0, start) + 1, start, end, whole, text)

    def _places(self, node: Node) -> Iterator[tuple[Node, bool]]:
        """What is written twice: statements, conditions, and the values of variables and returns."""
        kind = node.get("nodeType")
        if kind == "ExpressionStatement":
            # A pointer into storage must be assigned on every way.
            target = (
                node["expression"].get("leftHandSide", {}).get("typeDescriptions", {}).get("typeString", "")
            )
            if "storage pointer" not in target:
                yield node, True
        elif kind in ("IfStatement", "ForStatement") and node.get("condition"):
            yield node["condition"], False
        elif kind == "Return" and node.get("expression"):
            yield from self._values(node["expression"])
        elif kind == "VariableDeclarationStatement" and node.get("initialValue"):
            yield from self._values(node["initialValue"])
        elif kind in ("Continue",):
            yield node, True
        if kind not in ("ExpressionStatement", "EmitStatement", "RevertStatement", "InlineAssembly"):
            for child in children(node):
                # The step of a loop cannot be a block.
                if child["nodeType"].endswith(("Statement", "Block", "Return", "Continue")) and (
                    child is not node.get("loopExpression")
                ):
                    yield from self._places(child)

    def _values(self, node: Node) -> Iterator[tuple[Node, bool]]:
        if node["nodeType"] == "TupleExpression" and len(node["components"]) > 1:
            for part in node["components"]:
                yield from self._values(part)
        elif "storage" not in node["typeDescriptions"]["typeString"]:
            yield node, False

    def _variants(self, place: Node) -> Iterator[str]:
        """The text of the place with one change each, somewhere in it."""
        start, end = span(place)
        for low, high, text in self._changes(place):
            yield self.text[start:low] + text + self.text[high:end]

    def _changes(self, node: Node) -> Iterator[tuple[int, int, str]]:
        kind = node["nodeType"]
        low, high = span(node)
        if kind in ("BinaryOperation", "Assignment"):
            left, right = (
                node[side] for side in (("leftExpression", "rightExpression") if kind[0] == "B" else
                                        ("leftHandSide", "rightHandSide"))
            )  # fmt: skip
            between = span(left)[1], span(right)[0]
            gap = self.text[slice(*between)]
            for swap in SWAPS.get(node["operator"], ()):
                yield *between, gap.replace(node["operator"], swap)
        elif kind == "UnaryOperation" and node["operator"] == "!":
            yield low, low + 1, ""
        elif kind == "UnaryOperation" and node["operator"] == "++":
            yield low, high, self.text[low:high].replace("++", "--")
        elif kind == "Literal" and node["kind"] == "number" and not node["value"].startswith("0x"):
            yield low, high, str(int(node["value"].replace("_", "")) + 1)
        elif kind == "Literal" and node["kind"] == "bool":
            yield low, high, "false" if node["value"] == "true" else "true"
        elif kind == "Conditional":
            condition = span(node["condition"])
            yield *condition, f"!({self.text[slice(*condition)]})"
        elif kind == "Continue":
            yield low, high, "{}"
        elif kind == "FunctionCall" and node["expression"].get("memberName") == "encode":
            # What is hashed and signed: each part left out.
            for argument in node["arguments"]:
                yield *span(argument), "uint256(0)"
        for zero in self._zero_hashes(node):
            yield *span(zero), "bytes32(uint256(1))"
        for child in children(node):
            if "typeDescriptions" in child and child["nodeType"] != "ElementaryTypeNameExpression":
                yield from self._changes(child)

    def _zero_hashes(self, node: Node) -> list[Node]:
        """The zeros in it that stand for a hash: the one number that may."""
        parts: list[tuple[Node, str]] = []
        if node["nodeType"] == "BinaryOperation":
            common = node["commonType"]["typeString"]
            parts = [(node["leftExpression"], common), (node["rightExpression"], common)]
        elif node["nodeType"] == "FunctionCall":
            declared = re.match(
                r"function \(([^()]*)\)", node["expression"]["typeDescriptions"]["typeString"]
            )
            kinds = declared.group(1).split(",") if declared else []
            parts = list(zip(node["arguments"], kinds, strict=False))
        return [part for part, kind in parts if kind == "bytes32" and part.get("value") == "0"]

    def woven(self, chosen: dict[int, Mutant]) -> str:
        """The file with all chosen mutants in it, each behind its number."""
        places: dict[tuple[int, int, bool], list[tuple[int, str]]] = {}
        for number, mutant in chosen.items():
            places.setdefault((mutant.start, mutant.end, mutant.whole), []).append((number, mutant.text))
        text = self.text
        for (start, end, whole), several in sorted(places.items(), reverse=True):
            original = text[start:end]
            if whole:
                if not original.endswith(";"):
                    end += 1
                    original += ";"
                broken = (f"if (Mutants.on({number})) {{ {body.rstrip(';')}{'' if body == '{}' else ';'} }} else "
                          for number, body in several)  # fmt: skip
                text = f"{text[:start]}{{ {''.join(broken)}{{ {original} }} }}{text[end:]}"
            else:
                broken = (f"Mutants.on({number}) ? ({body}) : " for number, body in several)
                text = f"{text[:start]}({''.join(broken)}({original})){text[end:]}"
        return text + SWITCH


def forge(folder: Path, *arguments: str, seconds: int = 900) -> subprocess.CompletedProcess[str]:
    environment = os.environ | QUICK | {"FOUNDRY_OUT": "build/out", "FOUNDRY_CACHE_PATH": "build/cache"}
    command = ["nice", str(FORGE), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def prepare() -> Path:
    """A copy of the project in which sources may be broken."""
    folder = WORK / "copy"
    folder.mkdir(parents=True, exist_ok=True)
    # Left out here: with a filter of tests, forge compiles before each run to learn what the filter leaves.
    left_alone = shutil.ignore_patterns("symbolic", *(f"{name}.t.sol" for name in LEFT_ALONE))
    for tree in ("contracts", "tests/forge"):
        shutil.rmtree(folder / tree, ignore_errors=True)
        shutil.copytree(ROOT / tree, folder / tree, ignore=left_alone)
    shutil.copy(ROOT / "foundry.toml", folder)
    for shared in ("tools", "node_modules"):
        if not (folder / shared).exists():
            (folder / shared).symlink_to(ROOT / shared)
    return folder


def weave(folder: Path, file: str, source: Source, uncompiled: set[int]) -> dict[int, Mutant]:
    """Writes and compiles the file with every mutant that compiles."""
    chosen = {
        number: mutant for number, mutant in enumerate(source.mutants, start=1) if number not in uncompiled
    }
    while True:
        (folder / file).write_text(source.woven(chosen))
        built = forge(folder, "build", "--skip", "tests/**")
        if built.returncode == 0:
            return chosen
        errors = built.stdout + built.stderr
        text = (folder / file).read_text().splitlines(keepends=True)
        wrong = set()
        for line, column in re.findall(re.escape(file) + r":(\d+):(\d+)", errors):
            before = "".join(text[: int(line) - 1]) + text[int(line) - 1][: int(column) - 1]
            # The switch nearest before the error belongs to the mutant that does not compile.
            wrong |= {int(number) for number in re.findall(r"Mutants\.on\((\d+)\)", before)[-1:]}
        if "Stack too deep" in errors:
            # Asking for the switch takes stack, too: such a function is left to mutants of its own builds.
            functions = {chosen[number].function for number in wrong & chosen.keys()}
            wrong |= {number for number, mutant in chosen.items() if mutant.function in functions}
        if not wrong & chosen.keys():
            raise SystemExit(f"{file} with its mutants does not compile:\n{errors[:4000]}")
        for number in wrong & chosen.keys():
            del chosen[number]


def killed(folder: Path, number: int) -> str:
    """The test that failed under this mutant; "" if none did."""
    # What made the tests fail under another mutant would be tried again, and could not be.
    shutil.rmtree(folder / "cache", ignore_errors=True)
    coinbase = ("--block-coinbase", f"0x{number:040x}")
    try:
        run = forge(folder, "test", "--fail-fast", *coinbase, "--code-size-limit", "9999999", seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return "the tests did not end"
    if run.returncode == 0:
        return ""
    failed = re.search(r"\[FAIL.*?\b(test\w*|invariant\w*|setUp)\(", run.stdout, re.DOTALL)
    if not failed:
        raise SystemExit(f"forge failed, but no test:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return failed.group(1)


def campaign(folder: Path, file: str, report: dict[str, Any], until: float) -> None:
    """Runs the mutants of one file that the report does not know yet."""
    tree = json.loads((folder / "build/out" / Path(file).name / f"{Path(file).stem}.json").read_text())["ast"]
    source = Source(ROOT / file, tree)
    key = hashlib.sha256(repr((source.text, source.mutants)).encode()).hexdigest()
    known = report.setdefault(file, {})
    if known.get("source") != key:
        known.clear()
        known.update(source=key, generated=len(source.mutants), mutants={})
    tests = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((folder / "tests").rglob("*.sol"))))
    if known.get("tests") != tests.hexdigest():
        # Other tests may notice what these did not.
        known["mutants"] = {number: run for number, run in known["mutants"].items() if run["killed"]}
        known["tests"] = tests.hexdigest()
    if known.get("compiled") == len(known["mutants"]):
        return
    chosen = weave(folder, file, source, set(known.get("uncompiled", ())))
    known["compiled"] = len(chosen)
    known["uncompiled"] = sorted(set(range(1, len(source.mutants) + 1)) - chosen.keys())
    if (built := forge(folder, "build")).returncode:
        raise SystemExit(f"the tests do not compile:\n{built.stdout[-2000:]}{built.stderr[-2000:]}")
    if whole := killed(folder, 0xFFFF):
        raise SystemExit(f"{file}: the tests fail although no mutant is on: {whole}")
    # Far apart first, so that a run which is cut short has seen all of the file.
    order = sorted(chosen, key=lambda number: hashlib.sha256(str(number).encode()).digest())
    for number in order:
        mutant = chosen[number]
        if str(number) in known["mutants"]:
            continue
        if time.monotonic() > until:
            return
        known["mutants"][str(number)] = {
            "function": mutant.function,
            "line": mutant.line,
            "from": source.text[mutant.start : mutant.end],
            "to": mutant.text,
            "killed": killed(folder, number),
        }
        (WORK / "report.json").write_text(json.dumps(report, indent=1) + "\n")


def summary(report: dict[str, Any]) -> Iterator[str]:
    for file, known in sorted(report.items()):
        runs = known["mutants"].values()
        dead = sum(bool(run["killed"]) for run in runs)
        yield f"{file}: {dead} of {len(runs)} mutants killed, {known.get('compiled', 0)} in all"
        for run in runs:
            if not run["killed"]:
                yield f"  {run['function']}, line {run['line']}: {run['from']!r} became {run['to']!r}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("files", nargs="*", help="of contracts/; all but interfaces and mocks by default")
    asked = parser.parse_args()
    until = time.monotonic() + asked.seconds
    paths = [*(ROOT / "contracts").glob("*.sol"), *(ROOT / "contracts" / "libraries").glob("*.sol")]
    files = asked.files or sorted(str(path.relative_to(ROOT)) for path in paths)
    stored = WORK / "report.json"
    report = json.loads(stored.read_text()) if stored.exists() else {}
    for file in files:
        folder = prepare()
        if forge(folder, "build", "--ast", "--skip", "tests/**", "--force").returncode:
            raise SystemExit("the contracts do not compile")
        campaign(folder, file, report, until)
    print("\n".join(summary(report)))


if __name__ == "__main__":
    main()
