"""Sites that cannot be reached, or do not let us in, rest a while: their work waits without being
tried.

Held by tests/contract/test_store.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from integration.store.database.connection import Db, columns_of

FIRST_SECONDS, LONGEST_SECONDS = 5, 120
NOTED_SECONDS = 10  # that a site answers is noted once in so many: every job would write the row


@dataclass(frozen=True)
class Rest:
    site: str
    trouble: str | None
    failures: int
    rest_until: datetime | None
    trouble_since: datetime | None
    reached_at: datetime | None

    def until(self, now: datetime) -> datetime | None:
        """When the site may be tried again; None: now. A rest that is longer than any was noted by
        a clock that was ahead."""
        until = self.rest_until
        longest = now + timedelta(seconds=LONGEST_SECONDS)
        return until if until and now < until <= longest else None

    def is_news(self, now: datetime) -> bool:
        """Whether it should be noted that the site answers."""
        noted = self.reached_at is not None and self.reached_at > now - timedelta(
            seconds=NOTED_SECONDS
        )
        return self.failures > 0 or not noted


_ROWS = f"select {columns_of(Rest)} from site_state"  # noqa: S608 (names of ours)


def find(db: Db, site: str) -> Rest | None:
    with db.cursor(row_factory=class_row(Rest)) as rows:
        return rows.execute(f"{_ROWS} where site = %s".encode(), [site]).fetchone()


def troubled(db: Db, sites: Sequence[str]) -> list[Rest]:
    """Those of SITES that could not be reached when they were last tried."""
    with db.cursor(row_factory=class_row(Rest)) as rows:
        return rows.execute(
            f"{_ROWS} where site = any(%s) and trouble is not null order by site".encode(),
            [list(sites)],
        ).fetchall()


def rest(db: Db, site: str, trouble: str, now: datetime, least_seconds: float = 0) -> datetime:
    """The site is in trouble: it rests, longer each time, LEAST_SECONDS at least. Several workers
    that find out at once count as one."""
    db.execute("insert into site_state (site) values (%s) on conflict do nothing", [site])
    row = db.execute(
        "select failures, rest_until from site_state where site = %s for update", [site]
    ).fetchone()
    failures, resting = row or (0, None)
    if resting and now < resting <= now + timedelta(seconds=LONGEST_SECONDS):
        return resting
    seconds = max(FIRST_SECONDS * 2**failures, least_seconds)
    end = now + timedelta(seconds=min(seconds, LONGEST_SECONDS))
    db.execute(
        "update site_state set trouble = %s, failures = failures + 1, rest_until = %s,"
        " trouble_since = coalesce(trouble_since, %s) where site = %s",
        [trouble, end, now, site],
    )
    return end


def reached(db: Db, site: str, now: datetime) -> None:
    """The site answered: whatever trouble there was is over."""
    db.execute(
        "insert into site_state (site, reached_at) values (%s, %s) on conflict (site) do update set"
        " trouble = null, failures = 0, rest_until = null, trouble_since = null, reached_at ="
        " excluded.reached_at",
        [site, now],
    )
