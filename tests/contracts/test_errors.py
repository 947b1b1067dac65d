"""Each requirement is one error, and each error has a test."""

from __future__ import annotations

from pathlib import Path

import pytest
from brownie import interface

TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
ERRORS = {
    entry["name"]
    for specification in (interface.IDataMarket, interface.IProviderStake)
    for entry in specification.abi
    if entry["type"] == "error"
}


@pytest.mark.parametrize("error", sorted(ERRORS))
def test_every_error_of_the_specification_has_a_test(error):
    assert f'reverts("{error}"' in TESTS


def test_every_error_is_named_in_the_requirements_of_the_specification():
    folder = Path(__file__).parents[2] / "contracts" / "interfaces"
    text = "\n".join(path.read_text() for path in folder.glob("*.sol"))
    constructors = {"AddressZero", "UnitZero", "ExitZero", "StakeMismatch", "BoundsInvalid"}
    assert {error for error in ERRORS if f"{{{error}}}" not in text} <= constructors
