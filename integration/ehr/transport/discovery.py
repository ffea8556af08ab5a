"""What a server says of its authorization: .well-known/smart-configuration.

Held by tests/contract/test_ehr_authorization.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from integration.configuration.section import is_safe
from integration.configuration.site import Site
from integration.ehr.fhir.answers import TRANSIENT
from integration.ehr.scopes import version_of
from integration.ehr.transport.asking import as_it_is, authorities, timeouts
from integration.ehr.transport.failing import never_connected, untrusted
from integration.ehr.transport.receiving import TooLarge, body_of
from integration.errors import BadAnswer, ConfigurationError, NotConnected, Unreachable
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import NotJson, decode

WELL_KNOWN = "/.well-known/smart-configuration"
MOST_BYTES = 2**20


@dataclass(frozen=True)
class SmartConfiguration:
    """What .well-known/smart-configuration says; only `token_endpoint` can be relied on (Q43)."""

    token_endpoint: str
    capabilities: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    auth_methods: frozenset[str] = frozenset()
    algorithms: frozenset[str] = frozenset()

    @property
    def scope_version(self) -> int:
        return version_of(self.capabilities, self.scopes)


def discover(site: Site) -> SmartConfiguration:
    """Where to get a token; `auth.token_url` has the last word."""
    answer = json_object(
        response := plain_request(
            site, "GET", site.base_url + WELL_KNOWN, headers={"Accept": "application/json"}
        )
    )
    endpoint = site.auth.token_url or (answer or {}).get("token_endpoint")
    if not isinstance(endpoint, str) or not endpoint:
        says = f"{WELL_KNOWN} answered {response.status} and names no token endpoint"
        if response.status in TRANSIENT:
            raise Unreachable(site.name, says, "Try again later", response.status)
        raise ConfigurationError(
            f"Site {site.name}: {says}. Check base_url, or set auth.token_url."
        )
    try:
        endpoint = urljoin(site.base_url + "/", endpoint)
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(
            f"Site {site.name}: {WELL_KNOWN} names a token endpoint that is no address. Set"
            " auth.token_url."
        ) from None
    if not is_safe(parts):
        raise ConfigurationError(
            f"Site {site.name}: the token endpoint at {parts.netloc} is not https. Set"
            " auth.token_url."
        )
    said = answer or {}
    return SmartConfiguration(
        endpoint,
        frozenset(elements.texts(said.get("capabilities"))),
        frozenset(elements.texts(said.get("scopes_supported"))),
        frozenset(elements.texts(said.get("token_endpoint_auth_methods_supported"))),
        frozenset(elements.texts(said.get("token_endpoint_auth_signing_alg_values_supported"))),
    )


@dataclass(frozen=True)
class PlainAnswer:
    """`url`: who answered."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def plain_request(site: Site, method: str, url: str, **parts: Any) -> PlainAnswer:
    """A request without any token of ours, no redirect followed; BadAnswer where it is larger than
    any configuration, set of keys or token."""
    host = urlsplit(url).netloc
    try:
        with requests.request(
            method,
            url,
            timeout=timeouts(site),
            allow_redirects=False,
            stream=True,
            verify=authorities(site),
            auth=as_it_is,
            **parts,
        ) as response:
            body = body_of(response, MOST_BYTES, site.limits.read_timeout_seconds)
            return PlainAnswer(url, response.status_code, response.headers, body)
    except TooLarge:
        raise BadAnswer(
            site.name,
            f"{host} answered with more than {MOST_BYTES} bytes where a sign-in, its"
            " configuration or its keys were asked for",
            "Check base_url, and what the EHR's administrator put there",
        ) from None
    except requests.exceptions.SSLError as error:
        raise untrusted(site.name, host, error) from None
    except (requests.RequestException, HTTPError) as error:
        kind = NotConnected if never_connected(error) else Unreachable
        raise kind(
            site.name,
            f"{host} cannot be reached for signing in",
            "Check the network, then try again",
        ) from None


def json_object(response: PlainAnswer) -> dict[str, Any] | None:
    try:
        answer = decode(response.body)
    except NotJson:
        return None
    return answer if isinstance(answer, dict) else None
