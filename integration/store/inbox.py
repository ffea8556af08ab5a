"""Notifications as they arrived: kept before they are answered, and for a while after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from integration.store.database.connection import Db

Outcome = Literal["queued", "waiting", "catch-up", "ignored", "duplicate", "heard"]


@dataclass(frozen=True)
class Arrival:
    """What is kept of a notification. The body is not: it is a hint, and a chart's content."""

    site: str
    hook: str
    shape: str
    kind: str
    references: tuple[str, ...] = ()
    event_numbers: tuple[int, ...] = ()
    duplicate_key: str | None = None


def take(db: Db, arrival: Arrival) -> int | None:
    """Keeps an arrival; None where the same was kept before."""
    row = db.execute(
        "insert into notifications (site, hook, shape, kind, references_, event_numbers,"
        " duplicate_key, outcome) values (%s, %s, %s, %s, %s, %s, %s, 'heard') on conflict do"
        " nothing returning id",
        [
            arrival.site,
            arrival.hook,
            arrival.shape,
            arrival.kind,
            list(arrival.references),
            list(arrival.event_numbers),
            arrival.duplicate_key,
        ],
    ).fetchone()
    return row[0] if row else None


def settle(db: Db, identity: int, outcome: Outcome) -> None:
    db.execute("update notifications set outcome = %s where id = %s", [outcome, identity])


def hear(db: Db, site: str, hook: str) -> None:
    """Notes a sign of life, to ten seconds: a row that every notification writes would make each
    wait for the one before."""
    fresh = (
        "select 1 from hooks where site = %s and name = %s and heard_at > now() - interval '10"
        " seconds'"
    )
    if db.execute(fresh, [site, hook]).fetchone() is None:
        db.execute(
            "insert into hooks (site, name) values (%s, %s) on conflict (site, name) do update set"
            " heard_at = now()",
            [site, hook],
        )


def last_number(db: Db, site: str, hook: str) -> int | None:
    """The highest event number so far; until the transaction ends nobody else counts."""
    row = db.execute(
        "select last_event from hooks where site = %s and name = %s for update", [site, hook]
    ).fetchone()
    return row[0] if row else None


def count(db: Db, site: str, hook: str, number: int) -> None:
    db.execute(
        "update hooks set last_event = %s where site = %s and name = %s", [number, site, hook]
    )


def heard_numbers(db: Db, site: str, hook: str, numbers: Sequence[int]) -> set[int]:
    """Those of the event NUMBERS that came in the meantime."""
    rows = db.execute(
        "select distinct unnest(event_numbers) from notifications where site = %s and hook = %s and"
        " event_numbers && %s::bigint[]",
        [site, hook, list(numbers)],
    )
    return {row[0] for row in rows} & set(numbers)
