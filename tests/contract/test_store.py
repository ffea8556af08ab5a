"""The database: its schema, its embedded server, its locks, and how long things are kept."""

import contextlib
import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from integration.configuration.service import Retention
from integration.configuration.settings import Settings
from integration.errors import ConfigurationError
from integration.store import (
    Hold,
    Store,
    StoreUnavailable,
    audit,
    gaps,
    inbox,
    notes,
    patients,
    rests,
    retention,
    subscriptions,
    sweeps,
)
from integration.store.database import connection
from integration.store.database.embedded import Embedded
from integration.store.database.migrating import migrate, pending


@pytest.fixture
def bare(postgres: str) -> str:
    """The address of an empty database."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("drop database if exists bare with (force)")
        db.execute("create database bare")
    return postgres.replace("/postgres?", "/bare?")


def test_the_schema_is_applied_once(bare: str) -> None:
    with psycopg.connect(bare, autocommit=True) as db:
        wanted = pending(db)
        assert migrate(db) == wanted
        assert (migrate(db), pending(db)) == ([], [])
    assert wanted[0] == "procrastinate"
    assert "001_store" in wanted


def test_each_migration_of_the_schema_has_a_number_of_its_own(bare: str) -> None:
    with psycopg.connect(bare, autocommit=True) as db:
        ours = [name for name in pending(db) if not name.startswith("procrastinate")]
    numbers = [name.partition("_")[0] for name in ours]
    assert numbers == sorted(set(numbers))


def test_a_schema_that_is_newer_than_this_release_is_told(bare: str, tmp_path: Path) -> None:
    """An old worker still runs beside a new service; nobody goes back without knowing it."""
    settings = Settings.model_validate({"database_url": bare, "data_dir": tmp_path})
    told: list[str] = []
    Store.open(settings, tell=told.append).close()
    assert told == []
    with psycopg.connect(bare, autocommit=True) as db:
        db.execute("insert into migrations (name) values ('999_of_tomorrow')")
    Store.open(settings, tell=told.append).close()
    assert [text.partition(":")[0] for text in told] == [
        "A newer ferroclaim brought this database up to date (999_of_tomorrow)"
    ]


def test_a_table_to_which_a_newer_release_added_is_read_as_before(store: Store) -> None:
    """By processes that began before, and are still at work beside it."""
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        notes.add(db, patient, "called the ward", "ada", "biller")
        rests.rest(db, "general", "away", datetime.now(UTC))
        subscriptions.want(db, "general", "lab", "rest-hook", "Observation?")
        sweeps.begin(db, "general", "Observation", datetime.now(UTC), datetime.now(UTC))

    def read() -> list[Any]:
        with store.transaction() as db:
            return [
                audit.of_patient(db, patient.id),
                notes.of_patient(db, patient.id),
                rests.find(db, "general"),
                rests.troubled(db, ["general"]),
                subscriptions.find(db, "general", "lab"),
                sweeps.find(db, "general", "Observation"),
                sweeps.of_site(db, "general"),
            ]

    for _ in range(8):  # so often that statements are prepared
        before = read()
    with store.transaction() as db:
        for table in ("audit", "notes", "patients", "site_state", "subscriptions", "sweeps"):
            db.execute(f"alter table {table} add column of_tomorrow text".encode())
    assert all(before)
    assert read() == before


def test_no_row_is_read_by_whatever_columns_there_are() -> None:
    """Inside of a statement whose own columns are named it does no harm (the worklist)."""
    folder = Path(__file__).parents[2] / "integration"
    found = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"""["'(](select|returning) (\w+\.)?\*""", path.read_text(), re.IGNORECASE)
    }
    assert found == {"worklist.py"}


def test_two_that_begin_at_once_do_not_meet(bare: str) -> None:
    def begin() -> None:
        with psycopg.connect(bare, autocommit=True) as db:
            applied.append(len(migrate(db)))

    applied: list[int] = []
    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied)[:3] == [0, 0, 0]
    assert max(applied) > 0


def test_a_new_procrastinate_brings_its_tables_up_to_date(bare: str) -> None:
    """Its schema is that of today; what came after the version in use then is in its migrations."""
    with psycopg.connect(bare, autocommit=True) as db:
        migrate(db)
        last = "procrastinate 03.04.00_50_post_add_retry_failed_job_procedure"
        db.execute("delete from migrations where name = %s", [last])
        changed = "procrastinate_trigger_function_status_events_update_v1"
        db.execute(f"drop function {changed} cascade".encode())
        assert migrate(db) == [last]
        assert db.execute("select to_regproc(%s) is not null", [changed]).fetchone() == (True,)


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    settings = Settings.model_validate(
        {"database_url": "postgresql://ada:s3cret@127.0.0.1:1/ferroclaim"}
    )
    with pytest.raises(
        ConfigurationError, match=r"The database ferroclaim on 127\.0\.0\.1 cannot be reached"
    ) as caught:
        Store.open(settings)
    assert "s3cret" not in str(caught.value)


