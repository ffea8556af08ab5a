"""`ferroclaim assess` and its kin: what a user gets for good and for bad input; never a
traceback."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_httpserver import HTTPServer

from integration.commands import inputs
from tests import builders

_encoder = msgspec.json.Encoder(decimal_format="number")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return builders.chart_file(tmp_path / "chart.json", builders.chart())


def test_a_bundle_gives_the_document(ferroclaim: Any, bundle: Path) -> None:
    run = ferroclaim(
        "assess",
        str(bundle),
        "--format",
        "json",
        "--as-of",
        "2026-11-23",
        "--time-zone",
        "America/New_York",
    )
    document = json.loads(run.out)
    assert (run.status, run.err) == (0, "")
    assert document["schema"] == "ferroclaim/assessment/2"
    assert document["asOf"] == "2026-11-23T23:59:59-05:00"
    assert [line["status"] for line in document["patients"][0]["lines"]] == ["ready"]


def test_the_chains_are_asked_for(ferroclaim: Any, bundle: Path) -> None:
    options = ("assess", str(bundle), "--format", "json", "--as-of", "2026-11-23")
    without, (line,) = ferroclaim(*options).out, _lines(ferroclaim(*options, "--trace").out)
    assert line["trace"][-1]["says"] == "ready: nothing is missing"
    assert "trace" not in without
    run = ferroclaim("assess", str(bundle), "--trace")
    assert (run.status, run.out) == (2, "")
    assert "--trace goes with --format json" in run.err


def _lines(document: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(document)["patients"][0]["lines"]
    return found


def test_a_folder_of_ndjson_gives_the_same(ferroclaim: Any, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for resource in builders.chart():
        with (folder / f"{resource['resourceType']}.ndjson").open("ab") as file:
            file.write(_encoder.encode(resource) + b"\n")
    options = ("--format", "json", "--as-of", "2026-11-23")
    assert (
        ferroclaim("assess", str(folder), *options).out
        == ferroclaim("assess", str(bundle), *options).out
    )


def test_a_broken_line_is_named_and_nothing_else_is_lost(ferroclaim: Any, tmp_path: Path) -> None:
    path = tmp_path / "chart.ndjson"
    path.write_bytes(b"\n".join([b'{"resourceType": ', *map(_encoder.encode, builders.chart())]))
    run = ferroclaim("assess", str(path), "--format", "json", "--as-of", "2026-11-23")
    assert run.status == 1
    assert "line 1 of chart.ndjson" in run.err
    document = json.loads(run.out)
    assert [problem["resource"] for problem in document["unreadable"]] == ["line 1 of chart.ndjson"]
    assert document["patients"][0]["lines"][0]["status"] == "ready"


def test_a_stray_file_is_named_and_ends_no_run(
    ferroclaim: Any, bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}')
    run = ferroclaim("assess", str(tmp_path), "--format", "json", "--as-of", "2026-11-23")
    assert run.status == 1
    assert "unreadable: package.json: is JSON, but not a FHIR" in run.err
    assert json.loads(run.out)["patients"][0]["lines"][0]["status"] == "ready"


def test_an_answer_that_is_only_an_error_is_not_nothing(ferroclaim: Any, tmp_path: Path) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]}
    path = builders.chart_file(tmp_path / "answer.json", [outcome])
    run = ferroclaim("assess", str(path), "--as-of", "2026-11-23")
    assert run.status == 1
    assert "entry 1 of answer.json: an OperationOutcome says" in run.err


def test_a_merged_patient_is_said(ferroclaim: Any, tmp_path: Path) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]
    path = builders.chart_file(
        tmp_path / "chart.json", builders.chart(builders.patient("p0", link=link))
    )
    run = ferroclaim("assess", str(path), "--as-of", "2026-11-23")
    said = "Patient/p0 was merged into Patient/p1, and is assessed with it\n"
    assert (run.status, run.err) == (0, said)


def test_the_document_goes_to_a_file(ferroclaim: Any, bundle: Path, tmp_path: Path) -> None:
    run = ferroclaim("assess", str(bundle), "--format", "json", "--out", str(tmp_path / "out.json"))
    assert (run.status, run.out) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["patients"]


def test_the_chain_of_a_line(ferroclaim: Any, bundle: Path) -> None:
    run = ferroclaim("explain", str(bundle), "--administration", "ma1", "--as-of", "2026-11-23")
    assert run.status == 0
    for said in ("J1756", "200 mg", "MedicationAdministration/ma1", "ferritin"):
        assert said in run.out


def test_the_demo_needs_nothing(ferroclaim: Any) -> None:
    run = ferroclaim("demo")
    assert run.status == 0
    assert "J1756 JW × 100" in run.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("hello", "is not JSON"),
        ("[1]", "not a FHIR Bundle"),
        ("{}", "not a FHIR Bundle"),
        ("", "is empty"),
        ("\xff", "is not JSON"),
    ],
)
def test_what_is_no_bundle_is_one_sentence(
    ferroclaim: Any, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content.encode("latin-1"))
    run = ferroclaim("assess", str(path))
    assert run.status == 2
    assert said in run.err
    assert run.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/no/such/file.json"], "Cannot read"),
        (["htps://ehr.example.org/fhir"], "begins with http:// or https://"),
        (["https:/ehr.example.org/fhir"], "begins with http:// or https://"),
        (["www.example.org/fhir"], "begins with http:// or https://"),
        (["localhost:8080/fhir"], "begins with http:// or https://"),
        (["https//ehr.example.org/fhir", "--patient", "p1"], "begins with http:// or https://"),
        (["http://127.0.0.1:9:9/fhir", "--patient", "p1"], "one port at most"),
        (["http://127.0.0.1:99999/fhir", "--patient", "p1"], "one port at most"),
        (["http://exa mple/fhir", "--patient", "p1"], "must begin with http:// or https://"),
        (["http://", "--patient", "p1"], "must begin with http:// or https://"),
        (["HTTP://127.0.0.1:9/fhir", "--patient", "p1"], "cannot be reached"),
        ([""], "Cannot read"),
        (["a\0b"], "Cannot read"),
        (["CHART", "--as-of", "yesterday"], "--as-of"),
        (["CHART", "--as-of", "2026-11-23T10:00:00"], "needs an offset"),
        (["CHART", "--time-zone", "Mars/Olympus"], "IANA"),
        (["CHART", "--patient", "p1"], "FHIR base URL"),
        (["CHART", "--write-back"], "FHIR server"),
        (["CHART", "--dry-run"], "go with --write-back"),
        (["CHART", "--limit", "3"], "go with --write-back"),
        (["CHART", "--site", "nowhere"], "No site is configured"),
        (["CHART", "--policy-dir", "/no/such/folder"], "no such folder of policies"),
        (["http://127.0.0.1:9/fhir"], "--patient"),
        (["http://127.0.0.1:9/fhir", "--patient", "p1"], "cannot be reached"),
        (["http://127.0.0.1:9/fhir", "--patient", "../x"], "FHIR id"),
        (["http://127.0.0.1:9/fhir", "--all", "--write-back"], "--dry-run first"),
    ],
)
def test_wrong_usage_is_one_sentence_with_the_fix(
    ferroclaim: Any, bundle: Path, arguments: list[str], said: str
) -> None:
    run = ferroclaim("assess", *[str(bundle) if word == "CHART" else word for word in arguments])
    assert run.status == 2
    assert said in run.err
    assert run.out == ""


def test_usage_that_typer_refuses(ferroclaim: Any, bundle: Path) -> None:
    assert ferroclaim("assess").status == 2
    assert ferroclaim("assess", str(bundle), "--format", "pdf").status == 2


@pytest.mark.parametrize(("status", "said"), [(401, "authoriz"), (403, "refuse"), (500, "")])
def test_a_server_that_says_no(
    ferroclaim: Any, httpserver: HTTPServer, status: int, said: str
) -> None:
    httpserver.expect_request("/fhir/metadata").respond_with_json(
        {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [{"mode": "server"}],
        }
    )
    httpserver.expect_request("/fhir").respond_with_data("no", status=status)
    httpserver.expect_request("/fhir/Patient/p1").respond_with_data("no", status=status)
    httpserver.expect_request("/fhir/MedicationAdministration").respond_with_data(
        "no", status=status
    )
    run = ferroclaim("assess", httpserver.url_for("/fhir"), "--patient", "p1")
    assert run.status == 2
    assert str(status) in run.err or said in run.err.lower()
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_reader_who_goes_and_a_disk_that_is_full(
    bundle: Path, form: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = [sys.executable, "-m", "integration.cli", "assess", str(bundle), "--format", form]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "ferroclaim: The system does not let it: No space left on device.\n",
    )
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_whoever_starts_us_closed_is_no_error(bundle: Path, closed: str) -> None:
    command = shlex.join([sys.executable, "-m", "integration.cli", "assess", str(bundle)])
    done = subprocess.run(  # noqa: S602 (a shell can close them)
        f"{command} {closed}", shell=True, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_user_without_a_name_is_known_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)
    assert inputs.who() == f"user {2**31 - 7}"


def test_who_runs_a_command_is_asked_in_one_place() -> None:
    commands = Path(inputs.__file__).parent
    asking = [file.name for file in commands.glob("*.py") if "getpass" in file.read_text()]
    assert asking == ["inputs.py"]


def test_an_error_nobody_foresaw_is_a_sentence_too(
    ferroclaim: Any, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("patient Jane Doe")

    monkeypatch.setattr("integration.assessing.sources.from_files", broken)
    run = ferroclaim("assess", str(bundle))
    assert run.status == 2
    assert "RuntimeError" in run.err
    assert "Jane" not in run.err
