"""An encryption survives being killed, keeps its key, and publishes what is meant for everybody alone."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from doses import ROWS, frame, schema

from hexchange.circuit.editions import LINEAR
from hexchange.circuits import edition_sizes
from hexchange.errors import BadLabel, EditionNotFound, OtherTable, TableTooLarge
from hexchange.he.keys import SecretKey
from hexchange.market import documents
from hexchange.market.manifests import Manifest
from hexchange.owner.encrypt import Card, Encrypted, delta_of, encrypt_table
from hexchange.owner.published import published
from hexchange.owner.schema import Schema
from hexchange.owner.workspace import Workspace
from hexchange.storage.cid import Cid
from hexchange.storage.folder import FolderStore

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from doses import frame, schema
from hexchange.owner import encrypt
from hexchange.owner.blobs import BlobIndex
from hexchange.owner.workspace import Workspace
from hexchange.storage.folder import FolderStore
home, point, count = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
left = [count]

def deadly(effect):
    def act(*arguments):
        left[0] -= 1
        if left[0] == 0 and point.startswith("before"):
            os.kill(os.getpid(), signal.SIGKILL)
        result = effect(*arguments)
        if left[0] == 0 and point.startswith("after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return act

name = point.split(":")[1]
owner = {"keep": BlobIndex, "stored": BlobIndex, "put_block": FolderStore, "write": Workspace}[name]
setattr(owner, name, deadly(getattr(owner, name)))
workspace, store = Workspace(home, "t"), FolderStore(home / "store")
encrypt.encrypt_table(frame(), schema(clip=True), ["linear"], encrypt.Card("T"), workspace, store)
"""


def encrypt(home: Path, editions: list[str], title: str = "T") -> Encrypted:
    workspace, store = Workspace(home, "t"), FolderStore(home / "store")
    return encrypt_table(frame(), schema(clip=True), editions, Card(title), workspace, store)


def test_killed_at_any_moment_it_goes_on_with_the_same_key_and_the_same_blobs(tmp_path: Path) -> None:
    keys, blobs = set(), set()
    points = (
        "before:keep",
        "after:keep",
        "before:stored",
        "after:stored",
        "before:put_block",
        "after:put_block",
    )
    for point in points:
        call = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path), point, "1"]
        assert subprocess.run(call, check=False).returncode == -signal.SIGKILL, point
        keys |= {path.read_bytes() for path in (tmp_path / "owner" / "t").glob("*.key")}
    done = encrypt(tmp_path, ["linear"])
    keys.add(done.workspace.key("linear").read_bytes())
    assert len(keys) == 1
    stored = {
        path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.stat().st_size > 40_000
    }
    blobs = {blob.cid for blob in done.manifest.edition("linear").blobs()}
    assert len(stored) == len(blobs) == 3
    assert encrypt(tmp_path, ["linear"]).digest == done.digest


def test_what_was_encrypted_is_what_the_key_opens(encrypted: Encrypted, store: FolderStore) -> None:
    from hexchange.circuit.program import Shape
    from hexchange.he.canonical import from_seeded
    from hexchange.he.library import sealapi

    secret = SecretKey.read(LINEAR.parameters, encrypted.workspace.key("linear"))
    blob = encrypted.manifest.edition("linear").inputs["dose"][0]
    shape = Shape(2, len(LINEAR.parameters.data_primes), LINEAR.parameters.scale)
    data = store.get(Cid.parse(blob.cid), blob.size)
    plain = sealapi.Plaintext()
    secret.decryptor().decrypt(from_seeded(secret.engine, data, shape), plain)
    slots = np.array(secret.engine.encoder.decode_double(plain))
    factors = np.minimum(1, 1.3 / np.linalg.norm(_scaled(), axis=1))
    assert np.allclose(slots[:ROWS], _scaled()[:, 1] * factors, atol=1e-4)
    assert np.allclose(slots[ROWS:], 0, atol=1e-4)


def _scaled() -> np.ndarray:
    table = frame()
    return np.column_stack([table["age"] / 50 - 1, table["dose"] / 2.5 - 1, table["ill"] * 2 - 1])


