"""A site with [app] and without [auth]: nothing is asked without a person's token, what is owed is
written by whoever opens the chart next, and it is said who waits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from werkzeug import Response

from integration import cli
from integration.errors import OnlyPeopleRead
from integration.serving import tasks
from integration.serving.tasks import schedule
from integration.store import patients, rests
from integration.triggers import sweeping
from integration.work.engine import Engine, Job
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open
from tests.service import NOW

ROLES = {"clinician": ["*"], "biller": ["Practitioner/dr-1"]}
FORBIDDEN = Response("{}", 403, content_type="application/fhir+json")


@pytest.fixture
def hospital(clinic: Open, pages_store: Any) -> Clinic:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from write_backs")
        db.execute("delete from failures")
        db.execute("delete from site_state")
        db.execute("delete from procrastinate_jobs")
    made = clinic(web={"roles": ROLES})
    made.ehr.load(telling_chart())
    return made


@pytest.fixture
def engine(hospital: Clinic) -> Engine:
    return tasks.engine(hospital.settings, hospital.store)


@pytest.fixture
def failed_list(
    hospital: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", hospital.store.url)
    config = tmp_path / "ferroclaim.toml"
    config.write_text(
        f'[sites.general]\nbase_url = "{hospital.ehr.base_url}"\n'
        '[sites.general.app]\nclient_id = "chart-app"\n'
    )

    def listed() -> str:
        found = CliRunner().invoke(cli.app, ["failed", "list", "--config", str(config)])
        assert found.exit_code == 0, found.output
        return found.stdout

    return listed


def opened(hospital: Clinic) -> Any:
    page = hospital.browser().get(hospital.launch_path(patient="p1"))
    assert page.status_code == 200
    return page


def worklist(hospital: Clinic) -> Any:
    return hospital.browser().get("/sign-in?with=general")


def test_nothing_is_asked_without_a_token(hospital: Clinic, engine: Engine) -> None:
    with hospital.store.transaction() as db:
        known = patients.known(db, "general", "p1")
        engine.queue.assess(db, known, "notification")
    for task in [*schedule(hospital.settings), sweeping.TASK, "watch-subscriptions"]:
        if task != "retention":
            engine.run(
                Job(task, task, None if task in schedule(hospital.settings) else "general", {})
            )
    engine.run(Job("assess", "patient:x", "general", {"patient": known.id, "cause": "sweep"}))
    assert hospital.ehr.requests == []
    with hospital.store.transaction() as db:
        assert rests.troubled(db, ["general"]) == []
    assert "cannot be read now" not in worklist(hospital).text


def test_commands_say_why_they_do_nothing(hospital: Clinic) -> None:
    with pytest.raises(OnlyPeopleRead, match="read when somebody opens it"):
        hospital.settings.read_by_itself(None)
    with pytest.raises(OnlyPeopleRead, match=r'method = "none" there if the server is open'):
        hospital.settings.read_by_itself(["general"])


def test_whoever_opens_the_chart_writes_what_it_is_owed(
    hospital: Clinic, failed_list: Callable[[], str]
) -> None:
    opened(hospital)
    noted = hospital.ehr.of("DetectedIssue")
    assert noted
    assert failed_list() == ""
    opened(hospital)
    assert hospital.ehr.of("DetectedIssue") == noted  # once


def test_what_could_not_be_written_waits_for_the_next_person_and_is_told(
    hospital: Clinic, failed_list: Callable[[], str]
) -> None:
    hospital.ehr.fail("DetectedIssue/fc-", 503, times=99)
    opened(hospital)
    assert hospital.ehr.of("DetectedIssue") == []
    assert "write-back\tPatient/p1" in failed_list()
    assert "Waits for the next person who opens this chart" in failed_list()
    hospital.launcher.context = {}
    page = worklist(hospital)
    assert "Charts at general wait for what is missing to be noted in them:" in page.text
    assert "Ada" in page.text
    hospital.ehr._failures.clear()
    opened(hospital)
    assert hospital.ehr.of("DetectedIssue")
    assert failed_list() == ""
    assert "wait for what is missing" not in worklist(hospital).text


def test_what_the_ehr_refuses_this_person_another_may_write(
    hospital: Clinic, failed_list: Callable[[], str]
) -> None:
    hospital.ehr.inject(FORBIDDEN, "POST", times=99)
    hospital.ehr.inject(FORBIDDEN, "PUT", times=99)
    opened(hospital)
    assert "gaps were not taken" in failed_list()
    hospital.ehr._injections.clear()
    opened(hospital)
    assert failed_list() == ""


def test_a_site_that_rests_is_listed(clinic: Open, tmp_path: Path, monkeypatch: Any) -> None:
    """An ordinary site, too: work that waits for it is in no other list."""
    made = clinic(site={"auth": {"method": "none"}})
    with made.store.transaction() as db:
        db.execute("delete from failures")
        db.execute("delete from site_state")
        rests.rest(db, "general", "Site general: the server answered 403.", NOW)
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", made.store.url)
    config = tmp_path / "ferroclaim.toml"
    config.write_text(f'[sites.general]\nbase_url = "{made.ehr.base_url}"\n')
    found = CliRunner().invoke(cli.app, ["failed", "list", "--config", str(config)])
    with made.store.transaction() as db:
        db.execute("delete from site_state")
    assert "-\tgeneral\tsite" in found.stdout
    assert "answered 403" in found.stdout
