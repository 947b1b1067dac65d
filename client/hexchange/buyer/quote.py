"""What a job would cost and give, before any money: price, rewards, privacy, depth, bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.buyer.catalogue import Catalogue, Offered
from hexchange.chain.events import Terms
from hexchange.chain.views import Bounds
from hexchange.circuit.analysis import Analysis, check, describe_text
from hexchange.circuit.privacy import expected_noise
from hexchange.errors import OfferUnusable, TermsOutOfBounds
from hexchange.market.state import Dataset

MOST_SEATS = 5


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a buyer may choose: seats, the most a seat may earn (base units), windows in seconds.

    None takes the least that offer and market allow.
    """

    seats: int | None = None
    reward: int | None = None
    fill: int | None = None
    compute: int | None = None
    release: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """Amounts in base units, `epsilon` in millionths, windows in seconds; `text` is the circuit in words.

    `noise` is the standard deviation, about, that a release will add to each number, in the circuit's own units.
    `longest` is the time from opening to the last exit, whatever anybody does.
    """

    dataset: Dataset
    offered: Offered
    terms: Terms
    price: int
    guarantee: int
    epsilon: int
    delta: float | None
    text: str
    analysis: Analysis
    noise: float | None
    longest: int

    @property
    def rewards(self) -> tuple[int, int]:
        """Least and most that all seats of round one earn together."""
        return self.terms.seats * self.terms.floor, self.terms.seats * self.terms.reward

    @property
    def escrow(self) -> int:
        """What opening the job locks."""
        return self.price + self.rewards[1]


def quote(catalogue: Catalogue, offered: Offered, wishes: Wishes, result_key: bytes) -> Quote:
    """The quote for the catalogue's buyer; an owner who buys from itself pays the seats alone.

    `result_key` is the public X25519 key that the result will be sealed to (32 bytes). Raises OfferUnusable with
    the reason, TermsOutOfBounds with the bound, what the circuit's analysis refuses, and the store's errors.
    """
    if offered.obstacle:
        raise OfferUnusable(
            f"this offer cannot be taken: {offered.obstacle}", hint="`hexchange buy search` shows others"
        )
    offer, bounds = offered.signed.offer, catalogue.contracts.views.bounds()
    dataset = catalogue.state.dataset(offer.dataset)
    own = catalogue.buyer == dataset.owner
    manifest = catalogue.manifest(dataset)
    terms = _terms(offered, bounds, wishes, result_key)
    delta, analysis = manifest.delta if offer.epsilon and not own else None, check(offered.circuit)
    return Quote(
        dataset=dataset,
        offered=offered,
        terms=terms,
        price=0 if own else offer.price,
        guarantee=0 if own else offer.guarantee,
        epsilon=0 if own else offer.epsilon,
        delta=delta,
        text=describe_text(offered.circuit),
        analysis=analysis,
        noise=expected_noise(analysis, offer.epsilon / 1e6, delta) if delta else None,
        longest=9 * terms.fill + 4 * terms.compute + 2 * bounds.naming + terms.release,
    )


def _terms(offered: Offered, bounds: Bounds, wishes: Wishes, result_key: bytes) -> Terms:
    """Terms inside the bounds of offer and market. Raises TermsOutOfBounds."""
    offer = offered.signed.offer
    least = max(1, offer.min_reward)
    return Terms(
        seats=_choose("seats", wishes.seats, max(1, offer.min_seats), MOST_SEATS),
        floor=least,
        reward=_choose("reward", wishes.reward, least, offer.max_reward),
        fill=_choose("fill", wishes.fill, max(offer.min_fill, bounds.min_fill), bounds.max_fill),
        compute=_choose(
            "compute", wishes.compute, max(offer.min_compute, bounds.min_compute), bounds.max_compute
        ),
        release=_choose("release", wishes.release, bounds.min_release, bounds.max_release),
        result_key=result_key,
    )


def _choose(name: str, wished: int | None, least: int, most: int) -> int:
    chosen = least if wished is None else wished
    if not least <= chosen <= most:
        raise TermsOutOfBounds(
            f"{name} is {chosen}, this offer on this market allows {least} to {most}",
            hint=f"choose --{name} within these bounds",
        )
    return chosen
