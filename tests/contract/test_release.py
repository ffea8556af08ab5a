"""Who may let a line go (R13): a ready one anybody of the billers, a waived one with a reason, the
others nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from integration.store import Db, Store, assessments, gaps, patients, releases, worklist
from integration.store.releases import NotReleasable
from integration.store.worklist import Filters, Pair, Row
from mappings.assessment import (
    ClaimLine,
    Evidence,
    Gap,
    NdcQuantity,
    PatientAssessment,
    PolicyRef,
    Step,
)

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
        "value": "44.60",
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


def keep(db: Db, *found: ClaimLine | Gap) -> None:
    """An assessment of p1 with these lines and gaps."""
    assessment = PatientAssessment(
        patient="Patient/p1",
        lines=tuple(row for row in found if isinstance(row, ClaimLine)),
        gaps=tuple(row for row in found if isinstance(row, Gap)),
    )
    patient = patients.known(db, "general", "p1")
    assessments.keep(db, patient, assessment, NOW, "notification")


def listed(db: Db, view: worklist.View = "all", **filters: Any) -> list[Row]:
    return worklist.rows(db, Filters(view=view, **filters), ["general"], ["ferritin"])


def views(db: Db) -> dict[str, int]:
    """The views that have lines, and how many."""
    found = worklist.counts(db, ["general"], ["ferritin"])
    return {name: number for name, number in found.items() if number and name != "all"}


def pair(db: Db) -> Pair:
    """The pair that the first line of p1 belongs to, as who decides gets it."""
    return releases.to_decide(db, listed(db)[0].key, ["general"])


def kept(db: Db, *found: ClaimLine | Gap) -> Pair:
    keep(db, *found)
    return pair(db)


def waive(db: Db, waived: Gap) -> Pair:
    patient = patients.known(db, "general", "p1")
    gaps.waive(db, patient, waived, "seen on paper", "Practitioner/7", "Dr Gray", "clinician")
    return pair(db)


def released(db: Db) -> bool:
    return all(row.released_at for row in pair(db))


def ready(**fields: Any) -> ClaimLine:
    return line(status="ready", reasons=(), **fields)


def dose_and_discard(**fields: Any) -> tuple[ClaimLine, ClaimLine]:
    """150 mg of a 200 mg vial."""
    dose = line(units=150, modifiers=(), **fields)
    left = msgspec.structs.replace(dose, id="l0", units=50, modifiers=("JW",), discard_of="l1")
    return dose, left


def test_a_ready_line(db: Db) -> None:
    releases.release(db, kept(db, ready()), "ada", "biller")
    assert released(db)
    assert db.execute("select actor, role, action, resource from audit").fetchall() == [
        ("ada", "biller", "released", "ClaimLine/l1")
    ]


def test_a_held_line_is_not(db: Db) -> None:
    with pytest.raises(NotReleasable, match="held by ferritin"):
        releases.release(db, kept(db, line(), gap()), "ada", "biller", "because")
    assert not released(db)


def test_a_waiver_makes_no_line_ready_and_needs_a_reason_to_be_released(db: Db) -> None:
    kept(db, line(), gap())
    found = waive(db, gap())
    assert (found[0].status, found[0].state, views(db)) == ("held", "waived", {"waived": 1})
    with pytest.raises(NotReleasable, match="say why"):
        releases.release(db, found, "ada", "biller", "  ")
    releases.release(db, found, "ada", "biller", "paper record seen")
    assert released(db)


def test_one_waiver_of_two_is_not_enough(db: Db) -> None:
    kept(db, line(reasons=("ferritin", "ndc")), gap(), gap(id="g2", requirement="ndc"))
    with pytest.raises(NotReleasable, match="held by ndc"):
        releases.release(db, waive(db, gap()), "ada", "biller", "because")


def test_one_waiver_of_two_gaps_of_a_requirement_is_not_enough(db: Db) -> None:
    kept(db, line(), gap(), gap(id="g2"))
    with pytest.raises(NotReleasable, match="held by ferritin"):
        releases.release(db, waive(db, gap()), "ada", "biller", "because")


def test_what_no_gap_tells_of_holds_a_line_whatever_was_waived(db: Db) -> None:
    kept(db, line(reasons=("administration-evidence", "ferritin")), gap())
    with pytest.raises(NotReleasable, match="held by administration-evidence"):
        releases.release(db, waive(db, gap()), "ada", "biller", "because")
    assert views(db) == {"held-us": 1}


def test_a_gap_that_nobody_can_waive(db: Db) -> None:
    firm = gap(id="g2", requirement="discarded-amount", waivable=False)
    kept(db, line(reasons=("discarded-amount",)), firm)
    with pytest.raises(NotReleasable, match="discarded-amount, which nobody can waive"):
        releases.release(db, waive(db, firm), "ada", "biller", "because")


def test_a_waiver_is_for_the_doses_it_was_given_for(db: Db) -> None:
    kept(db, line(), gap())
    assert waive(db, gap())[0].state == "waived"
    found = kept(db, line(), gap(administrations=(*DOSE, "MedicationAdministration/ma2")))
    assert found[0].state == "held"


def test_a_waiver_taken_back(db: Db) -> None:
    kept(db, line(), gap())
    waive(db, gap())
    gaps.take_back(db, patients.known(db, "general", "p1"), "g1", "Practitioner/7", "clinician")
    assert pair(db)[0].state == "held"


def test_a_line_is_released_once_and_may_be_taken_back(db: Db) -> None:
    found = kept(db, ready())
    with pytest.raises(NotReleasable, match="was not released"):
        releases.withdraw(db, found, "ada", "biller")
    releases.release(db, found, "ada", "biller")
    with pytest.raises(NotReleasable, match="already released"):
        releases.release(db, pair(db), "ada", "biller")
    releases.withdraw(db, pair(db), "ada", "biller")
    assert not released(db)


# What no claim carries: it may change after a release without anybody having to look.
NOT_CARRIED: dict[str, Any] = {
    "administrations": (*DOSE, "MedicationAdministration/ma2"),
    "partial_date": "2026-11",
    "file_by": "2027-11-01",
    "payment": "bundled",
    "policy": PolicyRef("medicare", "2027-01"),
    "problem_list_only": ("N18.4",),
    "other_encounter_only": ("N18.4",),
    "drug_source": "buy-and-bill",
    "value_quarter": "2027Q1",
    "notes": ("a note",),
    "services": ("s1",),
    "evidence": (Evidence("Observation/1", "2", "ferritin 42"),),
    "chain": (Step("R5", "150 mg"),),
    "discard_of": "l9",
}
CARRIED: dict[str, Any] = {
    "service_date": "2026-11-02",
    "code": "J1439",
    "modifiers": ("JW",),
    "units": 100,
    "coverage": "Coverage/2",
    "secondary_coverages": ("Coverage/2",),
    "ndc": NdcQuantity("00517234010", "10", "ML"),
    "ndcs": (NdcQuantity("00517234010", "5", "ML"), NdcQuantity("00517234025", "5", "ML")),
    "diagnoses": ("N18.4",),
    "pointers": ("N18.4",),
    "place_of_service": "11",
    "bill_type": "13X",
    "revenue_code": "0636",
    "prior_authorization": "A1",
    "value": "46.00",
}


def test_each_part_of_a_line_is_carried_by_a_claim_or_not() -> None:
    both = {"id", "status", "reasons"} | CARRIED.keys() | NOT_CARRIED.keys()
    assert both == set(ClaimLine.__struct_fields__)


@pytest.mark.parametrize("name", [*CARRIED, *NOT_CARRIED])
def test_a_ready_line_that_changes_after_its_release_is_seen(db: Db, name: str) -> None:
    """It stays ready: a line that bills something else is nobody's news otherwise."""
    releases.release(db, kept(db, ready()), "ada", "biller")
    keep(db, ready(**{name: (CARRIED | NOT_CARRIED)[name]}))
    assert views(db) == ({"changed": 1} if name in CARRIED else {"released": 1})


