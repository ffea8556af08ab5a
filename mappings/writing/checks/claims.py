"""2300 to 2330: a claim's head, its diagnoses, who is on it, and who else pays.

Held by tests/unit/test_envelopes.py.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks import institutional, medicare
from mappings.writing.checks.about import About
from mappings.writing.checks.coordination import other_payers
from mappings.writing.checks.dates import span
from mappings.writing.checks.fault import (
    LONG_NOTE,
    Findings,
    Found,
    amount,
    coded,
    element,
    first_of,
    is_long_note,
    is_placeholder,
    loops,
)
from mappings.writing.checks.people import is_of_us, names
from mappings.writing.checks.services.beside import beside_each_other
from mappings.writing.checks.services.lines import Days, line_faults
from mappings.writing.checks.services.service import Service, service_of
from mappings.writing.x12.segments import COMPONENT, Segment

_ICD = re.compile(r"[A-Z]\d[0-9A-Z]{1,5}")
_NUMBER = re.compile(r"[!-~\x1f ]{1,20}")
_PRINCIPAL, _OTHER = frozenset({"ABK", "BK"}), frozenset({"ABF", "BF"})
_ORIGINAL, _REPLACING = frozenset({"1", "2", "3", "4"}), frozenset({"7", "8"})
# NUBC's of a type of bill; NUCC's of a professional claim.
_FREQUENCIES = {True: _ORIGINAL | _REPLACING | {"0", "5", "9"}, False: frozenset({"1", "7", "8"})}
# Anemia in chronic kidney disease: code first the kidney disease (ICD-10-CM tabular list).
# One state's Medicaid wants it first.
_MEDICAID = "MC"
# Of an accident at work: related causes (CLM11), its day (DTP*439), on an 837I occurrence code 04.
_COMPENSATION, _AT_WORK, _ACCIDENT = "WC", "EM", ["BH", "04"]
_NEVER_FIRST, _BEFORE_IT = "D631", ("N18", "I12", "I13", "E08", "E09", "E10", "E11", "E13")


def claim_faults(segments: Sequence[Segment], about: About) -> Findings:
    """Everything wrong with one claim: CLM and what follows it."""
    lines = loops(segments, "LX")
    before_lines = segments[: lines[0][0]] if lines else segments
    others = loops(before_lines, "SBR")
    head = before_lines[: others[0][0]] if others else before_lines
    diagnoses = _diagnosis_codes(head)
    days = _days(head, about)
    yield from names(segments)
    yield from _clm(segments[0], about)
    yield from _diagnoses(head, about, _first_day(segments, days))
    yield from _head(head, about)
    if about.filing == _COMPENSATION:
        yield from _accident(head, about)
    yield from _practitioner(head, [line for _, line in lines], about)
    yield from other_payers(segments, others, about)
    if about.institutional:
        yield from institutional.faults(head, segments, about)
    services: list[Service] = []
    for number, (start, line) in enumerate(lines, 1):
        service = service_of(line, start)
        if element(segments[start], 1) != str(number):
            yield Found(f"LX01 is {element(segments[start], 1)}, it is line {number}", start)
        if service is None or service.institutional != about.institutional:
            wanted = "SV2" if about.institutional else "SV1"
            yield Found(f"the line has no {wanted}", start, element(segments[start], 1))
            continue
        services.append(service)
        yield from line_faults(service, line, start, len(diagnoses), days)
    yield from _sums(segments[0], services, about)
    yield from beside_each_other(services)
    if about.filing in medicare.FILINGS:
        yield from medicare.faults(head, services, about.filing, days)


def _days(head: Sequence[Segment], about: About) -> Days:
    statement = institutional.statement_days(head) if about.institutional else None
    each_dated = about.institutional and institutional.dates_each_line(head, statement)
    of_medicare = about.filing in medicare.FILINGS
    return Days(about.born, about.died, about.written_on, statement, each_dated, of_medicare)


def _first_day(segments: Sequence[Segment], days: Days) -> date | None:
    """Of the services: by it diagnoses are in force."""
    if days.statement:
        return days.statement[0]
    dated = first_of(segments, "DTP", "472")
    service = span(element(dated, 2), element(dated, 3))
    return service[0] if service else days.written_on


def _clm(segment: Segment, about: About) -> Findings:
    if not _NUMBER.fullmatch(element(segment, 1)) or not element(segment, 1).strip():
        yield Found("CLM01 has not 1 to 20 characters, which is what payers return", 0)
    place, kind, *_ = [*element(segment, 5).split(COMPONENT), "", ""]
    if kind != ("A" if about.institutional else "B"):
        yield Found(f"CLM05-2 is {kind or 'empty'}, which is not this kind of claim", 0)
    if not re.fullmatch(r"\d{2}", place, re.ASCII):
        yield Found(f"CLM05-1 {place or '(none)'} is not a code of two digits", 0)
    elif kind == "B" and place not in codes.claim_forms().lists.places_of_service:
        yield Found(f"CLM05-1 {place} is not a place of service", 0)
    wanted = {7: "ABC", 8: "YNW", 9: "IY"}
    wanted |= {} if about.institutional else {6: "YN"}
    for number, allowed in wanted.items():
        value = element(segment, number)
        if len(value) != 1 or value not in allowed:
            yield Found(f"CLM{number:02} is {value or 'empty'}, none of {', '.join(allowed)}", 0)


def frequency_of(segment: Segment) -> str:
    return [*element(segment, 5).split(COMPONENT), "", "", ""][2]


def _head(head: Sequence[Segment], about: About) -> Findings:
    frequency = frequency_of(head[0])
    originals = [at for at, segment in enumerate(head) if segment[:2] == ("REF", "F8")]
    if frequency not in _FREQUENCIES[about.institutional]:
        says = "is not a frequency of this kind of claim"
        yield Found(f"CLM05-3 {frequency or '(none)'} {says}", 0)
    if frequency in _REPLACING and not originals:
        says = f"frequency {frequency} replaces or voids a claim, and REF*F8 does not say which"
        yield Found(says, 0)
    if originals and frequency in _ORIGINAL:
        says = f"REF*F8 names a claim to replace, and frequency {frequency} replaces none"
        yield Found(says, originals[0])
    authorizations = [at for at, segment in enumerate(head) if segment[:2] == ("REF", "G1")]
    if len(authorizations) > 1:
        yield Found("a claim holds one prior authorization, not several", authorizations[1])
    for at in (*authorizations, *originals):
        if is_placeholder(element(head[at], 2)):
            yield Found(f"REF*{element(head[at], 1)} holds no number", at)
        elif at in originals and element(head[at], 2) == element(head[0], 1):
            says = "REF*F8 holds our own number (CLM01), not the payer's number of the claim"
            yield Found(says, at)
    for at, segment in enumerate(head):
        if is_long_note(segment):
            yield Found(LONG_NOTE, at)


def _accident(head: Sequence[Segment], about: About) -> Findings:
    """What workers' compensation asks of each claim (X222 and X223, CLM11, DTP*439, HI*BH)."""
    if about.institutional:
        if not any(said[:2] == _ACCIDENT for _, said in coded(head)):
            says = "a claim to workers' compensation says when the accident was (HI*BH:04)"
            yield Found(says, 0)
    elif _AT_WORK not in element(head[0], 11).split(COMPONENT) or not first_of(head, "DTP", "439"):
        says = (
            "a claim to workers' compensation says EM (CLM11) and when the accident was (DTP*439)"
        )
        yield Found(says, 0)


