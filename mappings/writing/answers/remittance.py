"""What payers answer with money: the claims of an 835 (X12 005010X221A1), as far as they tell what
was paid, and why not.

Held by tests/unit/test_answers.py.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

from msgspec import Struct, structs

from mappings.writing.answers.answer import (
    Adjustment,
    ClaimAnswer,
    ClaimSays,
    RemittedService,
    digest,
)
from mappings.writing.checks.fault import element
from mappings.writing.x12.segments import COMPONENT, Segment

_DRUG = "HC"
_AMOUNT = re.compile(r"-?(\d{1,15}(\.\d{1,4})?|\.\d{1,4})", re.ASCII)
_SERVICE_DATES = ("472", "150")
_CLAIM_DATES = ("232",)
_CLAIM_ENDS = frozenset({"ST", "CLP", "LX", "PLB", "SE"})
# Deductible, coinsurance, copay: what the patient owes of an allowed amount.
_SHARES = frozenset({"1", "2", "3"})
_ORIGINAL_CODE = 6  # SVC06, where the payer decided on another code than was billed
# Where a MIA or MOA has its remarks.
_REMARKS = {"MIA": (5, 20, 21, 22, 23), "MOA": (3, 4, 5, 6, 7)}
_LINE, _REMARK = "6R", "HE"
# CLP02 (X12 1029) that decides nothing: forwarded elsewhere, or told in advance.
_UNDECIDED = frozenset({"23", "25"})
_REVERSAL = "22"


class _Begun(Struct, frozen=True):
    """A service whose segments go on."""

    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    paid: Decimal
    segment: int
    day: date | None = None
    line: str = ""
    remarks: tuple[str, ...] = ()
    cas: tuple[Segment, ...] = ()


class _Claim:
    """A claim whose segments go on."""

    def __init__(self, number: int, segment: Segment) -> None:
        self.number, self.status = segment[1], element(segment, 2)
        self.charge, self.paid, self.share = (
            _dollars(element(segment, at) or "0") for at in (3, 4, 5)
        )
        self.payer_number, self.segment = element(segment, 7), number
        self.member = ""
        self.day: date | None = None
        self.cas: tuple[Segment, ...] = ()
        self.remarks: tuple[str, ...] = ()
        self.said: list[Segment] = []
        self.service: _Begun | None = None
        self.services: list[RemittedService] = []


class Remittance:
    """Reads the segments of one transaction set."""

    def __init__(self) -> None:
        self._payer = ""
        self._payment: tuple[Segment, ...] = ()
        self._claim: _Claim | None = None

    def take(self, number: int, segment: Segment) -> Iterator[ClaimAnswer]:
        """The claim that ends here. ValueError or IndexError where the segment can't be read: what
        it belongs to is passed over."""
        kind = segment[0]
        if kind in _CLAIM_ENDS:
            yield from self.end()
        if kind == "CLP":
            self._claim = _Claim(number, segment)
        if kind in ("BPR", "TRN"):
            self._payment = (*self._payment, segment)
        elif kind == "N1" and element(segment, 1) == "PR":
            self._payer = element(segment, 2)
        if self._claim:
            self._claim.said.append(segment)
            try:
                _take(self._claim, number, segment)
            except (ValueError, IndexError):
                self._claim.service = None
                raise

    def end(self) -> Iterator[ClaimAnswer]:
        """The claim that was open."""
        claim, self._claim = self._claim, None
        if claim:
            _end_service(claim)
            yield self._answer(claim)

    def _answer(self, claim: _Claim) -> ClaimAnswer:
        of_claim = [*chain.from_iterable(map(_adjustments, claim.cas))]
        shares = [one.amount for one in of_claim if _is_share(one)]
        shares = [service.share for service in claim.services] or shares
        answer = ClaimAnswer(
            kind="835",
            number=claim.number,
            says="received",
            segment=claim.segment,
            said=digest([("N1", "PR", self._payer), *self._payment, *claim.said]),
            codes=(claim.status,) if claim.status else (),
            payer=self._payer,
            payer_number=claim.payer_number,
            member_id=claim.member,
            charge=claim.charge,
            paid=claim.paid,
            # CLP05 holds what was refused at the patient's cost, too.
            share=sum(shares, Decimal(0)) if claim.services or of_claim else claim.share,
            adjusted=tuple(one for one in of_claim if not _is_share(one)),
            remarks=claim.remarks,
            services=tuple(claim.services),
        )
        return structs.replace(answer, says=_says(answer, claim.status))


def _says(answer: ClaimAnswer, status: str) -> ClaimSays:
    if status == _REVERSAL:
        return "reversed"
    if status in _UNDECIDED:
        return "received"
    return "paid" if answer.paid + answer.share > 0 else "denied"


def _take(claim: _Claim, number: int, segment: Segment) -> None:
    kind = segment[0]
    if kind == "NM1" and element(segment, 1) in ("QC", "IL"):
        # The insured, where another than the patient, stands behind.
        claim.member = plain_id(element(segment, 9)) or claim.member
    elif kind == "SVC":
        _end_service(claim)
        claim.service = _service(number, segment)
    elif kind == "DTM":
        _date(claim, segment)
    elif kind == "CAS":
        _adjust(claim, segment)
    elif kind in _REMARKS:
        found = (element(segment, at) for at in _REMARKS[kind])
        claim.remarks += tuple(filter(None, found))
    elif claim.service:
        claim.service = _told(claim.service, segment)


def _told(service: _Begun, segment: Segment) -> _Begun:
    """With its number, or a remark."""
    if segment[:2] == ("REF", _LINE):
        return structs.replace(service, line=element(segment, 2))
    if segment[:2] == ("LQ", _REMARK):
        return structs.replace(service, remarks=(*service.remarks, element(segment, 2)))
    return service


def _end_service(claim: _Claim) -> None:
    found, claim.service = claim.service, None
    if not found:
        return
    taken = [*chain.from_iterable(map(_adjustments, found.cas or claim.cas))]
    service = RemittedService(
        code=found.code,
        modifiers=found.modifiers,
        charge=found.charge,
        paid=found.paid,
        segment=found.segment,
        day=found.day or claim.day,
        line=found.line,
        share=sum((one.amount for one in taken if _is_share(one)), Decimal(0)),
        adjusted=tuple(one for one in taken if not _is_share(one)),
        remarks=found.remarks,
    )
    claim.services.append(service)


def _adjust(claim: _Claim, segment: Segment) -> None:
    list(_adjustments(segment))  # what can't be read is said here
    if claim.service:
        claim.service = structs.replace(claim.service, cas=(*claim.service.cas, segment))
    else:
        claim.cas = (*claim.cas, segment)


def _date(claim: _Claim, segment: Segment) -> None:
    qualifier, text = element(segment, 1), element(segment, 2)
    if claim.service and qualifier in _SERVICE_DATES:
        claim.service = structs.replace(claim.service, day=_day(text))
    elif qualifier in _CLAIM_DATES:
        claim.day = _day(text)


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


def _adjustments(segment: Segment) -> Iterator[Adjustment]:
    """Up to six of a CAS."""
    for place in range(2, len(segment), 3):
        if reason := segment[place]:
            yield Adjustment(segment[1], reason, _dollars(element(segment, place + 1) or "0"))


def _is_share(adjustment: Adjustment) -> bool:
    return adjustment.group == "PR" and adjustment.carc in _SHARES


def _dollars(text: str) -> Decimal:
    """X12's R; ValueError for anything else that is a number elsewhere."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError("no amount")
    return Decimal(text)


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day)
