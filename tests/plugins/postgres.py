"""A PostgreSQL for tests: the embedded one, started once per run, and a fresh database, up to date, for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from integration.settings import Settings
from integration.store import Store
from integration.store.embedded import Embedded
from integration.store.migrating import migrate

TEMPLATE = "template_ferroclaim"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server's address; its database `template_ferroclaim` is up to date and empty."""
    url = Embedded(tmp_path_factory.mktemp("postgres") / "data").start()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"create database {TEMPLATE}")
    with psycopg.connect(_named(url, TEMPLATE), autocommit=True) as db:
        migrate(db)
    return url


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
    with Store.open(Settings.model_validate({"database_url": database, "data_dir": tmp_path})) as opened:
        yield opened


def _named(url: str, database: str) -> str:
    return url.replace("/postgres?", f"/{database}?")
