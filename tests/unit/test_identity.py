"""Ids of lines and gaps: the same from run to run, whatever else the chart says, and telling
nothing of the patient."""

from datetime import datetime

import pytest

from mappings.values.identity import stable_id
from tests import builders
from tests.builders import administration

OPEN = administration(dose="150 mg", ndc=None)


def line_ids(*changes: builders.Resource, **options: object) -> dict[tuple[str, ...], str]:
    return {
        (*line.administrations, *line.modifiers[:1]): line.id
        for line in builders.assessed(*changes, **options).lines  # type: ignore[arg-type]
    }


def gap_ids(*changes: builders.Resource, **options: object) -> dict[str, str]:
    return {gap.requirement: gap.id for gap in builders.assessed(*changes, **options).gaps}  # type: ignore[arg-type]


def test_the_ids_are_what_they_were_in_the_first_release() -> None:
    """A change here orphans every DetectedIssue in an EHR."""
    assert stable_id("gap", "Patient/p1", "ferritin") == "cac2810c2e36425d51c06aac65659931"


def test_the_ids_of_lines_are_of_patient_first_dose_and_part() -> None:
    second = administration("ma0", dose="50 mg", discarded="50 mg", on="2026-11-01T09:30:00-05:00")
    found = {line.modifiers[:1]: line.id for line in builders.assessed(second).lines}
    first = ("Patient/p1", "MedicationAdministration/ma0")
    assert found == {
        (): stable_id("line", *first, "administered"),
        ("JW",): stable_id("line", *first, "discarded"),
    }


@pytest.mark.parametrize(
    "changes",
    [
        [builders.ferritin(43, on="2026-10-30")],
        [builders.condition("I12.9")],
        [administration(dose="150 mg", ndc=None, version="7")],
        [administration(dose="160 mg", ndc=None)],
        [administration(dose="150 mg", ndc=None, on="2026-10-31T09:00:00-05:00")],
    ],
    ids=["a result", "a diagnosis", "a version", "another dose", "another date"],
)
def test_they_stay_when_something_else_changes(changes: list[builders.Resource]) -> None:
    assert line_ids(OPEN, *changes) == line_ids(OPEN)
    before, after = gap_ids(OPEN), gap_ids(OPEN, *changes)
    assert before["discarded-amount"] == after["discarded-amount"]


def test_they_stay_from_day_to_day() -> None:
    later = datetime.fromisoformat("2027-01-31T00:00:00-05:00")
    assert gap_ids(OPEN, as_of=later) == gap_ids(OPEN)
    assert line_ids(OPEN, as_of=later) == line_ids(OPEN)


def test_a_gap_keeps_its_id_from_state_to_state() -> None:
    missing = gap_ids(without=["ferritin"])
    expired = gap_ids(builders.ferritin(on="2026-01-01"), without=["ferritin"])
    assert missing["ferritin"] == expired["ferritin"]


def test_a_patients_gap_keeps_its_id_when_a_dose_is_added() -> None:
    more = administration(id="ma2", on="2026-11-08T09:00:00-05:00")
    assert (
        gap_ids(without=["ferritin"])["ferritin"] == gap_ids(more, without=["ferritin"])["ferritin"]
    )


def test_each_line_and_each_gap_has_its_own() -> None:
    doses = [
        administration(dose="150 mg", discarded="40 mg"),
        administration(id="ma2", dose="150 mg", on="2026-11-08T09:00:00-05:00"),
        administration(id="ma3", dose="50 mg", discarded="50 mg", on="2026-11-09T09:00:00-05:00"),
    ]
    found = builders.assessed(*doses, without=["tsat"])
    ids = [line.id for line in found.lines] + [gap.id for gap in found.gaps]
    assert len(found.lines) == 4
    assert len(set(ids)) == len(ids)


def test_patients_do_not_share_ids() -> None:
    other = [administration(id="ma9", patient="p2"), builders.patient("p2")]
    first, second = builders.document_of([*builders.chart(), *other]).patients
    assert {gap.id for gap in first.gaps} & {gap.id for gap in second.gaps} == set()
    assert {line.id for line in first.lines} & {line.id for line in second.lines} == set()


def test_nothing_of_the_patient_can_be_read_from_them() -> None:
    found = gap_ids(without=["ferritin"])["ferritin"]
    assert len(found) == 32
    assert "p1" not in found
    assert int(found, 16)
