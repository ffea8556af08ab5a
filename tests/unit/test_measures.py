"""Numbers of a patient that conditions of a policy compare: age, weeks of a pregnancy, ejection
fraction, NYHA class; read from FHIR, and never guessed."""

from typing import Any

import pytest
from msgspec import structs

from mappings.assessment import Finding
from mappings.policy import choosing, conditions
from mappings.policy.choosing import LabRule, OralIronRule, PolicySet
from mappings.policy.measures import MEASURES
from mappings.policy.rules import PersonNote, Trial
from mappings.policy.unasked import unasked
from tests import builders
from tests.builders import SNOMED, coding, condition, lab, oral_iron, patient

PREGNANT = lab(
    "82810-3", id="pregnancy", valueCodeableConcept={"coding": [coding(SNOMED, "77386006")]}
)
NOT_PREGNANT = lab(
    "82810-3", id="pregnancy", valueCodeableConcept={"coding": [coding(SNOMED, "60001007")]}
)
EF = "10230-1"
NYHA = "88020-3"
AGE = "18185-9"
DUE = "11778-8"


def found(
    requirement: str, changes: dict[str, Any], *more: builders.Resource, **of: Any
) -> Finding:
    part_b = choosing.built_in().get("medicare-part-b")
    assert part_b
    changed = structs.replace(part_b.requirements, **changes)
    policies = PolicySet([structs.replace(part_b, requirements=changed)])
    (of_patient,) = builders.document_of(builders.chart(*more, **of), policies=policies).patients
    return next(row for row in of_patient.requirements if row.requirement == requirement)


def state(limit: str, *changes: builders.Resource) -> str:
    """Of a ferritin of 42, which is within the limit, beside another one."""
    rule = LabRule(limit=f"ferritin < 100 and {limit}", units={"ferritin": "ng/mL"}, window_days=90)
    return found("ferritin", {"laboratory": (rule,)}, *changes).state


MET, FAILED, UNKNOWN = "met", "not-covered", "incomplete"


@pytest.mark.parametrize(
    ("born", "limit", "expected"),
    [
        ("2008-11-01", "age >= 18", MET),
        ("2008-11-02", "age >= 18", FAILED),
        ("2008", "age >= 18", UNKNOWN),
        ("2008", "not child", UNKNOWN),
        ("2007", "not child", MET),
        ("2021-12", "age < 5", MET),
        (None, "age >= 18", UNKNOWN),
    ],
)
def test_the_age(born: str | None, limit: str, expected: str) -> None:
    assert state(limit, patient(born=born)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "limit", "expected"),
    [
        ([lab(DUE, valueDateTime="2027-03-21")], "weeks_pregnant >= 20", MET),
        ([lab(DUE, valueDateTime="2027-03-22")], "weeks_pregnant >= 20", FAILED),
        ([lab(DUE, valueDateTime="2027-03")], "weeks_pregnant >= 20", UNKNOWN),
        ([lab(DUE, valueDateTime="2026-09-01")], "weeks_pregnant >= 20", UNKNOWN),
        ([lab(AGE, 17, unit="wk", on="2026-10-11")], "weeks_pregnant >= 20", MET),
        ([lab(AGE, 118, unit="d", on="2026-10-11")], "weeks_pregnant >= 20", FAILED),
        ([lab(AGE, 17, unit="mo", on="2026-10-11")], "weeks_pregnant >= 20", UNKNOWN),
        ([lab(AGE, 17, unit="wk", on="2025-10-11")], "weeks_pregnant >= 20", UNKNOWN),
        (
            [lab(AGE, 13, unit="wk", on="2026-11-01"), lab(DUE, valueDateTime="2027-03-21")],
            "weeks_pregnant >= 20",
            UNKNOWN,
        ),
        (
            [lab(AGE, 12, unit="wk", comparator=">"), lab(DUE, valueDateTime="2027-03-21")],
            "weeks_pregnant >= 20",
            UNKNOWN,
        ),
        (
            [
                lab(DUE, valueDateTime="2027-03-21", id="one"),
                lab("11779-6", valueDateTime="2027-04-01", id="two"),
            ],
            "weeks_pregnant >= 20",
            UNKNOWN,
        ),
        ([condition("Z3A.20", encounter="encounter", category=None)], "weeks_pregnant >= 20", MET),
        (
            [condition("Z3A.19", encounter="encounter", category=None)],
            "weeks_pregnant >= 20",
            FAILED,
        ),
        ([condition("Z3A.19", recordedDate="2026-10-20")], "weeks_pregnant >= 20", MET),
        ([condition("Z3A.19")], "weeks_pregnant >= 20", UNKNOWN),
        (
            [condition("Z3A.00", encounter="encounter", category=None)],
            "weeks_pregnant >= 1",
            UNKNOWN,
        ),
        ([], "weeks_pregnant >= 20", UNKNOWN),
    ],
)
def test_the_weeks_of_a_pregnancy(
    changes: list[builders.Resource], limit: str, expected: str
) -> None:
    assert state(limit, PREGNANT, *changes) == expected


