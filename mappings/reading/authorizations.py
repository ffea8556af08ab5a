"""Prior authorizations on record: payers' answers, and numbers that a biller imported (R12)."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Authorization

Decision = Literal["approved", "denied", "pended"]
_APPROVED = frozenset({"A1", "A2", "APPROVED"})
_DENIED = frozenset({"A3", "DENIED", "REJECTED"})
_OF_UNITS = frozenset({"a1", "approved", "units"})


def from_response(resource: Resource, collection: Collection) -> Iterator[Authorization]:
    """Each authorized item of a ClaimResponse to a preauthorization."""
    if resource.get("use") != "preauthorization" or resource.get("status", "active") != "active":
        return
    reference = elements.text(resource.get("preAuthRef"))
    start, end = elements.period(resource.get("preAuthPeriod"))
    source = elements.source(resource)
    complete = resource.get("outcome") == "complete" and bool(reference)
    request = collection.resolve(resource.get("request"), resource) or {}
    asked = {item.get("sequence"): item for item in elements.items(request.get("item"))}
    items = elements.items(resource.get("item")) + elements.items(resource.get("addItem"))
    for item in items or [{}]:
        original = asked.get(item.get("itemSequence"), {})
        product = item.get("productOrService") or original.get("productOrService")
        decided = _decision(item) if item else _decision(resource)
        yield Authorization(
            source=source,
            reference=reference,
            decision=decided if complete else "pended",
            codes=tuple(elements.codes(product)),
            units=_units(item, original),
            start=start,
            end=end,
        )


def _decision(item: Resource) -> Decision:
    """By the adjudication: X12 306 action or a plain "approved"; anything else is still open."""
    said = {code.upper() for code in _adjudication_codes(item)}
    if said & _DENIED:
        return "denied"
    return "approved" if said & _APPROVED else "pended"


def _adjudication_codes(item: Resource) -> Iterator[str]:
    for row in elements.items(item.get("adjudication")):
        yield from _said(row.get("category"))
        yield from _said(row.get("reason"))
        yield from _extension_codes(row)
    yield from _extension_codes(item)


def _said(concept: object) -> Iterator[str]:
    """Codes and the plain text."""
    yield from elements.codes(concept)
    yield elements.concept(concept).text.strip()


def _extension_codes(element: Any) -> Iterator[str]:
    """Codes inside Da Vinci's reviewAction extension, at any depth."""
    for extension in elements.items(elements.mapping(element).get("extension")):
        yield from elements.codes(extension.get("valueCodeableConcept"))
        yield from _extension_codes(extension)


def _units(item: Resource, original: Resource) -> Decimal | None:
    for row in elements.items(item.get("adjudication")):
        value = elements.decimal(row.get("value"))
        if value is not None and {said.lower() for said in _said(row.get("category"))} & _OF_UNITS:
            return value
    return next(
        (
            value
            for holder in (item, original)
            for value in [elements.decimal(elements.mapping(holder.get("quantity")).get("value"))]
            if value is not None
        ),
        None,
    )


def from_claim(resource: Resource) -> Iterator[Authorization]:
    """`preAuthRef` of a Claim that a biller imported. A preauthorization request is no answer."""
    if resource.get("status") != "active" or resource.get("use") != "claim":
        return
    start, end = elements.period(resource.get("billablePeriod"))
    asked = tuple(
        code
        for item in elements.items(resource.get("item"))
        for code in elements.codes(item.get("productOrService"))
    )
    for insurance in elements.items(resource.get("insurance")):
        for reference in elements.texts(insurance.get("preAuthRef")):
            yield Authorization(
                source=elements.source(resource),
                reference=reference,
                decision="approved",
                codes=asked,
                start=start,
                end=end,
            )


def from_coverage(resource: Resource) -> Iterator[Authorization]:
    """`preAuthRef` that a biller imported with a Coverage: for any iron, as long as the coverage
    runs."""
    if resource.get("status") != "active":
        return
    start, end = elements.period(resource.get("period"))
    for reference in _numbers(resource):
        yield Authorization(
            source=elements.source(resource),
            reference=reference,
            decision="approved",
            codes=tuple(row.code for family in codes.families().values() for row in family.codes),
            start=start,
            end=end,
        )


def _numbers(coverage: Resource) -> Iterator[str]:
    """FHIR has no such element of a Coverage: one of that name, or an extension whose address ends
    in it."""
    value = coverage.get("preAuthRef")
    found = [value, *(value if isinstance(value, list) else ())]
    for extension in elements.items(coverage.get("extension")):
        if elements.text(extension.get("url")).replace(":", "/").endswith("/preAuthRef"):
            found += [
                extension.get("valueString"),
                elements.mapping(extension.get("valueIdentifier")).get("value"),
            ]
    yield from filter(None, (elements.text(number).strip() for number in found))
