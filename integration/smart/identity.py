"""The id_token: who signed in, proven by the server's key (OpenID Connect Core 3.1.3.7).

A claim that is absent proves nothing: it counts as *no*.

Held by tests/contract/test_launch.py.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from integration.ehr.fhir.references import FHIR_ID
from integration.smart.refusal import Refusal
from integration.smart.server import AuthorizationServer, Client, Directory
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import cleaned

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "PS384"]
CLOCK_SKEW_SECONDS = 60
LATEST = 2.0**40  # seconds; what lies beyond is no date
PEOPLE = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person")


@dataclass(frozen=True)
class Identity:
    """`fhir_user` is relative to the site's base, e.g. `Practitioner/12`."""

    provider: str
    subject: str
    fhir_user: str | None = None
    name: str | None = None
    email: str | None = None
    groups: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.name or self.fhir_user or self.email or self.subject


def identity(
    directory: Directory,
    client: Client,
    server: AuthorizationServer,
    token: str,
    nonce: str,
    now: Callable[[], float] = time.time,
) -> Identity:
    """Who TOKEN is about; raises `Refusal` where it proves nothing."""
    if not server.issuer or not server.jwks_uri:
        raise _refused("its discovery document names no issuer and jwks_uri", client)
    claims = _verified(directory, client, server.jwks_uri, token)
    if claims is None:
        raise _refused("the signature of its id_token does not match its keys", client)
    if problem := _problem(claims, server.issuer, client.app.client_id, nonce, now()):
        raise _refused(problem, client)
    return _identity(client, claims)


def signed(token: str, keys: KeySet, algorithms: list[str]) -> dict[str, Any] | None:
    """The claims of TOKEN if one of KEYS signed it: the one it names, or, without a `kid`,
    whichever does."""
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, RecursionError):
        return None
    named = [key for key in keys.keys if header.get("kid") in (None, key.kid)]
    for key in named:
        try:
            return dict(cleaned(jwt.decode(token, key, algorithms=algorithms).claims))
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
    return None


def _verified(
    directory: Directory, client: Client, jwks_uri: str, token: str
) -> dict[str, Any] | None:
    """Once more with the keys as they are now, in case they were rotated."""
    claims = signed(token, directory.keys(client, jwks_uri), ALGORITHMS)
    return (
        claims
        if claims is not None
        else signed(token, directory.keys(client, jwks_uri, again=True), ALGORITHMS)
    )


def _problem(
    claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str, now: float
) -> str | None:
    if claims.get("iss") != issuer:
        return "its id_token is of another issuer than its discovery document names"
    if not _is_for(claims, client_id):
        return "its id_token is for another client"
    if untimely := out_of_time(claims, now):
        return f"its id_token {untimely}"
    if claims.get("nonce") != nonce:
        return "its id_token belongs to another sign-in"
    return (
        None
        if isinstance(claims.get("sub"), str) and claims["sub"]
        else "its id_token names nobody"
    )


def _is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    """Of several audiences `azp` says who asked for it; where it is said, it must be us."""
    audiences = audiences_of(claims)
    if client_id not in audiences:
        return False
    return claims.get("azp") == client_id if "azp" in claims or len(audiences) > 1 else True


def audiences_of(claims: Mapping[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def out_of_time(claims: Mapping[str, Any], now: float) -> str | None:
    """Why a token does not count now."""
    expires, issued = moment(claims, "exp"), moment(claims, "iat")
    if expires is None or issued is None:
        return "does not say from when until when it counts (exp, iat)"
    if expires < now - CLOCK_SKEW_SECONDS:
        return "has expired (check both clocks)"
    if max(issued, moment(claims, "nbf") or issued) > now + CLOCK_SKEW_SECONDS:
        return "is from the future (check both clocks)"
    return None


def moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate in seconds; None where the claim is absent or no date."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value) if math.isfinite(value) and abs(value) < LATEST else None


def _identity(client: Client, claims: Mapping[str, Any]) -> Identity:
    return Identity(
        provider=client.name,
        subject=str(claims["sub"]),
        fhir_user=_fhir_user(client.site.base_url, claims.get("fhirUser")),
        name=_text(claims.get("name")) or _text(claims.get("preferred_username")),
        email=_text(claims.get("email")) if claims.get("email_verified") is True else None,
        groups=elements.texts(claims.get("groups")),
    )


def _fhir_user(base: str, value: object) -> str | None:
    """`Practitioner/12` of a relative or an absolute reference; one of another server is nobody
    here."""
    if not isinstance(value, str):
        return None
    kind, _, key = value.removeprefix(base + "/").partition("/")
    return f"{kind}/{key}" if kind in PEOPLE and FHIR_ID.fullmatch(key) else None


def _text(value: object) -> str | None:
    return value.strip()[:120] if isinstance(value, str) and value.strip() else None


def _refused(problem: str, client: Client) -> Refusal:
    return Refusal(
        "We could not make sure who you are",
        "The EHR's sign-in gave an answer that cannot be trusted, so nothing was opened.",
        f"{client.name}: {problem}.",
    )
