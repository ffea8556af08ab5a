"""R9: how many diagnoses, and in which sequence, for any that stand on the day."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import codes
from mappings.circumstances.diagnoses import Stated, began_by, doubtful_on
from mappings.circumstances.sequence import sequence
from mappings.record import Diagnosis, Source
from mappings.values import moment
from mappings.values.stated import Unread

DAY = date(2026, 11, 1)
BILLABLE = codes.diagnoses().billable_on(DAY)
GROUPS = ["aki", "ckd-cause", "ckd", "anemia-in-ckd", "iron-deficiency-anemia", "dialysis"]
RANK = {code: rank for rank, group in enumerate(GROUPS) for code in codes.diagnoses().group(group)}


def stated(code: str, of_encounter: bool = False) -> Stated:
    by = Diagnosis(source=Source(f"Condition/{code}"), icd10=(code,))
    return Stated(code, by, of_encounter, code in BILLABLE)


found_codes = st.lists(
    st.tuples(st.sampled_from([*sorted(RANK), "N18", "N18.3", "M54.5", "Z94.0"]), st.booleans()),
    max_size=25,
)


@given(found_codes)
def test_whatever_stands_on_the_day(found: list[tuple[str, bool]]) -> None:
    made = sequence([stated(*row) for row in found], "ckd-first")
    assert len(made.codes) <= 12
    assert len(set(made.codes)) == len(made.codes)
    assert set(made.codes) <= {code for code, _ in found}
    assert all(code in BILLABLE for code in made.codes)
    assert sum(code.startswith("N18") for code in made.codes) <= 1
    assert made.codes[:1] != ("D63.1",)
    assert set(made.problem_list_only) == {code for code in made.codes if (code, True) not in found}
    if any(code.startswith(("N17", "N18", "I12", "I13", "E")) for code in made.codes):
        assert [RANK[code] for code in made.codes] == sorted(RANK[code] for code in made.codes)


@given(found_codes)
def test_the_order_of_the_record_does_not_matter(found: list[tuple[str, bool]]) -> None:
    rows = [stated(*row) for row in dict(found).items()]
    assert sequence(rows, "ckd-first").codes == sequence(rows[::-1], "ckd-first").codes


@pytest.mark.parametrize(
    ("code", "day", "billable"),
    [
        ("N18.3", date(2020, 9, 30), True), ("N18.3", date(2020, 10, 1), False),
        ("N18.30", date(2020, 9, 30), False), ("N18.30", date(2020, 10, 1), True),
        ("N18", DAY, False), ("D50", DAY, False), ("N18.9", DAY, True), ("Z99.2", DAY, True),
    ],
)  # fmt: skip
def test_codes_are_billable_by_date(code: str, day: date, billable: bool) -> None:
    assert (code in codes.diagnoses().billable_on(day)) is billable


@pytest.mark.parametrize(
    ("onset", "abatement", "zone", "stands"),
    [
        (None, None, None, True),
        ("2026-11-01", None, None, True), ("2026-11-02", None, None, False),
        ("2026", None, None, True), ("2026-11", "2026-11", None, True),
        (None, "2026-11-01", None, True), (None, "2026-10-31", None, False),
        # 05:00Z is midnight in New York and the evening before in Chicago.
        ("2026-11-02T05:00:00Z", None, "America/New_York", False),
        ("2026-11-02T05:00:00Z", None, "America/Chicago", True),
        ("2026-11-02T05:00:00Z", None, None, True),
        (None, "2026-11-01T04:30:00Z", "America/New_York", True),
        (None, "2026-11-01T04:30:00Z", "America/Chicago", False),
        (None, "2026-11-01T04:30:00Z", None, True),
    ],
)  # fmt: skip
def test_a_diagnosis_of_unread_status_is_in_doubt_on_the_days_it_may_stand(
    onset: str | None, abatement: str | None, zone: str | None, stands: bool
) -> None:
    diagnosis = Diagnosis(
        source=Source("Condition/a"),
        icd10=("N18.4",),
        unread=Unread("Condition.clinicalStatus", "odd"),
        onset=moment.parse(onset),
        abatement=moment.parse(abatement),
    )
    assert doubtful_on(diagnosis, DAY, ZoneInfo(zone) if zone else None) is stands


def test_a_diagnosis_of_understood_status_is_in_no_doubt() -> None:
    assert not doubtful_on(Diagnosis(source=Source("Condition/a")), DAY, None)


@pytest.mark.parametrize(
    ("onset", "stands", "begun"),
    [
        (None, True, True), ("2026-11-01", True, True), ("2026-11-02", True, False),
        ("2026-11", True, True), ("2026-10-31", False, False),
        ("2026-11-02T04:00:00Z", True, True),
    ],
)  # fmt: skip
def test_a_diagnosis_has_begun_by_the_day_that_its_onset_may_be(
    onset: str | None, stands: bool, begun: bool
) -> None:
    diagnosis = Diagnosis(
        source=Source("Condition/a"), stands=stands, onset=moment.parse(onset), resolved=True
    )
    assert began_by(diagnosis, DAY, None) is begun
