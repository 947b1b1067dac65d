"""Honest objects of every kind that strangers send, where their fields lie, and how each is read.

`Kind.read` raises our typed error, or returns having proved, by means of its own, that what was accepted means
exactly what its bytes say. Nothing here needs a secret: residues and seeds are drawn from a hash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import rfc8785
import zstandard

from hexchange.chain.events import Offer
from hexchange.circuit.document import Circuit, Column, Table, encode_circuit
from hexchange.circuit.editions import COUNT, LINEAR, MLP, SECURE_BITS, STATS, TRAIN, Edition, ParameterSet
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.logistic import logistic
from hexchange.circuit.library.network import network
from hexchange.circuit.library.predict import predict
from hexchange.circuit.program import Program, Shape
from hexchange.evaluation import Plan, plan
from hexchange.he import forms, selftest, worker
from hexchange.he.canonical import from_outputs, from_seeded
from hexchange.he.engine import engine, parameter_id
from hexchange.he.evaluator import evaluate
from hexchange.he.keys import Keys, load_relin_key, load_rotation_key
from hexchange.he.library import save
from hexchange.market import documents, manifests
from hexchange.market.messages import OfferRequest, Offers, SignedOffer
from hexchange.market.results import Provenance, ReleasedOutput, ReleasedResult, ResultManifest, SealedResult

Fields = dict[str, tuple[int, str]]
"""By name: where a field stands, and its format for `struct`."""


class Kind(Protocol):
    """A kind of object that strangers send."""

    @property
    def name(self) -> str:
        """How it is called in reports."""

    def honest(self) -> Any:
        """What an honest sender sends."""

    def read(self, payload: Any) -> None:
        """Read it as the market does; AssertionError where what was accepted is not what was sent."""


# --- Ciphertexts and keys ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """Residues of one prime: first byte, number, modulus."""

    start: int
    count: int
    modulus: int

    @property
    def end(self) -> int:
        return self.start + 8 * self.count

    def of(self, data: bytes) -> bytes:
        return data[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of one object; beside fields and residues, `seeds` are free bytes (first, behind the last)."""

    data: bytes
    fields: Fields
    runs: tuple[Run, ...]
    seeds: tuple[tuple[int, int], ...] = ()

    def fixed(self, data: bytes) -> bytes:
        """The bytes that any accepted object of this kind has in common with this one."""
        rest = bytearray(data)
        for start, end in (*self.seeds, *((run.start, run.end) for run in self.runs)):
            rest[start:end] = bytes(len(rest[start:end]))
        return bytes(rest)


@dataclass(frozen=True)
class Blobs:
    """Objects of the library; `load` reads them and returns what the library made of each."""

    name: str
    parts: Callable[[], tuple[Part, ...]]
    load: Callable[[Sequence[bytes]], list[Any]]
    seal_files: bool = True

    def honest(self) -> list[bytes]:
        return [part.data for part in self.parts()]

    def read(self, payload: Sequence[bytes]) -> None:
        loaded = self.load(payload)
        assert len(payload) == len(self.parts()), "another number of objects"
        for part, data, thing in zip(self.parts(), payload, loaded, strict=True):
            skip = 16 if self.seal_files else 0
            whole = data[:skip] + (body(data, len(part.data)) if skip else data)
            assert part.fixed(whole)[skip:] == part.fixed(part.data)[skip:], "a fixed byte differs"
            inside = body(save(thing), 4 * len(part.data))
            for run in part.runs:
                values = np.frombuffer(run.of(whole), dtype="<u8")
                assert (values < run.modulus).all(), "a residue out of range"
                assert run.of(whole) in inside, "the library holds other residues than were sent"


def body(data: bytes, most: int) -> bytes:
    """What a SEAL file holds behind its header, inflated without our own reader, cut behind `most` bytes."""
    if data[5] == 0:
        return data[16:]
    reader = zstandard.ZstdDecompressor().stream_reader(data[16:], read_across_frames=True)
    return reader.read(most + 1)


def _header_fields(at: int, whose: str = "") -> Fields:
    places = {"magic": (0, "<H"), "header size": (2, "B"), "major": (3, "B"), "minor": (4, "B")}
    places |= {"compression": (5, "B"), "reserved": (6, "<H"), "length": (8, "<Q")}
    return {f"{whose}{name}": (at + offset, form) for name, (offset, form) in places.items()}


