"""The elements of a segment, each by itself: their widths, forms and codes.

Held by tests/unit/test_claim_structure.py.
"""

import re
from collections.abc import Iterator, Sequence

from mappings.codes.claim_segments import (
    UNTOLD,
    Element,
    elements,
    health_care_codes,
    together,
)
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import element
from mappings.writing.x12.segments import COMPONENT, Segment

_SHOWN = 9  # codes of an element in one sentence
_FORMS = {
    "R": re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII),
    "N": re.compile(r"-?\d+", re.ASCII),
    "T": re.compile(r"([01]\d|2[0-3])[0-5]\d(\d\d)*", re.ASCII),
}


def element_faults(segment: Segment) -> Iterator[str]:
    """What is wrong with the elements of a segment, each by itself; no value is shown."""
    known = elements().get(segment[0], ())
    for place, (value, row) in enumerate(zip(segment[1:], known, strict=False), 1):
        says = _of_value(value, row) if value or row.needed else ""
        if says:
            yield f"{segment[0]}{place:02} {says}"
    for place in range(len(segment), len(known) + 1):
        if known[place - 1].needed:
            yield f"{segment[0]}{place:02} is empty"
    for places in together().get(segment[0], ()):
        there = {bool(element(segment, place)) for place in places}
        if len(there) > 1:
            names = (f"{segment[0]}{place:02}" for place in places)
            yield f"{' and '.join(names)} stand together or not at all"
    if len(segment) > len(known) + 1 > 1 and any(segment[len(known) + 1 :]):
        yield f"{segment[0]} has more than {len(known)} elements"
    for place, value in enumerate(segment[1:] if segment[0] == "HI" else (), 1):
        yield from (f"HI{place:02}-{says}" for says in _of_parts(value))


def _of_parts(value: str) -> Iterator[str]:
    """What is wrong behind the kind of a code, and at which part."""
    kind, *said = value.split(COMPONENT)
    known = health_care_codes().get(kind, ())
    said += [""] * (len(known) - len(said))
    for part, row in enumerate(known, 2):
        says = _of_value(said[part - 2], row) if said[part - 2] or row.needed else ""
        if says:
            yield f"{part} {says}"
    if known and any(said[len(known) :]):
        yield f"{len(known) + 2} is not used"


def _of_value(value: str, row: Element) -> str:
    if row.most == UNTOLD:
        return ""
    if not value or value.isspace():
        return "is empty"
    if not row.most:
        return "is not used"
    parts = value.count(COMPONENT) + 1
    if parts > row.parts:
        return f"has {parts} parts (ISA16), of which {row.parts} fit"
    if row.codes:
        known = value.partition(COMPONENT)[0] in row.codes
        return "" if known else _none_of(sorted(row.codes))
    return _of_form(value, row) if row.parts == 1 else ""


def _none_of(known: Sequence[str]) -> str:
    if len(known) == 1:
        return f"is not {known[0]}"
    return f"is none of {', '.join(known)}" if len(known) <= _SHOWN else "is no code of its list"


def _of_form(value: str, row: Element) -> str:
    if row.kind == "D":
        return "" if day(value) else "is not a date"
    size = len(value.strip("-").replace(".", "", 1)) if row.kind in ("R", "N") else len(value)
    if not row.least <= size <= row.most:
        fits = row.most if row.least == row.most else f"{row.least} to {row.most}"
        return f"has {size} characters, {fits} fit"
    if row.kind and not _FORMS[row.kind].fullmatch(value):
        return "is not a time" if row.kind == "T" else "is not a number"
    return ""
