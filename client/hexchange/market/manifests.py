"""The dataset manifest: what an owner publishes about an encrypted table, and where its bytes are.

Its digest is what `listDataset` puts on chain and what every offer signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hexchange.errors import EditionNotFound
from hexchange.market.documents import BLOCK, STRICT, Digest, Number, Positive, Prose, Text

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Cid = Annotated[str, Field(pattern=r"^baf(krei|ybei)[a-z2-7]{52}$")]
Size = Annotated[int, Field(gt=0, le=1 << 40)]
Step = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}$")]


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in storage: their CIDv1 (raw block or tree of raw leaves) and exact length."""

    __pydantic_config__ = STRICT

    cid: Cid
    size: Size


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its public range [low, high] is what is scaled to [-1, 1] before encryption."""

    __pydantic_config__ = STRICT

    name: Text
    type: Literal["number", "integer", "category", "boolean"]
    role: Literal["feature", "label", "id", "weight"]
    unit: Annotated[str, Field(max_length=40)]
    low: Number
    high: Number

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"column {self.name!r}: the range needs low < high")


@dataclass(frozen=True, slots=True)
class Edition:
    """One encryption of the table: parameter set, layout, ciphertexts and evaluation keys.

    `parameters` is the digest of the parameter set; `inputs` maps an input's name to its ciphertexts in the
    order of blocks of rows, or to a single one; `rotations` maps a rotation step (decimal) to its key.
    """

    __pydantic_config__ = STRICT

    name: Name
    parameters: Digest
    layout: Name
    blocks: Annotated[int, Field(ge=1, le=1 << 20)]
    inputs: Annotated[dict[Text, tuple[Blob, ...]], Field(min_length=1)]
    relin: Blob | None
    rotations: dict[Step, Blob]

    def __post_init__(self) -> None:
        for name, blobs in self.inputs.items():
            if len(blobs) not in (1, self.blocks):
                raise ValueError(f"edition {self.name}: input {name!r} needs 1 or {self.blocks} blobs")

    def blobs(self) -> tuple[Blob, ...]:
        """Everything a provider or an auditor may have to fetch."""
        inputs = (blob for blobs in self.inputs.values() for blob in blobs)
        keys = ([self.relin] if self.relin else []) + list(self.rotations.values())
        return (*inputs, *keys)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An encrypted table as a buyer sees it.

    `row_norm` bounds the Euclidean norm of one scaled row, if declared; `ranges` says whether column ranges
    were declared or inferred from the data (then they are no ground for differential privacy); `delta` is
    what each noisy release adds to δ; `format` names the serialisation of the ciphertexts.
    """

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = BLOCK

    title: Text
    summary: Prose
    licence: Text
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=4096)]
    rows: Annotated[int, Field(ge=1, le=1 << 40)]
    row_norm: Positive | None
    ranges: Literal["declared", "inferred"]
    editions: Annotated[tuple[Edition, ...], Field(min_length=1, max_length=16)]
    delta: Annotated[float, Field(gt=0, lt=1)] | None
    format: Text
    sample: Blob | None
    version: Annotated[int, Field(ge=1, le=1 << 31)]
    previous: Digest | None
    kind: Literal["dataset"] = "dataset"

    def __post_init__(self) -> None:
        _unique("column", [column.name for column in self.columns])
        _unique("edition", [edition.name for edition in self.editions])
        if self.delta is not None and self.delta > 1 / (10 * self.rows):
            raise ValueError("delta: at most 1 / (10 rows)")
        if (self.version == 1) != (self.previous is None):
            raise ValueError("previous: names the version before, and only the first has none")

    def edition(self, name: str) -> Edition:
        """The edition called `name`; raises EditionNotFound."""
        for edition in self.editions:
            if edition.name == name:
                return edition
        offered = ", ".join(edition.name for edition in self.editions)
        raise EditionNotFound(f"the dataset has no edition {name!r}", hint=f"Choose one of: {offered}.")


def _unique(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} {name!r} appears twice")
        seen.add(name)
