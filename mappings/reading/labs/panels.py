"""The panels and reports that results belong to, and what they tell of their members (R10 labs).

Held by tests/scenarios/results.yaml.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.inside import contained
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.labs import specimens
from mappings.record import Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread, only

_HOLDING = ("hasMember", "result", "contained")


def status_of(resource: Resource, statuses: StatusReader) -> str | Unread | None:
    return statuses.read(f"{resource['resourceType']}.status", resource.get("status"))


def counts(status: str | Unread | None) -> bool:
    """Whether a panel or report says something of its members: one without a status does."""
    return status is None or status in codes.labs().words.reported


def observations(resource: Resource, source: Source) -> list[tuple[str, Resource]]:
    """An Observation, or what a panel or report is made of, with those that live inside it as
    `Type/id#id`."""
    name = source.resource
    itself = [(name, resource)] if resource["resourceType"] == "Observation" else []
    return itself + [(f"{name}#{own}", item) for own, item in contained(resource, "Observation")]


class Panels:
    """The panels (`hasMember`) and DiagnosticReports (`result`) that observations belong to, at any
    depth."""

    def __init__(
        self, holders: Iterable[Resource], collection: Collection, statuses: StatusReader = PLAIN
    ) -> None:
        self._collection = collection
        self._statuses = statuses
        self._holders: dict[str, tuple[str, Resource, Resource]] = {}
        self._direct: dict[str, tuple[str, ...]] = {}
        for holder in holders:
            if any(map(holder.__contains__, _HOLDING)) and self._says_something(holder):
                self._add(holder)

    def _add(self, home: Resource) -> None:
        """A panel or report, and the panels inside it."""
        source = elements.source(home)
        parts = dict([(source.resource, home), *observations(home, source)])
        for name, part in parts.items():
            members = elements.items(part.get("hasMember")) + elements.items(part.get("result"))
            if members and self._says_something(part):
                self._holders[name] = (source.resource, part, home)
                keys = (
                    specimens.key(member, source.resource, self._collection) for member in members
                )
                for key in filter(None, keys):
                    self._direct[key] = (*self._direct.get(key, ()), name)

    def _says_something(self, holder: Resource) -> bool:
        return counts(status_of(holder, self._statuses))

    def of(self, name: str) -> tuple[str, ...]:
        """All that an observation belongs to."""
        if name not in self._direct:
            return ()
        return tuple(chain.from_iterable(self._levels(name)))

    def _levels(self, name: str) -> Iterator[tuple[str, ...]]:
        """What it belongs to, then what these belong to, and so on."""
        seen, level = {name}, self._direct.get(name, ())
        while level:
            yield level
            seen.update(level)
            above = dict.fromkeys(
                chain.from_iterable(self._direct.get(inner, ()) for inner in level)
            )
            level = tuple(holder for holder in above if holder not in seen)

    def time(self, name: str) -> Moment | None:
        """The time that the nearest of them give to members without one; None where they disagree
        on the day."""
        for level in self._levels(name):
            times = set(filter(None, map(self._time_of, level)))
            if times:
                return times.pop() if len(times) == 1 else _common_day(times)
        return None

    def _time_of(self, name: str) -> Moment | None:
        """None for one that is about several days: not each of its members is."""
        _, part, home = self._holders[name]
        start, end = elements.period(part.get("effectivePeriod"))
        spans_days = start and end and start.first != end.first
        return None if spans_days else specimens.collected(part, self._collection, home)

    def specimen(self, name: str) -> str | None:
        """The one specimen of the nearest of them that say theirs."""
        for level in self._levels(name):
            found = {
                specimens.only(part, source, self._collection)
                for source, part, _ in map(self._holders.__getitem__, level)
            } - {None}
            if found:
                return only(found)
        return None


def _common_day(times: Iterable[Moment]) -> Moment | None:
    days = set(chain.from_iterable(when.days(None) for when in times))
    return Moment(min(days), max(days)) if len(days) == 1 else None
