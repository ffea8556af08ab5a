"""Servers that answer in another way than FHIR or HTTP has it: what they mean is taken, what they
lack is named, and nothing is written twice."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.assessing.clients import policies_for
from integration.assessing.patient import check_pull
from integration.configuration.site import Site
from integration.ehr.capability import read_statement
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import Answer, encode
from integration.ehr.reading.patient import read_patient
from integration.ehr.reading.plan import queries
from integration.ehr.transport.auth import Tokens, authorization_for
from integration.ehr.transport.http import Transport
from integration.ehr.writing.answered import located
from integration.ehr.writing.ledger import MemoryLedger
from integration.ehr.writing.transactions import Write
from integration.ehr.writing.writeback import Outcome, write_back_for
from integration.errors import (
    BadAnswer,
    ConfigurationError,
    LeadsElsewhere,
    Unauthorized,
    Unreachable,
)
from tests import builders
from tests.fakes import modes
from tests.fakes.chart import administration, chart, detected_issue, resource
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
Json = dict[str, Any]

CONDITION = resource("Condition", "d1", "p1")


def answered(body: bytes | Json, status: int = 200, **headers: str) -> Response:
    text = body if isinstance(body, bytes) else json.dumps(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(text, status, sent, content_type="application/fhir+json")


def broken_off() -> Response:
    return Response(iter([b'{"resource']), 200, {"Content-Length": "5000"})


def outcome(code: str, severity: str = "error") -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


# Bundles


@pytest.mark.parametrize(
    "odd",
    [
        {"total": "1"},
        {"total": 1.0},
        {"total": -1},
        {"total": {}},
        {"type": 7},
        {"link": {"relation": "self", "url": "https://ehr.example.org"}},
        {"link": [None, {"relation": 1, "url": 2}, {"relation": "next", "url": None}]},
        {"entry": [None, {"resource": CONDITION, "search": "match"}]},
        {"entry": [{"resource": CONDITION, "search": {"mode": 1}}, {"resource": None}]},
        {"entry": [{"resource": CONDITION, "response": {"status": 200, "etag": 3}}]},
    ],
)
def test_an_odd_part_of_a_bundle_does_not_spoil_the_rest(
    odd: Json, ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic")
    fake.page(CONDITION, pattern="^Condition", **odd)
    assert connect(fake).search("Condition", {"patient": "p1"}) == [CONDITION]


def test_a_total_that_is_text_counts(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", total="2")
    assert read_patient(connect(fake), "p1").unread == {"Condition"}


def test_where_json_breaks_is_told(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic")
    fake.inject(answered(b'{"resourceType":"Bundle","total":NaN}'), pattern="^Condition")
    with pytest.raises(
        BadAnswer, match=r"not a FHIR Bundle \(invalid character \(byte 33\)\)\. Te"
    ):
        connect(fake).search("Condition", {"patient": "p1"})


@pytest.mark.parametrize("mode", ["epic", "medplum"])
def test_an_outcome_instead_of_results_names_the_type(
    mode: str, ehr: Make, connect: Connect
) -> None:
    """By itself, and in a batch."""
    fake = ehr(mode).load(chart())
    fake.fail("^Coverage", 200, body=outcome("not-found"))
    pull = read_patient(connect(fake), "p1")
    assert pull.unread == {"Coverage"}
    (problem,) = pull.problems
    assert problem["problem"].endswith("answered with 200 and an OperationOutcome (not-found)")


@pytest.mark.parametrize("said", [200, "HTTP/1.1 200 OK", None])
def test_a_batch_s_status_as_servers_write_it(said: object, ehr: Make, connect: Connect) -> None:
    fake = ehr("medplum").load(chart())
    usual = fake._bundle

    def odd(body: Json) -> Any:
        status, made, headers = usual(body)
        for entry in (made or {})["entry"]:
            entry["response"] = {"status": said} if said else None
        return status, made, headers

    fake._bundle = odd  # type: ignore[method-assign]
    pull = read_patient(connect(fake), "p1")
    assert (len(pull.resources), pull.problems) == (len(chart()), [])


# Versions


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-11-01T10:00:00+05:00", "2026-11-01T09:00:00Z"),
        ("2026-11-01T09:00:00.12Z", "2026-11-01T09:00:00.123Z"),
        ("2026-11-01T09:00:00Z", "2026-11-01T09:00:00.5Z"),
        ("2026-11-01T01:30:00-04:00", "2026-11-01T01:10:00-05:00"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_later_of_two_versions_counts_whatever_their_times_look_like(
    turned: bool, first: str, second: str, ehr: Make, connect: Connect
) -> None:
    """A dose that was withdrawn between two pages must not come back."""
    given = administration("ma1", meta={"versionId": "a7", "lastUpdated": first})
    withdrawn = given | {
        "status": "entered-in-error",
        "meta": {"versionId": "9b", "lastUpdated": second},
    }
    fake = ehr("epic").load(chart())
    two = [withdrawn, given] if turned else [given, withdrawn]
    fake.page(*two, pattern="^MedicationAdministration")
    pull = read_patient(connect(fake), "p1")
    doses = [r for r in pull.resources if r["resourceType"] == "MedicationAdministration"]
    assert [dose["status"] for dose in doses] == ["entered-in-error"]


# What the server says of itself


def said(**more: Any) -> Json:
    statement = modes.statement(modes.EPIC)
    return statement | {"rest": [statement["rest"][0] | more]}


def test_a_type_that_is_listed_twice_is_taken_together() -> None:
    listed = said()["rest"][0]["resource"]
    again = [{"type": "MedicationAdministration", "interaction": [{"code": "read"}]}]
    capability = read_statement(
        Site.adhoc("https://ehr.example.org"), said(resource=listed + again)
    )
    assert capability.searches_by("MedicationAdministration", "patient")


def test_odd_parts_of_a_statement_are_passed_over() -> None:
    odd = {
        "type": "Condition",
        "interaction": {"code": "read"},
        "searchParam": [None, {"name": None}, {"name": 7}],
        "searchInclude": 7,
    }
    listed = [odd, None, "text", {"type": 7}]
    capability = read_statement(
        Site.adhoc("https://ehr.example.org"),
        said(resource=listed, interaction=[None, {"code": None}]) | {"software": "text"},
    )
    assert "Condition" in capability.searched
    assert not capability.batch


@pytest.mark.parametrize(
    ("version", "kind", "is_read"),
    [
        ("1.0.2", "Conformance", False),
        ("3.0.2", "CapabilityStatement", False),
        ("4.0.1", "CapabilityStatement", True),
        ("4.3.0", "CapabilityStatement", True),
        ("5.0.0", "CapabilityStatement", True),
        (4, "CapabilityStatement", True),
        (None, "CapabilityStatement", True),
    ],
)
def test_no_chart_is_read_in_an_older_fhir(
    version: object, kind: str, is_read: bool, ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic").load(chart())
    statement = modes.statement(fake.mode) | {"fhirVersion": version, "resourceType": kind}
    fake.inject(answered(statement), pattern="metadata")
    if is_read:
        assert read_patient(connect(fake), "p1").problems == []
    else:
        with pytest.raises(ConfigurationError, match=f"FHIR {version}, and ferroclaim reads R4"):
            read_patient(connect(fake), "p1")


def test_what_every_line_needs_is_asked_for_whatever_parameters_are_listed(
    ehr: Make, connect: Connect
) -> None:
    """Nothing asked would look like no result: a gap that is none."""
    fake = ehr("epic").load(chart())
    statement = modes.statement(fake.mode)
    for listed in statement["rest"][0]["resource"]:
        if listed["type"] in ("Observation", "MedicationAdministration", "Procedure"):
            listed["searchParam"] = [{"name": "category"}]
    fake.inject(answered(statement), pattern="metadata")
    pull = read_patient(connect(fake), "p1")
    assert {"f1", "ma1"} <= {resource["id"] for resource in pull.resources}
    assert pull.not_offered >= {"Procedure"}


def test_a_gap_says_which_evidence_the_server_does_not_give(ehr: Make, connect: Connect) -> None:
    resources = builders.chart(builders.commercial(), without=("intolerance",))
    fake = ehr("epic").load(json.loads(encode(resources)))
    statement = modes.statement(fake.mode)
    listed = statement["rest"][0]["resource"]
    listed[:] = [kind for kind in listed if kind["type"] != "AllergyIntolerance"]
    fake.inject(answered(statement), pattern="metadata")
    fake.inject(answered(outcome("forbidden"), 403), pattern="MedicationStatement")
    client = connect(fake, time_zone="America/New_York")
    pull = read_patient(client, builders.PATIENT)
    as_of = datetime(2026, 11, 23, tzinfo=UTC)
    found = check_pull(pull, client.site, policies_for(client.site), as_of).assessment
    fixes = {gap.requirement: gap.fix for gap in found.gaps}
    said = "Not seen, as the EHR does not give them: allergies, medication lists."
    assert fixes["oral-iron-history"].endswith(said)
    assert not any(said in (one.fix or "") for one in found.requirements if one.state == "met")


@pytest.mark.parametrize("listed", ["patient", "subject"])
def test_the_one_of_patient_and_subject_that_is_listed_is_asked_by(listed: str) -> None:
    observation = {"type": "Observation", "searchParam": [{"name": listed}, {"name": "code"}]}
    site = Site.adhoc("https://ehr.example.org", vendor="generic")
    capability = read_statement(site, said(resource=[observation]))
    asked = [dict(query.params) for query in queries(capability, "p1", site)]
    wanted = {"patient": "p1", "subject": "Patient/p1"}[listed]
    assert asked
    assert all(one[listed] == wanted for one in asked)


# HTTP


@pytest.mark.parametrize("wait", ["soon", "0.2", "-5", "", "2026-11-30T10:00:00Z"])
def test_a_wait_that_cannot_be_understood_is_none(wait: str, ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(answered(b"", 429, Retry_After=wait), pattern="^Condition")
    client = connect(fake, limits={"retries": 1})
    assert len(client.search("Condition", {"patient": "p1"})) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(broken_off(), pattern="^Condition")
    client = connect(fake, limits={"retries": 1})
    assert len(client.search("Condition", {"patient": "p1"})) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (broken_off(), "broke off in the middle of an answer"),
        (answered(b"{}", Content_Encoding="gzip"), "compressed an answer in another way"),
    ],
)
def test_a_connection_that_is_of_no_use_is_not_called_none(
    answer: Response, says: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(answer, pattern="^Condition")
    with pytest.raises((BadAnswer, Unreachable), match=says):
        connect(fake, limits={"retries": 0}).search("Condition", {"patient": "p1"})


@pytest.mark.parametrize("mode", ["epic", "medplum"])
def test_a_type_that_is_not_implemented_is_named(mode: str, ehr: Make, connect: Connect) -> None:
    fake = ehr(mode).load(chart())
    fake.fail("^Procedure", 501, times=9)
    assert read_patient(connect(fake), "p1").unread == {"Procedure"}


@pytest.mark.parametrize("mode", ["epic", "medplum"])
@pytest.mark.parametrize("part", ["^Procedure", "^Medication/m1", "^Location/l1"])
def test_what_a_server_fails_at_for_good_is_left_out_and_named(
    part: str, mode: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    fake.fail(part, 500, times=99)
    with pytest.raises(Unreachable):
        read_patient(connect(fake, limits={"retries": 0}), "p1")
    pull = read_patient(connect(fake, limits={"retries": 0}), "p1", lenient=True)
    kind = part[1:].split("/", maxsplit=1)[0]
    assert pull.unread == {kind}
    assert "500" in next(p["problem"] for p in pull.problems if kind in p["resource"])


@pytest.mark.parametrize(
    ("part", "status"), [("^MedicationAdministration", 500), ("^Patient", 500), ("^Procedure", 503)]
)
def test_what_nothing_can_be_said_without_and_what_passes_is_not_left_out(
    part: str, status: int, ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic").load(chart())
    fake.fail(part, status, times=99)
    with pytest.raises(Unreachable):
        read_patient(connect(fake, limits={"retries": 0}), "p1", lenient=True)


# Writing


class Keeper:
    """A server that stores something else than it was sent; `ledger` is the service's."""

    def __init__(self, fake: FakeEhr, connect: Connect, changed: Callable[[Json], Json]) -> None:
        self.fake, self.client, self.ledger = fake, connect(fake), MemoryLedger()
        usual = fake.store
        fake.store = lambda resource: usual(changed(resource))  # type: ignore[method-assign]

    def write(self, **issue: Any) -> Outcome:
        there = self.fake.of("DetectedIssue")
        port = write_back_for(self.client, self.ledger)
        return port.put_all([detected_issue("a", **issue)], there)[0]


