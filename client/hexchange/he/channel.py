"""What a sandboxed child and its parent say to each other, over two pipes.

Questions go as pickles, which only the parent writes. Answers go as JSON with bytes beside it, because the
parent must not trust who writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

BYTES = "\0bytes"  # stands in the JSON for the bytes of this number


@dataclass(frozen=True, slots=True)
class Setup:
    """What a child is told at its start, before it reads anything of a stranger's."""

    parent: int
    search: list[str]
    functions: list[tuple[str, str]]
    readable: list[Path]
    memory: int
    written: int


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the number of the function, its arguments, and what it may use."""

    function: int
    arguments: tuple[Any, ...]
    memory: int
    cpu_seconds: int


def send(answers: BinaryIO, answer: dict[str, Any]) -> None:
    """Write an answer: lengths of the JSON and of each piece of bytes in it, then all of them."""
    pieces: list[bytes] = []

    def replace(value: Any) -> dict[str, int]:
        if not isinstance(value, bytes):
            raise TypeError(f"a child cannot return {type(value).__name__}")
        pieces.append(value)
        return {BYTES: len(pieces) - 1}

    head = json.dumps(answer, default=replace).encode()
    lengths = [len(head), *map(len, pieces)]
    answers.write(b"".join(number.to_bytes(8, "big") for number in (len(lengths), *lengths)))
    for part in (head, *pieces):
        answers.write(part)
    answers.flush()


def receive(answers: BinaryIO, cap: int) -> dict[str, Any]:
    """Read an answer of at most `cap` bytes; OverflowError above it, EOFError or ValueError for nonsense."""
    count = _number(answers)
    if count > 1 + cap // 8:
        raise OverflowError
    lengths = [_number(answers) for _ in range(count)]
    if sum(lengths) > cap:
        raise OverflowError
    head, *pieces = (_exactly(answers, length) for length in lengths)

    answer = _restore(from_json(head), pieces)  # a parser that bounds nesting whatever the interpreter allows
    if not isinstance(answer, dict):
        raise ValueError("not an answer")
    return answer


def _restore(value: Any, pieces: Sequence[bytes]) -> Any:
    """The answer with its bytes back in their places."""
    if isinstance(value, list):
        return [_restore(each, pieces) for each in value]
    if isinstance(value, dict):
        return pieces[value[BYTES]] if BYTES in value else {k: _restore(v, pieces) for k, v in value.items()}
    return value


def _number(answers: BinaryIO) -> int:
    return int.from_bytes(_exactly(answers, 8), "big")


def _exactly(answers: BinaryIO, length: int) -> bytes:
    data = answers.read(length)
    if len(data) < length:
        raise EOFError
    return data


def names(functions: Sequence[Callable[..., Any]]) -> list[tuple[str, str]]:
    """How a child finds these functions; ValueError for one that no other process can import."""
    found = [(function.__module__, function.__qualname__) for function in functions]
    for module, name in found:
        if module == "__main__" or "." in name or "<" in name:
            raise ValueError(f"{module}.{name} is not a function at the top of an importable module")
    return found
