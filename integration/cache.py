"""The user's cache folder, where policies and code tables are kept as they were read and checked: a
folder for each state of the program, a file for each text. Whatever is wrong with it, a start only
takes longer.

Held by tests/unit/test_compiled.py.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import mappings

_KEPT_DAYS = 30  # of another state of the program


class CacheFolder:
    """A place of `mappings.datafiles.compiled`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Whole or not at all, also where two processes write the same."""
        unfinished = self._folder / f".{name}.{os.getpid()}"
        try:
            if not self._folder.is_dir():
                self._folder.mkdir(mode=0o700, parents=True)
                _forget_beside(self._folder)
            unfinished.write_bytes(data)
            unfinished.replace(self._folder / name)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()


def of_user() -> CacheFolder | None:
    """None where there is no folder that is the user's alone to write."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "ferroclaim" / "read" / state(mappings)
        whose = next(path for path in (folder, *folder.parents) if path.exists())
    except (OSError, RuntimeError):
        return None
    # A relative one would lie in whatever folder a command is run in: basedir-spec says ignore it.
    is_own = base.is_absolute() and whose.stat().st_uid == os.geteuid()
    return CacheFolder(folder) if is_own else None


def state(*packages: ModuleType) -> str:
    """Of these parts of the program: their files, as they lie here."""
    found = hashlib.sha256()
    folders = [path for package in packages for path in package.__path__]
    while folders:
        for entry in sorted(os.scandir(folders.pop()), key=lambda entry: entry.name):
            if entry.is_dir():
                folders.append(entry.path)
            elif entry.name.endswith(".py"):
                at = entry.stat()
                found.update(f"{entry.path} {at.st_size} {at.st_mtime_ns}\n".encode())
    return found.hexdigest()[:32]


def _forget_beside(folder: Path) -> None:
    """What states of the program left that were not added to for long."""
    import shutil

    oldest = time.time() - _KEPT_DAYS * 86_400
    for other in folder.parent.iterdir():
        if other.stat().st_mtime < oldest:
            shutil.rmtree(other, ignore_errors=True)