def test_without_a_pregnancy_there_are_none() -> None:
    due = lab(DUE, valueDateTime="2027-03-01")
    assert state("weeks_pregnant >= 20", NOT_PREGNANT, due) == UNKNOWN


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([lab(DUE, valueDateTime="2027-03-01")], UNKNOWN),
        ([lab(DUE, valueDateTime="soon")], UNKNOWN),
        ([lab(DUE, valueDateTime="2026-06-01")], MET),
        ([lab(AGE, 12, unit="wk")], UNKNOWN),
        ([], MET),
    ],
)
def test_a_due_date_alone_leaves_a_pregnancy_open(
    changes: list[builders.Resource], expected: str
) -> None:
    assert state("not pregnant", *changes) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lab(EF, 44, unit="%"), MET),
        (lab(EF, 45, unit="%"), FAILED),
        (lab(EF, "0.44", unit="1"), MET),
        (lab(EF, 44, unit="%", comparator="<"), MET),
        (lab(EF, 40, unit="%", comparator=">"), UNKNOWN),
        (lab(EF, valueString="35-40 %"), MET),
        (lab(EF, valueString="mildly reduced"), UNKNOWN),
        (lab(EF, 44, unit="%", on="2025-10-31"), UNKNOWN),
        (lab(EF, 44, unit="%", on="2026-11-02"), UNKNOWN),
        (lab(EF, 44, unit="%", status="entered-in-error"), UNKNOWN),
        (lab("8818-7", 30, unit="%"), UNKNOWN),
    ],
)
def test_the_ejection_fraction(result: builders.Resource, expected: str) -> None:
    assert state("lvef < 45", result) == expected


def test_a_newer_one_that_can_t_be_read_leaves_it_open() -> None:
    older, newer = lab(EF, 40, unit="%"), lab(EF, valueString="see report", on="2026-10-20")
    assert state("lvef < 45", older, newer) == MET
    newer = lab(EF, valueString="mildly reduced", on="2026-10-20")
    assert state("lvef < 45", older, newer) == UNKNOWN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"valueCodeableConcept": {"coding": [coding(SNOMED, "421704003")]}}, MET),
        ({"valueCodeableConcept": {"coding": [coding(SNOMED, "420300004")]}}, FAILED),
        ({"valueCodeableConcept": {"coding": [coding(SNOMED, "422293003")]}}, FAILED),
        ({"valueCodeableConcept": {"text": "NYHA Class III"}}, MET),
        ({"valueString": "Class II"}, MET),
        ({"valueString": "Class II to III"}, UNKNOWN),
        (
            {
                "valueCodeableConcept": {
                    "coding": [coding(SNOMED, "421704003")],
                    "text": "Class III",
                }
            },
            UNKNOWN,
        ),
        ({"valueInteger": 2}, UNKNOWN),
    ],
)
def test_the_nyha_class(answer: dict[str, Any], expected: str) -> None:
    assert state("nyha >= 2 and nyha <= 3", lab(NYHA, **answer)) == expected


def test_what_is_not_known_is_told_with_what_to_record() -> None:
    rule = LabRule(
        limit="ferritin < 100 and lvef < 45", units={"ferritin": "ng/mL"}, window_days=90
    )
    gap = found("ferritin", {"laboratory": (rule,)})
    assert gap.says
    assert gap.says.endswith(
        "(ferritin below 100 ng/mL and ejection fraction below 45%): ejection fraction is not on"
        " record, or can't be read."
    )
    assert gap.fix == MEASURES["lvef"].fix


