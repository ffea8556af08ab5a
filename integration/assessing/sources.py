"""Where `assess` reads from: a Bundle file, NDJSON, a folder, standard input, or a FHIR server."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from integration.assessing.patient import Checked, check_pull, owed_issues
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
from integration.ehr.writing.writeback import Outcome, WriteBack
from integration.errors import ConfigurationError, EhrError, NotFound
from mappings.assess import assess, document
from mappings.assessment import Assessment
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection, NotJson, Reader, decode, lines
from mappings.record import PatientRecord, Problem
from mappings.site import Site as Facts


@dataclass(frozen=True)
class Result:
    """A document, the records behind it, and what was written back."""

    document: Assessment
    records: dict[str, PatientRecord]
    names: dict[str, str] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every resource could be read and every write-back done."""
        unread = self.document.unreadable or any(row.unreadable for row in self.document.patients)
        return not unread and all(
            row.result not in ("refused", "unknown", "conflict") for row in self.outcomes
        )


def is_server(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def from_files(source: str, facts: Facts, policies: PolicySet, as_of: datetime) -> Result:
    """Assess a Bundle, NDJSON or folder of either; ConfigurationError where there is nothing to
    read."""
    return from_collection(collect(source), facts, policies, as_of)


def collect(source: str) -> Collection:
    """The resources of a Bundle, NDJSON or folder of either."""
    collection = Collection()
    for name, stream in _open(source):
        with stream:
            _take(collection, name, stream)
    return collection


def from_collection(
    collection: Collection, facts: Facts, policies: PolicySet, as_of: datetime
) -> Result:
    records, problems = Reader(facts).records(collection)
    found = document([assess(row, policies, as_of, facts) for row in records], problems, as_of)
    names = {f"Patient/{row['id']}": display_name(row) for row in collection.shared("Patient")}
    return Result(found, {row.patient: row for row in records}, names)


def display_name(patient: dict[str, Any]) -> str:
    """The patient's name for a person at the screen (never for logs)."""
    names = [row for row in patient.get("name") or [] if isinstance(row, dict)]
    name = next((row for row in names if row.get("use") == "official"), names[0] if names else {})
    given = " ".join(part for part in name.get("given") or [] if isinstance(part, str))
    return str(name.get("text") or f"{given} {name.get('family', '')}".strip())


def _open(source: str) -> Iterator[tuple[str, BinaryIO]]:
    if source == "-":
        yield "standard input", sys.stdin.buffer
        return
    path = Path(source)
    if path.is_dir():
        files = sorted(file for pattern in ("*.json", "*.ndjson") for file in path.glob(pattern))
        if not files:
            raise ConfigurationError(f"The folder {source} has no .json or .ndjson file.")
        yield from ((file.name, file.open("rb")) for file in files)
        return
    try:
        yield path.name, path.open("rb")
    except OSError as problem:
        raise ConfigurationError(
            f"Cannot read {source}: {problem.strerror}. Name a Bundle file, NDJSON, a folder, a"
            " FHIR base URL, or `-`."
        ) from None


def _take(collection: Collection, name: str, stream: BinaryIO) -> None:
    """A file of lines as NDJSON, any other as one JSON document."""
    if name.endswith(".ndjson"):
        _take_lines(collection, name, stream)
        return
    data = stream.read()
    try:
        content = decode(data)
    except NotJson as problem:
        if not _looks_like_lines(data):
            raise ConfigurationError(
                f"{name} is not JSON: {problem}. Give a FHIR Bundle or NDJSON."
            ) from None
        _take_lines(collection, name, iter(data.splitlines()))
        return
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise ConfigurationError(f"{name} is JSON, but not a FHIR Bundle or resource.")
    collection.add(content, "Bundle" if content["resourceType"] == "Bundle" else name)


def _looks_like_lines(data: bytes) -> bool:
    first = next((line for line in data.splitlines() if line.strip()), b"").strip()
    return first.startswith(b"{") and first.endswith(b"}")


def _take_lines(collection: Collection, name: str, stream: Any) -> None:
    for number, row in lines(stream):
        place = f"line {number} of {name}"
        if isinstance(row, NotJson):
            collection.problems.append(Problem(place, f"not JSON: {row}"))
        else:
            collection.add(row, place)


def from_server(
    client: EhrClient,
    patients: list[str] | None,
    policies: PolicySet,
    as_of: datetime,
    back: "Back | None" = None,
    decisions: Sequence[Decision] = (),
) -> Result:
    """Assess patients of a server (None: all with an administration), writing back where asked.

    A patient that can't be read is named in `unreadable` and the others go on; a server that can't
    be reached at all raises.
    """
    checked: list[Checked] = []
    problems: list[Problem] = []
    outcomes: list[Outcome] = []
    names: dict[str, str] = {}
    named = patients is not None
    for patient in patients if patients is not None else listing.patients(client):
        try:
            pull = read_patient(
                client, patient, fresh=True
            )  # HAPI repeats a search of the last minute (Q11)
        except NotFound as problem:
            if named and len(patients or []) == 1:
                raise
            problems.append(Problem(f"Patient/{patient}", problem.problem))
            continue
        found = check_pull(pull, client.site, policies, as_of, decisions)
        checked.append(found)
        names[found.record.patient] = next(
            (display_name(row) for row in pull.resources if row["resourceType"] == "Patient"), ""
        )
        if back and found.assessment.concerns_us:
            outcomes += back(client, found, pull)
    made = document([row.assessment for row in checked], problems, as_of)
    return Result(made, {row.record.patient: row.record for row in checked}, names, tuple(outcomes))


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


__all__ = [
    "Back",
    "EhrError",
    "Result",
    "adhoc_or_named",
    "collect",
    "from_collection",
    "from_files",
    "from_server",
    "is_server",
    "writing_back",
]
