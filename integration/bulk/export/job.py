"""What is noted of an export beside its files, so that a run that was stopped goes on: where the
server tells how far it is, and what has come.

Held by tests/e2e/test_bulk_export.py.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from integration.bulk.work import written
from mappings.record import Problem

FILES, MESSAGES = "export", "export-messages"
_FOLDER, _DIGITS = ".bulk-export", 3


class ExportJob(Struct, frozen=True):
    """`about`: what was asked for. `number`: of its folder of files. `adds`: to the exports before
    it. `left`: types that the server did not take with the others. `stage`: `asked` while files are
    still to come, `here` until they are assessed, `done`."""

    about: str
    number: int
    since: str | None
    status_url: str
    adds: bool = False
    left: tuple[str, ...] = ()
    transaction_time: str | None = None
    stage: Literal["asked", "here", "done"] = "asked"
    problems: list[Problem] = []


class ExportPlace:
    """Where an export lies, within the folder that a run writes to. `part`: tells one apart that
    belongs to another."""

    def __init__(self, out: Path, part: str = "") -> None:
        self.files, self.messages = out / FILES, out / MESSAGES
        self._out, self._folder, self._part = out, out / _FOLDER, part
        self._unfinished = self._folder / f"unfinished{part}"
        self._job = self._folder / f"job{part}.json"

    def beside(self, part: str) -> "ExportPlace":
        return ExportPlace(self._out, part)

    def job(self) -> ExportJob | None:
        try:
            return msgspec.json.decode(self._job.read_bytes(), type=ExportJob)
        except (OSError, msgspec.DecodeError):
            return None

    def prepare(self) -> None:
        """Before anything is begun that could not be noted."""
        # Patients' data, and addresses that are as good as a password: for nobody else here.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def note(self, job: ExportJob) -> ExportJob:
        self.prepare()
        with written(self._job) as path:
            path.write_bytes(msgspec.json.encode(job))
        return job

    def next_number(self) -> int:
        numbers = [int(path.name[:_DIGITS]) for path in self._folders(self.files)]
        return 1 + max(numbers, default=0)

    def folder(self, job: ExportJob) -> Path:
        """Of the files of one export; those of the days since stand beside it."""
        return _own(self.files, self._name(job))

    def folder_of_messages(self, job: ExportJob) -> Path:
        return _own(self.messages, self._name(job))

    def unfinished(self, name: str) -> Path:
        """Where a file grows that has not come whole."""
        self._unfinished.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._unfinished / name

    def forget_files(self, job: ExportJob) -> None:
        """What came of it; earlier exports stay."""
        for folder in (self.folder(job), self.folder_of_messages(job), self._unfinished):
            shutil.rmtree(folder, ignore_errors=True)

    def forget(self, job: ExportJob) -> None:
        """As if it had not been begun."""
        self.forget_files(job)
        self._job.unlink(missing_ok=True)

    def settle(self, job: ExportJob) -> None:
        """All has come: what it takes the place of is removed."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        own = {self.folder(job), self.folder_of_messages(job)}
        for folder in (*self._folders(self.files), *self._folders(self.messages)):
            if not job.adds and folder not in own:
                shutil.rmtree(folder, ignore_errors=True)

    def _name(self, job: ExportJob) -> str:
        return f"{job.number:0{_DIGITS}}{self._part}"

    def _folders(self, parent: Path) -> Iterator[Path]:
        """Of such exports; without a part, of all."""
        yield from parent.glob(f"{'[0-9]' * _DIGITS}{self._part or '*'}")


def _own(parent: Path, name: str) -> Path:
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = parent / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path
