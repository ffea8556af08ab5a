"""What a finding about the dose rests on, in words."""

from tests import builders


def test_a_course_cites_each_of_its_doses_with_its_day() -> None:
    later = builders.administration("ma0", dose="100 mg", on="2026-10-25T09:00:00-04:00")
    first = builders.administration("mb0", dose="500 mg", on="2026-10-19T09:00:00-04:00")
    found = builders.assessed(later, first, builders.administration(dose="500 mg"))
    (requirement,) = [
        requirement
        for requirement in found.requirements
        if requirement.requirement == "dosing"
        and requirement.administrations == ("MedicationAdministration/ma1",)
    ]
    assert [(item.resource.partition("/")[2], item.says) for item in requirement.evidence] == [
        ("ma1", "500 mg"), ("mb0", "500 mg on Oct 19, 2026"), ("ma0", "100 mg on Oct 25, 2026")
    ]  # fmt: skip


def test_a_dose_by_weight_cites_the_weight() -> None:
    child, weight = builders.patient(born="2016-01-01"), builders.lab("weight", 30)
    found = builders.assessed(child, weight, builders.administration(dose="15 mg"))
    (requirement,) = [
        requirement for requirement in found.requirements if requirement.requirement == "dosing"
    ]
    assert [item.says for item in requirement.evidence] == ["15 mg", "weight 30 kg on Oct 12, 2026"]
