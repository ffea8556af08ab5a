"""Where people sign in: the authorization server of a site, or the hospital's own OpenID Connect
provider.

Held by tests/contract/test_launch.py.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jwk import Key as SigningKey

from integration.configuration.section import is_safe
from integration.configuration.settings import Settings
from integration.configuration.sign_in import SmartApp
from integration.configuration.site import Site
from integration.ehr.scopes import version_of
from integration.ehr.transport.discovery import WELL_KNOWN, json_object, plain_request
from integration.errors import ConfigurationError, EhrError, Unreachable
from integration.smart.refusal import Refusal
from mappings.reading.fhir import elements

log = structlog.get_logger()

_SAYS_ISSUER = "authorization_response_iss_parameter_supported"  # RFC 9207
_OF_OPENID = ("issuer", "jwks_uri", _SAYS_ISSUER)
OPENID = "/.well-known/openid-configuration"
KEPT_SECONDS = 300
SOONEST_SECONDS = 5  # so that forged tokens cannot make us flood a server
SIGN_IN = "sign-in"  # the name of the OpenID Connect provider, where a site's would stand


@dataclass(frozen=True)
class Client:
    """What we are to one authorization server. `openid_only`: it knows people, but no patients."""

    site: Site
    app: SmartApp
    openid_only: bool = False

    @property
    def name(self) -> str:
        return self.site.name


def client_for_issuer(settings: Settings, iss: str) -> Client:
    """The client of the site whose FHIR base is ISS. Nothing is asked of an address that is not
    configured."""
    for site in settings.sites.values():
        if site.app is not None and site.base_url == iss.rstrip("/"):
            return Client(site, site.app)
    raise Refusal(
        "This EHR is not set up here",
        "The EHR that opened this page is not one that ferroclaim works with.",
        "Add a site whose base_url is exactly the `iss` that the EHR sends, with an [app] section."
        " Nothing was sent to it.",
        quoted=iss,
    )


def client_named(settings: Settings, name: str) -> Client:
    """The client of a site, or of the OpenID Connect provider."""
    provider = settings.web.sign_in
    if name == SIGN_IN and provider is not None:
        app = SmartApp(
            client_id=provider.client_id,
            method=provider.method,
            client_secret=provider.client_secret,
            scopes=provider.scopes,
            own_redirect_uri=provider.own_redirect_uri,
        )
        return Client(Site.adhoc(provider.issuer, name=SIGN_IN), app, openid_only=True)
    site = settings.sites.get(name)
    if site is None or site.app is None:
        raise Refusal(
            "Unknown sign-in",
            "There is no such way to sign in here.",
            "Add an [app] section to the site.",
            404,
        )
    return Client(site, site.app)


@dataclass(frozen=True)
class AuthorizationServer:
    """What discovery says of it."""

    authorization_endpoint: str
    token_endpoint: str
    issuer: str | None
    jwks_uri: str | None
    capabilities: frozenset[str]
    scopes: frozenset[str]
    says_issuer: bool = False  # in every authorization response (RFC 9207)

    @property
    def scope_version(self) -> int:
        return version_of(self.capabilities, self.scopes)


class Directory:
    """Discovery documents and keys, each kept for five minutes; one per process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def server(self, client: Client) -> AuthorizationServer:
        found: AuthorizationServer = self.kept(
            f"server {client.site.base_url}", lambda: _discovered(client)
        )
        return found

    def keys(self, client: Client, jwks_uri: str, *, again: bool = False) -> KeySet:
        """The keys of JWKS_URI; AGAIN asks anew, after a rotation."""
        found: KeySet = self.kept(
            f"keys {jwks_uri}", lambda: fetched_keys(client.site, jwks_uri), again=again
        )
        return found

    def kept(self, key: str, fetch: Callable[[], Any], *, again: bool = False) -> Any:
        """What FETCH gave; asked anew after five minutes, or AGAIN, but then not more often than
        every few seconds."""
        with self._lock:
            asked, found = self._kept.get(key, (float("-inf"), None))
        if self._now() - asked > (SOONEST_SECONDS if again else KEPT_SECONDS):
            asked, found = self._now(), fetch()
            with self._lock:
                self._kept[key] = asked, found
        return found


