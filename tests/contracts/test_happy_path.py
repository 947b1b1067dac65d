"""The whole life of a job, from listing to withdrawal, and what it cost everybody."""

from __future__ import annotations

import pytest
from brownie import chain
from stage import (
    EXIT,
    FLOOR,
    NO_PERMIT,
    ONE,
    PRICE,
    RIGHT,
    ZERO,
    at,
    digest,
)

CEILING_ONE_SEAT = 700_000
CEILING_FURTHER_SEAT = 155_000


class Life:
    """Runs a job as separate transactions and writes down the gas of each."""

    def __init__(self, stage):
        self.stage = stage
        self.gas = {}

    def step(self, name: str, function, *arguments, by: str):
        done = function(*arguments, {"from": self.stage.people[by]})
        self.gas.setdefault(name, []).append(done.gas_used)
        return done

    def run(self, seats: int) -> None:
        stage, step = self.stage, self.step
        offer = stage.offer()
        opening = (tuple(offer.values()), stage.sign(offer), stage.terms(seats), NO_PERMIT)
        job = step("openJob", stage.market.openJob, *opening, by="buyer").return_value
        chain.mine(1)
        step("draw", stage.stake.draw, job, by="ann")
        names = ("ann", "bob", "cai", "ann", "bob")[:seats]
        for index, name in enumerate(names):
            step("takeSeat", stage.stake.takeSeat, job, index, by=name)
        at(stage.round(job)["contestEnd"])
        for index, name in enumerate(names):
            seal = stage.seal_of(job, 1, index, str(stage.people[name]), RIGHT, ZERO)
            step("commit", stage.stake.commit, job, index, seal, by=name)
        step("settle", stage.market.settle, job, RIGHT, by="ann")
        at(stage.deadline(job))
        step("finalize", stage.market.finalize, job, by="ann")
        step("release", stage.market.release, job, digest("sealed"), b"k" * 80, by="owner")

    def total(self) -> int:
        return sum(map(sum, self.gas.values()))


@pytest.fixture
def life(stage):
    return Life(stage)


@pytest.fixture
def funded(stage, buyer, payee):
    """Accounts that were used before: a buyer and a payee with free balance, providers that were paid once."""
    stage.deposit(buyer, 1_000 * ONE)
    for name in ("ann", "bob", "cai", "payee"):
        stage.deposit(stage.people[name], ONE)
    return stage


def test_the_whole_life_of_a_job_ends_in_a_table_of_what_it_cost_everybody(stage, life, ann):
    before = stage.money()
    life.run(3)
    changes = {name: value - before[name] for name, value in stage.money().items()}
    print("\n  participant    change")
    for name, change in changes.items():
        print(f"  {name:<12} {change / ONE:>+8.2f}")
    expected = {
        "buyer": -PRICE - 3 * FLOOR,
        "payee": PRICE,
        "ann": FLOOR,
        "bob": FLOOR,
        "cai": FLOOR,
    }
    assert changes == {name: expected.get(name, 0) for name in before}
    assert stage.state(1) == "Released"


def test_everybody_can_take_home_all_they_have(stage, life):
    life.run(1)
    for name in ("ann", "bob", "cai"):
        stage.stake.unstake(stage.stake.accountOf(stage.people[name])[0], {"from": stage.people[name]})
    at(chain[-1].timestamp + EXIT)
    for name in ("ann", "bob", "cai"):
        stage.stake.collect({"from": stage.people[name]})
    for account in stage.people.values():
        stage.stake.withdraw(stage.stake.accountOf(account)[3], account, {"from": account})
    assert stage.token.balanceOf(stage.stake) == stage.stake.burnt() == 0


def test_a_job_of_one_seat_stays_below_its_ceiling(funded, life):
    life.run(1)
    print("\n  gas of each call, one seat")
    for name, gas in life.gas.items():
        print(f"  {name:<10} {gas[0]:>8,}")
    print(f"  {'in all':<10} {life.total():>8,}")
    assert life.total() <= CEILING_ONE_SEAT


def test_each_further_seat_stays_below_its_ceiling(funded):
    totals = []
    for seats in (1, 3, 5):
        life = Life(funded)
        life.run(seats)
        totals.append(life.total())
        print(f"\n  {seats} seats: {life.total():,} gas", life.gas)
    assert totals[1] - totals[0] <= 2 * CEILING_FURTHER_SEAT
    assert totals[2] - totals[0] <= 4 * CEILING_FURTHER_SEAT
