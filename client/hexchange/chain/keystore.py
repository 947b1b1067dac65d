"""Keystore files (V3 JSON of the Ethereum clients): a private key under a password.

Written with scrypt n = 2^18, r = 8, p = 1. Read in every form that cast, Brownie, Ape and geth write. A file
is foreign bytes: its size, fields and costs are bounded before a key is derived from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from eth_account import Account

from hexchange.errors import BrokenKeystore, WrongPassword

SCRYPT_N = 2**18
MAX_FILE_BYTES = 16_384
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # secp256k1
_MAX_SCRYPT_MEMORY = 2**30
_MAX_PBKDF2_ROUNDS = 10_000_000
_HEX_FIELDS = {"ciphertext": (32, 32), "mac": (32, 32), "iv": (1, 16), "salt": (1, 64)}


@dataclass(frozen=True, slots=True)
class Keyfile:
    """A well formed keystore; `address` is empty where it says none, `strong` if its costs reach ours."""

    document: dict[str, Any]
    address: str
    strong: bool


def parse_keystore(raw: bytes) -> Keyfile:
    """Read a keystore without its password. Raises BrokenKeystore."""
    if len(raw) > MAX_FILE_BYTES:
        raise _broken("it is too large")
    try:
        document = json.loads(raw)
        crypto = document.get("crypto") or document["Crypto"]
        costs, kdf = crypto["kdfparams"], crypto["kdf"]
        if document["version"] != 3 or crypto["cipher"] != "aes-128-ctr":
            raise _broken("it is no version 3 file with aes-128-ctr")
        values = {**crypto, "iv": crypto["cipherparams"]["iv"], "salt": costs["salt"]}
        for name, (least, most) in _HEX_FIELDS.items():
            if not least <= len(bytes.fromhex(values[name].removeprefix("0x"))) <= most:
                raise _broken(f"its {name} has a wrong length")
        strong = _check_costs(kdf, costs)
        address = document.get("address") or ""
        if address and len(bytes.fromhex(address.removeprefix("0x"))) != 20:
            raise _broken("its address has a wrong length")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _broken("a field is missing or malformed") from None
    return Keyfile(document, f"0x{address.removeprefix('0x').lower()}" if address else "", strong)


def _check_costs(kdf: str, costs: dict[str, Any]) -> bool:
    """Whether the costs are at least ours; refuses those that would exhaust this machine."""
    if costs["dklen"] != 32:
        raise _broken("it derives a key of another length than 32 bytes")
    if kdf == "scrypt":
        n, r, p = costs["n"], costs["r"], costs["p"]
        if not all(type(value) is int and value > 0 for value in (n, r, p)) or n & (n - 1) or n < 2:
            raise _broken("its scrypt costs are malformed")
        if 128 * n * r > _MAX_SCRYPT_MEMORY or p > 16:
            raise _broken("its scrypt costs are beyond reason")
        return bool(n >= SCRYPT_N and r >= 8)
    if kdf == "pbkdf2":
        rounds = costs["c"]
        if type(rounds) is not int or not 0 < rounds <= _MAX_PBKDF2_ROUNDS or costs["prf"] != "hmac-sha256":
            raise _broken("its pbkdf2 costs are malformed or beyond reason")
        return False
    raise _broken("its key derivation is neither scrypt nor pbkdf2")


def decrypt(keyfile: Keyfile, password: str) -> bytes:
    """The private key, 32 bytes. Raises WrongPassword, one for every wrong password, or BrokenKeystore."""
    try:
        key = bytes(Account.decrypt(keyfile.document, password))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise WrongPassword(
                "the password is wrong", hint="try again; nothing else opens this key"
            ) from None
        raise _broken("it cannot be decrypted") from None
    if not 0 < int.from_bytes(key) < _CURVE_ORDER:
        raise _broken("what it holds is no private key")
    if keyfile.address and Account.from_key(key).address.lower() != keyfile.address:
        raise _broken("its key belongs to another address than the file says")
    return key


def encrypt(key: bytes, password: str) -> bytes:
    """A keystore file of `key` (32 bytes) under `password`, scrypt n = 2^18: 0.7 to 0.9 s."""
    document = Account.encrypt(key, password, kdf="scrypt", iterations=SCRYPT_N)
    return json.dumps(document, indent=1).encode()


def _broken(why: str) -> BrokenKeystore:
    return BrokenKeystore(f"the keystore cannot be read: {why}", hint="restore the file from a copy of yours")
