"""The form of the elements that the rules read: a resource whose elements have another form is
unreadable."""

from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import BROKEN_TEXT, Damaged
from mappings.reading.fhir.elements import Resource

_OBJECT, _LIST, _TEXT = (dict,), (list, dict), (str,)
_FORMS: dict[str, dict[str, tuple[type, ...]]] = {
    "MedicationAdministration": {
        "medicationCodeableConcept": _OBJECT,
        "medicationReference": _OBJECT,
        "dosage": _LIST,
        "context": _OBJECT,
        "request": _OBJECT,
        "effectivePeriod": _OBJECT,
        "partOf": _LIST,
        "extension": _LIST,
        "note": _LIST,
        "identifier": _LIST,
    },
    "Observation": {
        "code": _OBJECT,
        "component": _LIST,
        "hasMember": _LIST,
    },
    # Statuses, categories and classes are read in any form, by `fhir.statuses`.
    "Condition": {"code": _OBJECT},
    "Coverage": {"type": _OBJECT, "period": _OBJECT, "payor": _LIST, "class": _LIST},
    "Encounter": {"period": _OBJECT, "location": _LIST, "diagnosis": _LIST},
    "Medication": {"code": _OBJECT, "ingredient": _LIST},
    "MedicationRequest": {"dosageInstruction": _LIST, "medicationCodeableConcept": _OBJECT},
}


def form_problem(resource: Resource, kind: str) -> str | None:
    """What of its form keeps a resource from being read; None where nothing does."""
    if isinstance(resource, Damaged):
        return BROKEN_TEXT
    modified = elements.items(resource.get("modifierExtension"))
    if modified:
        url = elements.text(modified[0].get("url"))
        return f'{kind}.modifierExtension is not understood, and may turn what is said: "{url}"'
    forms = _FORMS.get(kind)
    if forms is None:
        return None
    for element, form in forms.items():
        value = resource.get(element)
        if value is not None and not isinstance(value, form):
            return (
                f"{kind}.{element} has the wrong form: expected"
                f" {'an object' if form is _OBJECT else 'a list'}"
            )
    return None
