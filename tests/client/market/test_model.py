"""Model against machine: random courses of a market, each call told by the model before the contracts do it.

`HYPOTHESIS_STEPS` says how many transactions are sent at least, 2,000 if it is not set; each is followed by a
comparison of every getter and balance. The choices of a run of 2,000 are the same each time, those of a longer one
are random.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from market_machine import STORY, beginning
from model import RULES, Told
from random_market import Market
from real_market import RealMarket, errors, real_market

from hexchange.chain import events as on
from hexchange.chain.artifacts import artifact
from hexchange.chain.events import Outcome

INTERFACES = Path(__file__).parents[3] / "contracts" / "interfaces"
CI_STEPS, RULES_EACH, CALLS_EACH = 2000, 30, 40
STEPS = int(os.environ.get("HYPOTHESIS_STEPS", CI_STEPS))

NEVER = {
    "ArrivalDiffers": "the token takes what it says, and refuses in its own words what a wallet cannot pay",
    "DepartureDiffers": "the token gives what it says",
    "SupplyTooLarge": "there are fewer tokens",
    "EscrowTooLarge": "nobody owns so much, and the token is asked first for what the model calls too little",
}
"""Documented errors that no course of this market reaches; the forge tests reach them."""
RARE = {
    ("challenge", "ChallengeSealZero"), ("decide", "NamingOver"), ("event", "OfferCancelled"),
    ("finalize", "FinalizeTooEarly"), ("openJob", "Delisted"), ("openJob", "OfferRevoked"),
    ("outcome", "JURY_UNFILLED"), ("outcome", "RELEASE_LAPSED"), ("release", "AlreadyReleased"),
    ("release", "ReleaseOver"), ("stake", "FreeBalanceTooLow"), ("takeSeat", "StakeTooYoung"),
    ("withdraw", "FreeBalanceTooLow"),
}  # fmt: skip
"""What 2,000 steps reach by luck at most, since the chain draws seats at random, and a long run must."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMarket]:
    with real_market(tmp_path_factory.mktemp("chain")) as market:
        yield market


@pytest.fixture
def machine(real: RealMarket) -> Iterator[type[Market]]:
    """A class of machines that start from the same snapshot, and count what they reach."""
    before = real.snapshot()
    seen: Counter[tuple[str, ...]] = Counter()
    world = beginning(real, seen)
    yield type("Market", (Market,), {"real": real, "seen": seen, "begun": (real.snapshot(), world)})
    real.revert(before)


def run(machine: type[Market], steps: int) -> None:
    """Always the same course for as many steps as with every change, a new one each time for more."""
    chosen = settings(
        max_examples=steps // CALLS_EACH,
        stateful_step_count=RULES_EACH,
        derandomize=steps <= CI_STEPS,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)


def documented() -> set[tuple[str, str]]:
    """(function, error) for every error that the interfaces say a call may end with."""
    found = set[tuple[str, str]]()
    for name in ("IDataMarket", "IProviderStake"):
        comments = re.findall(
            r"((?: */// .*\n)+) *function (\w+)\(", (INTERFACES / f"{name}.sol").read_text()
        )
        for comment, function in comments:
            named = set(re.findall(r"\b[A-Z]\w+", comment)) & set(errors().values())
            found |= {(function, error) for error in named if function in RULES}
    return found


def test_every_function_has_a_rule() -> None:
    only_market = {"lock", "pay", "divide", "openRoundOne", "openRoundTwo", "closeRound"}
    changing = {
        entry["name"]
        for contract in ("DataMarket", "ProviderStake")
        for entry in artifact(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert changing - set(RULES) == only_market | {"multicall"}


def test_a_seed_is_drawn_once_in_one_transaction_too(machine: type[Market]) -> None:
    market = machine()
    market.opens(me="BUYER", kind="none", seats=1, reward=1, epsilon=0, flaw="", again=0)
    for items in ([], [], [(0, "draw", "false", 0)] * 2):
        market.does_several(me="BUYER", items=items, own=bool(items))
    market.teardown()
    assert machine.seen["event", "SeedDrawn"] == 1


def test_every_call_does_what_the_model_says(machine: type[Market]) -> None:
    run(machine, CI_STEPS)
    if STEPS > CI_STEPS:
        run(machine, STEPS)
    seen = machine.seen
    assert seen["steps",] >= STEPS, seen["steps",]
    wanted = documented() - {("challenge", "FreeBalanceTooLow")}  # what is missing is pulled from the wallet
    wanted |= {(function, "") for function in RULES}
    wanted |= {("event", name) for name in on.EVENTS}
    wanted |= {("outcome", outcome.name) for outcome in Outcome if outcome is not Outcome.NONE}
    reached = {key for key, count in seen.items() if count}
    missing = {each for each in wanted - reached if each[1] not in NEVER}
    unreached = sorted(missing - (RARE if STEPS <= CI_STEPS else set()))
    assert unreached == [], "\n".join(map(str, unreached))


def _longer(told: Told) -> Told:
    if isinstance(told, set):
        return told
    return [
        replace(each, contest_end=each.contest_end + 1) if isinstance(each, on.SeedDrawn) else each
        for each in told
    ]


def _silent(told: Told) -> Told:
    return [] if isinstance(told, list) else told


@pytest.mark.parametrize(
    ("function", "wrong"),
    [("draw", _longer), ("openJob", _silent)],
)
def test_a_wrong_rule_is_found_and_told_as_a_short_story(
    machine: type[Market], monkeypatch: pytest.MonkeyPatch, function: str, wrong: Callable[[Told], Told]
) -> None:
    """The shortest course that shows it: few calls, the last one of them the one whose rule is wrong."""
    right = RULES[function]
    monkeypatch.setitem(RULES, function, lambda *arguments: wrong(right(*arguments)))
    with pytest.raises(AssertionError) as caught:
        run(machine, CI_STEPS)
    stories = [note for note in caught.value.__notes__ if note.startswith(STORY)]
    lines = stories[-1].splitlines()
    assert function in lines[-1]
    assert len(lines) <= 12
    assert any("state = Market()" in note for note in caught.value.__notes__)
