"""A released result on its way from the owner to one buyer: a fresh key for the bytes, the key sealed to the buyer.

The bytes are encrypted by XSalsa20-Poly1305 under a key made for this release alone; that key travels on chain,
sealed to the buyer's X25519 key (libsodium's sealed box). The bytes are public, and so is their length: documents
are padded to a size that the values do not tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.secret import SecretBox
from nacl.utils import random

from hexchange.errors import SealedForAnother

KEY_BYTES = SecretBox.KEY_SIZE
OVERHEAD_BYTES = SecretBox.NONCE_SIZE + SecretBox.MACBYTES + 1
"""By how much a ciphertext is longer than the largest document of its size; a byte ends the padding."""


@dataclass(frozen=True, slots=True)
class SealedBytes:
    """`ciphertext` goes to the content store, `sealed_key` (80 bytes) into the release on chain."""

    ciphertext: bytes
    sealed_key: bytes


def seal_result(document: bytes, size: int, result_key: bytes) -> SealedBytes:
    """Encrypt `document` so that only the holder of the X25519 key behind `result_key` (32 bytes) reads it.

    The ciphertext has the length of a document of `size` bytes, whatever is in this one. Raises ValueError for a
    longer document.
    """
    if len(document) > size:
        raise ValueError(f"the document has {len(document)} bytes, more than {size}")
    key = random(KEY_BYTES)
    return SealedBytes(
        SecretBox(key).encrypt(sodium_pad(document, size + 1)), SealedBox(PublicKey(result_key)).encrypt(key)
    )


def open_result(sealed: SealedBytes, private_key: PrivateKey) -> bytes:
    """The document. Raises SealedForAnother where the key does not fit or a byte was changed."""
    try:
        key = SealedBox(private_key).decrypt(sealed.sealed_key)
        padded = SecretBox(key).decrypt(sealed.ciphertext)
        return sodium_unpad(padded, len(padded))
    except (CryptoError, ValueError, TypeError):
        raise SealedForAnother(
            "this result does not open with your result key",
            hint="use the home folder that bought the job; its key lies in buyer/result.key",
        ) from None
