"""What is remembered of each claim of a file, on the disk until the file is done: a run of many
claims holds none of them.

Held by tests/contract/test_claims_write.py.
"""

import tempfile
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct


class Noted(Struct, frozen=True):
    """A claim that is in a file. `lines`: ids of claim lines."""

    number: str
    draft_id: str
    patient: str
    frequency: str
    original: str | None
    total: Decimal
    lines: tuple[str, ...]


class Notes:
    """Those of one file, in the order written. `total` of all, in dollars."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the run)
        self._count, self.total = 0, Decimal(0)

    def add(self, noted: Noted) -> None:
        self._file.write(msgspec.json.encode(noted) + b"\n")
        self._count += 1
        self.total += noted.total

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Noted]:
        self._file.seek(0)
        decode = msgspec.json.Decoder(Noted).decode
        yield from map(decode, self._file)

    def close(self) -> None:
        self._file.close()
