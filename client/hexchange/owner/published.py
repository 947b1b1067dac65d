"""What left the house: every object of one encrypted table that anybody can read."""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.owner.workspace import Workspace
from hexchange.storage.cid import Cid


@dataclass(frozen=True, slots=True)
class Published:
    """One object in the content store: what it is, its CID, its bytes."""

    what: str
    cid: str
    size: int


def published(workspace: Workspace) -> list[Published]:
    """The manifest and everything it names: that and nothing else is put into the store by an encryption."""
    manifest = workspace.manifest
    raw = workspace.manifest_bytes
    found = [Published("manifest", str(Cid.of(raw)), len(raw))]
    if manifest.sample:
        found.append(Published("made-up sample", manifest.sample.cid, manifest.sample.size))
    for edition in manifest.editions:
        for name, blobs in edition.inputs.items():
            found += [
                Published(f"{edition.name}: column {name!r}, block {block}, encrypted", blob.cid, blob.size)
                for block, blob in enumerate(blobs)
            ]
        if edition.relin:
            found.append(
                Published(f"{edition.name}: key for products", edition.relin.cid, edition.relin.size)
            )
        found += [
            Published(f"{edition.name}: key for rotations by {step}", blob.cid, blob.size)
            for step, blob in sorted(edition.rotations.items(), key=lambda item: int(item[0]))
        ]
    return found
