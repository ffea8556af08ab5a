"""How long after a dose the last document came that its line rests on: by the dates that documents
bear, as an export tells no other.

Held by tests/unit/test_bulk_reports.py.
"""

from collections.abc import Iterator
from datetime import date

from mappings.assessment import ClaimLine, PatientAssessment
from mappings.record import PatientRecord
from mappings.values.moment import Moment


def days_to_complete(
    found: PatientAssessment, record: PatientRecord
) -> Iterator[tuple[ClaimLine, int]]:
    """Of each ready line of a known day: days from the dose to its last document, 0 where all were
    there. Orders, diagnoses and notes count when they were recorded, results when they were
    taken."""
    dates = dict(_dated(record))
    evidence: dict[str, set[str]] = {}
    for finding in found.requirements:
        if finding.state == "met":
            for administration in finding.administrations:
                named = evidence.setdefault(administration, set())
                named.update(item.resource for item in finding.evidence)
    for line in found.lines:
        if line.status != "ready" or line.service_date is None or line.discard_of:
            continue
        named = set().union(*(evidence.get(name, set()) for name in line.administrations))
        named.update(item.resource for item in line.evidence)
        last = max((dates[name] for name in named if name in dates), default=None)
        given = date.fromisoformat(line.service_date)
        yield line, max(0, (last - given).days) if last else 0


def _dated(record: PatientRecord) -> Iterator[tuple[str, date]]:
    """The day on which each document was recorded, where it says so."""
    stamped: list[tuple[str, Moment | None]] = [
        *((lab.source.resource, lab.when) for lab in record.labs),
        *((note.source.resource, note.when) for note in record.notes),
        *((diagnosis.source.resource, diagnosis.recorded) for diagnosis in record.diagnoses),
        *((order.source.resource, order.authored) for order in record.orders),
    ]
    for resource, moment in stamped:
        if moment and not moment.partial:
            yield resource, moment.days(None)[0]
