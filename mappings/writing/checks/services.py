"""2400 and 2410: a service line, and the lines of a claim beside each other.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from mappings import codes
from mappings.values.us_dates import us_date
from mappings.writing.checks.dates import span
from mappings.writing.checks.fault import Findings, Found, element
from mappings.writing.x12.segments import COMPONENT, Segment

_CODE, _MODIFIER = re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]"), re.compile(r"[A-Z0-9]{2}")
_NDC, _REVENUE = re.compile(r"\d{11}", re.ASCII), re.compile(r"\d{4}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
_WHOLE, _NUMBER = (
    re.compile(r"[1-9]\d{0,7}", re.ASCII),
    re.compile(r"\d{1,8}(\.\d{1,3})?", re.ASCII),
)
_NDC_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
_UNITS = {False: frozenset({"UN", "MJ"}), True: frozenset({"UN", "DA"})}
# Modifiers that say why the same service appears twice (CMS, NCCI).
_AGAIN = frozenset({"59", "76", "77", "91", "XE", "XP", "XS", "XU", "RT", "LT"})
# Modifiers that tell the NDCs of one drug apart.
_OF_NDCS = frozenset({"KP", "KQ"})
_CONTRADICTING = (("JW", "JZ"), ("PO", "PN"), ("KP", "KQ"))
_DRUG_REVENUE, _TOTAL_REVENUE = "0636", "0001"


class Service(Struct, frozen=True):
    """SV1 or SV2, with what stands around it. `place`: the revenue code of SV2, the pointers of
    SV1. `at`: where SV stands among the claim's segments. `description`: what follows the fourth
    modifier, be it a fifth."""

    at: int
    line: str
    institutional: bool
    qualifier: str
    code: str
    modifiers: tuple[str, ...]
    description: str
    charge: str
    unit: str
    units: str
    place: str
    days: tuple[date, date] | None
    number: str
    ndc: str

    @property
    def amount(self) -> Decimal:
        return Decimal(self.charge) if _AMOUNT.fullmatch(self.charge) else Decimal(0)


def service_of(segments: Sequence[Segment], start: int) -> Service | None:
    """The line that begins with LX at `start` among the claim's segments; None without SV1 or
    SV2."""
    found: Segment = ()
    at, days, number, ndc = start, None, "", ""
    for place, segment in enumerate(segments, start):
        name = segment[0]
        if name in ("SV1", "SV2") and not found:
            found, at = segment, place
        elif name == "DTP" and element(segment, 1) == "472":
            days = span(element(segment, 2), element(segment, 3))
        elif name == "REF" and element(segment, 1) == "6R":
            number = element(segment, 2)
        elif name == "LIN" and not ndc:
            ndc = element(segment, 3)
    if not found:
        return None
    shift = int(found[0] == "SV2")
    qualifier, *rest = element(found, 1 + shift).split(COMPONENT)
    return Service(
        at,
        element(segments[0], 1),
        bool(shift),
        qualifier,
        rest[0] if rest else "",
        tuple(part for part in rest[1:5] if part),
        rest[5] if len(rest) > 5 else "",
        element(found, 2 + shift),
        element(found, 3 + shift),
        element(found, 4 + shift),
        element(found, 1 if shift else 7),
        days,
        number,
        ndc,
    )


def line_faults(
    service: Service, segments: Sequence[Segment], start: int, diagnoses: int, context: "Days"
) -> Findings:
    """One line by itself."""
    for says in _service(service, diagnoses):
        yield Found(says, service.at, service.line)
    for says in context.faults(service.days):
        yield Found(says, service.at, service.line)
    yield from _drug(service, segments, start)
    if sum(segment[:2] == ("DTP", "472") for segment in segments) > 1:
        yield Found("the line has two dates of service", service.at, service.line)


class Days(Struct, frozen=True):
    """Between which days services lie: after the birth, within the statement, before the file."""

    born: date | None
    written_on: date | None
    statement: tuple[date, date] | None

    def faults(self, days: tuple[date, date] | None) -> list[str]:
        if days is None:
            if self.statement is not None:
                return []  # an institutional line may leave its date to the statement
            return ["the line has no date of service that is a day (DTP*472)"]
        found = []
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
    found = []
    if service.code:
        found += _coded(service)
    elif not service.institutional or service.place == _DRUG_REVENUE:
        found.append("the line has no HCPCS code")
    if service.unit not in _UNITS[service.institutional]:
        found.append(f"{service.unit or 'no'} unit: units are counted (UN)")
    elif service.unit == "UN" and not _WHOLE.fullmatch(service.units):
        found.append(f"{service.units or 'no'} units: they are whole and at least one")
    elif not _NUMBER.fullmatch(service.units):
        found.append(f"{service.units or 'no'} units: no number")
    if not _AMOUNT.fullmatch(service.charge):
        found.append(f"{service.charge or 'no'} charge: no amount in dollars and cents")
    if service.institutional:
        if not _REVENUE.fullmatch(service.place):
            found.append("a revenue code has four digits")
        elif service.place == _TOTAL_REVENUE:
            found.append("an 837I has no line of totals (revenue code 0001)")
    else:
        found += _pointers(service.place, diagnoses)
    return found


def _coded(service: Service) -> list[str]:
    found = []
    if service.qualifier == "HC" and not _CODE.fullmatch(service.code):
        found.append(f"{service.code} is not a HCPCS code")
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


def _pointers(written: str, diagnoses: int) -> list[str]:
    pointers = written.split(COMPONENT)
    right = len(pointers) <= 4 and len(set(pointers)) == len(pointers)
    if right and all(_is_place(pointer, diagnoses) for pointer in pointers):
        return []
    said = f"the pointers {written or '(none)'}"
    return [f"{said} do not lead to one to four of the {diagnoses} diagnoses"]


def _is_place(pointer: str, diagnoses: int) -> bool:
    return pointer.isascii() and pointer.isdigit() and 1 <= int(pointer) <= diagnoses


def _drug(service: Service, segments: Sequence[Segment], start: int) -> Findings:
    """LIN and CTP stand together, and say as much as the units do, of the drug of the code."""
    places = {
        segment[0]: place
        for place, segment in enumerate(segments, start)
        if segment[0] in ("LIN", "CTP")
    }
    if len(places) == 1:
        at = next(iter(places.values()))
        yield Found("an NDC and its quantity go together", at, service.line)
    if len(places) != 2:
        return
    ndc, quantity = segments[places["LIN"] - start], segments[places["CTP"] - start]
    number = element(ndc, 3)
    if element(ndc, 2) != "N4" or not _NDC.fullmatch(number):
        yield Found(f"{number} is not an NDC of eleven digits", places["LIN"], service.line)
    unit = element(quantity, 5).partition(COMPONENT)[0]
    amount = _decimal(element(quantity, 4))
    if not amount or unit not in _NDC_UNITS:
        says = "an NDC quantity is more than nothing, in F2, GR, ME, ML or UN"
        yield Found(says, places["CTP"], service.line)
        return
    for says in _agreement(service, number, amount, unit):
        yield Found(says, places["LIN"], service.line)


def _agreement(service: Service, ndc: str, amount: Decimal, unit: str) -> list[str]:
    package, known = codes.packages().get(ndc), codes.in_force().billing_codes.get(service.code)
    if package is None:
        return []
    if known is None or known[0] != package.family:
        return [f"NDC {ndc} is {package.label.partition(',')[0]}, not the drug of {service.code}"]
    found = []
    if service.days and not package.holds(service.days[0]):
        found.append(f"NDC {ndc} was not on the market on {us_date(service.days[0])}")
    units = amount * package.mg / package.ml / known[1]
    # Units are rounded up, what is left for the discard down, and mL to thousandths.
    if unit == "ML" and abs(units - _decimal(service.units)) > 1:
        says = f"{amount} mL of NDC {ndc} are not {service.units} units of {service.code}"
        found.append(says)
    return found


def _decimal(text: str) -> Decimal:
    """A number of the file; what is none counts as nothing."""
    if not re.fullmatch(r"\d{0,15}(\.\d{0,6})?", text, re.ASCII):
        return Decimal(0)
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def beside_each_other(services: Sequence[Service]) -> Findings:
    """Discards with their doses, the same line twice, numbers of lines."""
    yield from _discards(services)
    yield from _twice(services)
    numbers = Counter(service.number for service in services if service.number)
    for service in services:
        if numbers[service.number] > 1:
            yield Found("REF*6R is on another line as well", service.at, service.line)


def _discards(services: Sequence[Service]) -> Findings:
    given = {_key(one): one for one in services if not {"JW", "JZ"} & set(one.modifiers)}
    for service in services:
        if "JW" not in service.modifiers:
            continue
        partner = given.get(_key(service))
        if partner is None:
            yield Found(
                f"the JW line of {service.code} has no line of what was given from the same"
                " container on its day",
                service.at,
                service.line,
            )
        elif set(partner.modifiers) - _OF_NDCS != set(service.modifiers) - {"JW"} - _OF_NDCS:
            yield Found(
                f"the JW line of {service.code} has other modifiers"
                f" ({', '.join(service.modifiers)}) than line {partner.line}, of what was given"
                f" ({', '.join(partner.modifiers) or 'none'})",
                service.at,
                service.line,
            )


def _key(service: Service) -> tuple[object, ...]:
    return service.code, service.days, service.ndc


def _twice(services: Sequence[Service]) -> Findings:
    """A payer denies the second of two lines that say the same of one day."""
    seen: dict[tuple[object, ...], list[Service]] = {}
    for service in services:
        if not service.code or not service.days or set(service.modifiers) & (_AGAIN | _OF_NDCS):
            continue
        key = (service.code, service.modifiers, service.days, service.units)
        others = seen.setdefault(key, [])
        same = next((one for one in others if not _of_two_ndcs(one, service)), None)
        if same is not None:
            yield Found(f"the line repeats line {same.line}", service.at, service.line)
        others.append(service)


def _of_two_ndcs(one: Service, other: Service) -> bool:
    return bool(one.ndc and other.ndc) and one.ndc != other.ndc
