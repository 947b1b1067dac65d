"""Every class of hostile or broken object, one row each: refused by name, and the child lives on."""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import rfc8785
from honest import MANIFEST, Blobs, body, kind
from judge import ACCEPTED, REFUSED, outcome, read_honest, warm_up
from mutants import STREAMS

from hexchange.circuit.editions import LINEAR, SECURE_BITS, STATS, TRAIN
from hexchange.errors import (
    CircuitTooDeep,
    CircuitTooLarge,
    EditionNotFound,
    EditionUnfit,
    ForeignEngine,
    GridTooFine,
    HexchangeError,
    InputMismatch,
    MalformedBlob,
    MalformedCircuit,
    MalformedDocument,
    SensitivityUnknown,
    TableTooLarge,
    TransparentCircuit,
    UnsafeEdition,
    UsageError,
)
from hexchange.he import forms, selftest
from hexchange.he.encoder import encode_vector
from hexchange.he.engine import engine
from hexchange.he.library import header
from hexchange.he.sandbox import Limits, Worker

UPLOAD, RESULT = "upload linear", "result"
COUNT_UPLOAD, COUNT_KEY = "upload count", "relinearisation key count"
RELIN, ROTATION, TRAIN_KEY = "relinearisation key stats", "rotation key linear", "rotation key train"
CIRCUIT, STATS_CIRCUIT, TRAIN_CIRCUIT = "circuit linear", "circuit stats", "circuit train"
NETWORK = "circuit mlp"

Edit = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """What is wrong, with an object of which kind, and how it is refused."""

    wrong: str
    kind: str
    edit: Edit
    error: type[HexchangeError]


def rows(name: str, error: type[HexchangeError], edits: dict[str, Edit]) -> list[Row]:
    return [Row(wrong, name, edit, error) for wrong, edit in edits.items()]


# --- Ciphertexts and keys ----------------------------------------------------------------------------------


def first(change: Callable[[bytes], bytes]) -> Edit:
    """The first of the objects changed."""
    return lambda objects: [change(objects[0]), *objects[1:]]


def field(name: str, owner: str, value: float) -> Edit:
    """A field of the first object set to a value."""
    blobs = kind(owner)
    assert isinstance(blobs, Blobs)
    at, form = blobs.parts()[0].fields[name]
    return first(lambda data: data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :])


def fields(owner: str, *values: tuple[str, float]) -> list[Row]:
    return [
        Row(f"{name} := {value}", owner, field(name, owner, value), MalformedBlob) for name, value in values
    ]


def word(part: bytes) -> int:
    """The first number of a parameter id."""
    return int.from_bytes(part[:8], "little")


def residue(owner: str, value: Callable[[int], int], run: int = 0) -> Edit:
    """The first residue of a run."""
    blobs = kind(owner)
    assert isinstance(blobs, Blobs)
    chosen = blobs.parts()[0].runs[run]
    piece = struct.pack("<Q", value(chosen.modulus))
    return first(lambda data: data[: chosen.start] + piece + data[chosen.start + 8 :])


def honest(name: str) -> Edit:
    """An honest object of another kind."""
    return lambda _: kind(name).honest()


def made_up(form: forms.Form, parameters: str = "linear") -> Edit:
    """Another object, well formed in itself."""
    seal = engine({"linear": LINEAR, "stats": STATS}[parameters].parameters)
    return lambda _: [selftest.made_up(seal, form, "other")]


def stream(name: str) -> Edit:
    """The body compressed in some odd way, the header as it should be."""

    def change(data: bytes) -> bytes:
        packed = STREAMS[name](data[16:])
        return data[:5] + b"\2" + data[6:8] + struct.pack("<Q", 16 + len(packed)) + packed

    return first(change)


