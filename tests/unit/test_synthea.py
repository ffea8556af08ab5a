"""Thousands of resources of a real shape and without iron give nothing and break nothing."""

from collections import Counter

import msgspec

from mappings.reading import read
from tests import builders, synthea


def test_charts_without_an_iv_iron_are_left_out() -> None:
    everything = list(synthea.resources())
    assert Counter(row["resourceType"] for row in everything)["MedicationAdministration"] == 512
    document = builders.document_of(everything)
    assert document.patients == ()
    assert document.unreadable == ()


def test_a_dose_among_thousands_of_resources_is_found() -> None:
    owner = next(synthea.resources("Patient"))["id"]
    document = builders.document_of(
        [*synthea.resources(), builders.administration(patient=owner, encounter=None)]
    )
    assert [row.patient for row in document.patients] == [f"Patient/{owner}"]


def test_their_laboratory_results_are_read() -> None:
    records, problems = read(
        [
            *synthea.resources(),
            *(
                builders.administration(str(n), patient=row["id"])
                for n, row in enumerate(synthea.resources("Patient"))
            ),
        ]
    )
    assert problems == []
    assert Counter(row.analyte for record in records for row in record.labs)["ferritin"] > 10
    assert all(
        row.problem is None
        for record in records
        for row in record.labs
        if row.analyte == "ferritin"
    )


def test_a_record_holds_the_places_of_its_own_visits_only() -> None:
    records, _ = read([*builders.chart(), builders.location("22", id="elsewhere")])
    assert [row.source.resource for row in records[0].locations] == ["Location/office"]


def test_iron_given_to_one_of_them_is_billed_like_anyone_elses() -> None:
    alive = (row for row in synthea.resources("Patient") if "deceasedDateTime" not in row)
    owner = next(alive)["id"]
    text = msgspec.json.encode(
        [row for row in builders.chart() if row["resourceType"] != "Patient"]
    )
    dose = msgspec.json.decode(text.replace(b"Patient/p1", f"Patient/{owner}".encode()))
    document = builders.document_of([*synthea.resources(), *dose])
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]
    assert document.unreadable == ()
