"""One chart, one answer: the page, CDS Hooks and the worker ask the same policies of the same
server, and the worker has the last word."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integration.assessing import clients
from integration.assessing.clients import policies_for
from integration.configuration.settings import Settings
from integration.errors import ConfigurationError
from integration.serving import process, tasks
from integration.store import Store, assessments, patients, worklist
from integration.store.worklist import Filters
from tests.builders import document_of
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open

ROOT = Path(__file__).parents[2]
POLICY = """\
id: medicare-part-b
version: "{version}"
title: Our own
for: {{kinds: [medicare]}}
source: "A policy of the test"
verified: true
requirements:
  laboratory:
    - {{limit: ferritin <= {limit}, units: {{ferritin: ng/mL}}, window_days: 60}}
"""


@pytest.fixture
def hospital(clinic: Open, pages_store: Store, tmp_path: Path) -> Clinic:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
    folder = tmp_path / "policies"
    folder.mkdir()
    write(folder, 500)
    made = clinic(site={"policy_dir": folder, "auth": {"method": "none"}})
    made.ehr.load(telling_chart())
    return made


def write(folder: Path, limit: int) -> None:
    (folder / "own.yaml").write_text(POLICY.format(version=limit, limit=limit))


def versions(hospital: Clinic) -> set[str]:
    """Of the policies on which the current assessment rests."""
    with hospital.store.transaction() as db:
        kept = assessments.current(db, "general", "p1")
    assert kept
    return {line.policy.version for line in kept.assessment.lines if line.policy}


def look(hospital: Clinic) -> None:
    assert hospital.browser().get(hospital.launch_path(patient="p1")).status_code == 200


def test_a_changed_policy_file_is_seen_by_the_page_and_the_worker_at_once(
    hospital: Clinic, tmp_path: Path
) -> None:
    engine = tasks.engine(hospital.settings, hospital.store)
    site = hospital.settings.site("general")
    for limit in (500, 300, 301):
        write(tmp_path / "policies", limit)
        look(hospital)
        assert versions(hospital) == {str(limit)}
        by_worker = engine.clients.of("general")[1]
        assert by_worker is policies_for(site)
        found = by_worker.get("medicare-part-b")
        assert found
        assert found.version == str(limit)
    engine.clients.close()


def test_a_mistake_in_a_policy_file_is_said_and_old_policies_are_not_used(
    hospital: Clinic, tmp_path: Path
) -> None:
    look(hospital)
    engine = tasks.engine(hospital.settings, hospital.store)
    (tmp_path / "policies" / "own.yaml").write_text("id: [")
    with pytest.raises(ConfigurationError, match=r"Site general: .*own\.yaml"):
        engine.clients.of("general")
    page = hospital.browser().get(hospital.launch_path(patient="p1"))
    assert page.status_code == 500
    assert "ferroclaim is not set up correctly" in page.text
    assert "own.yaml" in page.text
    write(tmp_path / "policies", 500)
    look(hospital)


def test_a_server_is_asked_once_for_the_page_and_the_worker(
    hospital: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tasks.engine(hospital.settings, hospital.store)
    look(hospital)
    look(hospital)
    client, _ = engine.clients.of("general")
    assert client.said is None
    assert client.capability.creates("DetectedIssue")
    assert client.said is None  # it went by what the page had learned
    monkeypatch.setattr(clients, "CAPABILITY_SECONDS", -1)
    clients.forget()
    look(hospital)
    other, _ = engine.clients.of("general")
    assert other is not client
    assert other.capability.creates("DetectedIssue")
    assert other.said
    engine.clients.close()


def test_the_page_keeps_nothing_over_what_the_service_read(hospital: Clinic) -> None:
    """Whatever the person's rights hide: what stands in the worklist is what the service found."""
    found: Any = document_of(telling_chart(), datetime.now(UTC)).patients[0]
    with hospital.store.transaction() as db:
        assessments.keep(db, patients.known(db, "general", "p1"), found, datetime.now(UTC), "sweep")
        before = worklist.rows(db, Filters(view="all"), ["general"], [])
    for key in [
        key for key in hospital.ehr.resources if key.startswith("MedicationAdministration/")
    ]:
        del hospital.ehr.resources[key]
    look(hospital)
    with hospital.store.transaction() as db:
        kept = assessments.current(db, "general", "p1")
        assert kept
        assert kept.cause == "sweep"
        assert worklist.rows(db, Filters(view="all"), ["general"], []) == before
        waiting = db.execute(
            "select count(*) from procrastinate_jobs where task_name = 'assess' and status = 'todo'"
        ).fetchone()
    assert waiting
    assert waiting[0] >= 1


def test_what_the_service_confirms_is_the_services_own(hospital: Clinic) -> None:
    look(hospital)
    with hospital.store.transaction() as db:
        kept = assessments.current(db, "general", "p1")
        assert kept
        assert kept.cause == assessments.PAGE
        patient = patients.known(db, "general", "p1")
        assert not assessments.keep(db, patient, kept.assessment, datetime.now(UTC), "sweep")
        confirmed = assessments.current(db, "general", "p1")
    assert confirmed
    assert confirmed.cause == "sweep"


def test_what_threads_share_is_read_before_they_begin() -> None:
    """Two threads that met the policies first at the same moment ended the process
    (a segmentation fault in msgspec)."""
    source = (
        "from integration.assessing import clients\n"
        "from mappings import codes\n"
        "from mappings.policy import choosing\n"
        "clients.prepare()\n"
        "assert choosing.built_in.cache_info().currsize\n"
        "assert codes.built_in.cache_info().currsize\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_process_reads_it_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun(Exception):
        pass

    def prepare() -> None:
        raise Begun

    monkeypatch.setattr(process, "prepare", prepare)
    monkeypatch.setattr(Store, "open", lambda *_, **__: pytest.fail("opened before"))
    with pytest.raises(Begun), process.opened(Settings()):
        pass
