"""A file as its text: decompressed, and as UTF-8 whatever byte order mark it begins with.

Held by tests/unit/test_files.py.
"""

import gzip
import io
import zlib
from typing import Any

from zstandard import ZstdDecompressor, ZstdError

CHUNK_BYTES = 1 << 16
DAMAGED = (OSError, EOFError, zlib.error, ZstdError)

# How a file begins, by what it is.
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # as Windows PowerShell writes what is redirected


class NotRead(Exception):
    """Why a file was not read; the text follows the file's name."""


def unpacked(stream: Any) -> io.BufferedReader:
    """The text of a binary STREAM. NotRead for an archive; DAMAGED may come while it is read."""
    packed = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)
    head = packed.peek(8)[:8]
    if head.startswith(_GZIP):
        return unpacked(gzip.GzipFile(fileobj=packed, mode="rb"))
    if head.startswith(_ZSTD):
        return unpacked(_Zstd(packed))
    for mark, what in _ARCHIVES.items():
        if head.startswith(mark):
            raise NotRead(f"is {what}, which is not read: unpack it, or compress it as .gz")
    if head.startswith(_UTF_16):
        text = packed.read().decode("utf-16", "replace")
        return unpacked(io.BytesIO(text.encode()))
    return packed


class _Zstd(io.RawIOBase):
    """Zstandard frames. The library's own reader ends without a word where a file is cut off."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._frame = ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            data = self._frame.unused_data if self._frame.eof else b""
            data = data or self._packed.read(CHUNK_BYTES)
            if not data and self._begun and not self._frame.eof:
                raise EOFError
            if not data:
                return 0
            if self._frame.eof:
                self._frame = ZstdDecompressor().decompressobj()
            self._begun, self._ready = True, self._frame.decompress(data)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
