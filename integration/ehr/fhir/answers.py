"""What came back from a server, and the error that its status means.

Held by tests/contract/test_ehr_reading.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from integration.errors import (
    BadAnswer,
    Conflict,
    EhrError,
    Forbidden,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)
from mappings.reading.fhir.decoding import decode

FHIR_JSON = "application/fhir+json"
# The codes that cumulus-fhir-support and eCRNow retry; a 500 or 504 may be permanent, so few times
# (Q21).
TRANSIENT = (408, 429, 500, 502, 503, 504)
NOT_DONE = (501, 505)  # "not implemented": the server's last word, also of a write

Json = dict[str, Any]

_CODE = re.compile(r"[A-Za-z0-9-]{1,40}")
_HAPI_CODE = re.compile(r"^HAPI-\d{4}")
_TEXT_LENGTH = 300
_SEE = "See what it takes: `ferroclaim doctor` with the site's name or its address"
_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """JSON with every number as it was read."""
    return _encoder.encode(value)


@dataclass(frozen=True)
class Answer:
    """LET_IN: the server takes our access otherwise, so that a 401 is of what was asked alone."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    let_in: bool = False

    @property
    def version(self) -> str | None:
        """The version that an ETag such as W/"3" names."""
        return self.headers.get("ETag", "").removeprefix("W/").strip('"') or None


def error_for(site: str, what: str, answer: Answer) -> EhrError:
    """The error that an answer's status means. Of the OperationOutcome its message has only codes:
    the texts name patients, and are kept apart as `own_words`."""
    error = _error(site, what, answer)
    error.own_words = _texts(answer.body)
    return error


def _error(site: str, what: str, answer: Answer) -> EhrError:
    status = answer.status
    codes = ", ".join(issue_codes(answer.body))
    problem = f"{what} was answered with {status}" + (f" ({codes})" if codes else "")
    match status:
        case 401 if answer.let_in:
            return Forbidden(
                site,
                problem,
                "It lets us in otherwise: ask the EHR's administrator for the right to this",
                status,
            )
        case 401:
            return Unauthorized(
                site,
                problem,
                "Check [auth] of the site: client_id, the registered key and the scopes",
                status,
            )
        case 403:
            return Forbidden(
                site, problem, "Ask the EHR's administrator for the missing scope", status
            )
        case 404 | 410:
            return NotFound(site, problem, "Check base_url and the id", status)
        case 409 | 412:
            return Conflict(site, problem, "Read it again, then write again", status)
    if status in TRANSIENT or (status >= 500 and status not in NOT_DONE):
        return Unreachable(site, problem, "Try again later", status)
    if 300 <= status < 400:
        return BadAnswer(
            site, problem + ", a redirect, which was not followed", "Correct base_url", status
        )
    return Refused(site, problem, _SEE, status)


def refusal(site: str, what: str, answer: Answer) -> Refused:
    """Of an OperationOutcome that came with a status of success, in the place of what was
    wanted."""
    codes = ", ".join(issue_codes(answer.body))
    error = Refused(
        site,
        f"{what} was answered with {answer.status} and an OperationOutcome"
        + f" ({codes})" * bool(codes),
        _SEE,
        answer.status,
    )
    error.own_words = _texts(answer.body)
    return error


def _issues(body: bytes) -> list[dict[str, Any]]:
    """Of an OperationOutcome; nothing else has any."""
    try:
        outcome = decode(body)
        issues = outcome["issue"] if outcome.get("resourceType") == "OperationOutcome" else []
        return [issue for issue in issues if isinstance(issue, dict)]
    except (ValueError, LookupError, AttributeError, TypeError):
        return []


def _texts(body: bytes) -> str:
    """What an OperationOutcome says in words, as much as a person reads."""
    said = []
    for issue in _issues(body):
        details = issue.get("details")
        text = details.get("text") if isinstance(details, dict) else None
        said.append(text or issue.get("diagnostics"))
    whole = " ".join(text.strip() for text in dict.fromkeys(said) if isinstance(text, str))
    return whole if len(whole) <= _TEXT_LENGTH else f"{whole[:_TEXT_LENGTH]} …"


def issue_codes(body: bytes) -> list[str]:
    """`invalid`, `HAPI-1094`: what an OperationOutcome says in codes."""
    issues = _issues(body)
    codes = [str(issue.get("code")) for issue in issues]
    for issue in issues:
        details = issue.get("details")
        codings = details.get("coding") if isinstance(details, dict) else None
        codes += [
            str(coding.get("code"))
            for coding in (codings if isinstance(codings, list) else [])
            if isinstance(coding, dict)
        ]
        codes += _HAPI_CODE.findall(str(issue.get("diagnostics")))
    return [code for code in dict.fromkeys(codes) if _CODE.fullmatch(code) and code != "None"]
