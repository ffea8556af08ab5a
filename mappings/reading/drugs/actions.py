"""What extensions of an administration say of it in a word or a concept, as the action of the
medication administration record: "Held".

Held by tests/scenarios/statuses.yaml.
"""

import re
from collections.abc import Iterator

from mappings.reading.drugs.texts import stated_concept
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept

# C-CDA's negation of an act, as converters write it.
_NEGATED = re.compile(r"[/:#]negationInd$", re.IGNORECASE)
_WORDED = ("valueString", "valueCode", "valueCodeableConcept")


def in_extensions(resource: Resource) -> Iterator[Concept]:
    """Each of them as a concept; a negation in plain words."""
    for extension in elements.items(resource.get("extension")):
        yield from (stated_concept(extension[name]) for name in _WORDED if extension.get(name))
        if extension.get("valueCoding"):
            yield elements.concept({"coding": [extension["valueCoding"]]})
        negates = _NEGATED.search(elements.text(extension.get("url")))
        if negates and extension.get("valueBoolean") is True:
            yield Concept(text="not given")
