"""The form of the elements that the rules read: a resource whose elements have another form is
unreadable.

Held by tests/unit/test_reading_people.py.
"""

from collections.abc import Iterator

from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import BROKEN_TEXT, Damaged, TooDeep
from mappings.reading.fhir.elements import Resource

SUBSETTED = "SUBSETTED"
# Of these the elements that are read are asked for by name, where a server has more to send.
_ASKED_IN_PART = frozenset({"DocumentReference"})
# Of these the parts of parts have modifiers as well (`CarePlan.activity.detail`).
_DEEP = frozenset({"CarePlan", "Claim", "ClaimResponse"})
OBJECT, LIST = (dict,), (list, dict)
FORMS: dict[str, dict[str, tuple[type, ...]]] = {
    "MedicationAdministration": {
        "medicationCodeableConcept": OBJECT,
        "medicationReference": OBJECT,
        "dosage": LIST,
        "context": OBJECT,
        "request": OBJECT,
        "effectivePeriod": OBJECT,
        "partOf": LIST,
        "extension": LIST,
        "note": LIST,
        "identifier": LIST,
    },
    "Observation": {
        "code": OBJECT,
        "component": LIST,
        "hasMember": LIST,
    },
    # Statuses, categories and classes are read in any form, by `fhir.statuses`.
    "Condition": {"code": OBJECT},
    "Coverage": {"type": OBJECT, "period": OBJECT, "payor": LIST, "class": LIST},
    "Encounter": {"period": OBJECT, "location": LIST, "diagnosis": LIST},
    "Medication": {"code": OBJECT, "ingredient": LIST},
    "MedicationRequest": {"dosageInstruction": LIST, "medicationCodeableConcept": OBJECT},
}


def form_problem(resource: Resource, kind: str) -> str | None:
    """What of its form keeps a resource from being read; None where nothing does."""
    if isinstance(resource, Damaged):
        return BROKEN_TEXT
    try:
        turned = _turned(resource, kind)
    except RecursionError:
        return str(TooDeep())
    if turned:
        return turned
    forms = FORMS.get(kind)
    if forms is None:
        return None
    for element, form in forms.items():
        value = resource.get(element)
        if value is not None and not isinstance(value, form):
            return (
                f"{kind}.{element} has the wrong form: expected"
                f" {'an object' if form is OBJECT else 'a list'}"
            )
    return None


def _turned(resource: Resource, kind: str) -> str | None:
    """What may turn the meaning of the whole, or of a part: FHIR's rules for a resource that states
    some (`implicitRules`), for a part of one (`SUBSETTED`), and for modifiers."""
    for name, part in _parts(resource, kind):
        modified = elements.items(part.get("modifierExtension"))
        if modified:
            url = elements.text(modified[0].get("url"))
            called = f"{kind}.{name}modifierExtension"
            return f'{called} is not understood, and may turn what is said: "{url}"'
    rules = resource.get("implicitRules")
    if rules:
        return f'{kind}.implicitRules is not understood, and may turn what is said: "{rules}"'
    if kind not in _ASKED_IN_PART and _is_subset(resource):
        return "is a part of the resource only (SUBSETTED): what it leaves out may say otherwise"
    return None


def _parts(resource: Resource, kind: str) -> Iterator[tuple[str, Resource]]:
    """The resource, and those of its parts that have modifiers."""
    yield "", resource
    for name, part in _within(resource, kind):
        if "modifierExtension" in part:
            yield f"{name}.", part


def _within(resource: Resource, kind: str) -> Iterator[tuple[str, Resource]]:
    """Its parts; of what is read more than one level deep the parts of these, too."""
    for name, value in resource.items():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, dict):
                yield name, part
                if kind in _DEEP:
                    yield from ((f"{name}.{inner}", one) for inner, one in _within(part, kind))


def _is_subset(resource: Resource) -> bool:
    tags = elements.items(elements.mapping(resource.get("meta")).get("tag"))
    return any(tag.get("code") == SUBSETTED for tag in tags)
