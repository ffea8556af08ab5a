"""Types of resources that a server keeps from us, though it lets us in: the rest is read and
written, what is kept is named, and nobody is told that it is missing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.assessing.clients import policies_for
from integration.assessing.patient import check_pull
from integration.assessing.servers import from_server
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import encode
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.http import NOBODY
from integration.ehr.writing.ledger import MemoryLedger
from integration.ehr.writing.writeback import write_back_for
from integration.errors import BadAnswer, Forbidden, Unauthorized
from integration.work.retries import DOUBTS
from mappings.assessment import PatientAssessment
from mappings.policy import choosing
from tests import builders
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.chart import administration, chart, detected_issue, resource
from tests.fakes.ehr import FakeEhr
from tests.service import Running

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
Json = dict[str, Any]

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
SECRET = {"method": "client_secret_basic", "client_id": "ferroclaim", "client_secret": "s3cret:/+"}


def assessed(fake: FakeEhr, connect: Connect) -> PatientAssessment:
    client = connect(fake, time_zone="America/New_York")
    pull = read_patient(client, builders.PATIENT)
    return check_pull(pull, client.site, policies_for(client.site), AS_OF).assessment


# 401 of one type


@pytest.mark.parametrize("mode", ["epic", "oracle", "hapi"])
def test_a_401_of_one_type_names_it_and_the_rest_is_read(
    mode: str, ehr: Make, connect: Connect
) -> None:
    """Alone, and in a batch."""
    fake = ehr(mode).load(chart())
    fake.fail("^(Condition|Encounter/|Encounter\\?)", 401, times=99)
    pull = read_patient(connect(fake), "p1")
    assert {"Patient", "MedicationAdministration", "Coverage"} <= {
        resource["resourceType"] for resource in pull.resources
    }
    assert pull.unread == {"Condition", "Encounter"}
    said = {problem["resource"]: problem["problem"] for problem in pull.problems}
    assert said["Condition"] == "the search for Condition was answered with 401"


def test_a_type_that_is_kept_costs_no_new_tokens(
    ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    registered = FakeAuthorization(ehr_server)
    fake = ehr("epic", authorization=registered).load(chart())
    fake.fail("^Condition", 401, times=99)
    client = connect(fake, auth=SECRET)
    for _ in range(3):
        assert read_patient(client, "p1").unread == {"Condition"}
    assert len(registered.given) == 2


def test_a_kept_type_that_is_given_again_is_read(
    ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    registered = FakeAuthorization(ehr_server)
    fake = ehr("epic", authorization=registered).load(chart())
    fake.fail("^Condition", 401, times=2)
    client = connect(fake, auth=SECRET)
    assert read_patient(client, "p1").unread == {"Condition"}
    assert read_patient(client, "p1").unread == set()
    registered.revoke()
    assert read_patient(client, "p1").unread == set()


def test_where_nobody_is_let_in_it_is_the_sign_in(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response("", 401), pattern="^(?!metadata)", times=99)
    with pytest.raises(Unauthorized, match=r"Check \[auth\]"):
        read_patient(connect(fake), "p1")


def test_doses_that_are_kept_are_an_error(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.fail("^MedicationAdministration", 401, times=9)
    with pytest.raises(Forbidden, match="MedicationAdministration was answered with 401"):
        read_patient(connect(fake), "p1")


def test_a_401_of_our_write_keeps_no_chart_from_being_read(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", 401), method="POST", pattern="^$", times=9)
    fake.inject(Response("", 401), method="PUT", times=9)
    client = connect(fake)
    port = write_back_for(client, MemoryLedger())
    (outcome,) = port.put_all([detected_issue("gap-1")])
    assert (outcome.result, "answered with 401" in outcome.message) == ("refused", True)
    assert [one for one in fake.requests if NOBODY in one]


@pytest.mark.parametrize("mode", ["hapi", "medplum"])
def test_a_page_in_the_place_of_an_answer_to_a_write_is_no_success(
    mode: str, ehr: Make, connect: Connect
) -> None:
    """A sign-in page comes with 200."""
    fake = ehr(mode).load(chart())
    page = Response(" <!DOCTYPE html><html>Sign in</html>", content_type="text/html")
    fake.inject(Response("", 403), method="POST", pattern="^$", times=9)
    for method in ("POST", "PUT"):
        fake.inject(page, method=method, pattern="^DetectedIssue", times=9)
    ledger = MemoryLedger()
    (outcome,) = write_back_for(connect(fake), ledger).put_all([detected_issue("gap-1")])
    assert (outcome.result, outcome.location) == ("refused", None)
    assert outcome.message.endswith("was answered with 200 and a page that is no FHIR")
    fake._injections.clear()
    (outcome,) = write_back_for(connect(fake), ledger).put_all([detected_issue("gap-1")])
    assert outcome.result == "created"


def test_a_site_that_keeps_one_type_does_not_rest(running: Callable[..., Running]) -> None:
    service = running("epic")
    service.fake.load(chart())
    service.fake.fail("^Condition", 401, times=99)
    service.assess()
    service.work(rounds=2)
    assert service.rows("select trouble from site_state") == [(None,)]
    assert (service.failures(), service.queued()) == ([], [])


def test_a_401_of_one_chart_is_that_charts(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(resource("Patient", f"p{number}") for number in (1, 2, 3))
    fake.fail("^Patient/p2$", 401, times=9)
    result = from_server(connect(fake), ["p1", "p2", "p3"], choosing.built_in(), AS_OF)
    assert set(result.records) == {"Patient/p1", "Patient/p3"}
    assert [one.resource for one in result.document.unreadable] == ["Patient/p2"]


# One type that is answered with something else


ELSE = {
    "a page": Response("<html>Sign in</html>", content_type="text/html"),
    "a redirect": Response("", 302, {"Location": "https://login.example.org"}),
    "nothing": Response("", 200),
    "no content": Response("", 204),
    "a list": Response("[]", content_type="application/fhir+json"),
    "one resource": Response('{"resourceType": "Condition", "id": "d1"}'),
}


@pytest.mark.parametrize("what", ELSE)
def test_a_type_that_is_answered_with_no_fhir_is_named(
    what: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(ELSE[what], pattern="^Condition", times=9)
    pull = read_patient(connect(fake), "p1")
    assert pull.unread == {"Condition"}
    assert isinstance(pull.odd, BadAnswer)
    assert "MedicationAdministration" in {one["resourceType"] for one in pull.resources}


def test_pages_that_run_in_a_circle_leave_what_came(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    there = next(one for one in chart() if one["resourceType"] == "Condition")
    again = {"link": [{"relation": "next", "url": f"{fake.base_url}/Condition?page=2"}]}
    for _ in range(2):
        fake.page(there, pattern="^Condition", **again)
    pull = read_patient(connect(fake), "p1")
    assert pull.unread == {"Condition"}
    assert there["id"] in [one["id"] for one in pull.resources]


def test_a_page_of_a_proxy_is_asked_again_first(running: Callable[..., Running]) -> None:
    service = running("epic")
    service.fake.load(chart())
    service.fake.inject(ELSE["a page"], pattern="^Condition", times=1)
    service.assess()
    service.work(rounds=1)
    assert service.rows("select (args ->> 'attempt')::int from procrastinate_jobs") == [(1,)]
    service.work(rounds=3)
    assert (service.failures(), service.queued()) == ([], [])


def test_a_page_that_stays_does_not_cost_the_rest(running: Callable[..., Running]) -> None:
    service = running("epic")
    service.fake.load(chart())
    service.fake.inject(ELSE["a page"], pattern="^Condition", times=99)
    service.assess()
    service.work(rounds=DOUBTS)
    assert (service.failures(), service.queued()) == ([], [])
    assert service.rows("select count(*) from lines") == [(1,)]


def test_another_patient_is_not_taken_for_the_one_asked_for(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response(json.dumps(resource("Patient", "p2"))), pattern="^Patient/p1")
    with pytest.raises(BadAnswer, match="another patient than the one that was asked for"):
        read_patient(connect(fake), "p1")


def test_references_to_another_server_are_told_once(ehr: Make, connect: Connect) -> None:
    there = "https://other.example.org/fhir"
    given = [
        administration(name, medicationReference={"reference": f"{there}/Medication/m1"})
        for name in ("ma1", "ma2")
    ]
    (problem,) = read_patient(connect(ehr("epic").load([*chart(), *given])), "p1").problems
    assert problem["resource"] == f"{there}/Medication/m1"
    assert "on another server, where nothing is looked up" in problem["problem"]
    assert problem["problem"].endswith("name it in other_addresses")


# Parameters that a server need not know


@pytest.mark.parametrize("mode", ["epic", "oracle", "hapi"])
@pytest.mark.parametrize("name", ["_count", "_include"])
def test_a_search_that_is_refused_for_its_extras_is_asked_bare(
    name: str, mode: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    fake.fail(rf"\?.*{name}=", 400, times=999)
    client = connect(fake)
    for _ in range(2):
        pull = read_patient(client, "p1")
        assert pull.unread == set()
        assert {"Medication", "Encounter", "Location", "Observation"} <= {
            one["resourceType"] for one in pull.resources
        }


# One search of several


@pytest.mark.parametrize("mode", ["epic", "oracle"])
@pytest.mark.parametrize(
    ("search", "status"),
    [("laboratory", 400), ("laboratory", 403), ("laboratory", 401), ("vital-signs", 403)],
)
def test_results_that_are_kept_are_not_missing(
    search: str, status: int, mode: str, ehr: Make, connect: Connect
) -> None:
    """Rights may be of a category alone (SMART v2), and weights were answered."""
    fake = ehr(mode).load(chart())
    fake.fail(f"^Observation.*category={search}", status, times=9)
    assert read_patient(connect(fake), "p1").unread == {"Observation"}


# Results without an id


def without_id(fake: FakeEhr, resources: list[Json], **entry: str) -> None:
    """Every result of a search."""
    found = [resource for resource in resources if resource["resourceType"] == "Observation"]
    entries = [
        {name: text.format(id=one["id"], base=fake.base_url) for name, text in entry.items()}
        | {"resource": {name: value for name, value in one.items() if name != "id"}}
        for one in found
    ]
    body = json.dumps({"resourceType": "Bundle", "entry": entries})
    page = Response(body, content_type="application/fhir+json")
    fake.inject(page, pattern="^Observation.*category=laboratory", times=9)


def test_a_result_without_an_id_is_told_and_not_missing(ehr: Make, connect: Connect) -> None:
    resources = json.loads(encode(builders.chart()))
    fake = ehr("epic").load(resources)
    without_id(fake, resources)
    found = assessed(fake, connect)
    (gap,) = [gap for gap in found.gaps if gap.requirement == "ferritin"]
    assert "a result without an id can't be used: no Observation.id of" in gap.message
    assert str(gap.fix).startswith("Have the EHR's administrator find out why")
    assert str(gap.fix).endswith("On record, and not to be used as they stand: laboratory results.")
    assert ("Observation", "has no id") in [(one.resource, one.problem) for one in found.unreadable]
    assert [line.status for line in found.lines] == ["held"]


def test_a_newer_result_without_an_id_does_not_let_an_older_one_decide(
    ehr: Make, connect: Connect
) -> None:
    resources = json.loads(
        encode(builders.chart(builders.commercial(), builders.note(), builders.authorization()))
    )
    newer = json.loads(encode(builders.lab("ferritin", 900, on="2026-10-20")))
    fake = ehr("epic").load(resources)
    older = [one for one in resources if one["resourceType"] == "Observation"]
    del newer["id"]
    fake.page(*older, newer, pattern="^Observation.*category=laboratory")
    (gap,) = [gap for gap in assessed(fake, connect).gaps if gap.requirement == "ferritin"]
    assert (gap.state, "without an id" in gap.message) == ("incomplete", True)


@pytest.mark.parametrize("address", ["{base}/Observation/{id}", "urn:uuid:{id}"])
def test_the_address_of_an_entry_gives_the_id(address: str, ehr: Make, connect: Connect) -> None:
    resources = json.loads(encode(builders.chart()))
    fake = ehr("epic").load(resources)
    without_id(fake, resources, fullUrl=address)
    assert assessed(fake, connect).gaps == ()


def test_a_file_with_a_result_without_an_id_tells_the_same() -> None:
    resources = builders.chart()
    for one in resources:
        if one["resourceType"] == "Observation":
            del one["id"]
    found = builders.document_of(resources)
    (patient,) = found.patients
    (gap,) = [gap for gap in patient.gaps if gap.requirement == "ferritin"]
    assert "a result without an id can't be used" in gap.message


def test_other_evidence_that_can_not_be_used_is_told(ehr: Make, connect: Connect) -> None:
    resources = json.loads(encode(builders.chart()))
    fake = ehr("epic").load(resources)
    kept = [one for one in resources if one["resourceType"] == "Condition"]
    bare = [{name: value for name, value in one.items() if name != "id"} for one in kept]
    fake.page(*bare, pattern="^Condition")
    (gap,) = [
        one for one in assessed(fake, connect).gaps if one.requirement.startswith("iron-deficiency")
    ]
    assert str(gap.fix).endswith("On record, and not to be used as they stand: diagnoses.")
