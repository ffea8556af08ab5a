"""Lines beside what payers answered: an 835 names the insured, the day and the code.

Held by tests/unit/test_bulk_reports.py.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from msgspec import Struct, structs

from integration.assessing.files import File, files_in, unread
from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.errors import ConfigurationError
from mappings import codes
from mappings.assessment import ClaimLine, PatientAssessment
from mappings.record import PatientRecord, Problem
from mappings.writing.remittance import RemittedService, plain_id, remitted
from mappings.writing.x12.reading import NotX12

DISCARDED = "JW"


class PayersAnswer(Struct, frozen=True):
    """What all payers together said of a day's services of one code, in dollars."""

    charge: Decimal
    paid: Decimal
    carcs: tuple[str, ...] = ()


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
    """Of a file or a folder of 835s, those of IV irons; ConfigurationError where there is none."""
    if not path.exists():
        raise ConfigurationError(f"--remittances {path}: there is no such file or folder.")
    files = list(files_in(path)) if path.is_dir() else [File(path.name, path)]
    ours = {code.code for family in codes.families().values() for code in family.codes}
    found: dict[str, PayersAnswer] = {}
    problems: list[Problem] = []
    for file in files:
        for one in _of(file):
            if isinstance(one, Problem):
                problems.append(one)
            elif one.code in ours:
                name = _key(one.member_id, str(one.day), one.code, DISCARDED in one.modifiers)
                found[name] = _with(found.get(name), one)
    return found, problems


def _of(file: File) -> Iterator[RemittedService | Problem]:
    if file.why:
        yield Problem(file.name, file.why)
        return
    try:
        with file.path.open("rb") as stream:
            for one in remitted(unpacked(stream)):
                yield _placed(one, file.name) if isinstance(one, Problem) else one
    except (NotX12, NotRead) as problem:
        yield Problem(file.name, f"holds no remittance (835): {problem}")
    except DAMAGED as problem:
        why = unread(problem) if isinstance(problem, OSError) and problem.errno else "is damaged"
        yield Problem(file.name, why)


def _placed(problem: Problem, file: str) -> Problem:
    return Problem(f"{problem.resource} of {file}", problem.problem)


def _with(before: PayersAnswer | None, service: RemittedService) -> PayersAnswer:
    """Corrections and other payers' shares add up; the first charge is what was charged."""
    if before is None:
        return PayersAnswer(service.charge, service.paid, service.carcs)
    carcs = dict.fromkeys([*before.carcs, *service.carcs])
    return structs.replace(before, paid=before.paid + service.paid, carcs=tuple(carcs))


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
