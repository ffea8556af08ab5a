"""One part of the patients: their charts together, each assessed as if it were alone.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from integration.bulk.sifting import Wanted
from integration.bulk.surveying.names import Forms
from mappings.assess import assess
from mappings.assessment import PatientAssessment
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection, NotJson, Reader, of_line
from mappings.reading.bundles.entries import Deletion
from mappings.record import PatientRecord, Problem
from mappings.site import Site


class Beside(Struct, frozen=True):
    """What holds for all parts: addresses of the servers, what references can lead anywhere, and
    what was deleted."""

    bases: list[str]
    forms: Forms
    deletions: list[Deletion]


class Assessor(NamedTuple):
    """`trace`: whether the chain of each line is asked for."""

    reader: Reader
    policies: PolicySet
    as_of: datetime
    site: Site
    trace: bool


def collection_of(files: Iterable[Path], beside: Beside) -> Collection:
    found = Collection(beside.bases, whole=False)
    for path in files:
        where = path.name
        with path.open("rb") as stream:
            for line in stream:
                if found.add_text(line, where):
                    continue
                said = of_line(line)
                if not isinstance(said, NotJson):
                    found.add(said, where)
    for deletion in beside.deletions:
        found.add_deletion(deletion)
    return found


def assessments(
    collection: Collection, part: int, who: Wanted, assessor: Assessor
) -> Iterator[tuple[PatientRecord, PatientAssessment] | Problem]:
    """Of the patients of the part (of others not all that there is may be here), in their order; a
    chart of a shape nobody foresaw is named, and the others go on."""
    asked = assessor.policies, assessor.as_of, assessor.site
    for group in collection.groups():
        if who.part_of(group.patient) != part:
            continue
        try:
            record = assessor.reader.record(group, collection)
            found = assess(record, *asked, trace=assessor.trace)
        except Exception as problem:  # noqa: BLE001 - one of a million charts
            says = f"could not be assessed ({type(problem).__name__})"
            yield Problem(group.patient, says)
        else:
            yield record, found


def problems_of(collection: Collection, part: int, who: Wanted) -> Iterator[Problem]:
    """What could not be taken, as far as it is for this part to say."""
    for problem in collection.problems:
        if not problem.resource.startswith("Patient/") or who.part_of(problem.resource) == part:
            yield problem


def place_names(collection: Collection) -> dict[str, str]:
    """What locations and organizations are called, by reference."""
    found = {}
    for kind in ("Location", "Organization"):
        for resource in collection.shared(kind):
            if isinstance(name := resource.get("name"), str) and name.strip():
                found[f"{kind}/{resource['id']}"] = name.strip()
    return found
