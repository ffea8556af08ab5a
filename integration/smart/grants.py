"""The token endpoint: a code or a refresh token becomes an access token, with the launch context
beside it.

Held by tests/contract/test_launch.py.
"""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integration.ehr.fhir.references import FHIR_ID
from integration.ehr.transport.auth import asked_with_proof, error_code
from integration.ehr.transport.discovery import PlainAnswer, json_object, plain_request
from integration.ehr.transport.keys import KnownKeys
from integration.ehr.transport.tokens import UnusableToken, read_token
from integration.errors import Unreachable
from integration.smart.refusal import Refusal, SignInAgain
from integration.smart.server import AuthorizationServer, Client
from mappings.reading.fhir import elements

UNSTATED_LIFETIME_SECONDS = 300.0  # expires_in is only recommended; missing means short
KEYS = KnownKeys()


@dataclass(frozen=True)
class Grant:
    """A token response. Everything but the token may be missing; unknown keys are left alone."""

    access_token: str
    good_for_seconds: float
    scopes: frozenset[str]
    refresh_token: str | None = None
    id_token: str | None = None
    patient: str | None = None
    encounter: str | None = None
    need_patient_banner: bool = True
    style_url: str | None = None
    fhir_context: tuple[dict[str, str], ...] = ()
    app_context: str | None = None


def by_code(
    client: Client, server: AuthorizationServer, code: str, verifier: str, redirect_uri: str
) -> Grant:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return _granted(client, server, form)


def by_refresh(client: Client, server: AuthorizationServer, refresh_token: str) -> Grant:
    """A refresh token is used once; without a new one in the answer the old one goes on."""
    return _granted(
        client,
        server,
        {"grant_type": "refresh_token", "refresh_token": refresh_token},
        refreshing=True,
    )


def _granted(
    client: Client, server: AuthorizationServer, form: dict[str, str], *, refreshing: bool = False
) -> Grant:
    def ask(proof: dict[str, str], headers: dict[str, str]) -> PlainAnswer:
        headers = {"Accept": "application/json", **headers}
        return plain_request(
            client.site, "POST", server.token_endpoint, data={**form, **proof}, headers=headers
        )

    response = asked_with_proof(client.app, KEYS, server.token_endpoint, time.time(), ask)
    answer = json_object(response)
    host = urlsplit(response.url).netloc
    answered = f"the token endpoint at {host} answered {response.status}"
    if refreshing and response.status >= 500:
        raise Unreachable(client.name, answered, "Try again in a minute", response.status)
    if refreshing and response.status in (400, 401):
        raise SignInAgain
    if response.status != 200:
        raise _refusal(f"{client.name}: {answered}", response.status, answer)
    try:
        return read_grant(answer, client.site.base_url)
    except UnusableToken as problem:
        raise _not_let_in(
            f"{client.name}: {answered} {problem}. Ask the EHR's vendor.", 502
        ) from None


def read_grant(answer: dict[str, Any] | None, base_url: str) -> Grant:
    """Tolerant of what servers leave out or add (Q42, standards A); raises `UnusableToken`."""
    token, answer = read_token(answer), answer or {}
    return Grant(
        access_token=token.text,
        good_for_seconds=UNSTATED_LIFETIME_SECONDS if token.seconds is None else token.seconds,
        scopes=token.scopes,
        refresh_token=elements.text(answer.get("refresh_token")) or None,
        id_token=elements.text(answer.get("id_token")) or None,
        patient=_identity(answer.get("patient"), "Patient", base_url),
        encounter=_identity(answer.get("encounter"), "Encounter", base_url),
        need_patient_banner=answer.get("need_patient_banner") is not False,
        style_url=elements.text(answer.get("smart_style_url")) or None,
        fhir_context=_context(answer.get("fhirContext")),
        app_context=elements.text(answer.get("appContext")) or None,
    )


def _refusal(answered: str, status: int, answer: dict[str, Any] | None) -> Refusal:
    code = error_code(answer)
    fixes = {
        "invalid_client": (
            "Check client_id, and that our current public key (or the secret) is registered for"
            " this app"
        ),
        "invalid_grant": (
            "The code was used, or too old; check that redirect_uri and public_url are the same as"
            " registered"
        ),
        "invalid_scope": "Register the missing scopes, or name the allowed ones in app.scopes",
    }
    said = f" ({code})" if code else ""
    fix = fixes.get(str(code), "Check the registration of this app")
    return _not_let_in(f"{answered}{said}. {fix}.", 502 if status >= 500 else 403)


def _not_let_in(administrator: str, status: int) -> Refusal:
    return Refusal(
        "The EHR did not let you in",
        "The EHR's sign-in did not finish. Open the app again from the chart.",
        administrator,
        status,
    )


def _identity(value: object, kind: str, base_url: str) -> str | None:
    """The bare id; some servers send `Patient/12`."""
    if not isinstance(value, str):
        return None
    bare = value.removeprefix(base_url + "/").removeprefix(f"{kind}/")
    return bare if FHIR_ID.fullmatch(bare) else None


def _context(value: object) -> tuple[dict[str, str], ...]:
    listed = value if isinstance(value, list) else []
    kept = [
        {key: text for key, text in context.items() if isinstance(text, str)}
        for context in listed
        if isinstance(context, dict)
    ]
    return tuple(context for context in kept if context)