def without(*names: str) -> Callable[[Json], Json]:
    return lambda sent: {name: value for name, value in sent.items() if name not in names}


CHANGES = {
    "extension": without("extension", "evidence"),
    "tags": without("meta"),
    "code": without("code"),
    "display": lambda sent: sent | {"patient": {"reference": "Patient/p1", "display": "Ada"}},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mode", ["hapi", "medplum"])
def test_what_a_server_made_of_a_write_is_not_written_again(
    change: str, mode: str, ehr: Make, connect: Connect
) -> None:
    server = Keeper(ehr(mode), connect, CHANGES[change])
    assert [server.write().result for _ in range(3)] == ["created", "unchanged", "unchanged"]
    assert server.write(status="final").result == "updated"
    assert server.write(status="final").result == "unchanged"


def test_what_somebody_wrote_since_is_merged_all_the_same(ehr: Make, connect: Connect) -> None:
    server = Keeper(ehr("medplum"), connect, without("extension"))
    server.write()
    (issue,) = server.fake.of("DetectedIssue")
    server.fake.store(issue | {"detail": None, "severity": "high"})
    assert server.write().result == "updated"


@pytest.mark.parametrize("mode", ["hapi", "medplum"])
@pytest.mark.parametrize("together", [True, False])
def test_a_server_that_drops_identifiers_gets_no_second_one(
    together: bool, mode: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode)
    server = Keeper(fake if together else single(fake), connect, without("identifier"))
    first = server.write()
    assert (first.result, "keeps no identifier" in first.message) == ("created", not together)
    assert [server.write().result for _ in range(2)] == ["unchanged", "unchanged"]
    assert len(server.fake.of("DetectedIssue")) == 1


def test_one_that_somebody_took_away_is_made_again(ehr: Make, connect: Connect) -> None:
    server = Keeper(ehr("medplum"), connect, without("identifier"))
    server.write()
    server.fake.resources = {}
    assert server.write().result == "created"


def single(fake: FakeEhr) -> FakeEhr:
    fake.mode = replace(fake.mode, transaction=False, conditional_create=False)
    return fake


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (answered(outcome("processing")), "refused"),
        (answered(outcome("not-supported"), 501), "refused"),
        (answered(b"", 302, Location="/elsewhere"), "refused"),
        (answered(outcome("exception"), 500), "unknown"),
        (answered(outcome("informational", "information"), 201), "created"),
    ],
    ids=["outcome", "not implemented", "redirect", "trouble", "only informed"],
)
def test_what_a_write_is_answered_with(
    answer: Response, result: str, ehr: Make, connect: Connect
) -> None:
    fake = single(ehr("medplum"))
    fake.inject(answer, method="POST", pattern="^DetectedIssue")
    assert write_back_for(connect(fake)).put_all([detected_issue("a")])[0].result == result


