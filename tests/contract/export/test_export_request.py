"""The Bulk Data client before a fake server: what it asks for, and how it waits."""

import json
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug import Response

from integration.bulk.export.asking import ExportRequest
from integration.ehr.transport.http import Transport
from integration.errors import (
    BadAnswer,
    EhrError,
    Forbidden,
    LeadsElsewhere,
    Refused,
    Unreachable,
)
from tests.bulk.exporting import (
    CHART,
    NOW,
    Seen,
    assessed,
    chart_file,
    fetch,
)
from tests.fakes.bulk_data import File, lines, outcome


@pytest.mark.parametrize(
    ("level", "path"),
    [
        ("Group/g1", "/fhir/Group/g1/$export"),
        ("Patient", "/fhir/Patient/$export"),
        ("", "/fhir/$export"),
    ],
)
def test_a_get_says_what_is_wanted(
    fake: Any, tmp_path: Path, seen: Seen, level: str, path: str
) -> None:
    server = fake(chart_file())
    asked = ExportRequest(
        level,
        ("Patient", "Observation"),
        "2026-01-01T00:00:00+00:00",
        ("Observation?category=laboratory,vital-signs", "Observation?code=x"),
        partial=True,
    )
    fetch(server, tmp_path, seen, asked)
    target = urlsplit(server.requests[0].removeprefix("GET "))
    assert target.path == path
    assert parse_qs(target.query) == {
        "_outputFormat": ["application/fhir+ndjson"],
        "_type": ["Patient,Observation"],
        "_since": ["2026-01-01T00:00:00+00:00"],
        "_typeFilter": ["Observation?category=laboratory%2Cvital-signs,Observation?code=x"],
        "allowPartialManifests": ["true"],
    }
    assert server.headers[0]["Prefer"] == "respond-async"
    assert server.headers[0]["Accept"] == "application/fhir+json"


def test_a_post_says_the_same_as_parameters(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file())
    asked = ExportRequest(
        "Group/g1", ("Patient",), "2026-01-01T00:00:00Z", patients=("p1",), partial=True
    )
    fetch(server, tmp_path, seen, asked)
    assert server.requests[0] == "POST /fhir/Group/g1/$export"
    assert server.headers[0]["Content-Type"] == "application/fhir+json"
    assert server.bodies[0] == {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
            {"name": "_type", "valueString": "Patient"},
            {"name": "_since", "valueInstant": "2026-01-01T00:00:00Z"},
            {"name": "allowPartialManifests", "valueBoolean": True},
            {"name": "patient", "valueReference": {"reference": "Patient/p1"}},
        ],
    }


