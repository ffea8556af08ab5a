"""Answers to claims that left: found by our numbers, kept with their claims, and told.

Held by tests/contract/test_answers.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain

from integration.claims.answering.files import AnswerFile, said
from integration.claims.answering.sets import PlacedClaim, claims_of, written_on
from integration.claims.answering.telling import (
    codes_of,
    unbalanced,
    why_of_claim,
    why_of_placed,
)
from integration.claims.sent import line_key
from integration.store import Db, Store, addressees, answers, claims
from integration.store.addressees import Naming
from integration.store.answers import AnsweredLine, AnswerOutcome, NewAnswer
from integration.store.claims import Sent
from mappings.record import Problem
from mappings.values.stated import only
from mappings.writing.answers.answer import (
    REFUSED,
    BatchAnswer,
    ClaimAnswer,
    RemittedPayment,
    RemittedService,
    SegmentFault,
)
from mappings.writing.answers.file import answers as answers_in
from mappings.writing.preparing.prepared import is_claim_number

_LEAST_OF_A_NUMBER = 8


@dataclass(frozen=True)
class Heard:
    """An answer to a claim of ours."""

    file: str
    claim: Sent
    answer: NewAnswer
    kept: AnswerOutcome


@dataclass(frozen=True)
class HeardPayment:
    file: str
    payment: RemittedPayment


@dataclass
class AnswersReport:
    """`others`: answers of each file to claims that did not leave from here; `payments`: whoever's
    claims they are for."""

    heard: list[Heard] = field(default_factory=list)
    payments: list[HeardPayment] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


def read_answers(
    store: Store, sites: Sequence[str], files: Iterable[AnswerFile], by: str
) -> AnswersReport:
    """To claims of SITES; each file is kept whole or not at all."""
    report = AnswersReport()
    for file in files:
        with store.transaction() as db:
            claims.one_at_a_time(db)
            _File(db, sites, file, by, report).read()
    return report


class _File:
    def __init__(
        self, db: Db, sites: Sequence[str], file: AnswerFile, by: str, report: AnswersReport
    ) -> None:
        self._db, self._sites, self._file, self._by = db, sites, file, by
        self._report = report

    def read(self) -> None:
        for one in said(self._file, answers_in, "holds no answer"):
            if isinstance(one, Problem):
                self._report.problems.append(one)
            elif isinstance(one, RemittedPayment):
                self._report.payments.append(HeardPayment(self._file.name, one))
                self._report.problems += unbalanced(one, self._file.name)
            elif not self._take(one):
                self._report.others[self._file.name] += 1

    def _take(self, one: ClaimAnswer | BatchAnswer) -> bool:
        """Whether it is to claims of ours."""
        if isinstance(one, BatchAnswer):
            return self._take_batch(one)
        number = one.number.strip().upper()
        if not is_claim_number(number):
            return False
        named = Naming(
            number=number,
            said=one.said,
            is_payment=one.kind == "835",
            is_test=one.is_test,
            set=one.set,
            biller=one.biller,
            charge=one.charge,
            day=one.day,
        )
        claim = addressees.answering(self._db, self._sites, named)
        if claim is None:
            return False
        self._keep(claim, self._of_claim(claim, one))
        return True

    def _take_batch(self, one: BatchAnswer) -> bool:
        found = (
            addressees.by_control(self._db, one.control, self._sites, is_test=one.is_test)
            if one.control is not None
            else addressees.by_set(self._db, one.set, self._sites, is_test=one.is_test)
        )
        # Other software of the practice may number its interchanges as we do.
        if found is None or one.written not in ("", written_on(found.content)):
            return False
        meant = [claim for claim in claims_of(found.content) if _is_meant(claim, one)]
        faults = _of_no_claim(one, meant)
        for place in meant:
            claim = addressees.of_file(self._db, found.id, place.number)
            if claim:
                self._keep(claim, _of_batch(one, place, faults, self._file.name))
        return bool(meant)

    def _keep(self, claim: Sent, new: NewAnswer) -> None:
        kept = answers.keep(self._db, claim, new, self._by)
        self._report.heard.append(Heard(self._file.name, claim, new, kept))

    def _of_claim(self, claim: Sent, one: ClaimAnswer) -> NewAnswer:
        lines = tuple(self._lines(claim, one)) if one.kind == "835" else ()
        return NewAnswer(
            kind=one.kind,
            says=one.says,
            said=one.said,
            file=self._file.name,
            codes=one.codes,
            why=why_of_claim(one),
            payer=one.payer,
            payer_number=one.payer_number,
            day=one.day,
            payment=one.payment,
            charge=one.charge,
            paid=one.paid,
            share=one.share,
            lines=lines,
        )

    def _lines(self, claim: Sent, one: ClaimAnswer) -> Iterator[AnsweredLine]:
        if not one.services and one.says in REFUSED:
            yield from (AnsweredLine(line, codes_of(one)) for line in claim.lines)
        known = {line_key(line): line for line in claim.lines}
        billed = claims.billed_lines(self._db, claim.id) if one.services else []
        found: dict[str, list[RemittedService]] = {}
        for service in one.services:
            line = _numbered(known, service.line) or _like(billed, service)
            if line:
                found.setdefault(line, []).append(service)
        for line, services in found.items():
            codes = dict.fromkeys(chain.from_iterable(map(codes_of, services)))
            yield AnsweredLine(
                line,
                list(codes),
                charge=sum((service.charge for service in services), Decimal(0)),
                paid=sum((service.paid for service in services), Decimal(0)),
                share=sum((service.share for service in services), Decimal(0)),
            )


def _is_meant(claim: PlacedClaim, one: BatchAnswer) -> bool:
    return one.set in ("", claim.set) and (not one.biller or claim.biller == one.biller)


def _of_batch(
    one: BatchAnswer, place: PlacedClaim, faults: Set[SegmentFault], file: str
) -> NewAnswer:
    return NewAnswer(
        kind=one.kind,
        says=one.says,
        said=one.said,
        file=file,
        codes=one.codes,
        why=why_of_placed(one, place, faults),
        day=one.day,
    )


def _of_no_claim(one: BatchAnswer, meant: Sequence[PlacedClaim]) -> Set[SegmentFault]:
    return {
        fault
        for fault in one.faults
        if not any(claim.first <= fault.position <= claim.last for claim in meant)
    }


def _numbered(known: Mapping[str, str], number: str) -> str | None:
    """The line that a payer means by our number of it, whole or cut off."""
    own = number.partition("-")[0].upper()
    found = [line for key, line in known.items() if key.startswith(own)]
    return only(found) if len(own) >= _LEAST_OF_A_NUMBER else None


def _like(billed: Sequence[claims.BilledLine], service: RemittedService) -> str | None:
    """The one line that was billed so, where the payer did not give our number of it back: of that
    day, where several are."""
    found = [
        line
        for line in billed
        if (line.code, line.is_discard) == (service.code, service.is_discard)
    ]
    if len(found) > 1:
        found = [line for line in found if line.day == service.day]
    line = only(found)
    return line.id if line else None
