"""2000A to 2010CA: who bills, who is insured, who is the patient, who pays.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Sequence
from datetime import date

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks import medicare
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import Findings, Found, element, first_of, is_placeholder
from mappings.writing.preparing.identifiers import (
    is_post_box,
    tax_number_fault,
    valid_npi,
    valid_taxonomy,
)
from mappings.writing.x12.segments import Segment

_PHONE = re.compile(r"[2-9]\d{9}", re.ASCII)
_ZIP = re.compile(r"\d{5}(\d{4})?")
_OLDEST = 130  # years
SEQUENCES = "PSTABCDEFGHU"
# Addresses alone: where checks go, and where an ambulance goes from and to; from whom a service was
# bought has a number (2420B).
_NAMELESS = frozenset({"87", "PW", "45", "QB"})
# A family's name that others write where they know none.
_SURNAMES = frozenset({"NA"})
_TAX = frozenset({"EI", "SY"})
_UNITED_STATES = frozenset({"", "US", "USA"})


def names(segments: Sequence[Segment]) -> Findings:
    """Of any loops: NPIs, names, taxonomies. What another payer calls its providers (2330C to
    2330I) are numbers in REF, and no names."""
    is_claim, of_other = segments[0][0] == "CLM", False
    for at, segment in enumerate(segments):
        if segment[0] in ("SBR", "LX"):
            of_other = is_claim and segment[0] == "SBR"
        if segment[0] == "NM1":
            if not of_other or element(segment, 1) in ("IL", "PR"):
                yield from (Found(says, at) for says in _name(segment))
        elif segment[0] == "PRV" and not valid_taxonomy(element(segment, 3)):
            yield Found(f"PRV*{element(segment, 1)} holds no taxonomy code", at)
        elif segment[0] == "N4":
            yield from (Found(says, at) for says in _place(segment))
        elif segment[0] == "PER" and not _reachable(segment):
            yield Found("a telephone number (TE) has not ten digits", at)


def _reachable(segment: Segment) -> bool:
    ways = zip(segment[3::2], segment[4::2], strict=False)
    return all(_PHONE.fullmatch(number) for kind, number in ways if kind == "TE")


def _name(segment: Segment) -> list[str]:
    entity, number = element(segment, 1), element(segment, 9)
    found = []
    if element(segment, 8) == "XX" and not valid_npi(number):
        found.append(f"the NPI of NM1*{entity} fails its check digit")
    if entity not in _NAMELESS and _is_unnamed(segment):
        found.append(f"NM1*{entity} has no name")
    if entity in ("IL", "PR", "85", "40", "41") and is_placeholder(number):
        found.append(f"NM1*{entity} has no number")
    if element(segment, 2) == "2" and any(segment[4:8]):
        found.append(f"NM1*{entity} is an organization, and has a given name, prefix or suffix")
    if element(segment, 2) not in ("1", "2"):
        found.append(f"NM1*{entity} is neither a person (1) nor an organization (2)")
    return found


def _is_unnamed(segment: Segment) -> bool:
    family, given = element(segment, 3), element(segment, 4)
    return is_placeholder(family) and not (family.upper() in _SURNAMES and given)


def is_of_us(segment: Segment) -> bool:
    """An N4 in the United States."""
    return element(segment, 4) in _UNITED_STATES


def _place(segment: Segment) -> list[str]:
    if not is_of_us(segment):
        return []
    zip_code = element(segment, 3)
    found = []
    if element(segment, 2) not in codes.claim_forms().lists.states:
        found.append(f"N402 {element(segment, 2) or '(none)'} is not a state of the United States")
    if not _ZIP.fullmatch(zip_code) or zip_code.startswith("00000"):
        found.append(f"N403 {zip_code or '(none)'} is not a ZIP code of five or nine digits")
    elif len(zip_code) == 9 and zip_code.endswith("0000"):
        found.append(f"N403 {zip_code}: four zeros stand for no ZIP+4, and payers reject them")
    return found


def biller(segments: Sequence[Segment]) -> Findings:
    """2000A: the billing provider's own address is a street with ZIP+4; checks may go to a box."""
    entity = ""
    seen = set()
    for at, segment in enumerate(segments):
        entity = element(segment, 1) if segment[0] == "NM1" else entity
        if segment[0] != "REF" or element(segment, 1) in _TAX:
            seen.add((entity, segment[0]))
        if entity == "85":
            yield from (Found(says, at) for says in _of_biller(segment))
    for wanted in ("NM1", "N3", "N4", "REF"):
        if ("85", wanted) not in seen:
            what = "tax number (REF*EI, REF*SY)" if wanted == "REF" else wanted
            yield Found(f"the billing provider has no {what} (2010AA)", 0)
    if ("87", "NM1") in seen and not {("87", "N3"), ("87", "N4")} <= seen:
        yield Found("the pay-to address has no N3 or N4 (2010AB)", 0)


