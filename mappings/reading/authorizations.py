"""Prior authorizations on record: payers' answers, in base FHIR's form and Da Vinci PAS's (2.0.1,
2.2.1), and numbers that a biller imported (R12).

Held by tests/scenarios/authorizations.yaml.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

from mappings import codes
from mappings.reading import coverages, payers
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.products import hcpcs
from mappings.reading.drugs.texts import MOST_SAID
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.fhir.units import code_of, text_of
from mappings.record import Authorization, AuthorizationDecision, Insurer
from mappings.values import words
from mappings.values.stated import Unread, first_unread, only
from mappings.values.systems import PAS

# X12 306 (HCR01) and what it calls them, and plain words. A2 and A6: what was authorized is less
# than what was asked.
_DECISIONS: dict[str, AuthorizationDecision] = {
    "A1": "approved", "APPROVED": "approved", "A2": "in-part", "A6": "in-part", "A3": "denied",
    "A5": "denied", "DENIED": "denied", "REJECTED": "denied", "A4": "pended", "CT": "pended",
    "PENDED": "pended", "PENDING": "pended", "NA": "not-required",
    "CERTIFIED IN TOTAL": "approved", "CERTIFIED - PARTIAL": "in-part", "NOT CERTIFIED": "denied",
}  # fmt: skip
_WORST_FIRST: tuple[AuthorizationDecision, ...] = (
    "denied", "pended", "in-part", "not-required", "approved",
)  # fmt: skip
_OF_UNITS = frozenset({"a1", "approved", "units"})
# X12 355 UN, UCUM 1, and words.
_UNITS = frozenset({"", "1", "un", "unit", "units", "u", "each", "ea", "hcpcsunit", "hcpcsunits",
    "billingunit", "billingunits", "serviceunit", "serviceunits"})  # fmt: skip
_PAS = f"{PAS}extension-"
# Categories of an adjudication that say how it was worked out, not what was decided.
_NOT_A_DECISION = frozenset({
    "submitted", "copay", "eligible", "deductible", "unallocdeduct", "eligpercent", "tax",
    "benefit", "units", "",
})  # fmt: skip


def from_response(
    resource: Resource, collection: Collection, statuses: StatusReader = PLAIN
) -> Iterator[Authorization]:
    """Each authorized item of a ClaimResponse to a preauthorization."""
    status = _status(resource, statuses)
    if resource.get("use") != "preauthorization" or not status:
        return
    outcome = statuses.read("ClaimResponse.outcome", resource.get("outcome"))
    odd = first_unread((status, outcome)) or _error(resource) or _contrary(resource)
    request = collection.resolve(resource.get("request"), resource) or {}
    asked = {item.get("sequence"): item for item in elements.items(request.get("item"))}
    insurer = _insurer(resource, collection)
    of_coverages = (*_insured(request, collection), *_insured(resource, collection))
    answers = [(item, False) for item in elements.items(resource.get("item"))]
    answers += [(item, True) for item in elements.items(resource.get("addItem"))]
    for item, is_added in answers or [({}, False)]:
        original = next((asked[one] for one in _sequences(item) if one in asked), {})
        number = _number(item) or elements.text(resource.get("preAuthRef"))
        period = _period(item) or resource.get("preAuthPeriod")
        unread = next(elements.unread_period(period, "ClaimResponse.preAuthPeriod"), None)
        said = list(_said_of(item or resource))
        decision, not_known = _decision(said)
        detail = next(iter(elements.extensions(item, f"{_PAS}itemAuthorizedDetail")), None)
        units = _units(detail, item, original)
        if decision == "in-part" and _says_how_much(detail, item if is_added else None):
            decision = "approved"
        answered = outcome == "complete" and (number or decision == "not-required")
        start, end = elements.period(period)
        not_known = not_known or _unread_review(item)
        unread = odd or unread or not_known or (units if isinstance(units, Unread) else None)
        yield Authorization(
            source=elements.source(resource),
            reference=number,
            decision=_settled(decision, bool(answered), unread),
            codes=_codes(detail, item, original),
            units=None if isinstance(units, Unread) else units,
            start=start,
            end=end,
            coverages=tuple(dict.fromkeys(of_coverages)),
            insurer=insurer,
            created=elements.moment(resource.get("created")),
            unread=unread,
        )


def _sequences(item: Resource) -> list[int]:
    """The items of the request that an answer is of; an added one may be of several."""
    said = item.get("itemSequence")
    return [one for one in (said if isinstance(said, list) else (said,)) if isinstance(one, int)]


def _error(resource: Resource) -> Unread | None:
    """What the payer could not work out: no approval stands beside it."""
    for error in elements.items(resource.get("error")):
        said = elements.concept(error.get("code")).statements
        return Unread("ClaimResponse.error", next(iter(said), ""))
    return None


def _contrary(resource: Resource) -> Unread | None:
    """Words of the answer that tell against what it codes."""
    table, disposition = codes.payers(), elements.text(resource.get("disposition"))
    if words.first_of(disposition, table.against_approval):
        return Unread("ClaimResponse.disposition", disposition[:MOST_SAID])
    notes = elements.notes(resource.get("processNote"))
    back = next((note for note in notes if words.first_of(note, table.taken_back)), None)
    return Unread("ClaimResponse.processNote", back[:MOST_SAID]) if back else None


def _status(resource: Resource, statuses: StatusReader) -> str | Unread | None:
    """None for what never was or is no more; without a status it counts as active."""
    element = f"{resource['resourceType']}.status"
    said = statuses.read(element, resource.get("status")) or "active"
    return said if said == "active" or isinstance(said, Unread) else None


def _settled(
    decision: AuthorizationDecision, answered: bool, unread: Unread | None
) -> AuthorizationDecision:
    """What is not understood is no approval; neither is one without an answer or a number."""
    if decision in ("approved", "in-part", "not-required"):
        settled = decision if answered else "pended"
        return "unread" if unread else settled
    return "unread" if unread and decision == "pended" else decision


def _decision(said: list[str]) -> tuple[AuthorizationDecision, Unread | None]:
    """The least favorable of what is said; quoted, where none of it is understood."""
    found = {_DECISIONS[text] for text in said if text in _DECISIONS}
    decision = next((worst for worst in _WORST_FIRST if worst in found), None)
    if decision:
        return decision, None
    odd = next((text for text in said if text.lower() not in _NOT_A_DECISION), None)
    return "pended", Unread("ClaimResponse.item.adjudication", odd) if odd else None


def _said_of(item: Resource) -> Iterator[str]:
    for adjudication in elements.items(item.get("adjudication")):
        for text in (*_said(adjudication.get("category")), *_said(adjudication.get("reason"))):
            yield text.upper()
        yield from _review_codes(adjudication)
    yield from _review_codes(item)


def _unread_review(item: Resource) -> Unread | None:
    """A reviewer's action that is not understood, whatever is said beside it."""
    holders = [item, *elements.items(item.get("adjudication"))]
    said = list(chain.from_iterable(map(_review_codes, holders)))
    known = not _DECISIONS.keys().isdisjoint(said)
    return Unread("ClaimResponse.item.reviewAction", said[0]) if said and not known else None


