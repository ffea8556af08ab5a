"""Tests that are ordered in the same dialog as the iron.

Held by tests/unit/test_cds_drafts.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mappings import codes
from mappings.assessment import Finding
from mappings.codes.requirement import OrderableTest
from mappings.reading.fhir import elements
from mappings.reading.labs.results import LabReader
from mappings.record import Concept
from mappings.values import words

Resource = dict[str, Any]
_OFF = frozenset({"revoked", "entered-in-error", "completed"})


class OrderedTests:
    """Of the ServiceRequests among ORDERS; ALIASES: the site's own codes of analytes."""

    def __init__(self, orders: Sequence[Resource], aliases: Mapping[str, str]) -> None:
        self._concepts = tuple(
            elements.concept(order.get("code"))
            for order in orders
            if order.get("resourceType") == "ServiceRequest"
            and elements.text(order.get("status")) not in _OFF
        )
        self._reader = LabReader(aliases)

    def will_tell(self, found: Finding) -> bool:
        """Whether what FOUND lacks is on its way; a result outside a limit is not."""
        test = codes.requirements()[found.requirement].test
        return test is not None and found.state != "not-covered" and self._has(test)

    def _has(self, test: OrderableTest) -> bool:
        if any(self._is_panel(concept, test) for concept in self._concepts):
            return True
        analytes = set(self._analytes())
        return any(analytes.issuperset(one) for one in test.of)

    def _is_panel(self, concept: Concept, test: OrderableTest) -> bool:
        loinc = {test.loinc, *test.panels}
        called = {words.plain(name) for name in test.panel_names}
        is_coded = any(one.code in loinc for one in concept.codings)
        return is_coded or not called.isdisjoint(map(words.plain, concept.words))

    def _analytes(self) -> Iterator[str]:
        names = codes.labs().names
        for concept in self._concepts:
            analyte = self._reader.analyte(concept)
            if analyte is not None:
                yield analyte.analyte
            else:
                yield from filter(None, map(names.analyte_of, concept.words))
