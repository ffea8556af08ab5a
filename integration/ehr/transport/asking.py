"""How any request goes out: how long it may take, whose certificates it trusts, and with no
credentials but those that we give it.

Held by tests/contract/test_ehr_authorization.py.
"""

import requests

from integration.configuration.site import Site


def timeouts(site: Site) -> tuple[float, float]:
    """Seconds: to connect, and from one piece of an answer to the next."""
    return site.limits.connect_timeout_seconds, site.limits.read_timeout_seconds


def authorities(site: Site) -> str | bool:
    """Whose certificates are trusted: the `verify` of `requests`."""
    return str(site.ca_file) if site.ca_file else True


def as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from putting the credentials of a .netrc in the place of our token."""
    return request
