"""What the contracts say: their structs and events as values. Pure: nothing of a chain client is imported.

Fields follow the Solidity declarations in name and order, in snake case: `bytes32` is `bytes` of 32, an
address is a checksummed `str`, every integer an `int`; amounts are base units of the market's token, times
are seconds. Events of ProviderStake move money, those of DataMarket move jobs; the comments say how.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

ZERO_ADDRESS = "0x" + 40 * "0"
ZERO_BYTES32 = bytes(32)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """One block: its number, its hash (32 bytes) and its time in seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class EventRef:
    """Where an event stands; (block hash, log index) is its identity, `tx` the transaction's hash."""

    block: BlockRef
    tx: bytes
    log_index: int
    contract: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a dataset's owner signs (EIP-712): one circuit over one manifest, a price and acceptable terms.

    `buyer` zero means anybody; `epsilon` is in millionths, 0 an exact release; windows are in seconds.
    """

    dataset: int
    epoch: int
    manifest: bytes
    circuit: bytes
    buyer: str
    payee: str
    price: int
    guarantee: int
    epsilon: int
    min_seats: int
    min_reward: int
    max_reward: int
    min_fill: int
    min_compute: int
    expiry: int
    max_uses: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """What a buyer chooses within an offer; `result_key` is the X25519 key that the result is sealed to."""

    seats: int
    floor: int
    reward: int
    fill: int
    compute: int
    release: int
    result_key: bytes


@dataclass(frozen=True, slots=True)
class Permit:
    """An ERC-2612 signature that lets the ledger pull `value`; all zero means none."""

    value: int
    deadline: int
    v: int
    r: bytes
    s: bytes


NO_PERMIT = Permit(0, 0, 0, ZERO_BYTES32, ZERO_BYTES32)


class Outcome(IntEnum):
    """How a refunded job ended."""

    NONE = 0
    DECLINED = 1  # by the owner before anything was computed: all back
    UNDRAWN = 2  # nobody drew a seed in time: all back
    UNFILLED = 3  # seats stayed empty: all back
    REFILL_FAILED = 4  # seats stayed empty after a redraw: sealed seats are paid from the fines
    SEALS_MISSING = 5  # seats stayed silent: they are fined, sealed seats are paid from it
    UNNAMED = 6  # all sealed, nobody named a digest that opens a seal: every seat is fined
    UNDECIDED = 7  # round two found too few equal seals: bonds back, silent seats fined
    JURY_UNFILLED = 8  # round two did not fill: bonds back, a challenger pays the fine
    RELEASE_DECLINED = 9  # by the owner after settlement: price and rewards up to the guarantee to the buyer
    RELEASE_LAPSED = 10  # the owner let the release window pass: the same money, the budget spent


@dataclass(frozen=True, slots=True)
class Event:
    """Something a contract announced, and where."""

    at: EventRef


@dataclass(frozen=True, slots=True)
class Deposited(Event):
    """free(account) + amount"""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    """free(account) - amount; the tokens left to the wallet `to`"""

    account: str
    to: str
    amount: int


@dataclass(frozen=True, slots=True)
class Staked(Event):
    """free(provider) - amount, staked + amount; `since` replaces the former one"""

    provider: str
    amount: int
    since: int


@dataclass(frozen=True, slots=True)
class Unstaked(Event):
    """staked(provider) - amount, leaving + amount; `available_at` holds for all that is leaving"""

    provider: str
    amount: int
    available_at: int


@dataclass(frozen=True, slots=True)
class Collected(Event):
    """leaving(provider) - amount, free + amount"""

    provider: str
    amount: int


@dataclass(frozen=True, slots=True)
class Locked(Event):
    """free(account) - amount, held(job) + amount"""

    job: int
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Paid(Event):
    """held(job) - amount, free(account) + amount"""

    job: int
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Burnt(Event):
    """held(job) - amount, burnt + amount"""

    job: int
    amount: int


@dataclass(frozen=True, slots=True)
class SeatTaken(Event):
    """locked(provider) + bond; if `displaced` is not zero its seat ends here: its locked - bond"""

    job: int
    round: int
    seat: int
    provider: str
    unit: int
    ticket: int
    bond: int
    displaced: str


@dataclass(frozen=True, slots=True)
class SeatClosed(Event):
    """locked(provider) - bond, staked - fine, held(job) + fine - reward, free(provider) + reward"""

    job: int
    round: int
    seat: int
    provider: str
    bond: int
    fine: int
    reward: int


@dataclass(frozen=True, slots=True)
class SeedDrawn(Event):
    """The seed of a round; from `contest_end` on a lower ticket displaces nobody."""

    job: int
    round: int
    seed: bytes
    contest_end: int


@dataclass(frozen=True, slots=True)
class RoundFilled(Event):
    """The last empty seat was taken; `late` is in seconds after the contest, the larger of both passes."""

    job: int
    round: int
    commit_by: int
    late: int


@dataclass(frozen=True, slots=True)
class SealCommitted(Event):
    """A seat wrote its seal."""

    job: int
    round: int
    seat: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class RoundRedrawn(Event):
    """The silent seats of round one were closed just before; it is drawn anew."""

    job: int
    seed: bytes
    contest_end: int


@dataclass(frozen=True, slots=True)
class CallFailed(Event):
    """Item `index` of a multicall reverted with `reason`, the encoded error, and changed nothing."""

    index: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class DatasetListed(Event):
    """A dataset and its budgets, micro-epsilon and a count, fixed for good."""

    dataset: int
    owner: str
    manifest: bytes
    epsilon_budget: int
    exact_releases: int


@dataclass(frozen=True, slots=True)
class ManifestUpdated(Event):
    """Offers that name the former manifest open no more jobs."""

    dataset: int
    manifest: bytes


@dataclass(frozen=True, slots=True)
class DatasetDelisted(Event):
    """No more jobs open on this dataset."""

    dataset: int


@dataclass(frozen=True, slots=True)
class EpochRaised(Event):
    """Offers signed for a former epoch open no more jobs."""

    dataset: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Transfer(Event):
    """The dataset's token went from `former` (zero: listed) to `owner`."""

    former: str
    owner: str
    dataset: int


