"""Our Subscriptions at the EHRs: their secret, and how each stands.

Held by tests/contract/test_subscribing.py.
"""

import secrets
from dataclasses import dataclass

from psycopg.rows import class_row

from integration.store.database.connection import Db, columns_of

SECRET_BYTES = 32


@dataclass(frozen=True)
class Subscribed:
    """`name` is the last part of /hooks/{site}/{name}."""

    site: str
    name: str
    secret: str
    fhir_id: str | None
    form: str
    status: str

    def __repr__(self) -> str:
        return f"Subscribed({self.site}/{self.name}, {self.status})"


_ROWS = f"select {columns_of(Subscribed)} from subscriptions"  # noqa: S608 (names of ours)


def of_site(db: Db, site: str) -> list[Subscribed]:
    with db.cursor(row_factory=class_row(Subscribed)) as rows:
        return rows.execute(f"{_ROWS} where site = %s order by name".encode(), [site]).fetchall()


def find(db: Db, site: str, name: str) -> Subscribed | None:
    with db.cursor(row_factory=class_row(Subscribed)) as rows:
        return rows.execute(
            f"{_ROWS} where site = %s and name = %s".encode(), [site, name]
        ).fetchone()


def want(db: Db, site: str, name: str, form: str, criteria: str) -> Subscribed:
    """Keeps that there shall be this one; its secret is made once, and known before the server
    calls."""
    db.execute(
        "insert into subscriptions (site, name, secret, form, criteria) values (%s, %s, %s, %s, %s)"
        " on conflict (site, name) do update set form = excluded.form, criteria ="
        " excluded.criteria",
        [site, name, secrets.token_urlsafe(SECRET_BYTES), form, criteria],
    )
    found = find(db, site, name)
    assert found is not None  # noqa: S101 (just inserted)
    return found


def made(db: Db, site: str, name: str, fhir_id: str, status: str, *, again: bool) -> None:
    """The server has it, under that id. Its counter, if it has one, starts anew."""
    db.execute(
        "update subscriptions set fhir_id = %s, status = %s, problem = null, recreated = recreated"
        " + %s where site = %s and name = %s",
        [fhir_id, status, int(again), site, name],
    )
    db.execute("update hooks set last_event = null where site = %s and name = %s", [site, name])


def verified(db: Db, site: str, name: str, status: str, problem: str | None = None) -> None:
    db.execute(
        "update subscriptions set status = %s, problem = %s, verified_at = now() where site = %s"
        " and name = %s",
        [status, problem, site, name],
    )


def forget(db: Db, site: str, name: str) -> None:
    db.execute("delete from subscriptions where site = %s and name = %s", [site, name])
