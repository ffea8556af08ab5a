"""What lies under an error of requests and urllib3, and what it means to a person.

Held by tests/contract/test_ehr_bad_input.py.
"""

import http.client

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from integration.errors import (
    BadAnswer,
    BrokenOff,
    ConfigurationError,
    NotConnected,
    Unreachable,
)

_RENEW = "Have it renewed where the server runs, or set this machine's clock if that is wrong"
_ADDRESS = "Correct the address: the certificate is for another one"
# What OpenSSL says of a certificate, and what there is to do.
_TLS = {
    "certificate has expired": _RENEW,
    "certificate is not yet valid": _RENEW,
    "Hostname mismatch": _ADDRESS,
    "IP address mismatch": _ADDRESS,
    "wrong version number": "Correct the address: what answers there speaks no TLS",
    "self-signed certificate": "",
}
_AUTHORITY = "Set ca_file to the certificate authority's file, or correct the address"


def never_connected(error: Exception) -> bool:
    """Whether nothing can have been sent."""
    return isinstance(
        _reason(error), NewConnectionError | ConnectTimeoutError | requests.ConnectTimeout
    )


def was_late(error: Exception) -> bool:
    return isinstance(_reason(error), ReadTimeoutError | requests.Timeout)


def is_no_http(error: Exception) -> bool:
    """Whether something answered that cannot be read as HTTP. One that just hung up did not."""
    reason = _reason(error)
    within = reason.args[-1] if isinstance(reason, ProtocolError) and reason.args else None
    return isinstance(within, http.client.HTTPException) and not isinstance(
        within, http.client.RemoteDisconnected
    )


def of_reading(site: str, address: str, error: Exception, what: str) -> Exception:
    """What became of a read of WHAT at ADDRESS."""
    look = "Check base_url and the network, then try again"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokenOff(site, f"{address} broke off in the middle of an answer ({what})", look)
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return BadAnswer(
            site,
            f"{address} compressed an answer in another way than it says",
            "Tell the EHR's vendor, or whoever runs the proxy before it",
        )
    if never_connected(error):
        return NotConnected(site, f"{address} cannot be reached", look)
    if was_late(error):
        why = f"did not answer in time ({what})"
    else:
        why = "answers with what is no HTTP" if is_no_http(error) else "cannot be reached"
    return Unreachable(site, f"{address} {why}", look)


def untrusted(site: str, address: str, error: Exception) -> ConfigurationError:
    """Why the certificate of ADDRESS is not trusted, and nothing else of it."""
    text = str(error).lower().replace("self signed", "self-signed")
    reason = next((known for known in _TLS if known.lower() in text), "certificate verify failed")
    return ConfigurationError(
        f"Site {site}: the TLS certificate of {address} is not trusted ({reason})."
        f" {_TLS.get(reason) or _AUTHORITY}."
    )


def _reason(error: Exception) -> object:
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError):
        return inner.reason
    return inner if isinstance(inner, HTTPError) else error
