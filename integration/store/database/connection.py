"""The database: opened, migrated, handed out in transactions, and revived where it is the embedded
one.

Held by tests/contract/test_store.py.
"""

import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import msgspec
import psycopg
import structlog
from psycopg import BaseConnection, Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from integration.configuration.settings import Settings
from integration.errors import ConfigurationError
from integration.operating import descriptors
from integration.store.database.embedded import Embedded
from integration.store.database.failing import (
    PASSING,
    DiskFull,
    NoDescriptors,
    StoreUnavailable,
    refusal,
    why,
)
from integration.store.database.migrating import migrate, newer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

log = structlog.get_logger()

Db = Connection[tuple[Any, ...]]
FOLDER = "postgres"  # in `data_dir`
WAIT_SECONDS = 5.0
AGAIN_SECONDS = 0.5
FULL_SECONDS = 30.0  # after it could not keep something: whoever only reads does not notice
# A worker's machine that vanishes must not keep its locks for the two hours of TCP's own patience.
_KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SESSION = (
    "set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3"
)

# The queue's own statements need no transaction around them, nor have to be waited for: what
# PostgreSQL forgets of them is a job done again. The next job is the first of an index; of a queue
# that was empty when its rows were last counted, all would be sorted for each job.
QUEUE = "set synchronous_commit = off; set enable_sort = off; set enable_bitmapscan = off"


class Store:
    """Threads may share one. `pool` is for what needs a connection of its own; those of `_locks`
    hold a key each, and are used for nothing else meanwhile; those of `_queue` take and end
    jobs."""

    def __init__(
        self, url: str, *, embedded: Embedded | None = None, connections: int = 10
    ) -> None:
        self.url, self.embedded = url, embedded
        self._full_at = -FULL_SECONDS
        self.pool = self._pooled(1, connections)
        self._locks = self._pooled(0, connections, autocommit=True)
        self._queue = self._pooled(0, 2, _configured_for_the_queue, autocommit=True)

    def _pooled(
        self,
        least: int,
        most: int,
        configure: Callable[[Db], None] | None = None,
        *,
        autocommit: bool = False,
    ) -> ConnectionPool[Db]:
        keepalives = _KEEPALIVES if self.embedded is None else {}
        return ConnectionPool(
            self.url,
            kwargs={"application_name": "ferroclaim", "autocommit": autocommit, **keepalives},
            configure=configure or _configured,
            check=self._checked,
            min_size=least,
            max_size=most,
            timeout=WAIT_SECONDS,
            open=False,
        )

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        connections: int = 10,
        patience_seconds: float = 0,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Starts the embedded server where no URL is configured, and brings the schema up to
        date. A server that does not answer yet is waited for, PATIENCE_SECONDS at most; TELL hears
        of it, and of a schema that is newer than ours."""
        embedded = None if settings.database_url else Embedded(settings.data_dir / FOLDER)
        if settings.database_url:
            url = settings.database_url.get_secret_value()
        else:
            url = embedded.start() if embedded else ""
        store = cls(_an_address(url), embedded=embedded, connections=connections)
        try:
            with _first_connection(store.url, patience_seconds, tell) as db:
                migrate(db)
                if ahead := newer(db):
                    tell(
                        f"A newer ferroclaim brought this database up to date ({', '.join(ahead)}):"
                        " update this one, too. To go back for good, restore the backup of before."
                    )
        except psycopg.OperationalError as error:
            said = refusal(error)
            raise ConfigurationError(
                f"The database {_named(url)} does not let us in: {said}. Check database_url."
                if said
                else f"The database {_named(url)} cannot be reached. Check database_url, and that"
                " it runs."
            ) from None
        except psycopg.Error as error:
            raise ConfigurationError(
                f"The database {_named(url)} refuses our tables ({type(error).__name__})."
            ) from None
        store.pool.open()
        store._locks.open()
        store._queue.open()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.pool.close()
        self._locks.close()
        self._queue.close()

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """A connection whose work is kept at the end, all of it or none. Raises
        `StoreUnavailable`."""
        with self._answering(), self._connection(self.pool) as db:
            yield db

    singly = transaction

    @contextmanager
    def snapshot(self) -> Iterator[Db]:
        """As `transaction`; whatever is asked in it, the answers are of one moment. To read, and to
        add a note of that."""
        with self.transaction() as db:
            db.execute("set transaction isolation level repeatable read")
            yield db

    @contextmanager
    def queueing(self) -> Iterator[Db]:
        """A connection for the queue's own statements, each by itself. Raises
        `StoreUnavailable`."""
        with self._answering(), self._connection(self._queue) as db:
            yield db

    def _connection(self, pool: ConnectionPool[Db]) -> AbstractContextManager[Db]:
        """Where none can be opened, nobody waits for one."""
        if not pool.get_stats()["pool_available"] and descriptors.are_used_up():
            raise NoDescriptors(f"{descriptors.says()} Try again.")
        return pool.connection()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except PASSING as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        if descriptors.are_used_up():
            return NoDescriptors(f"{descriptors.says()} Try again.")
        if isinstance(error, psycopg.errors.DiskFull):
            self._full_at = time.monotonic()
            return DiskFull()
        self.revive()
        return StoreUnavailable(f"The database {why(error, self.url)}. Try again.")

    def check(self) -> None:
        """Raises `StoreUnavailable` where nothing can be read, or could be kept a moment ago."""
        with self.transaction() as db:
            db.execute("select 1")
        if time.monotonic() < self._full_at + FULL_SECONDS:
            raise DiskFull

    def revive(self) -> None:
        """Starts the embedded server again where it died; another's server is another's to
        start."""
        if self.embedded is None or descriptors.are_used_up():
            return
        try:
            self.embedded.revive()
        except ConfigurationError as error:
            log.warning("database", error=str(error))

    def _checked(self, db: Connection[Any]) -> None:
        """Before a connection is handed out: where the server died, its successor is up before the
        next one is made."""
        if is_quiet(db):
            return
        try:
            ConnectionPool.check_connection(db)
        except psycopg.OperationalError:
            self.revive()
            raise

    @contextmanager
    def holding(self, key: str) -> Iterator["Hold"]:
        """Holds KEY across all machines until the end of the block or of this process, unless
        somebody else does.

        A connection of its own holds it, so a process that dies lets go at once; one that comes
        back to the pool has let go. What was done in the block stands, whatever becomes of it.
        """
        with self._answering(), self._connection(self._locks) as db:
            row = db.execute(
                "select pg_try_advisory_lock(hashtextextended(%s, 0))", [key]
            ).fetchone()
            try:
                yield Hold(self, db, bool(row and row[0]))
            finally:
                _let_go(db)


@dataclass(frozen=True)
class Hold:
    """`ours`: whether we got it. What is read and kept here goes over the connection that holds the
    key: cut off from it, nothing is kept any more."""

    store: Store
    db: Db
    ours: bool

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """As `Store.transaction`, without a wait for each statement, nor for its beginning: only
        where a result is asked for, and at the end."""
        with self.store._answering():
            try:
                with self.db.pipeline():
                    self.db.execute("begin")
                    yield self.db
                    self.db.execute("commit")
            except BaseException:
                self.db.rollback()
                raise

    @contextmanager
    def singly(self) -> Iterator[Db]:
        """Each statement for itself: what it changes is kept once it returns."""
        with self.store._answering():
            yield self.db


def columns_of(kind: type["DataclassInstance"]) -> str:
    """The columns that a row of KIND is made of, by name: the schema of a newer release, which may
    run beside this one, may have others."""
    return ", ".join(field.name for field in fields(kind))


def records(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of a table by column, for `jsonb_populate_recordset(null::the_table, %s)`: one
    statement takes them all."""
    return msgspec.json.encode(rows).decode()


