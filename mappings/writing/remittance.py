"""What payers answer with money: the services of an 835 (X12 005010X221A1), as far as they tell
what was paid, and why not.

Held by tests/unit/test_bulk_reports.py.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from msgspec import Struct, structs

from mappings.record import Problem
from mappings.writing.checks.fault import element
from mappings.writing.x12.reading import NotX12, segments
from mappings.writing.x12.segments import COMPONENT, Segment

_DRUG = "HC"
_SERVICE_DATES = ("472", "150")
_CLAIM_DATES = ("232",)


class RemittedService(Struct, frozen=True, kw_only=True):
    """One service of a claim, in dollars. `carcs`: of what was adjusted, the patient's share apart
    (PR 1 to 3); `member_id`: of the insured, letters and digits alone."""

    payer: str
    member_id: str
    day: date
    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    carcs: tuple[str, ...] = ()


class _Begun(Struct, frozen=True):
    """A service whose segments go on."""

    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    day: date | None = None
    carcs: tuple[str, ...] = ()


# Deductible, coinsurance, copay: what the patient owes of an allowed amount.
_SHARES = frozenset({"1", "2", "3"})


def remitted(stream: BinaryIO) -> Iterator[RemittedService | Problem]:
    """Of every 835 of a file; NotX12 where it is none. What of a service can't be read is named by
    the segment, and the others go on."""
    reading = _Reading()
    for number, segment in segments(stream):
        try:
            yield from reading.take(segment)
        except (ValueError, InvalidOperation, IndexError):
            reading.service = None
            problem = f"{segment[0]} can't be read, so its service was passed over"
            yield Problem(f"segment {number}", problem)
    yield from reading.end()
    if not reading.any_835:
        raise NotX12("none of its transactions is one")


class _Reading:
    """Where in a file we are."""

    def __init__(self) -> None:
        self.is_835 = self.any_835 = False
        self.payer = self.member = ""
        self.day: date | None = None
        self.service: _Begun | None = None

    def take(self, segment: Segment) -> Iterator[RemittedService]:
        kind = segment[0]
        if kind in ("ST", "CLP", "SVC", "LX", "SE"):
            yield from self.end()
        if kind == "ST":
            self.is_835, self.payer = element(segment, 1) == "835", ""
            self.any_835 = self.any_835 or self.is_835
        if not self.is_835:
            return
        if kind == "N1" and element(segment, 1) == "PR":
            self.payer = element(segment, 2)
        elif kind == "CLP":
            self.member, self.day = "", None
        elif kind == "NM1" and element(segment, 1) in ("QC", "IL"):
            # The insured, where another than the patient, stands behind.
            self.member = plain_id(element(segment, 9)) or self.member
        elif kind == "SVC":
            self.service = _service(segment)
        elif kind == "DTM":
            self._date(segment)
        elif kind == "CAS" and self.service:
            carcs = (*self.service.carcs, *_carcs(segment))
            self.service = structs.replace(self.service, carcs=carcs)

    def end(self) -> Iterator[RemittedService]:
        """The service that was open."""
        found, self.service = self.service, None
        day = found and (found.day or self.day)
        if found and day and self.member:
            yield RemittedService(
                payer=self.payer,
                member_id=self.member,
                day=day,
                code=found.code,
                modifiers=found.modifiers,
                charge=found.charge,
                paid=found.paid,
                carcs=tuple(dict.fromkeys(found.carcs)),
            )

    def _date(self, segment: Segment) -> None:
        qualifier, text = element(segment, 1), element(segment, 2)
        if self.service and qualifier in _SERVICE_DATES:
            self.service = structs.replace(self.service, day=_day(text))
        elif qualifier in _CLAIM_DATES:
            self.day = _day(text)


def plain_id(text: str) -> str:
    """An identifier without what people write between its letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _service(segment: Segment) -> _Begun | None:
    """None of a service that is told by no HCPCS code."""
    qualifier, _, rest = segment[1].partition(COMPONENT)
    if qualifier != _DRUG:
        return None
    code, *modifiers = rest.split(COMPONENT)
    given = tuple(modifier for modifier in modifiers[:4] if len(modifier) == 2)
    return _Begun(code, given, Decimal(segment[2]), Decimal(segment[3] or 0))


def _carcs(segment: Segment) -> Iterator[str]:
    """Up to six of a CAS: reason, amount, quantity."""
    for place in range(2, len(segment), 3):
        reason, amount = segment[place], element(segment, place + 1)
        is_share = segment[1] == "PR" and reason in _SHARES
        if reason and not is_share and Decimal(amount or 0) > 0:
            yield reason


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day)
