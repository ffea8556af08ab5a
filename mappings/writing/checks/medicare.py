"""What Medicare's contractors refuse and other payers may take.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Sequence
from datetime import date
from itertools import chain

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks.fault import Findings, Found, coded, element
from mappings.writing.checks.services.lines import Days
from mappings.writing.checks.services.service import OF_NDCS, Service
from mappings.writing.preparing.identifiers import medicare_number_fault
from mappings.writing.x12.segments import COMPONENT, Segment

FILINGS = frozenset({"MA", "MB"})
_DIALYSIS = "72"
_LATE_REASON = 20  # CLM20
_VOID = "8"
ORIGINALS_ONLY = (
    "Medicare's Part B contractors take no replacement and no void of an 837P (CLM05-3 is 1): have"
    " what they processed reopened, by their portal, telephone or letter; what they rejected is"
    " sent as a new claim"
)


def takes_originals_only(filing: str, frequency: str) -> bool:
    """Whether a claim of that frequency is none that Medicare's Part B contractors take."""
    return filing == "MB" and frequency != codes.claim_forms().medicare.part_b_frequency


def faults(
    head: Sequence[Segment], services: Sequence[Service], filing: str, days: Days
) -> Findings:
    """`head`: CLM to 2310; of a claim that goes to Medicare."""
    claim = head[0]
    place, _, frequency, *_ = [*element(claim, 5).split(COMPONENT), "", ""]
    if takes_originals_only(filing, frequency):
        yield Found(ORIGINALS_ONLY, 0)
    institutional = any(service.institutional for service in services)
    if services and institutional != (filing == "MA"):
        wanted = "837I are MA" if institutional else "837P are MB"
        yield Found(f"SBR09 is {filing}, and Medicare's {wanted}", 0)
    if institutional:
        yield from _change_reason(head, frequency)
    if not element(claim, _LATE_REASON) and frequency != _VOID:
        yield from _late(services, days)
    dialysis = institutional and place == _DIALYSIS
    office = not institutional and place in codes.claim_forms().medicare.discards_named_at
    if dialysis or office:
        yield from _discards_not_named(services, in_dialysis=dialysis)


def _change_reason(head: Sequence[Segment], frequency: str) -> Findings:
    table = codes.claim_forms().medicare.change_reasons
    every = set(chain.from_iterable(table.values()))
    reasons = [code for _, (kind, code, *_) in coded(head) if kind == "BG" and code in every]
    if frequency in table and not (len(reasons) == 1 and reasons[0] in table[frequency]):
        wanted = ", ".join(table[frequency])
        says = f"frequency {frequency} to Medicare's Part A says why, by one condition code (HI*BG)"
        yield Found(f"{says} of {wanted}", 0)


def subscriber(segments: Sequence[Segment], sbr: Segment, at: int) -> Findings:
    """2000B, whose SBR stands at `at`."""
    for place, segment in enumerate(segments):
        fault = medicare_number_fault(element(segment, 9)) if segment[:2] == ("NM1", "IL") else None
        if fault:
            yield Found(f"the Medicare number {fault}", place)
    if element(sbr, 2) != "18":
        yield Found("Medicare's patient is the subscriber (SBR02 is 18)", at)
    if element(sbr, 9) == "MB" and element(sbr, 1) != "P":
        yield from why_second(sbr, at)


def why_second(sbr: Segment, at: int) -> Findings:
    """SBR05 of a professional claim on which Medicare pays after another."""
    reason = element(sbr, 5)
    if not reason:
        yield Found("SBR05 does not say why Medicare pays after another", at)
    elif reason not in codes.claim_forms().medicare_secondary.types:
        yield Found(f"SBR05 {reason} is no reason why Medicare pays after another", at)


def _late(services: Sequence[Service], days: Days) -> Findings:
    """A year is counted from the service, on an institutional claim from its statement's last
    day."""
    if days.written_on is None:
        return
    years = codes.claim_forms().medicare.years_to_file
    year, month, day = days.written_on.year - years, days.written_on.month, days.written_on.day
    for service in services:
        own = service.days[0] if service.days else None
        counted = days.statement[1] if days.statement else own
        if counted is not None and (year, month, day) > counted.timetuple()[:3]:
            says = f"the service of {us_date(own or counted)} is more than a year before the file's"
            yield Found(f"{says} date, and CLM20 gives no reason", service.at, service.line)


def _discards_not_named(services: Sequence[Service], *, in_dialysis: bool) -> Findings:
    """Each IV iron comes in single-dose containers."""
    discarded = {_dose(one) for one in services if "JW" in one.modifiers}
    for service in services:
        if not service.is_iron or service.days is None:
            continue
        if not _is_named_on(service.days[0], in_dialysis=in_dialysis):
            continue
        if "JZ" not in service.modifiers and _dose(service) not in discarded:
            says = f"{service.code} has neither JZ (nothing discarded) nor a JW line beside it"
            yield Found(says, service.at, service.line)


def _is_named_on(day: date, *, in_dialysis: bool) -> bool:
    table = codes.payment()
    asked = any(row.modifier == "JZ" and row.holds(day) for row in table.discard_modifiers)
    return asked and (not in_dialysis or table.esrd_discard_modifiers.holds(day))


def _dose(service: Service) -> tuple[object, ...]:
    """What a discard has in common with its dose."""
    return service.code, service.days, frozenset(service.modifiers) - {"JW"} - OF_NDCS
