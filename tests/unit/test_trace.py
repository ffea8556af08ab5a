"""A line's chain names its evidence with versions, its arithmetic, and each rule with its source
and dates."""

from datetime import date, datetime

import pytest
from msgspec import UNSET, structs

from mappings.assess import assess
from mappings.assessment import Evidence, Step
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Place, Site
from tests import builders
from tests.builders import administration, assessed, chart, condition, document_of, location


def steps(rule: str, *changes: dict[str, object], modifier: str | None = None) -> list[Step]:
    lines = assessed(*changes).lines
    line = next(line for line in lines if modifier is None or modifier in line.modifiers)
    return [step for step in line.trace if step.rule == rule]


def test_nobody_has_to_ask_for_the_chains() -> None:
    billed = Site(bill_services=True)
    (record,), _ = read(chart(administration(dose="150 mg", discarded="50 mg")), billed)
    traced, bare = (
        assess(record, choosing.built_in(), builders.AS_OF, billed, trace=asked)
        for asked in (True, False)
    )
    assert [line.code for line in traced.lines] == ["96374", "J1756", "J1756"]
    assert [line.trace for line in bare.lines] == [()] * len(traced.lines)
    lines = tuple(structs.replace(line, chain=UNSET) for line in traced.lines)
    assert structs.replace(traced, lines=lines) == bare


def test_the_product_cites_the_version_and_dates_its_code() -> None:
    (step,) = steps("R2", administration(version="3"))
    assert step.says == "iron sucrose → J1756, 1 mg per unit"
    assert step.evidence == (Evidence("MedicationAdministration/ma1", "3", "Venofer"),)
    assert (step.source, step.start, step.end) == (
        "CMS HCPCS alpha-numeric file, October 2020; Venofer label",
        date(2003, 1, 1),
        None,
    )


@pytest.mark.parametrize(
    ("dose", "says"),
    [
        ("200 mg", "200 mg"),
        ("0.2 g", "0.2 g = 200 mg"),
        ("10 mL", "10 mL × 20 mg/mL = 200 mg"),
        ("0.01 L", "0.01 L × 20 mg/mL = 200 mg"),
        ("2 vial", "2 vial = 200 mg by NDC"),
    ],
)
def test_a_dose_shows_its_arithmetic(dose: str, says: str) -> None:
    assert [step.says for step in steps("R3", administration(dose=dose))] == [says]


def test_doses_of_one_line_are_summed_in_writing() -> None:
    second = administration("ma2", dose="100 mg", on="2026-11-01T09:30:00-05:00")
    (step,) = steps("R4", administration(dose="100 mg"), second)
    assert step.says == "100 + 100 = 200 mg; 200 mg ÷ 1 mg per unit, rounded up = 200 units"


def test_the_discarded_line_shows_label_units_less_given() -> None:
    waste = administration(dose="150 mg", discarded="50 mg")
    says = [step.says for step in steps("R5", waste, modifier="JW")]
    assert "200 mg in the containers = 200 label units − 150 given = 50 discarded" in says
    (jw,) = [step for step in steps("R5", waste, modifier="JW") if step.says == "modifier JW"]
    assert jw.start == date(2017, 1, 1)


def test_the_container_cites_its_row() -> None:
    found = next(step for step in steps("R5") if step.says.startswith("NDC"))
    assert (found.says, found.verified) == ("NDC 00517234010: 100 mg in 5 mL", True)
    assert found.source


def test_diagnoses_and_payer_cite_their_resources() -> None:
    (diagnoses,) = steps("R9")
    assert [evidence.resource for evidence in diagnoses.evidence] == [
        "Condition/condition-N18-4",
        "Condition/condition-D63-1",
        "Condition/condition-D50-9",
    ]
    assert steps("R10a")[0].evidence[0].resource == "Coverage/coverage"


def test_the_value_is_shown_with_its_quarter() -> None:
    found = [step for step in steps("R11") if "payment limit" in step.says]
    assert [step.says for step in found] == [
        "200 units × $0.223 = $44.60 (payment limit of 2026Q2, the latest known)"
    ]


def test_the_last_step_is_the_outcome() -> None:
    assert assessed().lines[0].trace[-1].says == "ready: nothing is missing"
    held = document_of(chart(without=["tsat"])).patients[0].lines[0]
    assert held.trace[-1].says == "held by transferrin saturation"
    inpatient = assessed(builders.encounter(klass="IMP")).lines[0]
    assert inpatient.trace[-1].says == "not billable: inpatient"


@pytest.mark.parametrize(
    ("day", "start", "verified"),
    [
        ("2026-03-10", date(2020, 1, 1), True),
        ("2026-06-30", date(2020, 1, 1), True),
        ("2026-07-01", date(2020, 1, 1), False),
    ],
)
def test_the_opps_status_is_that_of_the_day_and_carried_forward_it_is_not_verified(
    day: str, start: date, verified: bool
) -> None:
    hospital = (location("22"), administration(on=f"{day}T09:00:00-05:00"))
    (step,) = steps("R11", *hospital)[:-1]
    assert step.says == "packaged: the hospital is paid for the drug with the visit (OPPS status N)"
    assert (step.start, step.verified) == (start, verified)
    assert step.source


def test_a_drug_that_the_hospital_is_paid_for_apart_cites_its_status() -> None:
    injectafer = administration(
        dose="750 mg",
        text="Injectafer",
        ndc=builders.INJECTAFER_750,
        on="2026-05-01T09:00:00-05:00",
    )
    step, *_ = steps("R11", injectafer, location("22"))
    assert (step.says, step.verified) == ("paid separately (OPPS status K)", True)
    assert step.start


