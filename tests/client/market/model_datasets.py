"""The model's rules about datasets, their tokens and offers."""

from __future__ import annotations

from model import Told, World, at, broken, rule

from hexchange.chain import events as on
from hexchange.chain.events import ZERO_ADDRESS, ZERO_BYTES32, Event, Offer
from hexchange.chain.offers import offer_digest
from hexchange.market.windows import Clock


def not_owner(world: World, me: str, dataset: int) -> set[str]:
    """Why a caller may not manage a dataset."""
    listed = world.state.datasets.get(dataset)
    if listed is None:
        return {"ERC721NonexistentToken"}
    return broken(CallerNotOwner=listed.owner != me)


@rule
def list_dataset(world: World, me: str, clock: Clock, manifest: bytes, epsilon: int, exact: int) -> Told:
    errors = broken(ManifestZero=manifest == ZERO_BYTES32)
    number, place = len(world.state.datasets) + 1, at(clock)
    return errors or [
        on.Transfer(place, ZERO_ADDRESS, me, number),
        on.DatasetListed(place, number, me, manifest, epsilon, exact),
    ]


@rule
def update_manifest(world: World, me: str, clock: Clock, dataset: int, manifest: bytes) -> Told:
    errors = not_owner(world, me, dataset) | broken(ManifestZero=manifest == ZERO_BYTES32)
    return errors or [on.ManifestUpdated(at(clock), dataset, manifest)]


@rule
def delist(world: World, me: str, clock: Clock, dataset: int) -> Told:
    listed = world.state.datasets.get(dataset)
    errors = not_owner(world, me, dataset) | broken(AlreadyDelisted=listed and listed.delisted)
    return errors or [on.DatasetDelisted(at(clock), dataset)]


@rule
def set_royalty(world: World, me: str, clock: Clock, dataset: int, receiver: str, basis_points: int) -> Told:
    return not_owner(world, me, dataset) | broken(RoyaltyTooHigh=basis_points > 1000) or []


@rule
def request_offer(world: World, me: str, clock: Clock, dataset: int, request: bytes) -> Told:
    errors = broken(ERC721NonexistentToken=dataset not in world.state.datasets)
    return errors or [on.OfferRequested(at(clock), dataset, me, request)]


@rule
def publish_offers(world: World, me: str, clock: Clock, dataset: int, offers: bytes) -> Told:
    return not_owner(world, me, dataset) or [on.OffersPublished(at(clock), dataset, offers)]


@rule
def cancel_offer(world: World, me: str, clock: Clock, offer: Offer) -> Told:
    digest = offer_digest(offer, world.setting.chain, world.setting.market)
    return not_owner(world, me, offer.dataset) or [on.OfferCancelled(at(clock), offer.dataset, digest)]


@rule
def cancel_all_offers(world: World, me: str, clock: Clock, dataset: int) -> Told:
    return not_owner(world, me, dataset) or [raised(world, clock, dataset)]


def raised(world: World, clock: Clock, dataset: int) -> Event:
    """The next epoch of a dataset."""
    return on.EpochRaised(at(clock), dataset, world.state.datasets[dataset].epoch + 1)


# --- the token of a dataset (ERC-721) ---------------------------------------------------------------


def _may(world: World, me: str, owner: str) -> bool:
    return me == owner or (owner, me) in world.operators


@rule
def approve(world: World, me: str, clock: Clock, to: str, dataset: int) -> Told:
    listed = world.state.datasets.get(dataset)
    if listed is None:
        return {"ERC721NonexistentToken"}
    errors = broken(ERC721InvalidApprover=not _may(world, me, listed.owner))
    if not errors:
        world.approved[dataset] = to
    return errors or []


@rule
def set_approval_for_all(world: World, me: str, clock: Clock, operator: str, approved: bool) -> Told:
    errors = broken(ERC721InvalidOperator=operator == ZERO_ADDRESS)
    if not errors:
        pair = frozenset({(me, operator)})
        world.operators = world.operators | pair if approved else world.operators - pair
    return errors or []


@rule
def transfer_from(world: World, me: str, clock: Clock, former: str, to: str, dataset: int) -> Told:
    errors = broken(ERC721InvalidReceiver=to == ZERO_ADDRESS)
    listed = world.state.datasets.get(dataset)
    if listed is None:
        return errors | {"ERC721NonexistentToken"}
    allowed = _may(world, me, listed.owner) or world.approved.get(dataset) == me
    errors |= broken(ERC721InsufficientApproval=not allowed, ERC721IncorrectOwner=listed.owner != former)
    if errors:
        return errors
    world.approved.pop(dataset, None)
    return [on.Transfer(at(clock), former, to, dataset), raised(world, clock, dataset)]


@rule
def safe_transfer_from(world: World, me: str, clock: Clock, former: str, to: str, dataset: int) -> Told:
    """As `transferFrom`, and a contract must say that it takes datasets, which ours do not."""
    deaf = broken(ERC721InvalidReceiver=to in (world.stake, world.setting.market, world.token))
    told = transfer_from(world.copy() if deaf else world, me, clock, former, to, dataset)
    return deaf | told if isinstance(told, set) else deaf or told
