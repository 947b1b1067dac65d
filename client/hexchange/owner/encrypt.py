"""Encrypt a table into the content store: one secret key per edition, one ciphertext at a time.

Killed at any moment, the same call goes on: the keys are reused, what the store has is not made again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from hexchange.chain.lock import ProcessLock
from hexchange.circuit.editions import SEAL_FORMAT, Columns, Edition, edition
from hexchange.circuit.packing import Packed, pack
from hexchange.errors import OtherTable
from hexchange.he.engine import engine
from hexchange.he.keys import SecretKey
from hexchange.he.sandbox import Limits, Worker
from hexchange.market import documents
from hexchange.market.manifests import Blob, Manifest
from hexchange.market.manifests import Edition as ListedEdition
from hexchange.market.tables import edition_table
from hexchange.owner import vault
from hexchange.owner.blobs import BlobIndex, Part
from hexchange.owner.schema import Schema
from hexchange.owner.table import Prepared, prepare
from hexchange.owner.workspace import Workspace
from hexchange.storage.store import ContentStore

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]
"""Called with parts done and parts in all."""

WORKERS = min(4, os.cpu_count() or 1)
LIMITS = Limits(memory=4 << 30, cpu_seconds=24 * 3600, wall_seconds=600.0, output_bytes=64 << 20)

Task = tuple[Part, Callable[..., object], tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Card:
    """What people read first about a dataset; `licence` is an SPDX identifier or a sentence."""

    title: str
    summary: str = ""
    licence: str = "proprietary"


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What was published, and what was clipped on the way (for the owner alone)."""

    workspace: Workspace
    manifest: Manifest
    digest: bytes
    bytes_by_edition: dict[str, int]
    clipped: dict[str, int]
    rows_shortened: int


def encrypt_table(
    frame: pd.DataFrame,
    schema: Schema,
    editions: Sequence[str],
    card: Card,
    workspace: Workspace,
    store: ContentStore,
    *,
    replaces: Workspace | None = None,
    progress: Progress | None = None,
) -> Encrypted:
    """Encrypt `frame` in each of `editions` and publish ciphertexts, evaluation keys and, last, the manifest.

    `replaces` is the table whose dataset is to be updated with this one. Raises what `prepare` raises,
    TableTooLarge for an edition that cannot hold the table, OtherTable where the name is taken.
    """
    prepared = prepare(frame, schema)
    chosen = [edition(name) for name in editions]
    packed = {one: packed_as(one, schema, prepared) for one in chosen}
    workspace.create()
    with ProcessLock(workspace.folder / "lock", f"encryption of {workspace.name}"), ExitStack() as stack:
        _claim(workspace, prepared, editions, card, replaces)
        tasks = [task for one in chosen for task in _tasks(workspace, one, packed[one])]
        index = BlobIndex(workspace.folder / "blobs.sqlite")
        stack.callback(index.close)
        _publish(tasks, index, workspace, chosen, store, progress or (lambda _done, _total: None))
        manifest = _manifest(index.done(), chosen, schema, prepared.rows, card, replaces, store)
        raw = documents.encode(manifest)
        digest = store.put_block(raw)
        workspace.write("manifest.json", raw)
    sizes = {one.name: sum(blob.size for blob in one.blobs()) for one in manifest.editions}
    return Encrypted(workspace, manifest, digest, sizes, prepared.clipped, prepared.rows_shortened)


def _claim(
    workspace: Workspace, prepared: Prepared, editions: Sequence[str], card: Card, replaces: Workspace | None
) -> None:
    """Tie the name to this table. Raises OtherTable."""
    document = {
        "table": prepared.digest.hex(),
        "editions": list(editions),
        "card": [card.title, card.summary, card.licence],
        "replaces": replaces.name if replaces else None,
    }
    claim = json.dumps(document, indent=1).encode()
    path = workspace.folder / "encryption.json"
    if not path.exists():
        workspace.write(path.name, claim)
    elif path.read_bytes() != claim:
        hint = "choose another --name, or repeat the former command to go on with its table"
        raise OtherTable(f"{workspace.name!r} is an encryption of another table, card or editions", hint=hint)
    report = {"clipped": prepared.clipped, "rows_shortened": prepared.rows_shortened}
    workspace.write("clipped.json", json.dumps(report, indent=1).encode())


def packed_as(chosen: Edition, schema: Schema, prepared: Prepared) -> Packed:
    """The slots of one edition: nothing is claimed or made for a table that an edition cannot hold."""
    # Labels must stay what they are: bounded rows are shortened where they are packed, other whole rows serve exact
    # releases only, where no norm is promised; nor does a count ask how long a row is.
    values = prepared.values if isinstance(chosen.layout, Columns) else prepared.unshortened
    table = edition_table(chosen, schema.columns, prepared.rows, schema.row_norm)
    at = [column.name for column in schema.columns]
    return pack(chosen, table, values[:, [at.index(column.name) for column in table.columns]])


