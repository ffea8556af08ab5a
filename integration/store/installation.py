"""What all processes of an installation share: the key of their logs, and how `serve` knows the
sites.

Held by tests/contract/test_operating.py.
"""

import json

from integration.store.database.connection import Db

_SITES = "sites"


def log_key(db: Db) -> bytes:
    return _value(db, "log-key")


def serve_sites(db: Db, digests: dict[str, str]) -> None:
    """DIGESTS: of each site's configuration, by its name."""
    db.execute(
        "insert into installation values (%s, %s) on conflict (name) do update set value ="
        " excluded.value",
        [_SITES, json.dumps(digests).encode()],
    )


def served_sites(db: Db) -> dict[str, str]:
    """As the `serve` that began last has them; none where none ever did."""
    return dict(json.loads(_value(db, _SITES) or b"{}"))


def _value(db: Db, name: str) -> bytes:
    row = db.execute("select value from installation where name = %s", [name]).fetchone()
    return bytes(row[0]) if row else b""
