"""Mutants: an honest object, changed in one to three steps that know its structure.

A mutant is a function of a seed and a number, and each of its steps draws from a source of its own, so that a
step can be left out without changing the others.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import rfc8785
import zstandard
from honest import KINDS, Blobs, Document, Kind, ParameterSets, Part, kind, strays, trees


@dataclass(frozen=True, slots=True)
class Mutant:
    """What a hostile sender sends, of which kind it should be, and what was done to it."""

    kind: str
    payload: Any
    steps: tuple[str, ...]


def mutant(seed: int, number: int, keep: Sequence[int] | None = None) -> Mutant:
    """Mutant `number` under a seed; of its steps those in `keep` alone, if given."""
    random, chosen = _drawn(seed, number)
    count = random.choice((1, 1, 1, 2, 2, 3))
    payload, said = chosen.honest(), list[str]()
    for step in range(count) if keep is None else keep:
        payload, words = _step(chosen, payload, Random(f"{seed} {number} {step}"))
        said.append(words)
    if isinstance(chosen, Blobs) and chosen.seal_files and random.random() < 0.85:
        payload = [_refitted(data) for data in payload]
    return Mutant(chosen.name, payload, tuple(said))


def kind_of(seed: int, number: int) -> str:
    """The kind of a mutant, without making it."""
    return _drawn(seed, number)[1].name


def _drawn(seed: int, number: int) -> tuple[Random, Kind]:
    random = Random(f"{seed} {number}")
    return random, kind(random.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0])


def _step(chosen: Any, payload: Any, random: Random) -> tuple[Any, str]:
    match chosen:
        case Blobs():
            return _change_blobs(chosen, payload, random)
        case Document():
            steps = (
                TEXT_STEPS,
                TREE_STEPS,
                TREE_STEPS,
                GROWTH if chosen.name.startswith("circuit") else TREE_STEPS,
            )
            return random.choice(random.choice(steps))(payload, random)
        case ParameterSets():
            return _change_parameters(payload, random)
    raise AssertionError(chosen)


# --- Numbers ----------------------------------------------------------------------------------------------

DOUBLES = (math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.0, 2.0**60, 2.0**1000, 1.7976931348623157e308)


def _odd_double(old: float, random: Random) -> float:
    near = (-old, 2 * old, old / 2, math.nextafter(old, math.inf), math.nextafter(old, 0))
    return random.choice((*DOUBLES, *near))


def _odd_integer(old: int, bits: int, random: Random) -> int:
    near = (old + 1, old - 1, 2 * old, old ^ (1 << random.randrange(bits)))
    return random.choice((0, 1, 3, -1, 1 << (bits - 1), *near, random.getrandbits(bits))) % (1 << bits)


# --- Ciphertexts and keys -----------------------------------------------------------------------------------


def _change_blobs(chosen: Blobs, payload: list[bytes], random: Random) -> tuple[list[bytes], str]:
    changed = list(payload)
    if not changed or (len(chosen.parts()) > 1 and random.random() < 0.15):
        return LIST_STEPS[random.randrange(len(LIST_STEPS))](changed, random)
    place = random.randrange(len(changed))
    part = chosen.parts()[min(place, len(chosen.parts()) - 1)]
    steps = BYTE_STEPS + (SEAL_STEPS if chosen.seal_files else ())
    changed[place], words = random.choice(steps)(changed[place], part, random)
    return changed, f"[{place}] {words}"


def _drop(objects: list[bytes], random: Random) -> tuple[list[bytes], str]:
    return objects[:-1], "the last object dropped"


def _repeat(objects: list[bytes], random: Random) -> tuple[list[bytes], str]:
    return [*objects, *objects[:1]], "the first object repeated"


def _reorder(objects: list[bytes], random: Random) -> tuple[list[bytes], str]:
    return random.sample(objects, len(objects)), "objects reordered"


LIST_STEPS = (_drop, _repeat, _reorder)


def _put(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


def _set_field(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    name = random.choice(list(part.fields))
    at, form = part.fields[name]
    size = struct.calcsize(form)
    if at + size > len(data):
        return data, "nothing"
    (old,) = struct.unpack_from(form, data, at)
    new = _odd_double(old, random) if form == "<d" else _odd_integer(old, 8 * size, random)
    return _put(data, at, struct.pack(form, new)), f"{name} := {new}"


def _set_residues(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    run = random.choice(part.runs)
    first, count = random.randrange(run.count), random.choice((1, 1, 2, 64))
    last = (1 << 64) - 1
    new = random.choice(
        (0, run.modulus - 1, run.modulus, run.modulus + 1, last, random.randrange(run.modulus))
    )
    at = run.start + 8 * first
    piece = struct.pack("<Q", new) * min(count, run.count - first)
    return _put(data, at, piece)[: len(data)], f"{len(piece) // 8} residues at {at} := {new}"


def _zero_residues(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    first = random.randrange(len(part.runs))
    runs = part.runs[first:] if random.random() < 0.5 else part.runs[first : first + 1]
    for run in runs:
        data = _put(data, run.start, bytes(run.end - run.start))[: len(data)]
    return data, f"{len(runs)} runs of residues from {first} on := 0"


def _cut(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    places = (
        random.randrange(len(data) + 1),
        random.randrange(120),
        8 * random.randrange(len(data) // 8 + 1),
    )
    ends = [at for at, _ in part.fields.values()]
    length = random.choice((*places, len(data) - 1, len(data) - 8, random.choice(ends)))
    return data[: max(length, 0)], f"cut to {length} bytes"


def _append(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    size = random.choice((1, 8, 64, 4096, 1 << 20))
    return data + bytes(size), f"{size} zero bytes behind"


def _flip(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    if not data:
        return data, "nothing"
    changed, places = bytearray(data), [random.randrange(len(data)) for _ in range(random.choice((1, 1, 8)))]
    for place in places:
        changed[place] ^= 1 << random.randrange(8)
    return bytes(changed), f"a bit flipped in bytes {places}"


def _move(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    size = random.choice((1, 8, 16, 97, 4096))
    source, target = (random.randrange(len(data) + 1) for _ in range(2))
    if random.random() < 0.5:
        return data[:source] + data[source + size :], f"{size} bytes at {source} taken out"
    return data[:target] + data[source : source + size] + data[
        target:
    ], f"{size} bytes from {source} put in at {target}"


def _stray(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    number = random.randrange(len(strays()))
    other = strays()[number]
    at = random.choice((0, 0, 16, 52, random.randrange(len(data) + 1)))
    return data[:at] + other[at:], f"object {number} from byte {at} on"


BYTE_STEPS = (
    _set_field,
    _set_field,
    _set_field,
    _set_residues,
    _set_residues,
    _zero_residues,
    _cut,
    _append,
    _flip,
    _move,
    _stray,
)


def _packed(data: bytes, part: Part, random: Random) -> tuple[bytes, str]:
    """The body compressed, whole or in some way that is odd."""
    name = random.choice(list(STREAMS))
    stream = STREAMS[name](data[16:])
    return _refitted(data[:5] + b"\2" + data[6:16] + stream), name


def _refitted(data: bytes) -> bytes:
    """The file with its own length in its header."""
    return data[:8] + struct.pack("<Q", len(data)) + data[16:] if len(data) >= 16 else data


def _compressed(data: bytes, level: int = 1) -> bytes:
    return zstandard.ZstdCompressor(level=level, write_checksum=True).compress(data)


@cache
def _swelling() -> bytes:
    """A gigabyte in few bytes, as sixteen streams one behind the other."""
    return 16 * _compressed(bytes(64 << 20))


_SKIPPED = struct.pack("<II", 0x184D2A50, 8) + bytes(8)

STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "compressed": _compressed,
    "compressed harder": lambda data: _compressed(data, 9),
    "compressed as two": lambda data: _compressed(data[:100]) + _compressed(data[100:]),
    "compressed, with what is skipped": lambda data: _SKIPPED + _compressed(data),
    "compressed, and cut": lambda data: _compressed(data)[:-8],
    "compressed, and something behind": lambda data: _compressed(data) + b"\1",
    "compressed twice": lambda data: _compressed(_compressed(data)),
    "compressed, with more than was asked for": lambda data: _compressed(data) + _swelling(),
    "compressed zeros": lambda data: _swelling(),
}

SEAL_STEPS = (_packed, _packed)


# --- Documents ------------------------------------------------------------------------------------------------

Place = tuple[Any, Any]
"""A list or an object, and an index or a key in it."""

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 1.5, -0.0, 1e-300, 1e15, 1e16, 1.7e308, 2**31, 2**53, 2**63, 2**64, 10**30, 10**400,
    math.nan, math.inf, -math.inf, "", "0", "01", "1e3", "-1", "x", "٣", "a\u202eb", "a\x00b", "\ud800", "é" * 300,
    "ab" * 32, "AB" * 32, [], {}, [[]], [None], {"op": "column"},
)  # fmt: skip


def _places(value: Any) -> list[Place]:
    found: list[Place] = []
    steps = range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ()
    for step in steps:
        found += [(value, step), *_places(value[step])]
    return found


def _tree_step(change: Callable[[Any, Any, Random], str]) -> Callable[[bytes, Random], tuple[bytes, str]]:
    """A step that changes one place of a document's value; of none where the bytes are no JSON any more."""

    def step(raw: bytes, random: Random) -> tuple[bytes, str]:
        tree = _tree(raw)
        places = _places(tree)
        if not places:
            return raw, "nothing"
        words = change(*random.choice(places), random)
        return _written(tree), words

    return step


