"""What the `claims` commands say.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from integration.wording import answers, words
from integration.wording.amounts import money
from mappings.writing.checks.fault import Fault

if TYPE_CHECKING:
    from integration.claims.answering.reading import AnswersReport
    from integration.claims.output import FilePart
    from integration.claims.writing import Report
    from integration.store.answers import AnswerOutcome
    from integration.store.claims import ClaimState


def said(report: "Report", named: Mapping[str, object] | None = None) -> Iterator[str]:
    """What was written, what was not and why, a sentence each."""
    yield from (_file(part) for part in report.parts)
    for refusal in report.refused:
        yield f"{refusal.patient}: {refusal.says}"
    yield from report.problems
    if not report.parts:
        yield _nothing(report, named)


def answered(report: "AnswersReport", form: Literal["text", "json"]) -> Iterator[str]:
    """What came back of our claims, a row each."""
    if form == "json":
        yield msgspec.json.format(msgspec.json.encode(_document(report)), indent=1).decode()
        return
    for heard in report.heard:
        new, kept = heard.answer, heard.kept
        says = answers.says(new.kind, new.says, new.why, new.paid, new.share)
        number = f", the payer's number {new.payer_number}" if new.payer_number else ""
        yield f"{heard.file}: claim {heard.claim.number}: {says}{number}{_noted(kept)}"


def marked(was: "ClaimState | None", *, done: bool) -> str:
    """Of a claim that a person says was rejected; DONE: it is now."""
    if was is None:
        return "no claim of that number left from this site"
    if was == "rejected":
        return "was rejected before"
    if done:
        return "rejected"
    return f"stands as {words.status(was)}: nothing was changed"


def _noted(kept: "AnswerOutcome") -> str:
    if not kept.is_new:
        return " (read before)"
    return "" if kept.fits else f" (it stands as {words.status(kept.state)}: nothing was changed)"


def beside(report: "AnswersReport") -> Iterator[str]:
    """What else the files held."""
    for file, count in report.others.items():
        yield f"{file}: {words.plural(count, 'answer')} to claims that did not leave from here"
    for problem in report.problems:
        yield f"{problem.resource}: {problem.problem}"


def _document(report: "AnswersReport") -> dict[str, object]:
    return {
        "answers": [
            {
                "file": heard.file,
                "site": heard.claim.site,
                "claim": heard.claim.number,
                "kind": heard.answer.kind,
                "says": heard.answer.says,
                "codes": heard.answer.codes,
                "why": heard.answer.why,
                "payer": heard.answer.payer,
                "payerNumber": heard.answer.payer_number or None,
                "charge": heard.answer.charge,
                "paid": heard.answer.paid,
                "patientOwes": heard.answer.share,
                "lines": heard.answer.lines,
                "state": heard.kept.state,
                "new": heard.kept.is_new,
            }
            for heard in report.heard
        ],
        "others": report.others,
        "problems": report.problems,
    }


def _file(part: "FilePart") -> str:
    to = f" to {part.receiver.name}" if part.receiver else ""
    test = "" if part.production else " (test)"
    what = "charge" if part.kind == "charges" else "claim"
    count, total = words.plural(len(part.claims), what), money(part.claims.total)
    return f"{part.name}: {count}, {total}{to}{test}"


def _nothing(report: "Report", named: Mapping[str, object] | None) -> str:
    if report.refused or report.problems:
        return "No file was written."
    if named:
        return "No file was written: none of the named lines is waiting to be sent."
    return "No file was written: no released line is waiting to be sent."


def checked(
    results: Iterable[tuple[str, Iterable[Fault]]], form: Literal["text", "json"]
) -> Iterator[tuple[bool, str]]:
    """For each file whether it is right, and the text about it."""
    if form == "json":
        yield from _as_json(results)
        return
    for name, faults in results:
        count = 0
        for fault in faults:
            count += 1
            yield False, f"{name}: {fault.sentence}\n"
        if not count:
            yield True, f"{name}: nothing wrong was found\n"


def _as_json(results: Iterable[tuple[str, Iterable[Fault]]]) -> Iterator[tuple[bool, str]]:
    """One document, a file at a time."""
    clean, before = True, '{"files": ['
    for name, faults in results:
        found = list(faults)
        clean = clean and not found
        said = {"file": name, "faults": found}
        yield not found, f"{before}\n{msgspec.json.encode(said).decode()}"
        before = ","
    yield clean, "\n]}\n"
