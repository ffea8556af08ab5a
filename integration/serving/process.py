"""What a long-lived process and every command on the database begin with: the store and logs.

Held by tests/contract/test_starting.py.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from integration.assessing.clients import prepare
from integration.configuration.settings import Settings
from integration.operating import logs
from integration.store import Store


@contextmanager
def opened(settings: Settings, *, connections: int = 4) -> Iterator[Store]:
    """The store of SETTINGS."""
    prepare()
    with Store.open(settings, connections=connections) as store:
        with store.transaction() as db:
            row = db.execute("select value from installation where name = 'log-key'").fetchone()
        logs.configure(settings.log, bytes(row[0]) if row else b"")
        gc.freeze()  # rules and modules stay: they need not be looked through again and again
        yield store
