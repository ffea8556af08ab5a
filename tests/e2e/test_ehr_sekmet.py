"""The same story against an EHR that is strict about authorization and takes no DetectedIssue."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.ehr.client import EhrClient
from integration.ehr.doctor import examine
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.auth import Tokens
from integration.ehr.transport.keys import Keyring, generate
from integration.ehr.writing.ledger import MemoryLedger
from integration.ehr.writing.writeback import write_back_for
from integration.errors import ConfigurationError, Forbidden, Unauthorized
from tests import builders
from tests.fakes.chart import (
    chart,
    detected_issue,
    ferritin,
    mitigation,
    ref,
    resource,
    transaction,
)
from tests.plugins.sekmet import Sekmet

Fresh = Callable[[str], str]


@pytest.fixture
def client(sekmet: Sekmet) -> Iterator[EhrClient]:
    with EhrClient(sekmet.site()) as made:
        yield made


@pytest.fixture
def hospital(sekmet: Sekmet) -> Iterator[EhrClient]:
    """Somebody who may write everything."""
    with EhrClient(
        sekmet.site(auth=sekmet.site().auth.model_dump() | {"scopes": ["system/*.*"]})
    ) as made:
        yield made


@pytest.fixture
def patient(hospital: EhrClient, fresh: Fresh) -> str:
    """A chart that a server which validates takes."""
    ambulatory = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    resources = [
        r | ({"class": ambulatory} if r["resourceType"] == "Encounter" else {}) for r in chart()
    ]
    hospital.transport.write("POST", "", transaction(resources, fresh))
    return fresh("p1")


def issue(fresh: Fresh, **fields: Any) -> dict[str, Any]:
    dose = ref(f"MedicationAdministration/{fresh('ma1')}")
    return detected_issue(fresh("gap"), patient=fresh("p1"), implicated=[dose], **fields)


def test_a_chart_is_read_with_a_signed_assertion(client: EhrClient, patient: str) -> None:
    pull = read_patient(client, patient)
    assert {r["resourceType"] for r in pull.resources} == {r["resourceType"] for r in chart()}
    assert len(pull.resources) == len(chart())
    assert pull.problems == []
    assert "DetectedIssue" in pull.not_offered


def test_the_gap_becomes_a_task_that_is_completed(
    client: EhrClient, hospital: EhrClient, patient: str, fresh: Fresh
) -> None:
    ours = write_back_for(client, MemoryLedger())
    assert ours.form == "Task"
    assert [o.result for o in ours.put_all([issue(fresh)])] == ["created"]
    assert [o.result for o in write_back_for(client).put_all([issue(fresh)])] == ["unchanged"]
    (task,) = client.search("Task", {"patient": patient}, fresh=True)
    assert (task["status"], task["description"].partition("\n")[0]) == ("requested", "No ferritin")
    done = issue(fresh, status="final", mitigation=[mitigation("On record")])
    (outcome,) = ours.put_all([done])
    assert (outcome.result, outcome.version) == ("updated", "2")
    (task,) = client.search("Task", {"patient": patient}, fresh=True)
    assert task["status"] == "completed"
    assert len(hospital.search("Provenance", {"target": f"Task/{task['id']}"}, fresh=True)) == 2


def test_a_task_that_a_clinician_took_stays_theirs(
    client: EhrClient, patient: str, fresh: Fresh
) -> None:
    ours = write_back_for(client)
    ours.put_all([issue(fresh)])
    (task,) = client.search("Task", {"patient": patient}, fresh=True)
    client.transport.write("PUT", f"Task/{task['id']}", task | {"status": "in-progress"})
    assert [o.result for o in ours.put_all([issue(fresh, detail="Now 80 days.")])] == ["updated"]
    (task,) = client.search("Task", {"patient": patient}, fresh=True)
    assert task["status"] == "in-progress"
    assert task["description"].endswith("Now 80 days.")


@pytest.mark.parametrize("form", ["Communication", "DocumentReference"])
def test_the_other_forms_are_taken(form: str, sekmet: Sekmet, patient: str, fresh: Fresh) -> None:
    with EhrClient(sekmet.site(write_back=form)) as client:
        assert [o.result for o in write_back_for(client).put_all([issue(fresh)])] == ["created"]
        assert [o.result for o in write_back_for(client).put_all([issue(fresh)])] == ["unchanged"]
        assert len(client.search(form, {"patient": patient}, fresh=True)) == 1


def test_a_detected_issue_is_not_to_be_had(sekmet: Sekmet) -> None:
    with (
        EhrClient(sekmet.site(write_back="DetectedIssue")) as client,
        pytest.raises(ConfigurationError, match="Use `auto`"),
    ):
        write_back_for(client)


def test_pages_are_followed(
    client: EhrClient, hospital: EhrClient, patient: str, fresh: Fresh
) -> None:
    more = [ferritin(f"r{n:03d}") for n in range(150)]
    hospital.transport.write("POST", "", transaction([resource("Patient", "p1"), *more], fresh))
    pull = read_patient(client, patient)
    assert len([r for r in pull.resources if r["resourceType"] == "Observation"]) == 152


def test_doctor_knows_that_it_will_be_a_task(sekmet: Sekmet, patient: str) -> None:
    report = examine(sekmet.site(), patient)
    assert report.works
    assert {"Signed in", "Gaps are written as Task"} <= {
        finding.what for finding in report.findings
    }


def test_a_key_that_nobody_registered(sekmet: Sekmet) -> None:
    stranger = sekmet.key_file.with_name("stranger.json")
    Keyring((generate("ES384"),)).save(stranger)
    site = sekmet.site(
        auth={"method": "private_key_jwt", "client_id": "ferroclaim", "key_file": stranger}
    )
    with (
        EhrClient(site, tokens=Tokens()) as client,
        pytest.raises(Unauthorized, match=r"\(invalid_client\)\. Check client_id"),
    ):
        read_patient(client, "p1")


def test_a_scope_that_does_not_reach(sekmet: Sekmet, patient: str) -> None:
    auth = sekmet.site().auth.model_dump() | {
        "scopes": ["system/Patient.rs", "system/Observation.rs"]
    }
    with EhrClient(sekmet.site(auth=auth)) as client:
        assert client.read("Patient", patient)["id"] == patient
        with pytest.raises(Forbidden, match="Ask the EHR's administrator for the missing scope"):
            read_patient(client, patient)


def test_the_main_job_ends_in_tasks_that_are_completed(
    sekmet: Sekmet, hospital: EhrClient, fresh: Fresh, tmp_path: Path
) -> None:
    """As in test_main_job, through the command line: gaps appear once, and close when the chart is
    completed."""
    config = tmp_path / "ferroclaim.toml"
    auth = (
        f'{{method = "private_key_jwt", client_id = "ferroclaim", key_file = "{sekmet.key_file}"}}'
    )
    config.write_text(
        f'[sites.sekmet]\nbase_url = "{sekmet.base_url}"\ntime_zone = "America/New_York"\nauth ='
        f" {auth}\n"
    )
    records = builders.chart(builders.administration(dose="150 mg"), without=["ferritin"])
    hospital.transport.write("POST", "", transaction(records, fresh))
    patient = fresh(builders.PATIENT)

    def assessed() -> dict[str, tuple[str, str]]:
        options = [
            "--patient",
            patient,
            "--site",
            "sekmet",
            "--config",
            str(config),
            "--as-of",
            "2026-11-23",
            "--write-back",
        ]
        command = [
            str(Path(sys.executable).with_name("ferroclaim")),
            "assess",
            sekmet.base_url,
            *options,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        tasks = hospital.search("Task", {"patient": patient}, fresh=True)
        return {
            task["code"]["coding"][0]["code"]: (task["status"], task["meta"]["versionId"])
            for task in tasks
        }

    opened = {"discarded-amount": ("requested", "1"), "ferritin": ("requested", "1")}
    assert assessed() == opened
    assert assessed() == opened
    given = hospital.read("MedicationAdministration", fresh("ma1"))
    noted = given | {"note": [{"text": "Wasted 50 mg."}]}
    hospital.transport.write("PUT", f"MedicationAdministration/{given['id']}", noted)
    assert assessed() == {**opened, "discarded-amount": ("completed", "2")}
    hospital.transport.write(
        "PUT", f"MedicationAdministration/{given['id']}", noted | {"status": "entered-in-error"}
    )
    assert assessed() == {"discarded-amount": ("completed", "2"), "ferritin": ("cancelled", "2")}
