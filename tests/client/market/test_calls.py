"""`contracts/calls.json` is complete, true, and free of panics: every call in every state by every role.

To write it anew after a change of the contracts: `HEXCHANGE_WRITE_CALLS=1 pytest tests/client/market/test_calls.py`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from call_table import EFFECT, ROLES, functions, rendered, table
from market_machine import beginning
from random_market import Market
from real_market import errors, real_market

CALLS = Path(__file__).parents[3] / "contracts" / "calls.json"
STATES = {"None", "Open", "Proposed", "Escalated", "Settled", "Released", "Refunded"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table as the contracts give it now."""
    with real_market(tmp_path_factory.mktemp("chain")) as real:
        seen: Counter[tuple[str, ...]] = Counter()
        world = beginning(real, seen)
        begun = real.snapshot(), world
        text = rendered(table(type("Played", (Market,), {"real": real, "seen": seen, "begun": begun})))
    if "HEXCHANGE_WRITE_CALLS" in os.environ:
        CALLS.write_text(text)
    return text


def test_the_contracts_answer_as_the_table_says(found: str) -> None:
    assert found == CALLS.read_text()


def test_every_function_in_every_state_has_an_effect_or_a_typed_error() -> None:
    """No panic, no bare revert, no error that nobody declared, no function or role left out."""
    whole = json.loads(CALLS.read_text())
    assert whole.pop("roles") == list(ROLES)
    assert {state.split()[0].rstrip(",") for state in whole} == STATES
    declared = {EFFECT, *errors().values()}
    for state, rows in whole.items():
        assert set(rows) == {function for _, function in functions()}, state
        for function, row in rows.items():
            answers = [row] * len(ROLES) if isinstance(row, str) else row
            assert len(answers) == len(ROLES), (state, function)
            assert set(answers) <= declared, (state, function, row)


def test_nothing_happens_to_a_job_that_is_not_or_is_over() -> None:
    whole = json.loads(CALLS.read_text())
    for state, rows in whole.items():
        if state.startswith(("None", "Released", "Refunded")):
            assert EFFECT not in json.dumps(rows), state