def _practitioner(
    head: Sequence[Segment], lines: Sequence[Sequence[Segment]], about: About
) -> Findings:
    if about.institutional and not first_of(head, "NM1", "71"):
        yield Found("an institutional claim names its attending practitioner (NM1*71)", 0)
    if not (about.institutional or about.biller_is_person or _is_rendered(head, lines)):
        yield Found("an organization bills, and nobody is named as having rendered it (NM1*82)", 0)
    yield from _where_given(head)
    for entity in ("71", "82", "77"):
        own = [at for at, segment in enumerate(head) if segment[:2] == ("NM1", entity)]
        if len(own) > 1:
            yield Found(f"NM1*{entity} appears twice", own[1])
        if own and entity != "77" and element(head[own[0]], 8) != "XX":
            yield Found(f"NM1*{entity} has no NPI", own[0])
        same = own and element(head[own[0]], 9) == about.biller_npi != ""
        if same and entity == "82" and not about.biller_is_person:
            yield Found("NM1*82 has the NPI of the organization that bills", own[0])


def _where_given(head: Sequence[Segment]) -> Findings:
    """The service facility's ZIP code has nine digits, as the biller's has (N403 of 2310C and
    2310E, from memory)."""
    entity = ""
    for at, segment in enumerate(head):
        entity = element(segment, 1) if segment[0] == "NM1" else entity
        is_place = entity == "77" and segment[0] == "N4"
        if is_place and is_of_us(segment) and len(element(segment, 3)) == 5:
            yield Found("the service facility's ZIP code has not nine digits", at)


