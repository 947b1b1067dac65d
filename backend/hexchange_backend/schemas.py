"""What the REST API answers. Amounts and ε are decimal strings of base units; times are block seconds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Hex = Annotated[str, Field(pattern="^0x[0-9a-f]*$", examples=["0x" + 32 * "5c"])]
Amount = Annotated[str, Field(pattern="^[0-9]+$", description="base units of the token", examples=["25000000"])]
Address = Annotated[str, Field(examples=["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"])]
Seconds = Annotated[int, Field(description="block time, seconds since 1970", examples=[1893456000])]
Epsilon = Annotated[int, Field(description="millionths of ε", examples=[1_000_000])]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Token(Model):
    address: Address
    symbol: str = Field(examples=["HEX"])
    decimals: int = Field(examples=[6])


class Column(Model):
    name: str = Field(examples=["mean radius"])
    type: str
    role: str
    unit: str
    low: float
    high: float


class Edition(Model):
    name: str = Field(examples=["stats"])
    bytes: int = Field(description="ciphertexts and evaluation keys", examples=[3_800_000])


class Dataset(Model):
    """A listed table; `title` and what follows come from its manifest and are null while storage lacks it."""

    id: int = Field(examples=[1])
    owner: Address
    manifest: Hex
    delisted: bool
    epsilon_budget: Epsilon
    epsilon_reserved: Epsilon
    epsilon_spent: Epsilon
    exact_releases: int = Field(examples=[3])
    exact_reserved: int
    exact_spent: int
    listed_at: Seconds
    title: str | None
    summary: str | None
    licence: str | None
    rows: int | None
    columns: list[Column]
    editions: list[Edition]


class Offer(Model):
    digest: Hex
    circuit: Hex
    title: str = Field(description="title of the circuit", examples=["Mean and deviation of 30 columns"])
    buyer: Address
    price: Amount
    guarantee: Amount
    epsilon: Epsilon
    min_seats: int
    min_reward: Amount
    max_reward: Amount
    expiry: Seconds
    uses: int
    max_uses: int
    open: bool = Field(description="whether a buyer could take it now")


class Seat(Model):
    round: int
    seat: int
    provider: Address | None
    sealed: bool


class Step(Model):
    """One event of a job; `final` once its block is finalized."""

    event: str = Field(examples=["JobOpened"])
    text: str
    at: Seconds
    block: int
    tx: Hex
    final: bool


class Deadline(Model):
    at: Seconds
    function: str = Field(examples=["finalize"])
    text: str


class Job(Model):
    id: int = Field(examples=[1])
    dataset: int
    state: str = Field(examples=["released"])
    buyer: Address
    owner: Address
    circuit: Hex
    offer: Hex
    price: Amount
    guarantee: Amount
    reward: Amount
    seats: int
    epsilon: Epsilon
    opened_at: Seconds
    proposed: Hex | None
    settled: Hex | None
    challenger: Address | None
    result: Hex | None


class JobDetail(Job):
    rounds: list[Seat]
    timeline: list[Step]
    deadline: Deadline | None


class Provider(Model):
    address: Address
    stake: Amount
    locked: Amount
    leaving: Amount
    since: Seconds
    seats: int = Field(description="seats it held when a round was full")
    paid: int = Field(description="seats that were paid")
    slashed: int = Field(description="seats that lost their whole bond")
    silent: int = Field(description="seats that were fined for a missing seal")


class Health(Model):
    status: str = Field(examples=["ok"])
    chain: int
    market: Address
    block: int | None
    head: int | None
    final: int
    trouble: str
    datasets: int
    jobs: int
    burnt: Amount
    token: Token
    version: str


class Problem(Model):
    """RFC 9457 problem document."""

    type: str = Field(examples=["about:blank#dataset-not-found"])
    title: str
    status: int
    detail: str
    hint: str
    request: str = Field(description="number of the request, for a report")
