"""The way in: a request of the EHR or of a person becomes an authorization request, and its answer
a session.

Held by tests/contract/test_launch.py.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from integration.configuration.settings import Settings
from integration.ehr.scopes import asked
from integration.smart import grants
from integration.smart.grants import Grant
from integration.smart.identity import Identity, identity
from integration.smart.refusal import Refusal
from integration.smart.server import (
    AuthorizationServer,
    Client,
    Directory,
    client_for_issuer,
    client_named,
)
from integration.smart.sessions import Pending, Sessions

CALLBACK = "/callback"
_NO_FHIR_USER = (
    " Its id_token has no `fhirUser` of this FHIR server (allow the scope `fhirUser`), so that `*`"
    " and a Practitioner's id do not count."
)


@dataclass(frozen=True)
class Away:
    """Where the browser goes, and the cookie that ties the answer to it."""

    url: str
    state: str
    browser: str


@dataclass(frozen=True)
class Arrived:
    client: Client
    who: Identity
    roles: frozenset[str]
    grant: Grant
    from_chart: bool


def redirect_uri(base: str, client: Client) -> str:
    """Where the authorization server of CLIENT sends people back to, under our address BASE: to a
    place of its own, so that no answer is taken for another server's (RFC 9700, 4.4.2.2)."""
    return base + CALLBACK + (f"/{client.name}" if client.app.own_redirect_uri else "")


class Launches:
    """Launches of one service."""

    def __init__(
        self, settings: Settings, sessions: Sessions, directory: Directory | None = None
    ) -> None:
        self.settings, self.sessions, self.directory = settings, sessions, directory or Directory()

    def from_chart(self, iss: str, launch: str, base: str) -> Away:
        """The EHR opened us with ISS and LAUNCH. BASE: our address, as it is registered."""
        if not launch or len(launch) > 4000:
            raise Refusal(
                "This link is not complete",
                "Open the app from the patient's chart.",
                "The EHR must send the parameters iss and launch to /launch.",
                400,
            )
        return self._away(client_for_issuer(self.settings, iss), base, launch, chart=True)

    def standalone(self, name: str, base: str, *, chart: bool = False) -> Away:
        """A person opened us by hand, and signs in at the site or provider NAME; with CHART the EHR
        lets them choose a patient."""
        client = client_named(self.settings, name)
        return self._away(client, base, None, chart=chart and not client.openid_only)

    def _away(self, client: Client, base: str, launch: str | None, *, chart: bool) -> Away:
        server = self.directory.server(client)
        verifier, nonce = secrets.token_urlsafe(64), secrets.token_urlsafe(24)
        state, browser = self.sessions.pend(
            Pending(client.name, verifier, nonce, chart, server.issuer)
        )
        question = {
            "response_type": "code",
            "client_id": client.app.client_id,
            "redirect_uri": redirect_uri(base, client),
            "scope": " ".join(scopes(client, server, chart=chart, launched=launch is not None)),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        question |= {} if client.openid_only else {"aud": client.site.base_url}
        question |= {"launch": launch} if launch is not None else {}
        glue = "&" if urlsplit(server.authorization_endpoint).query else "?"
        return Away(f"{server.authorization_endpoint}{glue}{urlencode(question)}", state, browser)

    def arrived(
        self, answer: Mapping[str, str], browser: str | None, base: str, address: str
    ) -> Arrived:
        """The answer of the authorization server, brought by the browser that was sent there, to
        ADDRESS."""
        state = answer.get("state", "")
        pending = self.sessions.claim(state, browser) if state and browser else None
        if pending is None:
            raise Refusal(
                "This sign-in cannot be finished",
                "It was begun in another window, took longer than ten minutes, or was already used."
                " Open the app again from the chart.",
                "If it happens every time, the browser refuses our cookie: the service must be"
                " reached by https under public_url.",
                400,
            )
        client = client_named(self.settings, pending.site)
        ours = redirect_uri(base, client)
        if base + address != ours:
            raise _mixed_up(f"{client.name}: the answer came to {address}, not to {ours}.")
        server = self.directory.server(client)
        said = answer.get("iss")
        if (said is None and server.says_issuer) or said not in (None, pending.issuer):
            raise _mixed_up(
                f"{client.name}: the `iss` of the authorization response is not the issuer of its"
                " discovery document (RFC 9207)."
            )
        _refuse_error(answer, client)
        grant = grants.by_code(client, server, answer["code"], pending.verifier, ours)
        who = self._who(client, server, grant, pending.nonce)
        return Arrived(client, who, self._roles(who, pending.from_chart), grant, pending.from_chart)

    def _who(
        self, client: Client, server: AuthorizationServer, grant: Grant, nonce: str
    ) -> Identity:
        if grant.id_token is None:
            raise Refusal(
                "The EHR did not say who you are",
                "Without knowing who opens a chart, it is not shown.",
                f"{client.name}: its token response has no id_token. Allow the scopes `openid"
                " fhirUser` for this app.",
            )
        return identity(self.directory, client, server, grant.id_token, nonce)

    def _roles(self, who: Identity, from_chart: bool) -> frozenset[str]:
        found = roles_of(self.settings, who, from_chart=from_chart)
        if not found:
            raise Refusal(
                "You have no role in ferroclaim",
                f"You are signed in as {who.label}, who may not open anything here.",
                f"Add {f'{who.provider}:{who.fhir_user or who.subject}'!r} to a list of [web.roles]"
                f" if that is wrong.{'' if who.fhir_user else _NO_FHIR_USER}",
            )
        return found


def scopes(
    client: Client, server: AuthorizationServer, *, chart: bool, launched: bool
) -> list[str]:
    """v2 scopes where the server knows them, else v1; the site's own where it names some."""
    if client.app.scopes is not None:
        return (
            client.app.scopes
            if launched
            else [scope for scope in client.app.scopes if scope != "launch"]
        )
    if not chart:
        return ["openid", "fhirUser"]
    base = ["launch" if launched else "launch/patient", "openid", "fhirUser"]
    lists_it = not server.scopes or "online_access" in server.scopes
    online = ["online_access"] if lists_it else []
    resources = asked("user", client.site, server.scopes, server.scope_version)
    return [*base, *online, *resources]


def challenge(verifier: str) -> str:
    """PKCE S256."""
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )


def roles_of(settings: Settings, who: Identity, *, from_chart: bool) -> frozenset[str]:
    """By name, group or address; `*` stands for every practitioner whom an EHR sends from a chart.

    Where there are several ways to sign in, a name counts only with its site before it
    (`general:Practitioner/12`).
    """
    names = {who.subject, *who.groups, *filter(None, (who.fhir_user, who.email))}
    marks = {f"{who.provider}:{name}" for name in names} | (
        names if settings.ways_to_sign_in == 1 else set()
    )
    if from_chart and (who.fhir_user or "").startswith(("Practitioner/", "PractitionerRole/")):
        marks.add("*")
    return frozenset(role for role, people in settings.web.roles.items() if marks & set(people))


def _mixed_up(administrator: str) -> Refusal:
    return Refusal(
        "This sign-in cannot be trusted",
        "The answer came from another sign-in than the one you were sent to. Nothing was opened.",
        administrator,
    )


_NOT_NOW = ("server_error", "temporarily_unavailable")
_FIXES = {
    "invalid_scope": "Register the missing scopes, or name the allowed ones in app.scopes",
    "unauthorized_client": "Register this app for the authorization code flow",
    "access_denied": "Check who may use this app at the EHR",
}


def _refuse_error(answer: Mapping[str, str], client: Client) -> None:
    """Raises what the authorization server answered instead of a code (RFC 6749, 4.1.2.1)."""
    if "code" in answer and "error" not in answer:
        return
    code = answer.get("error", "no code")
    plain = code.isascii() and code.replace("_", "").isalnum() and len(code) < 60
    said = code if plain or code == "no code" else "an error"
    answered = f"{client.name}: the authorization server answered {said}"
    quoted = answer.get("error_description", "")
    if code in _NOT_NOW:
        raise Refusal(
            "The EHR cannot sign you in now",
            "The EHR's sign-in is not working. Open the app again from the chart in a minute.",
            f"{answered}.",
            503,
            quoted,
        )
    raise Refusal(
        "The EHR did not let you in",
        "You, or the EHR, said no to opening this app. Open it again from the chart if that was a"
        " mistake.",
        f"{answered}. {_FIXES.get(code, 'Check the registration and scopes of this app')}.",
        quoted=quoted,
    )
