"""Files of an export: with a token or none, from where, gone on with, counted, and what
is said beside them."""

import json
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.bulk.export import files
from integration.bulk.export.pausing import Pause
from integration.bulk.work import written
from integration.errors import (
    BadAnswer,
    Unreachable,
)
from tests import builders
from tests.bulk.exporting import (
    CHART,
    Seen,
    assessed,
    chart_file,
    content,
    fetch,
)
from tests.fakes.bulk_data import File, lines, outcome


@pytest.mark.parametrize("packed", [True, False])
def test_what_was_broken_off_goes_on(fake: Any, tmp_path: Path, seen: Seen, packed: bool) -> None:
    file = chart_file(cut=[300, 200], packed=packed)
    server = fake(file)
    fetch(server, tmp_path, seen)
    asked = server.headers_of("GET /files")
    assert [row.get("Range") for row in asked] == [None, "bytes=300-", "bytes=500-"]
    assert {row.get("If-Range") for row in asked[1:]} == {'"1"'}
    assert list(content(tmp_path).values()) == [file.sent]


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_strong_etag_a_file_is_fetched_anew(
    fake: Any, tmp_path: Path, seen: Seen, etag: str | None
) -> None:
    file = chart_file(cut=[300], etag=etag)
    server = fake(file)
    fetch(server, tmp_path, seen)
    assert [row.get("Range") for row in server.headers_of("GET /files")] == [None, None]
    assert list(content(tmp_path).values()) == [file.content]


