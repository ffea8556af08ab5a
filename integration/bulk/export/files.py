"""One file of an export: fetched, where it was broken off gone on with, counted.

Held by tests/contract/export/test_export_runs.py.
"""

import re
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec
import requests
from msgspec import Struct

from integration.assessing.unpacking import DAMAGED, NotRead, unpacked
from integration.bulk.export.asking import NDJSON
from integration.bulk.export.manifest import ListedFile
from integration.bulk.export.pausing import Pause
from integration.bulk.work import written
from integration.ehr.fhir.answers import TRANSIENT
from integration.ehr.transport.downloading import Downloading
from integration.errors import BadAnswer, EhrError, Forbidden, NotFound, Unauthorized, Unreachable

MOST_TRIES = 8
CHUNK_BYTES = 1 << 18
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:(\d{1,18})|\*)")
# How files of expired links are answered: S3 with 403, others with 404 or 410.
_EXPIRED = (403, 404, 410)
_WHOLE, _PART = 200, (206, 416)


class FileGone(NotFound):
    """A file of the list is there no more."""


class _Begun(Struct, frozen=True):
    """What is known of a file that has come in part. `validator`: what it must still be (If-Range:
    a strong ETag); empty where the server gives none."""

    validator: str = ""
    packed: bool = False


class Stopped(Exception):
    """The run ends."""


class Fetcher:
    """Fetches files of one list; threads share it. NEEDS_TOKEN: as the list says."""

    def __init__(
        self, site: str, downloading: Downloading, needs_token: bool, pause: Pause
    ) -> None:
        self._site, self._downloading = site, downloading
        self._needs_token = needs_token
        self.stop = threading.Event()
        self._pause = pause.until(self.stop)

    def fetch(self, file: ListedFile, unfinished: Path, path: Path) -> str | None:
        """To PATH, or with `.gz` behind it as it comes; what is wrong with its contents, else None.
        FileGone, or the last trouble where it does not pass."""
        packed = self._whole(file, unfinished)
        problem = _wrong(unfinished, file.count, packed)
        if problem:
            _forget(unfinished)
            packed = self._whole(file, unfinished)
            problem = _wrong(unfinished, file.count, packed)
        unfinished.replace(path.with_name(path.name + ".gz") if packed else path)
        _forget(unfinished)
        return problem

    def _whole(self, file: ListedFile, unfinished: Path) -> bool:
        """Whether what came is packed."""
        for attempt in range(MOST_TRIES):
            try:
                return self._tried(file, unfinished)
            except _Later as later:
                last = later.error
                if attempt + 1 < MOST_TRIES:
                    self._pause.before(attempt, later.headers)
            if self.stop.is_set():
                raise Stopped
        raise last

    def _tried(self, file: ListedFile, unfinished: Path) -> bool:
        begun = _begun(unfinished)
        have = unfinished.stat().st_size if begun.validator else 0
        headers = {"Accept": NDJSON, "Accept-Encoding": "gzip"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": begun.validator}
        try:
            with self._downloading.get(file.url, headers, signed=self._needs_token) as response:
                self._check(response)
                if response.status_code in _PART and not _goes_on(response, have, begun):
                    _forget(unfinished)
                    problem = f"a part of a file was asked for and answered {response.status_code}"
                    raise _Later(BadAnswer(self._site, problem, "Ask the EHR's vendor"), {})
                if response.status_code == _WHOLE:
                    _forget(unfinished)  # before another version is said to have begun
                    have, begun = 0, _of(response)
                    with written(_beside(unfinished)) as path:
                        path.write_bytes(msgspec.json.encode(begun))
                self._take(response, unfinished, have)
        except Unreachable as problem:
            raise _Later(problem, {}) from None
        return begun.packed

    def _take(self, response: requests.Response, unfinished: Path, have: int) -> None:
        with unfinished.open("ab" if have else "wb") as stream:
            # As it comes: packed bytes are what a range counts.
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                if self.stop.is_set():
                    raise Stopped
                stream.write(chunk)

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        problem = f"a file of the export was answered with {status}"
        if status == _WHOLE or status in _PART:
            return
        if status == 401:
            raise self._unsigned(problem)
        if status in _EXPIRED:
            if status == 403 and self._needs_token:
                fix = "Give the client the right to read all types that are exported"
                raise Forbidden(self._site, problem, fix, status)
            fix = "Its files go before they are fetched: ask the EHR's administrator to keep them"
            raise FileGone(self._site, problem, fix, status)
        if status in TRANSIENT or status >= 500:
            later = Unreachable(self._site, problem, "Run the same command again", status)
            raise _Later(later, response.headers)
        raise BadAnswer(self._site, problem, "Ask the EHR's vendor", status)

    def _unsigned(self, problem: str) -> EhrError:
        if self._needs_token:
            return Unauthorized(self._site, problem, "Check the scopes of the client", 401)
        says = f"{problem}, and its list says that it needs no token (requiresAccessToken)"
        return Unauthorized(self._site, says, "Tell the EHR's vendor", 401)


class _Later(Exception):
    """Trouble that may pass."""

    def __init__(self, error: EhrError, headers: Mapping[str, str]) -> None:
        self.error, self.headers = error, headers


def _beside(unfinished: Path) -> Path:
    return unfinished.with_name(f"{unfinished.name}.begun")


def _begun(unfinished: Path) -> _Begun:
    try:
        found = msgspec.json.decode(_beside(unfinished).read_bytes(), type=_Begun)
    except (OSError, msgspec.DecodeError):
        return _Begun()
    return found if unfinished.exists() else _Begun()


def _of(response: requests.Response) -> _Begun:
    etag = response.headers.get("ETag", "")
    packed = response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip")
    return _Begun("" if etag.startswith("W/") else etag, packed)


def _goes_on(response: requests.Response, have: int, begun: _Begun) -> bool:
    """Whether what comes belongs behind what has come, and is all the rest: a server may send less
    than was asked for, and another version where it knows no If-Range (RFC 9110, 14.4, 15.3.7)."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if (
        not have
        or found is None
        or response.headers.get("ETag", begun.validator) != begun.validator
    ):
        return False
    first, last, size = found.groups()
    return int(first) == have and (size is None or int(size) == int(last) + 1)


def _forget(unfinished: Path) -> None:
    _beside(unfinished).unlink(missing_ok=True)
    unfinished.unlink(missing_ok=True)


def _wrong(path: Path, count: int | None, packed: bool) -> str | None:
    """Why the contents are not what the list promises."""
    if count is None and not packed:
        return None
    try:
        with path.open("rb") as stream:
            found = sum(1 for line in unpacked(stream) if line.strip())
    except (*DAMAGED, NotRead):
        return "ends early or is damaged"
    if count is not None and found != count:
        return f"holds {found} resources where the server's list says {count}"
    return None
