"""Settings: flag > environment > config.toml > default, and clear words for a wrong file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hexchange import config
from hexchange.errors import ConfigInvalid


def test_a_flag_wins_over_environment_file_and_default(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('rpc_url = "http://file"\naccount = "file"\n')
    environment = {"HEXCHANGE_HOME": str(tmp_path), "ETH_RPC_URL": "http://environment"}
    settings = config.load({"rpc_url": "http://flag"}, environment)
    assert (settings.rpc_url, settings.origin["rpc_url"]) == ("http://flag", "flag")
    settings = config.load({}, environment)
    assert (settings.rpc_url, settings.origin["rpc_url"]) == ("http://environment", "ETH_RPC_URL")
    assert (settings.account, settings.origin["account"]) == ("file", "config.toml")
    assert settings.origin["store"] == "default"


def test_defaults_lie_in_the_home_folder(tmp_path: Path) -> None:
    settings = config.load({"home": str(tmp_path)}, {})
    assert settings.store == f"folder:{tmp_path}/store"
    assert settings.deployment == f"{tmp_path}/deployment.json"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rpc_url =", "not valid TOML"),
        ('colour = "red"', "unknown setting 'colour'"),
        ("account = 7", "must be text"),
    ],
)
def test_a_wrong_file_names_the_line_or_the_setting(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigInvalid, match=complaint) as caught:
        config.load({"home": str(tmp_path)}, {})
    assert caught.value.hint
    assert caught.value.exit_code == 2
