"""Files that an EHR names, wherever they are: with our token only where they need one, checked
before anything is asked, and read as they come.

Held by tests/contract/export/test_export_tokens.py.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from integration.configuration.section import is_loopback
from integration.ehr.transport.asking import as_it_is, authorities, timeouts
from integration.ehr.transport.failing import was_late
from integration.ehr.transport.http import Transport, origin, plain_session
from integration.errors import ConfigurationError, LeadsElsewhere, Unreachable

MOST_REDIRECTS = 3
_CORRECT = "Ask the EHR's administrator where its files are"


class Downloading:
    """Threads may share one. Servers of files are given nothing of ours but, where they need it,
    the token."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._site = transport, transport.site
        self._session = plain_session(self._site.limits.connections - 1, self._site.limits.retries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str], *, signed: bool
    ) -> Iterator[requests.Response]:
        """What URL answers, whatever its status; LeadsElsewhere where it must not be asked,
        Unreachable where it does not answer, or stops. Redirects are followed, without the token
        where they lead to another server (Oracle's lead to storage that refuses it:
        fhir.cerner.com, millennium/bulk-data)."""
        address = self.checked(url)
        host = urlsplit(address).netloc
        try:
            with self._answer(address, headers, signed) as response:
                yield response
        except requests.exceptions.SSLError:
            raise ConfigurationError(
                f"Site {self._site.name}: the TLS certificate of {host} or of where it leads, is"
                " not trusted. Set ca_file to the certificate authority's file."
            ) from None
        except (requests.RequestException, HTTPError) as error:
            why = "did not answer in time" if was_late(error) else "cannot be reached, or stopped"
            raise Unreachable(
                self._site.name, f"{host} {why} while a file was fetched", "Run the command again"
            ) from None

    def checked(self, url: str) -> str:
        """The address, made whole: of the EHR's own server, or else by https, and not within the
        machine or its network card where the EHR itself is elsewhere."""
        address = urljoin(self._site.base_url + "/", url)
        try:
            there, own = urlsplit(address), self._transport.same_origin(address)
        except ValueError:
            raise self._elsewhere("which is no address") from None
        inside = is_loopback(urlsplit(self._site.base_url).hostname)
        if there.username is not None or there.password is not None:
            raise self._elsewhere("with a login in its address")
        if own or (inside and there.scheme == "http" and is_loopback(there.hostname)):
            return address
        if there.scheme != "https":
            raise self._elsewhere(f"by {there.scheme or 'nothing'}, not by https")
        if not inside and _is_within(there.hostname):
            raise self._elsewhere("within this machine")
        return address

    def _elsewhere(self, what: str) -> LeadsElsewhere:
        return LeadsElsewhere(
            self._site.name, f"a file is to be fetched {what}, which was not done", _CORRECT
        )

    @contextmanager
    def _answer(
        self, address: str, headers: Mapping[str, str], signed: bool
    ) -> Iterator[requests.Response]:
        for _ in range(MOST_REDIRECTS):
            response = self._asked(address, headers, signed)
            leads = response.headers.get("Location")
            if response.status_code not in (301, 302, 303, 307, 308) or not leads:
                break
            response.close()
            onward = self.checked(urljoin(address, leads))
            signed = signed and origin(onward) == origin(address)
            address = onward
        with response:
            yield response

    def _asked(self, address: str, headers: Mapping[str, str], signed: bool) -> requests.Response:
        """With our token where SIGNED; a 401 signs in again once, as long exports outlive
        tokens."""
        own = self._transport.auth.headers() if signed else {}
        response = self._sent(address, {**headers, **own})
        if response.status_code == 401 and signed and self._transport.auth.renew(own):
            response.close()
            response = self._sent(address, {**headers, **self._transport.auth.headers()})
        return response

    def _sent(self, address: str, headers: Mapping[str, str]) -> requests.Response:
        if self._transport.same_origin(address):
            headers = {**self._transport.vendor_headers, **headers}
        return self._session.get(
            address,
            headers=dict(headers),
            auth=as_it_is,
            timeout=timeouts(self._site),
            allow_redirects=False,
            stream=True,
            verify=authorities(self._site),
        )


def _is_within(host: str | None) -> bool:
    """This machine, or what answers for its network card alone (where clouds keep secrets)."""
    try:
        return is_loopback(host) or ipaddress.ip_address(host or "").is_link_local
    except ValueError:
        return False
