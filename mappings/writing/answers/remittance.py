"""What payers answer with money: the claims of an 835 (X12 005010X221A1), as far as they tell what
was paid, and why not.

Held by tests/unit/test_answers.py.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain

from msgspec import Struct, structs

from mappings.values.numbers import CENT
from mappings.writing.answers.answer import (
    Adjustment,
    ClaimAnswer,
    ClaimSays,
    ProviderAdjustment,
    RemittedPayment,
    RemittedService,
    digest,
)
from mappings.writing.answers.codes import answer_codes
from mappings.writing.checks.dates import day
from mappings.writing.checks.fault import element
from mappings.writing.x12.segments import COMPONENT, Segment

# Of a code that is no HCPCS code, such as NU:0250 (revenue) or N4 (NDC), there are no modifiers.
_HCPCS = "HC"
# More than any claim is worth, and as much as the database holds.
_AMOUNT = re.compile(r"-?(0*\d{1,9}(\.\d{0,4})?|\.\d{1,4})", re.ASCII)
_SERVICE_DATES = ("472", "150")
_CLAIM_DATES = ("232",)
_CLAIM_ENDS = frozenset({"CLP", "LX", "PLB"})
# Deductible, coinsurance, copay: what the patient owes of an allowed amount.
_SHARES = frozenset({"1", "2", "3"})
_ORIGINAL_CODE = 6  # SVC06, where the payer decided on another code than was billed
# Where a MIA or MOA has its remarks.
_REMARKS = {"MIA": (5, 20, 21, 22, 23), "MOA": (3, 4, 5, 6, 7)}
_PAID, _CREDIT_OR_DEBIT, _PAID_ON = 2, 3, 16  # of a BPR
_DEBIT = "D"
_OF_A_SERVICE = frozenset({"SVC", "CAS"})
_SUMMED = frozenset({"BPR", "CLP", "PLB"})
_NPI = "XX"
_LINE, _REMARK = "6R", "HE"
# CLP02 (X12 1029) that decides nothing: forwarded elsewhere, or told in advance.
UNDECIDED_STATUSES = frozenset({"23", "25"})
_REVERSAL = "22"
# A payer behind another one; that nothing is left to pay after the one before is no denial.
BEHIND, _PRIOR_PAYER = frozenset({"2", "3", "20", "21"}), "OA-23"


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
    adjusted: tuple[Adjustment, ...] = ()


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
        self.adjusted: tuple[Adjustment, ...] = ()
        self.remarks: tuple[str, ...] = ()
        self.said: list[Segment] = []
        self.service: _Begun | None = None
        self.services: list[_Begun] = []
        self.passes_over = False  # what belongs to a service that can't be read
        self.is_whole = True


class _Sums:
    """What a payment comes to, claim by claim."""

    def __init__(self) -> None:
        self.segment = 0
        self.total: Decimal | None = None
        self.claims = Decimal(0)
        self.adjusted: tuple[ProviderAdjustment, ...] = ()
        self.odd: list[int] = []
        self.is_whole = True

    def paid(self, number: int, segment: Segment) -> None:
        self.segment = number
        if text := element(segment, _PAID):
            is_debit = element(segment, _CREDIT_OR_DEBIT) == _DEBIT
            self.total = -_dollars(text) if is_debit else _dollars(text)

    def add(self, claim: _Claim) -> None:
        self.claims += claim.paid
        taken = chain(claim.adjusted, *(one.adjusted for one in claim.services))
        if claim.is_whole and claim.charge - _sum(taken) != claim.paid:
            self.odd.append(claim.segment)


class Remittance:
    """Reads the segments of one transaction set."""

    def __init__(self) -> None:
        self._payer = self._biller = ""
        self._traces: tuple[Segment, ...] = ()
        self._paid_on = ""
        self._claim: _Claim | None = None
        self._sums = _Sums()

    def take(self, number: int, segment: Segment) -> Iterator[ClaimAnswer]:
        """The claim that ends here. ValueError or IndexError where the segment can't be read: what
        it belongs to is passed over."""
        if segment[0] in _CLAIM_ENDS:
            yield from self._end_claim()
        try:
            self._take(number, segment)
        except (ValueError, IndexError):
            self._sums.is_whole = self._sums.is_whole and segment[0] not in _SUMMED
            raise

    def _take(self, number: int, segment: Segment) -> None:
        kind = segment[0]
        if kind == "CLP":
            self._claim = _Claim(number, segment)
        if kind == "BPR":
            self._paid_on = element(segment, _PAID_ON)
            self._sums.paid(number, segment)
        elif kind == "PLB":
            self._sums.adjusted += tuple(_provider_adjustments(segment))
        elif kind == "TRN":
            self._traces = (*self._traces, segment)
        elif kind == "N1" and element(segment, 1) == "PR":
            self._payer = element(segment, 2)
        elif segment[:2] == ("N1", "PE"):
            self._biller = element(segment, 4) if element(segment, 3) == _NPI else ""
        if self._claim:
            self._claim.said.append(segment)
            try:
                _take(self._claim, number, segment)
            except (ValueError, IndexError):
                if kind in _OF_A_SERVICE:
                    self._claim.service, self._claim.passes_over = None, True
                    self._claim.is_whole = False
                raise

    def end(self) -> Iterator[ClaimAnswer | RemittedPayment]:
        """The claim that was open, and the payment."""
        yield from self._end_claim()
        yield RemittedPayment(
            trace=next((element(one, 2) for one in self._traces), ""),
            segment=self._sums.segment,
            payer=self._payer,
            biller=self._biller,
            day=day(self._paid_on),
            total=self._sums.total,
            claims=self._sums.claims,
            adjustments=self._sums.adjusted,
            odd=tuple(self._sums.odd),
            is_whole=self._sums.is_whole,
        )

    def _end_claim(self) -> Iterator[ClaimAnswer]:
        claim, self._claim = self._claim, None
        if claim:
            _end_service(claim)
            self._sums.add(claim)
            yield self._answer(claim)

    def _answer(self, claim: _Claim) -> ClaimAnswer:
        services = tuple(_services(claim))
        shares = [one.share for one in services] or [_share(claim.adjusted)]
        payment = ("N1", "PR", self._payer), *self._traces, ("BPR", self._paid_on)
        answer = ClaimAnswer(
            kind="835",
            number=claim.number,
            says="received",
            segment=claim.segment,
            said=digest([*payment, *claim.said]),
            codes=(claim.status,) if claim.status else (),
            payer=self._payer,
            payer_number=claim.payer_number,
            member_id=claim.member,
            day=day(self._paid_on),
            payment=digest(payment),
            biller=self._biller,
            charge=claim.charge,
            paid=claim.paid,
            # CLP05 holds what was refused at the patient's cost, too.
            share=sum(shares, Decimal(0)) if services or claim.adjusted else claim.share,
            adjusted=_refused(claim.adjusted),
            remarks=claim.remarks,
            services=services,
        )
        return structs.replace(answer, says=_says(answer, claim.status))


def _says(answer: ClaimAnswer, status: str) -> ClaimSays:
    if status == _REVERSAL or answer.charge < 0:
        return "reversed"
    if status in UNDECIDED_STATUSES:
        return "received"
    if answer.paid + answer.share > 0:
        return "paid"
    adjusted = chain(answer.adjusted, *(one.adjusted for one in answer.services))
    if status in BEHIND and {one.code for one in adjusted} == {_PRIOR_PAYER}:
        return "received"
    remarks = {*answer.remarks, *chain.from_iterable(one.remarks for one in answer.services)}
    return "denied" if remarks.isdisjoint(answer_codes().unprocessable) else "rejected"


def _services(claim: _Claim) -> Iterator[RemittedService]:
    """Of the patient's share of the claim each has as much as its own adjustments leave open. One
    without any has the claim's."""
    open_ = [one.charge - one.paid - _sum(one.adjusted) for one in claim.services]
    shares = _apportioned(_share(claim.adjusted), open_)
    for found, share in zip(claim.services, shares, strict=True):
        yield RemittedService(
            code=found.code,
            modifiers=found.modifiers,
            charge=found.charge,
            paid=found.paid,
            segment=found.segment,
            day=found.day or claim.day,
            line=found.line,
            share=_share(found.adjusted) + share,
            adjusted=_refused(found.adjusted or claim.adjusted),
            remarks=found.remarks,
        )


