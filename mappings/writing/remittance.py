"""What payers answer with money: the services of an 835 (X12 005010X221A1), as far as they tell
what was paid, and why not.

Held by tests/unit/test_bulk_reports.py.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import BinaryIO

from msgspec import Struct, structs

from mappings.record import Problem
from mappings.writing.checks.fault import element
from mappings.writing.x12.reading import NotX12, segments
from mappings.writing.x12.segments import COMPONENT, Segment

_DRUG = "HC"
_AMOUNT = re.compile(r"-?(\d{1,15}(\.\d{1,4})?|\.\d{1,4})", re.ASCII)
_SERVICE_DATES = ("472", "150")
_CLAIM_DATES = ("232",)
_CLAIM_ENDS = frozenset({"ST", "CLP", "LX", "PLB", "SE"})


# By reason (CARC) what was taken off, in dollars; a reversal gives it back.
Adjustments = tuple[tuple[str, Decimal], ...]


class RemittedService(Struct, frozen=True, kw_only=True):
    """One service of a claim, in dollars; of a reversal they are negative. `adjusted`: the
    patient's `share` apart (PR 1 to 3), the claim's where the service has none of its own;
    `member_id`: of the insured, letters and digits alone; empty, and `day` None, where nobody
    says. `claim` and `segment`: their places in the file; `said`: the same for a claim of the same
    payment that says the same, as in a file that came twice."""

    payer: str
    member_id: str
    day: date | None
    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    claim: int
    segment: int
    share: Decimal = Decimal(0)
    adjusted: Adjustments = ()
    said: int = 0


class _Begun(Struct, frozen=True):
    """A service whose segments go on."""

    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    segment: int
    day: date | None = None
    cas: tuple[Segment, ...] = ()


# Deductible, coinsurance, copay: what the patient owes of an allowed amount.
_SHARES = frozenset({"1", "2", "3"})
_ORIGINAL_CODE = 6  # SVC06, where the payer decided on another code than was billed


def remitted(stream: BinaryIO) -> Iterator[RemittedService | Problem]:
    """Of every 835 of a file; NotX12 where it is none. What of a service can't be read is named by
    the segment, and the others go on."""
    reading = _Reading()
    for number, segment in segments(stream):
        try:
            yield from reading.take(number, segment)
        except (ValueError, IndexError):
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
        self.claim = 0
        self.day: date | None = None
        self.service: _Begun | None = None
        self.cas: tuple[Segment, ...] = ()
        self.payment: tuple[Segment, ...] = ()
        self.said: list[Segment] = []
        self.services: list[RemittedService] = []

    def take(self, number: int, segment: Segment) -> Iterator[RemittedService]:
        kind = segment[0]
        if kind in _CLAIM_ENDS:
            yield from self.end()
        elif kind == "SVC":
            self._end_service()
        if kind == "ST":
            self.is_835, self.payer, self.payment = element(segment, 1) == "835", "", ()
            self.any_835 = self.any_835 or self.is_835
        if self.is_835:
            self._take(number, segment)

    def _take(self, number: int, segment: Segment) -> None:
        kind = segment[0]
        self.said.append(segment)
        if kind in ("BPR", "TRN"):
            self.payment = (*self.payment, segment)
        elif kind == "N1" and element(segment, 1) == "PR":
            self.payer = element(segment, 2)
        elif kind == "CLP":
            self.member, self.day, self.cas, self.claim = "", None, (), self.claim + 1
        elif kind == "NM1" and element(segment, 1) in ("QC", "IL"):
            # The insured, where another than the patient, stands behind.
            self.member = plain_id(element(segment, 9)) or self.member
        elif kind == "SVC":
            self.service = _service(number, segment)
        elif kind == "DTM":
            self._date(segment)
        elif kind == "CAS":
            self._adjust(segment)

    def end(self) -> Iterator[RemittedService]:
        """The services of the claim that was open."""
        self._end_service()
        services, said, self.services, self.said = self.services, self.said, [], []
        same = hash((self.payer, *self.payment, *said))
        yield from (structs.replace(service, said=same) for service in services)

    def _end_service(self) -> None:
        found, self.service = self.service, None
        if not found:
            return
        taken = [*chain.from_iterable(map(_adjustments, found.cas or self.cas))]
        service = RemittedService(
            payer=self.payer,
            member_id=self.member,
            day=found.day or self.day,
            code=found.code,
            modifiers=found.modifiers,
            charge=found.charge,
            paid=found.paid,
            claim=self.claim,
            segment=found.segment,
            share=sum((amount for is_share, _, amount in taken if is_share), Decimal(0)),
            adjusted=tuple((carc, amount) for is_share, carc, amount in taken if not is_share),
        )
        self.services.append(service)

    def _adjust(self, segment: Segment) -> None:
        list(_adjustments(segment))  # what can't be read is said here
        if self.service:
            self.service = structs.replace(self.service, cas=(*self.service.cas, segment))
        else:
            self.cas = (*self.cas, segment)

    def _date(self, segment: Segment) -> None:
        qualifier, text = element(segment, 1), element(segment, 2)
        if self.service and qualifier in _SERVICE_DATES:
            self.service = structs.replace(self.service, day=_day(text))
        elif qualifier in _CLAIM_DATES:
            self.day = _day(text)


def plain_id(text: str) -> str:
    """An identifier without what people write between its letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _service(number: int, segment: Segment) -> _Begun | None:
    """By the code that was billed. None of a service that is told by no HCPCS code."""
    billed = element(segment, _ORIGINAL_CODE)
    qualifier, _, rest = (billed or segment[1]).partition(COMPONENT)
    if qualifier != _DRUG:
        return None
    code, *modifiers = rest.upper().split(COMPONENT)
    given = tuple(modifier for modifier in modifiers[:4] if len(modifier) == 2)
    return _Begun(code, given, _dollars(segment[2]), _dollars(segment[3] or "0"), number)


def _adjustments(segment: Segment) -> Iterator[tuple[bool, str, Decimal]]:
    """Up to six of a CAS: whether it is the patient's share, reason, amount."""
    for place in range(2, len(segment), 3):
        reason, amount = segment[place], element(segment, place + 1)
        if reason:
            yield segment[1] == "PR" and reason in _SHARES, reason, _dollars(amount or "0")


def _dollars(text: str) -> Decimal:
    """X12's R; ValueError for anything else that is a number elsewhere."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError("no amount")
    return Decimal(text)


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day)
