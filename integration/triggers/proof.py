"""Who sends: a secret in a header, or a signature of the raw body made with it, compared in
constant time.

Held by tests/unit/test_proof.py.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from integration.configuration.service import HOOK_HEADER
from integration.configuration.site import Site
from integration.store import Store, subscriptions

SIGNATURE = "X-Signature"  # Medplum
KNOWN_SECONDS = 5.0


@dataclass(frozen=True)
class Proof:
    """What a hook asks of its callers."""

    kind: Literal["header", "hmac-sha256"]
    header: str
    secret: bytes

    def holds(self, headers: Mapping[str, str], body: bytes) -> bool:
        """HEADERS are found whatever their case."""
        given = headers.get(self.header, "").encode("utf-8", "replace")
        if not given or not self.secret:
            return False
        if self.kind == "header":
            return hmac.compare_digest(given, self.secret)
        expected = hmac.new(self.secret, body, hashlib.sha256).hexdigest().encode()
        return hmac.compare_digest(given.removeprefix(b"sha256=").lower(), expected)


@dataclass(frozen=True)
class Gate:
    """A way in: who may use it, and whether its event numbers run on."""

    proofs: tuple[Proof, ...]
    counts_events: bool

    def opens(self, headers: Mapping[str, str], body: bytes) -> bool:
        held = [
            proof.holds(headers, body) for proof in self.proofs
        ]  # all are tried, so that time tells nothing
        return any(held)


class Gates:
    """The ways in. Those of Subscriptions that we made are read from the database, and known for
    `KNOWN_SECONDS`. Threads share one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[tuple[str, str], tuple[float, Gate]] = {}

    def known(self, site: Site, name: str) -> Gate | None:
        """The hook NAME of a site, as far as the database need not be asked."""
        if hook := site.hooks.get(name):
            proof = Proof(hook.proof, hook.header, hook.secret.get_secret_value().encode())
            return Gate((proof,), hook.counts_events)
        until, gate = self._made.get((site.name, name), (0.0, None))
        return gate if until > time.monotonic() else None

    def read(self, site: Site, name: str) -> Gate | None:
        """That of a Subscription that we made."""
        with self._store.transaction() as db:
            made = subscriptions.find(db, site.name, name)
        if made is None:
            self._made.pop((site.name, name), None)
            return None
        secret = made.secret.encode()
        proofs = Proof("header", HOOK_HEADER, secret), Proof("hmac-sha256", SIGNATURE, secret)
        gate = Gate(proofs, made.form == "topic")
        self._made[site.name, name] = time.monotonic() + KNOWN_SECONDS, gate
        return gate