def _apportioned(amount: Decimal, weights: Sequence[Decimal]) -> Iterator[Decimal]:
    """AMOUNT by WEIGHTS, to the cent: together they are the whole. Nothing where there are none."""
    whole, given, weighed = sum(weights, Decimal(0)), Decimal(0), Decimal(0)
    for weight in weights:
        weighed += weight
        due = (amount * weighed / whole).quantize(CENT) if whole else Decimal(0)
        yield due - given
        given = due


def _sum(adjusted: Iterable[Adjustment]) -> Decimal:
    return sum((one.amount for one in adjusted), Decimal(0))


def _share(adjusted: Iterable[Adjustment]) -> Decimal:
    return _sum(one for one in adjusted if _is_share(one))


def _refused(adjusted: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    return tuple(one for one in adjusted if not _is_share(one))


def _take(claim: _Claim, number: int, segment: Segment) -> None:
    kind = segment[0]
    if kind == "NM1" and element(segment, 1) in ("QC", "IL"):
        # The insured, where another than the patient, stands behind.
        claim.member = plain_id(element(segment, 9)) or claim.member
    elif kind == "SVC":
        _end_service(claim)
        claim.passes_over = False
        claim.service = _service(number, segment)
    elif claim.passes_over:
        return
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
        return structs.replace(service, line=element(segment, 2).strip())
    if segment[:2] == ("LQ", _REMARK):
        return structs.replace(service, remarks=(*service.remarks, element(segment, 2)))
    return service


def _end_service(claim: _Claim) -> None:
    found, claim.service = claim.service, None
    if found:
        claim.services.append(found)


def _adjust(claim: _Claim, segment: Segment) -> None:
    told = tuple(_adjustments(segment))
    if claim.service:
        adjusted = (*claim.service.adjusted, *told)
        claim.service = structs.replace(claim.service, adjusted=adjusted)
    else:
        claim.adjusted = (*claim.adjusted, *told)


def _date(claim: _Claim, segment: Segment) -> None:
    qualifier, text = element(segment, 1), element(segment, 2)
    if claim.service and qualifier in _SERVICE_DATES:
        claim.service = structs.replace(claim.service, day=_day(text))
    elif qualifier in _CLAIM_DATES:
        claim.day = _day(text)


def _day(text: str) -> date:
    found = day(text)
    if found is None:
        raise ValueError("no day")
    return found


def plain_id(text: str) -> str:
    """An identifier without what people write between its letters and digits."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _service(number: int, segment: Segment) -> _Begun:
    """By the code that was billed."""
    billed = element(segment, _ORIGINAL_CODE) or segment[1]
    qualifier, _, rest = billed.partition(COMPONENT)
    code, *modifiers = rest.strip().upper().split(COMPONENT)
    given = tuple(one for one in modifiers[:4] if len(one) == 2 and qualifier == _HCPCS)
    return _Begun(code, given, _dollars(segment[2]), _dollars(segment[3] or "0"), number)


def _adjustments(segment: Segment) -> Iterator[Adjustment]:
    """Up to six of a CAS."""
    for place in range(2, len(segment), 3):
        if reason := segment[place]:
            yield Adjustment(segment[1], reason, _dollars(element(segment, place + 1) or "0"))


def _provider_adjustments(segment: Segment) -> Iterator[ProviderAdjustment]:
    """Up to six of a PLB, each a reason with its reference."""
    for place in range(3, len(segment), 2):
        if reason := segment[place]:
            code, _, reference = reason.partition(COMPONENT)
            amount = _dollars(element(segment, place + 1))
            yield ProviderAdjustment(code.strip().upper(), reference.strip(), amount)


def _is_share(adjustment: Adjustment) -> bool:
    return adjustment.group == "PR" and adjustment.carc in _SHARES


def _dollars(text: str) -> Decimal:
    """X12's R; ValueError for anything else that is a number elsewhere."""
    plain = text.strip()
    if not _AMOUNT.fullmatch(plain):
        raise ValueError("no amount")
    return Decimal(plain)
