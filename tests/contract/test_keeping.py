"""What goes into the store, and what is asked of the site over all that is there."""

import pytest

from integration.assessing.keeping import keep
from integration.assessing.patient import check_pull
from integration.configuration.site import Site
from integration.ehr.reading.patient import PatientPull
from integration.store import Store, assessments, patients
from mappings.assessment import Question
from mappings.policy import choosing
from tests import builders

HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}
ODD = {"system": "urn:oid:2.999", "code": "6", "display": "Discharge"}


def kept(store: Store, *changes: builders.Resource, test_patients: bool = False) -> int:
    """How many lines the store has of the patient."""
    site = Site(name="general", base_url="https://ehr.example/fhir", test_patients=test_patients)
    pull = PatientPull("Patient/p1", builders.chart(*changes), [], 0)
    checked = check_pull(pull, site, choosing.built_in(), builders.AS_OF)
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        keep(db, site, patient, checked, pull, builders.AS_OF, "test")
        found = db.execute("select count(*) from lines where gone_at is null").fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize("mark", [{"security": [HTEST]}, {"tag": [HTEST]}])
def test_a_test_patient_reaches_no_worklist(store: Store, mark: dict[str, object]) -> None:
    assert kept(store, builders.patient(meta=mark)) == 0
    assert kept(store, builders.patient(meta=mark), test_patients=True) == 1


def test_a_patient_who_is_marked_later_leaves_it(store: Store) -> None:
    assert kept(store) == 1
    assert kept(store, builders.patient(meta={"security": [HTEST]})) == 0


def test_what_no_assessment_understands_is_asked_once(store: Store) -> None:
    kept(store, builders.encounter() | {"class": ODD})
    with store.transaction() as db:
        assert assessments.questions(db, "general") == [
            Question("encounter_classes", "Encounter.class", "urn:oid:2.999|6", "6 Discharge", 1)
        ]
        assert assessments.questions(db, "another") == []


@pytest.mark.parametrize(
    ("individual", "more", "provider"),
    [
        ({"reference": "Practitioner/dr", "display": "Dr. Nine"}, [], "Dr. Nine"),
        ({"reference": "Practitioner/dr"}, [], "Practitioner/dr"),
        (
            {"reference": "Practitioner/dr"},
            [
                {
                    "resourceType": "Practitioner",
                    "id": "dr",
                    "name": [{"family": "Nine", "given": ["Nora"]}],
                    "identifier": [
                        {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}
                    ],
                }
            ],
            "Nine, Nora",
        ),
    ],
)
def test_each_line_has_the_provider_whom_its_claim_would_name(
    store: Store,
    individual: dict[str, str],
    more: list[builders.Resource],
    provider: str,
) -> None:
    attended = {"type": [{"coding": [{"code": "ATND"}]}], "individual": individual}
    kept(store, builders.encounter() | {"participant": [attended]}, *more)
    with store.transaction() as db:
        assert db.execute("select distinct provider from lines").fetchall() == [(provider,)]
