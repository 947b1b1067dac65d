"""setRoyalty, and what ERC-2981 tells a place where datasets are resold."""

from __future__ import annotations

import pytest
from stage import NOBODY, ONE, reverts

MOST = 1_000


def test_only_the_owner_sets_a_royalty(stage, owner, stranger):
    with reverts("CallerNotOwner", str(stranger), str(owner)):
        stage.market.setRoyalty(1, stranger, 100, {"from": stranger})


def test_a_royalty_is_at_most_a_tenth(stage, owner, payee):
    with reverts("RoyaltyTooHigh", MOST + 1, MOST):
        stage.market.setRoyalty(1, payee, MOST + 1, {"from": owner})
    stage.market.setRoyalty(1, payee, MOST, {"from": owner})
    assert tuple(stage.market.royaltyInfo(1, 19)) == (payee, 1)


def test_a_dataset_has_no_royalty_until_its_holder_sets_one(stage):
    assert tuple(stage.market.royaltyInfo(1, ONE)) == (NOBODY, 0)
    assert tuple(stage.market.royaltyInfo(9, ONE)) == (NOBODY, 0)


def test_a_royalty_is_announced(stage, owner, payee):
    done = stage.market.setRoyalty(1, payee, 250, {"from": owner})
    assert dict(done.events["RoyaltySet"]) == {"dataset": 1, "receiver": payee, "basisPoints": 250}
    assert tuple(stage.market.royaltyInfo(1, 100 * ONE)) == (payee, 2_500_000)


def test_without_a_receiver_it_is_the_holder(stage, owner):
    done = stage.market.setRoyalty(1, NOBODY, 100, {"from": owner})
    assert done.events["RoyaltySet"]["receiver"] == owner
    assert tuple(stage.market.royaltyInfo(1, 100)) == (owner, 1)


def test_zero_basis_points_end_it(stage, owner, payee):
    stage.market.setRoyalty(1, payee, 250, {"from": owner})
    stage.market.setRoyalty(1, payee, 0, {"from": owner})
    assert stage.market.royaltyInfo(1, 100 * ONE)[1] == 0


def test_a_royalty_survives_a_transfer_until_the_new_holder_changes_it(stage, owner, stranger, payee):
    stage.market.setRoyalty(1, payee, 250, {"from": owner})
    stage.market.transferFrom(owner, stranger, 1, {"from": owner})
    assert tuple(stage.market.royaltyInfo(1, 100 * ONE)) == (payee, 2_500_000)
    with reverts("CallerNotOwner", str(owner), str(stranger)):
        stage.market.setRoyalty(1, owner, 250, {"from": owner})
    stage.market.setRoyalty(1, NOBODY, 0, {"from": stranger})
    assert stage.market.royaltyInfo(1, 100 * ONE)[1] == 0


def test_a_royalty_moves_no_money_here(stage, owner, payee):
    stage.market.setRoyalty(1, payee, MOST, {"from": owner})
    before = stage.money()
    stage.market.transferFrom(owner, payee, 1, {"from": owner})
    assert stage.changes(before) == {}


@pytest.mark.parametrize("dataset", [2, 2**256 - 1])
def test_what_is_not_listed_has_no_royalty_to_set(stage, owner, dataset):
    with reverts("ERC721NonexistentToken", dataset):
        stage.market.setRoyalty(dataset, owner, 1, {"from": owner})
