"""Where `assess` reads from: a Bundle file, NDJSON, a folder, or standard input. What a FHIR server
needs beside is in `servers`, and is loaded for one alone.

Held by tests/unit/test_files.py.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from integration.assessing.files import collect
from integration.wording import people
from mappings.assess import assess, document
from mappings.assessment import Assessment
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection, Reader
from mappings.record import PatientRecord
from mappings.site import Site as Facts

if TYPE_CHECKING:
    from integration.ehr.writing.writeback import Outcome


@dataclass(frozen=True)
class AssessedCharts:
    """A document, the records behind it, and what was written back. `passed_over`: patients who
    have no intravenous iron, and whose charts were not read whole for that."""

    document: Assessment
    records: dict[str, PatientRecord]
    names: dict[str, str] = field(default_factory=dict)
    outcomes: "tuple[Outcome, ...]" = ()
    merged: dict[str, str] = field(default_factory=dict)  # patient → the surviving one
    passed_over: int = 0

    @property
    def complete(self) -> bool:
        """Whether every resource could be read and every write-back done."""
        return not self.document.all_unreadable and all(
            outcome.result not in ("refused", "unknown", "conflict") for outcome in self.outcomes
        )


def is_server(source: str) -> bool:
    return source.lower().startswith(("http://", "https://"))


def from_files(source: str, facts: Facts, policies: PolicySet, as_of: datetime) -> AssessedCharts:
    """Assess a Bundle, NDJSON or folder of either; ConfigurationError where there is nothing to
    read."""
    return from_collection(collect(source), facts, policies, as_of)


def from_collection(
    collection: Collection, facts: Facts, policies: PolicySet, as_of: datetime
) -> AssessedCharts:
    records, problems = Reader(facts).records(collection)
    found = document(
        [assess(record, policies, as_of, facts) for record in records], problems, as_of
    )
    names = people.by_reference(collection.shared("Patient"))
    by_patient = {record.patient: record for record in records}
    return AssessedCharts(found, by_patient, names, merged=collection.merges.into)


__all__ = ["AssessedCharts", "collect", "from_collection", "from_files", "is_server"]