def _is_rendered(head: Sequence[Segment], lines: Sequence[Sequence[Segment]]) -> bool:
    """Named for the claim (2310B) or on each of its lines (2420A), where anybody is."""
    nobody = codes.claim_forms().lists.without_practitioner
    if first_of(head, "NM1", "82") or element(head[0], 5).partition(COMPONENT)[0] in nobody:
        return True
    return bool(lines) and all(first_of(line, "NM1", "82") for line in lines)


def _diagnosis_codes(head: Sequence[Segment]) -> list[tuple[str, str, int]]:
    """Qualifier, code and place of each diagnosis, the principal first as it stands."""
    found = []
    for at, segment in enumerate(head):
        if segment[0] == "HI":
            for part in segment[1:]:
                kind, _, rest = part.partition(COMPONENT)
                if kind in _PRINCIPAL or kind in _OTHER:
                    found.append((kind, rest.partition(COMPONENT)[0], at))
    return found


def _diagnoses(head: Sequence[Segment], about: About, day: date | None) -> Findings:
    found = _diagnosis_codes(head)
    kind = "institutional" if about.institutional else "professional"
    most = codes.claim_forms().limits.diagnoses[kind]
    if [kind for kind, *_ in found][:1] != ["ABK"] or {kind for kind, *_ in found[1:]} - {"ABF"}:
        yield Found("the first diagnosis is ABK and the others ABF", found[0][2] if found else 0)
    if len(found) > most:
        yield Found(f"{len(found)} diagnoses, of which {most} fit", found[-1][2])
    seen: set[str] = set()
    for _, code, at in found:
        if not _ICD.fullmatch(code):
            yield Found(f"{code or 'nothing'} is not an ICD-10-CM code without its dot", at)
        elif code in seen:
            yield Found(f"the diagnosis {code} appears twice", at)
        elif _is_heading(code, day):
            yield Found(f"the diagnosis {code} is a heading: a claim has a code below it", at)
        elif day and codes.diagnoses().is_out(code, day):
            yield Found(f"the diagnosis {code} is no code of {us_date(day)}", at)
        first = code == _NEVER_FIRST and not any(one.startswith(_BEFORE_IT) for one in seen)
        if first and about.filing != _MEDICAID:
            says = "D63.1 comes before its kidney disease (code first N18.-)"
            yield Found(says, at)
        seen.add(code)


def _is_heading(code: str, day: date | None) -> bool:
    known = codes.diagnoses()
    divided = known.is_heading(code, day) if day else code in known.headings
    return divided or code in codes.claim_forms().lists.headings


def _sums(segment: Segment, services: Sequence[Service], about: About) -> Findings:
    limits = codes.claim_forms().limits
    total = sum((service.amount for service in services), Decimal(0))
    written = element(segment, 2)
    if amount(written) is None:
        yield Found(f"CLM02 {written or '(none)'} is not an amount in dollars and cents", 0)
    elif amount(written) != total:
        yield Found(f"CLM02 {written} is not the sum {total} of its lines", 0)
    elif total > limits.charge:
        yield Found(f"CLM02 {written} is more than {limits.charge}, the most that payers take", 0)
    most = limits.lines["institutional" if about.institutional else "professional"]
    if len(services) > most:
        yield Found(f"{len(services)} lines, of which {most} fit", 0)
    if not services:
        yield Found("the claim has no line", 0)