SCALES = (math.nan, math.inf, -math.inf, -(2.0**29), 0.0, -0.0, 5e-324, 2.0**30, 2.0**1000)
BY_A_BIT = math.nextafter(2.0**29, math.inf)
LINEAR_IDS, STATS_IDS = engine(LINEAR.parameters).ids, engine(STATS.parameters).ids
ENDS: dict[str, Edit] = {
    "empty": first(lambda data: b""),
    "header alone": first(lambda data: data[:16]),
    "half a header": first(lambda data: data[:9]),
    "cut by a byte": first(lambda data: data[:-1]),
    "cut, and its length mended": first(lambda data: header(len(data) - 24) + data[16:-8]),
    "a byte behind": first(lambda data: data + b"\0"),
    "a word behind, and its length mended": first(lambda data: header(len(data) - 8) + data[16:] + bytes(8)),
    "a megabyte behind": first(lambda data: data + bytes(1 << 20)),
    "zeros": first(lambda data: bytes(len(data))),
}

UPLOADS = [
    *fields(
        UPLOAD,
        *[("magic", 0), ("header size", 0), ("major", 3), ("minor", 4), ("compression", 1), ("compression", 9)],
        *[("reserved", 1), ("length", 0), ("length", 2**63)],
        *[("parameters", 0), ("parameters", word(LINEAR_IDS[1])), ("parameters", word(LINEAR_IDS[-1]))],
        *[("parameters", word(STATS_IDS[2])), ("form", 0), ("form", 7)],
        *[("size", size) for size in (0, 1, 3, 17, 2**63)],
        *[("degree", degree) for degree in (0, 2048, 8192, 2**63)],
        *[("primes", primes) for primes in (0, 1, 3, 2**63)],
        *[("scale", scale) for scale in (*SCALES, BY_A_BIT)],
        *[("correction", 0), ("correction", 2), ("count", 0), ("count", 2**61), ("generator", 0), ("generator", 255)],
        *[("residues' length", 16), ("residues' compression", 2), ("seed's length", 2**40), ("seed's minor", 2)],
    ),
    *rows(UPLOAD, MalformedBlob, ENDS),
    *rows(
        UPLOAD,
        MalformedBlob,
        {
            "a residue equal to its modulus": residue(UPLOAD, lambda modulus: modulus),
            "the largest residue there is": residue(UPLOAD, lambda _: 2**64 - 1, run=1),
            "not seeded": first(lambda data: header(len(data) - 16) + data[16:-81] + bytes(8 * 4096)),
            "an upload of another edition": honest("upload stats"),
            "a key": honest(ROTATION),
            "a result": honest(RESULT),
            "fewer primes": made_up(forms.seeded(engine(LINEAR.parameters), 1, 2.0**29)),
            "of the keys' level": made_up(forms.seeded(engine(LINEAR.parameters), 3, 2.0**29)),
            **{f"a stream {name}": stream(name) for name in (
                "compressed zeros", "compressed twice", "compressed, and something behind",
                "compressed, with more than was asked for",
            )},
        },
    ),
]  # fmt: skip

COUNT_UPLOADS = [
    *fields(
        COUNT_UPLOAD,
        *[
            ("form", 1),
            ("scale", 2.0),
            ("correction", 0),
            ("correction", 3),
            ("parameters", word(LINEAR_IDS[2])),
        ],
    ),
    *rows(COUNT_UPLOAD, MalformedBlob, {"of the other scheme": honest(UPLOAD), **ENDS}),
    *rows(
        COUNT_KEY,
        MalformedBlob,
        {"a key of the other scheme": honest(RELIN), "an upload": honest(COUNT_UPLOAD)},
    ),
    *fields(COUNT_KEY, ("digit 1 form", 0), ("digit 1 scale", 2.0)),
]

