"""How far each site was searched for changes.

Held by tests/contract/test_sweeping.py.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from integration.store.database.connection import Db, columns_of


@dataclass(frozen=True)
class Window:
    """Changes of KIND from `window_from` on, being read; `cursor` is the next page. `wanted`: asked
    for since the window, or the last one, was begun."""

    site: str
    kind: str
    position: datetime
    window_from: datetime | None
    cursor: str | None
    finished_at: datetime | None
    wanted: bool


_ROWS = f"select {columns_of(Window)} from sweeps"  # noqa: S608 (names of ours)


def find(db: Db, site: str, kind: str) -> Window | None:
    with db.cursor(row_factory=class_row(Window)) as rows:
        return rows.execute(
            f"{_ROWS} where site = %s and kind = %s".encode(), [site, kind]
        ).fetchone()


def of_site(db: Db, site: str) -> list[Window]:
    with db.cursor(row_factory=class_row(Window)) as rows:
        return rows.execute(f"{_ROWS} where site = %s order by kind".encode(), [site]).fetchall()


def want(db: Db, site: str) -> None:
    """Each type is to be searched again, from where its last window ended."""
    db.execute("update sweeps set wanted = true where site = %s and not wanted", [site])


def begin(db: Db, site: str, kind: str, start: datetime, end: datetime) -> Window:
    """Opens a window. Everything before START is taken as seen; nothing after END is."""
    db.execute(
        "insert into sweeps (site, kind, position, window_from, window_to, wanted) values (%s, %s,"
        " %s, %s, %s, false) on conflict (site, kind) do update set window_from ="
        " excluded.window_from, window_to = excluded.window_to, cursor = null, found = 0, wanted ="
        " false, position = least(sweeps.position, excluded.window_to)",
        [site, kind, start, start, end],
    )
    found = find(db, site, kind)
    assert found is not None  # noqa: S101 (just inserted)
    return found


def advance(db: Db, window: Window, cursor: str | None, found: int) -> None:
    """A page was seen to; without a next page the window is done, and its end is the new
    position."""
    if cursor is not None:
        db.execute(
            "update sweeps set cursor = %s, found = found + %s where site = %s and kind = %s",
            [cursor, found, window.site, window.kind],
        )
        return
    db.execute(
        "update sweeps set position = greatest(position, window_to), window_from = null, window_to"
        " = null, cursor = null, found = found + %s, finished_at = now() where site = %s and kind"
        " = %s",
        [found, window.site, window.kind],
    )
