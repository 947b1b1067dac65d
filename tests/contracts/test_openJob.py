"""openJob: an offer, terms and money become a job."""

from __future__ import annotations

import pytest
from brownie import MockWallet, web3
from eth_account import Account
from stage import (
    BOUNDS,
    COMPUTE,
    EPSILON,
    FILL,
    FLOOR,
    GUARANTEE,
    MANIFEST,
    NO_PERMIT,
    NOBODY,
    ONE,
    PRICE,
    RELEASE,
    REWARD,
    STATES,
    at,
    digest,
    now,
    reverts,
)

MIN_FILL, MAX_FILL, MIN_COMPUTE, MAX_COMPUTE, MIN_RELEASE, MAX_RELEASE, _ = BOUNDS
OTHER_KEY = "0x" + "22" * 32


def open_job(
    stage,
    offer: dict,
    signature: bytes | None = None,
    terms: tuple | None = None,
    by: str = "buyer",
    gas: int | None = None,
):
    return stage.market.openJob(
        tuple(offer.values()),
        signature or stage.sign(offer),
        terms or stage.terms(),
        NO_PERMIT,
        {"from": stage.people[by]} | ({"gas_limit": gas} if gas else {}),
    )


# ------------------------------------------------------------------------------------------------- the offer


def test_the_dataset_exists(stage):
    with reverts("ERC721NonexistentToken", 9):
        open_job(stage, stage.offer(dataset=9))


def test_an_offer_opens_jobs_until_the_second_before_its_expiry(stage):
    offer = stage.offer(expiry=now() + 1000)
    at(offer["expiry"] - 1)
    open_job(stage, offer)


def test_an_offer_expires(stage):
    offer = stage.offer(expiry=now() + 1000)
    at(offer["expiry"])
    with reverts("OfferExpired", offer["expiry"], offer["expiry"]):
        open_job(stage, offer)


def test_a_delisted_dataset_opens_no_jobs(stage, owner):
    stage.market.delist(1, {"from": owner})
    with reverts("Delisted", 1):
        open_job(stage, stage.offer())


def test_an_offer_for_another_manifest_opens_no_jobs(stage, owner):
    offer = stage.offer()
    stage.market.updateManifest(1, digest("new"), {"from": owner})
    with reverts("ManifestChanged", digest("new")):
        open_job(stage, offer)
    stage.market.updateManifest(1, MANIFEST, {"from": owner})
    open_job(stage, offer)


def test_an_offer_of_another_epoch_opens_no_jobs(stage, owner):
    offer = stage.offer()
    stage.market.cancelAllOffers(1, {"from": owner})
    with reverts("EpochOver", 1):
        open_job(stage, offer)
    open_job(stage, stage.offer(epoch=1))


def test_an_offer_of_a_former_holder_does_not_revive_when_it_buys_the_dataset_back(stage, owner, stranger):
    offer = stage.offer()
    stage.market.transferFrom(owner, stranger, 1, {"from": owner})
    stage.market.transferFrom(stranger, owner, 1, {"from": stranger})
    with reverts("EpochOver", 2):
        open_job(stage, offer)


def test_a_private_offer_is_for_its_buyer(stage, buyer, stranger):
    offer = stage.offer(buyer=str(buyer))
    with reverts("OfferNotForYou", str(buyer)):
        open_job(stage, offer, by="stranger")
    open_job(stage, offer)


def test_a_standing_offer_is_for_anybody(stage):
    open_job(stage, stage.offer(), by="stranger")


def test_a_cancelled_offer_opens_no_jobs(stage, owner):
    offer = stage.offer()
    open_job(stage, offer)
    stage.market.cancelOffer(tuple(offer.values()), {"from": owner})
    with reverts("OfferRevoked", bytes(stage.market.offerDigestOf(tuple(offer.values())))):
        open_job(stage, offer)


def test_an_offer_opens_as_many_jobs_as_it_says_and_a_refund_gives_none_back(stage, owner):
    offer = stage.offer(maxUses=2)
    key = stage.market.offerDigestOf(tuple(offer.values()))
    for job in (1, 2):
        open_job(stage, offer)
        stage.market.refund(job, {"from": owner})
    assert tuple(stage.market.offerUseOf(key)) == (2, False)
    with reverts("OfferUsedUp", bytes(key)):
        open_job(stage, offer)


def test_equal_offers_with_another_salt_are_counted_apart(stage):
    open_job(stage, stage.offer(maxUses=1))
    open_job(stage, stage.offer(maxUses=1, salt=digest("other")))


