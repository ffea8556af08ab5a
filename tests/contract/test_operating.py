"""What an integrator sees of a running service: health, metrics, limits, and the commands."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
import time_machine
from opentelemetry import trace
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from integration.commands.service import _with_address
from integration.configuration.settings import Settings
from integration.ehr.transport.keys import Keyring, generate
from integration.errors import ConfigurationError
from integration.operating import metrics
from integration.serving.app import MOST_BYTES, create_app
from integration.serving.worker import Worker
from integration.store import (
    DiskFull,
    Store,
    StoreUnavailable,
    failures,
    installation,
    patients,
    rests,
    sweeps,
)
from integration.store.database import connection
from integration.work import workflow
from mappings.codes.freshness import freshness
from tests.fakes import chart
from tests.service import Running

Make = Callable[..., Running]


@pytest.fixture
def service(running: Make) -> Running:
    return running()


# Health and limits


def test_it_lives_and_is_ready(service: Running) -> None:
    assert service.web.get("/healthz").json() == {"status": "ok"}
    answer = service.web.get("/readyz").json()
    assert (answer["status"], answer["checks"]) == ("ok", {"database": "ok"})


def test_nobody_traces_requests(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI hands addresses with their queries, and stack traces, to whatever OpenTelemetry
    finds in the process: they name patients."""
    asked: list[trace.TracerProvider] = []

    def found() -> trace.TracerProvider:
        asked.append(trace.NoOpTracerProvider())
        return asked[-1]

    monkeypatch.setattr(trace, "get_tracer_provider", found)
    assert service.web.get("/readyz").status_code == 200
    assert asked == []


def test_it_is_ready_with_old_code_tables_and_names_every_one(service: Running) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=366)):
        answer = service.web.get("/readyz")
    assert answer.status_code == 200
    said = answer.json()["staleTables"]
    assert set(said) == set(service.settings.sites)
    for names in said.values():
        assert [text.partition(":")[0] for text in names] == [row.name for row in freshness()]


def test_ehrs_find_our_keys_while_a_key_file_is_away(running: Make, tmp_path: Path) -> None:
    """A secret that is mounted anew, or a file that somebody moved."""
    file, later = tmp_path / "key.json", tmp_path / "later.json"
    Keyring((generate(),)).save(file)
    auth = {"method": "private_key_jwt", "client_id": "us", "key_file": str(file)}
    app = {"client_id": "us", "method": "private_key_jwt", "key_file": str(later)}
    service = running(site={"auth": auth, "app": app})
    url = "/.well-known/jwks.json"
    there = service.web.get(url)
    assert (there.status_code, len(there.json()["keys"])) == (200, 1)
    file.rename(later)
    assert service.web.get(url).json() == there.json()
    Keyring((generate(),)).save(file)
    assert len(service.web.get(url).json()["keys"]) == 2


def test_keys_that_never_were_there_are_no_fault_of_ours(running: Make, tmp_path: Path) -> None:
    auth = {"method": "private_key_jwt", "client_id": "us", "key_file": str(tmp_path / "no.json")}
    answer = running(site={"auth": auth}).web.get("/.well-known/jwks.json")
    assert (answer.status_code, str(tmp_path) in answer.text) == (503, False)


def test_it_lives_without_its_database_but_is_not_ready(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Store) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(Store, "transaction", away)
    assert service.web.get("/healthz").status_code == 200
    answer = service.web.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": "unavailable"})


