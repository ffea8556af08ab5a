"""The token endpoint: a code or a refresh token becomes an access token, with the launch context
beside it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from integration.ehr.fhir.references import FHIR_ID
from integration.ehr.transport.auth import client_proof
from integration.ehr.transport.discovery import json_object, plain_request
from integration.ehr.transport.keys import Keyring
from integration.smart.refusal import Refusal, SignInAgain
from integration.smart.server import AuthorizationServer, Client

LONGEST_LIFETIME_SECONDS = 86_400.0
UNSTATED_LIFETIME_SECONDS = 300  # expires_in is only recommended; missing means short


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
    keys = Keyring.load(client.app.key_file) if client.app.key_file else Keyring(())
    proof, headers = client_proof(client.app, keys, server.token_endpoint, time.time())
    headers = {"Accept": "application/json", **headers}
    response = plain_request(
        client.site, "POST", server.token_endpoint, data={**form, **proof}, headers=headers
    )
    answer = json_object(response)
    if response.status_code == 200 and answer and isinstance(answer.get("access_token"), str):
        return read_grant(answer, client.site.base_url)
    if refreshing and response.status_code in (400, 401):
        raise SignInAgain
    raise _refusal(client, response, answer)


def read_grant(answer: Mapping[str, Any], base_url: str) -> Grant:
    """Tolerant of what servers leave out or add (Q42, standards A)."""
    return Grant(
        access_token=answer["access_token"],
        good_for_seconds=_seconds(answer.get("expires_in")),
        scopes=frozenset(str(answer.get("scope") or "").split()),
        refresh_token=_text(answer.get("refresh_token")),
        id_token=_text(answer.get("id_token")),
        patient=_identity(answer.get("patient"), "Patient", base_url),
        encounter=_identity(answer.get("encounter"), "Encounter", base_url),
        need_patient_banner=answer.get("need_patient_banner") is not False,
        style_url=_text(answer.get("smart_style_url")),
        fhir_context=_context(answer.get("fhirContext")),
        app_context=_text(answer.get("appContext")),
    )


def _refusal(client: Client, response: requests.Response, answer: dict[str, Any] | None) -> Refusal:
    code = answer.get("error") if answer else None
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
    said = f" ({code})" if isinstance(code, str) and code.isascii() and len(code) < 60 else ""
    host = urlsplit(response.url).netloc
    problem = f"{client.name}: the token endpoint at {host} answered {response.status_code}{said}"
    return Refusal(
        "The EHR did not let you in",
        "The EHR's sign-in did not finish. Open the app again from the chart.",
        f"{problem}. {fixes.get(str(code), 'Check the registration of this app')}.",
        502 if response.status_code >= 500 else 403,
    )


def _seconds(value: object) -> float:
    try:
        return min(max(0.0, float(value)), LONGEST_LIFETIME_SECONDS)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return UNSTATED_LIFETIME_SECONDS


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _identity(value: object, kind: str, base_url: str) -> str | None:
    """The bare id; some servers send `Patient/12`."""
    if not isinstance(value, str):
        return None
    bare = value.removeprefix(base_url + "/").removeprefix(f"{kind}/")
    return bare if FHIR_ID.fullmatch(bare) else None


def _context(value: object) -> tuple[dict[str, str], ...]:
    rows = value if isinstance(value, list) else []
    kept = [
        {key: text for key, text in row.items() if isinstance(text, str)}
        for row in rows
        if isinstance(row, dict)
    ]
    return tuple(row for row in kept if row)
