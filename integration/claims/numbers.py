"""Control numbers without a database: a counter in a file beside the output, locked while it
counts.

Held by tests/contract/test_claims_write.py.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from integration.errors import ConfigurationError

FILE = ".ferroclaim-numbers"
_MOST = 999_999_999


def numbers(folder: Path) -> Iterator[int]:
    """Each the next one after any that was ever given for this folder: kept on the disk before it
    is used, so that not even a crash gives it twice."""
    while True:
        yield _next(folder / FILE)


def _next(file: Path) -> int:
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            said = handle.read().decode("ascii", "replace").strip()
            number = _after(said, file)
            handle.seek(0)
            handle.write(f"{number}\n".encode())
            handle.truncate()
            handle.flush()
            os.fsync(handle.fileno())
            return number
    except OSError as problem:
        raise ConfigurationError(f"Cannot count in {file}: {problem.strerror}.") from None


def _after(said: str, file: Path) -> int:
    if said and not (said.isascii() and said.isdigit()):
        raise ConfigurationError(
            f"{file} does not hold the last control number: write the highest one that was used"
            " into it."
        )
    number = int(said or 0) + 1
    if number > _MOST:
        raise ConfigurationError(f"{file}: control numbers have nine digits, and all are used.")
    return number
