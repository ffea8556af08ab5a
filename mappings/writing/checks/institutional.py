"""What an 837I says of the stay: statement, status, frequency, value, condition and occurrence
codes.

Held by tests/unit/test_claim_checks.py.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks.about import About
from mappings.writing.checks.dates import span
from mappings.writing.checks.fault import Findings, Found, coded, element, first_of
from mappings.writing.preparing.prepared import UNSCHEDULED
from mappings.writing.preparing.statements import STILL_PATIENT
from mappings.writing.x12.segments import COMPONENT, Segment

_STATUS, _PRIORITY = re.compile(r"\d{2}", re.ASCII), re.compile(r"[1-59]", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,4})?|\.\d{1,4}", re.ASCII)
# What a code of HI is called that stands with days, and in which form.
_DATED = {
    "BH": ("occurrence", "D8"),
    "BI": ("occurrence span", "RD8"),
    **dict.fromkeys(("BBQ", "BBR", "BQ", "BR"), ("procedure", "D8")),
}
# Medicare, and what stands in for it (SBR09).
_OF_MEDICARE = frozenset({"MA", "MB", "16"})
_DIALYSIS, _OUTPATIENT = "72", frozenset({"13", "85", "78"})
# A laboratory looks at a specimen; of everything else X223 asks the point of origin (NUBC FL 15,
# from memory).
_SPECIMEN = "14"


def statement_days(head: Sequence[Segment]) -> tuple[date, date] | None:
    period = first_of(head, "DTP", "434")
    return span(element(period, 2), element(period, 3))


def dates_each_line(head: Sequence[Segment], statement: tuple[date, date] | None) -> bool:
    """An outpatient claim of several days says of each coded line on which (X223, 2400 DTP)."""
    several = statement is not None and statement[0] != statement[1]
    return several and element(head[0], 5).partition(COMPONENT)[0] in _OUTPATIENT | {_DIALYSIS}


def faults(head: Sequence[Segment], segments: Sequence[Segment], about: About) -> Findings:
    """The head of an institutional claim; `segments`: all of it."""
    written_on = about.written_on
    bill_type, _, frequency = [*element(head[0], 5).split(COMPONENT), "", "", ""][:3]
    days = statement_days(head)
    if days is None:
        yield Found("the claim has no statement's period (DTP*434) of two days", 0)
    elif bill_type != _DIALYSIS and written_on is not None and days[1] > written_on:
        yield Found(f"the statement's period ends after the file's date {us_date(written_on)}", 0)
    at, stay = next(
        ((at, segment) for at, segment in enumerate(head) if segment[0] == "CL1"), (0, ())
    )
    if not stay:
        yield Found("the claim has no CL1: priority, origin and patient status", 0)
    elif not _STATUS.fullmatch(element(stay, 3)) or not _PRIORITY.fullmatch(element(stay, 1)):
        yield Found("CL1 has no priority of one digit, or no patient status of two", at)
    elif not element(stay, 2) and bill_type != _SPECIMEN:
        yield Found("CL1 has no point of origin (CL102)", at)
    codes_by_kind = _hi_codes(head)
    yield from _twice(head)
    yield from _values(head)
    yield from _reason(bill_type, element(stay, 1), at, codes_by_kind)
    if _is_off_campus(segments) and not first_of(head, "NM1", "77"):
        yield Found("an off-campus department's claim names its address (NM1*77, 2310E)", 0)
    yield from _goes_on(frequency, element(stay, 3), at)
    if bill_type == _DIALYSIS:
        yield from _dialysis_diagnosis(codes_by_kind, is_draft=about.is_draft)
        yield from _dialysis(frequency, element(stay, 3), at, days)
        if not about.is_draft:
            yield from _dialysis_codes(codes_by_kind, segments)
        if not about.is_draft and about.filing in _OF_MEDICARE:
            yield from _medicare_codes(codes_by_kind, _amounts(head))


def _reason(
    bill_type: str, priority: str, at: int, by_kind: dict[str, list[tuple[str, int]]]
) -> Findings:
    """Why the patient came, of an unscheduled outpatient visit."""
    if "PR" in by_kind:
        says = "HI*PR is the reason for a visit by ICD-9-CM: by ICD-10-CM it is APR"
        yield Found(says, by_kind["PR"][0][1])
    elif bill_type in _OUTPATIENT and priority in UNSCHEDULED and "APR" not in by_kind:
        yield Found("an unscheduled outpatient visit has its reason (HI*APR)", at)


def _is_off_campus(segments: Sequence[Segment]) -> bool:
    services = (element(segment, 2).split(COMPONENT) for segment in segments if segment[0] == "SV2")
    return any({"PO", "PN"} & set(parts) for parts in services)


def _hi_codes(head: Sequence[Segment]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for at, (kind, code, *_) in coded(head):
        found.setdefault(kind, []).append((code, at))
    return found


def _twice(head: Sequence[Segment]) -> Findings:
    """An occurrence may stand with several days."""
    names = {"BE": "value", "BG": "condition", "BH": "occurrence"}
    seen = set()
    for at, (kind, code, _, when, _) in coded(head):
        if kind in names and (kind, code, when) in seen:
            yield Found(f"{names[kind]} code {code} appears twice", at)
        seen.add((kind, code, when))


def _values(head: Sequence[Segment]) -> Findings:
    """A value code has its amount, an occurrence or a procedure its day."""
    for at, (kind, code, form, when, amount) in coded(head):
        if kind == "BE" and not _NUMBER.fullmatch(amount):
            yield Found(f"value code {code} has no amount", at)
        name, of = _DATED.get(kind, ("", ""))
        if name and (form != of or span(form, when) is None):
            yield Found(f"{name} code {code} has no {'day' if of == 'D8' else 'days'}", at)


def _amounts(head: Sequence[Segment]) -> dict[str, Decimal | None]:
    """Of each value code; None where none is read."""
    return {
        code: Decimal(amount) if _NUMBER.fullmatch(amount) else None
        for _, (kind, code, _, _, amount) in coded(head)
        if kind == "BE"
    }


def _dialysis_diagnosis(by_kind: dict[str, list[tuple[str, int]]], *, is_draft: bool) -> Findings:
    """End-stage renal disease, or in acute kidney injury that. A draft has no condition codes."""
    table = codes.claim_forms().dialysis
    found = {code for code, _ in [*by_kind.get("ABK", ()), *by_kind.get("ABF", ())]}
    injured = any(code.startswith("N17") for code in found)
    said = table.acute_condition in {code for code, _ in by_kind.get("BG", ())}
    acute = said or (is_draft and injured)
    if acute and not injured:
        yield Found("condition code 84 says acute kidney injury, and no diagnosis does (N17)", 0)
    if not acute and "N186" not in found:
        yield Found("a dialysis claim has the diagnosis N18.6, or condition code 84", 0)


def _goes_on(frequency: str, status: str, at: int) -> Findings:
    if frequency in codes.claim_forms().frequency.still_patient and status != STILL_PATIENT:
        says = f"frequency {frequency} says that treatment goes on, patient status {status} that it"
        yield Found(f"{says} ended", at)


def _dialysis(frequency: str, status: str, at: int, days: tuple[date, date] | None) -> Findings:
    table = codes.claim_forms().frequency
    if frequency in table.ended and status == STILL_PATIENT:
        says = f"frequency {frequency} says that treatment ended, patient status 30 that it goes on"
        yield Found(says, at)
    if days is None:
        return
    if (days[0].year, days[0].month) != (days[1].year, days[1].month):
        yield Found("a dialysis facility's claim covers one month", at)
    last = monthrange(days[1].year, days[1].month)[1]
    if frequency in table.still_patient and days[1].day != last:
        yield Found(
            f"frequency {frequency} covers the month to its end, {us_date(days[1])} is not", at
        )


def _dialysis_codes(
    by_kind: dict[str, list[tuple[str, int]]], segments: Sequence[Segment]
) -> Findings:
    table = codes.claim_forms().dialysis
    conditions = {code for code, _ in by_kind.get("BG", ())}
    if not conditions & set(table.conditions):
        yield Found("a dialysis claim has a condition code (71 to 76, 84: HI*BG)", 0)
    revenue = [element(segment, 1)[:3] for segment in segments if segment[0] == "SV2"]
    if not any(code in table.treatment_revenue for code in revenue):
        yield Found("a dialysis claim has the lines of its treatments (082X to 085X)", 0)


def _medicare_codes(
    by_kind: dict[str, list[tuple[str, int]]], values: dict[str, Decimal | None]
) -> Findings:
    """What Medicare's payment for dialysis rests on. A Kt/V of 9.99 says that none was measured,
    and there is no day of it (CMS Pub 100-04 ch. 8 s. 50.3, from memory)."""
    table = codes.claim_forms().dialysis
    acute = table.acute_condition in {code for code, _ in by_kind.get("BG", ())}
    for code in table.lacks(values, acute=acute):
        yield Found(f"a dialysis claim has value code {code} (HI*BE)", 0)
    if values.keys().isdisjoint(table.one_of_values):
        yield Found("a dialysis claim has value code 48 or 49 (HI*BE)", 0)
    occurrences = {code for code, _ in by_kind.get("BH", ())}
    if table.asks_when(values, acute=acute) and table.occurrence not in occurrences:
        yield Found(f"a dialysis claim has occurrence code {table.occurrence} (HI*BH)", 0)
