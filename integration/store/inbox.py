"""Notifications as they arrived: kept before they are answered, and for a while after.

Held by tests/contract/test_intake.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from integration.store.database.connection import Db, records

Outcome = Literal["queued", "waiting", "catch-up", "ignored", "duplicate", "heard"]


@dataclass(frozen=True)
class Arrival:
    """What is kept of a notification. The body is not: it is a hint, and a chart's content."""

    site: str
    hook: str
    shape: str
    kind: str
    references_: tuple[str, ...] = ()
    event_numbers: tuple[int, ...] = ()
    duplicate_key: str | None = None

    @property
    def once(self) -> tuple[str, str, str] | None:
        """What tells a repetition; None where nothing does."""
        return (self.site, self.hook, self.duplicate_key) if self.duplicate_key else None


def kept_before(db: Db, arrivals: Sequence[Arrival]) -> set[tuple[str, str, str]]:
    """Which of ARRIVALS are there already, by `Arrival.once`."""
    once = [arrival.once for arrival in arrivals if arrival.once]
    if not once:
        return set()
    found = db.execute(
        "select site, hook, duplicate_key from notifications where site = any(%s)"
        " and hook = any(%s) and duplicate_key = any(%s)",
        [sorted(set(column)) for column in zip(*once, strict=True)],
    )
    return set(found)


def keep(db: Db, arrivals: Sequence[tuple[Arrival, Outcome]]) -> None:
    """Keeps arrivals with what became of them; one that another process kept meanwhile is
    there."""
    columns = [{**vars(arrival), "outcome": outcome} for arrival, outcome in arrivals]
    if columns:
        db.execute(_KEEP, [records(columns)])


_KEEP = """insert into notifications (site, hook, shape, kind, references_, event_numbers,
    duplicate_key, outcome)
    select site, hook, shape, kind, references_, event_numbers, duplicate_key, outcome
    from jsonb_populate_recordset(null::notifications, %s)
    order by site, hook, duplicate_key on conflict do nothing"""


def hear(db: Db, site: str, hook: str) -> None:
    """Notes a sign of life, to ten seconds: a row that every notification writes would make each
    wait for the one before."""
    db.execute(_HEAR, {"site": site, "hook": hook})


_HEAR = """insert into hooks (site, name) select %(site)s, %(hook)s where not exists (
    select 1 from hooks where site = %(site)s and name = %(hook)s
    and heard_at > now() - interval '10 seconds')
    on conflict (site, name) do update set heard_at = now()"""


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
        " event_numbers && %s::bigint[] and event_numbers <> '{}'",
        [site, hook, list(numbers)],
    )
    return {row[0] for row in rows} & set(numbers)
