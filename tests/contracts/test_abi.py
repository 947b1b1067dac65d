"""What the Python package ships is what the contracts compile to, and it fits on a chain."""

from __future__ import annotations

import json

import pytest

import build_abi


def test_the_shipped_abi_and_bytecode_are_fresh_and_fit_on_a_chain():
    build_abi.main(check=True)


def test_a_stale_file_is_found(tmp_path, monkeypatch):
    for contract in build_abi.CONTRACTS:
        (tmp_path / f"{contract}.json").write_bytes((build_abi.SHIPPED / f"{contract}.json").read_bytes())
    path = tmp_path / "DataMarket.json"
    path.write_text(path.read_text().replace('"openJob"', '"open"'))
    monkeypatch.setattr(build_abi, "SHIPPED", tmp_path)
    with pytest.raises(SystemExit, match="stale"):
        build_abi.main(check=True)


@pytest.mark.parametrize("contract", ["DataMarket", "ProviderStake"])
def test_too_much_code_is_refused(monkeypatch, contract):
    build_abi.main(check=True)
    size = json.loads((build_abi.SHIPPED / f"{contract}.json").read_text())["deployedSize"]
    monkeypatch.setattr(build_abi, "CODE_LIMIT", size)
    with pytest.raises(SystemExit, match="a chain takes less"):
        build_abi.artifact(contract)
