"""Requests to one site: bounded, authorized, retried, limited in size, decoded without losing a
digit.

Held by tests/contract/test_ehr_bad_input.py.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from integration.configuration.site import Site
from integration.ehr.fhir.answers import (
    FHIR_JSON,
    NOT_DONE,
    Answer,
    Json,
    encode,
    error_for,
)
from integration.ehr.profile import profile
from integration.ehr.transport.asking import authorities, timeouts
from integration.ehr.transport.auth import (
    SHARED_TOKENS,
    RequestAuthorization,
    Tokens,
    authorization_for,
)
from integration.ehr.transport.failing import never_connected, of_reading, untrusted
from integration.ehr.transport.receiving import TooLarge, body_of
from integration.ehr.transport.repeating import asked_to_wait, of_reads, of_unsent
from integration.errors import (
    BadAnswer,
    BrokenOff,
    ConfigurationError,
    LeadsElsewhere,
    OutcomeUnknown,
)
from mappings.reading.fhir.decoding import decode

NOBODY = "ferroclaim-asks-for-nobody"  # the id of no patient
_PORTS = {"http": 80, "https": 443}

Observer = Callable[[str, int, float], None]


class Transport:
    """The one way in which requests go to a site.

    Reads and writes have a session each: only reads are ever repeated by themselves. Together they
    hold at most `limits.connections` connections (Q44), of which reads leave one to writes.
    """

    def __init__(
        self,
        site: Site,
        *,
        auth: RequestAuthorization | None = None,
        tokens: Tokens = SHARED_TOKENS,
        observer: Observer | None = None,
        patient: bool = True,
    ) -> None:
        """AUTH: a person's own access, instead of the service's. PATIENT: waits as long as the
        server asks, for work that nobody else waits for."""
        self.site = site
        if site.ca_file and not site.ca_file.is_file():
            raise ConfigurationError(
                f"Site {site.name}: there is no file {site.ca_file}. Correct ca_file."
            )
        self.vendor_headers, token_headers = _profile_headers(site)
        self.auth = auth or authorization_for(site, tokens, token_headers)
        self.observer = observer
        self.sent = 0
        self._counting = threading.Lock()
        self._kept_from_us = set[tuple[str, str]]()  # methods and types, whoever signs in
        writing = of_unsent(site.limits.retries, patient=patient)
        for_reads = _adapter(
            site.limits.connections,
            of_reads(writing, site.limits.retries),
        )
        for_writes = _adapter(site.limits.connections, writing)
        for_writes.poolmanager = for_reads.poolmanager
        for_writes.proxy_manager = for_reads.proxy_manager
        self._reading, self._writing = self._session(for_reads), self._session(for_writes)
        self._headers = {**self._reading.headers, "Accept": FHIR_JSON, **self.vendor_headers}
        self._reads = threading.BoundedSemaphore(site.limits.connections - 1)
        self._unbroken = Retrying(
            retry=retry_if_exception_type(BrokenOff),
            stop=stop_after_attempt(1 + site.limits.retries),
            wait=wait_exponential(multiplier=0.5),
            reraise=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reading.close()
        self._writing.close()

    def url(self, path: str, what: str = "its answer") -> str:
        """The address of PATH under the base; nothing of another origin is ever asked (Q18).
        LeadsElsewhere says where WHAT leads instead."""
        if not path:
            return self.site.base_url
        try:
            address = self.site.at_base(urljoin(self.site.base_url + "/", path))
            followed = self.same_origin(address)
            there = urlsplit(address)
        except ValueError:  # host:443:443 behind a proxy (fhircore#1714)
            raise self._elsewhere(
                f"{what} leads to {_shown(path)}, which is not an address"
            ) from None
        if there.username is not None or there.password is not None:
            raise self._elsewhere(f"{what} leads to an address with a login, which was not used")
        if not followed:
            same = there.scheme == urlsplit(self.site.base_url).scheme
            server = there.netloc if same else f"{there.scheme}://{there.netloc}"
            raise self._elsewhere(
                f"{what} leads to another server ({server}), which was not followed"
            )
        return address

    def _elsewhere(self, problem: str) -> LeadsElsewhere:
        return LeadsElsewhere(
            self.site.name,
            problem,
            "Correct base_url or the server's own base address, or name that in other_addresses",
        )

    def same_origin(self, url: str) -> bool:
        return origin(self.site.base_url) == origin(url)

    def read(
        self,
        path: str,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        what: str = "",
    ) -> Answer:
        """A GET, or a POST that changes nothing (BODY); repeated on trouble that passes."""
        method, what = "GET" if body is None else "POST", what or _kind(path)
        address = self.url(path, what)
        with self._reads:
            answer = self._unbroken(
                self._authorized, self._reading, method, address, params, headers, body
            )
        return self._checked(answer, what)

    def write(
        self,
        method: str,
        path: str,
        body: Json | None,
        headers: Mapping[str, str] | None = None,
        what: str = "",
    ) -> Answer:
        """One attempt. Raises `OutcomeUnknown` where it may have happened all the same."""
        what = what or f"{method} {_kind(path)}"
        answer = self.ask(method, path, headers, body)
        if answer.status >= 500 and answer.status not in NOT_DONE:
            raise OutcomeUnknown(
                self.site.name, f"{what} was answered with {answer.status}", status=answer.status
            )
        return self._checked(answer, what)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Json | None = None,
        what: str = "its answer",
    ) -> Answer:
        """One attempt, and its answer whatever the status. Raises `OutcomeUnknown` where none
        came."""
        return self._authorized(self._writing, method, self.url(path, what), None, headers, body)

    def json(self, answer: Answer, what: str) -> Any:
        try:
            return decode(answer.body)
        except ValueError:
            kind = answer.headers.get("Content-Type", "an unnamed type").split(";")[0]
            raise BadAnswer(
                self.site.name,
                f"{what} was answered with {kind} that is not JSON",
                "Check that base_url is the FHIR base, without a proxy or sign-in page before it",
            ) from None

    def _session(self, adapter: HTTPAdapter) -> requests.Session:
        """Proxies and certificates that the environment names are looked up once, not for each
        request: it has one server."""
        session = _session(adapter)
        found = session.merge_environment_settings(
            self.site.base_url, {}, None, authorities(self.site), None
        )
        session.proxies, session.verify = found["proxies"], found["verify"]
        session.trust_env = False
        return session

    def _authorized(
        self,
        session: requests.Session,
        method: str,
        url: str,
        params: Any,
        headers: Mapping[str, str] | None,
        body: Json | None,
    ) -> Answer:
        """With our token; a 401 signs in again once and repeats (Q13). Where the server lets us in
        all the same, it is of this method and type alone; the token is not asked for again then."""
        signed = self.auth.headers()
        answer = self._sent(session, method, url, params, {**(headers or {}), **signed}, body)
        if answer.status != 401 and not self._kept_from_us:
            return answer
        about = method, self._named(url)
        known = about in self._kept_from_us
        if answer.status == 401 and not (known and self._lets_us_in(signed)):
            if self.auth.renew(signed):
                signed = self.auth.headers()
                answer = self._sent(
                    session, method, url, params, {**(headers or {}), **signed}, body
                )
            known = answer.status == 401 and self._lets_us_in(signed)
        if answer.status != 401:
            self._kept_from_us.discard(about)
        elif known:
            self._kept_from_us.add(about)
            answer = replace(answer, let_in=True)
        return answer

    def _named(self, url: str) -> str:
        return _kind(url.removeprefix(f"{self.site.base_url}/"))

    def _lets_us_in(self, signed: Mapping[str, str]) -> bool:
        """Whether the server takes our access: it says anything but 401 of a patient whom nobody
        has."""
        address = f"{self.site.base_url}/Patient/{NOBODY}"
        return self._sent(self._reading, "GET", address, None, signed, None).status != 401

    def _sent(
        self,
        session: requests.Session,
        method: str,
        url: str,
        params: Any,
        headers: Mapping[str, str],
        body: Json | None,
    ) -> Answer:
        started = time.perf_counter()
        if body is not None:
            headers = {"Content-Type": FHIR_JSON, **headers}
        try:
            request = _prepared(method, url, params, {**self._headers, **headers}, body)
            with session.get_adapter(url).send(
                request,
                stream=True,
                timeout=timeouts(self.site),
                verify=session.verify is None or session.verify,
                proxies=session.proxies,
            ) as response:
                answer = Answer(response.status_code, response.headers, self._body(response))
        except (requests.RequestException, HTTPError) as error:
            raise self._failure(error, url, writing=session is self._writing) from None
        with self._counting:
            self.sent += 1
        if self.observer:
            self.observer(method, answer.status, time.perf_counter() - started)
        return answer

    def _body(self, response: requests.Response) -> bytes:
        limits = self.site.limits
        try:
            return body_of(response, limits.answer_bytes, limits.answer_seconds)
        except TooLarge:
            raise BadAnswer(
                self.site.name,
                f"an answer is larger than {limits.answer_bytes} bytes",
                "Lower limits.page_size, or raise limits.answer_bytes if that is right",
            ) from None

    def _failure(self, error: Exception, url: str, *, writing: bool) -> Exception:
        site, address = self.site.name, urlsplit(self.site.base_url).netloc
        if isinstance(error, requests.exceptions.SSLError):
            return untrusted(site, address, error)
        if writing and not never_connected(error):
            return OutcomeUnknown(
                site, f"{address} did not answer a write", "It is looked up before it is repeated"
            )
        return of_reading(site, address, error, self._named(url))

    def _checked(self, answer: Answer, what: str) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        error = error_for(self.site.name, what, answer)
        error.wait_seconds = asked_to_wait(answer)
        raise error


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port; ValueError where the port is none."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def plain_session(connections: int, retries: int) -> requests.Session:
    """With nothing of a site in it; only what was never sent is sent again."""
    return _session(_adapter(connections, of_unsent(retries)))


def _prepared(
    method: str, url: str, params: Any, headers: Mapping[str, str | bytes], body: Json | None
) -> requests.PreparedRequest:
    """With nothing but this: no cookie, no credentials of a .netrc. Sent so, no redirect is
    followed."""
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(url, params)
    request.prepare_headers(headers)
    request.prepare_body(None if body is None else encode(body), None)
    return request


def _adapter(connections: int, retries: Retry) -> HTTPAdapter:
    return HTTPAdapter(
        pool_connections=1, pool_maxsize=connections, pool_block=True, max_retries=retries
    )


def _session(adapter: HTTPAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = _user_agent()
    # A load balancer's cookie must not tie one patient's requests to another's.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _kind(path: str) -> str:
    """`Observation` of a relative path: a type may be named, an id may not."""
    kind = path.partition("?")[0].split("/")[0]
    return kind if kind.isalpha() else "the request"


def _shown(address: str) -> str:
    """An address without login and query, which may hold what nobody else should see."""
    scheme, mark, rest = address.partition("?")[0].rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"[:100]


def _profile_headers(site: Site) -> tuple[dict[str, str], dict[str, str]]:
    """What the vendor wants with every request, and with those for a token."""
    if site.vendor == "auto":
        return {}, {}
    vendor = profile(site.vendor)
    client = site.auth.client_id or ""
    return dict(vendor.headers), {
        k: v.replace("{client_id}", client) for k, v in vendor.token_headers.items()
    }


def _user_agent() -> str:
    try:
        return f"ferroclaim/{version('ferroclaim')}"
    except PackageNotFoundError:
        return "ferroclaim"
