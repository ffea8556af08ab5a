"""`assess` of a FHIR server: its patients, and what is written back.

Held by tests/contract/test_ehr_whole.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import Any

from integration.assessing.patient import Checked, check_pull, owed_issues
from integration.assessing.sources import AssessedCharts
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
from integration.ehr.reading.pull import PatientPull
from integration.ehr.writing.writeback import Outcome, WriteBack
from integration.errors import ConfigurationError, EhrError, NotConnected, Unauthorized, Unreachable
from integration.wording import people
from mappings.assess import document
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.record import Problem


def from_server(
    client: EhrClient,
    patients: list[str] | None,
    policies: PolicySet,
    as_of: datetime,
    back: "Back | None" = None,
    decisions: Sequence[Decision] = (),
    step: Callable[[], None] = lambda: None,
) -> AssessedCharts:
    """Assess patients of a server (None: all with an administration), writing back where asked.

    A patient that can't be read is named in `unreadable` and the others go on; where the server
    ends to answer, all who were not asked for are named, too; where it refuses a write altogether,
    the rest is assessed without. One that can't be reached at all raises. STEP is called after each
    patient.
    """
    problems: list[Problem] = []
    missed: list[dict[str, str]] = []
    asked = _listed(client, missed) if patients is None else patients
    run = _Run(client, policies, as_of, decisions, back)
    only = patients is not None and len(patients) == 1
    for found in read_each(client, asked, run.done, only):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            step()
            run.take(*found)
    problems += [Problem(problem["resource"], problem["problem"]) for problem in missed]
    return run.assessed([*problems, *run.unwritten])


def read_each(
    client: EhrClient, asked: Iterable[str], done: Set[str], only: bool
) -> Iterator[tuple[str, PatientPull] | Problem]:
    """The chart of each patient ASKED for but those DONE meanwhile (merged with one before), or why
    it can't be read. EhrError where that is so of the ONLY one, or of all of them."""
    answering, has_any = _Answering(), False
    for patient in asked:
        if patient in done:
            continue
        if answering.ended:
            yield Problem(f"Patient/{patient}", NOT_ASKED)
            continue
        try:
            # HAPI repeats a search of the last minute (Q11).
            pull = read_patient(client, patient, fresh=True, lenient=True)
        except EhrError as problem:
            ended = answering.failed(problem)
            if only or (ended and not has_any):
                raise
            yield Problem(f"Patient/{patient}", problem.problem)
            continue
        answering.answered()
        has_any = True
        yield patient, pull
    if answering.away and not has_any:
        raise answering.away


class _Run:
    """The charts that were read, each assessed and written back."""

    def __init__(
        self,
        client: EhrClient,
        policies: PolicySet,
        as_of: datetime,
        decisions: Sequence[Decision],
        back: "Back | None",
    ) -> None:
        self._client, self._policies, self._as_of = client, policies, as_of
        self._decisions, self._back = decisions, back
        self.checked: dict[str, Checked] = {}
        self.done: set[str] = set()
        self.unwritten: list[Problem] = []
        self._names: dict[str, str] = {}
        self._merged: dict[str, str] = {}
        self._outcomes: list[Outcome] = []

    def take(self, patient: str, pull: PatientPull) -> None:
        self.done |= {patient, *pull.ids}
        self._merged |= dict.fromkeys(pull.merged, pull.patient)
        found = check_pull(pull, self._client.site, self._policies, self._as_of, self._decisions)
        self.checked[found.record.patient] = found
        self._names |= people.by_reference([pull.person])
        if self._back and found.assessment.concerns_us:
            self._write(self._back, found, pull)

    def _write(self, back: "Back", found: Checked, pull: PatientPull) -> None:
        try:
            self._outcomes += back(self._client, found, pull)
        except EhrError as problem:
            says = f"{NOT_WRITTEN}: {problem.problem}"
            self.unwritten.append(Problem(found.record.patient, says))
            self._back = None

    def assessed(self, problems: Sequence[Problem]) -> AssessedCharts:
        found = [one.assessment for one in self.checked.values()]
        records = {patient: one.record for patient, one in self.checked.items()}
        made = document(found, problems, self._as_of)
        return AssessedCharts(made, records, self._names, tuple(self._outcomes), self._merged)


NOT_ASKED = "was not asked for: the server no longer answered"
NOT_WRITTEN = "gaps were not written back, nor those of the patients after it"
MOST_FAILURES = 3


class _Answering:
    """Whether a server still answers: no connection, no access, or so many charts in a row that
    cannot be had now, end it."""

    failures = 0
    ended = False
    away: EhrError | None = None

    def answered(self) -> None:
        self.failures = 0

    def failed(self, problem: EhrError) -> bool:
        """Whether that was the end."""
        if isinstance(problem, Unreachable):
            self.failures += 1
            self.away = problem
        self.ended = self.failures >= MOST_FAILURES or isinstance(
            problem, NotConnected | Unauthorized
        )
        return self.ended


def _listed(client: EhrClient, missed: list[dict[str, str]]) -> Iterator[str]:
    """All with an administration; a list that breaks off is named once somebody stood on it."""
    begun = False
    try:
        for patient in listing.patients(client, missed):
            begun = True
            yield patient
    except EhrError as problem:
        if not begun:
            raise
        says = f"{problem.problem}: who is listed after that is left out"
        missed.append({"resource": "Patient", "problem": says})


Back = Callable[[EhrClient, Checked, Any], list[Outcome]]


def writing_back(target: WriteBack, now: datetime, dry_run: bool) -> Back:
    """Bring a patient's DetectedIssues into the chart."""

    def back(_: EhrClient, found: Checked, pull: Any) -> list[Outcome]:
        wanted = owed_issues(found.assessment, pull, now)
        return target.put_all(wanted, pull.issues, dry_run=dry_run) if wanted else []

    return back


def adhoc_or_named(source: str, site: Site | None) -> Site:
    """The site of a server: the named one, whose address it must be, or one made of the address
    alone."""
    if site is None:
        return Site.adhoc(source)
    if source.rstrip("/") != site.base_url:
        raise ConfigurationError(
            f"Site {site.name} is at another address than the SOURCE given: a token must not go"
            " there."
        )
    return site
