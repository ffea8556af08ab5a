"""A PostgreSQL for tests: the embedded one, started once per run, and a fresh database, up to date,
for each test."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from integration.configuration.settings import Settings
from integration.store import Store
from integration.store.database.embedded import Embedded
from integration.store.database.migrating import migrate

TEMPLATE = "template_ferroclaim"
_numbers = itertools.count(1)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder for an embedded PostgreSQL.

    Run as root it works as another user, who must get there: any pytest that begins takes that
    right from pytest's own.
    """
    with tempfile.TemporaryDirectory(prefix="ferroclaim-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The server's address; its database `template_ferroclaim` is up to date and empty."""
    with tempfile.TemporaryDirectory(prefix="ferroclaim-", ignore_cleanup_errors=True) as folder:
        server = Embedded(Path(folder) / "data")
        yield _prepared(server.start())
        server.stop()


def _prepared(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("alter system set fsync = off")  # no test cuts the power
        db.execute("select pg_reload_conf()")
        db.execute(f"create database {TEMPLATE}")
    with psycopg.connect(_named(url, TEMPLATE), autocommit=True) as db:
        migrate(db)
    return url


@pytest.fixture(scope="session")
def shared_database(postgres: str) -> str:
    """One for all tests that do not mind each other."""
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"create database shared template {TEMPLATE}".encode())
    return _named(postgres, "shared")


@pytest.fixture
def database(postgres: str) -> Iterator[str]:
    """The address of a database of this test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"create database {name} template {TEMPLATE}".encode())
    yield _named(postgres, name)
    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(
        Settings.model_validate({"database_url": database, "data_dir": tmp_path})
    ) as opened:
        yield opened


def _named(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?")
