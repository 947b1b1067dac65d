"""Keystores: those of other tools open, ours are strong and never overwritten, and no key ever shows."""

from __future__ import annotations

import json
import pickle
import shutil
import stat
from pathlib import Path

import pytest
from eth_account import Account as EthAccount

from hexchange.chain.keystore import SCRYPT_N, decrypt, parse_keystore
from hexchange.chain.wallet import Keystores, Wallet, foreign_accounts
from hexchange.errors import (
    AccountExists,
    AccountNotFound,
    BadAccountName,
    BrokenKeystore,
    PasswordMissing,
    WrongPassword,
)

FILES = Path(__file__).parent / "keystores"
KEY = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
PASSWORD = "correct horse"
PLACES = {
    "cast": ".foundry/keystores/alice",
    "brownie": ".brownie/accounts/alice.json",
    "geth": ".ethereum/keystore/UTC--2026-01-01T00-00-00.000000000Z--70997970c51812dc3a01",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home folder in which each tool wrote one keystore of the same key."""
    for tool, place in PLACES.items():
        (tmp_path / place).parent.mkdir(parents=True)
        shutil.copy(FILES / f"{tool}.json", tmp_path / place)
    return tmp_path


def test_keystores_of_other_tools_are_found_and_not_touched(home: Path) -> None:
    found = {each.origin: each for each in foreign_accounts(home)}
    assert set(found) == set(PLACES)
    assert found["geth"].address == found["brownie"].address == ADDRESS
    assert found["cast"].address == ""


@pytest.mark.parametrize("tool", PLACES)
def test_a_keystore_of_another_tool_opens_and_is_kept_at_our_cost(tool: str, home: Path) -> None:
    keystores = Keystores(home / "ours")
    account = keystores.import_file(home / PLACES[tool], "alice", lambda: PASSWORD)
    assert account.address == ADDRESS
    kept = parse_keystore(account.path.read_bytes())
    assert kept.strong
    assert kept.document["crypto"]["kdfparams"]["n"] == SCRYPT_N
    assert keystores.unlock("alice", lambda: PASSWORD).address == ADDRESS


def test_a_pbkdf2_keystore_opens() -> None:
    document = EthAccount.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=1000)
    keyfile = parse_keystore(json.dumps(document).encode())
    assert decrypt(keyfile, PASSWORD) == KEY
    assert not keyfile.strong


def test_a_new_account_is_private_and_is_never_overwritten(tmp_path: Path) -> None:
    keystores = Keystores(tmp_path / "keys")
    account = keystores.new("alice", lambda: PASSWORD)
    assert stat.S_IMODE(account.path.stat().st_mode) == 0o600
    before = account.path.read_bytes()
    with pytest.raises(AccountExists):
        keystores.new("alice", lambda: "another")
    assert account.path.read_bytes() == before
    assert [each.name for each in account.path.parent.iterdir()] == ["alice.json"]


def test_a_new_account_needs_a_password(tmp_path: Path) -> None:
    with pytest.raises(PasswordMissing):
        Keystores(tmp_path).new("alice", lambda: "")
    assert list(tmp_path.iterdir()) == []


def test_every_wrong_password_gives_one_and_the_same_error() -> None:
    keyfile = parse_keystore((FILES / "geth.json").read_bytes())
    seen = set()
    for wrong in ("", "correct hors", "correct horse ", "\x00", "пароль"):
        with pytest.raises(WrongPassword) as caught:
            decrypt(keyfile, wrong)
        seen.add((caught.value.message, caught.value.hint))
        assert caught.value.__cause__ is None
    assert len(seen) == 1


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../alice", "", ".alice", "a/b", "a" * 65):
        with pytest.raises(BadAccountName):
            Keystores(tmp_path).new(name, lambda: PASSWORD)


def test_an_account_is_found_by_name_by_address_or_as_the_only_one(home: Path) -> None:
    keystores = Keystores(home / "ours")
    with pytest.raises(AccountNotFound, match="no account yet"):
        keystores.find("")
    keystores.folder.mkdir()
    for name in ("alice", "bob"):
        shutil.copy(FILES / "geth.json", keystores.folder / f"{name}.json")
    assert keystores.find("bob").name == "bob"
    assert keystores.find(ADDRESS.lower()).name == "alice"
    with pytest.raises(AccountNotFound, match="several"):
        keystores.find("")
    (keystores.folder / "bob.json").unlink()
    assert keystores.find("").name == "alice"


def broken(**changes: object) -> bytes:
    document = json.loads((FILES / "geth.json").read_bytes())
    for path, value in changes.items():
        place = document
        *outer, last = path.split("__")
        for name in outer:
            place = place[name]
        place[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b'"crypto"', b"{}", b"\xff\xfe", b"[" * 10_000, b" " * 20_000,
        broken(version=4), broken(address="12"), broken(crypto=None), broken(crypto__cipher="aes-256"),
        broken(crypto__mac="zz"), broken(crypto__mac="00"), broken(crypto__ciphertext="00" * 33),
        broken(crypto__kdf="none"), broken(crypto__kdf=[]), broken(crypto__kdfparams__n=2**40),
        broken(crypto__kdfparams__n=3), broken(crypto__kdfparams__n="8192"),
        broken(crypto__kdfparams__r=2**30),
        broken(crypto__kdfparams__p=10**9), broken(crypto__kdfparams__dklen=2**30),
        broken(crypto__kdfparams__salt=None), broken(crypto__cipherparams__iv=""),
    ],
)  # fmt: skip
def test_a_broken_keystore_is_refused_before_a_key_is_derived(raw: bytes, tmp_path: Path) -> None:
    with pytest.raises(BrokenKeystore, match="cannot be read"):
        parse_keystore(raw)
    (tmp_path / "broken.json").write_bytes(raw)
    with pytest.raises(BrokenKeystore):
        Keystores(tmp_path).unlock("broken", lambda: PASSWORD)
    assert Keystores(tmp_path).accounts()[0].address == ""


def test_a_keystore_that_lies_about_its_address_is_refused() -> None:
    keyfile = parse_keystore(broken(address="00" * 20))
    with pytest.raises(BrokenKeystore, match="another address"):
        decrypt(keyfile, PASSWORD)


def test_a_wallet_shows_its_address_and_never_its_key() -> None:
    wallet = Wallet(KEY)
    for shown in (repr(wallet), str(wallet), f"{wallet!r:>80}"):
        assert ADDRESS in shown
        assert KEY.hex() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(wallet)
