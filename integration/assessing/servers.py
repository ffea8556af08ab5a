"""`assess` of a FHIR server: its patients, and what is written back.

Held by tests/contract/test_ehr_whole.py.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from integration.assessing.patient import Checked, check_pull, owed_issues
from integration.assessing.sources import AssessedCharts
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
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
    checked: dict[str, Checked] = {}
    problems: list[Problem] = []
    missed: list[dict[str, str]] = []
    outcomes: list[Outcome] = []
    names: dict[str, str] = {}
    asked = _listed(client, missed) if patients is None else patients
    answering = _Answering()
    done: set[str] = set()
    merged: dict[str, str] = {}
    for patient in asked:
        if patient in done:  # merged with one before
            continue
        if answering.ended:
            problems.append(Problem(f"Patient/{patient}", NOT_ASKED))
            continue
        try:
            # HAPI repeats a search of the last minute (Q11).
            pull = read_patient(client, patient, fresh=True)
            step()
        except EhrError as problem:
            ended = answering.failed(problem)
            if (patients is not None and len(patients) == 1) or (ended and not checked):
                raise
            problems.append(Problem(f"Patient/{patient}", problem.problem))
            continue
        answering.answered()
        done |= {patient, *pull.ids}
        merged |= dict.fromkeys(pull.merged, pull.patient)
        found = check_pull(pull, client.site, policies, as_of, decisions)
        checked[found.record.patient] = found
        names[found.record.patient] = people.as_called(pull.person or {})
        if back and found.assessment.concerns_us:
            try:
                outcomes += back(client, found, pull)
            except EhrError as problem:
                says = f"{NOT_WRITTEN}: {problem.problem}"
                problems.append(Problem(found.record.patient, says))
                back = None
    if answering.away and not checked:
        raise answering.away
    problems += [Problem(problem["resource"], problem["problem"]) for problem in missed]
    made = document([found.assessment for found in checked.values()], problems, as_of)
    records = {patient: found.record for patient, found in checked.items()}
    return AssessedCharts(made, records, names, tuple(outcomes), merged)


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
