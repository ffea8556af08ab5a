"""Where a patient was: encounters, locations, dialysis, and the notes of it.

Held by tests/unit/test_reading_people.py.
"""

from collections.abc import Iterator

from msgspec import Struct, structs

from mappings.record.diagnoses import Diagnosis
from mappings.record.people import Practitioner
from mappings.record.sources import Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread


class Stay(Struct, frozen=True, gc=False):
    """A location of an encounter and when. `undated`: when, in a form that can't be read."""

    location: str
    start: Moment | None = None
    end: Moment | None = None
    undated: bool = False


# Statuses of encounters that are none, or not yet.
NOT_HELD = frozenset({"planned", "cancelled", "entered-in-error"})


def visit_by(identifier: str) -> str:
    """The name of an encounter that a Reference means by its identifier alone."""
    return f"Encounter?identifier={identifier}"


class EncounterClass(Struct, frozen=True, gc=False):
    """`kind`: inpatient, ambulatory, emergency, observation or home. `by_word`: in no table, read
    by its plain word."""

    kind: str
    says: str
    by_word: bool = False


class PastClass(Struct, frozen=True, gc=False):
    """A class that an encounter had before: an inpatient one, or one that is not understood."""

    klass: EncounterClass | Unread
    start: Moment | None = None
    end: Moment | None = None


class Encounter(Struct, frozen=True, gc=False, kw_only=True):
    """`inpatient_type`, `facility_stay`: the words of its type that say so. `discharge`: how the
    patient was discharged. An `end` of None: it goes on. `unread_period`: an end of its period
    that can't be read."""

    source: Source
    identifiers: tuple[str, ...] = ()
    status: str | Unread | None = None
    unread_period: Unread | None = None
    klass: EncounterClass | Unread | None = None
    past_classes: tuple[PastClass, ...] = ()
    inpatient_type: str | None = None
    facility_stay: str | None = None
    discharge: str | None = None
    part_of: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    stays: tuple[Stay, ...] = ()
    diagnoses: tuple[str, ...] = ()
    reason: Diagnosis | None = None
    service_provider: str | None = None
    dialysis: str | None = None
    dialysis_in_words: Unread | None = None
    participants: tuple[Practitioner, ...] = ()

    @property
    def took_place(self) -> bool:
        """As far as anybody says."""
        return not isinstance(self.status, Unread) and self.status not in NOT_HELD

    @property
    def inpatient_stays(self) -> Iterator["Encounter"]:
        """Itself, and itself as it was before, where that is an inpatient stay or may be."""
        if self.is_inpatient or isinstance(self.klass, Unread):
            yield self
        for past in self.past_classes:
            start, end = past.start or self.start, past.end or self.end
            yield structs.replace(self, klass=past.klass, start=start, end=end)

    @property
    def is_inpatient(self) -> bool:
        """By its class; by its type where it has none."""
        if isinstance(self.klass, EncounterClass):
            return self.klass.kind == "inpatient"
        return self.klass is None and self.inpatient_type is not None


class Location(Struct, frozen=True, gc=False, kw_only=True):
    """`part_of`: the location that it lies in."""

    source: Source
    place_of_service: tuple[str, ...] = ()
    organization: str | None = None
    part_of: str | None = None


class DialysisTreatment(Struct, frozen=True, gc=False, kw_only=True):
    """`until`: the end of a course of treatments; one that still goes on ends never."""

    source: Source
    kind: str
    when: Moment | None
    until: Moment | None = None


# The element of a document that says what kind of note it is.
KIND_OF_NOTE = "DocumentReference.type"


class Note(Struct, frozen=True, gc=False, kw_only=True):
    """`stated`: whether it says that it is final; `unread`: a status that is not understood, or a
    kind that is not said."""

    source: Source
    final: bool
    stated: bool = True
    unread: Unread | None = None
    encounters: tuple[str, ...] = ()
    when: Moment | None = None
