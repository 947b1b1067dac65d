"""What the market is at one block: datasets, offers, jobs and balances, each a frozen value.

Amounts are base units of the market's token, times are block times in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hexchange.chain.events import Event, Outcome
from hexchange.errors import DatasetNotFound, JobNotFound
from hexchange.market import quantities


@dataclass(frozen=True, slots=True)
class Account:
    """Balances of one address. `stake` includes its `locked` part and excludes what is leaving."""

    free: int = 0
    stake: int = 0
    locked: int = 0
    since: int = 0
    leaving: int = 0
    collectable_at: int = 0


@dataclass(frozen=True, slots=True)
class OfferUse:
    """How often an offer opened a job, and whether its owner withdrew it."""

    uses: int = 0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A listed table. ε in millionths; `manifests`, `offers` and `requests` are digests, oldest first."""

    id: int
    owner: str
    manifest: bytes
    epsilon_budget: int
    exact_releases: int
    listed_at: int
    epoch: int = 0
    epsilon_reserved: int = 0
    epsilon_spent: int = 0
    exact_reserved: int = 0
    exact_spent: int = 0
    delisted: bool = False
    manifests: tuple[bytes, ...] = ()
    offers: tuple[bytes, ...] = ()
    requests: tuple[tuple[str, bytes], ...] = ()

    @property
    def epsilon_left(self) -> int:
        """What further noisy releases may still spend."""
        return self.epsilon_budget - self.epsilon_reserved - self.epsilon_spent

    @property
    def exact_left(self) -> int:
        """How many further exact releases there may be."""
        return self.exact_releases - self.exact_reserved - self.exact_spent


class JobState(StrEnum):
    """Where a job stands; the last two are the end."""

    OPEN = "open"
    PROPOSED = "proposed"
    ESCALATED = "escalated"
    SETTLED = "settled"
    RELEASED = "released"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Seat:
    """A provider's place in a round. `seal` is None until it committed, `fine` until the seat was closed."""

    provider: str
    unit: int
    ticket: int
    bond: int
    seal: bytes | None = None
    sealed_at: int = 0
    fine: int | None = None
    reward: int = 0

    @property
    def outcome(self) -> str:
        """How it stands or ended: taken, sealed, silent, unnamed, wrong, right or returned."""
        if self.fine is None:
            return "sealed" if self.seal else "taken"
        if self.fine == self.bond:
            return "wrong"
        if self.fine:
            return "unnamed" if self.seal else "silent"
        return "right" if self.reward else "returned"


@dataclass(frozen=True, slots=True)
class Round:
    """One draw, contest and commitment. `contest_end` and `commit_by` are 0 until drawn and full.

    `silent` are the seats that a redraw emptied.
    """

    number: int
    start: int
    start_block: int
    seats: tuple[Seat | None, ...]
    seed: bytes | None = None
    contest_end: int = 0
    commit_by: int = 0
    late: int = 0
    redrawn: bool = False
    silent: tuple[Seat, ...] = ()

    @property
    def full(self) -> bool:
        """Whether every seat is taken, so that computing starts."""
        return self.commit_by != 0

    @property
    def sealed(self) -> int:
        """How many seats committed."""
        return sum(1 for seat in self.seats if seat and seat.seal)

    @property
    def sealed_at(self) -> int:
        """When the last seal was committed."""
        return max((seat.sealed_at for seat in self.seats if seat), default=0)

    def providers(self) -> list[str]:
        """Who sits, in the order of seats, each once."""
        return list(dict.fromkeys(seat.provider for seat in self.seats if seat))

    def matches(self, seal_of: Callable[[int, str], bytes]) -> int:
        """How many seals equal `seal_of(index, provider)`."""
        seats = ((index, seat) for index, seat in enumerate(self.seats) if seat and seat.seal)
        return sum(1 for index, seat in seats if seat.seal == seal_of(index, seat.provider))

    def with_seat(self, index: int, seat: Seat | None) -> Round:
        """The same round with another occupant of one seat."""
        return replace(self, seats=(*self.seats[:index], seat, *self.seats[index + 1 :]))


@dataclass(frozen=True, slots=True)
class Job:
    """One purchase: terms as copied when it opened, its rounds, and how it went.

    `trace_seed` is the first seed of round one, also after a redraw. `proposed` and `settled` are digests of
    result manifests, `challenger` and its seal those of a challenge, `right` the seats of round one that were
    paid. `timeline` holds the job's events in order.
    """

    id: int
    dataset: int
    buyer: str
    owner: str
    payee: str
    offer: bytes
    manifest: bytes
    circuit: bytes
    price: int
    guarantee: int
    epsilon: int
    seats: int
    floor: int
    reward: int
    fill: int
    compute: int
    release: int
    result_key: bytes
    opened_at: int
    rounds: tuple[Round, ...]
    state: JobState = JobState.OPEN
    trace_seed: bytes | None = None
    proposed: bytes | None = None
    proposed_at: int = 0
    challenger: str | None = None
    challenge_seal: bytes | None = None
    challenge_by: int = 0
    settled: bytes | None = None
    settled_at: int = 0
    release_by: int = 0
    right: int = 0
    released: bool = False
    result: bytes | None = None
    sealed_key: bytes = b""
    refunded: Outcome | None = None
    timeline: tuple[Event, ...] = ()

    @property
    def round(self) -> Round:
        """The current round."""
        return self.rounds[-1]

    @property
    def own(self) -> bool:
        """Whether owner and buyer are one: then no release, no price, no guarantee, no ε."""
        return self.owner == self.buyer

    @property
    def over(self) -> bool:
        """Whether nothing more can happen."""
        return self.state in (JobState.RELEASED, JobState.REFUNDED)

    @property
    def bond(self) -> int:
        """B, locked for each seat and for a challenge."""
        return quantities.bond(self.seats, self.reward)

    @property
    def fine(self) -> int:
        """N, what a silent seat loses."""
        return quantities.fine(self.seats, self.reward)

    @property
    def right_reward(self) -> int:
        """r, what a right seat of round one earns."""
        return quantities.right_reward(self.floor, self.reward, self.rounds[0].late, self.fill)


@dataclass(slots=True)
class MarketState:
    """The whole market. The values in its maps are frozen, so `copy` costs five small maps.

    `held` is what the ledger still holds for each job: escrow, guarantee, challenge bond and pot.
    """

    datasets: dict[int, Dataset] = field(default_factory=dict)
    offers: dict[bytes, OfferUse] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    burnt: int = 0

    def copy(self) -> MarketState:
        """An independent state that starts as this one."""
        return MarketState(
            dict(self.datasets),
            dict(self.offers),
            dict(self.jobs),
            dict(self.accounts),
            dict(self.held),
            self.burnt,
        )

    def account(self, address: str) -> Account:
        """Balances of `address`, zero if it never took part."""
        return self.accounts.get(address, Account())

    def offer(self, digest: bytes) -> OfferUse:
        """Uses of the offer with this EIP-712 digest."""
        return self.offers.get(digest, OfferUse())

    def job(self, number: int) -> Job:
        """The job `number`; raises JobNotFound."""
        if number not in self.jobs:
            raise JobNotFound(f"there is no job {number}", hint="`hexchange job list` shows all jobs.")
        return self.jobs[number]

    def dataset(self, number: int) -> Dataset:
        """The dataset `number`; raises DatasetNotFound."""
        if number not in self.datasets:
            raise DatasetNotFound(
                f"there is no dataset {number}", hint="`hexchange buy search` shows all datasets."
            )
        return self.datasets[number]
