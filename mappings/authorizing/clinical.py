"""What a chart says that payers ask of a request for iron, whatever their policy: results, weight,
oral iron, iron and ESAs of the year before.

Held by tests/unit/test_authorization_requests.py.
"""

from collections.abc import Iterator, Set
from datetime import date, timedelta, tzinfo

from msgspec import Struct

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.charge.history import History
from mappings.circumstances import labs
from mappings.record import Administration, PatientRecord
from mappings.requirements import quoting
from mappings.site import Site
from mappings.values.moment import Moment
from mappings.values.numbers import plain

ANALYTES = ("ferritin", "tsat", "hemoglobin", "weight")
_YEAR = timedelta(days=365)


class ClinicalFact(Struct, frozen=True):
    """`about`: what kind of fact it is; `says`: with its date."""

    about: str
    says: str
    evidence: tuple[Evidence, ...]


def clinical_facts(
    record: PatientRecord, site: Site, doses: Set[str], start: date | None
) -> Iterator[ClinicalFact]:
    """Before the first of DOSES, which are on START or later; nothing where that is not known."""
    if start is None:
        return
    history, zone = History(record, site), site.zone
    results = history.results.at(_first(record, doses), start)
    for analyte in ANALYTES:
        result = results.newest(analyte)
        if result:
            said = f"{labs.value(result)} {labs.drawn(result, zone)}"
            yield ClinicalFact(_name(analyte), said, labs.evidence(result, zone))
    for course in record.oral_iron:
        if not course.unread and _is_before(course.start, start, zone):
            says = course.says if course.intolerance else quoting.course(course, zone)
            yield ClinicalFact("oral iron", says, (cite(course.source, says),))
    yield from _given(history, doses, start)
    for esa in record.esa:
        if esa.when and start - _YEAR <= esa.when.days(zone)[0] <= start:
            says = f"{esa.name} {esa.when.span(zone).on}"
            yield ClinicalFact("ESA", says, (cite(esa.source, says),))


def _given(history: History, doses: Set[str], start: date) -> Iterator[ClinicalFact]:
    """IV iron of the year before, the newest first."""
    zone = history.zone
    before: list[tuple[date, Administration]] = []
    for one in history.record.administrations:
        day = one.start.day(zone) if one.start else None
        if one.was_given and one.source.resource not in doses and day:
            before += [(day, one)] if start - _YEAR <= day <= start else []
    for day, one in sorted(before, key=lambda given: (given[0], given[1].source), reverse=True):
        mg = history.doses.on(one, day).mg
        amount = f", {plain(mg)} mg" if mg is not None else ""
        says = f"{one.drug.says or 'iron'}{amount} {one.start.span(zone).on if one.start else ''}"
        yield ClinicalFact("earlier IV iron", says, (cite(one.source, says),))


def _first(record: PatientRecord, doses: Set[str]) -> Moment | None:
    given = (one.start for one in record.administrations if one.source.resource in doses)
    return min(filter(None, given), key=lambda moment: moment.order, default=None)


def _is_before(when: Moment | None, day: date, zone: tzinfo | None) -> bool:
    return when is None or when.days(zone)[0] <= day


def _name(analyte: str) -> str:
    row = next((row for row in codes.labs().analytes if row.analyte == analyte), None)
    return row.says if row and row.says else analyte