@dataclass(frozen=True, slots=True)
class OfferCancelled(Event):
    """One offer opens no more jobs."""

    dataset: int
    offer_digest: bytes


@dataclass(frozen=True, slots=True)
class OfferRequested(Event):
    """Somebody asks for an offer; `request` is the digest of a document."""

    dataset: int
    buyer: str
    request: bytes


@dataclass(frozen=True, slots=True)
class OffersPublished(Event):
    """The owner announces signed offers; `offers` is the digest of a document."""

    dataset: int
    offers: bytes


@dataclass(frozen=True, slots=True)
class JobOpened(Event):
    """A job and round one start; reserves the offer's epsilon, or one exact release if that is 0,
    unless the owner is the buyer."""

    job: int
    dataset: int
    buyer: str
    offer_digest: bytes
    owner: str
    offer: Offer
    terms: Terms


@dataclass(frozen=True, slots=True)
class ResultProposed(Event):
    """Round one is unanimous; the challenge window ends at `challenge_by`."""

    job: int
    digest: bytes
    challenge_by: int


@dataclass(frozen=True, slots=True)
class JobEscalated(Event):
    """Round two starts in this block; `challenger` is zero if round one disagreed."""

    job: int
    challenger: str
    seal: bytes


@dataclass(frozen=True, slots=True)
class JobSettled(Event):
    """`right` seats of round one were paid `reward` each. `digest` is zero where the proposed one stands;
    `release_by` is zero where nothing is left to release."""

    job: int
    digest: bytes
    right: int
    reward: int
    release_by: int


@dataclass(frozen=True, slots=True)
class ResultReleased(Event):
    """Spends what was reserved; `result` is the digest of the sealed result."""

    job: int
    result: bytes
    sealed_key: bytes


@dataclass(frozen=True, slots=True)
class JobRefunded(Event):
    """The job is over. What was reserved is returned, unless it was released before or the release lapsed."""

    job: int
    outcome: Outcome


EVENTS: dict[str, type[Event]] = {
    each.__name__: each
    for each in (
        Deposited, Withdrawn, Staked, Unstaked, Collected, Locked, Paid, Burnt, SeatTaken, SeatClosed,
        SeedDrawn, RoundFilled, SealCommitted, RoundRedrawn, CallFailed,
        DatasetListed, ManifestUpdated, DatasetDelisted, EpochRaised, Transfer,
        OfferCancelled, OfferRequested, OffersPublished,
        JobOpened, ResultProposed, JobEscalated, JobSettled, ResultReleased, JobRefunded,
    )
}  # fmt: skip
"""The contracts' names of events and their classes; fields stand in the order of the Solidity arguments."""