RESULTS = [
    *fields(
        RESULT,
        *[("tag", 0), ("parameters", 0), ("parameters", word(LINEAR_IDS[2])), ("form", 0), ("form", 7)],
        *[("size", 0), ("size", 3), ("primes", 0), ("primes", 2), ("degree", 0), ("degree", 8192)],
        *[("scale", scale) for scale in SCALES],
    ),
    *rows(
        RESULT,
        MalformedBlob,
        {
            "cut": first(lambda data: data[:-1]),
            "a byte behind": first(lambda data: data + b"\0"),
            "empty": first(lambda data: b""),
            "a residue equal to its modulus": residue(RESULT, lambda modulus: modulus),
            "the largest residue there is": residue(RESULT, lambda _: 2**64 - 1),
            "transparent": first(lambda data: data[: (len(data) + 52) // 2] + bytes((len(data) - 52) // 2)),
            "nothing but zeros": first(lambda data: data[:52] + bytes(len(data) - 52)),
            "none": lambda objects: [],
            "one fewer": lambda objects: objects[:-1],
            "one more": lambda objects: [*objects, objects[0]],
            "an upload": lambda objects: [*kind(UPLOAD).honest(), *objects[1:]],
        },
    ),
]

KEYS = [
    *fields(
        RELIN,
        *[("key parameters", word(STATS_IDS[1])), ("key parameters", word(LINEAR_IDS[-1]))],
        *[("slots", 0), ("slots", 2), ("slots", 2**63), ("digits", 0), ("digits", 1), ("digits", 2**63)],
        *[("digit 0 outer length", 16), ("digit 1 outer compression", 2), ("digit 0 parameters", 0)],
        *[("digit 0 form", 0), ("digit 1 size", 3), ("digit 1 degree", 4096), ("digit 0 primes", 2)],
        *[("digit 1 scale", scale) for scale in (math.nan, -1.0, 2.0**40)],
        *[("digit 0 correction", 0), ("digit 0 count", 2**61), ("digit 1 generator", 0)],
    ),
    *rows(
        RELIN,
        MalformedBlob,
        {
            "a residue equal to its modulus": residue(RELIN, lambda modulus: modulus, run=4),
            "a rotation key": made_up(forms.galois_key(engine(STATS.parameters), 3), "stats"),
            "a key of another edition": made_up(forms.relin_key(engine(LINEAR.parameters))),
            "an upload": honest("upload stats"),
            **ENDS,
        },
    ),
    *rows(
        ROTATION,
        MalformedBlob,
        {
            "a residue equal to its modulus": residue(ROTATION, lambda modulus: modulus),
            "a relinearisation key": made_up(forms.relin_key(engine(LINEAR.parameters))),
            "the key of another step": made_up(forms.galois_key(engine(LINEAR.parameters), 9)),
            "the key of another edition": made_up(forms.galois_key(engine(STATS.parameters), 3), "stats"),
            "an upload": honest(UPLOAD),
            "a stream compressed zeros": stream("compressed zeros"),
        },
    ),
    *fields(TRAIN_KEY, ("digit 9 scale", math.nan), ("digit 0 primes", 10), ("slots", 1)),
    *rows(TRAIN_KEY, MalformedBlob, {"cut by a byte": ENDS["cut by a byte"], "a key of `linear`": honest(ROTATION)}),
]  # fmt: skip

# --- Documents ---------------------------------------------------------------------------------------------


def changed(change: Callable[[Any], Any]) -> Edit:
    """A change of the document's value, in canonical bytes again."""

    def edit(raw: bytes) -> bytes:
        tree = json.loads(raw)
        change(tree)
        return rfc8785.dumps(tree)

    return edit


def put(*path: Any, to: Any) -> Edit:
    def change(tree: Any) -> None:
        for step in path[:-1]:
            tree = tree[step]
        tree[path[-1]] = to

    return changed(change)


def text(old: bytes, new: bytes) -> Edit:
    def edit(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return edit


def encodings(number: bytes) -> dict[str, Edit]:
    """The same value, or nearly, in bytes that are not canonical; `number` is a field that is one."""
    name, _, digits = number.partition(b":")
    return {
        "a space": text(number, name + b": " + digits),
        "a line end behind": lambda raw: raw + b"\n",
        "a byte-order mark": lambda raw: b"\xef\xbb\xbf" + raw,
        "a letter escaped": text(b'"kind"', b'"\\u006bind"'),
        "a field twice": text(number, number + b"," + number),
        "a field twice, with other values": text(number, name + b":1," + number),
        "an unknown field": put("more", to=1),
        "fields in another order": lambda raw: json.dumps(dict(reversed(json.loads(raw).items()))).encode(),
        "a number with a fraction": text(number, number + b".0"),
        "a number with an exponent": text(number, number + b"e0"),
        "a number with a leading zero": text(number, name + b":0" + digits),
        "a number of 5,000 digits": text(number, name + b":" + b"9" * 5000),
        "a number beyond a double": text(number, name + b":1e999"),
        "no number": text(number, name + b":NaN"),
        "an infinite number": text(number, name + b":-Infinity"),
        "a number in quotes": text(number, name + b':"' + digits + b'"'),
        "a truth value for a number": text(number, name + b":true"),
        "bytes that are no text": text(b'"kind"', b'"\xffkind"'),
        "half a character": text(b'"kind"', b'"\\ud800kind"'),
        "another document's kind": put("kind", to="offers"),
        "cut": lambda raw: raw[:-1],
        "empty": lambda raw: b"",
        "a list": lambda raw: b"[" + raw + b"]",
        "nested deeply": lambda raw: b"[" * 100_000 + raw + b"]" * 100_000,
        "oversized": lambda raw: raw + b" " * (1 << 20),
    }


def with_nodes(
    *nodes: dict[str, Any], outputs: Sequence[int], mechanism: str = "exact", grid: str = "1000"
) -> Edit:
    """A circuit of these nodes over the same table."""
    named = [{"name": f"o{node}", "node": node, "offset": 0, "unit": 1} for node in outputs]
    release = {"grid": grid, "mechanism": mechanism}
    return changed(lambda tree: tree.update(nodes=nodes, outputs=named, release=release, result="numbers"))


AGE, DOSE = ({"op": "column", "column": name} for name in ("age", "dose"))


def node(op: str, *of: int, **more: Any) -> dict[str, Any]:
    return {"op": op, "of": list(of), **more}


def wide(columns: int, products: int) -> Edit:
    """Products of sums of very many columns: more terms than anybody follows."""

    def change(tree: Any) -> None:
        table = [{"name": f"c{i}", "low": -1, "high": 1} for i in range(columns)]
        nodes: list[dict[str, Any]] = [{"op": "column", "column": column["name"]} for column in table]
        for i in range(1, columns):
            nodes.append(node("add", 0 if i == 1 else len(nodes) - 1, i))
        total = len(nodes) - 1
        outputs = list[dict[str, Any]]()
        for i in range(products):
            nodes += [node("shift", total, by=i + 1), node("multiply", total, len(nodes))]
            outputs.append({"name": f"o{i}", "node": len(nodes) - 1, "offset": 0, "unit": 1})
        tree["table"] = {"columns": table, "label": None, "norm": None, "rows": 100}
        tree.update(nodes=nodes, outputs=outputs, result="numbers")

    return changed(change)


def floats(*values: float) -> str:
    """Numbers as a layer holds them."""
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


def layer(**fields: str) -> Edit:
    """Fields of a network's first layer, which has two inputs and two outputs."""

    def change(tree: Any) -> None:
        tree["nodes"][0]["layers"][0] |= fields

    return changed(change)


CIRCUIT_ROWS = [
    *rows(CIRCUIT, MalformedCircuit, encodings(b'"rows":100')),
    *rows(
        CIRCUIT,
        MalformedCircuit,
        {
            "no nodes": put("nodes", to=[]),
            "no outputs": put("outputs", to=[]),
            "more nodes than may be": put("nodes", to=[AGE] * 5000),
            "an unknown operation": with_nodes(node("exec", 0), outputs=[0]),
            "an operand too few": with_nodes(AGE, node("add", 0), outputs=[1]),
            "an operand too many": with_nodes(AGE, DOSE, node("sum", 0, 1), outputs=[2]),
            "a node that reads itself": with_nodes(node("sum", 0), outputs=[0]),
            "a node that reads a later one": with_nodes(node("sum", 1), AGE, outputs=[0]),
            "a node that does not exist": with_nodes(AGE, outputs=[7]),
            "a negative node": with_nodes(AGE, outputs=[-1]),
            "a node twice": with_nodes(AGE, AGE, outputs=[0, 1]),
            "a node that nobody reads": with_nodes(AGE, DOSE, outputs=[1]),
            "a sum of a sum": with_nodes(AGE, node("sum", 0), node("sum", 1), outputs=[2]),
            "a column that does not exist": with_nodes({"op": "column", "column": "name"}, outputs=[0]),
            "a name that commands a terminal": put("table", "columns", 0, "name", to="a\u001bc"),
            "a name that turns the order of what is read": put("table", "columns", 0, "name", to="a\u202ec"),
            "an empty range": put("table", "columns", 0, "high", to=0),
            "a grid of zero": put("release", "grid", to="0"),
            "a grid in another form": put("release", "grid", to="1e3"),
            "another lowering": put("profile", "lowering", to=2),
            "another format of the library": put("profile", "seal", to="4.4"),
            "more steps of training than may be": with_nodes({"op": "descend", "iterations": 4}, outputs=[0]),
            "a constant that is no number": text(b'"by":', b'"by":NaN,"by":'),
            "a constant beyond what is allowed": with_nodes(AGE, node("scale", 0, by=1e16), outputs=[1]),
            "a constant in quotes": with_nodes(AGE, node("scale", 0, by="1"), outputs=[1]),
            "a constant that is negative zero": lambda raw: with_nodes(AGE, node("shift", 0, by=7), outputs=[1])(raw)
            .replace(b'"by":7', b'"by":-0'),
            "outputs that are not what the result's name says": put("result", to="classifier"),
        },
    ),
    Row("an edition that does not exist", CIRCUIT, put("profile", "edition", to="mega"), EditionNotFound),
    Row("more products than the edition's levels", CIRCUIT, with_nodes(
        AGE, node("scale", 0, by=2), node("scale", 1, by=3), outputs=[2]), CircuitTooDeep),
    Row("products without their key", CIRCUIT, with_nodes(AGE, node("multiply", 0, 0), outputs=[1]), EditionUnfit),
    Row("columns of an edition that has none", CIRCUIT, put("profile", "edition", to="train"), EditionUnfit),
    Row("a table above the edition", CIRCUIT, put("table", "rows", to=100_000_000), TableTooLarge),
    Row("a constant of zero", CIRCUIT, with_nodes(AGE, node("scale", 0, by=0), outputs=[1]), TransparentCircuit),
    Row("a constant that vanishes", CIRCUIT, with_nodes(
        AGE, node("scale", 0, by=1e-300), outputs=[1]), TransparentCircuit),
    Row("a difference of equals", CIRCUIT, with_nodes(AGE, node("subtract", 0, 0), outputs=[1]), TransparentCircuit),
    Row("a sum of a constant", CIRCUIT, with_nodes(
        AGE, node("shift", 0, by=1), node("sum", 1), outputs=[2]), TransparentCircuit),
    Row("a constant that outgrows the modulus", CIRCUIT, with_nodes(
        AGE, node("scale", 0, by=1e9), outputs=[1]), CircuitTooLarge),
    Row("a shift that outgrows the modulus", CIRCUIT, with_nodes(
        AGE, node("shift", 0, by=1e15), outputs=[1]), CircuitTooLarge),
    Row("more terms than anybody follows", STATS_CIRCUIT, wide(1000, 2), CircuitTooLarge),
    Row("many terms in several products", STATS_CIRCUIT, wide(600, 2), CircuitTooLarge),
    Row("as many terms as are followed", STATS_CIRCUIT, wide(400, 1), CircuitTooLarge),
    Row("a grid below the error", CIRCUIT, with_nodes(AGE, outputs=[0], grid="0.000000001"), GridTooFine),
    Row("noise where no row is bounded", CIRCUIT, with_nodes(AGE, outputs=[0], mechanism="noise"), SensitivityUnknown),
    Row("another number of rows than the dataset", CIRCUIT, put("table", "rows", to=99), InputMismatch),
    Row("another range than the dataset", CIRCUIT, put("table", "columns", 0, "high", to=120), InputMismatch),
    Row("another row norm than the dataset", STATS_CIRCUIT, put("table", "norm", to=1.25), InputMismatch),
    Row("training without a label", TRAIN_CIRCUIT, put("table", "label", to=None), EditionUnfit),
    *rows(
        NETWORK,
        MalformedCircuit,
        {
            "no layers": put("nodes", 0, "layers", to=[]),
            "more layers than may be": put("nodes", 0, "layers", to=[{"weights": floats(1), "biases": floats(1)}] * 9),
            "no weights": layer(weights=""),
            "weights that are no base64": layer(weights="?" * 24),
            "weights in another base64": layer(weights="AAAAAAAAAAAAAAAAAAAAAB=="),
            "weights cut within a number": layer(weights="AAAAAAAAAAA="),
            "a weight that is no number": layer(weights=floats(1, 2, 3, math.nan)),
            "a weight that is infinite": layer(weights=floats(1, 2, 3, -math.inf)),
            "a weight beyond what is allowed": layer(weights=floats(1, 2, 3, 1e7)),
            "weights for more columns than there are": layer(weights=floats(1, 2, 3, 4, 5, 6)),
            "weights that fill no row": layer(weights=floats(1, 2, 3)),
            "a layer that takes more than is given": layer(biases=floats(1), weights=floats(1, 2)),
            "two outputs of one name": put("nodes", 0, "names", to=["a", "a"]),
            "an activation": layer(activation="relu"),
            "classes of a network with one output": put("result", to="classes"),
            "a score of several values": put("result", to="score"),
            "polynomials of a network": put("result", to="numbers"),
        },
    ),
    Row("layers that are all zero", NETWORK, layer(weights=floats(0, 0, 0, 0)), TransparentCircuit),
    Row("weights that vanish", NETWORK, layer(weights=floats(1, 1e-12, 1e-12, 1)), TransparentCircuit),
    Row("weights that outgrow the modulus", NETWORK, layer(weights=floats(1e6, 1e6, 1e6, 1e6)), CircuitTooLarge),
    Row("a layer wider than a row", NETWORK, put("nodes", 0, to={
        "op": "network", "names": [str(number) for number in range(200)],
        "layers": [{"weights": floats(*[1] * 400), "biases": floats(*[1] * 200)}]}), CircuitTooLarge),
    Row("more layers than levels", NETWORK, put("nodes", 0, to={
        "op": "network", "names": ["0"], "layers": [
            {"weights": floats(1, 1), "biases": floats(1)}, *[{"weights": floats(1), "biases": floats(1)}] * 2]}),
        CircuitTooDeep),
    Row("a network over columns", NETWORK, put("profile", "edition", to="stats"), EditionUnfit),
]  # fmt: skip


def edition(*path: Any, to: Any) -> Edit:
    """A field of the edition that the circuit `stats` runs on."""
    return put("editions", 1, *path, to=to)


BLOB = {"cid": MANIFEST.editions[0].inputs["age"][0].cid, "size": 1000}

MANIFEST_ROWS = [
    *rows("manifest", MalformedDocument, encodings(b'"rows":100')),
    *rows(
        "manifest",
        MalformedDocument,
        {
            "two columns of one name": put("columns", 1, "name", to="age"),
            "two editions of one name": edition("name", to="linear"),
            "no edition": put("editions", to=[]),
            "more editions than may be": changed(lambda tree: tree.update(editions=tree["editions"] * 20)),
            "no rows": put("rows", to=0),
            "more rows than anybody counts": put("rows", to=1 << 41),
            "another number of blobs than blocks": edition("inputs", "age", to=[BLOB, BLOB]),
            "a blob of no bytes": edition("inputs", "age", 0, "size", to=0),
            "a blob without end": edition("inputs", "age", 0, "size", to=1 << 50),
            "a name of content in another form": edition("inputs", "age", 0, "cid", to="Qm" + "a" * 44),
            "a step of zero": edition("rotations", to={"0": BLOB}),
            "a step with a leading zero": edition("rotations", to={"01": BLOB}),
            "parameters in capitals": edition("parameters", to="AB" * 32),
            "parameters too short": edition("parameters", to="ab" * 31),
            "a delta that is no small number": put("delta", to=0.5),
            "a first version with one before it": put("previous", to="ab" * 32),
            "a norm of zero": put("row_norm", to=0),
        },
    ),
    *rows(
        "manifest",
        InputMismatch,
        {
            "the parameters of another edition": edition("parameters", to=STATS_IDS[1].hex()),
            "parameters that nobody knows": edition("parameters", to="00" * 32),
            "no relinearisation key": edition("relin", to=None),
            "an input missing": edition("inputs", to={"age": [BLOB]}),
            "an input longer than any can be": edition("inputs", "age", 0, "size", to=1 << 30),
            "a key longer than any can be": edition("relin", "size", to=1 << 30),
            "other rows than the circuit": put("rows", to=101),
            "another range than the circuit": put("columns", 0, "high", to=121),
        },
    ),
    Row("the edition missing", "manifest", edition("name", to="other"), EditionNotFound),
]

OTHER_ROWS = [
    *rows("ResultManifest", MalformedDocument, encodings(b'"job":7')),
    *rows("SealedResult", MalformedDocument, encodings(b'"job":7')),
    *rows("ReleasedResult", MalformedDocument, encodings(b'"job":7')),
    *rows("OfferRequest", MalformedDocument, encodings(b'"seats":3')),
    Row("another amount of outputs than its status says", "ResultManifest", put("outputs", to=[]), MalformedDocument),
    Row("more outputs than may be", "ResultManifest", put("outputs", to=[BLOB] * 9000), MalformedDocument),
    Row("a shape without counts", "ReleasedResult", put("outputs", 0, "shape", to=[1 << 31] * 4), MalformedDocument),
    Row("a count that no double holds", "ReleasedResult", text(b"[-1,3]", b"[-1,9007199254740992]"), MalformedDocument),
    Row("an amount below zero", "OfferRequest", put("price", to="-1"), MalformedDocument),
    Row("an amount above 256 bits", "OfferRequest", put("price", to=str(1 << 256)), MalformedDocument),
    Row("a signature with spaces", "Offers", text(b"0404", b"04 04"), MalformedDocument),
    Row("an offer of nothing", "Offers", put("offers", 0, "offer", to={}), MalformedDocument),
]  # fmt: skip

# --- Parameter sets and constants ----------------------------------------------------------------------------

DEGREE, PRIMES, SCALE = LINEAR.parameters.degree, LINEAR.parameters.primes, LINEAR.parameters.scale


def a_set(degree: int, primes: tuple[int, ...], scale: float) -> Edit:
    return lambda _: (degree, primes, scale)


PARAMETER_ROWS = [
    *(
        Row(f"{edition.name} at degree {degree}", "parameters", a_set(
            degree, edition.parameters.primes, edition.parameters.scale), UnsafeEdition)
        for edition in (LINEAR, STATS, TRAIN)
        for degree in (0, -1, 1, 4095, 65536, *SECURE_BITS)
        if sum(map(int.bit_length, edition.parameters.primes)) > SECURE_BITS.get(degree, 0)
    ),
    *rows(
        "parameters",
        UnsafeEdition,
        {
            "no primes": a_set(DEGREE, (), SCALE),
            "a prime twice": a_set(DEGREE, (PRIMES[0], PRIMES[0]), SCALE),
            "a prime that is not 1 modulo 2N": a_set(DEGREE, (PRIMES[0] + 2, *PRIMES[1:]), SCALE),
            "a prime of one": a_set(DEGREE, (*PRIMES[:2], 1), SCALE),
            "a negative prime": a_set(DEGREE, (*PRIMES[:2], -8191), SCALE),
            "a prime beyond a word": a_set(8192, (PRIMES[0], (1 << 70) + 1), SCALE),
            "a data prime too long": a_set(8192, STATS.parameters.primes[::-1], SCALE),
            **{f"a scale of {scale}": a_set(DEGREE, PRIMES, scale) for scale in (*SCALES[:7], SCALES[8])},
        },
    ),
    Row("no prime", "parameters", a_set(DEGREE, (PRIMES[0], 8193 * 8193, PRIMES[2]), SCALE), ForeignEngine),
]  # fmt: skip

ROWS = [
    *UPLOADS,
    *COUNT_UPLOADS,
    *RESULTS,
    *KEYS,
    *CIRCUIT_ROWS,
    *MANIFEST_ROWS,
    *OTHER_ROWS,
    *PARAMETER_ROWS,
]

LIMITS = Limits(memory=512 << 20, cpu_seconds=1, wall_seconds=60.0, output_bytes=1 << 16)
#: Contexts and keys of the edition for training need more, once.
START = Limits(memory=1536 << 20, cpu_seconds=60, wall_seconds=120.0, output_bytes=1 << 10)


def encode(values: bytes, kind: str, shape: Sequence[int], scale: float) -> None:
    """Encode a constant as the evaluator does."""
    encode_vector(engine(LINEAR.parameters), np.frombuffer(values, kind).reshape(shape), 2, scale)


@pytest.fixture(scope="module")
def child() -> Iterator[Worker]:
    functions = (warm_up, read_honest, outcome, encode)
    with Worker(functions, limits=START, recycle_bytes=1 << 30) as worker:
        worker.call(warm_up)
        worker.call(outcome, TRAIN_KEY, kind(TRAIN_KEY).honest())
        yield worker


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}: {row.wrong}")
def test_what_is_hostile_is_refused_by_name_and_the_child_lives_on(child: Worker, row: Row) -> None:
    honest_payload = kind(row.kind).honest()
    process = child.call(warm_up)
    hostile = row.edit(honest_payload)
    assert hostile != honest_payload
    assert child.call(outcome, row.kind, hostile, limits=LIMITS) == REFUSED + row.error.__name__
    assert child.call(warm_up) == process


def test_after_all_of_it_what_is_honest_is_still_read_in_the_same_process(child: Worker) -> None:
    assert child.call(read_honest) == child.call(warm_up)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.array([1.0, math.nan]), 2.0**29),
        (np.array([math.inf]), 2.0**29),
        (np.array([-math.inf]), 2.0**29),
        (np.array([1e300]), 2.0**29),
        (np.array([2.0**33]), 2.0**29),
        (np.array([1.0]), math.inf),
        (np.array([1.0]), math.nan),
        (np.ones(2049), 2.0**29),
        (np.ones((2, 2)), 2.0**29),
    ],
)
def test_a_constant_that_cannot_be_encoded_is_refused(child: Worker, values: Any, scale: float) -> None:
    with pytest.raises(UsageError):
        child.call(encode, values.tobytes(), str(values.dtype), values.shape, scale, limits=LIMITS)


def test_every_way_to_compress_an_upload_that_is_taken_gives_the_same_bytes(child: Worker) -> None:
    data = kind(UPLOAD).honest()[0]
    for name in ("compressed", "compressed harder", "compressed as two"):
        (packed,) = stream(name)([data])
        assert body(packed, len(data)) == data[16:]
        assert child.call(outcome, UPLOAD, [packed], limits=LIMITS) == ACCEPTED