def _of_biller(segment: Segment) -> list[str]:
    if segment[0] == "N3" and any(is_post_box(line) for line in segment[1:]):
        return ["the billing provider's address is a post box (2010AA): use 2010AB"]
    if segment[0] == "N4" and len(element(segment, 3)) != 9 and is_of_us(segment):
        return ["the billing provider's ZIP code has not nine digits"]
    if segment[0] != "REF" or element(segment, 1) not in _TAX:
        return []
    number = element(segment, 2).replace("-", "")
    fault = tax_number_fault(number, element(segment, 1))
    return [f"the billing provider's tax number {fault}"] if fault else []


def subscriber(segments: Sequence[Segment], written_on: date | None) -> Findings:
    """2000B: SBR, who is insured, under which number, and the payer."""
    sbr = first_of(segments, "SBR")
    if not sbr:
        yield Found("the subscriber has no SBR (2000B)", 0)
        return
    at = segments.index(sbr)
    if len(element(sbr, 1)) != 1 or element(sbr, 1) not in SEQUENCES:
        yield Found(
            f"SBR01 {element(sbr, 1) or '(none)'} is not a place in the order of payers", at
        )
    if element(sbr, 2) not in ("18", ""):
        yield Found("SBR02 of the destination payer is 18 or empty", at)
    if not element(sbr, 9).strip():
        yield Found("SBR09 does not say which kind of payer it is", at)
    entities = {element(segment, 1) for segment in segments if segment[0] == "NM1"}
    for wanted, who in (("IL", "subscriber"), ("PR", "payer")):
        if wanted not in entities:
            yield Found(f"the {who} has no NM1*{wanted}", at)
    if element(sbr, 2) == "18":
        yield from patient(segments, written_on, "the subscriber, who is the patient,")
    if element(sbr, 9) in medicare.FILINGS:
        yield from medicare.subscriber(segments, sbr, at)


def patient(segments: Sequence[Segment], written_on: date | None, who: str) -> Findings:
    """Address, birth date and sex."""
    there = {segment[0] for segment in segments if element(segment, 1).strip()}
    for wanted, what in (("N3", "no street"), ("N4", "no city"), ("DMG", "no birth date")):
        if wanted not in there:
            yield Found(f"{who} has {what} ({wanted})", 0)
    for at, segment in enumerate(segments):
        if segment[0] != "DMG":
            continue
        born = day(element(segment, 2))
        if born is None:
            yield Found("the birth date is not a date", at)
        elif written_on is not None and born > written_on:
            yield Found(f"the birth date {us_date(born)} lies after the file's date", at)
        elif written_on is not None and born.year < written_on.year - _OLDEST:
            yield Found(f"the birth date {us_date(born)} is nobody's who lives", at)
        if element(segment, 3) not in ("F", "M", "U"):
            yield Found("DMG03 is none of F, M, U", at)


def dependent(segments: Sequence[Segment], written_on: date | None) -> Findings:
    """2000C."""
    if not any(segment[0] == "PAT" and element(segment, 1) for segment in segments):
        yield Found("the patient has no PAT with the relationship (2000C)", 0)
    if not first_of(segments, "NM1", "QC"):
        yield Found("the patient has no NM1*QC (2010CA)", 0)
    yield from patient(segments, written_on, "the patient")


def born(segments: Sequence[Segment]) -> date | None:
    return day(element(first_of(segments, "DMG"), 2))


def died(segments: Sequence[Segment]) -> date | None:
    """PAT06."""
    return day(element(first_of(segments, "PAT"), 6))