# ------------------------------------------------------------------------------------------------- the signature


def test_an_offer_that_another_key_signed_is_refused(stage, owner):
    offer = stage.offer()
    with reverts("SignatureInvalid", str(owner)):
        open_job(stage, offer, stage.sign(offer, OTHER_KEY))


@pytest.mark.parametrize(
    "field", ["price", "guarantee", "epsilon", "minReward", "maxReward", "expiry", "maxUses"]
)
def test_every_changed_number_voids_the_signature(stage, owner, field):
    offer = stage.offer()
    signature = stage.sign(offer)
    with reverts("SignatureInvalid", str(owner)):
        open_job(stage, offer | {field: offer[field] + 1}, signature)


def test_the_same_signature_with_a_high_s_is_refused(stage, owner):
    offer = stage.offer()
    low = stage.sign(offer)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = low[:32] + (order - int.from_bytes(low[32:64], "big")).to_bytes(32, "big") + bytes([55 - low[64]])
    with reverts("SignatureInvalid", str(owner)):
        open_job(stage, offer, high)


@pytest.mark.parametrize("size", [1, 64, 66])
def test_a_signature_of_another_length_is_refused(stage, owner, size):
    offer = stage.offer()
    with reverts("SignatureInvalid", str(owner)):
        open_job(stage, offer, (stage.sign(offer) + b"\0")[:size])


def test_a_signature_for_another_market_or_chain_is_refused(stage, owner):
    offer = stage.offer()
    for change in ({"chainId": 1}, {"verifyingContract": NOBODY}, {"version": "2"}, {"name": "Other"}):
        typed = stage.typed(offer)
        typed["domain"] |= change
        signature = bytes(Account.sign_typed_data(owner.private_key, full_message=typed).signature)
        with reverts("SignatureInvalid", str(owner)):
            open_job(stage, offer, signature)


def test_the_digest_of_an_offer_is_the_one_that_wallets_sign(stage, owner):
    offer = stage.offer()
    key = stage.market.offerDigestOf(tuple(offer.values()))
    assert Account._recover_hash(key, signature=stage.sign(offer)) == owner
    domain = stage.market.eip712Domain()
    assert list(domain[:5]) == ["0x0f", "Hexchange", "1", 31337, stage.market.address]


def wallet_with_dataset(stage, stranger):
    wallet = stranger.deploy(MockWallet)
    wallet.call(stage.market, stage.market.listDataset.encode_input(MANIFEST, 10**6, 1), {"from": stranger})
    return wallet, stage.offer(dataset=2, guarantee=0)


def test_a_contract_wallet_consents(stage, stranger):
    wallet, offer = wallet_with_dataset(stage, stranger)
    open_job(stage, offer, b"whatever it takes")
    assert stage.view(1)["job"]["owner"] == wallet


@pytest.mark.parametrize(
    "answer",
    [1, 2, 3, 4, 5],
    ids=["refuses", "reverts", "answers too short", "burns all gas", "answers too long"],
)
def test_a_contract_wallet_that_does_not_consent_opens_no_job(stage, stranger, answer):
    wallet, offer = wallet_with_dataset(stage, stranger)
    wallet.set(answer, {"from": stranger})
    with reverts("SignatureInvalid", wallet.address):
        open_job(stage, offer, b"whatever it takes")


# ------------------------------------------------------------------------------------------------- the terms


@pytest.mark.parametrize(("least", "seats", "bound"), [(0, 0, 1), (1, 0, 1), (3, 2, 3), (1, 6, 1)])
def test_seats_have_bounds(stage, least, seats, bound):
    with reverts("SeatsOutOfBounds", seats, bound, 5):
        open_job(stage, stage.offer(minSeats=least), terms=stage.terms(seats))


def test_a_buyer_does_not_pay_for_a_long_answer_of_a_contract_wallet(stage, stranger):
    wallet, offer = wallet_with_dataset(stage, stranger)
    wallet.set(5, {"from": stranger})
    # The wallet may burn its 500,000; a copy of what it answers would take as much again.
    with reverts("SignatureInvalid", wallet.address):
        open_job(stage, offer, b"whatever it takes", gas=700_000)


@pytest.mark.parametrize("seats", [1, 2, 3, 4, 5])
def test_one_to_five_seats_are_allowed(stage, seats):
    open_job(stage, stage.offer(), terms=stage.terms(seats))