def test_a_released_line_shows_what_was_released(db: Db) -> None:
    releases.release(db, kept(db, ready()), "ada", "biller")
    (row,) = kept(db, ready(units=100))
    assert (row.line.units, row.leaving.units) == (100, 200)


@pytest.mark.parametrize(
    "after", [line(), line(status="not-billable", reasons=("inpatient",)), None]
)
def test_a_released_line_that_is_not_ready_any_more_is_seen(
    db: Db, after: ClaimLine | None
) -> None:
    releases.release(db, kept(db, ready()), "ada", "biller")
    keep(db, *([after] if after else []))
    assert views(db)["changed"] == 1
    releases.withdraw(db, pair(db), "ada", "biller")
    assert "changed" not in views(db)
    assert bool(listed(db)) is (after is not None)


def test_a_waiver_that_ends_after_the_release_is_seen(db: Db) -> None:
    kept(db, line(), gap())
    releases.release(db, waive(db, gap()), "ada", "biller", "paper record seen")
    keep(db, line(notes=("a note",)), gap())
    assert views(db) == {"released": 1}
    gaps.take_back(db, patients.known(db, "general", "p1"), "g1", "Practitioner/7", "clinician")
    assert views(db) == {"changed": 1}


def test_views_count_each_line_once(db: Db) -> None:
    kept(db, line(), gap())
    assert views(db) == {"held-clinician": 1}
    assert [row.line.id for row in listed(db, "held-clinician")] == ["l1"]
    assert worklist.rows(db, Filters(view="all"), ["elsewhere"], []) == []


# A dose and its discard are one decision


