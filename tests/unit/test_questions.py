"""What a site can say once is asked once per value, with the doses that wait; test patients stay
out of the worklist."""

from typing import Any

import pytest

from mappings.assessment import Question
from mappings.values.stated import only
from tests import builders

ODD = {"system": "urn:oid:2.999", "code": "6", "display": "Discharge"}


def of(patient: str, klass: dict[str, Any]) -> list[builders.Resource]:
    resources = builders.chart(builders.encounter() | {"class": klass})
    for resource in resources:
        owner = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
        owner = "beneficiary" if resource["resourceType"] == "Coverage" else owner
        if resource["resourceType"] == "Patient":
            resource["id"] = patient
        elif resource["resourceType"] != "Location":
            resource[owner] = {"reference": f"Patient/{patient}"}
            resource["id"] += patient
        if resource["resourceType"] == "MedicationAdministration":
            resource["context"] = {"reference": f"Encounter/encounter{patient}"}
            resource["request"] = {"reference": f"MedicationRequest/order{patient}"}
    return resources


def test_a_class_in_no_table_is_asked_once_for_all_patients() -> None:
    found = builders.document_of([*of("a", ODD), *of("b", ODD)])
    asked = Question("encounter_classes", "Encounter.class", "urn:oid:2.999|6", "6 Discharge", 2)
    assert found.questions == (asked,)
    assert [patient.questions[0].doses for patient in found.patients] == [1, 1]


def test_a_word_of_a_status_is_asked() -> None:
    found = builders.assessed(builders.condition("N18.4", clinical="completed"))
    assert found.questions == (
        Question("status_words", "Condition.clinicalStatus", "completed", "completed", 1),
    )


def test_a_payer_that_nobody_knows_is_asked() -> None:
    found = builders.assessed(builders.coverage(None, "Prairie Mutual"))
    assert found.questions == (
        Question("payer_aliases", "Coverage.payor", "Prairie Mutual", "Prairie Mutual", 1),
    )


def test_nothing_is_asked_where_all_is_understood() -> None:
    assert builders.assessed().questions == ()


@pytest.mark.parametrize("place", ["security", "tag"])
@pytest.mark.parametrize(
    ("mark", "is_one"),
    [
        ({"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}, True),
        ({"system": "urn:oid:2.999", "code": "T", "display": "Test patient"}, True),
        (
            {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"},
            False,
        ),
    ],
)
def test_a_test_patient_is_told_by_its_marks(
    place: str, mark: dict[str, str], is_one: bool
) -> None:
    found = builders.assessed(builders.patient(meta={place: [mark]}))
    assert found.test_patient is is_one
    assert builders.shown(found) == ["J1756 JZ × 200 ready"]


def test_of_several_none_is_guessed() -> None:
    assert [only(said) for said in ([], {"a"}, ["a", "b"])] == [None, "a", None]
