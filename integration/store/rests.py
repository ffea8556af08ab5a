"""Sites that cannot be reached, or do not let us in, rest a while: their work waits without being
tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from integration.store.database.connection import Db

FIRST_SECONDS, LONGEST_SECONDS = 5, 120


@dataclass(frozen=True)
class Rest:
    site: str
    trouble: str | None
    failures: int
    rest_until: datetime | None
    trouble_since: datetime | None
    reached_at: datetime | None


def find(db: Db, site: str) -> Rest | None:
    with db.cursor(row_factory=class_row(Rest)) as rows:
        return rows.execute("select * from site_state where site = %s", [site]).fetchone()


def troubled(db: Db, sites: Sequence[str]) -> list[Rest]:
    """Those of SITES that could not be reached when they were last tried."""
    with db.cursor(row_factory=class_row(Rest)) as rows:
        return rows.execute(
            "select * from site_state where site = any(%s) and trouble is not null order by site",
            [list(sites)],
        ).fetchall()


def until(db: Db, site: str, now: datetime) -> datetime | None:
    """When the site may be tried again; None: now."""
    row = db.execute(
        "select rest_until from site_state where site = %s and rest_until > %s", [site, now]
    ).fetchone()
    return row[0] if row else None


def rest(db: Db, site: str, trouble: str, now: datetime) -> datetime:
    """The site is in trouble: it rests, longer each time. Several workers that find out at once
    count as one."""
    db.execute("insert into site_state (site) values (%s) on conflict do nothing", [site])
    row = db.execute(
        "select failures, rest_until from site_state where site = %s for update", [site]
    ).fetchone()
    failures, resting = row or (0, None)
    if resting and resting > now:
        return resting
    end = now + timedelta(seconds=min(FIRST_SECONDS * 2**failures, LONGEST_SECONDS))
    db.execute(
        "update site_state set trouble = %s, failures = failures + 1, rest_until = %s,"
        " trouble_since = coalesce(trouble_since, %s) where site = %s",
        [trouble, end, now, site],
    )
    return end


def reached(db: Db, site: str, now: datetime) -> bool:
    """The site answered; whether it was in trouble before."""
    db.execute("insert into site_state (site) values (%s) on conflict do nothing", [site])
    ended = db.execute(
        "update site_state set trouble = null, failures = 0, rest_until = null, trouble_since ="
        " null where site = %s and failures > 0",
        [site],
    )
    db.execute(
        "update site_state set reached_at = %s where site = %s and (reached_at is null or"
        " reached_at < %s)",
        [now, site, now - timedelta(seconds=10)],
    )
    return ended.rowcount > 0
