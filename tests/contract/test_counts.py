"""What a look at a chart and a notification cost the service and its database: counts, which do not
flicker as times do."""

import cProfile
import pstats
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg._connection_base import BaseConnection

from integration.store import patients
from integration.triggers import accepting, notification
from integration.triggers.accepting import Arriving
from integration.work.engine import Job
from tests import builders
from tests import notifications as sent
from tests.service import Running

LACKING = ("ferritin", "tsat", "ckd", "anemia-in-ckd", "iron-deficiency", "intolerance", "order")

# Of functions, by cProfile, for a look that changes nothing, and for one more result in the chart.
MORE, MOST_CALLS, MOST_CALLS_FOR_A_RESULT = 60, 13_000, 78
WRITES = ("insert", "update", "delete", "with")


class Counted:
    """Statements, commits and new connections since `begin`. Without a transaction, what is read is
    a statement and no commit, and what is written is both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements = self.commits = self.connections = 0
        self._begun = False
        self._count(monkeypatch, "execute")
        self._count(monkeypatch, "executemany")
        self._count_commits(monkeypatch)
        connect = psycopg.Connection.connect.__func__  # type: ignore[attr-defined]

        def connected(cls: Any, *given: Any, **named: Any) -> Any:
            self.connections += 1
            return connect(cls, *given, **named)

        monkeypatch.setattr(psycopg.Connection, "connect", classmethod(connected))

    def _count(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        original = getattr(psycopg.Cursor, name)

        def counted(cursor: Any, query: Any, *given: Any, **named: Any) -> Any:
            self._begun = query == "begin" or (self._begun and query != "commit")
            alone = cursor.connection.autocommit and not self._begun
            self.commits += query == "commit" or (alone and str(query).startswith(WRITES))
            self.statements += query not in ("begin", "commit")
            return original(cursor, query, *given, **named)

        monkeypatch.setattr(psycopg.Cursor, name, counted)

    def _count_commits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        send = BaseConnection._exec_command

        def counted(connection: Any, command: Any, *given: Any, **named: Any) -> Any:
            self.commits += command == b"COMMIT"
            return send(connection, command, *given, **named)

        monkeypatch.setattr(BaseConnection, "_exec_command", counted)

    def begin(self) -> None:
        self.statements = self.commits = self.connections = 0


def test_a_look_at_a_chart(
    running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = running()
    for resource in builders.chart(without=LACKING):
        service.fake.store(resource)
    with service.store.transaction() as db:
        known = patients.known(db, service.site, "p1")
    job = Job("assess", "patient:p1", service.site, {"patient": known.id})
    with service.store.holding("the first connection for locks is made"):
        pass
    counted = Counted(monkeypatch)
    service.engine.run(job)
    first = (counted.statements, counted.commits, counted.connections)
    counted.begin()
    service.engine.run(job)
    again = (counted.statements, counted.commits, counted.connections)
    gaps = service.rows("select count(*) from gaps where closed_at is null")[0][0]
    assert (gaps, first, again) == (7, (20, 3, 0), (15, 2, 0)), "fewer is better: write it here"


def test_notifications_that_are_kept_together(
    running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = running()
    accepting.accept(service.store, service.engine.queue, told("first"))
    counted = Counted(monkeypatch)
    accepting.accept(service.store, service.engine.queue, told("again"))
    assert (counted.statements, counted.commits) == (5, 1), "fewer is better: write it here"
    assert service.outcomes().count("waiting") == 6 + 8
    events = "select distinct type::text from procrastinate_events"
    assert service.rows(events) == [], "of a job only its start is noted"


def told(name: str) -> list[Arriving]:
    """Eight doses of two patients."""
    bodies = [sent.administration(f"{name}-{number}", f"p{number % 2}") for number in range(8)]
    bases = ("http://127.0.0.1/fhir",)
    read = [notification.read("POST", "", sent.encoded(body), bases) for body in bodies]
    return [Arriving("general", "lab", False, one) for one in read]


def test_what_a_look_and_one_more_result_take(running: Callable[..., Running]) -> None:
    service = running()
    for resource in builders.chart(without=LACKING):
        service.fake.store(resource)
    few = calls_of_a_look(service)
    for number in range(MORE):
        drawn = date(2026, 10, 1) - timedelta(days=number)
        service.fake.store(builders.lab("hemoglobin", 10, on=str(drawn)))
    more = (calls_of_a_look(service) - few) / MORE
    assert few < MOST_CALLS
    assert more < MOST_CALLS_FOR_A_RESULT


def calls_of_a_look(service: Running) -> int:
    """After others that did all that there was to do. Those of the server in another thread are not
    counted."""
    with service.store.transaction() as db:
        known = patients.known(db, service.site, "p1")
    job = Job("assess", "patient:p1", service.site, {"patient": known.id})
    for _ in range(2):
        service.engine.run(job)
    with cProfile.Profile() as profile:
        service.engine.run(job)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]
