"""The schema: numbered files of this folder, and procrastinate's own, each applied once, by one
process at a time.

Held by tests/contract/test_store.py.
"""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from procrastinate.schema import SchemaManager, migrations_path
from psycopg import Connection

LOCK = 0x6665727263  # `ferrc`
_TABLE = (
    "create table if not exists migrations (name text primary key, applied_at timestamptz not null"
    " default now())"
)


def migrate(db: Connection) -> list[str]:
    """Brings the database up to date; returns what was applied. All of it, or nothing."""
    with db.transaction():
        db.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        db.execute(_TABLE)
        done = {row[0] for row in db.execute("select name from migrations")}
        applied = []
        for name, sql in _wanted(queue_is_there="procrastinate" in done):
            if name not in done:
                if sql:
                    db.execute(sql.encode())
                db.execute("insert into migrations (name) values (%s)", [name])
                applied.append(name)
        return applied


def pending(db: Connection) -> list[str]:
    """What `migrate` would apply."""
    there = db.execute("select to_regclass('migrations')").fetchone()
    if there is None or there[0] is None:
        return [name for name, _ in _wanted(queue_is_there=False)]
    done = {row[0] for row in db.execute("select name from migrations")}
    return [name for name, _ in _wanted(queue_is_there=True) if name not in done]


def newer(db: Connection) -> list[str]:
    """What another release applied that this one does not have."""
    ours = {name for name, _ in _wanted(queue_is_there=True)}
    rows = db.execute("select name from migrations order by name")
    return [row[0] for row in rows if row[0] not in ours]


def _wanted(*, queue_is_there: bool) -> Iterator[tuple[str, str]]:
    """Names and SQL, in order. A new queue's schema already holds what its migrations would
    change."""
    if not queue_is_there:
        yield "procrastinate", SchemaManager.get_schema()
    else:
        yield "procrastinate", ""
    for path in sorted(Path(migrations_path).glob("*.sql")):
        yield (
            f"procrastinate {path.stem}",
            path.read_text(encoding="utf-8") if queue_is_there else "",
        )
    folder = files("integration.store") / "migrations"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")
