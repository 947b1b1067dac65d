"""What a run yields and what an owner releases of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hexchange.circuit.document import Name as OutputName
from hexchange.market import documents
from hexchange.market.documents import BLOCK, STRICT, Address, Digest, Epsilon, Id, Positive
from hexchange.market.manifests import Blob, Cid, Name, Size

Grid = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,29})(\.[0-9]{0,29}[1-9])?$")]
Count = Annotated[int, Field(gt=-(1 << 53), lt=1 << 53)]

WIDEST_COUNT = 1 - (1 << 53)
"""The count with the longest text."""

COUNT_BYTES, OUTPUT_BYTES = 18, 2048
"""Most bytes of a count with its comma, and of everything else about an output, in a released document."""


@dataclass(frozen=True, slots=True)
class ResultManifest:
    """What a seat seals by its digest: the job, how the run ended, its output blobs and its trace.

    `outputs` stand in the order of the program; `code` says why a run failed and is null otherwise; `trace`
    is the trace under the seed of round one, so that no two jobs share a digest.
    """

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = BLOCK

    job: Id
    status: Literal["ok", "failed"]
    code: Name | None
    outputs: Annotated[tuple[Blob, ...], Field(max_length=8192)]
    trace: Digest
    kind: Literal["result"] = "result"

    def __post_init__(self) -> None:
        failed = self.status == "failed"
        if failed != (self.code is not None) or failed != (not self.outputs):
            raise ValueError(
                "status: a failed run has a code and no output, any other has outputs and no code"
            )


@dataclass(frozen=True, slots=True)
class SealedResult:
    """What `release` names: where the sealed bytes of a released result are."""

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = 4096

    job: Id
    cid: Cid
    size: Size
    kind: Literal["sealed-result"] = "sealed-result"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a released result comes from, so that anybody who reads it can check it against the chain."""

    __pydantic_config__ = STRICT

    chain: Id
    market: Address
    job: Id
    dataset: Id
    manifest: Digest
    circuit: Digest
    digest: Digest
    edition: Name


@dataclass(frozen=True, slots=True)
class ReleasedOutput:
    """One output on its grid: value = count × grid, in row-major order of `shape`.

    `error` bounds the difference to the clear computation before noise; `noise` is the standard deviation of
    what was added, null for an exact release.
    """

    __pydantic_config__ = STRICT

    name: OutputName
    shape: Annotated[tuple[Annotated[int, Field(ge=1, le=1 << 31)], ...], Field(max_length=4)]
    grid: Grid
    counts: tuple[Count, ...]
    error: Annotated[float, Field(ge=0, le=1e15)]
    noise: Positive | None

    def __post_init__(self) -> None:
        if Decimal(self.grid) == 0:
            raise ValueError(f"output {self.name!r}: the grid is zero")
        if len(self.counts) != prod(self.shape):
            raise ValueError(f"output {self.name!r}: as many counts as the shape has places")

    def values(self) -> tuple[float, ...]:
        """The values, each rounded once to the nearest double."""
        grid = Decimal(self.grid)
        return tuple(float(count * grid) for count in self.counts)


@dataclass(frozen=True, slots=True)
class ReleasedResult:
    """What the owner seals to the buyer. `epsilon` is in millionths; 0 means no differential privacy."""

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = 64 << 20

    provenance: Provenance
    epsilon: Epsilon
    delta: Annotated[float, Field(gt=0, lt=1)] | None
    outputs: Annotated[tuple[ReleasedOutput, ...], Field(min_length=1, max_length=8192)]
    kind: Literal["released-result"] = "released-result"

    def __post_init__(self) -> None:
        if self.epsilon == 0 and (self.delta is not None or any(output.noise for output in self.outputs)):
            raise ValueError("epsilon: an exact release has neither delta nor noise")


def sealed_size(result: ReleasedResult) -> int:
    """Bytes of the longest document that differs from `result` in its counts alone: what anybody may know."""
    widest = (replace(output, counts=(WIDEST_COUNT,) * len(output.counts)) for output in result.outputs)
    return len(documents.encode(replace(result, outputs=tuple(widest))))
