"""What we need of a real HAPI FHIR server, and some of its habits that our code relies on."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

FHIR_JSON = "application/fhir+json"
IDENTIFIERS = "urn:ferroclaim:test"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
WAIT = 60.0  # seconds, for what HAPI does in its own time

Fresh = Callable[[str], str]


class Fhir:
    """The few calls these tests make."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.headers.update({"Accept": FHIR_JSON, "Content-Type": FHIR_JSON})

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(
            method,
            f"{self.base}/{path}".rstrip("/"),
            data=json.dumps(body) if body else None,
            headers=names,
        )

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("PUT", f"{resource['resourceType']}/{resource['id']}", resource)
        assert answer.status_code in (200, 201), answer.text
        stored: dict[str, Any] = answer.json()
        return stored

    def read(self, path: str) -> dict[str, Any]:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        resource: dict[str, Any] = answer.json()
        return resource


@pytest.fixture
def fhir(hapi: str) -> Iterator[Fhir]:
    client = Fhir(hapi)
    with client.session:
        yield client


@pytest.fixture
def subscribe(fhir: Fhir) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """Creates Subscriptions, and deletes them at the end, lest HAPI keeps calling an endpoint that
    is gone."""
    made = []

    def create(subscription: dict[str, Any]) -> dict[str, Any]:
        made.append(f"Subscription/{subscription['id']}")
        return fhir.put(
            {
                "resourceType": "Subscription",
                "status": "requested",
                "reason": "test",
                **subscription,
            }
        )

    yield create
    for path in made:
        fhir.call("DELETE", path)


def eventually(check: Callable[[], Any]) -> Any:
    limit = time.monotonic() + WAIT
    while not (found := check()) and time.monotonic() < limit:
        time.sleep(0.2)
    assert found, "HAPI did not get there in time"
    return found


