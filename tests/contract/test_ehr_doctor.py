"""What `doctor` says of each vendor, and of what is wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.configuration.site import Site
from integration.ehr.doctor import DoctorReport, examine
from integration.ehr.transport.keys import Keyring, generate
from mappings.codes.freshness import freshness
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.chart import chart
from tests.fakes.ehr import FakeEhr
from tests.fakes.modes import statement

Make = Callable[..., FakeEhr]


def report(fake: FakeEhr, patient: str | None = None, **settings: Any) -> DoctorReport:
    return examine(
        Site.adhoc(fake.base_url, name="general", limits={"retries": 0}, **settings), patient
    )


def said(found: DoctorReport, level: str | None = None) -> list[str]:
    return [finding.what for finding in found.findings if level in (None, finding.level)]


def test_hapi_can_do_everything(ehr: Make) -> None:
    found = report(ehr("hapi").load(chart()), "p1")
    assert found.works
    assert found.profile == "hapi"
    assert said(found, "ok") == [
        "A patient is read in one batch",
        "Gaps are written as DetectedIssue",
        "A patient was read in 1 request",
    ]


def test_a_year_later_every_code_table_is_old(ehr: Make) -> None:
    fake = ehr("hapi").load(chart())
    with time_machine.travel(datetime.now(UTC) + timedelta(days=366)):
        found = report(fake)
    assert found.works
    old = found.findings[-1]
    assert old.level == "note"
    assert [row.name for row in freshness()] == [
        text.partition(":")[0] for text in old.why.splitlines()
    ]


def test_code_tables_that_can_not_be_used(ehr: Make, tmp_path: Path) -> None:
    (tmp_path / "rows.yaml").write_text("limits: 3\n")
    found = report(ehr("hapi").load(chart()), code_dir=tmp_path)
    assert said(found, "problem") == ["The site's code tables can't be used"]
    assert "rows.yaml:1" in found.findings[-1].why


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (
            "epic",
            [
                "Changes of Coverage cannot be asked for",
                (
                    "Changes are found for MedicationAdministration by effective-time, Observation"
                    " by date, Condition by recorded-date"
                ),
                "Gaps are written as Communication",
                "No subscriptions",
            ],
        ),
        (
            "oracle",
            [
                "Changes are found for MedicationAdministration by effective-time",
                "Gaps are written as Communication",
            ],
        ),
        (
            "athena",
            [
                "No MedicationAdministration",
                "Gaps are not written into the chart",
                "search_params lacks ah-practice",
            ],
        ),
        ("medplum", ["Gaps are written as DetectedIssue", "A patient is read in one batch"]),
    ],
)
def test_each_vendor_is_known_by_its_statement(mode: str, expected: list[str], ehr: Make) -> None:
    found = report(ehr(mode))
    assert found.profile == mode
    assert set(expected) <= set(said(found))


def test_a_report_is_json(ehr: Make) -> None:
    document = json.loads(json.dumps(report(ehr("athena")).as_dict()))
    assert document["works"] is False
    assert {"level", "what", "why", "fix"} == document["findings"][0].keys()


def test_the_practice_makes_athena_work(ehr: Make) -> None:
    assert report(ehr("athena"), search_params={"ah-practice": "Organization/a-1.Practice-1"}).works


def test_a_vendor_that_contradicts_the_statement(ehr: Make) -> None:
    assert "vendor = epic, but the server seems to be oracle" in said(
        report(ehr("oracle"), vendor="epic")
    )


def test_another_version_of_fhir(ehr: Make) -> None:
    fake = ehr("hapi")
    fake.inject(
        Response('{"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}'),
        pattern="metadata",
    )
    assert "The server speaks FHIR 5.0.0" in said(report(fake), "problem")


def test_a_type_that_every_line_needs(ehr: Make) -> None:
    fake = ehr("epic")
    statement = json.loads(
        json.dumps({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
    )
    statement["rest"] = [
        {"resource": [{"type": "MedicationAdministration"}, {"type": "Observation"}]}
    ]
    fake.inject(Response(json.dumps(statement)), pattern="metadata")
    problems = said(report(fake), "problem")
    assert problems == [
        "MedicationRequest cannot be searched",
        "Condition cannot be searched",
        "Encounter cannot be searched",
        "Coverage cannot be searched",
    ]


def test_a_publisher_that_nobody_set_is_none(ehr: Make) -> None:
    fake = ehr("hapi")
    said_by_hapi = {**statement(fake.mode), "publisher": "Not provided"}
    fake.inject(Response(json.dumps(said_by_hapi), 200), pattern="metadata")
    assert report(fake).software == "HAPI FHIR Server"


def test_a_server_without_a_statement(ehr: Make) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", 404), pattern="metadata")
    found = report(fake, "p1", vendor="hapi")
    assert found.works
    assert "/metadata tells nothing of the server" in said(found, "note")
    assert {"A patient was read in 2 requests", "Gaps are written as DetectedIssue"} <= set(
        said(found)
    )


@pytest.mark.parametrize("vendor", ["auto", "epic"])
@pytest.mark.parametrize("status", [404, 200])
def test_an_address_without_a_fhir_server_can_not_be_read(
    vendor: str, status: int, ehr: Make
) -> None:
    fake = ehr("hapi")
    fake.fail("", status, times=99, body={"welcome": "to the portal"})
    found = report(fake, vendor=vendor)
    assert not found.works
    (problem,) = [row for row in found.findings if row.what.startswith("/metadata")]
    assert problem.fix.startswith("Check base_url")


def test_a_form_that_the_server_does_not_take(ehr: Make) -> None:
    assert "Gaps cannot be written back as configured" in said(
        report(ehr("epic"), write_back="DetectedIssue"), "problem"
    )


def test_a_patient_who_cannot_be_read(ehr: Make) -> None:
    assert said(report(ehr("hapi"), "nobody"), "problem") == ["The patient cannot be read"]


def test_a_type_that_the_patient_did_not_come_with(ehr: Make) -> None:
    fake = ehr("hapi").load(chart())
    fake.fail("^Condition", 403)
    assert said(report(fake, "p1"), "problem") == ["Condition cannot be read"]


def test_a_server_that_is_down() -> None:
    found = examine(Site.adhoc("http://127.0.0.1:9/fhir", limits={"retries": 0}))
    assert not found.works
    (problem,) = [row for row in found.findings if row.level == "problem"]
    assert problem.fix == "Check base_url and the network, then try again"


@pytest.fixture
def auth(tmp_path: Path) -> dict[str, Any]:
    Keyring((generate("ES384"),)).save(tmp_path / "k.json")
    return {"method": "private_key_jwt", "client_id": "ferroclaim", "key_file": tmp_path / "k.json"}


def test_a_key_that_is_not_registered(
    ehr: Make, ehr_server: HTTPServer, auth: dict[str, Any]
) -> None:
    fake = ehr("hapi", authorization=FakeAuthorization(ehr_server))
    (problem,) = [
        finding for finding in report(fake, auth=auth).findings if finding.level == "problem"
    ]
    assert "invalid_client" in problem.why
    assert problem.fix.startswith("Check client_id")


def test_a_key_whose_algorithm_the_server_does_not_take(
    ehr: Make, ehr_server: HTTPServer, auth: dict[str, Any]
) -> None:
    server = FakeAuthorization(ehr_server, Keyring.load(auth["key_file"]).jwks())
    server.configuration = {"token_endpoint_auth_signing_alg_values_supported": ["RS384"]}
    found = report(ehr("hapi", authorization=server), auth=auth)
    assert said(found, "problem") == ["The key signs with ES384"]


def test_a_way_to_sign_in_that_the_server_does_not_list(
    ehr: Make, ehr_server: HTTPServer, auth: dict[str, Any]
) -> None:
    server = FakeAuthorization(ehr_server, Keyring.load(auth["key_file"]).jwks())
    server.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    found = report(ehr("hapi", authorization=server), auth=auth)
    assert "The server does not list private_key_jwt" in said(found, "note")
    assert found.works


def test_a_scope_that_the_server_does_not_list(
    ehr: Make, ehr_server: HTTPServer, auth: dict[str, Any]
) -> None:
    server = FakeAuthorization(ehr_server, Keyring.load(auth["key_file"]).jwks())
    kinds = ("Patient", "Observation", "Condition", "Encounter", "Coverage", "MedicationRequest")
    server.scopes = [f"system/{kind}.rs" for kind in kinds]
    found = report(ehr("hapi", authorization=server), auth=auth)
    assert said(found, "problem") == ["The server lists no scope to read MedicationAdministration"]
    assert "Signed in" in said(found, "ok")
