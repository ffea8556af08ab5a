"""What `claims write`, `rejected` and `check` say.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from integration.wording import words
from integration.wording.amounts import money
from mappings.writing.checks.fault import Fault

if TYPE_CHECKING:
    from integration.claims.output import FilePart
    from integration.claims.writing import Report
    from integration.store.claims import ClaimState


def said(report: "Report", named: Mapping[str, object] | None = None) -> Iterator[str]:
    """What was written, what was not and why, a sentence each."""
    yield from (_file(part) for part in report.parts)
    for refusal in report.refused:
        yield f"{refusal.patient}: {refusal.says}"
    yield from report.problems
    if not report.parts:
        yield _nothing(report, named)


def marked(was: "ClaimState | None", *, done: bool) -> str:
    """Of a claim that a person says was rejected; DONE: it is now."""
    if was is None:
        return "no claim of that number left from this site"
    if was == "rejected":
        return "was rejected before"
    if done:
        return "rejected"
    return f"stands as {words.status(was)}: nothing was changed"


def written_off(done: int, why: Sequence[str], *, undo: bool) -> str:
    """Of a claim whose refused lines were written off, or that again."""
    lines = words.plural(done, "line")
    said = [f"{lines} {'reopened' if undo else 'written off'}"] if done else []
    return "; ".join([*said, *(text.rstrip(".") for text in dict.fromkeys(why))])


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