def is_quiet(db: BaseConnection[Any]) -> bool:
    """Whether nothing came while it lay idle: then it is alive. A server that ends says so, and a
    socket that is closed can be read."""
    idle = select.poll()
    idle.register(db.fileno(), select.POLLIN)
    return not idle.poll(0)


def _let_go(db: Db) -> None:
    """Of all keys; a connection that cannot say so ends, and with it they are free."""
    try:
        db.execute("select pg_advisory_unlock_all()")
    except PASSING:
        db.close()


def _configured(db: Connection[Any]) -> None:
    if not db.info.host.startswith("/"):
        db.execute(_SESSION)
        if not db.autocommit:
            db.commit()


def _configured_for_the_queue(db: Db) -> None:
    _configured(db)
    db.execute(QUEUE)


def _first_connection(url: str, patience_seconds: float, tell: Callable[[str], None]) -> Db:
    """Where containers start together, the database is often the last one to be there."""
    until, told = time.monotonic() + patience_seconds, False
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            if refusal(error) or time.monotonic() >= until:
                raise
        if not told:
            tell(
                f"The database {_named(url)} does not answer yet: waiting for it,"
                f" {patience_seconds:.0f} seconds at most."
            )
            told = True
        time.sleep(AGAIN_SECONDS)


def _an_address(url: str) -> str:
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "database_url is not a PostgreSQL address, such as postgresql://user@host/database."
        ) from None
    return url


def _named(url: str) -> str:
    """Host and name, without the password."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('dbname') or 'postgres'} on {parts.get('host') or 'this machine'}"
