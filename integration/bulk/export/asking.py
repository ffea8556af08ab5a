"""What an export is asked for, and how the request says it.

Held by tests/contract/export/test_export_request.py.
"""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from integration.configuration.resource_types import WAKING
from integration.ehr.capability import Capability
from integration.ehr.fhir.answers import Json
from integration.errors import ConfigurationError

NDJSON = "application/fhir+ndjson"
SYSTEM, PATIENTS = "", "Patient"
# Of no patient's compartment. Servers may export them beside patients (Epic, Oracle) or for the
# whole system alone (HAPI-0512, seen 2026-11-29: Group and Patient refuse Location, Medication).
SHARED = frozenset({"Location", "Medication", "Organization"})
_PARTIAL = "allowPartialManifests"


class ExportRequest(Struct, frozen=True):
    """`level`: `Group/ID`, `Patient` (all patients) or empty (the system). `since`: a FHIR instant.
    `filters`: FHIR searches (`Observation?category=laboratory`). `partial`: files may come while
    others are still made (allowPartialManifests). `may_narrow`: nobody named the types."""

    level: str
    types: tuple[str, ...] = ()
    since: str | None = None
    filters: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    partial: bool = False
    post: bool = False
    may_narrow: bool = False

    @property
    def by_post(self) -> bool:
        """`patient` is a parameter of a POST alone."""
        return self.post or bool(self.patients)

    @property
    def operation(self) -> str:
        return "/".join(filter(None, (self.level, "$export")))

    def digest(self, base_url: str) -> str:
        """What tells exports apart, whatever the day since which they go."""
        told = msgspec.structs.replace(self, since=None)
        return sha256(msgspec.json.encode((base_url, told))).hexdigest()

    def narrowed(self) -> "ExportRequest | None":
        """Without the types that a server may refuse beside patients; None where that is no
        other request."""
        types = tuple(kind for kind in self.types if kind not in SHARED)
        if self.level == SYSTEM or not self.may_narrow or types == self.types:
            return None
        return msgspec.structs.replace(self, types=types, may_narrow=False)

    def path(self) -> str:
        """Of a GET. A list is one parameter: not everybody takes it repeated (smart-fetch)."""
        pairs = [*self._pairs(), *([(_PARTIAL, "true")] if self.partial else [])]
        return f"{self.operation}?{urlencode(pairs, quote_via=quote)}"

    def parameters(self) -> Json:
        """The body of a POST."""
        kinds = {"_since": "valueInstant"}
        parameters: list[Json] = [
            {"name": name, kinds.get(name, "valueString"): value} for name, value in self._pairs()
        ]
        if self.partial:
            parameters.append({"name": _PARTIAL, "valueBoolean": True})
        parameters += [
            {"name": "patient", "valueReference": {"reference": f"Patient/{patient}"}}
            for patient in self.patients
        ]
        return {"resourceType": "Parameters", "parameter": parameters}

    def _pairs(self) -> Iterator[tuple[str, str]]:
        yield "_outputFormat", NDJSON
        if self.types:
            yield "_type", ",".join(self.types)
        if self.since:
            yield "_since", self.since
        if self.filters:
            # A comma parts the searches; one within a search is quoted once more (smart-fetch:
            # taken so by Epic, HAPI and Kodjin).
            yield "_typeFilter", ",".join(search.replace(",", "%2C") for search in self.filters)


def usual_types(capability: Capability) -> tuple[str, ...]:
    """What an assessment reads, as far as the server has it."""
    kinds = ("Patient", *WAKING, *sorted(SHARED))
    return tuple(kind for kind in kinds if not capability.types or kind in capability.types)


def instant(text: str) -> str:
    """A day, or a moment with offset, as a FHIR instant; a day begins in UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and text == f"{at.date()}":
        return f"{text}T00:00:00Z"
    if at is None or at.tzinfo is None:
        raise ConfigurationError(
            f"--since {text!r} is neither a day such as 2026-11-23, a moment with offset"
            " (2026-11-23T12:00:00-05:00), nor `last`."
        )
    return at.isoformat()
