"""What a run keeps between its steps, so that one that was stopped goes on where it was: a finished
piece has its last name, an unfinished one is made anew.

Held by tests/unit/test_bulk.py.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
from msgspec import Struct

import integration
import mappings
from integration import cache, private

_FOLDER, _PLAN = ".bulk-run", "plan.json"


class Plan(Struct, frozen=True):
    """What a run is about; another one's pieces are of no use to it."""

    byteorder: str
    source: str
    stamps: list[tuple[str, int, int]]
    range_bytes: int
    rules: str
    as_of: str


class _Begun(Struct, frozen=True):
    """`state`: of the program that began; another one's pieces have other forms."""

    plan: Plan
    state: str


class Work:
    """The folder of a run, within the folder that it writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._steps: dict[str, Path] = {}

    @classmethod
    def within(cls, out: Path) -> "Work":
        return cls(out / _FOLDER)

    def left_over(self) -> Plan | None:
        """Of a run of this program, as it lies here, that was stopped."""
        try:
            begun = msgspec.json.decode((self.folder / _PLAN).read_bytes(), type=_Begun)
        except (OSError, msgspec.DecodeError):
            return None
        return begun.plan if begun.state == _state() else None

    def begin(self, plan: Plan) -> bool:
        """Whether pieces of the same run are there; those of any other are removed."""
        if self.left_over() == plan:
            for unfinished in self.folder.glob("*/.*"):
                remove(unfinished)
            return True
        self.remove()
        # Charts are in it: for nobody else on this machine.
        self.folder.mkdir(mode=0o700, parents=True)
        with written(self.folder / _PLAN) as path:
            path.write_bytes(msgspec.json.encode(_Begun(plan, _state())))
        return False

    def piece(self, step: str, name: object) -> Path:
        if step not in self._steps:
            self._steps[step] = self.folder / step
            self._steps[step].mkdir(parents=True, exist_ok=True)
        return self._steps[step] / f"{name}"

    def remove(self) -> None:
        remove(self.folder)
        self._steps.clear()


def _state() -> str:
    return cache.state(mappings, integration)


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A file to be written to, for its owner alone, which gets its name once all is written. On a
    cluster two may write the same; one is enough."""
    with _finished(path) as unfinished:
        private.make(unfinished)
        yield unfinished


@contextmanager
def written_folder(path: Path) -> Iterator[Path]:
    """The same, of a folder."""
    with _finished(path) as unfinished:
        unfinished.mkdir(mode=0o700)
        yield unfinished


@contextmanager
def _finished(path: Path) -> Iterator[Path]:
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        if path.is_dir():
            remove(unfinished)
        else:
            unfinished.replace(path)
    except BaseException:
        remove(unfinished)
        raise


def remove(path: Path) -> None:
    """A file or a folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