_CIPHERTEXT = {
    "parameters": (0, "<Q"), "form": (32, "B"), "size": (33, "<Q"), "degree": (41, "<Q"), "primes": (49, "<Q"),
    "scale": (57, "<d"), "correction": (65, "<Q"), "count": (89, "<Q"),
}  # fmt: skip
_RESIDUES, _SEED = 97, 64


def _seeded_part(
    at: int, primes: Sequence[int], degree: int, whose: str = ""
) -> tuple[Fields, list[Run], int]:
    """Fields, residues and end of a seeded ciphertext whose body starts at `at`."""
    fields = {f"{whose}{name}": (at + offset, form) for name, (offset, form) in _CIPHERTEXT.items()}
    fields |= _header_fields(at + 73, f"{whose}residues' ")
    runs = [Run(at + _RESIDUES + 8 * degree * i, degree, prime) for i, prime in enumerate(primes)]
    fields |= _header_fields(runs[-1].end, f"{whose}seed's ") | {
        f"{whose}generator": (runs[-1].end + 16, "B")
    }
    return fields, runs, runs[-1].end + 17 + _SEED


def _upload(edition: Edition) -> tuple[Part, ...]:
    chosen = engine(edition.parameters)
    data = selftest.ciphertext(chosen, fresh(edition), "upload")
    fields, runs, end = _seeded_part(16, edition.parameters.data_primes, edition.parameters.degree)
    return (Part(data, _header_fields(0) | fields, tuple(runs), ((end - _SEED, end),)),)


def _key(edition: Edition, data: bytes, index: int) -> tuple[Part, ...]:
    parameters = edition.parameters
    at = 48 + 8 * index
    fields = _header_fields(0) | {"key parameters": (16, "<Q"), "slots": (48, "<Q"), "digits": (at + 8, "<Q")}
    runs, seeds, at = list[Run](), list[tuple[int, int]](), at + 16
    for digit in range(len(parameters.data_primes)):
        whose = f"digit {digit} "
        inner, more, end = _seeded_part(at + 16, parameters.primes, parameters.degree, whose)
        fields |= _header_fields(at, f"{whose}outer ") | inner
        runs += more
        seeds.append((end - _SEED, end))
        at = end
    return (Part(data, fields, tuple(runs), tuple(seeds)),)


def _relin(edition: Edition) -> tuple[Part, ...]:
    chosen = engine(edition.parameters)
    return _key(edition, selftest.made_up(chosen, forms.relin_key(chosen), "relin"), 0)


STEP = 1


