"""The circuit language: a table, nodes over its columns, outputs, and what a release does with them.

A circuit is canonical JSON (RFC 8785) and is named by the sha-256 of its bytes. In the language a column is
*normalised*: its declared range maps to [-1, 1], and an empty row is 0. Results are mapped back to the
column's own units after release (`hexchange.circuit.results`), which costs neither a level nor privacy.
In editions that count, a column is read as indicators of its values instead.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import rfc8785
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from hexchange.circuit.editions import Scheme
from hexchange.circuit.layer import Layer
from hexchange.errors import MalformedCircuit

_STRICT = ConfigDict(strict=True, extra="forbid")

#: One line without characters that command a terminal or turn the order of what is read.
Name = Annotated[str, Field(min_length=1, max_length=220, pattern=r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$")]
Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
Reference = Annotated[int, Field(ge=0, lt=4096)]
#: What released values are made into, a kind of hexchange.circuit.library; the analysis refuses what is none.
Result = Annotated[str, Field(max_length=32, pattern=r"^[a-z][a-z0-9]*$")]
Mechanism = Literal["exact", "noise"]
Grid = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{0,15}[1-9])?$")]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table with its declared, public range."""

    __pydantic_config__ = _STRICT

    name: Name
    low: Number
    high: Number

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"column {self.name!r}: low must be below high")

    @property
    def middle(self) -> float:
        """What 0 stands for."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """What 1 stands for, above the middle."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Table:
    """What a circuit assumes of the dataset. `norm` is the declared bound of a row's Euclidean length after
    scaling; `label` names the column with two values that a model is trained on."""

    __pydantic_config__ = _STRICT

    rows: Annotated[int, Field(ge=1, le=100_000_000)]
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=1024)]
    norm: Positive | None = None
    label: Name | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError("two columns have one name")
        if self.label is not None and self.label not in names:
            raise ValueError(f"the label {self.label!r} is no column")

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns but the label."""
        return tuple(column for column in self.columns if column.name != self.label)

    def column(self, name: str) -> Column:
        """The column of that name; raises MalformedCircuit."""
        for column in self.columns:
            if column.name == name:
                return column
        raise malformed(f"the table has no column {name!r}")


@dataclass(frozen=True, slots=True)
class Profile:
    """The engine that the digests of a run are defined over. Another lowering is another program, and another
    SEAL format is another engine: both make other bytes."""

    __pydantic_config__ = _STRICT

    edition: Name
    lowering: Literal[1] = 1
    scheme: Scheme = "ckks"
    seal: Literal["4.3"] = "4.3"


# --- Nodes: the closed set of operations ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """A column, one value per row."""

    __pydantic_config__ = _STRICT

    column: Name
    op: Literal["column"] = "column"

    @property
    def of(self) -> tuple[int, ...]:
        """Nodes read."""
        return ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """Whether a column has a value, in editions that count: 1 or 0 per row."""

    __pydantic_config__ = _STRICT

    column: Name
    value: Annotated[int, Field(ge=-(10**9), le=10**9)]
    op: Literal["indicator"] = "indicator"

    @property
    def of(self) -> tuple[int, ...]:
        """Nodes read."""
        return ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Row by row: sum, difference or product of two nodes."""

    __pydantic_config__ = _STRICT

    op: Literal["add", "subtract", "multiply"]
    of: tuple[Reference, Reference]


@dataclass(frozen=True, slots=True)
class Unary:
    """Row by row with a constant: times it, or plus it."""

    __pydantic_config__ = _STRICT

    op: Literal["scale", "shift"]
    of: tuple[Reference]
    by: Number


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum over all rows."""

    __pydantic_config__ = _STRICT

    of: tuple[Reference]
    op: Literal["sum"] = "sum"


@dataclass(frozen=True, slots=True)
class Descend:
    """Weights of a logistic model after Nesterov steps from zero, over all features and an intercept."""

    __pydantic_config__ = _STRICT

    iterations: Annotated[int, Field(ge=1, le=3)]
    op: Literal["descend"] = "descend"

    @property
    def of(self) -> tuple[int, ...]:
        """Nodes read: none, the whole table is."""
        return ()


@dataclass(frozen=True, slots=True)
class Network:
    """Outputs of a small neural network, several per row: layers over all features, and between two of them each
    value times itself. `names` are those of the last layer's outputs."""

    __pydantic_config__ = _STRICT

    layers: Annotated[tuple[Layer, ...], Field(min_length=1, max_length=8)]
    names: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1024)]
    op: Literal["network"] = "network"

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.layers):
            if later.matrix.shape[1] != len(earlier.bias):
                raise ValueError("a layer takes another number of values than the one before it gives")
        if len(self.names) != len(self.layers[-1].bias) or len(set(self.names)) < len(self.names):
            raise ValueError("the last layer's outputs need one name each, all different")

    @property
    def inputs(self) -> int:
        """Values of a row that the first layer takes."""
        return int(self.layers[0].matrix.shape[1])

    @property
    def of(self) -> tuple[int, ...]:
        """Nodes read: none, the whole table is."""
        return ()