def test_a_full_disk_is_named_until_there_is_room(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who only reads does not notice; nothing can be kept."""
    monkeypatch.setattr(service.store, "_full_at", -connection.FULL_SECONDS)
    with pytest.raises(DiskFull), service.store.transaction():
        raise psycopg.errors.DiskFull
    answer = service.web.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, str(DiskFull()))
    monkeypatch.setattr(connection, "FULL_SECONDS", 0)
    assert service.web.get("/readyz").status_code == 200


def test_a_site_that_left_the_configuration_alerts_nobody_for_ever(service: Running) -> None:
    now = datetime.now(UTC)
    with service.store.transaction() as db:
        for site in ("former", "general"):
            rests.rest(db, site, "away", now)
            sweeps.begin(db, site, "Observation", now, now)
            failures.add(db, failures.Failure(site, "sweep", site, None, {}, "Refused", "No.", 1))
    lines = told(service).splitlines()
    found = {line.partition("{")[0] for line in lines if 'site="former"' in line}
    assert found == {"ferroclaim_failed_work"}
    assert 'ferroclaim_site_in_trouble{site="general"} 1.0' in lines


def test_metrics_say_once_that_the_database_is_away(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def up() -> list[str]:
        return [line for line in told(service).splitlines() if line.startswith("ferroclaim_databa")]

    def away(_: Store) -> None:
        raise StoreUnavailable("The database does not answer.")

    assert up() == ["ferroclaim_database_up 1.0"]
    monkeypatch.setattr(Store, "transaction", away)
    assert up() == ["ferroclaim_database_up 0.0"]


def test_it_is_not_ready_without_its_worker(service: Running, store: Store) -> None:
    class Stopped:
        is_alive = False

    app = create_app(service.settings, store, worker=Stopped())  # type: ignore[arg-type]
    assert TestClient(app).get("/readyz").json()["checks"] == {
        "database": "ok",
        "worker": "stopped",
    }


@pytest.mark.parametrize(
    "body", [b" " * (MOST_BYTES + 1), iter([b" " * 2**20] * 6)], ids=["said", "not said"]
)
def test_a_large_body_is_refused_wherever_it_goes(service: Running, body: Any) -> None:
    answer = service.web.post("/hooks/general/lab", content=body)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too-large"


# Metrics


def told(service: Running) -> str:
    collector = metrics.StoreCollector(service.store, service.settings.sites)
    metrics.REGISTRY.register(collector)
    try:
        return generate_latest(metrics.REGISTRY).decode()
    finally:
        metrics.REGISTRY.unregister(collector)


def test_metrics_tell_the_state_of_the_work(service: Running) -> None:
    service.assess()
    service.work()
    service.assess()
    text = told(service)
    for expected in (
        'ferroclaim_queue_jobs{status="todo",task="assess"} 1.0',
        'ferroclaim_gaps{blocking="true",requirement="ferritin",site="general"} 1.0',
        'ferroclaim_lines{site="general",status="held"} 1.0',
        'ferroclaim_site_in_trouble{site="general"} 0.0',
        'ferroclaim_ehr_request_seconds_count{method="POST",site="general",status="2xx"}',
        'ferroclaim_write_backs_total{result="created",site="general"}',
        'ferroclaim_assessments_total{result="changed",site="general"}',
    ):
        assert expected in text
    assert "Patient/" not in text


def test_of_a_test_patient_it_is_said_why_nothing_is_kept(service: Running) -> None:
    service.fake.store(chart.resource("Patient", "p1", meta={"tag": [{"code": "HTEST"}]}))
    service.assess()
    service.work()
    assert service.rows("select count(*) from assessments") == [(0,)]
    assert 'ferroclaim_assessments_total{result="test patient",site="general"}' in told(service)


def test_metrics_say_that_the_database_is_away(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Store) -> None:
        raise StoreUnavailable("The database does not answer.")

    monkeypatch.setattr(Store, "transaction", away)
    assert "ferroclaim_database_up 0.0" in told(service)


# Addresses


@pytest.mark.parametrize("host", ["10.1.2.3", "::", "ferroclaim.example"])
def test_without_sign_in_it_listens_here_only(host: str) -> None:
    with pytest.raises(ConfigurationError, match="Without sign-in"):
        _with_address(Settings(), host, None)
    _with_address(Settings(), "127.0.0.1", None)
    signed_in = Settings.model_validate(
        {
            "web": {
                "sign_in": {"issuer": "https://id.example", "client_id": "x", "client_secret": "y"}
            }
        }
    )
    assert _with_address(signed_in, host, 80).service.port == 80


# Commands


@pytest.fixture
def command(service: Running, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs `ferroclaim` with this service's configuration and database; its status and what it
    printed."""
    config = tmp_path / "ferroclaim.toml"
    site = service.settings.site("general")
    config.write_text(
        f'[sites.general]\nbase_url = "{site.base_url}"\nvendor ='
        ' "hapi"\n[sites.general.limits]\nretries = 0\n'
    )

    def run(*arguments: str, database: str | None = service.store.url) -> tuple[int, str]:
        environment = {**os.environ, "FERROCLAIM_CONFIG": str(config)}
        if database:
            environment["FERROCLAIM_DATABASE_URL"] = database
        done = subprocess.run(
            [sys.executable, "-m", "integration.cli", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_failed_work_is_listed_retried_and_discarded(
    service: Running, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "check_pull", lambda *_: 1 / 0)
    for patient in ("p1", "p2"):
        service.assess(patient)
    service.fake.store({"resourceType": "Patient", "id": "p2"})
    service.work(rounds=3)
    status, listed = command("failed", "list")
    assert status == 0
    first, second = (line.split("\t") for line in listed.splitlines())
    assert first[1:4] == ["general", "assess", "Patient/p1"]
    assert "ZeroDivisionError" in first[5]
    assert command("failed", "retry", first[0]) == (0, f"{first[0]}\tqueued\n")
    assert service.queued() == ["patient:1"]
    assert command("failed", "discard", second[0]) == (2, "ferroclaim: Say why with --reason.\n")
    assert command("failed", "discard", second[0], "--reason", "a test patient") == (
        0,
        f"{second[0]}\tdiscarded\n",
    )
    assert command("failed", "list") == (0, "")
    assert command("failed", "list", "--site", "general") == (0, "")
    status, said = command("failed", "list", "--site", "genral")
    assert (status, said.strip()) == (
        2,
        "ferroclaim: There is no site 'genral' (known: general).",
    )
    assert command("failed", "retry", "99") == (
        2,
        "ferroclaim: There is no failed work with number 99.\n",
    )


@pytest.mark.slow
def test_work_of_a_site_that_left_is_listed_and_goes_on_where_it_is_named_again(
    service: Running, command: Callable[..., tuple[int, str]]
) -> None:
    with service.store.transaction() as db:
        known = patients.known(db, "old-name", "p9")
        service.engine.queue.assess(db, known, "notification")
    service.work()
    assert service.failures() == []
    assert service.queued() == ["patient:1"]
    for arguments in ((), ("--site", "old-name")):
        status, listed = command("failed", "list", *arguments)
        assert status == 0
        assert listed.startswith("-\told-name\tsite\told-name\tjobs: 1\tThis configuration does")
    assert command("failed", "list", "--site", "general") == (0, "")


@pytest.mark.slow
def test_sweep_queues_what_changed(
    service: Running, command: Callable[..., tuple[int, str]]
) -> None:
    status, said = command("sweep", "--since", "2026-11-01")
    assert (status, said.split("\t")[0]) == (0, "general")
    assert service.queued() == ["patient:1"]
    assert command("sweep", "--since", "yesterday")[0] == 2
    assert "is still to come" in command("sweep", "--since", "2126-11-01")[1]
    assert command("sweep", "nowhere") == (
        2,
        "ferroclaim: There is no site 'nowhere' in the configuration (known: general).\n",
    )


def test_sweep_keeps_out_of_a_workers_way(
    service: Running, command: Callable[..., tuple[int, str]]
) -> None:
    with service.store.holding("sweep-site:general"):
        status, said = command("sweep")
    assert status == 2
    assert said.startswith("ferroclaim: A worker is searching site general right now.")


SECOND = """
[sites.away]
base_url = "http://127.0.0.1:9/fhir"
[sites.away.limits]
retries = 0
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "there"),
    [(["sweep"], "general\t"), (["subscribe"], "general: accepts no Subscription")],
)
def test_a_site_that_is_away_keeps_no_other_from_its_turn(
    command: Callable[..., tuple[int, str]], tmp_path: Path, asked: list[str], there: str
) -> None:
    config = tmp_path / "ferroclaim.toml"
    config.write_text(config.read_text() + SECOND)
    status, said = command(*asked)
    assert status == 1
    assert there in said
    assert "ferroclaim: Site away: 127.0.0.1:9 cannot be reached." in said
    assert command(*asked, "away")[0] == 2


@pytest.mark.slow
def test_the_doctor_goes_on_where_the_database_is_away(
    command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "ferroclaim.toml"
    away = 'database_url = "postgresql://x@127.0.0.1:9/x"'
    config.write_text(f"{away}\n{config.read_text()}")
    monkeypatch.setenv("COLUMNS", "200")
    status, said = command("doctor", "general", database=None)
    assert status == 1
    assert said.index("The database cannot be asked") < said.index("No time zone")


def test_the_doctor_looks_at_prices_and_at_whom_policies_are_for(
    command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "ferroclaim.toml"
    config.write_text(
        f"{config.read_text()}\n[sites.general.claims]\nprices = 'none.csv'\n"
        "[sites.general.payer_aliases.United]\nkind = 'commercial'\npayer = 'uch'\n"
    )
    monkeypatch.setenv("COLUMNS", "200")
    status, said = command("doctor", "general", database=None)
    assert status == 1
    assert re.search(r"No claim file can be written +Cannot read .*none\.csv", said)
    assert re.search(r'No policy is for the payer "uch".*\n.*did you mean uhc\?', said)


def test_the_doctor_names_what_a_site_wrote_for_nobody(
    command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config, own = tmp_path / "ferroclaim.toml", tmp_path / "policies"
    own.mkdir()
    (own / "a.yaml").write_text(
        'id: sunrise\nversion: "1"\ntitle: Sunrise\nsource: MP-12\nverified: true\n'
        "for: {kinds: [commercial], payers: [sunrise]}\nrequirements: {ndc: {}}\n"
    )
    text = config.read_text().replace(
        "[sites.general]\n", "[sites.general]\npolicy_dir = 'policies'\n", 1
    )
    config.write_text(
        f"{text}\n[sites.general.r340b]\nmedicair = true\nmedicare = true\nuhc = true\n"
        "[sites.general.drug_sources]\nshp = 'white-bag'\n"
        "[sites.general.prior_authorization]\ncommercial-defalt = true\nsunrise = true\n"
        "[sites.general.payer_aliases.State]\nkind = 'medicaid'\npayer = 'shp'\n"
        "[[sites.general.receivers]]\nname = 'All'\nid = 'A1'\nsender_id = 'B1'\n"
        "payers = ['comercial', '87726', 'shp']\n"
    )
    monkeypatch.setenv("COLUMNS", "200")
    _, said = command("doctor", "general", database=None)
    about = re.findall(r'"([^"]+)" is about nothing', said)
    assert about == [
        "r340b.medicair",
        "prior_authorization.commercial-defalt",
        "receiver All: comercial",
        "policy sunrise",
    ]
    for fix in ("did you mean medicare?", "did you mean commercial-default?", 'payer = "sunrise"'):
        assert fix in said


def test_the_doctor_tells_of_two_sites_with_the_same_charts(
    service: Running, command: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    config, same = tmp_path / "ferroclaim.toml", service.fake.base_url
    config.write_text(f"{config.read_text()}\n[sites.twin]\nbase_url = '{same}'\n")
    status, said = command("doctor", "general", database=None)
    assert status == 1
    assert "Site twin has the same charts" in said


@pytest.mark.slow
def test_a_port_for_metrics_that_is_taken_stops_the_service_and_no_worker(
    service: Running, command: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    config = tmp_path / "ferroclaim.toml"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config.write_text(f"{config.read_text()}\n[service]\nport = 0\nmetrics_port = {port}\n")
        status, said = command("serve")
        begun = _begun(service.store.url, config)
    lacks = f"Port {port} of 127.0.0.1 cannot be had for metrics"
    assert (status, said.partition(": Addr")[0]) == (2, f"ferroclaim: {lacks}")
    assert begun[0].startswith(lacks)
    assert begun[1] == "A worker is at work for general.\n"


def test_a_worker_that_knows_a_site_otherwise_than_serve_says_so_once(running: Make) -> None:
    """Somebody changed the file, and started one of them anew."""
    service = running(site={"time_zone": "America/New_York"})
    worker = Worker(service.engine, 1, periodic=False)
    other = running(site={"time_zone": "Europe/Berlin", "code_dir": None})
    with structlog.testing.capture_logs() as logs, service.store.transaction() as db:
        worker._take_over()
        installation.serve_sites(db, service.settings.digests())
        db.commit()
        worker._take_over()
        assert logs == []
        installation.serve_sites(db, other.settings.digests())
        db.commit()
        worker._take_over()
        worker._take_over()
    assert [(entry["event"][:32], entry["sites"]) for entry in logs] == [
        ("the configuration of this worker", ["general"])
    ]


def test_where_files_lie_and_secrets_make_no_other_configuration(tmp_path: Path) -> None:
    def digest(**site: Any) -> dict[str, str]:
        made = {"base_url": "https://ehr.example.org/fhir", "time_zone": "UTC", **site}
        return Settings.model_validate({"sites": {"a": made}}).digests()

    hooks = [{"lab": {"secret": f"open-sesame-please-{number}"}} for number in range(2)]
    here, there = ({"policy_dir": tmp_path / name / "policies"} for name in "ab")
    assert digest(hooks=hooks[0], **here) == digest(hooks=hooks[1], **there)
    assert digest(vendor="epic") != digest(vendor="oracle")


@pytest.mark.slow
@pytest.mark.usefixtures("command")
def test_a_site_that_was_renamed_is_told_before_its_claims_go_out_twice(
    service: Running, tmp_path: Path
) -> None:
    with service.store.transaction() as db:
        patients.known_all(db, "old-name", ["p1", "p2"])
        patients.known(db, "general", "p1")
    told = _begun(service.store.url, tmp_path / "ferroclaim.toml")
    assert told[0].startswith("The database keeps 2 patients of the site 'old-name', which this")
    assert told[1] == "A worker is at work for general.\n"


def _begun(database: str, config: Path) -> list[str]:
    """What a worker says until it is at work."""
    with subprocess.Popen(
        [sys.executable, "-m", "integration.cli", "worker", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FERROCLAIM_DATABASE_URL": database},
    ) as worker:
        assert worker.stderr
        said = [worker.stderr.readline(), worker.stderr.readline()]
        worker.terminate()
    return said


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["serve", "worker"])
def test_a_service_whose_own_files_are_wrong_does_not_begin(
    command: Callable[..., tuple[int, str]], tmp_path: Path, asked: str
) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.yaml").write_text("id: own\n")
    config = tmp_path / "ferroclaim.toml"
    app = '[sites.general.app]\nclient_id = "x"\nmethod = "private_key_jwt"\nkey_file = "k.json"\n'
    second = '[sites.second]\nbase_url = "http://127.0.0.1:9/fhir"\npolicy_dir = "policies"\n'
    second += '[[sites.second.cds]]\nissuer = "https://e.org"\njwks_url = "http://127.0.0.1:9/k"\n'
    config.write_text(config.read_text() + app + second)
    status, said = command(asked)
    assert status == 2
    assert "k.json: No such file or directory." in said
    assert "own.yaml:1: the field `" in said
    said = command("doctor", "--json")[1]
    assert "Nobody can open the app from a chart" in said
    assert "The site's policies can't be used" in said
    assert "No CDS call of https://e.org can be trusted" in said


def test_a_port_that_there_is_not(command: Callable[..., tuple[int, str]]) -> None:
    status, said = command("serve", "--port", "99999")
    assert status == 2
    assert "99999 is not in the range" in said


def test_subscribe_says_where_there_is_none(command: Callable[..., tuple[int, str]]) -> None:
    assert command("subscribe") == (
        0,
        "general: accepts no Subscription from us; `ferroclaim sweep` looks for changes instead.\n",
    )


def test_a_fault_of_ours_is_told_by_its_place_alone(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    from integration.configuration.settings import Log
    from integration.operating import logs

    app = service.web.app

    @app.get("/fault")  # type: ignore[attr-defined]
    def fault() -> None:
        raise KeyError("Patient/p1, Jane Doe")

    logs.configure(Log(format="json"), b"key")
    try:
        answer = TestClient(app, raise_server_exceptions=False).get("/fault")
    finally:
        structlog.reset_defaults()
    assert (answer.status_code, answer.json()) == (
        500,
        {"error": {"code": "internal", "message": "Something went wrong here. It was logged."}},
    )
    said = capsys.readouterr().err
    assert "Jane" not in said
    assert "test_operating.py" in said
