"""Thousands of resources of a real shape and without iron give nothing and break nothing."""

from collections import Counter

import msgspec

from mappings.reading import read
from tests import builders, synthea


def test_charts_without_an_iv_iron_are_left_out() -> None:
    everything = list(synthea.resources())
    assert (
        Counter(resource["resourceType"] for resource in everything)["MedicationAdministration"]
        == 512
    )
    document = builders.document_of(everything)
    assert document.patients == ()
    assert document.unreadable == ()


def test_a_dose_among_thousands_of_resources_is_found() -> None:
    owner = next(synthea.resources("Patient"))["id"]
    document = builders.document_of(
        [*synthea.resources(), builders.administration(patient=owner, encounter=None)]
    )
    assert [patient.patient for patient in document.patients] == [f"Patient/{owner}"]


def test_their_laboratory_results_are_read() -> None:
    records, problems = read(
        [
            *synthea.resources(),
            *(
                builders.administration(str(n), patient=resource["id"])
                for n, resource in enumerate(synthea.resources("Patient"))
            ),
        ]
    )
    assert problems == []
    assert Counter(result.analyte for record in records for result in record.labs)["ferritin"] > 10
    assert all(
        result.problem is None
        for record in records
        for result in record.labs
        if result.analyte == "ferritin"
    )


def test_a_record_holds_the_places_of_its_own_visits_only() -> None:
    records, _ = read([*builders.chart(), builders.location("22", id="elsewhere")])
    assert [location.source.resource for location in records[0].locations] == ["Location/office"]


def test_iron_given_to_one_of_them_is_billed_like_anyone_elses() -> None:
    alive = (
        resource for resource in synthea.resources("Patient") if "deceasedDateTime" not in resource
    )
    owner = next(alive)["id"]
    text = msgspec.json.encode(
        [resource for resource in builders.chart() if resource["resourceType"] != "Patient"]
    )
    dose = msgspec.json.decode(text.replace(b"Patient/p1", f"Patient/{owner}".encode()))
    document = builders.document_of([*synthea.resources(), *dose])
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]
    assert document.unreadable == ()
