"""Signing in without a person: SMART Backend Services (private_key_jwt), a client secret, or
nothing.

Source: SMART App Launch 2.2.0, backend-services and client-confidential-asymmetric, read
2026-11-23.

Held by tests/contract/test_ehr_authorization.py.
"""

import base64
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import structlog
from joserfc import jwt
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from integration.configuration.sign_in import Auth, SmartApp
from integration.configuration.site import Site
from integration.ehr import scopes
from integration.ehr.transport.discovery import (
    PlainAnswer,
    SmartConfiguration,
    discover,
    json_object,
    plain_request,
)
from integration.ehr.transport.keys import Key, KnownKeys, algorithm_of
from integration.ehr.transport.tokens import AccessToken, UnusableToken, read_token
from integration.errors import BadAnswer, EhrError, Unauthorized, Unreachable

log = structlog.get_logger()

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240  # at most five minutes ahead (SMART); a minute is left for a slow clock
UNSTATED_LIFETIME_SECONDS = 60.0  # expires_in is only recommended: missing means short
CLOCK_SKEW_SECONDS = 60
# What answers so, and names no error of OAuth, is something else.
_NO_TOKEN_ENDPOINT = (301, 302, 303, 307, 308, 404, 405, 406, 410, 415)
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")


class RequestAuthorization(Protocol):
    def headers(self) -> dict[str, str]:
        """What a request carries now."""

    def renew(self, stale: Mapping[str, str]) -> bool:
        """After a 401 with STALE: whether trying once more may help."""

    def permits(self, kind: str, letter: str) -> bool:
        """Whether the scopes given let us do that (c, r, u, d, s) with a resource of KIND."""


class NoAuthorization:
    """For sandboxes."""

    def headers(self) -> dict[str, str]:
        return {}

    def renew(self, stale: Mapping[str, str]) -> bool:  # noqa: ARG002 (the protocol's)
        return False

    def permits(self, kind: str, letter: str) -> bool:  # noqa: ARG002 (the protocol's)
        return True