def test_what_it_rests_on_is_evidence() -> None:
    rule = LabRule(
        limit="ferritin < 100 and lvef < 45", units={"ferritin": "ng/mL"}, window_days=90
    )
    met = found("ferritin", {"laboratory": (rule,)}, lab(EF, 40, unit="%", id="echo"))
    assert [one.resource for one in met.evidence] == [
        "Observation/ferritin-2026-10-12", "Observation/echo",
    ]  # fmt: skip


DUE_SOON = lab(DUE, valueDateTime="2027-03-01")


@pytest.mark.parametrize(
    ("changes", "trial_days", "expected"),
    [
        ([PREGNANT], 90, "met"),
        ([NOT_PREGNANT], 90, "incomplete"),
        ([DUE_SOON], 90, "incomplete"),
        ([DUE_SOON], None, "met"),
        ([NOT_PREGNANT], None, "met"),
    ],
)
def test_another_length_of_the_trial_for_some(
    changes: list[builders.Resource], trial_days: int | None, expected: str
) -> None:
    rule = OralIronRule(trial_days=trial_days, other_trials=(Trial(when="pregnant", days=28),))
    course = oral_iron("2026-09-01", "2026-09-30")
    of = found(
        "oral-iron-history", {"oral_iron_history": rule}, course, *changes, without=["intolerance"]
    )
    assert of.state == expected


def test_the_other_length_is_asked_where_it_may_be_meant() -> None:
    rule = OralIronRule(other_trials=(Trial(when="pregnant", days=28),))
    course = oral_iron("2026-09-01", "2026-09-10")
    of = found(
        "oral-iron-history", {"oral_iron_history": rule}, course, DUE_SOON, without=["intolerance"]
    )
    assert of.state == "incomplete"
    assert of.says
    assert of.says.endswith("the payer asks for 28.")


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("ferritin < 100 and lvef < 0.45", "lvef is the newest left ventricular ejection fraction"),
        ("ferritin < 100 and nyha < 5", "nyha is the newest NYHA class"),
        ("ferritin < 100 and age < 5 and age > 5", "no age fits, so this never holds"),
        ("age < 18", "a limit compares a laboratory value"),
    ],
)
def test_a_limit_that_is_none(limit: str, said: str) -> None:
    text = f"""\
id: sunrise
version: "1"
title: Sunrise
for: {{kinds: [commercial], payers: [sunrise]}}
source: ours
verified: false
requirements:
  laboratory:
    - {{limit: {limit}, units: {{ferritin: ng/mL}}, window_days: 60}}
"""
    with pytest.raises(ValueError, match=f"sunrise.yaml:9: {said}"):
        choosing.read(text, "sunrise.yaml")


@pytest.mark.parametrize(
    ("whens", "who"),
    [
        (["age >= 18", "age < 18"], None),
        (["age > 18", "age < 18"], "age 18"),
        (["age >= 18", "age < 18 and ckd"], "not ckd and age 17.5"),
    ],
)
def test_whom_no_row_is_about(whens: list[str], who: str | None) -> None:
    part_b = choosing.built_in().get("medicare-part-b")
    assert part_b
    rows = tuple(LabRule(when=when, on_record=("tsat",), window_days=90) for when in whens)
    changed = structs.replace(part_b.requirements, laboratory=rows)
    assert unasked(structs.replace(part_b, requirements=changed)) == who


def test_each_can_be_compared() -> None:
    assert set(conditions.COMPARED) == {"ferritin", "tsat", "hb", *MEASURES}


SHOWN = (lab(EF, 40, unit="%"), lab(NYHA, valueString="Class II"))


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ([], "J1756", False),
        ([condition("I50.22")], "J1756", True),
        ([condition("I50.22")], "J1439", False),
        ([condition("I50.22"), *SHOWN], "J1756", False),
        ([condition("I50.22"), SHOWN[0]], "J1756", True),
    ],
)
def test_what_can_t_be_judged_is_said_to_a_person(
    changes: list[builders.Resource], code: str, said: bool
) -> None:
    note = PersonNote(
        says="in heart failure a class",
        when="heart_failure and not (lvef < 45 and nyha >= 2 and nyha <= 3)",
        codes=(code,),
        source="MP-12",
    )
    part_b = choosing.built_in().get("medicare-part-b")
    assert part_b
    policies = PolicySet([structs.replace(part_b, notes=(note,))])
    (of_patient,) = builders.document_of(builders.chart(*changes), policies=policies).patients
    (line,) = of_patient.lines
    assert ("for a person to look at: in heart failure a class (MP-12)" in line.notes) is said
    assert line.status == "ready"
