"""The edge to SEAL: its objects in and out as bytes, in the one file format we accept.

SEAL reads and writes files only, so objects pass through an anonymous file in memory (where the system
has none: through a private temporary file). A file is a 16-byte header and a body; bodies are inflated
here, under a cap that the caller knows beforehand, so that SEAL never sees a stranger's compressed
stream.
"""

from __future__ import annotations

import io
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zstandard
from tenseal import sealapi

from hexchange.errors import ForeignEngine, MalformedBlob

MAGIC = 0xA15E
VERSION = (4, 3)
HEADER = 16
PLAIN, ZSTD = 0, 2
_HEADER = struct.Struct("<HBBBBHQ")
_LARGEST_WINDOW = 1 << 23

__all__ = [
    "HEADER",
    "VERSION",
    "check_library",
    "file_cap",
    "header",
    "inflate",
    "load",
    "malformed",
    "save",
    "sealapi",
]


def malformed(text: str) -> MalformedBlob:
    """The error for a stranger's object that is not what it must be."""
    return MalformedBlob(text, hint="Fetch it again; if it stays so, its publisher is at fault.")


def header(body_length: int) -> bytes:
    """The header of an uncompressed file whose body has `body_length` bytes."""
    return _HEADER.pack(MAGIC, HEADER, *VERSION, PLAIN, 0, HEADER + body_length)


def check_library() -> None:
    """Make sure that the installed SEAL writes the format that all digests here are defined over.

    Raises ForeignEngine for any other version.
    """
    written = save(sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.CKKS))
    version = tuple(written[3:5])
    if written[:2] != struct.pack("<H", MAGIC) or version != VERSION:
        raise ForeignEngine(
            f"The installed SEAL writes format {'.'.join(map(str, version))}; this market computes in 4.3.",
            hint="Install the pinned TenSEAL of this package's lock file.",
        )


def save(thing: Any) -> bytes:
    """The file that SEAL writes for `thing`."""
    with _private_file() as (descriptor, path):
        thing.save(path)
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def load(thing: Any, context: Any, body: bytes) -> Any:
    """Fill the empty SEAL object `thing` from an uncompressed body, and return it.

    Raises MalformedBlob where SEAL finds a residue out of range or a field it does not know.
    """
    with _private_file() as (descriptor, path):
        _write(descriptor, header(len(body)))
        _write(descriptor, body)
        try:
            thing.load(context, path)
        except (ValueError, RuntimeError) as error:
            raise malformed(f"SEAL refuses the object: {error}.") from None
    return thing


def file_cap(length: int) -> int:
    """Most bytes of a SEAL file whose body has `length` bytes, compressed or not."""
    return length + length // 128 + 64


def inflate(data: bytes, length: int) -> bytes:
    """The body of the SEAL file `data`, which must have exactly `length` bytes when inflated.

    Raises MalformedBlob for another header, version, length or a broken stream.
    """
    if not HEADER <= len(data) <= file_cap(length):
        raise malformed(f"The file has {len(data)} bytes, which no object of {length} bytes needs.")
    magic, size, major, minor, mode, reserved, total = _HEADER.unpack_from(data)
    if (magic, size, reserved) != (MAGIC, HEADER, 0):
        raise malformed("The file has no SEAL header.")
    if (major, minor) != VERSION:
        raise malformed(f"The file is in SEAL format {major}.{minor}, not 4.3.")
    if total != len(data):
        raise malformed("The file is longer or shorter than its header says.")
    if mode == PLAIN:
        body = data[HEADER:]
    elif mode == ZSTD:
        body = _decompress(data, length)
    else:
        raise malformed("The file is compressed in an unknown way.")
    if len(body) != length:
        raise malformed(f"The file holds another number of bytes than the {length} expected.")
    return body


def _decompress(data: bytes, length: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    source = io.BytesIO(data)
    source.seek(HEADER)
    try:
        with decompressor.stream_reader(source, read_across_frames=True) as reader:
            return reader.read(length + 1)
    except zstandard.ZstdError:
        raise malformed("The file's compressed stream is broken.") from None


@contextmanager
def _private_file() -> Iterator[tuple[int, str]]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("seal")
        try:
            yield descriptor, f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        descriptor, path = tempfile.mkstemp(prefix="seal-")
        try:
            yield descriptor, path
        finally:
            os.close(descriptor)
            os.unlink(path)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