def test_a_database_that_is_not_up_yet_is_waited_for(
    bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, failures = psycopg.connect, ["Connection refused", "FATAL:  the system is starting up"]

    def slow(*args: Any, **more: Any) -> Any:
        if failures:
            raise psycopg.OperationalError(failures.pop(0))
        return connect(*args, **more)

    monkeypatch.setattr(psycopg, "connect", slow)
    monkeypatch.setattr(connection, "AGAIN_SECONDS", 0)
    told: list[str] = []
    settings = Settings.model_validate({"database_url": bare})
    Store.open(settings, patience_seconds=5, tell=told.append).close()
    assert [text.partition(" does ")[2] for text in told] == [
        "not answer yet: waiting for it, 5 seconds at most."
    ]


def test_a_database_that_does_not_let_us_in_is_not_waited_for(bare: str) -> None:
    settings = Settings.model_validate({"database_url": bare.replace("/bare?", "/nowhere?")})
    with pytest.raises(ConfigurationError, match=r"does not let us in: database .* does not exist"):
        Store.open(settings, patience_seconds=60, tell=pytest.fail)


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(ConfigurationError, match="not a PostgreSQL address"):
        Store.open(Settings.model_validate({"database_url": "mysql://x"}))


def test_the_embedded_server_keeps_what_it_was_told(shared_folder: Path) -> None:
    settings = Settings(data_dir=shared_folder)
    with Store.open(settings) as store, store.transaction() as db:
        patients.known(db, "general", "p1")
    assert store.embedded is not None
    store.embedded.stop()
    with Store.open(settings) as store, store.transaction() as db:
        assert patients.find(db, "general", "p1") is not None
    assert store.embedded is not None
    store.embedded.stop()


def test_pids_of_a_former_life_do_not_keep_it_from_starting(shared_folder: Path) -> None:
    """In a new container the pid of the old server is another process: this one, here."""
    server = Embedded(shared_folder / "data")
    server.start()
    text = (server.folder / "postmaster.pid").read_text()
    server.stop()
    (server.folder / "postmaster.pid").write_text(text.replace(text.split()[0], "1", 1))
    assert not server.is_running
    with psycopg.connect(server.start()) as db:
        assert db.execute("select 1").fetchone() == (1,)
    server.stop()


@pytest.mark.parametrize(
    ("setting", "query", "says"),
    [
        ("statement_timeout = 10", "select pg_sleep(5)", "took longer than its own timeouts"),
        ("transaction_timeout = 10", "select pg_sleep(5)", "took longer than its own timeouts"),
        ("transaction_read_only = on", "delete from notes", "takes no changes: it is a standby"),
        ("lock_timeout = 10", "lock table notes", "two things at once that exclude each other"),
    ],
)
def test_what_the_database_does_not_do_is_told_and_may_be_tried_again(
    store: Store, setting: str, query: str, says: str
) -> None:
    """Nothing of it is a fault of ours, after which work would be given up."""
    with store.transaction() as other:
        other.execute("lock table notes in share update exclusive mode")
        with pytest.raises(StoreUnavailable, match=says):
            _do(store, f"set local {setting}", query)


def _do(store: Store, *queries: str) -> None:
    with store.transaction() as db:
        for query in queries:
            db.execute(query.encode())


def test_why_there_is_no_connection_is_told(
    postgres: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAIT_SECONDS", 0.2)
    settings = Settings.model_validate({"database_url": database, "data_dir": tmp_path})
    admits = f"alter database {conninfo_to_dict(database)['dbname']} allow_connections "
    with Store.open(settings, connections=1) as store, store.transaction():
        with pytest.raises(StoreUnavailable, match="all connections of this process to it are at"):
            store.check()
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute(f"{admits} false".encode())
        with pytest.raises(StoreUnavailable, match="does not let us in: database"):
            store.check()
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute(f"{admits} true".encode())


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    def broken() -> None:
        with store.transaction() as db:
            patients.known(db, "general", "p1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    with store.transaction() as db:
        assert patients.find(db, "general", "p1") is None


def test_a_key_is_held_by_one(store: Store) -> None:
    with (
        store.holding("patient:1") as first,
        store.holding("patient:1") as second,
        store.holding("patient:2") as other,
    ):
        assert (first.ours, second.ours, other.ours) == (True, False, True)
    with store.holding("patient:1") as later:
        assert later.ours


def test_a_key_is_free_again_whatever_becomes_of_its_connection(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was done while it was held is not said to have failed."""
    with store.holding("patient:1") as hold:
        pid = hold.db.info.backend_pid
        with store.transaction() as db:
            db.execute("select pg_terminate_backend(%s)", [pid])

    def canceled(*_: object) -> None:
        raise psycopg.errors.QueryCanceled

    with store.holding("patient:1") as hold:
        assert hold.ours
        monkeypatch.setattr(hold.db, "execute", canceled)
    with store.holding("patient:1") as hold:
        assert hold.ours


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("select 1 / 0", psycopg.errors.DivisionByZero),
        ("select pg_terminate_backend(pg_backend_pid())", StoreUnavailable),
        (None, ZeroDivisionError),
    ],
)
def test_what_is_kept_over_a_key_is_kept_whole_or_not_at_all(
    store: Store, query: str | None, error: type[Exception]
) -> None:
    def broken(hold: Hold) -> None:
        with hold.transaction() as db:
            audit.note(db, "ada", "saw")
            if query is None:
                raise ZeroDivisionError
            db.execute(query.encode())
            audit.note(db, "ada", "saw later")

    with contextlib.suppress(StoreUnavailable), store.holding("patient:1") as hold:
        with pytest.raises(error):
            broken(hold)
        with hold.transaction() as db:
            audit.note(db, "ada", "saw again")
    with store.transaction() as db:
        kept = {action for (action,) in db.execute("select action from audit")}
    assert kept == (set() if error is StoreUnavailable else {"saw again"})


def test_old_things_are_forgotten_and_what_stands_is_kept(store: Store) -> None:
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        for days, current in ((3000, False), (10, False), (3000, True)):
            db.execute(
                "insert into assessments (patient_id, as_of, confirmed_at, cause, digest, document,"
                " current) values (%s, now(), now() - make_interval(days => %s), 'sweep', '',"
                " '{}', %s)",
                [patient.id, days, current],
            )
        for days in (31, 29):
            db.execute(
                "insert into notifications (site, hook, received_at, shape, kind, outcome) values"
                " ('general', 'lab', now() - make_interval(days => %s), 'empty', 'event', 'heard')",
                [days],
            )
        for days in (2558, 2556):
            db.execute(
                "insert into cds_cards (id, site, hook, patient, requirement, summary, shown_at)"
                " values (gen_random_uuid(), 'general', 'order-sign', 'p1', 'ferritin', '', now() -"
                " make_interval(days => %s))",
                [days],
            )
        db.execute(
            "insert into web_session (id, provider, subject, roles, ends) values ('1', '', 'ada',"
            " '{}', now() - interval '1 second'), ('2', '', 'ada', '{}', now() + interval '1 hour')"
        )
        audit.note(db, "ada", "saw")
        db.execute("update audit set at = now() - interval '8 years'")
        assert retention.forget_the_old(db, Retention()) == {
            "notifications": 1,
            "assessments": 1,
            "gaps": 0,
            "cards": 1,
            "questions": 0,
            "sessions": 1,
            "audit": 1,
        }
        assert db.execute("select count(*) from assessments").fetchone() == (2,)


# What has no time of its own: what stands now, what people decided and what left, until the patient
# is deleted; and what is only as large as sites, patients and work are many.
KEPT = """
    answered_lines answers claim_files claim_lines claims decisions failures hooks installation
    lines migrations notes patients releases site_state subscriptions sweeps waivers worklist
    worklist_stale write_backs write_offs
"""
# They go when they end: with their session, or at the next launch or signed call.
ENDING = "cds_replay smart_launch smart_pending told"


def test_every_table_is_forgotten_some_day_or_kept_on_purpose(store: Store) -> None:
    with store.transaction() as db:
        there = {
            name
            for (name,) in db.execute("select tablename from pg_tables where schemaname = 'public'")
        }
    forgotten = {rule.split()[2] for rule in retention.RULES.values()}
    ours = {name for name in there if not name.startswith("procrastinate_")}
    assert ours == forgotten | {*KEPT.split(), *ENDING.split()}


def test_a_look_that_finds_nothing_new_rewrites_no_index_of_a_patient(store: Store) -> None:
    assessed = "update patients set assessed_at = now(), concerns_us = true, resources = '{a}'"
    with store.transaction() as db:
        patients.known(db, "general", "p1")
        db.execute(assessed)
    with store.transaction() as db:
        updated = "select n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'patients'"
        before = db.execute(updated).fetchall()
        db.execute(assessed)
        assert [(in_place - 1,) for (in_place,) in db.execute(updated)] == before


def test_repetitions_are_found_by_their_index_before_anything_counted_rows(store: Store) -> None:
    arrivals = [
        inbox.Arrival("general", "lab", "resource", "event-notification", duplicate_key=f"o/{n}")
        for n in range(16)
    ]
    scans = "select seq_scan from pg_stat_xact_user_tables where relname = 'notifications'"
    with store.transaction() as db:
        inbox.keep(db, [(arrival, "queued") for arrival in arrivals[:8]])
        before = db.execute(scans).fetchone()
        assert inbox.kept_before(db, arrivals[4:]) == {one.once for one in arrivals[4:8]}
        assert db.execute(scans).fetchone() == before


def test_notes_and_who_did_what(store: Store) -> None:
    with store.transaction() as db:
        patient = patients.known(db, "general", "p1")
        notes.add(db, patient, "called the ward", "ada", "biller")
        assert [note.text for note in notes.of_patient(db, patient.id)] == ["called the ward"]
        (row,) = audit.of_patient(db, patient.id)
        assert (row.actor, row.role, row.action) == ("ada", "biller", "noted")
        assert gaps.of_patient(db, "general", "p1") == []