@pytest.mark.parametrize("place", ["http://[nowhere", "12", "", "/", "//", "::"])
def test_a_location_that_is_none(place: str) -> None:
    write = Write("a", detected_issue("a"), {"resourceType": "DetectedIssue"})
    assert located(Answer(201, {"Location": place}, b""), write) == (None, None)


@pytest.mark.parametrize(
    ("status", "result"), [("422 x", "refused"), ("503", "unknown"), (201, "created")]
)
def test_an_entry_of_a_transaction_that_went_through_says_what_became_of_it(
    status: object, result: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr("medplum")
    fake.mode = replace(fake.mode, writes={"DetectedIssue": modes.ALL})
    entry = {"response": {"status": status}}
    made = {"resourceType": "Bundle", "type": "transaction-response", "entry": [entry]}
    fake.inject(answered(made), method="POST")
    assert write_back_for(connect(fake)).put_all([detected_issue("a")])[0].result == result


# Addresses: a server behind a proxy calls itself something else


def behind_a_proxy(**settings: Any) -> Site:
    return Site.adhoc("https://ehr.example.org/fhir", **settings)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("http://ehr.example.org/fhir?_getpages=7", "https://ehr.example.org/fhir?_getpages=7"),
        ("http://ehr.example.org/fhir/Condition?p=2", "https://ehr.example.org/fhir/Condition?p=2"),
        ("http://inside:8080/r4/Condition?p=2", "https://ehr.example.org/fhir/Condition?p=2"),
        ("http://inside:8080/r4", "https://ehr.example.org/fhir"),
        ("http://inside:8080/r4x/Condition", None),
        ("http://inside:8081/r4/Condition", None),
        ("http://ehr.example.org.evil/fhir", None),
        ("http://ehr.example.org:81/fhir", None),
    ],
)
def test_what_a_server_calls_itself_is_asked_at_the_base(address: str, asked: str | None) -> None:
    site = behind_a_proxy(other_addresses=["http://inside:8080/r4/"])
    with Transport(site) as transport:
        if asked:
            assert transport.url(address) == asked
        else:
            with pytest.raises(LeadsElsewhere, match="or name that in other_addresses"):
                transport.url(address)