def _tasks(workspace: Workspace, chosen: Edition, packed: Packed) -> Iterator[Task]:
    """Everything to make for one edition; the secret key and the private facts are on disk before."""
    workspace.write(workspace.private_path(chosen.name).name, json.dumps(packed.private).encode())
    key = workspace.key(chosen.name)
    if not key.exists():
        SecretKey.generate(chosen.parameters).write(key)
    for name, block, slots in packed.inputs:
        yield Part(chosen.name, "input", name, block), vault.encrypt, (chosen.name, str(key), slots.tobytes())
    if chosen.relinearize:
        yield Part(chosen.name, "relin", "", 0), vault.relin_key, (chosen.name, str(key))
    for step in chosen.steps:
        yield Part(chosen.name, "rotation", str(step), 0), vault.rotation_key, (chosen.name, str(key), step)


def _publish(
    tasks: list[Task],
    index: BlobIndex,
    workspace: Workspace,
    editions: Sequence[Edition],
    store: ContentStore,
    progress: Progress,
) -> None:
    """Make what is missing, in children, a few at a time; put each blob when it is safe on disk here."""
    for part, blob in index.waiting():
        _put(part, blob, index, store)
    done = index.done()
    missing = [task for task in tasks if task[0] not in done]
    progress(len(tasks) - len(missing), len(tasks))
    keys = [workspace.key(one.name) for one in editions]
    made = 0
    with _children(keys, min(WORKERS, len(missing))) as make, ThreadPoolExecutor(WORKERS) as pool:
        while made < len(missing):
            some = missing[made : made + 2 * WORKERS]
            for (part, _, _), (blob, *prints) in zip(some, pool.map(make, some), strict=True):
                index.keep(part, blob, prints)
                _put(part, blob, index, store)
                made += 1
                progress(len(tasks) - len(missing) + made, len(tasks))


@contextmanager
def _children(keys: Sequence[Path], count: int) -> Iterator[Callable[[Task], list[bytes]]]:
    """A function for several threads that makes a blob and its prints, each call in a child that is idle."""
    functions = (vault.encrypt, vault.relin_key, vault.rotation_key)
    with ExitStack() as stack:
        idle: SimpleQueue[Worker] = SimpleQueue()
        for _ in range(count):
            worker = Worker(functions, limits=LIMITS, readable=keys, recycle_bytes=2 << 30)
            idle.put(stack.enter_context(worker))

        def make(task: Task) -> list[bytes]:
            worker = idle.get()
            try:
                result = worker.call(task[1], *task[2])
            finally:
                idle.put(worker)
            return [result] if isinstance(result, bytes) else result

        yield make


def _put(part: Part, blob: bytes, index: BlobIndex, store: ContentStore) -> None:
    index.stored(part, Blob(str(store.put(blob)), len(blob)))


def _manifest(
    done: dict[Part, Blob],
    editions: Sequence[Edition],
    schema: Schema,
    rows: int,
    card: Card,
    replaces: Workspace | None,
    store: ContentStore,
) -> Manifest:
    sample = sample_of(schema)
    return Manifest(
        title=card.title,
        summary=card.summary,
        licence=card.licence,
        columns=schema.columns,
        rows=rows,
        row_norm=schema.row_norm,
        ranges=schema.ranges,
        editions=tuple(_listed(one, done) for one in editions),
        delta=delta_of(rows) if schema.ranges == "declared" else None,
        format=f"SEAL {SEAL_FORMAT}",
        sample=Blob(str(store.put(sample)), len(sample)),
        version=replaces.manifest.version + 1 if replaces else 1,
        previous=replaces.manifest_digest if replaces else None,
    )


def _listed(chosen: Edition, done: dict[Part, Blob]) -> ListedEdition:
    """An edition of the manifest. What the store has of other editions or tables plays no part."""
    own = {part: done[part] for part in sorted(done) if part.edition == chosen.name}
    inputs: dict[str, tuple[Blob, ...]] = {}
    for part, blob in own.items():
        if part.kind == "input":
            inputs[part.name] = (*inputs.get(part.name, ()), blob)
    return ListedEdition(
        name=chosen.name,
        parameters=engine(chosen.parameters).ids[-1],
        layout=type(chosen.layout).__name__.lower(),
        blocks=max(len(blobs) for blobs in inputs.values()),
        inputs=inputs,
        relin=next((blob for part, blob in own.items() if part.kind == "relin"), None),
        rotations={part.name: blob for part, blob in own.items() if part.kind == "rotation"},
    )


def delta_of(rows: int) -> float:
    """δ of a noisy release: the largest power of ten below 1 / (10 rows)."""
    return float(f"1e-{len(str(10 * rows))}")


SAMPLE_ROWS = 100


def sample_of(schema: Schema) -> bytes:
    """A made-up table with the same columns and ranges, as CSV, to try a circuit on: no data in it."""
    import pandas as pd  # slow to import; of the owner's commands only `encrypt` needs it

    generator = np.random.default_rng(0)
    columns = {}
    for column in schema.columns:
        values = generator.uniform(column.low, column.high, SAMPLE_ROWS)
        columns[column.name] = values if column.type == "number" else np.round(values)
    return pd.DataFrame(columns).to_csv(index=False).encode()
