"""2300 to 2330: a claim's head, its diagnoses, who is on it, and who else pays.

Held by tests/unit/test_envelopes.py.
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.writing.checks import institutional, medicare
from mappings.writing.checks.fault import Findings, Found, element, first_of, is_placeholder, loops
from mappings.writing.checks.people import SEQUENCES, names
from mappings.writing.checks.services import (
    Days,
    Service,
    beside_each_other,
    line_faults,
    service_of,
)
from mappings.writing.x12.segments import COMPONENT, Segment

_ICD = re.compile(r"[A-Z]\d[0-9A-Z]{1,5}")
_NUMBER = re.compile(r"[!-~ ]{1,20}")
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
_PRINCIPAL, _OTHER = frozenset({"ABK", "BK"}), frozenset({"ABF", "BF"})
_ORIGINAL, _REPLACING = frozenset({"1", "2", "3", "4"}), frozenset({"7", "8"})
_NOTE_MOST = 80
# Anemia in chronic kidney disease: code first the kidney disease (ICD-10-CM tabular list).
# One state's Medicaid wants it first.
_MEDICAID = "MC"
_NEVER_FIRST, _BEFORE_IT = "D631", ("N18", "I12", "I13", "E08", "E09", "E10", "E11", "E13")


class About(Struct, frozen=True, kw_only=True):
    """What stands above a claim. A draft lacks what only the facility knows."""

    institutional: bool
    written_on: date | None = None
    born: date | None = None
    biller_is_person: bool = False
    payer_place: str = "P"
    filing: str = ""
    biller_npi: str = ""
    is_draft: bool = False


def claim_faults(segments: Sequence[Segment], about: About) -> Findings:
    """Everything wrong with one claim: CLM and what follows it."""
    lines = loops(segments, "LX")
    head = segments[: lines[0][0]] if lines else segments
    diagnoses = _diagnosis_codes(head)
    statement = institutional.statement_days(head) if about.institutional else None
    days = Days(about.born, about.written_on, statement)
    yield from names(segments)
    yield from _clm(segments[0], about)
    yield from _diagnoses(head, about)
    yield from _head(head, about)
    yield from _other_payers(head, about)
    if about.institutional:
        yield from institutional.faults(head, segments, about.written_on, is_draft=about.is_draft)
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
        yield from medicare.faults(segments[0], services, about.filing, about.written_on)


def _clm(segment: Segment, about: About) -> Findings:
    if not _NUMBER.fullmatch(element(segment, 1)):
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
    if frequency not in _ORIGINAL | _REPLACING | {"0", "5", "9"}:
        yield Found(f"CLM05-3 {frequency or '(none)'} is not a frequency", 0)
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
        if segment[0] == "NTE" and len(element(segment, 2)) > _NOTE_MOST:
            yield Found("a note has at most 80 characters", at)
    yield from _practitioner(head, about)


def _practitioner(head: Sequence[Segment], about: About) -> Findings:
    entities = [element(segment, 1) for segment in head if segment[0] == "NM1"]
    if about.institutional and "71" not in entities:
        yield Found("an institutional claim names its attending practitioner (NM1*71)", 0)
    if not about.institutional and "82" not in entities and not about.biller_is_person:
        yield Found("an organization bills, and nobody is named as having rendered it (NM1*82)", 0)
    for entity in ("71", "82", "77"):
        own = [at for at, segment in enumerate(head) if segment[:2] == ("NM1", entity)]
        if len(own) > 1:
            yield Found(f"NM1*{entity} appears twice", own[1])
        if own and entity != "77" and element(head[own[0]], 8) != "XX":
            yield Found(f"NM1*{entity} has no NPI", own[0])
        same = own and element(head[own[0]], 9) == about.biller_npi != ""
        if same and entity == "82" and not about.biller_is_person:
            yield Found("NM1*82 has the NPI of the organization that bills", own[0])


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


def _diagnoses(head: Sequence[Segment], about: About) -> Findings:
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
        elif code in codes.claim_forms().lists.headings:
            yield Found(f"the diagnosis {code} is a heading: a claim has a code below it", at)
        first = code == _NEVER_FIRST and not any(one.startswith(_BEFORE_IT) for one in seen)
        if first and about.filing != _MEDICAID:
            says = "D63.1 comes before its kidney disease (code first N18.-)"
            yield Found(says, at)
        seen.add(code)


def _other_payers(head: Sequence[Segment], about: About) -> Findings:
    """2320: each with OI, its subscriber and its payer; one place in the order each."""
    places = {about.payer_place}
    for start, loop in loops(head, "SBR"):
        place = element(loop[0], 1)
        if place in places:
            yield Found(f"two payers are {place} in the order of payers (SBR01)", start)
        places.add(place)
        before = SEQUENCES.find(place) < SEQUENCES.find(about.payer_place)
        if before and not first_of(loop, "AMT", "D"):
            yield Found(f"payer {place} pays before, and AMT*D does not say how much (2320)", start)
        is_medicare = element(loop[0], 9) in medicare.FILINGS and not about.institutional
        if is_medicare and place != "P" and not element(loop[0], 5):
            yield Found(medicare.WHY_SECOND, start)
        if not first_of(loop, "OI"):
            yield Found("the other payer's loop has no OI (2320)", start)
        entities = {element(segment, 1) for segment in loop if segment[0] == "NM1"}
        for wanted in {"IL", "PR"} - entities:
            yield Found(f"the other payer's loop has no NM1*{wanted} (2330)", start)
        if not element(loop[0], 2):
            yield Found("SBR02 of the other payer does not say whose policy it is", start)
    if about.payer_place != "P" and "P" not in places:
        yield Found(
            f"the claim is for payer {about.payer_place} in the order, and no loop 2320 says what"
            " the first one paid",
            0,
        )


def _sums(segment: Segment, services: Sequence[Service], about: About) -> Findings:
    limits = codes.claim_forms().limits
    total = sum((service.amount for service in services), Decimal(0))
    written = element(segment, 2)
    if not _AMOUNT.fullmatch(written):
        yield Found(f"CLM02 {written or '(none)'} is not an amount in dollars and cents", 0)
    elif Decimal(written) != total:
        yield Found(f"CLM02 {written} is not the sum {total} of its lines", 0)
    elif total > limits.charge:
        yield Found(f"CLM02 {written} is more than {limits.charge}, the most that payers take", 0)
    most = limits.lines["institutional" if about.institutional else "professional"]
    if len(services) > most:
        yield Found(f"{len(services)} lines, of which {most} fit", 0)
    if not services:
        yield Found("the claim has no line", 0)
