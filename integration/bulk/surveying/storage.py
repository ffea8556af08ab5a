"""Where the files of an export lie: in folders, or in object storage by its own addresses
(`s3://bucket/prefix`, `gs://`, `abfs://`), which Arrow's file systems read.

Held by tests/unit/test_bulk_storage.py.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from integration.assessing import files
from integration.errors import ConfigurationError

_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]+://")
_AGAIN = "Run the same command again: it goes on where it stopped."
_ADDRESSED = "Check the address, its region, and the credentials of this machine."
# Each reading of object storage is a request: as much at once as pays for it.
_REMOTE_BUFFER = 1 << 22


class StoredFile(NamedTuple):
    """A file by the name that problems give it, its path or address, how long it is, and when it
    was changed (nanoseconds); `why`: what keeps it from being read."""

    name: str
    path: str
    bytes: int = 0
    changed: int = 0
    why: str | None = None


def is_address(text: str) -> bool:
    """Whether it names something in object storage."""
    return bool(_ADDRESS.match(text))


def resolved(text: str) -> str:
    """The same name from wherever it is read."""
    return text if is_address(text) else str(Path(text).resolve())


def stored_files(text: str) -> Iterator[StoredFile]:
    """The file of that name, or all below it in the order of their names; ConfigurationError where
    there is none."""
    if is_address(text):
        yield from _remote(text)
        return
    path = Path(text)
    if path.is_dir():
        listed = list(files.files_in(path))
    elif path.is_file():
        listed = [files.File(path.name, path)]
    else:
        raise ConfigurationError(
            f"Cannot read {text or 'an empty name'}: there is no such file or folder. Name one of"
            " NDJSON or Bundles; of a site, say what it is to export: --group ID, --all or"
            " --system."
        )
    for name, found, why in listed:
        yield StoredFile(name, str(found), why=why) if why else _local(name, found)


def _local(name: str, path: Path) -> StoredFile:
    try:
        state = path.stat()
    except OSError as problem:
        return StoredFile(name, str(path), why=files.unread(problem))
    return StoredFile(name, str(path), state.st_size, state.st_mtime_ns)


def opened(path: str, buffer: int) -> BinaryIO:
    """The file of a path or address, to be read in pieces of BUFFER bytes or more."""
    if not is_address(path):
        return Path(path).open("rb", buffering=buffer)
    return io.BufferedReader(_StoredObject(path), max(buffer, _REMOTE_BUFFER))


@contextmanager
def _told(name: str, fix: str) -> Iterator[None]:
    """What Arrow says of what it can't read."""
    try:
        yield
    except (OSError, ValueError) as problem:
        says = str(problem).splitlines()[0]
        raise ConfigurationError(f"Cannot read {name}: {says}. {fix}") from None


class _StoredObject(io.RawIOBase):
    """What can't be fetched of it is no damage of the file: it ends the run, which can go on."""

    def __init__(self, address: str) -> None:
        filesystem, key = _found(address)
        self._name = key
        with _told(key, _AGAIN):
            self._file = filesystem.open_input_file(key)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(place, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _told(self._name, _AGAIN):
            return int(self._file.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _remote(address: str) -> Iterator[StoredFile]:
    root, key, options = _parted(address)
    filesystem, place = _found(address)
    from pyarrow import fs

    with _told(f"{root}/{key}", _ADDRESSED):
        state = filesystem.get_file_info(place)
        below = fs.FileSelector(place, recursive=True)
        listed = [state] if state.is_file else filesystem.get_file_info(below)
    for one in sorted(listed, key=lambda one: one.path):
        if one.is_file:
            name = one.base_name if state.is_file else one.path[len(place) :].lstrip("/")
            own = key if state.is_file else f"{key.rstrip('/')}/{name}".lstrip("/")
            hidden = files.HIDDEN if one.base_name.startswith(".") else None
            where = f"{root}/{quote(own)}{options}"
            yield StoredFile(name, where, one.size, one.mtime_ns or 0, hidden)


def _found(address: str) -> tuple[Any, str]:
    root, key, options = _parted(address)
    filesystem, base = _filesystem(root, options)
    return filesystem, f"{base.strip('/')}/{key}".strip("/")


def _parted(address: str) -> tuple[str, str, str]:
    """The bucket, what is named in it, and options (`?region=…`)."""
    parts = urlsplit(address)
    if parts.password:
        raise ConfigurationError(
            "An address of object storage holds no secret: give the credentials as its own tools"
            " take them, from the environment or the machine's role."
        )
    options = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", unquote(parts.path).lstrip("/"), options


@cache
def _filesystem(root: str, options: str) -> tuple[Any, str]:
    """Arrow's file system of a bucket, and how it calls the bucket."""
    try:
        from pyarrow import fs
    except ImportError:
        raise ConfigurationError(
            f"{root} takes pyarrow: install `ferroclaim[bulk]`, or read the files by a mount."
        ) from None
    with _told(root, _ADDRESSED):
        found: tuple[Any, str] = fs.FileSystem.from_uri(f"{root}/{options}")
    return found
