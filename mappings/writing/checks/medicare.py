"""What Medicare's contractors refuse and other payers may take.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Sequence
from datetime import date

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks.fault import Findings, Found, element
from mappings.writing.checks.services import Service
from mappings.writing.preparing.identifiers import medicare_number_fault
from mappings.writing.x12.segments import Segment

WHY_SECOND = "SBR05 does not say why Medicare pays after another"
FILINGS = frozenset({"MA", "MB"})
_OFFICE = "11"
_LATE_REASON = 20  # CLM20


def faults(
    claim: Segment, services: Sequence[Service], filing: str, written_on: date | None
) -> Findings:
    """`claim`: CLM; of a claim that goes to Medicare."""
    institutional = any(service.institutional for service in services)
    if services and institutional != (filing == "MA"):
        wanted = "837I are MA" if institutional else "837P are MB"
        yield Found(f"SBR09 is {filing}, and Medicare's {wanted}", 0)
    if not element(claim, _LATE_REASON):
        yield from _late(services, written_on)
    if not institutional and element(claim, 5).startswith(_OFFICE):
        yield from _discards_not_named(services)


def subscriber(segments: Sequence[Segment], sbr: Segment, at: int) -> Findings:
    """2000B, whose SBR stands at `at`."""
    for place, segment in enumerate(segments):
        fault = medicare_number_fault(element(segment, 9)) if segment[:2] == ("NM1", "IL") else None
        if fault:
            yield Found(f"the Medicare number {fault}", place)
    if element(sbr, 2) != "18":
        yield Found("Medicare's patient is the subscriber (SBR02 is 18)", at)
    if element(sbr, 9) == "MB" and element(sbr, 1) != "P" and not element(sbr, 5):
        yield Found(WHY_SECOND, at)


def _late(services: Sequence[Service], written_on: date | None) -> Findings:
    years = codes.claim_forms().medicare.years_to_file
    for service in services:
        if written_on is None or service.days is None:
            continue
        day = service.days[0]
        if (written_on.year - years, written_on.month, written_on.day) > day.timetuple()[:3]:
            says = f"the service of {us_date(day)} is more than a year before the file's date"
            yield Found(f"{says}, and CLM20 gives no reason", service.at, service.line)


def _discards_not_named(services: Sequence[Service]) -> Findings:
    """Each IV iron comes in single-dose containers."""
    first, known = codes.claim_forms().medicare.discards_named_from, codes.in_force().billing_codes
    discarded = {(one.code, one.days) for one in services if "JW" in one.modifiers}
    for service in services:
        if service.code not in known or service.days is None or service.days[0] < first:
            continue
        if "JZ" in service.modifiers or (service.code, service.days) in discarded:
            continue
        says = f"{service.code} has neither JZ (nothing discarded) nor a JW line beside it"
        yield Found(says, service.at, service.line)
