"""R7, R12: the encounter in which a dose was given, and what else the patient was in that day.

Held by tests/scenarios/stays.yaml.
"""

from collections.abc import Iterable
from datetime import date, tzinfo

from msgspec import Struct

from mappings.record import (
    NOT_HELD,
    Administration,
    Encounter,
    PatientRecord,
    Source,
)
from mappings.values.moment import Moment, may_span
from mappings.values.stated import Unread


class Visit(Struct, frozen=True, gc=False):
    """`encounter`: None where none can be said, and `says` why. `notes`: what was not used.

    `unread`: the status or period of the encounter at `source`, where that is not understood.
    """

    encounter: Encounter | None
    says: str = ""
    notes: tuple[str, ...] = ()
    unread: Unread | None = None
    source: Source | None = None


def visit_of(administration: Administration, record: PatientRecord, zone: tzinfo | None) -> Visit:
    """The encounter that the administration names; where that is not of its day, or it names none,
    the only one whose period spans its start."""
    named = record.encounter(administration.encounter)
    if named is None and administration.encounter:
        return _not_there(administration.encounter, record)
    if named and named.took_place:
        if named.unread_period:
            says = f"The period of the encounter can't be read: {named.unread_period}."
            return Visit(None, says, unread=named.unread_period, source=named.source)
        if holds(named, administration.start, zone):
            return Visit(named)
    if named and isinstance(named.status, Unread):
        says = f"The status of the encounter is not understood: {named.status}."
        return Visit(None, says, unread=named.status, source=named.source)
    why = _no_evidence(named, zone) if named else "The dose is not linked to an encounter."
    spanning = [
        encounter
        for encounter in record.encounters
        if _is_around(encounter, administration.start, zone)
    ]
    if len(spanning) != 1:
        return Visit(None, why, (why,) if named else ())
    return Visit(spanning[0], notes=(why,) if named else ())


def encounter_of(
    administration: Administration, record: PatientRecord, zone: tzinfo | None
) -> Encounter | None:
    """The encounter of the dose, where one can be said."""
    return visit_of(administration, record, zone).encounter


def _not_there(reference: str, record: PatientRecord) -> Visit:
    unreadable = any(problem.resource == reference for problem in record.unreadable)
    return Visit(
        None,
        "The dose's encounter could not be read."
        if unreadable
        else "The dose's encounter is not on record.",
    )


def _no_evidence(named: Encounter, zone: tzinfo | None) -> str:
    """Why the encounter that the dose names says nothing of it."""
    if named.status in NOT_HELD:
        state = "entered in error" if named.status == "entered-in-error" else named.status
        return f"The encounter of the dose is {state}: it says nothing of where the dose was given."
    when = named.start or named.end
    on = when.span(zone).on if when else "of other days"
    return f"The dose's encounter was {on}, not on the day of the dose: it is not used."


def _is_around(encounter: Encounter, start: Moment | None, zone: tzinfo | None) -> bool:
    return bool(
        encounter.took_place
        and encounter.start
        and start
        and spans(encounter.start, encounter.end, start, zone)
    )


def spans(start: Moment | None, end: Moment | None, moment: Moment, zone: tzinfo | None) -> bool:
    return (start is None or start.before_or_same(moment, zone)) and (
        end is None or moment.before_or_same(end, zone)
    )


def holds(encounter: Encounter, moment: Moment | None, zone: tzinfo | None) -> bool:
    """Whether the moment is on one of the encounter's days, as far as these are known."""
    if moment is None:
        return True
    # A start alone, of which nothing says that it goes on, is its own day.
    return may_span(encounter.start, encounter.end, moment.days(zone), zone)


def has_night(encounter: Encounter, day: date, zone: tzinfo | None) -> bool:
    """Whether it surely spans a night."""
    if encounter.start is None:
        return False
    until = encounter.end.days(zone)[0] if encounter.end else day
    return encounter.start.days(zone)[1] < until


def stays_around(
    stays: Iterable[Encounter], day: date, zone: tzinfo | None
) -> tuple[list[Encounter], list[Encounter]]:
    """Of inpatient stays, and ones of a class that is not understood, those from a day before to a
    day after; and inpatient ones of which the day is the first or the last."""
    around: list[Encounter] = []
    beside: list[Encounter] = []
    for stay in stays:
        before = stay.start is None or stay.start.days(zone)[1] < day
        after = stay.end is None or stay.end.days(zone)[0] > day
        if before and after:
            around.append(stay)
        elif stay.is_inpatient and _touches(stay, day, zone):
            beside.append(stay)
    return around, beside


def _touches(encounter: Encounter, day: date, zone: tzinfo | None) -> bool:
    return may_span(encounter.start, encounter.end, (day, day), zone)


def of_facility(stays: Iterable[Encounter], day: date, zone: tzinfo | None) -> Encounter | None:
    """The stay of the day."""
    return next((stay for stay in stays if _touches(stay, day, zone)), None)
