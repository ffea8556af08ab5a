"""The main job, end to end: a chart in a real HAPI server becomes lines, and what is missing a
DetectedIssue that closes by itself."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from integration import samples
from tests import builders

FHIR_JSON = {
    "Content-Type": "application/fhir+json",
    "Accept": "application/fhir+json",
    "Cache-Control": "no-cache",
}
_encoder = msgspec.json.Encoder(decimal_format="number")


def ferroclaim(*arguments: str, expect: int = 0) -> str:
    """The command as its user runs it."""
    command = [str(Path(sys.executable).with_name("ferroclaim")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == expect, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


class Chart:
    """One patient's chart in HAPI, under ids that no other test has."""

    def __init__(
        self, base: str, fresh: Callable[[str], str], resources: list[dict[str, Any]]
    ) -> None:
        self.base, self.fresh = base, fresh
        self.patient = fresh(builders.PATIENT)
        text = _encoder.encode(resources).decode()
        for resource in resources:
            text = text.replace(f'"id":"{resource["id"]}"', f'"id":"{fresh(resource["id"])}"')
            text = text.replace(
                f'"{resource["resourceType"]}/{resource["id"]}"',
                f'"{resource["resourceType"]}/{fresh(resource["id"])}"',
            )
        self.put(*json.loads(text))

    def put(self, *resources: dict[str, Any]) -> None:
        bundle = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": resource,
                    "request": {
                        "method": "PUT",
                        "url": f"{resource['resourceType']}/{resource['id']}",
                    },
                }
                for resource in resources
            ],
        }
        answer = requests.post(self.base, data=json.dumps(bundle), headers=FHIR_JSON, timeout=60)
        assert answer.status_code == 200, answer.text

    def get(self, kind: str, name: str) -> Any:
        return requests.get(
            f"{self.base}/{kind}/{self.fresh(name)}", headers=FHIR_JSON, timeout=60
        ).json()

    def issues(self) -> list[dict[str, Any]]:
        found = requests.get(
            f"{self.base}/DetectedIssue?patient={self.patient}&_count=200",
            headers=FHIR_JSON,
            timeout=60,
        ).json()
        return [entry["resource"] for entry in found.get("entry", [])]

    def assess(self, *more: str, expect: int = 0) -> Any:
        text = ferroclaim(
            "assess",
            self.base,
            "--patient",
            self.patient,
            "--format",
            "json",
            "--as-of",
            "2026-11-23",
            *more,
            expect=expect,
        )
        return json.loads(text)


@pytest.fixture
def chart(hapi: str, fresh: Callable[[str], str]) -> Chart:
    """The complete chart without ferritin and with a vial that the dose does not use up."""
    return Chart(
        hapi, fresh, builders.chart(builders.administration(dose="150 mg"), without=["ferritin"])
    )


def open_issues(chart: Chart) -> dict[str, str]:
    return {issue["code"]["coding"][0]["code"]: issue["status"] for issue in chart.issues()}


def test_gaps_appear_once_and_close_when_the_chart_is_completed(chart: Chart) -> None:
    document = chart.assess("--write-back")
    assert [gap["requirement"] for gap in document["patients"][0]["gaps"]] == [
        "discarded-amount",
        "ferritin",
    ]
    assert open_issues(chart) == {"discarded-amount": "preliminary", "ferritin": "preliminary"}

    versions = {issue["id"]: issue["meta"]["versionId"] for issue in chart.issues()}
    chart.assess("--write-back")
    assert {issue["id"]: issue["meta"]["versionId"] for issue in chart.issues()} == versions, (
        "a second run changed something"
    )

    lab = builders.ferritin()
    chart.put(
        {
            **json.loads(_encoder.encode(lab)),
            "id": chart.fresh("late"),
            "subject": {"reference": f"Patient/{chart.patient}"},
        }
    )
    given = chart.get("MedicationAdministration", "ma1")
    chart.put({**given, "note": [{"text": "Wasted 50 mg."}]})
    document = chart.assess("--write-back")
    lines = [
        (line["modifiers"], line["units"], line["status"])
        for line in document["patients"][0]["lines"]
    ]
    assert lines == [([], 150, "ready"), (["JW"], 50, "ready")]
    assert open_issues(chart) == {"discarded-amount": "final", "ferritin": "final"}
    closed = next(
        issue for issue in chart.issues() if issue["code"]["coding"][0]["code"] == "ferritin"
    )
    assert "42 ng/mL" in closed["mitigation"][-1]["action"]["text"]


