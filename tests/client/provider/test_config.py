"""The annotated file is a working one, and a wrong one is named by its line or setting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hexchange.circuit.costs import COSTS
from hexchange.circuit.editions import EDITIONS
from hexchange.errors import ConfigInvalid, ProviderNotSetUp
from hexchange.provider import config


def test_the_annotated_file_is_valid_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "provider" / "provider.toml"
    assert config.write_template(path)
    loaded = config.load(path)
    assert loaded.memory_bytes == loaded.memory << 30
    assert loaded.editions == list(EDITIONS)
    path.write_text(path.read_text().replace("parallel = 1", "parallel = 2"))
    assert not config.write_template(path)
    assert config.load(path).parallel == 2


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("parallel = 1", "parallel = 0", "parallel"),
        ("memory = 4", 'memory = "4"', "memory"),
        ('minimum_reward = "0"', 'minimum_reward = "-1"', "minimum_reward"),
        ("disk = 20", "disk = 20\ndisc = 20", "disc"),
        ("disk = 20", "disk = ", "TOML"),
        ("disk = 20\n", "", "disk"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    path = tmp_path / "provider.toml"
    path.write_text(config.TEMPLATE.replace(old, new))
    with pytest.raises(ConfigInvalid, match=named) as caught:
        config.load(path)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_without_a_file_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderNotSetUp) as caught:
        config.load(tmp_path / "provider.toml")
    assert "provider init" in caught.value.hint


def test_what_was_measured_is_kept_and_without_it_the_defaults_hold(tmp_path: Path) -> None:
    path = tmp_path / "provider" / config.COSTS_FILE
    assert config.load_costs(path) == COSTS
    config.write_costs(path, replace(COSTS, add=2e-9))
    config.write_costs(path, replace(COSTS, add=3e-9))
    assert config.load_costs(path) == replace(COSTS, add=3e-9)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"add": -1.0}', '{"add": "fast"}', '{"sum": 1e-9}', '{"add": 1e999}']
)
def test_a_wrong_cost_table_is_refused_and_the_next_step_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / config.COSTS_FILE
    path.write_text(text)
    with pytest.raises(ConfigInvalid, match="no cost table") as caught:
        config.load_costs(path)
    assert "provider init" in caught.value.hint
