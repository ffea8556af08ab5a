"""2400: one service line by itself.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Sequence
from datetime import date
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks.fault import (
    LONG_NOTE,
    Findings,
    Found,
    amount,
    element,
    is_long_note,
    is_placeholder,
)
from mappings.writing.checks.services.ndcs import ndc_faults
from mappings.writing.checks.services.service import Service
from mappings.writing.x12.segments import COMPONENT, Segment

_CODE, _MODIFIER = re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]"), re.compile(r"[A-Z0-9]{2}")
_REVENUE = re.compile(r"\d{4}", re.ASCII)
_WHOLE, _NUMBER = (
    re.compile(r"[1-9]\d{0,7}", re.ASCII),
    re.compile(r"\d{1,8}(\.\d{1,3})?", re.ASCII),
)
_UNITS = {False: frozenset({"UN", "MJ"}), True: frozenset({"UN", "DA"})}
_CONTRADICTING = (("JW", "JZ"), ("PO", "PN"), ("KP", "KQ"), ("JG", "TB"))
_DRUG_REVENUE, _TOTAL_REVENUE = "0636", "0001"
# Ambulance mileage is counted to the tenth (CMS Pub 100-04 ch. 15 s. 30.1.2, from memory).
_MILES = ("A0380", "A0390", "A0425", "A0435", "A0436")


def line_faults(
    service: Service, segments: Sequence[Segment], start: int, diagnoses: int, context: "Days"
) -> Findings:
    """One line by itself."""
    for says in _service(service, diagnoses):
        yield Found(says, service.at, service.line)
    dated = sum(segment[:2] == ("DTP", "472") for segment in segments)
    for says in context.faults(service, is_dated=dated > 0):
        yield Found(says, service.at, service.line)
    yield from ndc_faults(service, segments, start)
    yield from _beside(service, segments, start)
    if dated > 1:
        yield Found("the line has two dates of service", service.at, service.line)


def _beside(service: Service, segments: Sequence[Segment], start: int) -> Findings:
    """What else stands on a line."""
    for at, segment in enumerate(segments, start):
        if is_long_note(segment):
            yield Found(LONG_NOTE, at, service.line)
        if segment[:2] == ("REF", "G1") and is_placeholder(element(segment, 2)):
            yield Found("REF*G1 holds no number", at, service.line)
        if segment[:2] == ("NM1", "82") and element(segment, 8) != "XX":
            yield Found("NM1*82 has no NPI", at, service.line)
        if segment[0] == "SV1" and not _is_place_of_service(element(segment, 5)):
            says = f"SV105 {element(segment, 5)} is not a place of service"
            yield Found(says, at, service.line)


def _is_place_of_service(code: str) -> bool:
    return not code or code in codes.claim_forms().lists.places_of_service


class Days(Struct, frozen=True):
    """Between which days services lie: in the patient's life, within the statement, before the
    file. `each_dated`: whether each coded line says its day, and does not leave it to the
    statement (a drug's may, but to Medicare)."""

    born: date | None
    died: date | None
    written_on: date | None
    statement: tuple[date, date] | None
    each_dated: bool
    of_medicare: bool

    def faults(self, service: Service, *, is_dated: bool) -> list[str]:
        days = service.days
        if days is None:
            left = self.statement is not None and not is_dated
            asked = self.each_dated and service.code and (self.of_medicare or not service.ndc)
            if left and not asked:
                return []
            return ["the line has no date of service that is a day (DTP*472)"]
        found = []
        if self.died is not None and days[0] > self.died:
            found.append(f"the service of {us_date(days[0])} lies after the patient's death")
        if self.written_on is not None and days[1] > self.written_on:
            found.append(
                f"the service of {us_date(days[1])} lies after the file's date"
                f" {us_date(self.written_on)}"
            )
        if self.born is not None and days[0] < self.born:
            found.append(f"the service of {us_date(days[0])} lies before the patient's birth")
        if self.statement and not (self.statement[0] <= days[0] and days[1] <= self.statement[1]):
            found.append(f"the service of {us_date(days[0])} lies outside the statement's period")
        return found


def _service(service: Service, diagnoses: int) -> list[str]:
    found = _counted(service)
    if service.code:
        found += _coded(service)
    elif not service.institutional or service.qualifier or service.place == _DRUG_REVENUE:
        found.append("the line has no HCPCS code")
    if amount(service.charge) is None:
        found.append(f"{service.charge or 'no'} charge: no amount in dollars and cents")
    if service.institutional:
        if not _REVENUE.fullmatch(service.place):
            found.append("a revenue code has four digits")
        elif service.place == _TOTAL_REVENUE:
            found.append("an 837I has no line of totals (revenue code 0001)")
    else:
        found += _pointers(service.place, diagnoses)
    return found


def _counted(service: Service) -> list[str]:
    found = []
    if service.unit not in _UNITS[service.institutional]:
        found.append(f"{service.unit or 'no'} unit: units are counted (UN)")
    elif service.unit == "MJ" and service.is_iron:
        found.append("MJ counts minutes, and a drug has units (UN)")
    elif service.unit == "UN" and not _is_count(service):
        found.append(f"{service.units or 'no'} units: they are whole and at least one")
    elif not _NUMBER.fullmatch(service.units):
        found.append(f"{service.units or 'no'} units: no number")
    return found


def _is_count(service: Service) -> bool:
    in_tenths = _NUMBER if service.code in _MILES else _WHOLE
    return in_tenths.fullmatch(service.units) is not None


def _coded(service: Service) -> list[str]:
    found = []
    if service.qualifier == "HC" and not _CODE.fullmatch(service.code):
        found.append(f"{service.code} is not a HCPCS code")
    if service.is_iron and service.days and not _in_force(service.code, service.days[0]):
        found.append(f"{service.code} was no code on {us_date(service.days[0])}")
    fifth = _MODIFIER.fullmatch(service.description) is not None
    if fifth or not all(_MODIFIER.fullmatch(modifier) for modifier in service.modifiers):
        found.append("at most four modifiers of two capitals or digits")
    if len(set(service.modifiers)) != len(service.modifiers):
        found.append("a modifier appears twice")
    found += [
        f"{one} and {other} contradict each other"
        for one, other in _CONTRADICTING
        if {one, other} <= set(service.modifiers)
    ]
    return found


def _in_force(code: str, day: date) -> bool:
    rows = chain.from_iterable(family.codes for family in codes.products().families)
    return any(row.code == code and row.holds(day) for row in rows)


def _pointers(written: str, diagnoses: int) -> list[str]:
    pointers = written.split(COMPONENT)
    right = len(pointers) <= 4 and len(set(pointers)) == len(pointers)
    if right and all(_is_place(pointer, diagnoses) for pointer in pointers):
        return []
    said = f"the pointers {written or '(none)'}"
    return [f"{said} do not lead to one to four of the {diagnoses} diagnoses"]


def _is_place(pointer: str, diagnoses: int) -> bool:
    return pointer.isascii() and pointer.isdigit() and 1 <= int(pointer) <= diagnoses
