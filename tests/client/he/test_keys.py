"""Keys: the secret one stays secret, each public one is exactly the declared one."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import numpy as np
import pytest
import zstandard

from hexchange.circuit.editions import STATS
from hexchange.circuit.program import Shape
from hexchange.errors import BrokenSecretKey, MalformedBlob
from hexchange.he import keys
from hexchange.he.canonical import from_seeded
from hexchange.he.encryption import Encryption
from hexchange.he.library import HEADER, header, sealapi


def _decrypted(secret: keys.SecretKey, ciphertext: object) -> np.ndarray:
    plaintext = sealapi.Plaintext()
    secret.decryptor().decrypt(ciphertext, plaintext)
    return np.array(secret.engine.encoder.decode_double(plaintext))


def _body(blob: bytes) -> bytearray:
    return bytearray(zstandard.ZstdDecompressor().decompressobj().decompress(blob[HEADER:]))


def test_a_key_file_is_private_and_opens_what_the_key_encrypted(
    linear: keys.SecretKey, fresh: Shape, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    linear.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = keys.SecretKey.read(linear.engine.parameters, path)
    ciphertext = from_seeded(linear.engine, Encryption(linear).encrypt(np.array([0.5, -1.0])), fresh)
    assert _decrypted(again, ciphertext)[:2] == pytest.approx([0.5, -1.0], abs=1e-5)


def test_a_key_file_is_never_replaced(linear: keys.SecretKey, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    linear.write(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        keys.SecretKey.generate(linear.engine.parameters).write(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_backup_restores_the_key(linear: keys.SecretKey) -> None:
    again = keys.SecretKey.from_bytes(linear.engine.parameters, linear.to_bytes())
    assert _body(again.to_bytes()) == _body(linear.to_bytes())


def test_a_damaged_or_foreign_key_file_is_refused_without_showing_it(
    linear: keys.SecretKey, tmp_path: Path
) -> None:
    data = linear.to_bytes()
    for broken in (data[:-1], data + b"\0", b"", bytes(len(data))):
        with pytest.raises(BrokenSecretKey) as refusal:
            keys.SecretKey.from_bytes(linear.engine.parameters, broken)
        assert "backup" in refusal.value.hint
        assert refusal.value.__cause__ is None
    with pytest.raises(BrokenSecretKey):
        keys.SecretKey.from_bytes(STATS.parameters, data)
    with pytest.raises(BrokenSecretKey):
        keys.SecretKey.read(STATS.parameters, tmp_path / "missing")


def test_a_secret_key_shows_nothing_and_does_not_travel(linear: keys.SecretKey) -> None:
    assert repr(linear) == "<SecretKey of edition linear>"
    with pytest.raises(TypeError):
        pickle.dumps(linear)


@pytest.mark.parametrize("step", [1, 5, 64, 4095])
def test_a_rotation_key_rotates_by_its_own_step(stats: keys.SecretKey, step: int) -> None:
    engine, values = stats.engine, np.linspace(-1, 1, stats.engine.parameters.slots)
    loaded = keys.load_rotation_key(engine, step, keys.make_rotation_key(stats, step))
    shape = Shape(2, engine.top, engine.parameters.scale)
    turned = sealapi.Ciphertext()
    fresh = from_seeded(engine, Encryption(stats).encrypt(values), shape)
    engine.evaluator.rotate_vector(fresh, step, loaded, turned)
    assert np.max(np.abs(_decrypted(stats, turned) - np.roll(values, -step))) < 1e-6


def test_a_key_of_another_kind_or_step_is_refused(stats: keys.SecretKey) -> None:
    engine, relin, rotation = stats.engine, keys.make_relin_key(stats), keys.make_rotation_key(stats, 4)
    with pytest.raises(MalformedBlob):
        keys.load_relin_key(engine, rotation)
    with pytest.raises(MalformedBlob):
        keys.load_rotation_key(engine, 4, relin)
    with pytest.raises(MalformedBlob):
        keys.load_rotation_key(engine, 16, rotation)


def test_a_key_of_another_edition_is_refused(stats: keys.SecretKey, linear: keys.SecretKey) -> None:
    with pytest.raises(MalformedBlob):
        keys.load_relin_key(linear.engine, keys.make_relin_key(stats))


@pytest.mark.parametrize("where", ["parameters", "count", "scale of a part", "end", "residue"])
def test_a_changed_key_is_refused(stats: keys.SecretKey, where: str) -> None:
    body = _body(keys.make_rotation_key(stats, 4))
    first = body.index(header(0)[:5], 32)
    if where == "residue":
        body[first + 16 + 97 : first + 16 + 105] = b"\xff" * 8
    else:
        at = {"parameters": 0, "count": 32, "scale of a part": first + 16 + 57, "end": len(body) - 1}[where]
        body[at] ^= 1
    with pytest.raises(MalformedBlob):
        keys.load_rotation_key(stats.engine, 4, header(len(body)) + bytes(body))


def test_public_blobs_do_not_hold_the_secret_polynomial(stats: keys.SecretKey) -> None:
    secret = bytes(_body(stats.to_bytes()))[-8 * stats.engine.parameters.degree * 3 :]
    for blob in (
        keys.make_relin_key(stats),
        keys.make_rotation_key(stats, 4),
        Encryption(stats).encrypt(np.ones(3)),
    ):
        body = bytes(_body(blob))
        for start in range(0, len(secret), len(secret) // 12):
            assert secret[start : start + 64] not in body