@pytest.mark.parametrize(
    ("floor", "reward"),
    [(FLOOR - 1, REWARD), (REWARD + 1, REWARD), (FLOOR, REWARD + 1), (REWARD, REWARD - 1)],
    ids=["floor too low", "floor above reward", "reward too high", "reward below floor"],
)
def test_rewards_have_bounds(stage, floor, reward):
    with reverts("RewardOutOfBounds", floor, reward):
        open_job(stage, stage.offer(), terms=stage.terms(floor=floor, reward=reward))


def test_a_reward_has_a_bond_that_the_ledger_can_count(stage):
    most = (2**96 - 1) // 24
    offer = stage.offer(maxReward=2**96 - 1, price=0)
    with reverts("RewardOutOfBounds", FLOOR, most + 1):
        open_job(stage, offer, terms=stage.terms(5, reward=most + 1))
    with reverts("ERC20InsufficientBalance", str(stage.people["buyer"]), 100_000 * ONE, 5 * most):
        open_job(stage, offer, terms=stage.terms(5, reward=most))


def test_an_escrow_is_any_amount_that_the_ledger_can_count(stage):
    largest = 2**96 - 1 - 2 * REWARD
    with reverts("EscrowTooLarge", 2**96):
        open_job(stage, stage.offer(price=largest + 1), terms=stage.terms(2))
    with reverts("ERC20InsufficientBalance", str(stage.people["buyer"]), 100_000 * ONE, 2**96 - 1):
        open_job(stage, stage.offer(price=largest), terms=stage.terms(2))


def test_a_reward_is_at_least_one_unit(stage):
    with reverts("RewardOutOfBounds", 0, 0):
        open_job(stage, stage.offer(minReward=0), terms=stage.terms(floor=0, reward=0))
    open_job(stage, stage.offer(minReward=0), terms=stage.terms(floor=0, reward=1))


@pytest.mark.parametrize("fill", [FILL - 1, MAX_FILL + 1])
def test_the_fill_window_has_bounds(stage, fill):
    with reverts("FillOutOfBounds", fill, FILL, MAX_FILL):
        open_job(stage, stage.offer(), terms=stage.terms(fill=fill))


@pytest.mark.parametrize("compute", [COMPUTE - 1, MAX_COMPUTE + 1])
def test_the_compute_window_has_bounds(stage, compute):
    with reverts("ComputeOutOfBounds", compute, COMPUTE, MAX_COMPUTE):
        open_job(stage, stage.offer(), terms=stage.terms(compute=compute))


@pytest.mark.parametrize("release", [MIN_RELEASE - 1, MAX_RELEASE + 1])
def test_the_release_window_has_bounds(stage, release):
    with reverts("ReleaseOutOfBounds", release, MIN_RELEASE, MAX_RELEASE):
        open_job(stage, stage.offer(), terms=stage.terms(release=release))


def test_the_bounds_of_the_market_hold_below_those_of_an_offer(stage):
    offer = stage.offer(minFill=0, minCompute=0)
    with reverts("FillOutOfBounds", MIN_FILL - 1, MIN_FILL, MAX_FILL):
        open_job(stage, offer, terms=stage.terms(fill=MIN_FILL - 1))
    with reverts("ComputeOutOfBounds", MIN_COMPUTE - 1, MIN_COMPUTE, MAX_COMPUTE):
        open_job(stage, offer, terms=stage.terms(compute=MIN_COMPUTE - 1))
    open_job(stage, offer, terms=stage.terms(fill=MIN_FILL, compute=MIN_COMPUTE, release=MIN_RELEASE))
    open_job(stage, offer, terms=stage.terms(fill=MAX_FILL, compute=MAX_COMPUTE, release=MAX_RELEASE))


# ------------------------------------------------------------------------------------------------- the budget


def test_epsilon_is_reserved_until_the_budget_is_used_up(stage, owner):
    for _ in range(3):
        stage.open(epsilon=300_000, maxUses=9)
    with reverts("BudgetExceeded", 100_000, 300_000):
        open_job(stage, stage.offer(epsilon=300_000))
    stage.open(epsilon=100_000)
    assert stage.market.datasetOf(1).dict()["epsilon"] == {
        "limit": 1_000_000,
        "reserved": 1_000_000,
        "spent": 0,
    }
    stage.market.refund(1, {"from": owner})
    stage.open(epsilon=300_000, maxUses=9)


def test_what_is_spent_counts_against_the_budget(stage, owner):
    job = stage.settled("ann", epsilon=900_000)
    stage.market.release(job, digest("sealed"), b"", {"from": owner})
    with reverts("BudgetExceeded", 100_000, 100_001):
        open_job(stage, stage.offer(epsilon=100_001))