def test_an_address_of_the_server_is_one() -> None:
    with pytest.raises(ConfigurationError, match="must begin with http"):
        behind_a_proxy(other_addresses=["ehr.example.org"])


def test_a_chart_whose_references_name_another_address(ehr: Make, connect: Connect) -> None:
    inside = "http://inside:8080/fhir"
    fake = ehr("epic").load(chart())
    usual = fake.answer

    def calling_itself_so(*asked: Any) -> Any:
        status, made, headers = usual(*asked)
        text = json.dumps(made).replace('"reference": "', f'"reference": "{inside}/')
        return status, json.loads(text), headers

    fake.answer = calling_itself_so  # type: ignore[assignment, method-assign]
    says = "names a patient of another server (http://inside:8080); not used"
    told = read_patient(connect(fake), "p1").problems
    assert all(problem["problem"].startswith(says) for problem in told)
    assert len(told) == 6
    pull = read_patient(connect(fake, other_addresses=[inside]), "p1")
    assert (len(pull.resources), pull.problems) == (len(chart()), [])


# Signing in


SECRET = {"method": "client_secret_basic", "client_id": "us", "client_secret": "s3cret"}


def signing_in(server: HTTPServer, configuration: Response, token: Response) -> None:
    server.expect_request("/fhir/.well-known/smart-configuration").respond_with_response(
        configuration
    )
    server.expect_request("/token").respond_with_response(token)
    site = Site.adhoc(server.url_for("/fhir"), auth=SECRET, limits={"retries": 0})
    assert authorization_for(site, Tokens()).headers() == {"Authorization": "Bearer t"}


