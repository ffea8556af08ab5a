"""The list of files that a finished export answers with.

Held by tests/contract/export/test_export_request.py.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from integration.ehr.fhir.answers import Answer
from integration.ehr.transport.http import Transport
from integration.errors import BadAnswer
from mappings.reading.fhir import elements

Role = Literal["output", "deleted", "error"]
_TELL_VENDOR = "Tell the EHR's vendor"
# A file is named by it, so nothing else may come from the list.
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
# Version 4 of the guide calls `error` so.
_ROLES: dict[str, Role] = {
    "output": "output",
    "deleted": "deleted",
    "error": "error",
    "outcome": "error",
}


class ListedFile(Struct, frozen=True):
    """A file that is to be had. `count`: resources in it, where the server says."""

    role: Role
    kind: str
    url: str
    count: int | None = None


class Manifest(Struct, frozen=True):
    """`next_page`: where the list goes on."""

    transaction_time: str
    needs_token: bool
    files: tuple[ListedFile, ...]
    next_page: str | None = None


def read_manifest(transport: Transport, answer: Answer) -> Manifest:
    """BadAnswer where it is none."""
    site = transport.site.name
    said = transport.json(answer, "the status of the export")
    if not isinstance(said, dict) or not isinstance(said.get("transactionTime"), str):
        problem = "the status of the export was answered with no list of files (transactionTime)"
        raise BadAnswer(site, problem, _TELL_VENDOR)
    token = said.get("requiresAccessToken")
    if not isinstance(token, bool):
        # Without a word nobody is given our token.
        token = False
    return Manifest(
        said["transactionTime"], token, tuple(_files(said, site)), _next(said.get("link"))
    )


def _files(said: dict[str, Any], site: str) -> Iterator[ListedFile]:
    for name, role in _ROLES.items():
        rows = said.get(name) or []
        if not isinstance(rows, list):
            raise BadAnswer(site, f"`{name}` of an export's list is no list", _TELL_VENDOR)
        for number, entry in enumerate(rows, 1):
            url = entry.get("url") if isinstance(entry, dict) else None
            if not isinstance(url, str) or not url:
                problem = f"file {number} of `{name}` in an export's list has no address"
                raise BadAnswer(site, problem, _TELL_VENDOR)
            kind, count = str(entry.get("type", "")), elements.whole(entry.get("count"))
            yield ListedFile(role, kind if _TYPE.fullmatch(kind) else "", url, count)


def _next(links: object) -> str | None:
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            return url if isinstance(url, str) else None
    return None