def test_what_was_exported_is_assessed(fake: Any, tmp_path: Path, seen: Seen) -> None:
    by_type = [File(row["resourceType"], lines(row)) for row in CHART]
    found = fetch(fake(*by_type), tmp_path, seen)
    (patient,) = assessed(found, tmp_path)
    assert [(row["units"], row["status"]) for row in patient["lines"]] == [(200, "ready")]
    assert found.problems == ()


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_start_says_the_fix(fake: Any, tmp_path: Path, seen: Seen, status: int) -> None:
    said = json.dumps(outcome("not-supported", "_typeFilter is unknown"))
    server = fake(refusals=[Response(said, status, content_type="application/fhir+json")])
    with pytest.raises(Refused, match=rf"{status} \(not-supported\).* --type") as refused:
        fetch(server, tmp_path, seen)
    assert refused.value.own_words == "_typeFilter is unknown"
    assert "unknown" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Response(status=405), Refused, "--post"),
        (Response(status=404), EhrError, "id of the group"),
        (Response(status=403), Forbidden, "allow bulk export"),
        (Response("{}", 200), BadAnswer, "answered at once"),
        (Response(status=202), BadAnswer, "Content-Location"),
        (
            Response(status=202, headers={"Content-Location": "https://evil.example/1"}),
            LeadsElsewhere,
            "another server",
        ),
    ],
)
def test_a_start_that_is_no_start_is_said(
    fake: Any, tmp_path: Path, seen: Seen, answer: Response, kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        fetch(fake(refusals=[answer]), tmp_path, seen)


WITH_SHARED = ExportRequest("Group/g1", ("Patient", "Location", "Medication"), may_narrow=True)
NOT_WITH_PATIENTS = json.dumps(outcome("processing"))


def test_types_that_no_patient_owns_are_exported_apart_where_they_are_refused(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    """HAPI-0512."""
    server = fake(chart_file(), refusals=[Response(NOT_WITH_PATIENTS, 400)])
    found = fetch(server, tmp_path, seen, WITH_SHARED)
    starts = [urlsplit(request) for request in server.requests if "$export" in request]
    assert [(start.path, parse_qs(start.query)["_type"]) for start in starts] == [
        ("GET /fhir/Group/g1/$export", ["Patient,Location,Medication"]),
        ("GET /fhir/Group/g1/$export", ["Patient"]),
        ("GET /fhir/$export", ["Location,Medication"]),
    ]
    assert [path.name for path in sorted(found.folder.iterdir())] == ["001", "001-shared"]
    assert found.problems == ()


def test_types_that_are_exported_nowhere_are_named(fake: Any, tmp_path: Path, seen: Seen) -> None:
    refusals = [Response(NOT_WITH_PATIENTS, 400), None, Response(status=403)]
    found = fetch(fake(chart_file(), refusals=refusals), tmp_path, seen, WITH_SHARED)
    assert [problem.problem for problem in found.problems] == [
        "holds no Location, Medication: the start of the export was answered with 403"
    ]


def test_types_that_a_person_named_stay(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(refusals=[Response(status=400)])
    with pytest.raises(Refused):
        fetch(server, tmp_path, seen, ExportRequest("Group/g1", ("Patient", "Location")))
    assert server.jobs == 0


def test_the_server_says_how_long_to_wait(fake: Any, tmp_path: Path, seen: Seen) -> None:
    def under_way(**headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(status=202, headers=named)

    server = fake(
        chart_file(),
        before=[
            under_way(Retry_After="120", X_Progress="10% complete"),
            under_way(Retry_After=formatdate(NOW + 90, usegmt=True), X_Progress="10% complete"),
            under_way(Retry_After="soon", X_Progress="a\u00e9b"),
            under_way(),
        ],
    )
    fetch(server, tmp_path, seen)
    assert seen.waited == [120, 90, 4, 8]
    assert [row for row in seen.said if "says" in row] == [
        "the server says: 10% complete",
        "the server says: a?b",
    ]


def test_trouble_that_passes_is_waited_for(fake: Any, tmp_path: Path, seen: Seen) -> None:
    busy = {"Retry-After": "7"}
    transient = json.dumps(outcome("timeout"))
    server = fake(
        chart_file(answers=[Response(status=429, headers=busy), Response(status=503)]),
        refusals=[Response(status=429, headers=busy), Response(status=503)],
        before=[
            Response(status=429, headers=busy),
            Response(status=502),
            Response(transient, 500, content_type="application/fhir+json"),
        ],
    )
    fetch(server, tmp_path, seen)
    assert seen.waited == [7, 2, 7, 2, 4, 7, 2]
    assert server.jobs == 1


def test_a_job_that_failed_is_an_error(fake: Any, tmp_path: Path, seen: Seen) -> None:
    failed = Response(json.dumps(outcome("processing")), 500)
    with pytest.raises(Refused, match=r"the export failed.*500 \(processing\).*--cancel"):
        fetch(fake(before=[failed]), tmp_path, seen)


def silent(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not answer the next TIMES questions how far it is."""
    left, ask = [None] * times, Transport.ask

    def asked(self: Transport, method: str, path: str, *more: Any, **named: Any) -> Any:
        if "/jobs/" in path and left:
            left.pop()
            raise Unreachable("general", "nobody answers")
        return ask(self, method, path, *more, **named)

    monkeypatch.setattr(Transport, "ask", asked)


def test_a_server_that_is_silent_for_a_while_is_asked_again(
    fake: Any, tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(3, monkeypatch)
    server = fake(chart_file())
    fetch(server, tmp_path, seen)
    assert (seen.waited, server.jobs) == ([1, 2, 4], 1)


def test_a_server_that_stays_silent_is_given_up_and_the_export_is_kept(
    fake: Any, tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(8, monkeypatch)
    server = fake(chart_file())
    with pytest.raises(Unreachable, match="nobody answers"):
        fetch(server, tmp_path, seen)
    fetch(server, tmp_path, seen)
    assert server.jobs == 1


def test_pages_that_run_in_a_circle_are_said(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file())
    manifest = server.manifest(0)
    manifest["link"] = [{"relation": "next", "url": f"{server.base_url}/jobs/1"}]
    server.before = [Response(json.dumps(manifest), content_type="application/json")]
    with pytest.raises(BadAnswer, match="run in a circle"):
        fetch(server, tmp_path, seen)


def test_a_server_that_stays_busy_is_given_up(fake: Any, tmp_path: Path, seen: Seen) -> None:
    with pytest.raises(Unreachable, match="Wait until the other export is done"):
        fetch(fake(refusals=[Response(status=429)] * 40), tmp_path, seen)


TIME = '"transactionTime": "2026-11-23T10:00:00Z"'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "no list of files"),
        ("<html>", "not JSON"),
        (f'{{{TIME}, "output": {{"a": 1}}}}', "`output` of an export's list is no list"),
        (f'{{{TIME}, "output": [{{"type": "Patient"}}]}}', "file 1 of `output`.*no address"),
    ],
)
def test_a_list_that_is_none_is_said(
    fake: Any, tmp_path: Path, seen: Seen, text: str, says: str
) -> None:
    with pytest.raises(BadAnswer, match=says):
        fetch(fake(before=[Response(text, 200)]), tmp_path, seen)
