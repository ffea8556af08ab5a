"""What a fact of the chart says as evidence: its value and its date, never only its kind."""

from datetime import tzinfo

from mappings.record import Note, OralIron, Order
from mappings.values.moment import Moment
from mappings.values.numbers import plain


def order(row: Order, zone: tzinfo | None) -> str:
    """`order of Sep 28, 2026: Venofer, 200 mg, without a frequency`."""
    parts = [row.drug.says or "iron", _dose(row), "" if row.has_timing else "without a frequency"]
    said = ", ".join(part for part in parts if part)
    return f"order {_of(row.authored or row.start, zone)}: {said}"


def _dose(row: Order) -> str:
    if row.dose.problem or row.dose.value is None:
        return "without a dose"
    return f"{plain(row.dose.value)} {row.dose.unit}"


def course(row: OralIron, zone: tzinfo | None) -> str:
    """`oral iron, Aug 1, 2026 to Sep 5, 2026`."""
    begin = row.start.span(zone).shown if row.start else "a day that is not recorded"
    until = f"to {row.end.span(zone).shown}" if row.end else "on"
    return f"oral iron, {begin} {until}"


def note(row: Note, zone: tzinfo | None) -> str:
    """`progress note of Aug 1, 2026, not final`."""
    return f"progress note {_of(row.when, zone)}{'' if row.final else ', not final'}"


def _of(when: Moment | None, zone: tzinfo | None) -> str:
    return f"of {when.span(zone).shown}" if when else "without a date"