def test_elsewhere_the_policy_says_how_the_drug_is_paid() -> None:
    step, *_ = steps("R11")
    assert step.says == "paid separately"
    assert step.source
    assert step.source.startswith("NCD 110.10")
    dialysis = (location("65"), condition("N18.6"), condition("N18.4", clinical="inactive"))
    bundled, _ = steps("R11", *dialysis)
    assert bundled.says == "bundled: paid with the dialysis treatment"
    assert bundled.source
    (kidney,) = steps("R8", *dialysis)
    assert (kidney.says, kidney.verified) == ("end-stage renal disease on dialysis", False)
    assert kidney.source


def test_without_a_payer_nobody_says_how_the_drug_is_paid() -> None:
    line = document_of(chart(without=["coverage"])).patients[0].lines[0]
    found = [step for step in line.trace if step.says == "paid separately"]
    assert [step.source for step in found] == [None]


def test_the_modifier_of_an_off_campus_department_cites_its_row() -> None:
    site = Site(places={"office": Place(pos="19", off_campus="PO")})
    trace = assessed(location("19"), site=site).lines[0].trace
    (step,) = [step for step in trace if step.says == "modifier PO"]
    assert (step.rule, step.start, step.verified) == ("R6", date(2016, 1, 1), True)
    assert step.source


def test_a_diagnosis_that_the_map_gave_says_so() -> None:
    """721000119107 is mapped by us, 87522002 as published."""
    found = assessed(
        condition("721000119107"), condition("87522002"), without=["ckd", "iron-deficiency"]
    )
    (step,) = [step for step in found.lines[0].trace if step.rule == "R9"]
    assert step.says == "diagnoses E11.22, N18.4, D63.1, D50.9"
    assert (
        step.source
        == "ICD-10-CM (CDC/NCHS); SNOMED CT map: public code sets, 2026-11; mapping ours;"
        " SNOMED CT map: several public value sets"
    )
    assert step.verified is False
    assert [evidence.says for evidence in step.evidence] == [
        "SNOMED CT 721000119107 → E11.22 (map not verified)",
        "SNOMED CT 721000119107 → N18.4 (map not verified)",
        "D63.1",
        "SNOMED CT 87522002 → D50.9",
    ]
    (ckd,) = [
        requirement
        for requirement in found.requirements
        if requirement.requirement == "ckd-diagnosis"
    ]
    assert [evidence.says for evidence in ckd.evidence] == [
        "SNOMED CT 721000119107 → N18.4 (map not verified)"
    ]
    assert ckd.value == "N18.4"


def test_a_verified_map_leaves_the_step_verified() -> None:
    (step,) = [
        step
        for step in assessed(condition("87522002"), without=["iron-deficiency"]).lines[0].trace
        if step.rule == "R9"
    ]
    assert step.verified is True


def test_the_dialysis_cites_what_the_map_gave() -> None:
    """46177005 is end-stage renal disease."""
    trace = assessed(condition("46177005"), location("65"), without=["ckd"]).lines[0].trace
    (step,) = [step for step in trace if step.rule == "R8"]
    assert any("46177005 → N18.6" in evidence.says for evidence in step.evidence)


def test_laboratory_evidence_cites_its_version_usable_or_not() -> None:
    found = assessed(
        builders.ferritin(meta={"versionId": "7"}),
        builders.tsat(unit=None, meta={"versionId": "8"}),
        without=["ferritin", "tsat"],
    )
    versions = {
        requirement.requirement: [item.version for item in requirement.evidence]
        for requirement in found.requirements
    }
    assert (versions["ferritin"], versions["transferrin-saturation"]) == (["7"], ["8"])


def test_kidney_evidence_cites_its_versions() -> None:
    esrd = condition("N18.6", meta={"versionId": "3"})
    treatment = builders.dialysis(meta={"versionId": "4"})
    gap = next(
        gap
        for gap in assessed(esrd, treatment, without=["ckd"]).gaps
        if gap.requirement == "esrd-consolidated-billing"
    )
    assert sorted((evidence.resource, evidence.version) for evidence in gap.evidence) == [
        ("Condition/condition-N18-6", "3"),
        ("Procedure/dialysis", "4"),
    ]


def test_a_line_cites_what_it_rests_on_and_nothing_that_is_open() -> None:
    cited = {evidence.resource for evidence in assessed().lines[0].evidence}
    assert cited == {
        "MedicationAdministration/ma1",
        "Coverage/coverage",
        "Condition/condition-N18-4",
        "Condition/condition-D50-9",
        "MedicationRequest/order",
        "Observation/ferritin-2026-10-12",
        "Observation/tsat-2026-10-12",
    }
    beyond = assessed(
        builders.commercial(), builders.note(), builders.authorization(), builders.ferritin(501)
    ).lines[0]
    assert "Observation/ferritin-2026-10-12" not in {
        evidence.resource for evidence in beyond.evidence
    }


def test_a_modifier_cites_the_row_that_asks_for_it_there() -> None:
    """Two rows have TB on that day; a critical access hospital reports it by the second."""
    hospital = Site(places={"office": Place(pos="22", bill_type="85X")})
    given = administration(r340b=True, on="2024-12-01")
    as_of = datetime.fromisoformat("2024-12-31T12:00:00-05:00")
    (line,) = assessed(location("22"), given, as_of=as_of, site=hospital).lines
    assert "TB" in line.modifiers
    (step,) = (step for step in line.trace if step.says == "modifier TB")
    assert step.start == date(2024, 1, 1)
    assert step.source == "essentialhospitals.org 2023-03-21; Forvis Mazars 2023-01"