def patient(key: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": key}


def administration(key: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": key,
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": {"text": "iron sucrose"},
        "effectiveDateTime": "2026-11-01T10:00:00-05:00",
    }


def issue(key: str, **more: Any) -> dict[str, Any]:
    identifier = [{"system": IDENTIFIERS, "value": key}]
    return {
        "resourceType": "DetectedIssue",
        "status": "preliminary",
        "identifier": identifier,
        **more,
    }


def test_metadata_is_of_r4_and_names_subscriptions_and_export(fhir: Fhir) -> None:
    capability = fhir.read("metadata")
    assert capability["fhirVersion"] == "4.0.1"
    server = capability["rest"][0]
    resources = {resource["type"]: resource for resource in server["resource"]}
    assert resources["DetectedIssue"]["conditionalCreate"] is True
    assert resources["DetectedIssue"]["conditionalUpdate"] is True
    assert "Subscription" in resources
    # HAPI takes a batch, but does not say so.
    assert {interaction["code"] for interaction in server["interaction"]} == {
        "transaction",
        "history-system",
    }
    assert "export" in {operation["name"] for operation in server["operation"]}


def test_conditional_create_makes_one_detected_issue(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    once = f"identifier={IDENTIFIERS}|{key}"
    first = fhir.call("POST", "DetectedIssue", issue(key), If_None_Exist=once)
    second = fhir.call("POST", "DetectedIssue", issue(key), If_None_Exist=once)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_conditional_update_creates_then_updates(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    where = f"DetectedIssue?identifier={IDENTIFIERS}|{key}"
    created = fhir.call("PUT", where, issue(key))
    closed = fhir.call("PUT", where, issue(key, status="final"))
    assert (created.status_code, closed.status_code) == (201, 200)
    assert (closed.json()["id"], closed.json()["meta"]["versionId"]) == (created.json()["id"], "2")


def test_update_without_a_change_makes_no_version(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    again = [fhir.put(issue(key, id=key))["meta"]["versionId"] for _ in range(2)]
    assert again == ["1", "1"]


def test_conditional_update_of_two_matches_is_refused(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    for name in ("one", "two"):
        fhir.put(issue(key, id=f"{key}-{name}"))
    answer = fhir.call("PUT", f"DetectedIssue?identifier={IDENTIFIERS}|{key}", issue(key))
    assert answer.status_code == 412


def test_update_of_a_stale_version_is_refused(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    fhir.put(issue(key, id=key))
    path, closed = f"DetectedIssue/{key}", issue(key, id=key, status="final")
    current = fhir.call("PUT", path, closed, If_Match='W/"1"')
    stale = fhir.call("PUT", path, issue(key, id=key, status="cancelled"), If_Match='W/"1"')
    assert (current.status_code, current.headers["ETag"]) == (200, 'W/"2"')
    assert stale.status_code == 409, stale.text  # FHIR says 412
    assert fhir.read(path)["status"] == "final"


def test_conditional_delete(fhir: Fhir, fresh: Fresh) -> None:
    key = fresh("gap")
    fhir.put(issue(key, id=key))
    fhir.call("DELETE", f"DetectedIssue?identifier={IDENTIFIERS}|{key}")
    assert fhir.call("GET", f"DetectedIssue/{key}").status_code == 410


def test_detected_issue_about_nothing_known_is_refused(fhir: Fhir, fresh: Fresh) -> None:
    implicated = [{"reference": f"MedicationAdministration/{fresh('nowhere')}"}]
    answer = fhir.call("POST", "DetectedIssue", issue(fresh("gap"), implicated=implicated))
    assert answer.status_code == 400


def test_batch_answers_each_search_by_itself(fhir: Fhir, fresh: Fresh) -> None:
    one = fresh("p")
    fhir.put(patient(one))
    fhir.put(administration(fresh("ma"), one))
    searches = [
        f"Patient?_id={one}",
        f"MedicationAdministration?patient={one}",
        f"Observation?patient={one}",
        "Observation?no-such-parameter=1",
    ]
    entries = [{"request": {"method": "GET", "url": search}} for search in searches]
    answer = fhir.call("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    assert answer.status_code == 200
    bundle = answer.json()
    assert bundle["type"] == "batch-response"
    assert [entry["response"]["status"][:3] for entry in bundle["entry"]] == [
        "200",
        "200",
        "200",
        "400",
    ]
    assert [entry["resource"]["total"] for entry in bundle["entry"][:3]] == [1, 1, 0]


def test_transaction_resolves_references_between_its_entries(fhir: Fhir, fresh: Fresh) -> None:
    dose = administration(fresh("ma"), "replaced")
    dose["subject"] = {"reference": "urn:uuid:5f0e6d3c-0a5e-4b0f-9d6e-0a1b2c3d4e5f"}
    entries = [
        {
            "fullUrl": "urn:uuid:5f0e6d3c-0a5e-4b0f-9d6e-0a1b2c3d4e5f",
            "resource": {"resourceType": "Patient"},
            "request": {"method": "POST", "url": "Patient"},
        },
        {
            "resource": dose,
            "request": {"method": "PUT", "url": f"MedicationAdministration/{dose['id']}"},
        },
    ]
    answer = fhir.call(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    assert answer.status_code == 200, answer.text
    stored = fhir.read(f"MedicationAdministration/{dose['id']}")
    assert re.fullmatch(r"Patient/\d+", stored["subject"]["reference"])


def test_search_after_a_write_needs_no_cache(fhir: Fhir, fresh: Fresh) -> None:
    """HAPI answers a search from the last minute's results again, unless it is asked not to."""
    one = fresh("p")
    fhir.put(patient(one))
    search = f"MedicationAdministration?patient={one}"
    assert fhir.read(search)["total"] == 0
    fhir.put(administration(fresh("ma"), one))
    assert fhir.read(search)["total"] == 0
    assert fhir.call("GET", search, Cache_Control="no-cache").json()["total"] == 1


def test_export_ends_with_files_of_the_types_asked_for(fhir: Fhir, fresh: Fresh) -> None:
    one = fresh("p")
    fhir.put(patient(one))
    fhir.put(administration(fresh("ma"), one))
    begun = fhir.call(
        "GET", "$export?_type=Patient,MedicationAdministration", Prefer="respond-async"
    )
    assert begun.status_code == 202, begun.text

    def manifest() -> dict[str, Any] | None:
        answer = fhir.session.get(begun.headers["Content-Location"])
        assert answer.status_code in (200, 202), answer.text
        return answer.json() if answer.status_code == 200 else None

    files: dict[str, list[str]] = {}
    for output in eventually(manifest)["output"]:
        file = fhir.session.get(output["url"], headers={"Accept": "application/fhir+ndjson"})
        files.setdefault(output["type"], []).extend(
            json.loads(line)["id"] for line in file.text.splitlines()
        )
    assert one in files["Patient"]
    assert fresh("ma") in files["MedicationAdministration"]


def active(fhir: Fhir, subscription: dict[str, Any]) -> bool:
    status: str = fhir.read(f"Subscription/{subscription['id']}")["status"]
    assert status != "error"
    return status == "active"


@pytest.mark.parametrize("payload", [None, FHIR_JSON], ids=["empty", "with the resource"])
def test_subscription_becomes_active_and_notifies(
    fhir: Fhir,
    fresh: Fresh,
    subscribe: Callable[..., Any],
    httpserver: HTTPServer,
    payload: str | None,
) -> None:
    one, dose = fresh("p"), fresh("ma")
    httpserver.expect_request(re.compile("/hook.*")).respond_with_data(status=204)
    channel = {
        "type": "rest-hook",
        "endpoint": httpserver.url_for("/hook"),
        "header": ["X-Secret: shibboleth"],
    }
    subscription = subscribe(
        {
            "id": fresh("sub"),
            "criteria": f"MedicationAdministration?patient=Patient/{one}",
            "channel": {**channel, **({"payload": payload} if payload else {})},
        }
    )
    assert subscription["status"] == "requested"
    fhir.put(patient(one))
    eventually(lambda: active(fhir, subscription))

    fhir.put(administration(dose, one))
    request = eventually(lambda: httpserver.log and httpserver.log[0][0])
    assert request.headers["X-Secret"] == "shibboleth"
    if payload:
        assert (request.method, request.path) == ("PUT", f"/hook/MedicationAdministration/{dose}")
        assert request.mimetype == FHIR_JSON
        assert json.loads(request.data)["id"] == dose
    else:
        assert (request.method, request.path, request.data) == ("POST", "/hook", b"")


def topic(key: str, url: str) -> dict[str, Any]:
    """A SubscriptionTopic in R4: a Basic with the topic's elements as extensions."""
    trigger = [{"url": "resource", "valueUri": "MedicationAdministration"}]
    trigger += [{"url": "supportedInteraction", "valueCode": code} for code in ("create", "update")]
    r5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
    r4b = "http://hl7.org/fhir/4.3/StructureDefinition/extension-SubscriptionTopic."
    return {
        "resourceType": "Basic",
        "id": key,
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]
        },
        "extension": [
            {"url": f"{r5}url", "valueUri": url},
            {"url": f"{r4b}resourceTrigger", "extension": trigger},
        ],
        "modifierExtension": [{"url": f"{r5}status", "valueCode": "active"}],
    }


def topic_subscription(
    key: str, url: str, criteria: str, endpoint: str, content: str
) -> dict[str, Any]:
    return {
        "id": key,
        "meta": {"profile": [f"{BACKPORT}subscription"]},
        "criteria": url,
        "_criteria": {
            "extension": [{"url": f"{BACKPORT}filter-criteria", "valueString": criteria}]
        },
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": FHIR_JSON,
            "_payload": {
                "extension": [{"url": f"{BACKPORT}payload-content", "valueCode": content}]
            },
            "header": ["X-Secret: shibboleth"],
        },
    }


def test_topic_subscription_notifies_with_a_backport_bundle(
    fhir: Fhir, fresh: Fresh, subscribe: Callable[..., Any], httpserver: HTTPServer
) -> None:
    one, url = fresh("p"), f"urn:ferroclaim:topic:{fresh('iron')}"
    fhir.put(patient(one))
    httpserver.expect_request("/hook", method="POST").respond_with_data(status=204)
    fhir.put(topic(fresh("topic"), url))
    criteria = f"MedicationAdministration?patient=Patient/{one}"
    subscription = subscribe(
        topic_subscription(
            fresh("sub"), url, criteria, httpserver.url_for("/hook"), content="id-only"
        )
    )
    eventually(lambda: active(fhir, subscription))

    doses: list[str] = []

    def heard() -> Any:
        """Nothing tells when HAPI has read the topic (up to 10 seconds), so give a dose until one
        is heard of."""
        if not httpserver.log:
            doses.append(fresh(f"ma{len(doses)}"))
            fhir.put(administration(doses[-1], one))
            time.sleep(1)
        return httpserver.log

    request = eventually(heard)[0][0]
    assert request.headers["X-Secret"] == "shibboleth"
    bundle = json.loads(request.data)
    assert bundle["type"] == "history"
    status, *events = bundle["entry"]
    values = {part["name"]: part for part in status["resource"]["parameter"]}
    assert (
        values["subscription"]["valueReference"]["reference"]
        == f"Subscription/{subscription['id']}"
    )
    assert (values["topic"]["valueCanonical"], values["type"]["valueCode"]) == (
        url,
        "event-notification",
    )
    parts = {part["name"]: part for part in values["notification-event"]["part"]}
    focus = parts["focus"]["valueReference"]["reference"]
    assert focus.removeprefix("MedicationAdministration/") in doses
    assert [("resource" in event, event["request"]["method"]) for event in events] == [
        (False, "POST")
    ]