def test_a_file_that_changed_meanwhile_is_fetched_anew(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    file = chart_file(cut=[300])
    server = fake(file)
    waited = seen.waited.append

    def change(seconds: float) -> None:
        waited(seconds)
        file.etag, file.content = '"2"', lines(*CHART[:2])

    seen.pause = Pause(change)
    fetch(server, tmp_path, seen)
    assert list(content(tmp_path).values()) == [lines(*CHART[:2])]


def test_a_file_that_changed_is_never_taken_for_the_new_one(
    fake: Any, tmp_path: Path, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the process is killed."""
    beside: list[list[str]] = []

    def noted(path: Path) -> AbstractContextManager[Path]:
        beside.append([one.name for one in path.parent.iterdir()])
        return written(path)

    monkeypatch.setattr(files, "written", noted)
    fetch(fake(chart_file(cut=[300], etag='W/"1"')), tmp_path, seen)
    assert beside == [[], []]


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=416),
        Response(b"x", 206, {"Content-Range": "bytes 0-0/1"}),
        Response(b"x", 206),
        Response(b"x", 206, {"Content-Range": "bytes 300-300/9999"}),
        Response(b"x", 206, {"Content-Range": "bytes 300-300/301", "ETag": '"2"'}),
    ],
)
def test_a_part_that_does_not_fit_is_not_taken(
    fake: Any, tmp_path: Path, seen: Seen, answer: Response
) -> None:
    file = chart_file(cut=[300])
    server = fake(file)

    def once(seconds: float) -> None:
        if not seen.waited:
            file.answers.append(answer)
        seen.waited.append(seconds)

    seen.pause = Pause(once)
    fetch(server, tmp_path, seen)
    assert list(content(tmp_path).values()) == [file.content]


def test_a_file_that_never_comes_is_given_up(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file(), chart_file(answers=[Response(status=503)] * 20))
    with pytest.raises(Unreachable, match=r"503.*Run the same command again"):
        fetch(server, tmp_path, seen)
    server.pages[0][1].answers.clear()
    fetch(server, tmp_path, seen)
    assert len(server.asked("GET /files/0/0/0")) == 1
    assert server.jobs == 1


def test_nobody_waits_for_a_file_once_the_run_ends(fake: Any, tmp_path: Path, seen: Seen) -> None:
    later = Response(status=503, headers={"Retry-After": "600"})
    server = fake(chart_file(answers=[later]), chart_file(answers=[Response(status=400)]))
    seen.pause, began = Pause(), time.monotonic()
    with pytest.raises(BadAnswer, match="answered with 400"):
        fetch(server, tmp_path, seen)
    assert time.monotonic() - began < 60
    assert len(server.asked("GET /files/0/0/0")) == 1


def test_a_count_that_is_wrong_is_named(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file(count=len(CHART)), chart_file(count=99))
    found = fetch(server, tmp_path, seen)
    (problem,) = found.problems
    assert problem.resource == "001/Patient.00002.ndjson"
    assert problem.problem == f"holds {len(CHART)} resources where the server's list says 99"
    assert len(server.asked("GET /files")) == 3  # the wrong one twice


def test_a_damaged_file_is_fetched_once_more(fake: Any, tmp_path: Path, seen: Seen) -> None:
    file = chart_file(packed=True)
    file.answers.append(Response(file.sent[:-20], headers={"Content-Encoding": "gzip"}))
    fetch(fake(file), tmp_path, seen)
    assert content(tmp_path) == {"Patient.00001.ndjson.gz": file.sent}


def test_deletions_are_applied(fake: Any, tmp_path: Path, seen: Seen) -> None:
    gone = builders.administration("gone", on="2026-11-02T09:00:00-05:00")
    request = {"method": "DELETE", "url": "MedicationAdministration/gone"}
    deleted = {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}
    server = fake(chart_file(*CHART, gone), File("Bundle", lines(deleted), "deleted"))
    (patient,) = assessed(fetch(server, tmp_path, seen), tmp_path)
    assert [row["units"] for row in patient["lines"]] == [200]
    assert [row["administration"] for row in patient["reversed"]] == [
        "MedicationAdministration/gone"
    ]


@pytest.mark.parametrize("kind", ["../../../x", "deleted", "A" * 300, "patient", "Pätient"])
def test_a_file_is_named_by_nothing_but_a_type(
    fake: Any, tmp_path: Path, seen: Seen, kind: str
) -> None:
    fetch(fake(File(kind, lines(*CHART))), tmp_path, seen)
    assert list(content(tmp_path)) == ["resources.00001.ndjson"]


@pytest.mark.parametrize("role", ["error", "outcome"])
def test_messages_of_the_server_are_named_by_their_codes(
    fake: Any, tmp_path: Path, seen: Seen, role: str
) -> None:
    said = [outcome("exception"), outcome("informational", severity="information"), {"a": 1}]
    server = fake(chart_file(), File("OperationOutcome", lines(*said), role))
    found = fetch(server, tmp_path, seen)
    assessed(found, tmp_path)
    named = [json.loads(line) for line in (tmp_path / "problems.ndjson").read_text().splitlines()]
    assert named == [
        {
            "resource": "line 1 of export-messages/001/messages.00002.ndjson",
            "problem": "the server says that something is missing in the export (exception)",
        },
        {
            "resource": "line 3 of export-messages/001/messages.00002.ndjson",
            "problem": "not an OperationOutcome",
        },
    ]
    assert b"Jane Doe" in (tmp_path / "export-messages/001/messages.00002.ndjson").read_bytes()


@pytest.mark.parametrize("partial", [True, False])
def test_lists_in_pages(fake: Any, tmp_path: Path, seen: Seen, partial: bool) -> None:
    """Version 3 of the guide; with `partial` the first page comes while the job runs."""
    said = File("OperationOutcome", lines(outcome("timeout")), "error")
    server = fake(pages=[[chart_file(*CHART[:4])], [chart_file(*CHART[4:]), said]])
    server.partial = partial
    found = fetch(server, tmp_path, seen)
    assert server.asked("GET /fhir/jobs") == ["GET /fhir/jobs/1", "GET /fhir/jobs/1?page=1"]
    assert list(content(tmp_path)) == ["Patient.00001.ndjson", "Patient.00002.ndjson"]
    assert len(found.problems) == 1
    (patient,) = assessed(found, tmp_path)
    assert len(patient["lines"]) == 1


def test_messages_that_stand_on_every_page_are_fetched_once(
    fake: Any, ehr_server: HTTPServer, tmp_path: Path, seen: Seen
) -> None:
    ehr_server.expect_request("/said").respond_with_data(lines(outcome("timeout")))
    said = [
        File("OperationOutcome", b"", "error", url=ehr_server.url_for("/said")) for _ in range(2)
    ]
    server = fake(pages=[[chart_file(), said[0]], [said[1], chart_file()]])
    assert len(fetch(server, tmp_path, seen).problems) == 1
    assert len(content(tmp_path)) == 2