@dataclass
class _Slot:
    """One token, and the lock that lets one thread at a time fetch it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    scopes: frozenset[str] = frozenset()
    good_until: float = 0


class Tokens:
    """One token per (token endpoint, client, scopes), shared by everyone in this process."""

    def __init__(self) -> None:
        self._slots: dict[tuple[str, ...], _Slot] = {}
        self._lock = threading.Lock()

    def slot(self, *key: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(key, _Slot())


SHARED_TOKENS = Tokens()


def backend_scopes(configuration: SmartConfiguration, site: Site) -> list[str]:
    """The system scopes to ask for."""
    return scopes.asked("system", site, configuration.scopes, configuration.scope_version)


Proof = tuple[dict[str, str], dict[str, str]]


def asked_with_proof(
    client: Auth | SmartApp,
    keys: KnownKeys,
    endpoint: str,
    now: float,
    ask: Callable[[dict[str, str], dict[str, str]], PlainAnswer],
) -> PlainAnswer:
    """What ASK was answered at a token endpoint, given form fields and headers that say who CLIENT
    is. An EHR that does not know our newest key yet knows an older one of the file."""
    signing, *older = _that_sign(client, keys)
    answer = ask(*_proof(client, signing, endpoint, now))
    for key in older:
        if signing is None or error_code(json_object(answer)) != "invalid_client":
            break
        log.warning("key unknown to the EHR, an older one is tried", kid=signing.kid)
        keys.refused.add(str(signing.kid))
        signing, answer = key, ask(*_proof(client, key, endpoint, now))
    return answer


def _that_sign(client: Auth | SmartApp, keys: KnownKeys) -> tuple[Key | None, ...]:
    """None where a secret says who we are, or nothing does."""
    if client.method != "private_key_jwt" or client.key_file is None:
        return (None,)
    return keys.ring(client.key_file).that_sign(client.key_id)


def _proof(client: Auth | SmartApp, key: Key | None, endpoint: str, now: float) -> Proof:
    """A public client only says its name."""
    name, secret = str(client.client_id), client.client_secret
    if key is not None:
        assertion = _assertion(name, key, endpoint, now)
        return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}, {}
    known = secret.get_secret_value() if secret else ""  # settings see to it
    if client.method == "client_secret_basic":
        pair = f"{quote(name, safe='')}:{quote(known, safe='')}"
        return {}, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {"client_id": name} | (
        {"client_secret": known} if client.method == "client_secret_post" else {}
    ), {}


def _assertion(client_id: str, key: Key, endpoint: str, now: float) -> str:
    algorithm = algorithm_of(key)
    header = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": endpoint,
        "exp": int(now) + ASSERTION_SECONDS,
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode(header, claims, key, algorithms=[algorithm])


class ClientCredentials:
    """The client_credentials grant, with any of the three ways to prove who we are."""

    def __init__(
        self,
        site: Site,
        tokens: Tokens = SHARED_TOKENS,
        token_headers: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.site, self.auth, self.now = site, site.auth, now
        self._tokens, self._token_headers = tokens, dict(token_headers or {})
        self._configuration: SmartConfiguration | None = None
        self._discovering = threading.Lock()
        self.keys = KnownKeys()
        if self.auth.key_file:
            self.keys.ring(self.auth.key_file)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token(stale=None)}"}

    def renew(self, stale: Mapping[str, str]) -> bool:
        self._token(stale=stale.get("Authorization", "").removeprefix("Bearer "))
        return True

    def permits(self, kind: str, letter: str) -> bool:
        self.headers()
        return scopes.permits(self._slot().scopes, kind, letter)

    def configuration(self) -> SmartConfiguration:
        with self._discovering:
            if self._configuration is None:
                self._configuration = discover(self.site)
            return self._configuration

    def _scopes(self) -> str:
        asked = self.auth.scopes
        if asked is None:
            asked = backend_scopes(self.configuration(), self.site)
        return " ".join(asked)

    def _slot(self) -> _Slot:
        endpoint = self.configuration().token_endpoint
        return self._tokens.slot(endpoint, str(self.auth.client_id), self._scopes())

    def _token(self, stale: str | None) -> str:
        """The token in use; a new one when it is about to end, or is the STALE one that was
        refused."""
        endpoint, asked, slot = self.configuration().token_endpoint, self._scopes(), self._slot()
        with slot.lock:
            if slot.token is None or slot.token == stale or self.now() >= slot.good_until:
                fetched = self._fetched(endpoint, asked)
                lifetime = fetched.seconds
                if lifetime is None:
                    lifetime = UNSTATED_LIFETIME_SECONDS
                slot.token, slot.scopes = fetched.text, fetched.scopes or frozenset(asked.split())
                slot.good_until = self.now() + lifetime - min(30, lifetime / 10)
            return slot.token

    def _fetched(self, endpoint: str, asked: str) -> AccessToken:
        """A fresh assertion each time: its `jti` is used once. Epic answers a bare 400 now and then
        (Q43)."""
        attempts = Retrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(1 + self.site.limits.retries),
            wait=wait_exponential(multiplier=0.2, max=10),
            reraise=True,
        )
        return attempts(self._asked, endpoint, asked)

    def _asked(self, endpoint: str, asked: str) -> AccessToken:
        def ask(form: dict[str, str], basic: dict[str, str]) -> PlainAnswer:
            body = {"grant_type": "client_credentials", "scope": asked, **form}
            headers = {"Accept": "application/json", **self._token_headers, **basic}
            return plain_request(self.site, "POST", endpoint, data=body, headers=headers)

        response = asked_with_proof(self.auth, self.keys, endpoint, self.now(), ask)
        answer = json_object(response)
        if not 200 <= response.status < 300 or error_code(answer):
            raise self._refusal(response, answer)
        try:
            return read_token(answer)
        except UnusableToken as problem:
            raise BadAnswer(
                self.site.name,
                f"{_answered(response)} {problem}",
                "Check auth.token_url, and ask the EHR's vendor",
                response.status,
            ) from None

    def _refusal(self, response: PlainAnswer, answer: dict[str, Any] | None) -> EhrError:
        status = response.status
        code = error_code(answer)
        problem = _answered(response) + (f" ({code})" if code else "")
        if status >= 500 or status == 429 or (status == 400 and code is None):
            return Unreachable(self.site.name, problem, "Try again later", status)
        skew = _clock_skew(response, self.now())
        fixes = {
            "invalid_scope": "Register the missing scopes, or name the allowed ones in auth.scopes",
            "unauthorized_client": (
                "Ask the EHR's administrator to allow client_credentials for this client"
            ),
            "unsupported_grant_type": "Check auth.token_url, and that it is for backend services",
        }
        fix = fixes.get(
            str(code),
            "Check client_id, and that our current public key (or the secret) is registered"
            if code or status not in _NO_TOKEN_ENDPOINT
            else "Check auth.token_url: this is not where tokens are given",
        )
        if abs(skew) > CLOCK_SKEW_SECONDS:
            how = "ahead" if skew > 0 else "behind"
            fix = f"Set this machine's clock, which is {abs(skew):.0f} s {how}. {fix}"
        return Unauthorized(self.site.name, problem, fix, status)


def authorization_for(
    site: Site, tokens: Tokens = SHARED_TOKENS, token_headers: Mapping[str, str] | None = None
) -> RequestAuthorization:
    if site.auth.method == "none":
        return NoAuthorization()
    return ClientCredentials(site, tokens, token_headers)


def error_code(answer: Mapping[str, Any] | None) -> str | None:
    """The `error` of a token endpoint (RFC 6749, 5.2), where it is one."""
    code = answer.get("error") if answer else None
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else None


def _answered(response: PlainAnswer) -> str:
    return f"the token endpoint at {urlsplit(response.url).netloc} answered {response.status}"


def _clock_skew(response: PlainAnswer, now: float) -> float:
    """How far our clock is ahead of the server's, by its Date header."""
    try:
        return now - parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return 0.0
