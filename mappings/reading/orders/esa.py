"""Erythropoiesis-stimulating agents, given or ordered (R10).

Held by tests/scenarios/orders_notes.yaml.
"""

from mappings import codes
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.plain import plain_dose
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept, EsaDose
from mappings.values.moment import Moment

# Of one that was given, or is to be.
_TAKEN = frozenset({"completed", "active", "in-progress", "stopped"})


def esa_dose(resource: Resource) -> EsaDose | None:
    """An ESA given or ordered; NCD 110.10 covers iron beside it."""
    if elements.text(resource.get("status")) not in _TAKEN:
        return None
    name = esa(resource)
    if name is None:
        return None
    start = elements.mapping(resource.get("effectivePeriod")).get("start")
    when = _first(resource.get("effectiveDateTime"), start, resource.get("authoredOn"))
    return EsaDose(source=elements.source(resource), name=name, when=when)


def plain_esa_dose(held: Held) -> EsaDose | None:
    """`esa_dose` of one that names its drug by a concept alone; None of any other."""
    is_by_concept = held.about and held.head.medicationReference is None
    found = plain_dose(held) if is_by_concept else None
    name = _esa_of_text(held.about) if found and found.status in _TAKEN else None
    if not (found and name):
        return None
    start = found.effective_period.start if found.effective_period else None
    when = _first(found.effective_date_time, start, found.authored_on)
    return EsaDose(source=found.source(held), name=name, when=when)


def _first(*said: object) -> Moment | None:
    return next(filter(None, map(elements.moment, said)), None)


@codes.remembered
def _esa_of_text(about: bytes) -> str | None:
    return esa({"medicationCodeableConcept": decode_plain(about)})


def esa(resource: Resource) -> str | None:
    """The ESA that a medication is."""
    concept = elements.concept(resource.get("medicationCodeableConcept"))
    shown = elements.mapping(resource.get("medicationReference")).get("display")
    return _esa(concept, elements.text(shown))


@codes.remembered
def _esa(concept: Concept, shown: str) -> str | None:
    table = codes.beside_iron()
    coded = (coding.code for coding in concept.codings if coding.system == elements.HCPCS)
    found = [table.by_code.get(code or "") for code in coded]
    found += [table.named_in(text) for text in [*concept.words, shown] if text]
    return next((agent.name for agent in found if agent), None)
