"""After a release that words everything anew, nothing is written to charts or into history."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from integration.ehr.client import EhrClient
from integration.ehr.writing.ledger import MemoryLedger
from integration.ehr.writing.writeback import write_back_for
from integration.store import Store, assessments, patients
from mappings.assess import assess
from mappings.assessment import Gap, PatientAssessment
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site as Reading
from mappings.values.sentences import SENTENCES
from mappings.values.us_dates import MONTHS
from mappings.writing.detected_issue import gap_of, issues
from tests import builders
from tests.fakes.chart import chart
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
WORD = re.compile(rf"\b(?!(?:{'|'.join(MONTHS)})\b)[^\W\d_]+")


def reworded(document: Any, key: str = "") -> Any:
    """Every letter of every sentence another one; amounts and dates stay."""
    if isinstance(document, dict):
        return {name: reworded(value, name) for name, value in document.items()}
    if isinstance(document, list):
        return [reworded(value, key) for value in document]
    if isinstance(document, str) and key in SENTENCES:
        return WORD.sub(lambda word: "".join(chr(ord(letter) + 1) for letter in word[0]), document)
    return document


def in_other_words(assessment: PatientAssessment) -> PatientAssessment:
    built = msgspec.json.decode(msgspec.json.encode(assessment))
    return msgspec.convert(reworded(built), PatientAssessment)


@pytest.fixture
def assessment() -> PatientAssessment:
    records, _ = read(builders.chart(without=["ferritin"]), Reading())
    return assess(records[0], choosing.built_in(), builders.AS_OF)


def with_gaps(assessment: PatientAssessment, count: int) -> PatientAssessment:
    gap = assessment.gaps[0]
    gaps = tuple(msgspec.structs.replace(gap, id=f"gap{number}") for number in range(count))
    return msgspec.structs.replace(assessment, gaps=gaps)


def writes(fake: FakeEhr) -> int:
    return sum(not request.startswith("GET") for request in fake.requests)


@pytest.mark.parametrize(
    ("form", "count"), [("DetectedIssue", 1000), ("Task", 20), ("DocumentReference", 20)]
)
def test_nothing_is_written_of_words_alone(
    assessment: PatientAssessment, ehr: Make, connect: Connect, form: str, count: int
) -> None:
    many = with_gaps(assessment, count)
    fake = ehr("hapi").load(chart())
    ours = write_back_for(connect(fake, write_back=form), MemoryLedger())
    first = issues(many, [], builders.AS_OF)
    assert {outcome.result for outcome in ours.put_all(first, [])} == {"created"}
    before, held = writes(fake), fake.of(form)
    later = builders.AS_OF + timedelta(days=1)
    anew = issues(in_other_words(many), first, later)
    for row, old in zip(anew, first, strict=True):
        row["code"]["text"] = "Another title"
        assert row["detail"] != old["detail"]
    known = [*held] if form == "DetectedIssue" else None
    forgotten = write_back_for(connect(fake, write_back=form), MemoryLedger())
    for port in (ours, forgotten):
        assert {outcome.result for outcome in port.put_all(anew, known)} == {"unchanged"}
    assert writes(fake) == before
    assert len(held) == count


def test_new_words_go_out_with_the_next_real_change(
    assessment: PatientAssessment, ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    ours = write_back_for(connect(fake), MemoryLedger())
    ours.put_all(issues(assessment, [], builders.AS_OF), [])
    changed = in_other_words(assessment)
    first, *others = changed.gaps
    worse = msgspec.structs.replace(first, state="expired")
    changed = msgspec.structs.replace(changed, gaps=(worse, *others))
    held = fake.of("DetectedIssue")
    outcomes = {
        outcome.gap: outcome.result
        for outcome in ours.put_all(issues(changed, held, builders.AS_OF))
    }
    assert outcomes == {first.id: "updated"} | {gap.id: "unchanged" for gap in written(others)}
    (issue,) = [issue for issue in fake.of("DetectedIssue") if gap_of(issue) == first.id]
    assert issue["detail"].startswith(worse.message)


def written(gaps: Iterable[Gap]) -> list[Gap]:
    return [gap for gap in gaps if gap.write_back]


def test_words_alone_make_no_history(store: Store, assessment: PatientAssessment) -> None:
    later = builders.AS_OF + timedelta(days=1)
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        assert assessments.keep(db, patient, assessment, builders.AS_OF, "test")
        assert not assessments.keep(db, patient, in_other_words(assessment), later, "test")
        (kept,) = assessments.history(db, "general", "p1")
    assert (kept.as_of, kept.confirmed_at) == (builders.AS_OF, later)
    assert kept.assessment == assessment


def test_another_amount_does(store: Store, assessment: PatientAssessment) -> None:
    first, *others = assessment.gaps
    other = msgspec.structs.replace(first, message=first.message + " 12 mg.")
    changed = msgspec.structs.replace(assessment, gaps=(other, *others))
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        assessments.keep(db, patient, assessment, builders.AS_OF, "test")
        assert assessments.keep(db, patient, changed, builders.AS_OF, "test")
