"""Where files of an export lie, and who is given the token."""

from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.configuration.site import Site
from integration.ehr.transport.downloading import Downloading
from integration.ehr.transport.http import Transport
from integration.errors import (
    LeadsElsewhere,
    Unauthorized,
)
from tests.bulk.exporting import (
    CHART,
    Seen,
    chart_file,
    content,
    fetch,
    signed_in,
)
from tests.fakes.bulk_data import lines


def test_files_get_the_token_where_they_need_it(
    fake: Any, ehr_server: HTTPServer, tmp_path: Path, seen: Seen
) -> None:
    access = signed_in(ehr_server, tmp_path)
    server = fake(chart_file(), needs_token=True, authorization=access["authorization"])
    fetch(server, tmp_path, seen, auth=access["auth"])
    assert [row["Authorization"][:7] for row in server.headers_of("GET /files")] == ["Bearer "]
    assert "Authorization" in server.headers_of("DELETE")[0]


def test_files_get_no_token_where_they_need_none(
    fake: Any, ehr_server: HTTPServer, tmp_path: Path, seen: Seen
) -> None:
    access = signed_in(ehr_server, tmp_path)
    server = fake(chart_file(), authorization=access["authorization"])
    fetch(server, tmp_path, seen, auth=access["auth"])
    assert [row for row in server.headers_of("GET /files") if "Authorization" in row] == []


def test_tokens_that_end_on_the_way_are_renewed(
    fake: Any, ehr_server: HTTPServer, tmp_path: Path, seen: Seen
) -> None:
    access = signed_in(ehr_server, tmp_path, uses=2)
    files = [chart_file() for _ in range(5)]
    server = fake(*files, needs_token=True, authorization=access["authorization"])
    fetch(server, tmp_path, seen, auth=access["auth"], limits={"connections": 2})
    assert len(access["authorization"].forms) > 2
    assert len(content(tmp_path)) == 5


@pytest.mark.parametrize("needs_token", [True, False])
def test_files_elsewhere(
    fake: Any,
    ehr_server: HTTPServer,
    other: HTTPServer,
    tmp_path: Path,
    seen: Seen,
    needs_token: bool,
) -> None:
    access = signed_in(ehr_server, tmp_path)
    other.expect_request("/1").respond_with_data(lines(*CHART))
    file = chart_file(url=other.url_for("/1"))
    server = fake(file, needs_token=needs_token, authorization=access["authorization"])
    fetch(server, tmp_path, seen, auth=access["auth"])
    (asked,) = other.log
    assert ("Authorization" in asked[0].headers) == needs_token
    assert len(content(tmp_path)) == 1


def test_where_a_file_leads_elsewhere_the_token_stays(
    fake: Any, ehr_server: HTTPServer, other: HTTPServer, tmp_path: Path, seen: Seen
) -> None:
    """As at Oracle, to a signed address of a storage."""
    access = signed_in(ehr_server, tmp_path)
    other.expect_request("/1").respond_with_data(lines(*CHART))
    leads = Response(status=307, headers={"Location": other.url_for("/1")})
    file = chart_file(answers=[leads])
    server = fake(file, needs_token=True, authorization=access["authorization"])
    fetch(server, tmp_path, seen, auth=access["auth"])
    assert "Authorization" in server.headers_of("GET /files")[0]
    assert "Authorization" not in other.log[0][0].headers
    assert content(tmp_path) == {"Patient.00001.ndjson": lines(*CHART)}


def test_a_token_that_is_wanted_against_the_lists_word_is_said(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    with pytest.raises(Unauthorized, match="says that it needs no token"):
        fetch(fake(chart_file(answers=[Response(status=401)])), tmp_path, seen)


HOSPITAL = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("base_url", "url", "says"),
    [
        (HOSPITAL, "http://files.example.org/1", "not by https"),
        (HOSPITAL, "ftp://files.example.org/1", "by ftp"),
        (HOSPITAL, "file:///etc/passwd", "by file"),
        (HOSPITAL, "https://user:pass@files.example.org/1", "login"),
        (HOSPITAL, "https://127.0.0.1/1", "within this machine"),
        (HOSPITAL, "https://localhost/1", "within this machine"),
        (HOSPITAL, "https://169.254.169.254/latest", "within this machine"),
        (HOSPITAL, "https://files.example.org:443:443/1", "no address"),
        ("http://127.0.0.1:8080/fhir", "http://files.example.org/1", "not by https"),
    ],
)
def test_an_address_of_a_file_that_is_not_asked(base_url: str, url: str, says: str) -> None:
    with (
        Transport(Site.adhoc(base_url)) as transport,
        Downloading(transport) as downloading,
        pytest.raises(LeadsElsewhere, match=says) as refused,
    ):
        downloading.checked(url)
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (HOSPITAL, "https://bucket.storage.example.com/1?signature=x"),
        (HOSPITAL, "/fhir/Binary/1"),
        ("http://hapi:8080/fhir", "http://hapi:8080/fhir/Binary/1"),
        ("http://127.0.0.1:8080/fhir", "http://localhost:9090/1"),
    ],
)
def test_an_address_of_a_file_that_is_asked(base_url: str, url: str) -> None:
    with Transport(Site.adhoc(base_url)) as transport, Downloading(transport) as downloading:
        assert downloading.checked(url).endswith(url)