NAMED = {"token_endpoint": "/token"}
TOKEN = {"access_token": "t", "token_type": "bearer", "expires_in": 300}


@pytest.mark.parametrize("status", [200, 201])
def test_a_token_is_one_whatever_the_success_is_called(ehr_server: HTTPServer, status: int) -> None:
    signing_in(ehr_server, answered(NAMED), answered(TOKEN, status))


@pytest.mark.parametrize(
    ("configuration", "token", "kind", "says"),
    [
        (
            answered({"token_endpoint": "http://[nowhere"}),
            answered(TOKEN),
            ConfigurationError,
            "is no address. Set auth.token_url",
        ),
        (
            answered({"token_endpoint": "https://host:443:443/token"}),
            answered(TOKEN),
            ConfigurationError,
            "is no address. Set auth.token_url",
        ),
        (answered(b"", 503), answered(TOKEN), Unreachable, "503 and names no token endpoint. Try"),
        (answered(b"", 404), answered(TOKEN), ConfigurationError, "Check base_url, or set auth."),
        (answered(NAMED), answered(b"<html>", 404), Unauthorized, "404. Check auth.token_url"),
        (answered(NAMED), answered(b"", 302, Location="/"), Unauthorized, "Check auth.token_url"),
        (answered(NAMED), answered(b"", 401), Unauthorized, "401. Check client_id"),
        (
            answered(NAMED),
            answered({"error": "invalid_client"}),
            Unauthorized,
            r"200 (invalid_client). Check client_id",
        ),
    ],
)
def test_a_way_in_that_is_none_is_told(
    configuration: Response,
    token: Response,
    kind: type[Exception],
    says: str,
    ehr_server: HTTPServer,
) -> None:
    with pytest.raises(kind, match=re.escape(says)):
        signing_in(ehr_server, configuration, token)
