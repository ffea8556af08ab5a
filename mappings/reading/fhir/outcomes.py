"""OperationOutcome among results: what it says of the results that are not there. Its texts may
name patients, so only codes are repeated.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Iterator
from itertools import chain

from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource

# Severities that say that all came all the same (http://hl7.org/fhir/R5/valueset-issue-severity).
_HARMLESS = frozenset({"success", "information", "warning"})
# Codes that tell of a part that is missing, whatever the severity beside them:
# http://hl7.org/fhir/R4/valueset-issue-type.html, and onc-certification-g10-test-kit#278.
_LEFT_OUT = frozenset(
    {
        "exception",
        "expired",
        "forbidden",
        "incomplete",
        "lock-error",
        "no-store",
        "security",
        "suppressed",
        "throttled",
        "timeout",
        "too-costly",
        "too-long",
        "transient",
    }
)


def left_out(outcome: Resource) -> str | None:
    """The codes by which an OperationOutcome says that something is missing; None: it doesn't."""
    said = map(_codes, elements.items(outcome.get("issue")))
    return ", ".join(dict.fromkeys(chain.from_iterable(said))) or None


def _codes(issue: Resource) -> Iterator[str]:
    severity, code = elements.text(issue.get("severity")), elements.text(issue.get("code"))
    if severity not in _HARMLESS or code in _LEFT_OUT:
        yield code if code.replace("-", "").isalnum() and len(code) <= 40 else "no code"
