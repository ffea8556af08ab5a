"""What a server says of its authorization: .well-known/smart-configuration."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from integration.configuration.section import is_loopback
from integration.configuration.site import Site
from integration.errors import ConfigurationError, Unreachable
from mappings.reading.fhir.decoding import NotJson, decode

WELL_KNOWN = "/.well-known/smart-configuration"


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
        """2 where the server says `permission-v2`, or lists such scopes; else 1."""
        if self.capabilities & {"permission-v1", "permission-v2"}:
            return 2 if "permission-v2" in self.capabilities else 1
        return (
            2
            if any(scope.endswith((".rs", ".r", ".cruds", ".crus")) for scope in self.scopes)
            else 1
        )


def discover(site: Site) -> SmartConfiguration:
    """Where to get a token; `auth.token_url` has the last word."""
    answer = json_object(
        response := plain_request(
            site, "GET", site.base_url + WELL_KNOWN, headers={"Accept": "application/json"}
        )
    )
    endpoint = site.auth.token_url or (answer or {}).get("token_endpoint")
    if not isinstance(endpoint, str) or not endpoint:
        raise ConfigurationError(
            f"Site {site.name}: {WELL_KNOWN} answered {response.status_code} and names no token"
            " endpoint. Check base_url, or set auth.token_url."
        )
    endpoint = urljoin(site.base_url + "/", endpoint)
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and not is_loopback(parts.hostname):
        raise ConfigurationError(
            f"Site {site.name}: the token endpoint at {parts.netloc} is not https. Set"
            " auth.token_url."
        )
    said = answer or {}
    return SmartConfiguration(
        endpoint,
        _texts(said.get("capabilities")),
        _texts(said.get("scopes_supported")),
        _texts(said.get("token_endpoint_auth_methods_supported")),
        _texts(said.get("token_endpoint_auth_signing_alg_values_supported")),
    )


def plain_request(site: Site, method: str, url: str, **parts: Any) -> requests.Response:
    """A request without any token of ours, no redirect followed."""
    limits = site.limits
    try:
        return requests.request(
            method,
            url,
            timeout=(limits.connect_timeout_seconds, limits.read_timeout_seconds),
            allow_redirects=False,
            verify=str(site.ca_file) if site.ca_file else True,
            auth=lambda request: request,
            **parts,
        )
    except requests.exceptions.SSLError:
        raise ConfigurationError(
            f"Site {site.name}: the TLS certificate of {urlsplit(url).netloc} is not trusted. "
            "Set ca_file to the certificate authority's file, or correct the address."
        ) from None
    except requests.RequestException:
        raise Unreachable(
            site.name,
            f"{urlsplit(url).netloc} cannot be reached for signing in",
            "Check the network, then try again",
        ) from None


def json_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        answer = decode(response.content)
    except NotJson:
        return None
    return answer if isinstance(answer, dict) else None


def _texts(value: object) -> frozenset[str]:
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, list)
        else frozenset()
    )
