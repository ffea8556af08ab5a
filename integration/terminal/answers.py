"""What `claims read` says: of our claims, or of all that stands in the files.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from integration.claims.answering.telling import codes_of, why_of_batch, why_of_claim
from integration.wording import answers, words
from mappings.record import Problem
from mappings.writing.answers.answer import BatchAnswer, ClaimAnswer, RemittedPayment

if TYPE_CHECKING:
    from integration.claims.answering.listing import ListedAnswer
    from integration.claims.answering.reading import AnswersReport, Heard
    from integration.store.answers import AnswerOutcome

Form = Literal["text", "json"]
_NOTHING = Decimal(0)


def answered(report: "AnswersReport", form: Form) -> Iterator[str]:
    """What came back of our claims, and the payments, a row each."""
    if form == "json":
        payments = [_payment(one.file, one.payment) for one in report.payments]
        found = [_heard(one) for one in report.heard]
        yield _document(found, payments, report.problems, others=report.others)
        return
    for heard in report.heard:
        new, kept = heard.answer, heard.kept
        says = answers.says(new.kind, new.says, new.why, new.paid, new.share)
        number = _numbered(new.payer_number)
        yield f"{heard.file}: claim {heard.claim.number}: {says}{number}{_noted(kept)}"
    for paid in report.payments:
        yield f"{paid.file}: {answers.payment(paid.payment)}"


def beside(report: "AnswersReport") -> Iterator[str]:
    """What else the files held."""
    for file, count in report.others.items():
        yield f"{file}: {words.plural(count, 'answer')} to claims that did not leave from here"
    if report.others and not report.heard:
        yield (
            "Only claims that `ferroclaim claims write` wrote of the database's released lines are"
            " known here; those written from a SOURCE, and those of other software, are kept"
            " nowhere. `ferroclaim claims read --all` prints every answer of a file, whoever wrote"
            " the claim."
        )
    yield from told(report.problems)


def told(problems: Iterable[Problem]) -> Iterator[str]:
    for problem in problems:
        yield f"{problem.resource}: {problem.problem}"


def listed(found: "Iterable[ListedAnswer]") -> Iterator[str]:
    """Whatever stands in the files, a row each."""
    for one in found:
        yield f"{one.file}: {_said_of(one.answer)}"


def listed_as_json(found: "Sequence[ListedAnswer]", problems: Sequence[Problem]) -> str:
    payments = [
        _payment(one.file, one.answer) for one in found if isinstance(one.answer, RemittedPayment)
    ]
    every = [
        _listed(one.file, one.answer)
        for one in found
        if not isinstance(one.answer, RemittedPayment)
    ]
    return _document(every, payments, problems)


def _said_of(one: ClaimAnswer | BatchAnswer | RemittedPayment) -> str:
    if isinstance(one, RemittedPayment):
        return answers.payment(one)
    if isinstance(one, BatchAnswer):
        says = answers.says(one.kind, one.says, why_of_batch(one), _NOTHING, _NOTHING)
        return f"{answers.about(one)}: {says}"
    says = answers.says(one.kind, one.says, why_of_claim(one), one.paid, one.share)
    return f"claim {one.number}: {says}{_numbered(one.payer_number)}"


def _numbered(payer_number: str) -> str:
    return f", the payer's number {payer_number}" if payer_number else ""


def _noted(kept: "AnswerOutcome") -> str:
    if not kept.is_new:
        return " (read before)"
    return "" if kept.fits else f" (it stands as {words.status(kept.state)}: nothing was changed)"


def _document(
    found: Sequence[dict[str, Any]],
    payments: Sequence[dict[str, Any]],
    problems: Sequence[Problem],
    **more: object,
) -> str:
    whole = {"answers": found, "payments": payments, **more, "problems": problems}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1).decode()


def _heard(heard: "Heard") -> dict[str, Any]:
    new = heard.answer
    return {
        "file": heard.file,
        "site": heard.claim.site,
        "claim": heard.claim.number,
        "kind": new.kind,
        "says": new.says,
        "codes": new.codes,
        "why": new.why,
        "payer": new.payer,
        "payerNumber": new.payer_number or None,
        "day": new.day,
        "charge": new.charge,
        "paid": new.paid,
        "patientOwes": new.share,
        "lines": new.lines,
        "state": heard.kept.state,
        "new": heard.kept.is_new,
    }


def _listed(file: str, one: ClaimAnswer | BatchAnswer) -> dict[str, Any]:
    said = {"file": file, "kind": one.kind, "says": one.says, "codes": one.codes, "day": one.day}
    if isinstance(one, BatchAnswer):
        return {**said, "to": answers.about(one), "why": why_of_batch(one)}
    return {
        **said,
        "claim": one.number,
        "why": why_of_claim(one),
        "payer": one.payer,
        "payerNumber": one.payer_number or None,
        "charge": one.charge,
        "paid": one.paid,
        "patientOwes": one.share,
        "lines": [
            {
                "line": service.line or None,
                "code": service.code,
                "modifiers": service.modifiers,
                "day": service.day,
                "charge": service.charge,
                "paid": service.paid,
                "patientOwes": service.share,
                "codes": codes_of(service),
            }
            for service in one.services
        ],
    }


def _payment(file: str, one: RemittedPayment) -> dict[str, Any]:
    return {
        "file": file,
        "payment": one.trace,
        "payer": one.payer,
        "day": one.day,
        "total": one.total,
        "claims": one.claims,
        "adjustments": [
            {"code": code, "reference": reference, "amount": amount}
            for code, reference, amount in one.adjustments
        ],
        "balances": one.is_whole and one.total is not None and not one.missing and not one.odd,
    }
