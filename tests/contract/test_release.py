"""Who may let a line go (R13): a ready one anybody of the billers, a waived one with a reason, the
others nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from integration.store import Db, Store, assessments, gaps, lines, patients
from integration.store.lines import LineRow, NotReleasable
from mappings.assessment import ClaimLine, Gap, PatientAssessment

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
DOSE = ("MedicationAdministration/ma1",)


def line(**fields: Any) -> ClaimLine:
    made: dict[str, Any] = {
        "id": "l1",
        "administrations": DOSE,
        "service_date": "2026-11-01",
        "code": "J1756",
        "modifiers": ("JZ",),
        "units": 200,
        "status": "held",
        "payment": "separate",
        "reasons": ("ferritin",),
        "policy": None,
        "coverage": None,
        "value": "45.80",
    }
    return ClaimLine(**{**made, **fields})


def gap(**fields: Any) -> Gap:
    made: dict[str, Any] = {
        "id": "g1",
        "requirement": "ferritin",
        "state": "missing",
        "blocking": True,
        "waivable": True,
        "severity": "low",
        "administrations": DOSE,
        "lines": ("l1",),
        "policy": None,
        "message": "No ferritin.",
        "fix": "File it.",
        "predicted_denial": None,
        "source": None,
        "verified": True,
    }
    return Gap(**{**made, **fields})


@pytest.fixture
def db(store: Store) -> Iterator[Db]:
    with store.transaction() as connection:
        yield connection


def kept(db: Db, *found: ClaimLine | Gap) -> LineRow:
    """The one line of p1, after an assessment with these lines and gaps."""
    assessment = PatientAssessment(
        patient="Patient/p1",
        lines=tuple(row for row in found if isinstance(row, ClaimLine)),
        gaps=tuple(row for row in found if isinstance(row, Gap)),
    )
    assessments.keep(db, patients.known(db, "general", "p1"), assessment, NOW, "notification")
    (row,) = lines.of_patient(db, "general", "p1")
    return row


def waive(db: Db, waived: Gap) -> LineRow:
    gaps.waive(
        db,
        patients.known(db, "general", "p1"),
        waived,
        "seen on paper",
        "Practitioner/7",
        "Dr Gray",
        "clinician",
    )
    (row,) = lines.of_patient(db, "general", "p1")
    return row


def released(db: Db) -> bool:
    (row,) = lines.of_patient(db, "general", "p1")
    return row.released_at is not None


def test_a_ready_line(db: Db) -> None:
    lines.release(db, kept(db, line(status="ready", reasons=())), "ada", "biller")
    assert released(db)
    assert db.execute("select actor, role, action, resource from audit").fetchall() == [
        ("ada", "biller", "released", "ClaimLine/l1")
    ]


def test_a_held_line_is_not(db: Db) -> None:
    with pytest.raises(NotReleasable, match="held by ferritin"):
        lines.release(db, kept(db, line(), gap()), "ada", "biller", "because")
    assert not released(db)


def test_a_waiver_makes_no_line_ready_and_needs_a_reason_to_be_released(db: Db) -> None:
    kept(db, line(), gap())
    row = waive(db, gap())
    assert (row.line.status, row.waived) == ("held", True)
    with pytest.raises(NotReleasable, match="say why"):
        lines.release(db, row, "ada", "biller", "  ")
    lines.release(db, row, "ada", "biller", "paper record seen")
    assert released(db)


def test_one_waiver_of_two_is_not_enough(db: Db) -> None:
    other = gap(id="g2", requirement="ndc")
    kept(db, line(), gap(), other)
    with pytest.raises(NotReleasable):
        lines.release(db, waive(db, gap()), "ada", "biller", "because")


def test_a_gap_that_nobody_can_waive(db: Db) -> None:
    firm = gap(id="g2", requirement="discarded-amount", waivable=False)
    kept(db, line(), firm)
    with pytest.raises(NotReleasable, match="discarded-amount, which nobody can waive"):
        lines.release(db, waive(db, firm), "ada", "biller", "because")


def test_a_waiver_is_for_the_doses_it_was_given_for(db: Db) -> None:
    kept(db, line(), gap())
    assert waive(db, gap()).waived
    more = gap(administrations=(*DOSE, "MedicationAdministration/ma2"))
    assessment = PatientAssessment(patient="Patient/p1", lines=(line(),), gaps=(more,))
    assessments.keep(db, patients.known(db, "general", "p1"), assessment, NOW, "notification")
    (row,) = lines.of_patient(db, "general", "p1")
    assert not row.waived


def test_a_waiver_taken_back(db: Db) -> None:
    kept(db, line(), gap())
    waive(db, gap())
    gaps.take_back(db, patients.known(db, "general", "p1"), "g1", "Practitioner/7", "clinician")
    (row,) = lines.of_patient(db, "general", "p1")
    assert not row.waived


def test_a_line_is_released_once_and_may_be_taken_back(db: Db) -> None:
    row = kept(db, line(status="ready", reasons=()))
    lines.release(db, row, "ada", "biller")
    (row,) = lines.of_patient(db, "general", "p1")
    with pytest.raises(NotReleasable, match="already released"):
        lines.release(db, row, "ada", "biller")
    lines.withdraw(db, row, "ada", "biller")
    assert not released(db)


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ({"units": 100}, True),
        ({"modifiers": ("JW",)}, True),
        ({"diagnoses": ("N18.4",)}, True),
        ({"status": "held", "reasons": ("ferritin",)}, True),
        ({"notes": ("a note",)}, False),
        ({}, False),
    ],
)
def test_what_changes_after_a_release_is_seen(db: Db, after: dict[str, Any], changed: bool) -> None:
    before = line(status="ready", reasons=())
    lines.release(db, kept(db, before), "ada", "biller")
    row = kept(db, msgspec.structs.replace(before, **after))
    assert row.changed_after_release is changed
    assert row.released_line == before
    assert lines.counts(db, ["general"])["changed"] == int(changed)


def test_views_count_each_line_once(db: Db) -> None:
    kept(db, line(), gap())
    assert {name: number for name, number in lines.counts(db, ["general"]).items() if number} == {
        "held": 1,
        "all": 1,
    }
    assert [row.line.id for row in lines.view(db, "held", ["general"])] == ["l1"]
    assert lines.view(db, "held", ["elsewhere"]) == []