def fetched_keys(site: Site, jwks_uri: str) -> KeySet:
    """What can be used of a JWK set; the rest is passed over (RFC 7517, 5)."""
    response = plain_request(site, "GET", jwks_uri, headers={"Accept": "application/json"})
    document = json_object(response)
    host = urlsplit(jwks_uri).netloc
    if response.status != 200 or document is None:
        raise Unreachable(site.name, f"its keys at {host} were answered with {response.status}")
    listed = document.get("keys")
    entries = listed if isinstance(listed, list) else []
    keys: list[SigningKey] = [key for entry in entries if (key := _usable_key(entry)) is not None]
    if len(keys) < len(entries):
        log.warning("keys passed over", site=site.name, host=host, count=len(entries) - len(keys))
    if not keys:
        raise ConfigurationError(
            f"Site {site.name}: none of the {len(entries)} keys at {host} can be used; RSA and EC"
            " keys are. Ask the EHR's vendor."
        )
    return KeySet(keys)


def _usable_key(key: object) -> SigningKey | None:
    """One that signs, of a kind that we know, and whole."""
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    kind = {"RSA": RSAKey, "EC": ECKey}.get(str(key.get("kty")))
    try:
        return kind.import_key(key) if kind else None  # type: ignore[attr-defined]
    except (JoseError, ValueError, TypeError, LookupError, ArithmeticError):
        return None


def _discovered(client: Client) -> AuthorizationServer:
    site = client.site
    said = _document(site, OPENID if client.openid_only else WELL_KNOWN)
    if not client.openid_only:
        said = _with_openid(site, said)
    return AuthorizationServer(
        _endpoint(site, said, "authorization_endpoint"),
        _endpoint(site, said, "token_endpoint"),
        said["issuer"] if isinstance(said.get("issuer"), str) else None,
        _endpoint(site, said, "jwks_uri") if said.get("jwks_uri") else None,
        frozenset(elements.texts(said.get("capabilities"))),
        frozenset(elements.texts(said.get("scopes_supported"))),
        said.get(_SAYS_ISSUER) is True,
    )


def _with_openid(site: Site, said: dict[str, Any]) -> dict[str, Any]:
    """With what the SMART configuration leaves to the OpenID Connect one: issuer and keys, and
    whether answers name their issuer."""
    if not (said.get("issuer") and said.get("jwks_uri")):
        found = _openid(site, site.base_url)
        said = {**{key: found[key] for key in _OF_OPENID if key in found}, **said}
    if _SAYS_ISSUER not in said and (issuer := _near(site, said)):
        said = {**said, _SAYS_ISSUER: _openid(site, issuer).get(_SAYS_ISSUER)}
    return said


def _near(site: Site, said: dict[str, Any]) -> str | None:
    """The issuer, where it stands at a server that people are sent to anyway."""
    issuer = said.get("issuer")
    if not isinstance(issuer, str):
        return None
    known = [
        site.base_url,
        str(said.get("authorization_endpoint")),
        str(said.get("token_endpoint")),
    ]
    try:
        there = [urlsplit(address)[:2] for address in known]
        return issuer.rstrip("/") if urlsplit(issuer)[:2] in there else None
    except ValueError:
        return None


def _openid(site: Site, base: str) -> dict[str, Any]:
    try:
        return _document(site, OPENID, base)
    except (EhrError, Refusal):
        return {}


def _document(site: Site, path: str, base: str | None = None) -> dict[str, Any]:
    """What stands at PATH of the FHIR base, or of BASE."""
    address = (base or site.base_url) + path
    response = plain_request(site, "GET", address, headers={"Accept": "application/json"})
    found = json_object(response)
    if response.status != 200 or found is None:
        raise Refusal(
            "The EHR cannot sign you in",
            "The EHR did not say where to sign in. Try again in a minute.",
            f"Site {site.name}: {path} was answered with {response.status}. Check base_url, or"
            " ask the EHR's vendor.",
            502,
        )
    return found


def _endpoint(site: Site, said: dict[str, Any], name: str) -> str:
    """Relative addresses are relative to the FHIR base; https, or this machine."""
    value = said.get(name)
    if isinstance(value, str) and value:
        address = urljoin(site.base_url + "/", value)
        if is_safe(urlsplit(address)):
            return address
    raise Refusal(
        "The EHR cannot sign you in",
        "The EHR's sign-in is not set up in a way that can be used.",
        f"Site {site.name}: its discovery document names no usable {name} (https is required).",
        502,
    )
