"""A job is run from public data alone, or refused by name before anything is spent on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hexchange import evaluation
from hexchange.circuit import packing
from hexchange.circuit.costs import COSTS, CostTable
from hexchange.circuit.document import Circuit, Column, Table, encode_circuit
from hexchange.circuit.editions import LINEAR, STATS
from hexchange.circuit.library.describe import describe
from hexchange.circuit.library.predict import predict
from hexchange.errors import (
    ContentMismatch,
    ContentMissing,
    EditionNotFound,
    HexchangeError,
    InputMismatch,
    MalformedBlob,
    MalformedCircuit,
    MalformedDocument,
    RunTooLarge,
)
from hexchange.evaluation import Evaluator
from hexchange.he.cluster import Cluster
from hexchange.he.crew import Crew
from hexchange.he.encryption import Encryption
from hexchange.he.engine import parameter_id
from hexchange.he.keys import SecretKey
from hexchange.market import documents, manifests
from hexchange.market.manifests import Blob, Manifest
from hexchange.storage.folder import FolderStore

SEEDS = (b"\x01" * 32, b"\x02" * 32)
TABLE = Table(5, (Column("age", 0, 100), Column("debt", 0, 50)))


@dataclass
class World:
    """A published table and a circuit over it, in a store of its own."""

    folder: Path
    store: FolderStore
    cache: Path
    manifest: Manifest
    circuit: Circuit

    def plan(self, manifest: Manifest | None = None, circuit: Circuit | None = None) -> evaluation.Plan:
        put = self.store.put_block
        return evaluation.plan(
            self.store,
            put(documents.encode(manifest or self.manifest)),
            put(encode_circuit(circuit or self.circuit)),
        )

    def spoilt(self, blob: Blob) -> evaluation.Plan:
        """The plan of a manifest that names `blob` as the ciphertext of a column."""
        edition = self.manifest.editions[0]
        edition = replace(edition, inputs={**edition.inputs, "debt": (blob,)})
        return self.plan(replace(self.manifest, editions=(edition,)))

    def put(self, content: bytes) -> Blob:
        return Blob(str(self.store.put(content)), len(content))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    store = FolderStore(folder / "store")
    values = np.random.default_rng(1).uniform(-1, 1, (TABLE.rows, 2))
    encryption = Encryption(SecretKey.generate(LINEAR.parameters))
    inputs = {}
    for name, _, slots in packing.pack(LINEAR, TABLE, values).inputs:
        blob = encryption.encrypt(slots)
        inputs[name] = (Blob(str(store.put(blob)), len(blob)),)
    edition = manifests.Edition("linear", parameter_id(LINEAR.parameters, 3), "columns", 1, inputs, None, {})
    columns = tuple(manifests.Column(c.name, "number", "feature", "", c.low, c.high) for c in TABLE.columns)
    manifest = Manifest(
        "People", "", "CC0-1.0", columns, TABLE.rows, None, "declared", (edition,), None, "SEAL 4.3", None, 1, None
    )  # fmt: skip
    return World(folder, store, folder / "cache", manifest, predict(TABLE, {"age": 0.01, "debt": 0.02}, 0.25))


@pytest.fixture(scope="module")
def evaluator(world: World) -> Iterator[Evaluator]:
    with Evaluator(world.cache) as opened:
        yield opened


def test_a_run_is_the_same_in_every_child_and_no_two_jobs_share_a_digest(
    world: World, evaluator: Evaluator
) -> None:
    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    first = evaluator.evaluate(inputs, 1, SEEDS[:1])
    with Evaluator(world.cache) as other:
        assert other.evaluate(inputs, 1, SEEDS[:1]) == first
    assert first.digest == hashlib.sha256(first.manifest).digest()
    assert first.salted == bytes(32)
    assert evaluator.evaluate(inputs, 2, SEEDS[:1]).digest != first.digest
    assert evaluator.evaluate(inputs, 1, SEEDS[1:]).digest != first.digest


def test_a_run_gets_a_process_for_each_second_it_declares_as_far_as_cores_and_memory_reach(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    asked: list[int] = []
    run = Crew.run

    def asking(crew: Crew, *args: Any, most: int, **options: Any) -> Any:
        asked.append(most)
        return run(crew, *args, most=most, **options)

    monkeypatch.setattr(Crew, "run", asking)
    results = set()
    for worth, processes, memory in ((1.0, 4, 8), (0.4, 4, 8), (0.4, 2, 8), (0.4, 4, 2)):
        monkeypatch.setattr(evaluation, "WORTH_SPLITTING", worth * inputs.plan.seconds)
        with Evaluator(world.cache, memory * inputs.plan.memory, processes) as opened:
            results.add(opened.evaluate(inputs, 1, SEEDS[:1]))
    assert asked == [1, 3, 2, 2]
    assert len(results) == 1


def test_a_long_run_on_a_cluster_has_the_digest_of_one_at_home(
    world: World, evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    alone, make = evaluator.evaluate(inputs, 1, SEEDS), cast(Any, LocalCluster)
    monkeypatch.setattr(evaluation, "WORTH_SPLITTING", 0.0)
    with make(n_workers=1, processes=True, dashboard_address=":0", silence_logs=50) as workers:
        cluster = Cluster(workers.scheduler_address)
        with Evaluator(world.cache, cluster=cluster) as far:
            assert far.evaluate(inputs, 1, SEEDS) == alone
        cluster.close()


def test_a_run_for_round_two_has_the_digest_of_round_one_and_a_trace_of_its_own(
    world: World, evaluator: Evaluator
) -> None:
    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    first, second = evaluator.evaluate(inputs, 1, SEEDS[:1]), evaluator.evaluate(inputs, 1, SEEDS)
    assert (second.digest, second.outputs) == (first.digest, first.outputs)
    assert second.salted not in (bytes(32), first.result.trace)


def test_what_is_published_is_what_the_digest_names(
    world: World, evaluator: Evaluator, tmp_path: Path
) -> None:
    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    evaluated = evaluator.evaluate(inputs, 1, SEEDS[:1])
    store = FolderStore(tmp_path / "public")
    evaluation.publish(store, evaluated)
    assert store.get_block(evaluated.digest) == evaluated.manifest
    assert [blob.size for blob in evaluated.result.outputs] == [len(output) for output in evaluated.outputs]
    assert all(store.has(evaluation.Cid.parse(blob.cid)) for blob in evaluated.result.outputs)


def columns_moved(world: World) -> tuple[Manifest, Circuit]:
    table = replace(TABLE, columns=(Column("age", 0, 99), Column("debt", 0, 50)))
    return world.manifest, predict(table, {"age": 0.01}, 0)


def rows_missing(world: World) -> tuple[Manifest, Circuit]:
    return replace(world.manifest, rows=4), world.circuit


def edition_missing(world: World) -> tuple[Manifest, Circuit]:
    return world.manifest, describe(TABLE)


def input_missing(world: World) -> tuple[Manifest, Circuit]:
    edition = world.manifest.editions[0]
    edition = replace(edition, inputs={"age": edition.inputs["age"]})
    return replace(world.manifest, editions=(edition,)), world.circuit


def key_missing(world: World) -> tuple[Manifest, Circuit]:
    parameters = parameter_id(STATS.parameters, len(STATS.parameters.primes))
    edition = replace(world.manifest.editions[0], name="stats", parameters=parameters)
    return replace(world.manifest, editions=(edition,)), describe(TABLE)


def other_parameters(world: World) -> tuple[Manifest, Circuit]:
    edition = replace(world.manifest.editions[0], parameters=parameter_id(STATS.parameters, 3))
    return replace(world.manifest, editions=(edition,)), world.circuit


def blob_beyond_any_ciphertext(world: World) -> tuple[Manifest, Circuit]:
    edition = world.manifest.editions[0]
    (blob,) = edition.inputs["age"]
    edition = replace(edition, inputs=edition.inputs | {"age": (replace(blob, size=1 << 30),)})
    return replace(world.manifest, editions=(edition,)), world.circuit


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (blob_beyond_any_ciphertext, InputMismatch),
        (columns_moved, InputMismatch),
        (rows_missing, InputMismatch),
        (edition_missing, EditionNotFound),
        (input_missing, InputMismatch),
        (key_missing, InputMismatch),
        (other_parameters, InputMismatch),
    ],
)
def test_a_circuit_that_does_not_fit_the_dataset_is_refused_before_anything_is_fetched(
    world: World, case: object, error: type[HexchangeError]
) -> None:
    assert callable(case)
    with pytest.raises(error):
        world.plan(*case(world))


def test_seconds_are_declared_for_the_machine_that_is_to_run(world: World) -> None:
    slow = CostTable(*(2 * cost for cost in astuple(COSTS)))
    usual = world.plan()
    slower = evaluation.plan(world.store, usual.manifest_digest, usual.circuit_digest, slow)
    assert slower.seconds == pytest.approx(2 * usual.seconds)


def test_documents_that_are_missing_or_malformed_are_refused(world: World) -> None:
    good = world.store.put_block(documents.encode(world.manifest))
    junk = world.store.put_block(b'{"kind":"dataset"}')
    with pytest.raises(ContentMissing):
        evaluation.plan(world.store, good, bytes(32))
    with pytest.raises(MalformedCircuit):
        evaluation.plan(world.store, good, junk)
    with pytest.raises(MalformedDocument):
        evaluation.plan(world.store, junk, junk)


def test_a_blob_that_is_absent_or_of_another_size_is_refused(world: World, tmp_path: Path) -> None:
    absent = Blob(str(FolderStore(tmp_path / "elsewhere").put(b"gone")), 4)
    with pytest.raises(ContentMissing):
        evaluation.fetch(world.store, world.spoilt(absent), tmp_path)
    longer = replace(world.put(b"short"), size=6)
    with pytest.raises(InputMismatch):
        evaluation.fetch(world.store, world.spoilt(longer), tmp_path)


def test_bytes_that_changed_in_the_store_are_refused(world: World, tmp_path: Path) -> None:
    blob = world.put(b"what was listed")
    (held,) = [
        path for path in world.folder.rglob("*") if path.is_file() and path.stat().st_size == blob.size
    ]
    held.chmod(0o600)
    held.write_bytes(b"what is given !")
    with pytest.raises(ContentMismatch):
        evaluation.fetch(world.store, world.spoilt(blob), tmp_path)


def test_a_malformed_ciphertext_is_found_before_a_seat_is_taken(world: World, evaluator: Evaluator) -> None:
    good = world.store.get(evaluation.Cid.parse(world.plan().inputs["debt", 0].cid), 1 << 20)
    for content in (b"junk", good[:-1], good + b"\0", b""):
        inputs = evaluation.fetch(world.store, world.spoilt(world.put(content or b"\0")), world.cache)
        with pytest.raises(MalformedBlob):
            evaluator.check(inputs)
    evaluator.check(evaluation.fetch(world.store, world.plan(), world.cache))


def test_a_run_that_may_need_more_memory_than_allowed_is_not_begun(world: World) -> None:
    inputs = evaluation.fetch(world.store, world.plan(), world.cache)
    with Evaluator(world.cache, memory=1 << 20) as small, pytest.raises(RunTooLarge):
        small.evaluate(inputs, 1, SEEDS[:1])
