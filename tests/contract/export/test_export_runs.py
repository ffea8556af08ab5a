"""An export that ends, or is stopped, or is begun again; and the command."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.bulk.export.asking import ExportRequest, instant
from integration.bulk.export.fetching import LAST
from integration.bulk.export.files import CHUNK_BYTES, Fetcher
from integration.bulk.export.pausing import Pause
from integration.errors import (
    BadAnswer,
    ConfigurationError,
    EhrError,
)
from tests import builders
from tests.bulk.exporting import (
    CHART,
    GROUP,
    Seen,
    assessed,
    chart_file,
    content,
    export,
    fetch,
    signed_in,
)
from tests.fakes.bulk_data import File, lines, outcome


@pytest.mark.parametrize(("status", "warned"), [(202, 0), (404, 0), (500, 1), (405, 1)])
def test_the_server_is_told_at_the_end(
    fake: Any, tmp_path: Path, seen: Seen, status: int, warned: int
) -> None:
    server = fake(chart_file(), deletion=status)
    fetch(server, tmp_path, seen)
    assert server.requests[-1] == "DELETE /fhir/jobs/1"
    assert len(seen.warned) == warned


def test_addresses_that_expired_are_asked_for_again(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file(), chart_file(answers=[Response(status=403)]))
    fetch(server, tmp_path, seen)
    assert server.jobs == 1
    assert len(server.asked("GET /fhir/jobs")) == 2
    assert len(content(tmp_path)) == 2


def test_an_export_that_ends_half_way_is_begun_anew(fake: Any, tmp_path: Path, seen: Seen) -> None:
    gone = Response(status=410)
    server = fake(chart_file(), chart_file(answers=[gone, gone]))
    fetch(server, tmp_path, seen)
    assert server.jobs == 2
    assert "DELETE /fhir/jobs/1" in server.requests
    assert len(content(tmp_path)) == 2
    (warning,) = seen.warned
    assert warning.startswith("the export ended half-way (a file of the export was answered with")
    assert "begun anew" in warning


def test_an_export_that_ends_half_way_again_is_an_error(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    server = fake(chart_file(answers=[Response(status=410)] * 9))
    with pytest.raises(EhrError, match=r"410\..*ask the EHR's administrator to keep them"):
        fetch(server, tmp_path, seen)
    assert server.jobs == 2


def test_a_list_that_was_made_anew_is_another_export(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file(), chart_file(answers=[Response(status=400)]))
    with pytest.raises(BadAnswer):
        fetch(server, tmp_path, seen)
    server.transaction_time = "2026-11-24T10:00:00Z"
    found = fetch(server, tmp_path, seen)
    assert (server.jobs, found.transaction_time) == (2, "2026-11-24T10:00:00Z")


def test_a_run_that_was_stopped_asks_for_no_other_export(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    server = fake(chart_file(), before=[Response(status=202)])

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    seen.pause = Pause(stop)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, seen)
    seen.pause = Pause(seen.waited.append)
    fetch(server, tmp_path, seen)
    assert server.jobs == 1
    assert "the export that was stopped goes on" in seen.said


def test_files_that_are_here_are_not_fetched_again(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file())
    fetch(server, tmp_path, seen)
    before = len(server.requests)
    fetch(server, tmp_path, seen)  # the run was stopped while it assessed
    assert len(server.requests) == before


def test_the_next_run_takes_the_place_of_the_last(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file())
    client = export(server, tmp_path, seen)
    with client.transport:
        client.fetch(GROUP)
        client.finish()
        server.pages = [[chart_file(*CHART[:3])]]
        client.fetch(GROUP)
    assert server.jobs == 2
    assert content(tmp_path) == {"Patient.00001.ndjson": lines(*CHART[:3])}
    assert [path.name for path in (tmp_path / "export").iterdir()] == ["002"]


def test_what_changed_since_the_last_export_is_added(fake: Any, tmp_path: Path, seen: Seen) -> None:
    server = fake(chart_file())
    client = export(server, tmp_path, seen)
    changed = builders.administration(dose="100 mg", meta={"versionId": "2"})
    with client.transport:
        client.fetch(GROUP)
        client.finish()
        server.pages = [[chart_file(changed)]]
        found = client.fetch(ExportRequest("Group/g1", since=LAST))
    last = urlsplit(server.asked("GET /fhir/Group")[-1])
    assert parse_qs(last.query)["_since"] == ["2026-11-23T10:00:00Z"]
    (patient,) = assessed(found, tmp_path)
    assert [row["units"] for row in patient["lines"]] == [100]


@pytest.mark.parametrize("level", ["Group/g1", "Patient"])
def test_since_the_last_needs_one_of_the_same(
    fake: Any, tmp_path: Path, seen: Seen, level: str
) -> None:
    client = export(fake(chart_file()), tmp_path / level, seen)
    with client.transport:
        if level == "Patient":
            client.fetch(GROUP)
            client.finish()
        with pytest.raises(ConfigurationError, match="there is none"):
            client.fetch(ExportRequest(level, since=LAST))


def test_an_unfinished_export_of_something_else_is_kept(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    server = fake(chart_file())
    fetch(server, tmp_path, seen)
    with pytest.raises(ConfigurationError, match=r"something else.*--cancel"):
        fetch(server, tmp_path, seen, ExportRequest("Patient"))
    assert server.jobs == 1


def test_what_was_exported_apart_goes_on_and_is_replaced_with_the_rest(
    fake: Any, tmp_path: Path, seen: Seen
) -> None:
    server = fake(chart_file())
    asked = ExportRequest("Group/g1", ("Patient", "Location"), may_narrow=True)
    client = export(server, tmp_path, seen)
    with client.transport:
        server.refusals = [Response(status=400), None, Response(status=405), Response(status=400)]
        client.fetch(asked)
        server.refusals.clear()
        client.fetch(asked)  # the run was stopped while it assessed
        assert server.jobs == 2
        client.finish()
        client.fetch(asked)
    assert [path.name for path in sorted((tmp_path / "export").iterdir())] == ["002"]


@pytest.mark.parametrize("files", [[], [File("Patient", b"")]])
def test_an_empty_export_is_said(fake: Any, tmp_path: Path, seen: Seen, files: list[File]) -> None:
    server = fake(*files)
    with pytest.raises(ConfigurationError, match="holds no resource"):
        fetch(server, tmp_path, seen)
    server.pages = [[chart_file()]]
    fetch(server, tmp_path, seen)
    assert server.jobs == 2


def test_nobody_else_may_read_what_was_exported(fake: Any, tmp_path: Path, seen: Seen) -> None:
    fetch(fake(chart_file()), tmp_path, seen)
    for name in ("export", "export-messages", ".bulk-export"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("2026-11-23T12:00:00-05:00", "2026-11-23T12:00:00-05:00"),
    ],
)
def test_since_is_an_instant(text: str, expected: str) -> None:
    assert instant(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-11-23T12:00:00", "2026-13-01", "20261123xx"])
def test_since_is_nothing_else(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--since"):
        instant(text)


def test_the_command_exports_and_assesses(fake: Any, ferroclaim: Any, tmp_path: Path) -> None:
    server = fake(chart_file())
    asked = ("--as-of", "2026-11-23", "--workers", "1")
    status, out, err = ferroclaim(
        "bulk", server.base_url, "--out", tmp_path, "--group", "g1", *asked
    )
    assert (status, err.splitlines()) == (0, ["the server has begun the export"])
    assert "1 patient with an intravenous iron, 1 dose." in out
    assert f"{tmp_path}/export: as of 2026-11-23T10:00:00Z" in out
    (kinds,) = parse_qs(urlsplit(server.asked("GET /fhir/Group")[0]).query)["_type"]
    assert "MedicationAdministration" in kinds
    assert "DetectedIssue" not in kinds


def test_a_command_that_was_killed_goes_on_in_the_middle_of_a_file(
    fake: Any, ferroclaim: Any, tmp_path: Path
) -> None:
    hold = threading.Event()
    filler = (builders.ferritin(50, id=f"f{n}", text={"div": "x" * 900}) for n in range(600))
    file = chart_file(*CHART, *filler, cut=[400_000], hold=hold)
    server = fake(chart_file(*CHART[:2]), file)
    command = ("bulk", server.base_url, "--out", str(tmp_path), "--all", "--workers", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "ferroclaim", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    part = tmp_path / ".bulk-export/unfinished/001-00002"
    deadline = time.monotonic() + 30
    while (
        not (part.exists() and part.stat().st_size == CHUNK_BYTES) and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    hold.set()
    process.wait()
    status, out, err = ferroclaim(*command)
    assert status == 0, err
    assert server.headers_of("GET /files/0/0/1")[-1]["Range"] == f"bytes={CHUNK_BYTES}-"
    assert len(server.asked("GET /files/0/0/0")) == 1
    assert server.jobs == 1
    assert "1 patient with an intravenous iron, 1 dose." in out


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_says_how_to_go_on(fake: Any, tmp_path: Path) -> None:
    server = fake(chart_file(), before=[Response(status=202, headers={"Retry-After": "60"})])
    process = subprocess.Popen(
        [sys.executable, "-m", "ferroclaim", "bulk", server.base_url, "--out", tmp_path, "--all"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not server.asked("GET /fhir/jobs") and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "The export goes on at the server: run the same command again to go on with it, or with"
        " --cancel to end it."
    )
    assert server.asked("DELETE") == []


def test_a_folder_that_can_not_be_written_is_said(
    fake: Any, ferroclaim: Any, tmp_path: Path
) -> None:
    server = fake(chart_file())
    (tmp_path / "out").write_text("no folder", "utf-8")
    status, _, err = ferroclaim("bulk", server.base_url, "--out", tmp_path / "out", "--all")
    assert status == 2
    assert "can't be read or written" in err
    assert server.jobs == 0, "what can't be noted is not begun"


def test_a_full_disk_is_said_and_the_export_goes_on(
    fake: Any, ferroclaim: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fake(chart_file())
    words = ("bulk", server.base_url, "--out", tmp_path / "out", "--all", "--workers", "1")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Fetcher, "_take", full)
        status, _, err = ferroclaim(*words)
    assert (status, "no space left" in err) == (2, True)
    assert ferroclaim(*words)[0] == 0
    assert server.jobs == 1


def test_the_command_ends_an_export(fake: Any, ferroclaim: Any, tmp_path: Path) -> None:
    server = fake(before=[Response(status=400)])
    command = ("bulk", server.base_url, "--out", tmp_path, "--system")
    assert ferroclaim(*command)[0] == 2
    status, out, _ = ferroclaim(*command, "--cancel")
    assert (status, out) == (0, "The export was ended.\n")
    assert server.requests[-1] == "DELETE /fhir/jobs/1"
    assert "no unfinished export" in ferroclaim(*command, "--cancel")[1]


def test_the_command_takes_a_site_by_its_name(
    fake: Any, ferroclaim: Any, ehr_server: HTTPServer, tmp_path: Path
) -> None:
    access = signed_in(ehr_server, tmp_path)
    server = fake(chart_file(), needs_token=True, authorization=access["authorization"])
    config = tmp_path / "ferroclaim.toml"
    config.write_text(
        f"""