def _said(concept: object) -> Iterator[str]:
    """Codes and the plain text."""
    yield from elements.codes(concept)
    yield elements.concept(concept).text.strip()


def _review_codes(element: Any) -> Iterator[str]:
    """Codes of Da Vinci's reviewAction, at any depth; its reason codes are no decision."""
    for extension in elements.items(elements.mapping(element).get("extension")):
        url = elements.text(extension.get("url"))
        if url.endswith("extension-reviewActionCode"):
            yield from (text.upper() for text in _said(_concept_of(extension)) if text)
        elif url.endswith("extension-reviewAction"):
            yield from _review_codes(extension)


def _concept_of(extension: Resource) -> object:
    return extension.get("valueCodeableConcept") or extension.get("valueCoding")


def _number(item: Resource) -> str:
    """The number that reviewAction gives to an item."""
    for adjudication in elements.items(item.get("adjudication")):
        for action in elements.extensions(adjudication, f"{_PAS}reviewAction"):
            for number in elements.extensions(action, "number"):
                return elements.text(number.get("valueString")).strip()
    return ""


def _period(item: Resource) -> object:
    found = elements.extensions(item, f"{_PAS}itemPreAuthPeriod")
    return found[0].get("valuePeriod") if found else None


def _codes(detail: Resource | None, item: Resource, original: Resource) -> tuple[str, ...]:
    """What was authorized, else the item, else what was asked."""
    for part in elements.extensions(detail, "productOrServiceCode"):
        return tuple(map(hcpcs, elements.codes(_concept_of(part))))
    billed = item.get("productOrService") or original.get("productOrService")
    return tuple(map(hcpcs, elements.codes(billed)))


def _says_how_much(detail: Resource | None, added: Resource | None) -> bool:
    """Whether a part that was certified is told by what was authorized."""
    return bool(elements.extensions(detail, "quantity") or (added and added.get("quantity")))


