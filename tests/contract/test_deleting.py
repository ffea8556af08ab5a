"""A patient is deleted on request: nothing of theirs stays in any table; who did it, does."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from psycopg import sql
from typer.testing import CliRunner, Result

from integration import cli
from integration.errors import ConfigurationError
from integration.store import Store, assessments, audit, cards, gaps, ledger, notes, patients
from integration.work.queue import Queue, patient_key
from tests import builders
from tests.plugins.pages import Clinic, Open

Delete = Callable[..., Result]
MARK = "zz-unmistakable"


@pytest.fixture
def delete(pages_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delete:
    monkeypatch.setenv("FERROCLAIM_DATABASE_URL", pages_store.url)
    config = tmp_path / "ferroclaim.toml"
    config.write_text('[sites.general]\nbase_url = "https://ehr.example.org/fhir"\n')

    def run(*arguments: str, site: str = "general") -> Result:
        return CliRunner().invoke(
            cli.app, ["patient", "delete", site, *arguments, "--config", str(config)]
        )

    return run


@pytest.fixture
def kept(clinic: Open, pages_store: Store) -> Clinic:
    """A patient with something in every table that can name one."""
    made = clinic()
    found = builders.document_of(builders.chart(builders.commercial(id=f"{MARK}-c"))).patients[0]
    with pages_store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from audit")
        known = patients.known(db, "general", MARK)
        assessments.keep(db, known, found, datetime.now(UTC), "sweep")
        db.execute("update patients set name = %s, resources = %s where id = %s",
                   [MARK, [f"Observation/{MARK}"], known.id])  # fmt: skip
        for gap in found.gaps:
            gaps.waive(db, known, gap, MARK, "Practitioner/1", "Dr. One", "clinician")
        notes.add(db, known, MARK, "Dr. One", "clinician")
        ledger.owe(db, "general", known.id, {f"{MARK}-gap": MARK})
        Queue(made.settings.service).assess(db, known, "sweep")
        audit.note(db, "Practitioner/1", "saw", site="general", patient_id=known.id,
                   resource=f"DetectedIssue/{MARK}", reason=MARK)  # fmt: skip
        db.execute(
            "insert into cds_cards (id, site, hook, patient, requirement, summary) values"
            " (gen_random_uuid(), 'general', 'order-sign', %s, 'ferritin', %s)",
            [MARK, MARK],
        )
        cards.ask(db, "general", MARK, [(MARK, "iron sucrose")])
        db.execute(
            "insert into notifications (site, hook, shape, kind, references_, outcome) values"
            " ('general', 'lab', 'resource', 'event', %s, 'queued')",
            [[f"Observation/{MARK}"]],
        )
    return made


def naming(store: Store) -> list[str]:
    """The tables in which a row still holds the mark, whatever the column."""
    with store.transaction() as db:
        tables = [
            row[0]
            for row in db.execute(
                "select table_name from information_schema.tables where table_schema = 'public'"
                " and table_type = 'BASE TABLE'"
            )
        ]
        found = []
        for table in tables:
            rows = db.execute(sql.SQL("select * from {}").format(sql.Identifier(table)))
            if any(MARK in _said(value) for row in rows for value in row):
                found.append(table)
    return found


def _said(value: object) -> str:
    """What a column holds, unpacked."""
    if isinstance(value, bytes) and value.startswith(zstandard.FRAME_HEADER):
        value = zstandard.decompress(value)
    return str(value)


def test_nothing_of_the_patient_stays_but_that_it_was_deleted(kept: Clinic, delete: Delete) -> None:
    assert {
        "patients",
        "assessments",
        "notes",
        "waivers",
        "audit",
        "cds_cards",
        "order_questions",
    } <= set(naming(kept.store))
    done = delete(MARK, "--reason", "asked for by letter")
    assert done.exit_code == 0, done.output
    assert "records deleted" in done.stdout
    assert naming(kept.store) == []
    with kept.store.transaction() as db:
        rows: list[Any] = db.execute(
            "select action, detail ->> 'reason' from audit order by id desc limit 1"
        ).fetchall()
        saw = db.execute("select actor, action from audit where action = 'saw'").fetchall()
    assert rows == [("deleted a patient", "asked for by letter")]
    assert saw == [("Practitioner/1", "saw")]  # who did what stays, without what it was about


def test_without_a_reason_or_a_patient_it_says_what_is_missing(
    kept: Clinic, delete: Delete
) -> None:
    assert "with --reason" in str(delete(MARK).exception or delete(MARK).output)
    unknown = delete("nobody", "--reason", "x")
    assert "Nothing is kept" in str(unknown.exception or unknown.output)
    assert "patients" in naming(kept.store)


def test_a_patient_at_work_is_left_alone(kept: Clinic, delete: Delete) -> None:
    with kept.store.transaction() as db:
        known = patients.find(db, "general", MARK)
    assert known
    with kept.store.holding(patient_key(known.id)):
        refused = delete(MARK, "--reason", "x")
    assert "being assessed now" in str(refused.exception or refused.output)
    assert "patients" in naming(kept.store)


def test_a_site_that_left_the_configuration_keeps_nobody(
    pages_store: Store, delete: Delete
) -> None:
    with pages_store.transaction() as db:
        patients.known(db, "former", MARK)
    reason = ("--reason", "letter of 2026-11-29")
    unknown = delete(MARK, *reason, site="frmer")
    assert (unknown.exit_code, isinstance(unknown.exception, ConfigurationError)) == (1, True)
    assert "There is no site 'frmer' (known: former, general)." in str(unknown.exception)
    assert "Nothing is kept of that patient" in str(delete("p9", *reason, site="former").exception)
    done = delete(MARK, *reason, site="former")
    assert done.exit_code == 0, done.output
    assert MARK not in naming(pages_store)