_LONGEST = 1 << 16


def _tree(raw: bytes) -> Any:
    """The value of a document; None where it is none any more, or has grown too long to change once more."""
    try:
        return json.loads(raw.decode()) if len(raw) <= _LONGEST else None
    except (ValueError, RecursionError):
        return None


def _written(tree: Any) -> bytes:
    """Canonical bytes, or what comes nearest to them."""
    try:
        return rfc8785.dumps(tree)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        text = json.dumps(tree, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


def _replace(inside: Any, at: Any, random: Random) -> str:
    inside[at] = random.choice(ODD_VALUES)
    return f"{at} := {inside[at]!r:.60}"


def _nudge(inside: Any, at: Any, random: Random) -> str:
    old = inside[at]
    huge = isinstance(old, int | float) and abs(old) > 1e300
    if isinstance(old, bool) or huge or not isinstance(old, int | float | str):
        return _replace(inside, at, random)
    if isinstance(old, str):
        cut = random.randrange(len(old) + 1)
        inside[at] = random.choice(
            (old[:cut] + old[cut + 1 :], old[:cut] + "b" + old[cut:], old.upper(), f" {old}", old * 9)
        )
    else:
        inside[at] = random.choice(
            (old + 1, old - 1, -old, old * 2, old * 1e6, old / 3, old + 0.5, math.nextafter(old, 0))
        )
    return f"{at}: {old!r:.40} := {inside[at]!r:.40}"


def _remove(inside: Any, at: Any, random: Random) -> str:
    del inside[at]
    return f"without {at}"


def _add(inside: Any, at: Any, random: Random) -> str:
    value = inside[at]
    if isinstance(inside, list):
        inside.insert(at, value)
        return f"{at} twice"
    name = random.choice(("more", "", at.upper(), f"{at} ", "__class__", "op", "kind"))
    inside[name] = value
    return f"{name!r} beside {at}"


def _exchange(inside: Any, at: Any, random: Random) -> str:
    other = random.choice(list(range(len(inside))) if isinstance(inside, list) else list(inside))
    inside[at], inside[other] = inside[other], inside[at]
    return f"{at} exchanged with {other}"


def _stray_value(inside: Any, at: Any, random: Random) -> str:
    tree = random.choice(list(trees()))
    source, key = random.choice(_places(tree))
    inside[at] = random.choice((source[key], tree))
    return f"{at} := {inside[at]!r:.60}, from another document"


def _nest(inside: Any, at: Any, random: Random) -> str:
    depth = random.choice((2, 60, 400))
    for _ in range(depth):
        inside[at] = [inside[at]] if depth > 60 or random.random() < 0.5 else {"of": inside[at]}
    return f"{at} nested {depth} times"


def _multiply(inside: Any, at: Any, random: Random) -> str:
    count = min(random.choice((10, 300, 5000)), 2 + _LONGEST // (1 + len(str(inside[at]))))
    if isinstance(inside[at], list):
        inside[at] *= count
        return f"{at} repeated {count} times"
    inside[at] = [inside[at]] * count
    return f"{at} := {count} of it"


TREE_STEPS = tuple(
    map(
        _tree_step,
        (
            _replace,
            _replace,
            _nudge,
            _nudge,
            _nudge,
            _remove,
            _add,
            _exchange,
            _stray_value,
            _nest,
            _multiply,
        ),
    )
)


def _grow(raw: bytes, random: Random) -> tuple[bytes, str]:
    """One more node in a circuit, mostly a right one, and an output of it."""
    tree = _tree(raw)
    if not isinstance(tree, dict) or not isinstance(tree.get("nodes"), list):
        return raw, "nothing"
    number = len(tree["nodes"])
    of = [
        random.randrange(number + 1) if random.random() < 0.1 else random.randrange(max(number, 1))
        for _ in "ab"
    ]
    by = random.choice((1.0, -0.5, 3.0, 1e-9, 1e9, 0.0))
    node: dict[str, Any] = random.choice(
        (
            {"op": random.choice(("add", "subtract", "multiply")), "of": of},
            {"op": random.choice(("scale", "shift")), "of": of[:1], "by": by},
            {"op": "sum", "of": of[:1]},
            {"op": "column", "column": random.choice(("age", "dose", "ill", "none"))},
        )
    )
    tree["nodes"].append(node)
    tree["result"], tree["release"] = (
        "numbers",
        {"grid": "1000", "mechanism": random.choice(("exact", "noise"))},
    )
    output = {"name": f"more {number}", "node": number, "offset": 0, "unit": 1}
    outputs = tree.get("outputs")
    tree["outputs"] = [*outputs, output] if isinstance(outputs, list) and random.random() < 0.5 else [output]
    return _written(tree), f"a node {node}"


def _text_step(
    words: str, pieces: Callable[[bytes], list[bytes]]
) -> Callable[[bytes, Random], tuple[bytes, str]]:
    """A step that puts one of some pieces in the place of a comma, a colon, a digit or whatever else."""

    def step(raw: bytes, random: Random) -> tuple[bytes, str]:
        if not raw:
            return raw, "nothing"
        at = random.randrange(len(raw))
        piece = random.choice(pieces(raw[at : at + 1]))
        return raw[:at] + piece + raw[at + 1 :], f"{words}: {piece[:40]!r} at {at}"

    return step


def _number(raw: bytes, random: Random) -> tuple[bytes, str]:
    """Another way to write a number, mostly of the same value."""
    starts = [i for i in range(1, len(raw)) if raw[i : i + 1].isdigit() and raw[i - 1 : i] in b":,[-"]
    if not starts:
        return raw, "nothing"
    start = random.choice(starts)
    end = next((i for i in range(start, len(raw)) if raw[i : i + 1] in b',]}"'), len(raw))
    old = raw[start:end]
    forms = (
        old + b".0",
        old + b"e0",
        b"0" + old,
        b"+" + old,
        b"-" + old,
        old + b"0",
        b"0x" + old,
        old + b"E+0",
        b"9" * 5000,
    )
    new = random.choice((*forms, b"NaN", b"-Infinity", b"1e999", old + b"." + b"0" * 400, old + b"_0"))
    return raw[:start] + new + raw[end:], f"{old[:40]!r} written as {new[:40]!r}"


def _repeat_key(raw: bytes, random: Random) -> tuple[bytes, str]:
    """A field twice, with the same value or another one."""
    starts = [i + 1 for i in range(len(raw)) if raw[i : i + 1] in b"{," and raw[i + 1 : i + 2] == b'"']
    if not starts:
        return raw, "nothing"
    start = random.choice(starts)
    end = raw.find(b":", start)
    value = random.choice((b"0", b"null", raw[end + 1 :].split(b",")[0].rstrip(b"}]")))
    return raw[:start] + raw[start : end + 1] + value + b"," + raw[start:], f"{raw[start:end][:40]!r} twice"


def _around(raw: bytes, random: Random) -> tuple[bytes, str]:
    name = random.choice(list(AROUND))
    return AROUND[name](raw), name


AROUND: dict[str, Callable[[bytes], bytes]] = {
    "nothing at all": lambda raw: b"",
    "a byte-order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "a line end behind": lambda raw: raw + b"\n",
    "a zero byte behind": lambda raw: raw + b"\0",
    "itself behind": lambda raw: raw + raw,
    "in a list": lambda raw: b"[" + raw + b"]",
    "in UTF-16": lambda raw: raw.decode("utf-8", "replace").encode("utf-16-be"),
    "a megabyte of spaces before": lambda raw: b" " * (1 << 20) + raw,
    "nested deeply": lambda raw: b"[" * 100_000 + raw + b"]" * 100_000,
    "opened deeply": lambda raw: b'{"kind":' * 50_000,
    "half of it": lambda raw: raw[: len(raw) // 2],
    "without its end": lambda raw: raw[:-1],
}

GROWTH = (_grow,)

TEXT_STEPS = (
    _text_step("space", lambda old: [b" " + old, old + b" ", old + b"\t", old + b"\r\n"]),
    _text_step(
        "escape", lambda old: [b"\\u%04x" % old[0], b"\\u%04X" % old[0], b"\\" + old, b"\\ud800", b"\\/"]
    ),
    _text_step(
        "byte", lambda old: [b"\xff", b"\xed\xa0\x80", b"\0", b"\xc3", b"", old + old, b"'", b'"', b"/*x*/"]
    ),
    _text_step("bit", lambda old: [bytes([old[0] ^ (1 << bit)]) for bit in range(8)]),
    _number,
    _number,
    _repeat_key,
    _around,
)


# --- Parameter sets -------------------------------------------------------------------------------------------


def _change_parameters(payload: Any, random: Random) -> tuple[Any, str]:
    degree, primes, scale = payload
    match random.randrange(4):
        case 0:
            degree = random.choice((0, 1, -4096, 4095, 1024, 2048, 8192, 16384, 32768, 65536, degree))
        case 1:
            scale = _odd_double(scale, random)
        case 2 if primes:
            at = random.randrange(len(primes))
            old = primes[at]
            near = (
                old + 2 * 4096,
                old - 2 * 4096,
                old + 1,
                -old,
                old * old,
                random.choice(primes),
                0,
                1,
                2,
                8193 * 8193,
            )
            primes = (*primes[:at], random.choice(near), *primes[at + 1 :])
        case _:
            primes = random.choice((primes[:-1], primes[1:], (), (*primes, *primes[:1]), primes[::-1]))
    return (degree, primes, scale), f"degree {degree}, primes {primes}, scale {scale}"
