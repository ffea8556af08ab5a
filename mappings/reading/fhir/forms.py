"""The form of the elements that the rules read: a resource whose elements have another form is
unreadable.

Held by tests/unit/test_reading_people.py.
"""

from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import BROKEN_TEXT, Damaged
from mappings.reading.fhir.elements import Resource

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
    modified = elements.items(resource.get("modifierExtension"))
    if modified:
        url = elements.text(modified[0].get("url"))
        return f'{kind}.modifierExtension is not understood, and may turn what is said: "{url}"'
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
