"""Thousands of resources of a real shape and without iron give nothing and break nothing."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from benchmarks.synthea.mending import Totals, mend
from integration.bulk import run
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site
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


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Totals]:
    folder = tmp_path_factory.mktemp("synthea")
    totals = mend(synthea.unpack_iron(folder / "raw"), folder / "mended")
    return folder / "mended", totals


def test_a_synthea_population_with_iron_has_known_totals(mended: tuple[Path, Totals]) -> None:
    folder, totals = mended
    assert totals == Totals(patients=3, resources=146, with_iron=2, doses=10, with_ferritin=1)
    zone = "America/New_York"
    as_of = datetime(2026, 11, 23, 23, 59, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    found = run.bulk(
        str(folder),
        folder.parent / "out",
        lambda _: Site(time_zone=zone),
        choosing.built_in(),
        as_of,
        1,
    ).summary
    states = {name: cell.lines for name, cell in found.sums.states.items()}
    assert (found.sums.patients, found.sums.doses) == (totals.with_iron, totals.doses)
    assert states == {"ready": 5, "held": 5}
    assert set(found.sums.tables["cause"]) == {"ferritin"}
    assert found.problems == 0


def test_what_synthea_leaves_out_is_there(mended: tuple[Path, Totals]) -> None:
    """As an EHR exports it: NDC, milligrams, the order, ICD-10-CM, place of service, payer."""
    folder, _ = mended
    rows = {
        path.stem: [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
        for path in folder.glob("*.ndjson")
    }
    assert "Claim" not in rows
    irons = [row for row in rows["MedicationAdministration"] if "request" in row]
    assert len(irons) == 10
    assert irons[0]["dosage"] == {"dose": builders.quantity("200 mg")}
    assert irons[0]["medicationCodeableConcept"]["coding"][1]["code"] == builders.VENOFER_100
    codes = {one["code"] for row in rows["Condition"] for one in row["code"]["coding"]}
    assert {"N18.4", "D50.9", "D63.1"} < codes
    assert {row["payor"][0]["display"] for row in rows["Coverage"]} >= {"Medicare"}
    assert {row["type"][0]["coding"][0]["code"] for row in rows["Location"]} == {"11"}
    visits = [
        stay["location"]["reference"] for row in rows["Encounter"] for stay in row["location"]
    ]
    assert all(name.startswith("Location/") for name in visits)