def test_the_manifest_says_what_was_published_and_nothing_of_the_data(
    encrypted: Encrypted, store: FolderStore
) -> None:
    raw = store.get_block(encrypted.digest)
    manifest = documents.parse(Manifest, raw)
    assert manifest == encrypted.manifest
    assert (manifest.rows, manifest.row_norm, manifest.ranges, manifest.delta) == (
        ROWS,
        1.3,
        "declared",
        1e-3,
    )
    assert encrypted.bytes_by_edition == {e.name: sum(b.size for b in e.blobs()) for e in manifest.editions}
    assert b"clipped" not in raw
    assert manifest.sample is not None
    sample = store.get(Cid.parse(manifest.sample.cid), manifest.sample.size)
    assert not any(f"{value}".encode() in sample for value in frame()["age"])


def test_no_byte_of_a_secret_key_or_of_the_table_is_in_a_published_object(
    encrypted: Encrypted, house: Path, store: FolderStore
) -> None:
    canaries = [frame()["age"].to_numpy().tobytes()[:64]]
    for edition in encrypted.manifest.editions:
        key = encrypted.workspace.key(edition.name)
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        canaries += [key.read_bytes()[at : at + 32] for at in range(200, 4000, 400)]
    assert stat.S_IMODE(encrypted.workspace.folder.stat().st_mode) == 0o700
    files = [path for path in (house / "store").rglob("*") if path.is_file()]
    assert len(files) >= 9
    for path in files:
        data = path.read_bytes()
        assert not any(canary in data for canary in canaries), path


def test_published_lists_every_object_of_the_manifest(encrypted: Encrypted, store: FolderStore) -> None:
    listed = {(each.cid, each.size) for each in published(encrypted.workspace)}
    blobs = {(blob.cid, blob.size) for edition in encrypted.manifest.editions for blob in edition.blobs()}
    assert blobs < listed
    assert len(listed) == len(blobs) + 2
    assert all(store.has(Cid.parse(cid)) for cid, _ in listed)


def test_a_name_stays_with_its_table(tmp_path: Path) -> None:
    encrypt(tmp_path, ["linear"])
    with pytest.raises(OtherTable):
        encrypt(tmp_path, ["linear"], title="another card")
    with pytest.raises(OtherTable):
        encrypt(tmp_path, ["linear", "stats"])


def test_an_unknown_edition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EditionNotFound):
        encrypt(tmp_path, ["fast"])


def test_bytes_are_about_those_that_were_told_before(encrypted: Encrypted) -> None:
    told = edition_sizes(["stats", "linear"], schema().columns, ROWS, 1.3)
    for name, size in encrypted.bytes_by_edition.items():
        assert size == pytest.approx(told[name], rel=0.15)


def test_a_table_with_more_features_than_the_edition_holds_is_refused(tmp_path: Path) -> None:
    import pandas as pd

    from hexchange.market.manifests import Column as Listed

    names = [f"x{index}" for index in range(32)]
    table = pd.DataFrame({name: [0.0, 1.0] for name in names} | {"y": [0, 1]})
    columns = tuple(Listed(name, "number", "feature", "", -1.0, 1.0) for name in names)
    wide = Schema((*columns, Listed("y", "boolean", "label", "", 0.0, 1.0)), "declared")
    with pytest.raises(TableTooLarge, match="32 features, the edition train holds 31"):
        encrypt_table(
            table, wide, ["train"], Card("T"), Workspace(tmp_path, "t"), FolderStore(tmp_path / "store")
        )


def test_training_needs_a_label_with_two_values_and_a_refusal_claims_no_name(tmp_path: Path) -> None:
    unlabelled = Schema(schema().columns[:2], "declared")
    workspace, store = Workspace(tmp_path, "t"), FolderStore(tmp_path / "store")
    with pytest.raises(BadLabel):
        encrypt_table(frame(), unlabelled, ["train"], Card("T"), workspace, store)
    assert not workspace.folder.exists()


@pytest.mark.parametrize(("rows", "delta"), [(40, 1e-3), (426, 1e-4), (1000, 1e-5)])
def test_delta_is_below_a_tenth_of_a_row(rows: int, delta: float) -> None:
    assert delta_of(rows) == delta < 1 / (10 * rows)


def test_counts_of_clipping_stay_in_the_owners_folder(encrypted: Encrypted) -> None:
    report = json.loads((encrypted.workspace.folder / "clipped.json").read_text())
    assert report["rows_shortened"] == encrypted.rows_shortened > 0
    assert os.stat(encrypted.workspace.folder / "clipped.json").st_mode & 0o077 == 0
