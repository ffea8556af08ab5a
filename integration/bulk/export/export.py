"""What a person asked for: one export, and where the server exports what no patient owns for the
whole system alone, another one of that.

Held by tests/e2e/test_bulk_export.py.
"""

from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from integration.bulk.export.asking import SYSTEM, ExportRequest
from integration.bulk.export.fetching import Fetching, Listening
from integration.bulk.export.job import ExportJob, ExportPlace
from integration.bulk.export.pausing import Pause
from integration.ehr.transport.http import Transport
from integration.errors import ConfigurationError, Forbidden, NotFound, Refused
from mappings.record import Problem

_SHARED = "-shared"


class Exported(Struct, frozen=True):
    """`folder`: of the files. `problems`: what the server could not export, or not as it said."""

    folder: Path
    problems: tuple[Problem, ...]
    transaction_time: str


@dataclass(frozen=True)
class Export:
    """For the folder that a run writes to."""

    transport: Transport
    place: ExportPlace
    pause: Pause = field(default_factory=Pause)
    listening: Listening = field(default_factory=Listening)

    def fetch(self, asked: ExportRequest) -> Exported:
        """All files; what was stopped goes on. ConfigurationError where another export is
        unfinished in the same place, or nothing was exported."""
        job = self._of_patients.fetch(asked)
        problems = [*job.problems, *(self._shared(job) if job.left else [])]
        files = (path.stat() for path in self.place.files.rglob("*") if path.is_file())
        if not any(file.st_size for file in files):
            self.finish()
            raise ConfigurationError(
                "The export holds no resource. Check the group, the types, and the scopes and"
                " patients that the client is given."
            )
        return Exported(self.place.files, tuple(problems), str(job.transaction_time))

    def finish(self) -> None:
        """What was fetched has been assessed: the next run begins another export."""
        self._of_patients.finish()
        self._of_what_is_shared.finish()

    def cancel(self) -> bool:
        """Ends the export at its server, and forgets what has come; whether there was one."""
        ended = [self._of_patients.cancel(), self._of_what_is_shared.cancel()]
        return any(ended)

    @property
    def _of_patients(self) -> Fetching:
        return Fetching(self.transport, self.place, self.pause, self.listening)

    @property
    def _of_what_is_shared(self) -> Fetching:
        place = self.place.beside(_SHARED)
        return Fetching(self.transport, place, self.pause, self.listening)

    def _shared(self, job: ExportJob) -> list[Problem]:
        """Exports what the server did not take with the patients; what is wrong with it."""
        kinds = ", ".join(job.left)
        self.listening.say(f"{kinds}: exported apart, as the server does not with patients")
        try:
            asked = ExportRequest(SYSTEM, job.left, job.since)
            return self._of_what_is_shared.fetch(asked, job.adds).problems
        except (Refused, Forbidden, NotFound) as refusal:
            return [Problem("the export", f"holds no {kinds}: {refusal.problem}")]