@pytest.mark.parametrize("selected", ["l0", "l1"])
def test_whichever_is_selected_both_are_decided(db: Db, selected: str) -> None:
    keep(db, *dose_and_discard(status="ready", reasons=()))
    (key,) = (row.key for row in listed(db) if row.line_id == selected)

    def decided() -> Pair:
        return releases.to_decide(db, key, ["general"])

    assert [row.line_id for row in decided()] == ["l1", "l0"]
    releases.assign(db, decided(), "maria", "ada", "biller")
    assert [row.owner for row in decided()] == ["maria", "maria"]
    releases.release(db, decided(), "ada", "biller")
    assert views(db) == {"released": 2}
    releases.withdraw(db, decided(), "ada", "biller")
    assert views(db) == {"ready": 2}
    said = db.execute("select action, array_agg(resource order by resource) from audit group by 1")
    both = ["ClaimLine/l0", "ClaimLine/l1"]
    assert dict(said.fetchall()) == {"assigned": both, "released": both, "withdrew": both}


def test_neither_leaves_where_one_may_not(db: Db) -> None:
    dose, left = dose_and_discard(status="ready", reasons=())
    found = kept(db, dose, msgspec.structs.replace(left, status="held", reasons=("ndc",)))
    with (
        pytest.raises(NotReleasable, match="J1756 JW of Nov 1, 2026 is held by ndc"),
        db.transaction(),
    ):
        releases.release(db, found, "ada", "biller")
    assert not any(row.released_at for row in pair(db))


@pytest.mark.parametrize("now", ["more discarded", "a discard appears", "no discard any more"])
def test_what_changes_of_one_is_seen_of_both(db: Db, now: str) -> None:
    dose, left = dose_and_discard(status="ready", reasons=())
    before = [dose] if now == "a discard appears" else [dose, left]
    after = (
        [dose] if now == "no discard any more" else [dose, msgspec.structs.replace(left, units=51)]
    )
    releases.release(db, kept(db, *before), "ada", "biller")
    keep(db, *after)
    assert views(db) == {"changed": 2}
    releases.withdraw(db, pair(db), "ada", "biller")
    assert views(db) == {"ready": len(after)}


@pytest.mark.parametrize("sort", list(worklist.ORDER))
def test_a_pair_stands_together_in_every_order_and_page(
    db: Db, sort: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for number in range(5):
        dose, left = dose_and_discard(status="ready", reasons=())
        identity, worth = f"d{number}", f"{number + 1}.00"
        found.append(msgspec.structs.replace(dose, id=identity, value=worth))
        found.append(
            msgspec.structs.replace(left, id=f"a{number}", value="99.00", discard_of=identity)
        )
    keep(db, *found)
    monkeypatch.setattr(worklist, "PAGE_ROWS", 2)
    pages = [listed(db, "ready", sort=sort, page=page) for page in (1, 2, 3, 4)]
    assert [len(rows) for rows in pages] == [4, 4, 2, 0]
    for rows in pages:
        assert [row.line_id for row in rows[1::2]] == [f"a{row.line_id[1]}" for row in rows[::2]]
    assert worklist.sums(db, Filters(view="ready"), ["general"], []).pairs == 5


# The site's own decision


def left_by_themselves(db: Db) -> list[str]:
    releases.release_untouched(db, patients.known(db, "general", "p1"))
    return sorted(row.line_id for row in listed(db) if row.released_at)


def test_what_is_ready_leaves_by_the_sites_decision_in_pairs(db: Db) -> None:
    keep(db, *dose_and_discard(status="ready", reasons=()), line(id="l3"), gap(lines=("l3",)))
    assert left_by_themselves(db) == ["l0", "l1"]
    assert left_by_themselves(db) == ["l0", "l1"]
    said = db.execute(
        "select distinct actor, role, action, detail ->> 'reason' from audit"
    ).fetchall()
    assert said == [("site general", "site", "released", "ready without a warning (auto_release)")]


@pytest.mark.parametrize("warned", [("l1",), ("l0",)])
def test_a_warned_line_and_its_pair_wait_for_a_person(db: Db, warned: tuple[str, ...]) -> None:
    keep(db, *dose_and_discard(status="ready", reasons=()), gap(blocking=False, lines=warned))
    assert left_by_themselves(db) == []


def test_a_waived_line_waits_for_a_person(db: Db) -> None:
    kept(db, line(), gap())
    waive(db, gap())
    assert left_by_themselves(db) == []


@pytest.mark.parametrize("known_from", ["problem_list_only", "other_encounter_only"])
def test_a_diagnosis_of_no_visit_of_the_dose_waits_for_a_person(db: Db, known_from: str) -> None:
    keep(db, ready(**{known_from: ("N18.4",)}))
    assert left_by_themselves(db) == []


def test_what_changed_after_a_release_or_was_taken_back_waits_for_a_person(db: Db) -> None:
    releases.release(db, kept(db, ready()), "ada", "biller")
    keep(db, ready(units=100))
    left_by_themselves(db)
    assert views(db) == {"changed": 1}
    releases.withdraw(db, pair(db), "ada", "biller")
    assert left_by_themselves(db) == []