[sites.general]
base_url = "{server.base_url}"
time_zone = "America/New_York"
[sites.general.auth]
method = "private_key_jwt"
client_id = "ferroclaim"
key_file = "keys.json"
"""
    )
    out = tmp_path / "out"
    status, said, err = ferroclaim(
        "bulk", "general", "--config", config, "--out", out, "--group", "g1", "--workers", "1"
    )
    assert status == 0, err
    assert "1 patient with" in said
    assert "system/MedicationAdministration.rs" in access["authorization"].forms[0]["scope"]


def test_a_site_that_only_people_read_is_asked_nothing(
    fake: Any, ferroclaim: Any, tmp_path: Path
) -> None:
    server = fake(chart_file())
    config = tmp_path / "ferroclaim.toml"
    site = f'base_url = "{server.base_url}"\ntime_zone = "UTC"\napp.client_id = "app"'
    config.write_text(f'web.public_url = "http://127.0.0.1"\n[sites.general]\n{site}\n')
    words = "bulk", "general", "--config", config, "--out", tmp_path / "out", "--all"
    status, _, err = ferroclaim(*words)
    assert (status, server.requests) == (2, [])
    assert "Only people may read site general" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Say what to export: --group ID, --all or --system"),
        (["--group", "g1", "--all"], "Say what to export"),
        (["--system", "--patient", "p1"], "--patient goes with"),
        (["--all", "--type", "patient"], "is no list of types"),
        (["--all", "--since", "yesterday"], "--since 'yesterday' is neither"),
    ],
)
def test_a_wrong_wish_is_said(
    fake: Any, ferroclaim: Any, tmp_path: Path, words: list[str], says: str
) -> None:
    server = fake(chart_file())
    status, _, err = ferroclaim("bulk", server.base_url, "--out", tmp_path, *words)
    assert status == 2
    assert says in err
    assert server.jobs == 0


def test_nothing_is_exported_from_files(ferroclaim: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    words = ("bulk", tmp_path / "in", "--out", tmp_path / "out", "--all")
    status, _, err = ferroclaim(*words)
    assert (status, "is files: nothing is exported from it" in err) == (2, True)


def test_what_the_server_says_of_a_refusal_is_shown(
    fake: Any, ferroclaim: Any, tmp_path: Path
) -> None:
    said = json.dumps(outcome("invalid", "no such type: Wine"))
    refusal = Response(said, 400, content_type="application/fhir+json")
    server = fake(refusals=[refusal])
    words = ("bulk", server.base_url, "--out", tmp_path, "--all", "--type", "Wine")
    status, _, err = ferroclaim(*words)
    assert status == 2
    assert "The server says: no such type: Wine" in err
