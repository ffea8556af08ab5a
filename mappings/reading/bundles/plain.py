"""The forms that most results, diagnoses and doses have, decoded in C. A resource of another form
is opened, and read as it stands.

Held by tests/unit/test_unopened.py.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from mappings.reading.bundles.heads import Held, Part, Period, Reference
from mappings.record import Source

T = TypeVar("T", bound="_Plain")
Text = str | UnsetType

# What the head has, and what no reader asks for.
_OF_ALL = (
    "resourceType", "id", "code", "subject",
    "bodySite", "identifier", "language", "note", "text",
)  # fmt: skip
_OF_RESULTS = (
    "basedOn", "category", "derivedFrom", "device", "encounter", "extension", "interpretation",
    "issued", "method", "partOf", "performer", "referenceRange",
)  # fmt: skip
_OF_CONDITIONS = ("recorder", "severity", "stage")


class _Version(Struct, frozen=True, gc=False):
    version: str | None = field(name="versionId", default=None)


class Extension(Struct, frozen=True, gc=False):
    """What kind of one it is."""

    url: str | None = None


class _Plain(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    meta: _Version | None = None

    def source(self, held: Held) -> Source:
        """Where it stands."""
        return Source(held.key, self.meta.version if self.meta else None)


class PlainDose(_Plain, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A medication, of which no more is asked than whether and when it was given or ordered."""

    status: str
    effective_date_time: Text = UNSET
    effective_period: Period | UnsetType = UNSET
    authored_on: Text = UNSET


class PlainResult(_Plain, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An Observation of a quantity, with a time that is written as one text."""

    status: str
    effective_date_time: str
    value_quantity: Raw
    specimen: Reference | None = None
    note: Part = UNSET


class PlainCondition(_Plain, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A Condition, each of whose dates is written as one text."""

    clinical_status: Part = UNSET
    verification_status: Part = UNSET
    category: Part = UNSET
    encounter: Reference | UnsetType = UNSET
    onset_date_time: Text = UNSET
    abatement_date_time: Text = UNSET
    recorded_date: Text = UNSET
    extension: list[Extension] = []


def _listing(form: type[T], passed_over: tuple[str, ...]) -> type[T]:
    """The form in which no other element may stand."""
    whole: Any = msgspec.defstruct(
        form.__name__,
        [(name, Part, UNSET) for name in (*_OF_ALL, *passed_over)],
        bases=(form,),
        forbid_unknown_fields=True,
        frozen=True,
        gc=False,
        kw_only=True,
    )
    listed: type[T] = whole
    return listed


def _reader_of(form: type[T]) -> Callable[[Held], T | None]:
    decoder = msgspec.json.Decoder(form)

    def read(held: Held) -> T | None:
        try:
            return decoder.decode(held.text)
        except msgspec.DecodeError:
            return None

    return read


plain_dose = _reader_of(PlainDose)
plain_result = _reader_of(_listing(PlainResult, _OF_RESULTS))
plain_condition = _reader_of(_listing(PlainCondition, _OF_CONDITIONS))
