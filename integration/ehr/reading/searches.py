"""Searches under way: what came of them, and what is still to come.

Held by tests/contract/test_ehr_reading.py.
"""

from dataclasses import dataclass

from integration.ehr.fhir.bundles import Count, Page
from integration.ehr.fhir.query import Query


@dataclass(frozen=True)
class Begun:
    """A search after its first page; `next` is None when that was all."""

    query: Query
    page: Page | None
    next: str | None

    @property
    def total(self) -> int:
        return (self.page.total if self.page else None) or 0

    def further(self) -> list[Query]:
        """The same search from each further page on, where the server told how many there are."""
        size = self.page.length if self.page else 0
        return (
            [self.query.from_offset(offset) for offset in range(size, self.total, size)]
            if size
            else []
        )


class Counts(dict[Query, Count]):
    """A count for each search."""

    def __missing__(self, query: Query) -> Count:
        return self.setdefault(query, Count(query.kind))
