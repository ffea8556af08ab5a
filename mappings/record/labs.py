"""Results of the laboratory.

Held by tests/unit/test_laboratory.py.
"""

from decimal import Decimal

from msgspec import Struct

from mappings.record.sources import Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread


class LabResult(Struct, frozen=True, gc=False, kw_only=True):
    """A result in the analyte's canonical unit; `low` and `high` enclose it (equal unless a
    comparator or range was reported).

    `problem` says why the result can't be used; `unread` what stands there then, and is None where
    that says that there is no result. `by_words`: the words beside its code alone name the test,
    and whether it is that one is for the site to say. `alternatives`: results of one time that
    differ, and which of them counts nobody says; it lies between them.
    """

    source: Source
    analyte: str
    when: Moment | None
    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False
    specimen: str | None = None
    panels: tuple[str, ...] = ()
    says: str = ""
    problem: str | None = None
    unread: Unread | None = None
    by_words: bool = False
    parts: tuple[Source, ...] = ()
    alternatives: "tuple[LabResult, ...]" = ()

    @property
    def derived(self) -> bool:
        """Whether it was worked out from `parts`, not measured."""
        return bool(self.parts)

    @property
    def value(self) -> Decimal | None:
        """The exact value, where one was reported."""
        return self.low if self.low is not None and self.low == self.high else None
