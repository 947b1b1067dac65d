"""What runs in the child: make mutants, read them as the market does, and say what became of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import zstandard
from honest import KINDS, kind
from mutants import mutant
from pydantic import ValidationError

from hexchange import evaluation
from hexchange.circuit import document
from hexchange.errors import HexchangeError, MalformedCircuit, MalformedDocument
from hexchange.he import canonical, forms, library
from hexchange.market import documents

REFUSED, ACCEPTED = "refused: ", "accepted"


def read_honest() -> int:
    """Read what is honest of every kind; this process's number."""
    for _, each in KINDS.values():
        each.read(each.honest())
    return os.getpid()


@cache
def warm_up() -> int:
    """The same, once in a process: what later calls need is then there, and does not count as theirs."""
    return read_honest()


def judge(
    seed: int, numbers: Sequence[int], keep: Sequence[int] | None = None, weakness: str = ""
) -> list[list[str]]:
    """Kind and outcome of each mutant; with some of its steps alone, or of a market with a planted weakness."""
    if weakness:
        WEAKNESSES[weakness][1]()
    made = (mutant(seed, number, keep) for number in numbers)
    return [[each.kind, outcome(each.kind, each.payload)] for each in made]


def outcome(name: str, payload: Any) -> str:
    """`refused: ` and the typed error, `accepted` if it means what it says, and anything else in words."""
    try:
        kind(name).read(payload)
    except HexchangeError as error:
        return REFUSED + type(error).__name__
    except AssertionError as error:
        return f"accepted, but {error}"
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
        return f"failed with {type(error).__name__}: {str(error)[:200]}"
    return ACCEPTED


def passed(text: str) -> bool:
    """Whether an outcome is one of the two that may be."""
    return text == ACCEPTED or text.startswith(REFUSED)


# --- What the mutants must find, to be believed when they find nothing ------------------------------------


def _believe_forms() -> None:
    forms.match = lambda form, body: None


def _believe_result_headers() -> None:
    def believed(engine: Any, data: bytes, shape: Any) -> Any:
        body = forms.prefix(engine, shape) + data[52:]
        ciphertext = library.load(library.sealapi.Ciphertext(), engine.context, body)
        canonical._refuse_transparent(ciphertext)
        return ciphertext

    canonical.from_canonical = believed


def _take_transparent() -> None:
    canonical._refuse_transparent = lambda ciphertext: None


def _believe_sizes() -> None:
    def inflated(data: bytes, length: int) -> bytes:
        try:
            reader = zstandard.ZstdDecompressor().stream_reader(
                data[library.HEADER :], read_across_frames=True
            )
            return reader.read()
        except zstandard.ZstdError:
            raise library.malformed("broken") from None

    library._decompress = inflated


def _take_any_encoding_of_documents() -> None:
    def parse(kind: Any, raw: bytes) -> Any:
        try:
            return documents._adapter(kind).validate_json(raw)
        except ValidationError:
            raise MalformedDocument("wrong") from None

    documents.parse = parse


def _take_any_encoding_of_circuits() -> None:
    def parse(raw: bytes) -> document.Circuit:
        try:
            return document._adapter().validate_json(raw)
        except ValidationError:
            raise MalformedCircuit("wrong") from None

    vars(evaluation)["parse_circuit"] = parse


def _run_unchecked_circuits() -> None:
    vars(evaluation)["check"] = lambda circuit: SimpleNamespace(seconds=0.0)


def _at_a_wrong_form(then: Callable[[], Any]) -> Callable[[], None]:
    def plant() -> None:
        right = forms.match

        def match(form: forms.Form, body: bytes) -> None:
            try:
                right(form, body)
            except HexchangeError:
                then()

        forms.match = match

    return plant


def _spin() -> None:
    while True:
        pass


WEAKNESSES: dict[str, tuple[str, Callable[[], None]]] = {
    "fixed fields are believed": ("upload", _believe_forms),
    "headers of results are believed": ("result", _believe_result_headers),
    "transparent results are taken": ("result", _take_transparent),
    "sizes are believed": ("upload", _believe_sizes),
    "any encoding of a document is taken": ("OfferRequest", _take_any_encoding_of_documents),
    "any encoding of a circuit is taken": ("circuit", _take_any_encoding_of_circuits),
    "circuits are run unchecked": ("circuit linear", _run_unchecked_circuits),
    "a wrong form ends the process": ("upload", _at_a_wrong_form(os.abort)),
    "a wrong form never ends": ("upload", _at_a_wrong_form(_spin)),
}
"""By what is wrong: the kinds of object that show it, and how to plant it in this process."""
