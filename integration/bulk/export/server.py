"""An export at its server: begun, waited for, deleted.

Held by tests/contract/export/test_export_request.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from integration.bulk.export.asking import ExportRequest
from integration.bulk.export.manifest import Manifest, read_manifest
from integration.bulk.export.pausing import Pause
from integration.ehr.fhir.answers import FHIR_JSON, TRANSIENT, Answer, error_for, issue_codes
from integration.ehr.transport.http import Transport
from integration.errors import (
    BadAnswer,
    EhrError,
    NotFound,
    OutcomeUnknown,
    Refused,
    Unreachable,
)

MOST_REFUSALS = 30  # in a row: about half an hour, or as long as the server says
MOST_SILENCES = 8  # in a row: two minutes
_BUSY = (429, 503)
# http://hl7.org/fhir/R4/codesystem-issue-type.html#issue-type-transient
_PASSING = frozenset(
    {"transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled"}
)
_PROGRESS_LENGTH = 100
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_STATUS, _STATUS_HEADERS = "the status of the export", {"Accept": "application/json"}
_ASK_VENDOR = "Ask the EHR's vendor"
_FAILED = "Run the same command with --cancel, then without; if it fails again, ask the vendor"

Say = Callable[[str], None]


class ExportGone(NotFound):
    """The server knows the export no more."""


@dataclass(frozen=True)
class ExportServer:
    """SAY is told how far an export is."""

    transport: Transport
    pause: Pause
    say: Say

    def begin(self, asked: ExportRequest) -> str:
        """Where the server tells how far the export is. Waits while another one is under way."""
        for attempt in range(MOST_REFUSALS):
            answer = self._kick_off(asked)
            if answer.status not in _BUSY:
                return self._status_url(answer)
            seconds = self.pause.before(attempt, answer.headers)
            self.say(f"the server is busy ({answer.status}): asked again after {seconds:.0f} s")
        raise self._refusal(answer)

    def manifests(self, status_url: str) -> Iterator[Manifest]:
        """The list of files, page by page, as soon as it is there. ExportGone where the server
        knows nothing of it."""
        address, told, waits = status_url, "", 0
        seen = {status_url}
        while True:
            answer = self._answer(address)
            finished = answer.status == 200
            found = read_manifest(self.transport, answer) if finished else self._part(answer)
            if found is not None:
                yield found
                waits = 0
                if found.next_page:
                    address = self._next(found.next_page, seen)
                    continue
            if finished:
                return
            told = self._progress(answer, told)
            self.pause.before(waits, answer.headers)
            waits += 1

    def _next(self, address: str, seen: set[str]) -> str:
        if address in seen:
            site = self.transport.site.name
            raise BadAnswer(site, "the pages of the export's list run in a circle", _ASK_VENDOR)
        seen.add(address)
        return address

    def delete(self, status_url: str) -> bool:
        """Ends it, or says that its files are no longer needed; whether the server took it."""
        try:
            answer = self.transport.ask("DELETE", status_url, what="the export's deletion")
        except EhrError:
            return False
        # HAPI answers 404 where the export is finished.
        return answer.status < 300 or answer.status in (404, 410)

    def _kick_off(self, asked: ExportRequest) -> Answer:
        # HAPI gives the files of an earlier export of the same, unless it is asked not to.
        headers = {"Accept": FHIR_JSON, "Prefer": "respond-async", "Cache-Control": "no-cache"}
        what = "the start of the export"
        try:
            if asked.by_post:
                body = asked.parameters()
                return self.transport.ask("POST", asked.operation, headers, body, what)
            return self.transport.ask("GET", asked.path(), headers, what=what)
        except OutcomeUnknown:
            raise Unreachable(
                self.transport.site.name,
                "an export was asked for and no answer came, so it may have begun there",
                "Run the same command again; another export is begun then",
            ) from None

    def _status_url(self, answer: Answer) -> str:
        if answer.status == 202:
            said = answer.headers.get("Content-Location")
            if said:
                return self.transport.url(said, _STATUS)
            raise self._unusable("names no place (Content-Location) where its status is told")
        if answer.status == 200:
            raise self._unusable("was answered at once, not as a bulk export")
        raise self._refusal(answer)

    def _unusable(self, problem: str) -> BadAnswer:
        site = self.transport.site.name
        return BadAnswer(site, f"the start of the export {problem}", _ASK_VENDOR)

    def _refusal(self, answer: Answer) -> EhrError:
        """With the fix that is likely."""
        error = error_for(self.transport.site.name, "the start of the export", answer)
        fixes = {
            400: "Name what it exports with --type, without --type-filter, or try --post",
            403: "Ask the EHR's administrator to allow bulk export, with all types that are asked",
            404: "Check the id of the group, and that the server offers $export",
            405: "Ask with --post",
            429: "Wait until the other export is done, or end it",
        }
        fix = fixes.get(answer.status, fixes[400] if isinstance(error, Refused) else error.fix)
        refusal = type(error)(error.site, error.problem, fix, error.status)
        refusal.own_words = error.own_words
        return refusal

    def _answer(self, address: str) -> Answer:
        """That it is finished (200) or under way (202), whatever trouble passes before."""
        for attempt in range(MOST_REFUSALS):
            try:
                answer = self.transport.ask("GET", address, _STATUS_HEADERS, what=_STATUS)
            except Unreachable:
                if attempt + 1 >= MOST_SILENCES:
                    raise
                self.say("the server does not answer: it is asked again")
                self.pause.before(attempt, {})
                continue
            if answer.status in (200, 202):
                return answer
            error = self._failed(answer)
            if not isinstance(error, Unreachable):
                raise error
            self.pause.before(attempt, answer.headers)
        raise error

    def _part(self, answer: Answer) -> Manifest | None:
        """Of an export under way: a list that is complete, as another follows it."""
        if not answer.body.strip() or "json" not in answer.headers.get("Content-Type", ""):
            return None
        try:
            found = read_manifest(self.transport, answer)
        except BadAnswer:
            return None
        return found if found.next_page else None

    def _failed(self, answer: Answer) -> EhrError:
        """Unreachable where asking again may help, the job's own failure elsewhere."""
        site = self.transport.site.name
        error = error_for(site, _STATUS, answer)
        if isinstance(error, NotFound):
            return ExportGone(site, error.problem, "Run the same command again", answer.status)
        codes = set(issue_codes(answer.body))
        if answer.status == 429 or codes & _PASSING or (answer.status in TRANSIENT and not codes):
            return Unreachable(site, error.problem, "Run the same command again", answer.status)
        if answer.status >= 500:
            return Refused(site, f"the export failed: {error.problem}", _FAILED, answer.status)
        return error

    def _progress(self, answer: Answer, told: str) -> str:
        said = _UNPRINTABLE.sub("?", answer.headers.get("X-Progress", ""))[:_PROGRESS_LENGTH]
        if said and said != told:
            self.say(f"the server says: {said}")
        return said or told