def _rotation(edition: Edition) -> tuple[Part, ...]:
    element = pow(3, STEP, 2 * edition.parameters.degree)
    return _key(edition, selftest.rotation_key(engine(edition.parameters), STEP), (element - 1) // 2)


@cache
def result_program() -> Program:
    """A program with an output per row block and one after them."""
    return selftest.every_primitive(LINEAR)


def _result() -> tuple[Part, ...]:
    program, seal = result_program(), engine(LINEAR.parameters)
    shapes = {source.name: source.shape for source in program.inputs}
    run = evaluate(
        program, lambda name, block: selftest.ciphertext(seal, shapes[name], name), Keys(None, {}), []
    )
    shaped = {output.name: output.shape for output in program.outputs}
    places = program.result_sizes()
    return tuple(
        _canonical(data, shaped[name]) for (name, _, _), data in zip(places, run.outputs, strict=True)
    )


def _canonical(data: bytes, shape: Shape) -> Part:
    places = {"tag": (0, "<I"), "parameters": (4, "<Q"), "form": (36, "B"), "size": (37, "B")}
    places |= {"primes": (38, "<H"), "degree": (40, "<I"), "scale": (44, "<d")}
    degree, primes = LINEAR.parameters.degree, LINEAR.parameters.primes[: shape.primes]
    runs = [
        Run(52 + 8 * degree * (polynomial * shape.primes + i), degree, prime)
        for polynomial in range(shape.size)
        for i, prime in enumerate(primes)
    ]
    return Part(data, places, tuple(runs))


def fresh(edition: Edition) -> Shape:
    """The shape of a table ciphertext."""
    return Shape(2, len(edition.parameters.data_primes), edition.parameters.scale)


def _load_result(outputs: Sequence[bytes]) -> list[Any]:
    worker.check_result(result_program(), outputs)
    loaded = [thing for _, thing in from_outputs(engine(LINEAR.parameters), result_program(), outputs)]
    assert not any(thing.is_transparent() for thing in loaded), "a transparent result"
    return loaded


def _upload_kind(edition: Edition) -> Blobs:
    return Blobs(
        f"upload {edition.name}",
        cache(lambda: _upload(edition)),
        lambda blobs: [from_seeded(engine(edition.parameters), blobs[0], fresh(edition))],
    )


def _relin_kind(edition: Edition) -> Blobs:
    return Blobs(
        f"relinearisation key {edition.name}",
        cache(lambda: _relin(edition)),
        lambda blobs: [load_relin_key(engine(edition.parameters), blobs[0])],
    )


def _rotation_kind(edition: Edition) -> Blobs:
    return Blobs(
        f"rotation key {edition.name}",
        cache(lambda: _rotation(edition)),
        lambda blobs: [load_rotation_key(engine(edition.parameters), STEP, blobs[0])],
    )


# --- Documents ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """Canonical JSON; `parse` reads it and returns the bytes of what it read."""

    name: str
    data: bytes
    parse: Callable[[bytes], bytes]

    def honest(self) -> bytes:
        return self.data

    def read(self, payload: bytes) -> None:
        again = self.parse(payload)
        assert again == payload, "what was read has another encoding"
        assert rfc8785.dumps(json.loads(payload)) == payload, "another parser reads another value"


def _document(document: Any) -> Document:
    kind = type(document)
    return Document(
        kind.__name__, documents.encode(document), lambda raw: documents.encode(documents.parse(kind, raw))
    )


TABLE = Table(
    100, (Column("age", 0.0, 120.5), Column("dose", -1.0, 5.0), Column("ill", 0.0, 1.0)), 1.5, "ill"
)
CIRCUITS = {
    "linear": predict(TABLE, {"age": 0.25, "dose": -0.5}, 0.125),
    "stats": describe(TABLE, ["age", "dose"]),
    "train": logistic(TABLE),
    "mlp": network(
        TABLE, [(np.array([[0.5, -1.0], [2.0, 0.25]]), np.ones(2)), (np.ones((2, 1)), np.zeros(1))]
    ),
}
OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
BLOB = manifests.Blob("bafkrei" + "a" * 52, 50_000)
DIGEST = b"\x05" * 32


def _edition(
    edition: Edition, layout: str, inputs: dict[str, tuple[manifests.Blob, ...]], blocks: int = 1
) -> manifests.Edition:
    relin = BLOB if edition.relinearize else None
    rotations = {str(step): BLOB for step in edition.steps}
    digest = parameter_id(edition.parameters, len(edition.parameters.primes))
    return manifests.Edition(edition.name, digest, layout, blocks, inputs, relin, rotations)


MANIFEST = manifests.Manifest(
    title="Patients",
    summary="A table.\nOf patients.",
    licence="CC-BY-4.0",
    columns=(
        *(manifests.Column(each.name, "number", "feature", "", each.low, each.high) for each in TABLE.features),
        manifests.Column("ill", "number", "label", "", 0.0, 1.0),
    ),
    rows=TABLE.rows,
    row_norm=TABLE.norm,
    ranges="declared",
    editions=(
        _edition(LINEAR, "columns", {column.name: (BLOB,) for column in TABLE.columns}),
        _edition(STATS, "columns", {column.name: (BLOB,) for column in TABLE.columns}),
        _edition(TRAIN, "grid", {"rows": (BLOB,), "means": (BLOB,)}),
        _edition(MLP, "interleaved", {"rows": (BLOB,) * 4}, 4),
    ),
    delta=1e-5,
    format="SEAL 4.3",
    sample=None,
    version=1,
    previous=None,
)  # fmt: skip
OFFER = Offer(
    1, 0, DIGEST, DIGEST, OWNER, OWNER, 10**30, 0, 0, 1, 1, 5, 300, 600, 1 << 40, (1 << 256) - 1, DIGEST
)
RELEASED = ReleasedOutput("mean", (2,), "0.001", (-1, 3), 1e-7, None)
PROVENANCE = Provenance(31337, OWNER, 7, 1, DIGEST, DIGEST, DIGEST, "stats")


@dataclass(frozen=True, slots=True)
class _Store:
    """A content store with two documents in it, which believes its bytes as a real one does: by their digest."""

    blocks: dict[bytes, bytes]

    def get_block(self, digest: bytes, *_: Any, **__: Any) -> bytes:
        return self.blocks[digest]


def planned(manifest: bytes, circuit: bytes) -> Plan:
    """A job over two documents, as providers, owners and auditors plan it."""
    digests = [sha256(raw).digest() for raw in (manifest, circuit)]
    store: Any = _Store(dict(zip(digests, (manifest, circuit), strict=True)))
    return plan(store, *digests)


_LONGEST_RUN = 0.02


def _plan_circuit(raw: bytes) -> bytes:
    """A circuit that passes is also run, where that is cheap: nothing may go wrong any more."""
    made = planned(documents.encode(MANIFEST), raw)
    if made.edition.name == LINEAR.name and made.seconds < _LONGEST_RUN:
        inputs = {source.name: number for number, source in enumerate(made.program.inputs)}
        run = evaluate(made.program, lambda name, _: _column(inputs[name]), Keys(None, {}), [DIGEST])
        assert run.code is None, "a circuit that passed fails"
        worker.check_result(made.program, run.outputs)
    return encode_circuit(made.circuit)


@cache
def _column(number: int) -> bytes:
    return selftest.ciphertext(engine(LINEAR.parameters), fresh(LINEAR), f"column {number}")


def _plan_manifest(circuit: Circuit) -> Callable[[bytes], bytes]:
    return lambda raw: documents.encode(planned(raw, encode_circuit(circuit)).manifest)


# --- Parameter sets -----------------------------------------------------------------------------------

Parameters = tuple[int, tuple[int, ...], float]


@dataclass(frozen=True)
class ParameterSets:
    """Degree, primes and scale of a parameter set."""

    name: str
    edition: Edition

    def honest(self) -> Parameters:
        chosen = self.edition.parameters
        return chosen.degree, chosen.primes, chosen.scale

    def read(self, payload: Parameters) -> None:
        degree, primes, scale = payload
        engine(ParameterSet("other", degree, tuple(primes), scale))
        assert sum(prime.bit_length() for prime in primes) <= SECURE_BITS[degree], "less than 128 bits"
        assert len(set(primes)) == len(primes) > 0, "primes are missing or repeated"
        assert all(pow(2, prime - 1, prime) == 1 and prime % (2 * degree) == 1 for prime in primes), (
            "no primes"
        )
        assert 1 <= scale < 2**60, "a scale at which nothing can be encoded"


_WEIGHTED: list[tuple[int, Kind]] = [
    (12, _upload_kind(LINEAR)),
    (4, _upload_kind(STATS)),
    (4, _upload_kind(COUNT)),
    (12, Blobs("result", cache(_result), _load_result, seal_files=False)),
    (6, _relin_kind(STATS)),
    (4, _relin_kind(COUNT)),
    (6, _rotation_kind(LINEAR)),
    *(
        (8, Document(f"circuit {name}", encode_circuit(each), _plan_circuit))
        for name, each in CIRCUITS.items()
    ),
    (12, Document("manifest", documents.encode(MANIFEST), _plan_manifest(CIRCUITS["stats"]))),
    (4, _document(Offers((SignedOffer(OFFER, b"\x04" * 65),)))),
    (4, _document(OfferRequest(1, OWNER, DIGEST, 10**24, 3, 5, 250_000, "a study"))),
    (4, _document(ResultManifest(7, "ok", None, (BLOB,), DIGEST))),
    (2, _document(SealedResult(7, BLOB.cid, 1000))),
    (4, _document(ReleasedResult(PROVENANCE, 0, None, (RELEASED,)))),
    (2, ParameterSets("parameters", LINEAR)),
]
KINDS = {kind.name: (weight, kind) for weight, kind in _WEIGHTED}
"""Every kind by its name, with how often it is chosen."""

RARE: dict[str, Kind] = {kind.name: kind for kind in (_rotation_kind(TRAIN), _relin_kind(TRAIN))}
"""Kinds too slow to be mutated often."""


def kind(name: str) -> Kind:
    """The kind of that name."""
    return RARE[name] if name in RARE else KINDS[name][1]


def trees() -> Iterator[Any]:
    """The values of all documents, for parts of one to stray into another."""
    for _, each in KINDS.values():
        if isinstance(each, Document):
            yield json.loads(each.data)


def strays() -> list[bytes]:
    """All objects of the library, for one to stand where another should."""
    return [data for _, each in KINDS.values() if isinstance(each, Blobs) for data in each.honest()]
