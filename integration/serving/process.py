"""What a long-lived process and every command on the database begin with: the store, logs, and who
ends them.

Held by tests/contract/test_starting.py.
"""

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from integration.assessing.clients import policies_for, prepare
from integration.configuration.settings import Settings
from integration.ehr.transport.keys import Keyring
from integration.errors import ConfigurationError
from integration.operating import logs
from integration.store import Store


def refuse_broken_files(settings: Settings) -> None:
    """Before anybody is listened to: ConfigurationError with the first mistake of each site in its
    own policies, code tables and keys."""
    said = []
    for site in settings.sites.values():
        try:
            policies_for(site)
            site.facts()
            for file in (site.auth.key_file, site.app and site.app.key_file):
                if file:
                    Keyring.load(file)
        except ConfigurationError as mistake:
            said.append(str(mistake))
    if said:
        raise ConfigurationError(" ".join(said))


def until_asked_to_stop(stop: Callable[[], None]) -> None:
    """Whoever ends us (also the terminal that is closed) has STOP called; `nohup` is left to hold
    that off."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop())


@contextmanager
def opened(
    settings: Settings,
    *,
    connections: int = 4,
    patience_seconds: float = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Store]:
    """The store of SETTINGS; of one that is not up yet TELL hears."""
    prepare()
    with Store.open(
        settings, connections=connections, patience_seconds=patience_seconds, tell=tell
    ) as store:
        with store.transaction() as db:
            row = db.execute("select value from installation where name = 'log-key'").fetchone()
        logs.configure(settings.log, bytes(row[0]) if row else b"")
        gc.freeze()  # rules and modules stay: they need not be looked through again and again
        yield store
