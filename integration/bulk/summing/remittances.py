"""Lines beside what payers answered: an 835 names the insured, the day and the code.

Held by tests/unit/test_bulk_reports.py.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from integration.claims.answering.files import named, placed, said
from integration.errors import ConfigurationError
from mappings import codes
from mappings.assessment import ClaimLine, PatientAssessment
from mappings.record import PatientRecord, Problem
from mappings.writing.answers.answer import ClaimAnswer, RemittedService
from mappings.writing.answers.file import remitted
from mappings.writing.answers.remittance import plain_id

DISCARDED = "JW"


class PayersAnswer(Struct, frozen=True):
    """What all payers together said of a day's services of one code, in dollars: what was charged
    (once, however often it was answered), what they paid, and what the patient owes."""

    charge: Decimal
    paid: Decimal
    share: Decimal
    carcs: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether nothing was allowed, neither by the payer nor for the patient to pay."""
        return self.paid + self.share <= 0


# By insured, day, code, and whether it is the discarded drug.
Answers = Mapping[str, PayersAnswer]


class Remitted(Struct):
    """Lines, those of them with an answer and without money, and dollars: paid, and charged for
    those without."""

    lines: int = 0
    answered: int = 0
    unpaid: int = 0
    paid: Decimal = Decimal(0)
    refused: Decimal = Decimal(0)

    def add(self, other: "Remitted") -> None:
        self.lines += other.lines
        self.answered += other.answered
        self.unpaid += other.unpaid
        self.paid += other.paid
        self.refused += other.refused


class RefusedMoney(Struct):
    """Lines without money by a reason (CARC), what was charged, and how many of them a gap of ours
    foresees."""

    lines: int = 0
    money: Decimal = Decimal(0)
    foreseen: int = 0

    def add(self, other: "RefusedMoney") -> None:
        self.lines += other.lines
        self.money += other.money
        self.foreseen += other.foreseen


def read_answers(path: Path) -> tuple[dict[str, PayersAnswer], list[Problem]]:
    """Of a file or a folder of 835s, those of IV irons; ConfigurationError where there is none.
    What a file says that came twice counts once."""
    if not path.exists():
        raise ConfigurationError(f"--remittances {path}: there is no such file or folder.")
    ours = {code.code for family in codes.families().values() for code in family.codes}
    found: dict[str, _Sum] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for file in named([path]):
        for claim in said(file, remitted, "holds no remittance (835)"):
            if isinstance(claim, Problem):
                problems.append(claim)
                continue
            if claim.said in seen:
                continue
            seen.add(claim.said)
            for one in claim.services:
                if one.code in ours and claim.member_id and one.day:
                    name = _key(claim.member_id, str(one.day), one.code, DISCARDED in one.modifiers)
                    found.setdefault(name, _Sum()).add(claim.said, one)
                elif one.code in ours:
                    problems.append(placed(_loose(claim, one), file.name))
    return {name: one.answer for name, one in found.items()}, problems


def _loose(claim: ClaimAnswer, service: RemittedService) -> Problem:
    lacks = "a day" if claim.member_id else "the insured's number"
    says = f"a service of {service.code} lacks {lacks}, so that no line is found for it"
    return Problem(f"segment {service.segment}", says)


class _Sum:
    """Services that say of one line: parts of a claim, corrections, reversals and other payers'
    shares add up, and what a reversal takes back counts no more."""

    def __init__(self) -> None:
        self._charges: dict[str, Decimal] = {}
        self._adjusted: dict[str, Decimal] = {}
        self._paid = self._share = Decimal(0)

    def add(self, claim: str, service: RemittedService) -> None:
        """CLAIM: what tells one answer to a claim from another."""
        self._charges[claim] = self._charges.get(claim, Decimal(0)) + service.charge
        self._paid += service.paid
        self._share += service.share
        for one in service.adjusted:
            self._adjusted[one.carc] = self._adjusted.get(one.carc, Decimal(0)) + one.amount

    @property
    def answer(self) -> PayersAnswer:
        carcs = tuple(carc for carc, amount in self._adjusted.items() if amount > 0)
        charge = max(self._charges.values())
        return PayersAnswer(charge, self._paid, self._share, carcs)


def _key(member_id: str, day: str, code: str, discarded: bool) -> str:
    return "\t".join((member_id, day, code, DISCARDED if discarded else ""))


def answered(
    found: PatientAssessment, record: PatientRecord, answers: Answers
) -> Iterator[tuple[ClaimLine, PayersAnswer | None]]:
    """Each line of a day with what was answered; where lines share an answer, only the first has
    it."""
    members = {plain_id(plan.subscriber.member_id or "") for plan in record.coverages} - {""}
    given: set[str] = set()
    for line in found.lines:
        if line.status == "not-billable" or line.service_date is None:
            continue
        keys = {
            _key(member, line.service_date, line.code, DISCARDED in line.modifiers)
            for member in members
        }
        name = min((key for key in keys if key in answers and key not in given), default=None)
        if name:
            given.add(name)
        yield line, answers[name] if name else None


def foreseen(found: PatientAssessment, line: ClaimLine) -> frozenset[str]:
    """The CARCs that gaps of a line predict."""
    gaps = (gap for gap in found.gaps if line.id in gap.lines and gap.predicted_denial)
    return frozenset(gap.predicted_denial.carc for gap in gaps if gap.predicted_denial)
