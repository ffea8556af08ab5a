"""Tests that are ordered in the same dialog as the iron, or were ordered shortly before.

Held by tests/unit/test_cds_drafts.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any

from mappings import codes
from mappings.assessment import Finding
from mappings.codes.requirement import OrderableTest
from mappings.reading.fhir import elements, timings
from mappings.reading.labs.results import LabReader
from mappings.reading.orders.forms import SERVICES
from mappings.record import Concept
from mappings.values import words

Resource = dict[str, Any]
_OFF = frozenset({"revoked", "entered-in-error", "completed"})


class OrderedTests:
    """Of the services among ORDERS; ALIASES: the site's own codes of analytes."""

    def __init__(self, orders: Sequence[Resource], aliases: Mapping[str, str]) -> None:
        later = set(chain.from_iterable(map(_later, orders)))
        self._tests = tuple(
            (_concept(order), _first_day(order))
            for order in chain.from_iterable(map(_services, orders))
            if elements.text(order.get("status")) not in _OFF and _name(order) not in later
        )
        self._reader = LabReader(aliases)

    def will_tell(self, found: Finding, day: date) -> bool:
        """Whether what FOUND lacks of a dose on DAY is on its way: a result outside a limit is not,
        nor is a test for a later day."""
        test = codes.requirements()[found.requirement].test
        if test is None or found.state == "not-covered":
            return False
        return self._has(test, [concept for concept, first in self._tests if first <= day])

    def _has(self, test: OrderableTest, concepts: Sequence[Concept]) -> bool:
        if any(self._is_panel(concept, test) for concept in concepts):
            return True
        analytes = set(self._analytes(concepts))
        return any(analytes.issuperset(one) for one in test.of)

    def _is_panel(self, concept: Concept, test: OrderableTest) -> bool:
        loinc = {test.loinc, *test.panels}
        called = {words.plain(name) for name in test.panel_names}
        is_coded = any(one.code in loinc for one in concept.codings)
        return is_coded or not called.isdisjoint(map(words.plain, concept.words))

    def _analytes(self, concepts: Sequence[Concept]) -> Iterator[str]:
        names = codes.labs().names
        for concept in concepts:
            analyte = self._reader.analyte(concept)
            if analyte is not None:
                yield analyte.analyte
            else:
                yield from filter(None, map(names.analyte_of, concept.words))


def under_way(chart: Iterable[Resource], today: date) -> Iterator[Resource]:
    """The tests in a chart that were ordered a short time ago, and may still be done."""
    first = today - timedelta(days=codes.windows().days("ordered-test"))
    for one in chart:
        ordered = elements.moment(one.get("authoredOn"))
        is_test = elements.text(one.get("resourceType")) in SERVICES
        if is_test and one.get("status") == "active" and ordered and ordered.first >= first:
            yield one


def _services(order: Resource) -> Iterator[Resource]:
    """The order, or those inside an order set."""
    for one in (order, *elements.items(order.get("contained"))):
        if elements.text(one.get("resourceType")) in SERVICES:
            yield one


def _name(order: Resource) -> str:
    return elements.text(order.get("id"))


def _later(order: Resource) -> Iterator[str]:
    """The ids of what an order set asks for after another of its actions: a ferritin after the last
    dose tells nothing of the one before the first."""
    for action in elements.items(order.get("action")):
        related = elements.items(action.get("relatedAction"))
        if any(elements.text(one.get("relationship")).startswith("after") for one in related):
            reference = elements.text(elements.mapping(action.get("resource")).get("reference"))
            yield reference.rpartition("/")[2].removeprefix("#")


def _concept(order: Resource) -> Concept:
    """Of R5 it stands a level deeper."""
    code = order.get("code")
    return elements.concept(elements.mapping(code).get("concept") or code)


def _first_day(order: Resource) -> date:
    """On which it may be done; the first of all where it does not say."""
    timing = elements.mapping(order.get("occurrenceTiming"))
    bounds = elements.mapping(timing.get("repeat")).get("boundsPeriod")
    starts = [elements.moment(order.get("occurrenceDateTime")), *timings.dates(timing)]
    starts += [elements.period(one)[0] for one in (order.get("occurrencePeriod"), bounds)]
    return min((start.first for start in starts if start), default=date.min)
