"""One export, from its start to its files; one that was stopped goes on.

Held by tests/contract/export/test_export_runs.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from integration.bulk.export.asking import ExportRequest
from integration.bulk.export.downloads import WantedFile, download
from integration.bulk.export.files import FileGone
from integration.bulk.export.job import ExportJob, ExportPlace
from integration.bulk.export.manifest import ListedFile
from integration.bulk.export.messages import messages
from integration.bulk.export.pausing import Pause
from integration.bulk.export.server import ExportGone, ExportServer
from integration.ehr.transport.http import Transport
from integration.errors import ConfigurationError, Refused
from mappings.record import Problem

LAST = "last"  # of `since`: what changed since the export before

Say = Callable[[str], None]
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Listening:
    """SAY is told how far an export is, WARN what a person must know, TELL how many files have
    come."""

    say: Say = lambda _text: None
    warn: Say = lambda _text: None
    tell: Tell = lambda _step, _done, _all: None


@dataclass(frozen=True)
class Fetching:
    """One export for one place."""

    transport: Transport
    place: ExportPlace
    pause: Pause
    listening: Listening

    def fetch(self, asked: ExportRequest, adds: bool = False) -> ExportJob:
        """With all files here; ConfigurationError where another export is unfinished in the same
        place. ADDS: to the exports before it."""
        job = self._job(asked, adds)
        if job.stage == "asked":
            try:
                job = self._fetched(job)
            except ExportGone as gone:
                job = self._fetched(self._anew(job, asked, gone))
        return job

    def finish(self) -> None:
        """What was fetched has been assessed: the next run begins another export."""
        job = self.place.job()
        if job:
            self.place.note(structs.replace(job, stage="done", problems=[]))

    def cancel(self) -> bool:
        """Ends the export at its server, and forgets what has come; whether there was one."""
        job = self.place.job()
        if job is None or job.stage == "done":
            return False
        if job.stage == "asked" and not self._server.delete(job.status_url):
            self.listening.warn("the server did not take the deletion: the export goes on there")
        self.place.forget(job)
        return True

    @property
    def _server(self) -> ExportServer:
        return ExportServer(self.transport, self.pause, self.listening.say)

    def _job(self, asked: ExportRequest, adds: bool) -> ExportJob:
        """The one that was stopped, or a new one."""
        job, about = self.place.job(), asked.digest(self.transport.site.base_url)
        if job and job.stage != "done":
            if job.about != about:
                raise ConfigurationError(
                    "The folder holds an unfinished export of something else. Run its command"
                    " again, or end it with --cancel."
                )
            self.listening.say("the export that was stopped goes on")
            return job
        if asked.since == LAST:
            if job is None or job.about != about:
                raise ConfigurationError(
                    "--since last goes on from an export of the same that the folder holds: there"
                    " is none. Leave it out, to export everything."
                )
            asked, adds = structs.replace(asked, since=job.transaction_time), True
        return self._begun(asked, about, self.place.next_number(), adds)

    def _begun(self, asked: ExportRequest, about: str, number: int, adds: bool) -> ExportJob:
        self.place.prepare()
        left: tuple[str, ...] = ()
        try:
            status_url = self._server.begin(asked)
        except Refused:
            narrower = asked.narrowed()
            if narrower is None:
                raise
            status_url = self._server.begin(narrower)
            left = tuple(kind for kind in asked.types if kind not in narrower.types)
        self.listening.say("the server has begun the export")
        return self.place.note(ExportJob(about, number, asked.since, status_url, adds, left))

    def _anew(self, job: ExportJob, asked: ExportRequest, gone: ExportGone) -> ExportJob:
        came = sum(1 for _ in self.place.folder(job).iterdir())
        self.listening.warn(
            f"the export ended half-way ({gone.problem}); it is begun anew, and {came} files that"
            " had come are fetched again"
        )
        self._server.delete(job.status_url)
        self.place.forget_files(job)
        asked = structs.replace(asked, since=job.since)
        return self._begun(asked, job.about, job.number, job.adds)

    def _fetched(self, job: ExportJob) -> ExportJob:
        """Its list is asked for once more where addresses have expired."""
        try:
            found = self._files(job)
        except FileGone:
            self.listening.say("addresses of files have expired: the list is asked for again")
            try:
                found = self._files(job)
            except FileGone as gone:
                raise ExportGone(gone.site, gone.problem, gone.fix, gone.status) from None
        if not self._server.delete(job.status_url):
            self.listening.warn(
                "the server did not take the deletion: its files stay until they expire"
            )
        self.place.settle(found)
        return self.place.note(found)

    def _files(self, job: ExportJob) -> ExportJob:
        """Everything that the server lists, page by page."""
        count, messages_seen = 0, set[str]()
        for manifest in self._server.manifests(job.status_url):
            if job.transaction_time not in (None, manifest.transaction_time):
                raise ExportGone(self.transport.site.name, "the server made it anew", "")
            job = self.place.note(structs.replace(job, transaction_time=manifest.transaction_time))
            # Messages stand on every page again (version 3, manifest-link).
            files = [file for file in manifest.files if file.url not in messages_seen]
            messages_seen |= {file.url for file in files if file.role == "error"}
            job = self._page(files, count, manifest.needs_token, job)
            count += len(files)
        told = messages(self.place.folder_of_messages(job))
        return structs.replace(job, stage="here", problems=[*job.problems, *told])

    def _page(
        self, files: list[ListedFile], before: int, needs_token: bool, job: ExportJob
    ) -> ExportJob:
        wanted = [self._wanted(job, before + n, file) for n, file in enumerate(files, 1)]
        missing = [file for file in wanted if not file.is_here]
        done = len(wanted) - len(missing)

        def step(came: WantedFile, problem: str | None) -> None:
            nonlocal done, job
            done += 1
            if problem:
                found = Problem(f"{came.path.parent.name}/{came.path.name}", problem)
                job = self.place.note(structs.replace(job, problems=[*job.problems, found]))
            self.listening.tell("download", done, len(wanted))

        self.listening.tell("download", done, len(wanted))
        download(self.transport, missing, needs_token, self.pause, step)
        return job

    def _wanted(self, job: ExportJob, number: int, file: ListedFile) -> WantedFile:
        name = "deleted" if file.role == "deleted" else file.kind or "resources"
        folder = self.place.folder(job)
        if file.role == "error":
            name, folder = "messages", self.place.folder_of_messages(job)
        unfinished = self.place.unfinished(f"{job.number:03}-{number:05}")
        return WantedFile(file, unfinished, folder / f"{name}.{number:05}.ndjson")
