"""What a site has on one patient.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from integration.ehr.fhir.answers import Json
from integration.errors import EhrError

Problem = dict[str, str]


@dataclass(frozen=True)
class PatientPull:
    """What a site has on one patient. `problems` are `{"resource": ..., "problem": ...}`."""

    patient: str
    resources: list[Json]
    problems: list[Problem]
    requests: int
    not_offered: frozenset[str] = frozenset()  # types that this server does not have
    unread: frozenset[str] = frozenset()  # types that it has and would not give, or not wholly
    in_other_form: tuple[
        Json, ...
    ] = ()  # the DetectedIssues that our Tasks, Communications or documents stand for

    status_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the vendor's own
    # What came in the place of a part and is no FHIR: a proxy's page may pass, a vendor's stays.
    odd: EhrError | None = None
    merged: tuple[str, ...] = ()  # the ids of merged patients, whose records are here, too

    @property
    def ids(self) -> frozenset[str]:
        """Every id under which the records here stood."""
        return frozenset(
            patient.removeprefix("Patient/") for patient in (self.patient, *self.merged)
        )

    @cached_property
    def issues(self) -> list[Json]:
        """Our own DetectedIssues, as they stand in the chart now."""
        return [r for r in self.resources if r["resourceType"] == "DetectedIssue"] + list(
            self.in_other_form
        )

    @cached_property
    def person(self) -> Json | None:
        """The Patient resource."""
        people = [found for found in self.resources if found["resourceType"] == "Patient"]
        return next((one for one in people if f"Patient/{one.get('id')}" == self.patient), None)
