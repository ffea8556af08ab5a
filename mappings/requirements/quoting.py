"""What a fact of the chart says as evidence: its value and its date, never only its kind; and what
people call the drug of a code.

Held by tests/unit/test_authority.py.
"""

from collections.abc import Iterable
from datetime import tzinfo

from mappings import codes
from mappings.record import Note, OralIron, Order
from mappings.values.moment import Moment
from mappings.values.numbers import plain

# How a dose is paid that is not paid apart, in a sentence.
PAID_WITH: dict[str | None, str] = {
    "bundled": "Given in the dialysis facility it is part of the ESRD bundle: it stands on the"
    " facility's claim, and nothing is paid for it apart.",
    "packaged": "Given in a hospital's outpatient department it is paid with the visit, and not"
    " apart.",
}


def drugs(named: Iterable[str]) -> str:
    """Billing codes after the drugs that they are for: `iron sucrose (J1756), ferumoxytol (Q0138,
    Q0139)`."""
    known, of_drug = codes.in_force().billing_codes, dict[str, list[str]]()
    for code in named:
        of_drug.setdefault(codes.family_of(code).name if code in known else "", []).append(code)
    return ", ".join(
        f"{drug} ({', '.join(own)})" if drug else ", ".join(own) for drug, own in of_drug.items()
    )


def order(order: Order, zone: tzinfo | None) -> str:
    """`order of Sep 28, 2026: Venofer, 200 mg, without a frequency`."""
    parts = [
        order.drug.says or "iron",
        _dose(order),
        "" if order.has_timing else "without a frequency",
    ]
    said = ", ".join(part for part in parts if part)
    return f"order {_of(order.authored or order.start, zone)}: {said}"


def _dose(order: Order) -> str:
    if order.dose.problem or order.dose.value is None:
        return "without a dose"
    return f"{plain(order.dose.value)} {order.dose.unit}"


def course(course: OralIron, zone: tzinfo | None) -> str:
    """`oral iron, Aug 1, 2026 to Sep 5, 2026`."""
    begin = course.start.span(zone).shown if course.start else "a day that is not recorded"
    until = f"to {course.end.span(zone).shown}" if course.end else "on"
    return f"oral iron, {begin} {until}"


def note(note: Note, zone: tzinfo | None) -> str:
    """`progress note of Aug 1, 2026, not final`."""
    return f"progress note {_of(note.when, zone)}{'' if note.final else ', not final'}"


def _of(when: Moment | None, zone: tzinfo | None) -> str:
    return f"of {when.span(zone).shown}" if when else "without a date"
