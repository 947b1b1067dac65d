"""The attacker wants a signature, a permit or a dataset token to mean more than its owner meant."""

from __future__ import annotations

import pytest
from brownie import MockWallet, chain
from eth_account import Account
from plays import BOND, FINE, HONEST
from stage import (
    FLOOR,
    GUARANTEE,
    MANIFEST,
    NO_PERMIT,
    NOBODY,
    PRICE,
    REWARD,
    RIGHT,
    WRONG,
    digest,
    now,
    reverts,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the curve: s and its complement open the same signature."""


def open_with(play, offer: dict, signature: bytes):
    return play.market.openJob(tuple(offer.values()), signature, play.terms(), NO_PERMIT, play.by("buyer"))


def permit(play, name: str, value: int) -> tuple:
    """An ERC-2612 permit of somebody whose key is known."""
    account = play.people[name]
    fields = {
        "owner": "address",
        "spender": "address",
        "value": "uint256",
        "nonce": "uint256",
        "deadline": "uint256",
    }
    values = (account.address, play.stake.address, value, play.token.nonces(account), now() + 100_000)
    typed = {
        "domain": {
            "name": "Mock Dollar", "version": "1", "chainId": chain.id, "verifyingContract": play.token.address,
        },
        "primaryType": "Permit",
        "types": {"Permit": [{"name": name, "type": kind} for name, kind in fields.items()]},
        "message": dict(zip(fields, values, strict=True)),
    }  # fmt: skip
    signed = Account.sign_typed_data(account.private_key, full_message=typed)
    return (value, values[-1], signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))


def test_uses_the_owners_permit_first_to_stop_its_challenge(play):
    play.token.approve(play.stake, 0, play.by("owner"))
    play.stake.withdraw(990 * 10**6, play.people["owner"], play.by("owner"))
    job = play.committed([("ann", WRONG)])
    play.name(job, WRONG)
    given = permit(play, "owner", BOND[1])
    play.token.permit(play.people["owner"], play.stake, *given, play.by("stranger"))
    play.accuse(job, "owner", RIGHT, given)
    play.court(job, cai=[RIGHT] * 7)
    play.decided(job)
    play.release(job)
    play.ends(buyer=-PRICE, payee=PRICE, ann=-BOND[1], owner=FINE[1], cai=7 * REWARD, burnt=REWARD)


def test_opens_a_second_job_with_the_same_signature_in_another_form(play):
    offer = play.offer(maxUses=1)
    low = play.sign(offer)
    s = int.from_bytes(low[32:64], "big")
    high = low[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - low[64]])
    compact = low[:32] + (s | (low[64] - 27) << 255).to_bytes(32, "big")
    for form in (high, compact):
        with reverts("SignatureInvalid", str(play.people["owner"])):
            open_with(play, offer, form)
    job = play.committed([("ann", RIGHT)], maxUses=1, expiry=offer["expiry"])
    for form in (low, high, compact):
        with reverts("OfferUsedUp", bytes(play.market.offerDigestOf(tuple(offer.values())))):
            open_with(play, offer, form)
    play.finish(job)
    play.ends(**HONEST)


def test_sells_by_a_contract_wallet_that_then_changes_its_mind(play):
    wallet = play.people["stranger"].deploy(MockWallet)
    stranger = play.by("stranger")
    wallet.call(play.market, play.market.listDataset.encode_input(MANIFEST, 10**6, 1), stranger)
    offer = play.offer(dataset=2, guarantee=0)
    open_with(play, offer, b"consent")
    for answer in (1, 2, 3, 4, 5):  # refuses, reverts, answers too short, burns all gas, answers too long
        wallet.set(answer, stranger)
        with reverts("SignatureInvalid", wallet.address):
            open_with(play, offer, b"consent")
    play.draw(1)
    play.sit(1, "ann")
    play.seal(1, 1, {0: RIGHT})
    play.name(1)
    play.finalize(1)
    wallet.call(play.market, play.market.release.encode_input(1, digest("sealed"), b"key"), stranger)
    play.ends(**HONEST)


def test_changes_what_is_sold_between_signing_and_opening(play):
    old = play.offer()
    signature = play.sign(old)
    other = digest("a table of noise")
    play.market.updateManifest(1, other, play.by("owner"))
    with reverts("ManifestChanged", other):
        open_with(play, old, signature)
    with reverts("SignatureInvalid", str(play.people["owner"])):
        open_with(play, old | {"manifest": other}, signature)
    with reverts("SignatureInvalid", str(play.people["owner"])):
        open_with(play, old | {"manifest": other, "price": 2 * PRICE}, signature)
    play.finish(play.committed([("ann", RIGHT)], manifest=other))  # what the buyer read and chose
    play.ends(**HONEST)


def test_buys_the_dataset_back_to_revive_old_offers(play):
    owner, stranger = play.people["owner"], play.people["stranger"]
    offer = play.offer()
    signature = play.sign(offer)
    play.market.transferFrom(owner, stranger, 1, play.by("owner"))
    with reverts("EpochOver", 1):
        open_with(play, offer, signature)
    play.market.transferFrom(stranger, owner, 1, play.by("stranger"))
    with reverts("EpochOver", 2):
        open_with(play, offer, signature)
    play.finish(play.committed([("ann", RIGHT)], epoch=2))
    play.ends(**HONEST)


@pytest.mark.parametrize("step", ["open", "sat", "committed", "proposed", "settled"])
def test_sells_the_dataset_while_a_job_runs(play, step):
    def sells_after(done: str) -> None:
        if done == step:
            play.market.transferFrom(play.people["owner"], play.people["stranger"], 1, play.by("owner"))

    job = play.open()
    sells_after("open")
    play.draw(job)
    play.sit(job, "ann")
    sells_after("sat")
    play.seal(job, 1, {0: RIGHT})
    sells_after("committed")
    play.name(job)
    sells_after("proposed")
    play.finalize(job)
    sells_after("settled")
    assert play.market.ownerOf(1) == play.people["stranger"]
    play.release(job)  # by whoever locked the guarantee and holds the key
    play.ends(**HONEST)


def test_buys_the_dataset_to_be_paid_for_jobs_that_run(play):
    stranger = play.people["stranger"]
    job = play.settled("ann", payee=NOBODY)
    play.market.transferFrom(play.people["owner"], stranger, 1, play.by("owner"))
    with reverts("CallerNotOwner", str(stranger), str(play.people["owner"])):
        play.market.release(job, digest("sealed"), b"key", play.by("stranger"))
    with reverts("RefundTooEarly", play.deadline(job), now()):
        play.market.refund(job, play.by("stranger"))  # cannot decline either
    assert play.stake.ledgerOf(job)[1] == PRICE + GUARANTEE
    play.release(job)
    play.ends(buyer=-PRICE - FLOOR, owner=PRICE, ann=FLOOR)