@dataclass(frozen=True, slots=True)
class BoundedDescend:
    """Weights of a logistic model after plain gradient steps of the size `rate` from zero, over all features and an
    intercept in rows of length 1 at most: what one row can move has a proven bound."""

    __pydantic_config__ = _STRICT

    iterations: Annotated[int, Field(ge=1, le=3)]
    rate: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]
    op: Literal["bounded_descend"] = "bounded_descend"

    @property
    def of(self) -> tuple[int, ...]:
        """Nodes read: none, the whole table is."""
        return ()


#: Nodes whose value is a trained model's weights.
Trained = Descend | BoundedDescend

Node = Annotated[
    Read | Indicator | Binary | Unary | Sum | Descend | BoundedDescend | Network, Field(discriminator="op")
]


# --- What becomes of the outputs ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """A node whose value is released under a name. After release it stands for offset + unit * value."""

    __pydantic_config__ = _STRICT

    name: Name
    node: Reference
    unit: Positive = 1.0
    offset: Number = 0.0


@dataclass(frozen=True, slots=True)
class Release:
    """`exact` rounds to the grid; `noise` adds discrete noise on it, for the ε that the offer states."""

    __pydantic_config__ = _STRICT

    mechanism: Mechanism
    grid: Grid

    def __post_init__(self) -> None:
        if float(self.grid) == 0:
            raise ValueError("the grid is zero")


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is sold: see the module's docstring. Nodes refer to earlier nodes only, and each is used."""

    __pydantic_config__ = _STRICT
    CAP: ClassVar[int] = 1 << 20

    profile: Profile
    table: Table
    nodes: Annotated[tuple[Node, ...], Field(min_length=1, max_length=4096)]
    outputs: Annotated[tuple[Output, ...], Field(min_length=1, max_length=2048)]
    release: Release
    result: Result = "numbers"
    kind: Literal["circuit"] = "circuit"

    def __post_init__(self) -> None:
        if len({output.name for output in self.outputs}) < len(self.outputs):
            raise ValueError("two outputs have one name")
        if len({output.node for output in self.outputs}) < len(self.outputs):
            raise ValueError("two outputs are the same node")
        if len(set(self.nodes)) < len(self.nodes):
            raise ValueError("two nodes are the same")
        names = {column.name for column in self.table.columns}
        used = {output.node for output in self.outputs}
        for index, node in enumerate(self.nodes):
            if any(of >= index for of in node.of):
                raise ValueError(f"node {index} refers to itself or to a later node")
            if any(isinstance(self.nodes[of], Sum | Trained | Network) for of in node.of):
                raise ValueError(f"node {index} computes on a result; combine results after release")
            if isinstance(node, Read | Indicator) and node.column not in names:
                raise ValueError(f"node {index} reads {node.column!r}, which is no column")
            if isinstance(node, Network) and node.inputs != len(self.table.features):
                raise ValueError(
                    f"node {index} takes {node.inputs} values, a row has {len(self.table.features)}"
                )
            used.update(node.of)
        if used != set(range(len(self.nodes))):
            raise ValueError("a node is missing, or is not used")


def parse_circuit(raw: bytes) -> Circuit:
    """The circuit in bytes that nobody has checked before.

    Raises MalformedCircuit on too many bytes, unknown, missing or repeated fields, values out of range, and
    on any encoding but the canonical one.
    """
    if len(raw) > Circuit.CAP:
        raise malformed(f"{len(raw)} bytes, at most {Circuit.CAP} are allowed")
    try:
        circuit = _adapter().validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise malformed(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if _canonical(circuit) != raw:
        raise malformed("the bytes are not the canonical form of their value")
    return circuit


def encode_circuit(circuit: Circuit) -> bytes:
    """The canonical bytes; raises MalformedCircuit for what `parse_circuit` would refuse."""
    try:
        raw = _canonical(circuit)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise malformed(str(error)) from None
    parse_circuit(raw)
    return raw


def circuit_digest(circuit: Circuit) -> bytes:
    """sha-256 of the canonical bytes: what an offer signs and a job names."""
    return hashlib.sha256(encode_circuit(circuit)).digest()


def circuit_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the canonical form, in which nothing is left out. It says less than
    `parse_circuit` checks: not which node may refer to which, nor which names must differ."""
    schema = _adapter().json_schema()
    for part in (schema, *schema["$defs"].values()):
        part["required"] = list(part["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def malformed(reason: str) -> MalformedCircuit:
    """The one way to say that a document is no circuit."""
    return MalformedCircuit(
        f"This is no circuit: {reason}.", hint="Build circuits with hexchange.circuit.library or its builder."
    )


@cache
def _adapter() -> TypeAdapter[Circuit]:
    return TypeAdapter(Circuit)


def _canonical(circuit: Circuit) -> bytes:
    return rfc8785.dumps(_adapter().dump_python(circuit, mode="json", warnings=False))
