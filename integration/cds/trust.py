"""Whether a call comes from an EHR that we know: its JWT, by allow-listed issuer and key address,
used once.

Held by tests/contract/test_cds.py.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from integration.configuration.settings import Settings
from integration.configuration.sign_in import CdsClient
from integration.configuration.site import Site
from integration.errors import FerroclaimError
from integration.smart.identity import (
    CLOCK_SKEW_SECONDS,
    audiences_of,
    out_of_time,
    signed,
)
from integration.smart.server import Directory, fetched_keys
from integration.smart.sessions import hashed
from integration.store import Store
from integration.web.problems import ApiProblem
from mappings.reading.fhir.decoding import decode

log = structlog.get_logger()

ALGORITHMS = ["ES384", "RS384", "ES256", "RS256"]
LONGEST_LIFE_SECONDS = 3600  # a token that lives longer would have to be remembered longer


@dataclass(frozen=True)
class Caller:
    """The sites that the caller's issuer may speak for; `site` the one it speaks for now."""

    sites: tuple[Site, ...]

    def site(self, fhir_server: object) -> Site:
        """By its FHIR base, or the only one: at two sites one patient id may be two people, so
        nothing is guessed."""
        said = fhir_server.rstrip("/") if isinstance(fhir_server, str) else None
        named = [site for site in self.sites if len(self.sites) == 1 or site.base_url == said]
        if not named:
            raise ApiProblem(
                403,
                "The fhirServer is not one that this caller speaks for.",
                "Send the base_url of the site as fhirServer.",
            )
        return named[0]


def caller(
    settings: Settings, store: Store, directory: Directory, authorization: str, audience: str
) -> Caller:
    """Raises `Problem` 401; what exactly was wrong is told, since only an EHR's developer reads it.
    AUDIENCE: our address."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _no("There is no bearer token")
    header, issuer = _unverified(token)
    known: list[tuple[Site, CdsClient]] = []
    for site in settings.sites.values():
        known += [(site, client) for client in site.cds if client.issuer == issuer]
    if not known:
        raise _no("The issuer of the token is not configured")
    if "jku" in header and header["jku"] != known[0][1].jwks_url:
        raise _no("The jku of the token is not the configured one")
    claims = _claims(directory, known[0][0], known[0][1], token)
    _check(claims, audience)
    _use_once(store, str(claims["iss"]), str(claims["jti"]), float(claims["exp"]))
    return Caller(tuple(site for site, _ in known))


def _unverified(token: str) -> tuple[dict[str, Any], str | None]:
    """Header and issuer, to know whose keys to ask."""
    try:
        parts = extract_compact(token.encode())
        claims = decode(parts.payload or b"{}")
    except (JoseError, ValueError, RecursionError):
        raise _no("The token is not a JWT") from None
    header = parts.headers()
    if header.get("alg") not in ALGORITHMS:
        raise _no("The token's algorithm is not accepted")
    return dict(header), claims.get("iss") if isinstance(claims, dict) else None


def _claims(directory: Directory, site: Site, client: CdsClient, token: str) -> dict[str, Any]:
    """By the keys at the configured address, asked anew once where none fits; nothing is ever
    fetched from a jku."""
    for again in (False, True):
        try:
            keys = directory.kept(
                f"keys {client.jwks_url}", lambda: fetched_keys(site, client.jwks_url), again=again
            )
        except FerroclaimError as problem:
            log.warning(
                "the keys of a CDS client cannot be read", site=site.name, error=str(problem)
            )
            raise ApiProblem(
                503, "The keys of the EHR cannot be read now.", "Try again.", {"Retry-After": "10"}
            ) from None
        claims = signed(token, keys, ALGORITHMS)
        if claims is not None:
            return claims
    raise _no("The token is not signed with a key of its issuer")


def _check(claims: dict[str, Any], audience: str) -> None:
    now = time.time()
    said = {one.rstrip("/") for one in audiences_of(claims) if isinstance(one, str)}
    if audience not in said:
        raise _no("The token is for another service")
    if untimely := out_of_time(claims, now):
        raise _no(f"The token {untimely}")
    if claims["exp"] > now + LONGEST_LIFE_SECONDS:
        raise _no("The token's lifetime is too long")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise _no("The token has no jti")


def _use_once(store: Store, issuer: str, jti: str, expires: float) -> None:
    until = datetime.fromtimestamp(expires, UTC) + timedelta(seconds=2 * CLOCK_SKEW_SECONDS)
    with store.transaction() as db:
        new = db.execute(
            "insert into cds_replay (id, expires) values (%s, %s) on conflict do nothing"
            " returning 1",
            [hashed(f"{issuer}\n{jti}"), until],
        ).fetchone()
        db.execute("delete from cds_replay where expires < now()")
    if new is None:
        raise _no("The token was used before")


def _no(why: str) -> ApiProblem:
    return ApiProblem(401, f"{why}.", "See docs/cds-hooks.md.", {"WWW-Authenticate": "Bearer"})
