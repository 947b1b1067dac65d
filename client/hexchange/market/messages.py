"""What owners and buyers tell each other through chain and storage: offers, and requests for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hexchange.market.documents import (
    BLOCK,
    STRICT,
    Address,
    Amount,
    Digest,
    Epsilon,
    Id,
    OfferField,
    Prose,
    Signature,
)


@dataclass(frozen=True, slots=True)
class SignedOffer:
    """An offer and its owner's signature over the EIP-712 digest; whoever reads it checks the signature."""

    __pydantic_config__ = STRICT

    offer: OfferField
    signature: Signature


@dataclass(frozen=True, slots=True)
class Offers:
    """What `publishOffers` announces: signed offers, all of one dataset."""

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = BLOCK

    offers: Annotated[tuple[SignedOffer, ...], Field(min_length=1, max_length=1000)]
    kind: Literal["offers"] = "offers"

    def __post_init__(self) -> None:
        if len({signed.offer.dataset for signed in self.offers}) > 1:
            raise ValueError("offers: one document holds the offers of one dataset")


@dataclass(frozen=True, slots=True)
class OfferRequest:
    """What `requestOffer` announces: the circuit a buyer wants, and the terms it would pay."""

    __pydantic_config__ = STRICT
    CAP: ClassVar[int] = 64 << 10

    dataset: Id
    buyer: Address
    circuit: Digest
    price: Amount
    seats: Annotated[int, Field(ge=1, le=5)]
    reward: Amount
    epsilon: Epsilon
    purpose: Prose
    kind: Literal["offer-request"] = "offer-request"
