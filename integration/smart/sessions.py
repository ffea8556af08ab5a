"""Pending launches, people's sessions and the charts they opened, in PostgreSQL; secrets sealed or
hashed.

Held by tests/contract/test_launch.py.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from integration.smart.grants import Grant
from integration.smart.identity import Identity
from integration.smart.refusal import SignInAgain
from integration.smart.vault import Vault
from integration.store import Store

PENDING_MINUTES = 10
SKEW_SECONDS = 30
AGAIN_SECONDS = 0.05  # while somebody else refreshes the same launch


def hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True)
class Pending:
    """A launch that was sent to the authorization server and has not come back."""

    site: str
    verifier: str
    nonce: str
    from_chart: bool
    issuer: str | None


@dataclass(frozen=True)
class Session:
    """One person in one browser. `csrf` goes into every form."""

    id: bytes
    who: Identity
    roles: frozenset[str]
    csrf: str

    def may(self, *roles: str) -> bool:
        return bool(self.roles & set(roles))


@dataclass(frozen=True)
class Launch:
    """One opened chart: its id stands in the URL, so that two tabs with two patients never mix."""

    id: str
    session: bytes
    site: str
    patient: str
    encounter: str | None
    scopes: frozenset[str]
    need_patient_banner: bool
    style_url: str | None
    fhir_context: tuple[dict[str, str], ...]
    app_context: str | None
    access_token: str
    access_until: datetime
    refresh_token: str | None

    @property
    def is_fresh(self) -> bool:
        return self.access_until > datetime.now(UTC) + timedelta(seconds=SKEW_SECONDS)


class Sessions:
    def __init__(
        self, store: Store, vault: Vault, hours: float = 10, idle_minutes: float = 60
    ) -> None:
        self._store, self._vault = store, vault
        self._life, self._idle = timedelta(hours=hours), timedelta(minutes=idle_minutes)

    # Launches on their way

    def pend(self, pending: Pending) -> tuple[str, str]:
        """The state for the authorization server, and the secret for the browser that must bring it
        back."""
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        sealed = self._vault.seal(state, vars(pending))
        with self._store.transaction() as connection:
            connection.execute(
                "DELETE FROM smart_pending WHERE started < now() - make_interval(mins => %s)",
                [PENDING_MINUTES],
            )
            connection.execute(
                "INSERT INTO smart_pending (state, browser, sealed) VALUES (%s, %s, %s)",
                [hashed(state), hashed(browser), sealed],
            )
        return state, browser

    def claim(self, state: str, browser: str) -> Pending | None:
        """The launch of that state, once, and only for the browser that began it."""
        with self._store.transaction() as connection:
            row = connection.execute(
                "DELETE FROM smart_pending WHERE state = %s AND browser = %s"
                " AND started > now() - make_interval(mins => %s) RETURNING sealed",
                [hashed(state), hashed(browser), PENDING_MINUTES],
            ).fetchone()
        found = self._vault.open(state, row[0]) if row else {}
        return Pending(**found) if found else None

    # People

    def sign_in(self, who: Identity, roles: Sequence[str], old: str | None = None) -> str:
        """A new cookie value. Charts that the same person has open in this browser stay open;
        another's are closed."""
        secret = secrets.token_urlsafe(32)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO web_session (id, provider, subject, fhir_user, name, roles, ends)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    hashed(secret),
                    who.provider,
                    who.subject,
                    who.fhir_user,
                    who.label,
                    list(roles),
                    datetime.now(UTC) + self._life,
                ],
            )
            if old:
                same = "SELECT 1 FROM web_session WHERE id = %s AND provider = %s AND subject = %s"
                if connection.execute(same, [hashed(old), who.provider, who.subject]).fetchone():
                    connection.execute(
                        "UPDATE smart_launch SET session = %s WHERE session = %s",
                        [hashed(secret), hashed(old)],
                    )
                connection.execute("DELETE FROM web_session WHERE id = %s", [hashed(old)])
            connection.execute("DELETE FROM web_session WHERE ends < now()")
        return secret

    def session(self, secret: str) -> Session | None:
        """The session of a cookie, unless it ended or was left alone too long."""
        query = (
            "UPDATE web_session SET seen = now() WHERE id = %s AND ends > now() AND seen > %s"
            " RETURNING provider, subject, fhir_user, name, roles"
        )
        with self._store.transaction() as connection:
            row = connection.execute(
                query, [hashed(secret), datetime.now(UTC) - self._idle]
            ).fetchone()
        if row is None:
            return None
        provider, subject, fhir_user, name, roles = row
        return Session(
            hashed(secret),
            Identity(provider, subject, fhir_user, name),
            frozenset(roles),
            csrf_of(secret),
        )

    def sign_out(self, secret: str) -> None:
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM web_session WHERE id = %s", [hashed(secret)])

    def tell(self, session: Session, what: dict[str, Any]) -> str:
        """Keeps what a form did, for the page after it; the id by which that page asks."""
        identity = secrets.token_urlsafe(12)
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO told (id, session, sealed) VALUES (%s, %s, %s)",
                [identity, session.id, self._vault.seal(identity, what)],
            )
        return identity

    def told(self, session: Session, identity: str) -> dict[str, Any]:
        """What is kept under that id for this session, once; nothing else."""
        with self._store.transaction() as connection:
            row = connection.execute(
                "DELETE FROM told WHERE id = %s AND session = %s RETURNING sealed",
                [identity, session.id],
            ).fetchone()
        return self._vault.open(identity, row[0]) if row else {}

    # Charts

    def open_chart(self, secret: str, site: str, grant: Grant) -> str:
        """Keeps a launch with its tokens; returns the id for the URL."""
        identity = secrets.token_urlsafe(16)
        context = {
            "need_patient_banner": grant.need_patient_banner,
            "style_url": grant.style_url,
            "fhir_context": list(grant.fhir_context),
            "app_context": grant.app_context,
        }
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO smart_launch (id, session, site, patient, encounter, scopes, context,"
                " sealed, access_until) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    identity,
                    hashed(secret),
                    site,
                    grant.patient,
                    grant.encounter,
                    sorted(grant.scopes),
                    json.dumps(context),
                    self._sealed(identity, grant.access_token, grant.refresh_token),
                    datetime.now(UTC) + timedelta(seconds=grant.good_for_seconds),
                ],
            )
        return identity

    def chart(self, session: Session, identity: str) -> Launch | None:
        """The launch of that id, if it is this session's."""
        with self._store.transaction() as connection:
            return self._launch(connection, identity, session.id)

    def _launch(self, connection: Connection, identity: str, session: bytes) -> Launch | None:
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(
                "SELECT id, session, site, patient, encounter, scopes, context, sealed,"
                " access_until FROM smart_launch WHERE id = %s AND session = %s",
                [identity, session],
            ).fetchone()
        if row is None:
            return None
        tokens = self._vault.open(identity, row.pop("sealed"))
        context: dict[str, Any] = row.pop("context")
        return Launch(
            **{**row, "scopes": frozenset(row["scopes"])},
            need_patient_banner=context["need_patient_banner"],
            style_url=context["style_url"],
            fhir_context=tuple(context["fhir_context"]),
            app_context=context["app_context"],
            access_token=tokens.get("access", ""),
            refresh_token=tokens.get("refresh"),
        )

    @contextmanager
    def refreshing(self, launch: Launch) -> Iterator[Launch]:
        """LAUNCH as it is now, with nobody else refreshing it meanwhile, in any process."""
        while True:
            with self._store.holding(f"launch:{launch.id}") as hold:
                if hold.ours:
                    with hold.singly() as connection:
                        now = self._launch(connection, launch.id, launch.session)
                    if now is None:
                        raise SignInAgain
                    yield now
                    return
            time.sleep(AGAIN_SECONDS)

    def spend(self, launch: Launch) -> None:
        """A refresh token about to be sent is never sent again where its answer does not come."""
        self._keep(launch.id, launch.access_token, None, launch.access_until)

    def keep_refresh_token(self, launch: Launch) -> None:
        """The server said itself that it did nothing, or was never reached: it is not spent."""
        self._keep(launch.id, launch.access_token, launch.refresh_token, launch.access_until)

    def renewed(self, launch: Launch, grant: Grant) -> Launch:
        until = datetime.now(UTC) + timedelta(seconds=grant.good_for_seconds)
        refresh = grant.refresh_token or launch.refresh_token
        self._keep(launch.id, grant.access_token, refresh, until)
        return replace(
            launch, access_token=grant.access_token, refresh_token=refresh, access_until=until
        )

    def _keep(self, identity: str, access: str, refresh: str | None, until: datetime) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                "UPDATE smart_launch SET sealed = %s, access_until = %s WHERE id = %s",
                [self._sealed(identity, access, refresh), until, identity],
            )

    def _sealed(self, identity: str, access: str, refresh: str | None) -> str:
        return self._vault.seal(identity, {"access": access, "refresh": refresh})


def csrf_of(secret: str) -> str:
    """What a form must bring: it follows from the cookie, which no script and no other site can
    read."""
    return hashlib.sha256(b"csrf:" + secret.encode()).hexdigest()