def test_a_gap_opens_again_and_is_canceled_with_its_dose(chart: Chart) -> None:
    chart.assess("--write-back")
    given = chart.get("MedicationAdministration", "ma1")
    chart.put({**given, "note": [{"text": "Wasted 50 mg."}]})
    chart.assess("--write-back")
    assert open_issues(chart)["discarded-amount"] == "final"
    chart.put({**given, "note": []})
    chart.assess("--write-back")
    assert open_issues(chart)["discarded-amount"] == "amended"
    chart.put({**given, "status": "entered-in-error"})
    document = chart.assess("--write-back")
    assert document["patients"][0]["lines"] == []
    assert open_issues(chart) == {"discarded-amount": "cancelled", "ferritin": "cancelled"}


def test_a_clinicians_edit_stays_and_never_makes_a_line_ready(chart: Chart) -> None:
    chart.assess("--write-back")
    issue = next(
        issue for issue in chart.issues() if issue["code"]["coding"][0]["code"] == "ferritin"
    )
    theirs = {"action": {"text": "Ferritin was done elsewhere."}, "date": "2026-11-23T12:00:00Z"}
    chart.put({**issue, "status": "final", "mitigation": [theirs]})
    document = chart.assess("--write-back")
    assert document["patients"][0]["lines"][0]["status"] == "held"
    kept = next(row for row in chart.issues() if row["id"] == issue["id"])
    assert kept["status"] == "final"
    assert [mitigation["action"]["text"] for mitigation in kept["mitigation"]] == [
        "Ferritin was done elsewhere."
    ]


def test_a_dry_run_writes_nothing(chart: Chart) -> None:
    chart.assess("--write-back", "--dry-run")
    assert chart.issues() == []


def test_an_unknown_patient_is_one_clear_sentence(hapi: str) -> None:
    ferroclaim("assess", hapi, "--patient", "nobody-of-that-id", expect=2)


def test_the_samples_over_http_are_what_the_demo_shows(hapi: str, tmp_path: Path) -> None:
    """Loaded into HAPI and read back, the sample records give the lines that they give from their
    files."""
    patients = []
    for bundle in samples.bundles().values():
        resources = [_on_this_server(entry["resource"]) for entry in bundle["entry"]]
        put = {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "resource": resource,
                    "request": {
                        "method": "PUT",
                        "url": f"{resource['resourceType']}/{resource['id']}",
                    },
                }
                for resource in resources
            ],
        }
        answer = requests.post(hapi, data=_encoder.encode(put), headers=FHIR_JSON, timeout=60)
        assert answer.status_code == 200, answer.text
        patients += [
            resource["id"] for resource in resources if resource["resourceType"] == "Patient"
        ]
        (tmp_path / f"{resources[0]['id']}.json").write_bytes(_encoder.encode(put))
    wanted = [part for patient in patients for part in ("--patient", patient)]
    options = ("--format", "json", "--as-of", "2026-11-23", "--time-zone", "America/New_York")
    read = subprocess.run(
        [str(Path(sys.executable).with_name("ferroclaim")), "assess", hapi, *wanted, *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    filed = subprocess.run(
        [str(Path(sys.executable).with_name("ferroclaim")), "assess", str(tmp_path), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert _lines(json.loads(read.stdout)) == _lines(json.loads(filed.stdout))


def _on_this_server(resource: dict[str, Any]) -> dict[str, Any]:
    """HAPI refuses a reference to what it does not have (Q25): the samples' deliberate one is left
    out."""
    return {
        name: value
        for name, value in resource.items()
        if "kept-in-another-system" not in str(value)
    }


def _lines(document: Any) -> Any:
    return [
        (
            patient["patient"],
            [
                (line["code"], line["modifiers"], line["units"], line["status"], line["reasons"])
                for line in patient["lines"]
            ],
        )
        for patient in document["patients"]
    ]