def _units(detail: Resource | None, item: Resource, original: Resource) -> Decimal | Unread | None:
    billed = _codes(detail, item, original)
    for part in elements.extensions(detail, "quantity"):
        return _number_of(part.get("valueQuantity"), billed)
    for adjudication in elements.items(item.get("adjudication")):
        said = {text.lower() for text in _said(adjudication.get("category"))}
        if adjudication.get("value") is not None and said & _OF_UNITS:
            return _number_of(adjudication["value"], billed)
    for holder in (item, original):
        if holder.get("quantity") is not None:
            return _number_of(holder["quantity"], billed)
    return None


def _number_of(quantity: object, billed: tuple[str, ...]) -> Decimal | Unread:
    """A number of units; one that can't be read, or is of something else, is no missing limit."""
    stated = elements.mapping(quantity)
    said = stated.get("value", quantity)
    value = elements.decimal(said)
    if value is None:
        return Unread("ClaimResponse.item.quantity", str(said))
    unit = text_of(stated) or code_of(stated)
    if words.squeezed(unit) in _UNITS:
        return value
    per = _mg_per_unit(billed) if words.squeezed(unit) == "mg" else None
    if per:
        return value / per
    return Unread("ClaimResponse.item.quantity", f"{said} {unit}")


def _mg_per_unit(billed: tuple[str, ...]) -> Decimal | None:
    """Of the one iron that is authorized."""
    rows = chain.from_iterable(family.codes for family in codes.families().values())
    found = {row.mg_per_unit for row in rows if row.code in billed}
    return only(found)


def _insurer(resource: Resource, collection: Collection) -> Insurer | None:
    """None where nobody is named, or only one who is not on record."""
    reference = elements.mapping(resource.get("insurer"))
    organization = elements.mapping(collection.resolve(reference, resource))
    names = filter(
        None, [elements.text(reference.get("display")), elements.text(organization.get("name"))]
    )
    ids = tuple(dict.fromkeys(coverages.identities(reference, resource, collection)))
    found = tuple(dict.fromkeys(names))
    named = (payer.payer for payer in chain.from_iterable(map(payers.named, found)))
    is_known = found or organization or elements.mapping(reference.get("identifier"))
    return (
        Insurer(names=found, ids=ids, payer=next(filter(None, named), None)) if is_known else None
    )


def _insured(resource: Resource, collection: Collection) -> Iterator[str]:
    """The coverages of a request or an answer."""
    for insurance in elements.items(resource.get("insurance")):
        key = collection.key(insurance.get("coverage"))
        if key:
            yield key


def from_claim(
    resource: Resource, collection: Collection, statuses: StatusReader = PLAIN
) -> Iterator[Authorization]:
    """`preAuthRef` of a Claim that a biller imported. A preauthorization request is no answer."""
    status = _status(resource, statuses)
    if resource.get("use") != "claim" or not status:
        return
    start, end = elements.period(resource.get("billablePeriod"))
    asked: list[str] = []
    for item in elements.items(resource.get("item")):
        asked += map(hcpcs, elements.codes(item.get("productOrService")))
    odd_period = next(
        elements.unread_period(resource.get("billablePeriod"), "billablePeriod"), None
    )
    unread = status if isinstance(status, Unread) else odd_period
    for insurance in elements.items(resource.get("insurance")):
        coverage = collection.key(insurance.get("coverage"))
        for reference in elements.texts(insurance.get("preAuthRef")):
            yield Authorization(
                source=elements.source(resource),
                reference=reference,
                decision="unread" if unread else "approved",
                codes=tuple(asked),
                start=start,
                end=end,
                coverages=(coverage,) if coverage else (),
                unread=unread,
            )


def from_coverage(resource: Resource, statuses: StatusReader = PLAIN) -> Iterator[Authorization]:
    """`preAuthRef` that a biller imported with a Coverage: for any iron, as long as the coverage
    runs."""
    status = _status(resource, statuses)
    if not status:
        return
    unread = status if isinstance(status, Unread) else None
    start, end = elements.period(resource.get("period"))
    own = elements.source(resource).resource
    for reference in _numbers(resource):
        yield Authorization(
            source=elements.source(resource),
            reference=reference,
            decision="unread" if unread else "approved",
            codes=tuple(_all_codes()),
            start=start,
            end=end,
            coverages=(own,),
            unread=unread,
        )


def _all_codes() -> Iterator[str]:
    for family in codes.families().values():
        yield from (row.code for row in family.codes)


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
