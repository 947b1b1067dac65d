"""What a job would cost and give, before any money: price, rewards, privacy, depth, bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass

from hexchange.buyer.catalogue import Offered
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import Terms
from hexchange.circuit.analysis import Analysis, check, describe_text
from hexchange.errors import OfferUnusable, TermsOutOfBounds
from hexchange.market.manifests import Manifest
from hexchange.market.state import Dataset


@dataclass(frozen=True, slots=True)
class Quote:
    """Amounts in base units, windows in seconds, sizes in bytes; `text` is the circuit in words."""

    dataset: Dataset
    offered: Offered
    terms: Terms
    price: int
    rewards_least: int
    rewards_most: int
    escrow: int
    guarantee: int
    epsilon: int
    delta: float | None
    text: str
    analysis: Analysis
    longest: int


def choose_terms(
    offered: Offered, contracts: Contracts, result_key: bytes, *, seats: int | None = None,
    reward: int | None = None, fill: int | None = None, compute: int | None = None, release: int | None = None,
) -> Terms:  # fmt: skip
    """Terms inside the bounds of offer and market; what is not given is the least the offer allows.

    Raises TermsOutOfBounds naming the bound that is broken.
    """
    offer, bounds = offered.signed.offer, contracts.views.bounds()
    least_seats = max(1, offer.min_seats)
    least_reward = max(1, offer.min_reward)
    chosen = {
        "seats": (seats, least_seats, 5),
        "reward": (reward, least_reward, offer.max_reward),
        "fill": (fill, max(offer.min_fill, bounds.min_fill), bounds.max_fill),
        "compute": (compute, max(offer.min_compute, bounds.min_compute), bounds.max_compute),
        "release": (release, bounds.min_release, bounds.max_release),
    }
    values: dict[str, int] = {}
    for name, (value, least, most) in chosen.items():
        values[name] = least if value is None else value
        if not least <= values[name] <= most:
            raise TermsOutOfBounds(
                f"{name} is {values[name]}, this offer on this market allows {least} to {most}",
                hint=f"choose --{name} within these bounds",
            )
    return Terms(
        seats=values["seats"], floor=least_reward, reward=values["reward"], fill=values["fill"],
        compute=values["compute"], release=values["release"], result_key=result_key,
    )  # fmt: skip


def quote(
    dataset: Dataset, manifest: Manifest, offered: Offered, terms: Terms, naming: int, buyer: str
) -> Quote:
    """The quote for `terms`. `naming` is the market's naming window. Raises OfferUnusable with the reason."""
    if offered.obstacle:
        raise OfferUnusable(
            f"this offer cannot be taken: {offered.obstacle}", hint="`hexchange buy search` shows others"
        )
    offer, own = offered.signed.offer, buyer == dataset.owner
    price = 0 if own else offer.price
    return Quote(
        dataset=dataset,
        offered=offered,
        terms=terms,
        price=price,
        rewards_least=terms.seats * terms.floor,
        rewards_most=terms.seats * terms.reward,
        escrow=price + terms.seats * terms.reward,
        guarantee=0 if own else offer.guarantee,
        epsilon=0 if own else offer.epsilon,
        delta=manifest.delta if offer.epsilon and not own else None,
        text=describe_text(offered.circuit),
        analysis=check(offered.circuit),
        longest=9 * terms.fill + 4 * terms.compute + 2 * naming + terms.release,
    )
