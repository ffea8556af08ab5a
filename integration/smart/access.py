"""A person's own access token for reading their chart: renewed when it ends, never kept in the
clear.

Held by tests/contract/test_launch.py.
"""

import threading
from collections.abc import Mapping

from integration.configuration.settings import Settings
from integration.ehr import scopes
from integration.errors import NotConnected, Unreachable
from integration.smart import grants
from integration.smart.refusal import SignInAgain
from integration.smart.server import Directory, client_named
from integration.smart.sessions import Launch, Sessions


class UserAuthorization:
    """What a `Transport` needs to act for the person of a launch."""

    def __init__(
        self, settings: Settings, sessions: Sessions, directory: Directory, launch: Launch
    ) -> None:
        self._settings, self._sessions, self._directory, self._launch = (
            settings,
            sessions,
            directory,
            launch,
        )
        self._lock = threading.Lock()

    def headers(self) -> dict[str, str]:
        with self._lock:
            if not self._launch.is_fresh:
                self._launch = self._renewed(stale=self._launch.access_token)
            return {"Authorization": f"Bearer {self._launch.access_token}"}

    def renew(self, stale: Mapping[str, str]) -> bool:
        token = stale.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            if self._launch.access_token == token:
                self._launch = self._renewed(stale=token)
        return True

    def permits(self, kind: str, letter: str) -> bool:
        return scopes.permits(self._launch.scopes, kind, letter)

    def _renewed(self, stale: str) -> Launch:
        """By the refresh token, once for all processes; without one the person signs in again."""
        with self._sessions.refreshing(self._launch) as now:
            if now.access_token != stale and now.is_fresh:
                return now
            if not now.refresh_token:
                raise SignInAgain
            client = client_named(self._settings, now.site)
            server = self._directory.server(client)
            self._sessions.spend(now)
            try:
                grant = grants.by_refresh(client, server, now.refresh_token)
            except Unreachable as error:
                if error.status is not None or isinstance(error, NotConnected):
                    self._sessions.keep_refresh_token(now)  # it granted nothing
                    raise
                raise SignInAgain(
                    "The EHR did not renew your access. Open the app again from the patient's"
                    " chart."
                ) from None
            return self._sessions.renewed(now, grant)
