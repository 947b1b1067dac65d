"""Offers: reviewed, signed, kept, published, withdrawn. What is not signed one by one cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_bytes

from hexchange.chain.amounts import format_amount
from hexchange.chain.contracts import Contracts
from hexchange.chain.events import ZERO_ADDRESS, Offer
from hexchange.chain.offers import offer_digest, sign_offer
from hexchange.chain.sender import Receipt, Sender
from hexchange.chain.wallet import Wallet
from hexchange.circuit.document import Circuit, circuit_digest, encode_circuit
from hexchange.errors import BudgetShort
from hexchange.market import documents
from hexchange.market.messages import Offers, SignedOffer
from hexchange.market.state import Dataset, MarketState
from hexchange.owner import policy
from hexchange.owner.budget import Ledger
from hexchange.owner.journal import Journal
from hexchange.owner.workspace import Workspace
from hexchange.storage.store import ContentStore


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """What the owner asks for. Amounts in base units, `epsilon` in millionths (0: exact), times in seconds.

    `expiry` is a block time. `buyer` zero: anybody. `payee` zero: the owner. Set `min_reward` and
    `min_compute` for the slowest honest provider and for the owner's own run, `max_reward` so that honest
    stake can bond a seat.
    """

    price: int
    max_reward: int
    expiry: int
    min_reward: int = 1
    min_seats: int = 1
    min_fill: int = 0
    min_compute: int = 0
    guarantee: int = 0
    epsilon: int = 0
    max_uses: int = 1
    buyer: str = ZERO_ADDRESS
    payee: str = ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Draft:
    """An offer that passed the policy and is not signed yet, with what its owner must see before."""

    offer: Offer
    circuit: Circuit
    review: policy.Review


def draft_offer(workspace: Workspace, dataset: Dataset, circuit: Circuit, terms: OfferTerms) -> Draft:
    """An offer of `circuit` over a listed table. Raises PolicyRefused and its kin, and BudgetShort."""
    review = policy.review(circuit, workspace.manifest, terms.epsilon)
    own = terms.buyer == dataset.owner  # then nothing is released, so no budget is used
    if not own and (terms.epsilon > dataset.epsilon_left or (not terms.epsilon and dataset.exact_left < 1)):
        left = format_amount(dataset.epsilon_left, 6)
        raise BudgetShort(
            f"dataset {dataset.id} has ε {left} and {dataset.exact_left} exact releases left",
            hint="budgets are fixed for good when a dataset is listed",
        )
    offer = Offer(
        dataset=dataset.id, epoch=dataset.epoch, manifest=workspace.manifest_digest,
        circuit=circuit_digest(circuit), buyer=terms.buyer, payee=terms.payee, price=terms.price,
        guarantee=terms.guarantee, epsilon=terms.epsilon, min_seats=terms.min_seats,
        min_reward=terms.min_reward, max_reward=terms.max_reward, min_fill=terms.min_fill,
        min_compute=terms.min_compute, expiry=terms.expiry, max_uses=terms.max_uses, salt=token_bytes(32),
    )  # fmt: skip
    return Draft(offer, circuit, review)


def sign_draft(
    draft: Draft, wallet: Wallet, contracts: Contracts, journal: Journal, store: ContentStore
) -> SignedOffer:
    """Put the circuit in the store and sign; kept here before the signature is given away.

    An offer with the same terms that was signed and not published yet is given again instead of a second one.
    """
    chain, market = contracts.chain_id, contracts.deployment.market
    store.put_block(encode_circuit(draft.circuit))
    for signed in journal.unpublished():
        if replace(signed.offer, salt=draft.offer.salt, expiry=draft.offer.expiry) == draft.offer:
            return signed
    signed = SignedOffer(draft.offer, sign_offer(wallet, draft.offer, chain, market))
    journal.keep_offer(offer_digest(draft.offer, chain, market), signed)
    return signed


def publish_offers(
    offers: Sequence[SignedOffer], contracts: Contracts, sender: Sender, journal: Journal, store: ContentStore
) -> Receipt:
    """Announce signed offers of one dataset, once."""
    document = documents.encode(Offers(tuple(offers)))
    digest = store.put_block(document)
    dataset = offers[0].offer.dataset
    receipt = sender.send(
        f"publish:{dataset}:{digest.hex()}", contracts.calls.publish_offers(dataset, digest)
    )
    for signed in offers:
        journal.published(offer_digest(signed.offer, contracts.chain_id, contracts.deployment.market))
    return receipt


def cancel_offer(offer: Offer, contracts: Contracts, sender: Sender) -> Receipt:
    """Withdraw one offer for good; open jobs are not touched."""
    digest = offer_digest(offer, contracts.chain_id, contracts.deployment.market)
    return sender.send(f"cancel:{digest.hex()}", contracts.calls.cancel_offer(offer))


def cancel_all_offers(dataset: Dataset, contracts: Contracts, sender: Sender) -> Receipt:
    """Withdraw every offer that was signed so far for a dataset."""
    return sender.send(
        f"cancel-all:{dataset.id}:{dataset.epoch}", contracts.calls.cancel_all_offers(dataset.id)
    )


def uncovered(journal: Journal, ledger: Ledger, state: MarketState, now: int) -> list[tuple[bytes, Offer]]:
    """Offers that the chain would still open and the own ledger does not cover: digest and offer.

    The ledger is ahead of the chain where a debited release never landed.
    """
    found = []
    for digest, signed in journal.offers().items():
        offer, use = signed.offer, state.offer(digest)
        dataset = state.datasets.get(offer.dataset)
        if dataset is None or use.cancelled or use.uses >= offer.max_uses or now >= offer.expiry:
            continue
        if (offer.epoch, offer.manifest) != (dataset.epoch, dataset.manifest) or dataset.delisted:
            continue
        spent = ledger.spent(dataset.id)
        short = (
            offer.epsilon > dataset.epsilon_budget - spent.epsilon
            if offer.epsilon
            else spent.exact >= dataset.exact_releases
        )
        opens = offer.epsilon <= dataset.epsilon_left if offer.epsilon else dataset.exact_left > 0
        if short and opens:
            found.append((digest, offer))
    return found