def test_an_offer_without_epsilon_uses_one_of_the_exact_releases(stage):
    stage.open(epsilon=0)
    stage.open(epsilon=0)
    assert stage.market.datasetOf(1).dict()["exact"] == {"limit": 2, "reserved": 2, "spent": 0}
    assert stage.market.datasetOf(1).dict()["epsilon"]["reserved"] == 0
    with reverts("BudgetExceeded", 0, 1):
        open_job(stage, stage.offer(epsilon=0))


# ------------------------------------------------------------------------------------------------- the money


def test_the_owner_must_have_the_guarantee_free(stage, owner):
    stage.stake.withdraw(1_000 * ONE - GUARANTEE + 1, owner, {"from": owner})
    with reverts("FreeBalanceTooLow", str(owner), GUARANTEE - 1, GUARANTEE):
        open_job(stage, stage.offer())


def test_the_buyer_must_have_the_escrow(stage, buyer):
    stage.token.approve(stage.stake, PRICE + REWARD - 1, {"from": buyer})
    with reverts("ERC20InsufficientAllowance", stage.stake.address, PRICE + REWARD - 1, PRICE + REWARD):
        open_job(stage, stage.offer())


def test_what_the_buyers_balance_lacks_comes_from_its_wallet(stage, buyer):
    stage.deposit(buyer, 15 * ONE)
    wallet = stage.token.balanceOf(buyer)
    open_job(stage, stage.offer(), terms=stage.terms(2))
    assert stage.token.balanceOf(buyer) == wallet - (PRICE + 2 * REWARD - 15 * ONE)
    assert stage.stake.accountOf(buyer).dict()["free"] == 0


def test_a_funded_buyer_needs_no_allowance(stage, buyer):
    stage.deposit(buyer, PRICE + REWARD)
    stage.token.approve(stage.stake, 0, {"from": buyer})
    open_job(stage, stage.offer())


def test_opening_locks_escrow_and_guarantee_and_starts_round_one(stage, owner, buyer, payee):
    before = stage.money()
    offer = stage.offer()
    terms = stage.terms(3)
    done = open_job(stage, offer, terms=terms)
    assert stage.changes(before) == {
        "buyer": -PRICE - 3 * REWARD,
        "owner": -GUARANTEE,
        "held": PRICE + 3 * REWARD + GUARANTEE,
    }
    view = stage.view(1)
    job = view["job"]
    assert STATES[job["state"]] == "Open"
    assert (job["owner"], job["buyer"], job["payee"]) == (owner, buyer, payee)
    assert (job["seats"], job["floor"], job["reward"], job["release"]) == (3, FLOOR, REWARD, RELEASE)
    assert (job["price"], job["guarantee"], job["epsilon"]) == (PRICE, GUARANTEE, EPSILON)
    assert tuple(view["ledger"].values()) == (
        stage.bond(3), PRICE + 3 * REWARD + GUARANTEE, FILL, COMPUTE, 1,
    )  # fmt: skip
    round = stage.round(1)
    assert (round["start"], round["startBlock"], round["seats"]) == (done.timestamp, done.block_number, 3)


def test_the_event_carries_everything_a_client_needs(stage, owner, buyer):
    offer = stage.offer()
    done = open_job(stage, offer)
    event = done.events["JobOpened"]
    assert event["job"] == done.return_value == 1
    assert (event["dataset"], event["buyer"], event["owner"]) == (1, buyer, owner)
    assert event["offerDigest"] == stage.market.offerDigestOf(tuple(offer.values()))
    as_hex = [web3.to_hex(v) if isinstance(v, bytes) else v for v in offer.values()]
    assert list(event["offer"].values() if hasattr(event["offer"], "values") else event["offer"]) == as_hex
    shown = [web3.to_hex(v) if isinstance(v, bytes) else v for v in stage.terms()]
    assert list(event["terms"].values() if hasattr(event["terms"], "values") else event["terms"]) == shown


def test_an_owner_that_buys_from_itself_locks_rewards_only(stage, owner):
    before = stage.money()
    stage.open(2, buyer=owner)
    assert stage.changes(before) == {"owner": -2 * REWARD, "held": 2 * REWARD}
    job = stage.view(1)["job"]
    assert (job["price"], job["guarantee"]) == (0, 0)
    assert stage.market.datasetOf(1).dict()["epsilon"]["reserved"] == 0


def test_an_owner_that_buys_from_itself_needs_no_budget(stage, owner):
    for _ in range(3):
        stage.open(epsilon=0, buyer=owner)
    assert stage.market.datasetOf(1).dict()["exact"]["reserved"] == 0
