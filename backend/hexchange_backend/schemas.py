"""What the REST API answers.

Numbers that may exceed what a JSON number holds exactly (amounts, ε, counts of budgets) are decimal strings.
Times are block times in seconds since 1970; digests and hashes are 0x and hex.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Hash = Annotated[str, Field(description="32 bytes in hex", examples=["0x" + 32 * "5c"])]
Amount = Annotated[str, Field(description="base units of the token", examples=["25000000000000000000"])]
Address = Annotated[str, Field(examples=["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"])]
Time = Annotated[int, Field(description="block time, seconds since 1970", examples=[1893456000])]
Count = Annotated[int, Field(examples=[3])]
Bound = Annotated[float, Field(description="in the column's own unit", examples=[0.0])]
Name = Annotated[str, Field(examples=["stats"])]
Micro = Annotated[str, Field(description="ε in millionths", examples=["1000000"])]
Text = Annotated[str, Field(examples=["Measurements of 569 tumours"])]
Outcome = Annotated[str, Field(examples=["release-lapsed"])]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Token(Model):
    """The market's one ERC-20."""

    address: Address
    symbol: str = Field(examples=["HXD"])
    decimals: int = Field(description="one token is 10 to this power base units", examples=[18])


class Budget(Model):
    """What a dataset may release in all: ε in millionths, or a count of exact releases."""

    limit: str = Field(examples=["5000000"])
    reserved: str = Field(description="by jobs that go on", examples=["1000000"])
    spent: str = Field(examples=["1500000"])
    left: str = Field(examples=["2500000"])


class Column(Model):
    name: Annotated[str, Field(examples=["mean radius"])]
    type: Annotated[str, Field(examples=["number"])]
    role: Annotated[str, Field(examples=["feature"])]
    unit: Annotated[str, Field(examples=["mm"])]
    low: Bound
    high: Bound


class Edition(Model):
    """One encryption of the table."""

    name: Name
    layout: Annotated[str, Field(examples=["columns"])]
    bytes: int = Field(description="ciphertexts and evaluation keys", examples=[3_800_000])


class Dataset(Model):
    """A listed table. What its manifest says (`title` to `editions`) is null while storage lacks the manifest."""

    id: Count
    owner: Address
    manifest: Hash
    listed_at: Time
    delisted: bool = Field(description="no more jobs open on it", examples=[False])
    epsilon: Budget
    exact: Annotated[Budget, Field(examples=[{"limit": "20", "reserved": "1", "spent": "2", "left": "17"}])]
    title: Text | None
    licence: Annotated[str, Field(examples=["CC-BY-4.0"])] | None
    rows: Annotated[int, Field(examples=[569])] | None
    columns: Annotated[int, Field(description="number of columns", examples=[30])] | None
    editions: list[Edition] | None
    price_from: Annotated[Amount, Field(description="lowest price that anybody could pay now")] | None


class Card(Model):
    """The rest of a manifest."""

    summary: Text
    version: Count
    ranges: Literal["declared", "inferred"] = Field(
        description="inferred ranges are no ground for differential privacy", examples=["declared"]
    )
    row_norm: Annotated[float, Field(description="bound of one scaled row's length", examples=[3.5])] | None
    delta: Annotated[float, Field(description="what each noisy release adds to δ", examples=[1e-5])] | None
    columns: list[Column]


class DatasetDetail(Dataset):
    card: Card | None


class Circuit(Model):
    """What is computed; all but the digest is null while storage lacks the circuit."""

    digest: Hash
    edition: Name | None
    result: Annotated[str, Field(description="what it yields", examples=["describe"])] | None
    mechanism: Annotated[str, Field(description="exact or noise", examples=["noise"])] | None


class Offer(Model):
    """A published offer that the dataset's owner signed."""

    digest: Hash
    circuit: Circuit
    buyer: Annotated[Address, Field(description="the only one who may take it; null for anybody")] | None
    price: Amount
    guarantee: Amount
    epsilon: Micro
    min_seats: Count
    min_reward: Amount
    max_reward: Amount
    expiry: Time
    uses: Count
    max_uses: Count
    open: bool = Field(description="whether it could be taken now", examples=[True])


class Seat(Model):
    seat: Annotated[int, Field(description="null for a place that was drawn anew", examples=[0])] | None
    provider: Address | None
    outcome: Literal["empty", "taken", "sealed", "silent", "unnamed", "wrong", "right", "returned"] = Field(
        description="returned: the bond came back without a reward", examples=["right"]
    )
    bond: Amount
    fine: Amount
    reward: Amount


class Round(Model):
    """One draw of seats; `redrawn` when silent seats were drawn anew."""

    round: Annotated[int, Field(examples=[1])]
    seed: Hash | None
    redrawn: bool = Field(examples=[False])
    seats: list[Seat]


class Step(Model):
    """One event of a job; `final` once no reorganisation undoes it."""

    event: str = Field(examples=["JobOpened"])
    text: str = Field(examples=["the buyer opened the job and put 31 HXD into escrow"])
    at: Time
    block: int = Field(examples=[1042])
    tx: Hash
    final: bool = Field(examples=[True])


class Deadline(Model):
    """From `at` on anybody may call `function`; `text` says who is then paid."""

    at: Time
    function: str = Field(examples=["finalize"])
    text: str = Field(examples=["anyone may finalize; the seats are paid"])


class Job(Model):
    id: Count
    dataset: Count
    state: Literal["open", "proposed", "escalated", "settled", "released", "refunded"] = Field(
        examples=["released"]
    )
    buyer: Address
    owner: Address
    circuit: Circuit
    price: Amount
    reward: Annotated[Amount, Field(description="most that one seat earns, base units")]
    seats: Count
    epsilon: Micro
    opened_at: Time


class JobDetail(Job):
    offer: Hash
    manifest: Hash
    guarantee: Amount
    held: Annotated[Amount, Field(description="what the market still holds for this job, base units")]
    challenger: Address | None
    proposed: Hash | None
    settled: Hash | None
    result: Hash | None
    refunded: Outcome | None
    deadline: Deadline | None
    rounds: list[Round]
    timeline: list[Step]


class Seats(Model):
    """How often a provider held a seat, by how the seat stands or ended."""

    taken: Count
    sealed: Count
    right: Count
    returned: Count
    wrong: Count
    silent: Count
    unnamed: Count


class Provider(Model):
    address: Address
    stake: Amount
    locked: Amount
    leaving: Amount
    since: Time
    seats: Seats


class Health(Model):
    """`ok`, `starting` (not caught up yet), `troubled` (tries again by itself) or `stopped` (a person is needed)."""

    status: Literal["ok", "starting", "troubled", "stopped"] = Field(examples=["ok"])
    trouble: str = Field(description="code of the error, or empty", examples=["node-unreachable"])
    chain: int = Field(examples=[31337])
    market: Address
    token: Token
    block: Annotated[int, Field(description="newest block that was read", examples=[1042])] | None
    time: Time
    final: int = Field(description="newest block that no reorganisation undoes", examples=[1040])
    datasets: Count
    jobs: Count
    missing: int = Field(description="documents that storage lacks, or that are malformed", examples=[0])
    burnt: Amount
    version: str = Field(examples=["0.1.0"])


class Problem(Model):
    """RFC 9457 problem document."""

    type: str = Field(examples=["/docs#dataset-not-found"])
    title: str = Field(examples=["dataset not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no dataset 7"])
    hint: str = Field(description="the next step", examples=["`hexchange buy search` shows all datasets."])
    request: str = Field(description="number of the request, for a report", examples=["9f1c" * 8])
