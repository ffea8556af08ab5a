"""How a dose was given, beside its amount: route, method, what speaks of a mixture, and what says
that it was not given (R1, R3).

Held by tests/unit/test_reading_administrations.py.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from mappings import codes
from mappings.codes.conversions import ml
from mappings.reading.drugs.amounts import amount, written
from mappings.reading.drugs.mixtures import masses_alone, names_mixture
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.units import bare
from mappings.record import Amount, Concept, Drug, Giving, RouteSaid
from mappings.values import words
from mappings.values.stated import Unread

_NOT_GIVEN_SYSTEM = "http://terminology.hl7.org/CodeSystem/reason-medication-not-given"
# A vial's drug is pushed within so many minutes; what runs for longer is a mixture (R3).
_LONGEST_PUSH = 15
_OVER = re.compile(r"\bover\s+(\d+(?:\.\d+)?)\s*[- ]?\s*([a-z]+)", re.IGNORECASE)
_MOST_SAID = 80

# What stands in an element, and the element.
Said = tuple[str, str]


def giving(resource: Resource, dosages: list[Resource], dose: Amount, drug: Drug) -> Giving:
    """How the dose of an administration was given."""
    routes, unread = _routes(dosages)
    reasons = elements.concepts(resource.get("statusReason"))
    refused, unread_words = _refused(resource, dosages, reasons)
    in_ml = dose.unit in codes.units().ml_per
    return Giving(
        routes=routes,
        mixture=_mixture(resource, dosages, dose, drug) if in_ml else None,
        refused=refused,
        text_mg=_mass_of_text(dosages),
        unread=(*unread, *unread_words),
    )


def not_given(reasons: Iterable[Concept], dose: Amount) -> bool:
    """Whether a status reason says that the dose was not given; more of them do where no dose is
    recorded."""
    nothing = dose.problem == "missing" or dose.value == 0
    return any(_says_not_given(reason, nothing) for reason in reasons)


def _says_not_given(reason: Concept, nothing: bool) -> bool:
    table = codes.products().not_given
    snomed = {*table.snomed, *(table.snomed_without_dose if nothing else ())}
    if any(
        coding.system == _NOT_GIVEN_SYSTEM
        or (coding.system == elements.SNOMED and coding.code in snomed)
        for coding in reason.codings
    ):
        return True
    said = reason.statements
    if nothing:
        return any(
            words.first_of(text, (*table.phrases, *table.phrases_without_dose)) for text in said
        )
    return any(
        words.first_of(text, table.phrases) and not words.first_of(text, table.of_a_part)
        for text in said
    )


def _refused(
    resource: Resource, dosages: list[Resource], reasons: Iterable[Concept]
) -> tuple[str | None, list[Unread]]:
    """What says of a completed dose that it was not given, and what of it is not understood."""
    if resource.get("status") != "completed":
        return None, []
    for element in ("notGiven", "wasNotGiven"):
        denied = elements.flag(resource.get(element), element)
        if denied:
            return str(denied if isinstance(denied, Unread) else Unread(element, "not given")), []
    unread: list[Unread] = []
    methods = map(_concept, _stated(dosages, "method"))
    stated = [("statusReason", reason) for reason in reasons]
    stated += [("dosage.method", method) for method in methods]
    for element, concept in stated:
        quoted = _quoted(concept)
        if not quoted:
            continue
        if _says_not_given(concept, True) and not _of_a_part(concept):
            return f'"{quoted}" ({element})', []
        if element == "statusReason" or not _is_method(concept):
            unread.append(Unread(element, quoted))
    return None, unread


def _stated(dosages: list[Resource], element: str) -> list[object]:
    return [dosage[element] for dosage in dosages if dosage.get(element) is not None]


def _of_a_part(concept: Concept) -> bool:
    table = codes.products().not_given
    return any(words.first_of(text, table.of_a_part) for text in concept.words)


def _is_method(concept: Concept) -> bool:
    return any(codes.giving().methods.named_in(text) for text in concept.statements)


def _concept(value: object) -> Concept:
    """A CodeableConcept, or the text that some systems write in its place."""
    return Concept(text=value) if isinstance(value, str) else elements.concept(value)


def _quoted(concept: Concept) -> str:
    """What stands there: its words, else its codes."""
    said = concept.words or concept.statements
    return " / ".join(dict.fromkeys(said))[:_MOST_SAID]


def _routes(dosages: list[Resource]) -> tuple[tuple[RouteSaid, ...], list[Unread]]:
    found: list[RouteSaid] = []
    unread: list[Unread] = []
    for said in _stated(dosages, "route"):
        concept = _concept(said)
        read = _routes_of(concept)
        found += read
        if not read and _quoted(concept):
            unread.append(Unread("dosage.route", _quoted(concept)))
    return tuple(found), unread


@codes.remembered
def _routes_of(concept: Concept) -> tuple[RouteSaid, ...]:
    """Each coding and the text by what they name; a coding by its code, else by its display."""
    table = codes.giving()
    found: list[RouteSaid] = []
    for coding in concept.codings:
        named = table.routes_of(coding.system, coding.code) or table.routes_of("", coding.display)
        if named:
            found.append(RouteSaid(coding.display or concept.text or coding.code, named))
    named = table.routes_of("", concept.text)
    if named:
        found.append(RouteSaid(concept.text, named))
    return tuple(found)


def _mixture(resource: Resource, dosages: list[Resource], dose: Amount, drug: Drug) -> str | None:
    """What says that the volume is one of a mixture, quoted."""
    for dosage in dosages:
        for element, text in _of_dosage(dosage):
            if names_mixture(text, drug.family):
                return _shown(text, element)
        lasting = _lasting(dosage, dose, drug)
        if lasting:
            return lasting
    for note in elements.items(resource.get("note")):
        text = elements.text(note.get("text"))
        if names_mixture(text, None):
            return _shown(text, "note")
    return None


def _of_dosage(dosage: Resource) -> Iterator[Said]:
    yield "dosage.text", elements.text(dosage.get("text"))
    yield "dosage.dose", elements.text(elements.mapping(dosage.get("dose")).get("unit"))
    for element in ("route", "method", "site"):
        for text in _concept(dosage.get(element)).statements:
            yield f"dosage.{element}", text


def _shown(text: str, element: str) -> str:
    return f'"{text.strip()[:_MOST_SAID]}" ({element})'


def _lasting(dosage: Resource, dose: Amount, drug: Drug) -> str | None:
    """A rate, or words, by which the volume runs for longer than a push; one that is not read does
    not say that it is a push."""
    for number, unit in _OVER.findall(elements.text(dosage.get("text"))):
        each = codes.units().minutes_per.get(unit.lower())
        if each and Decimal(number) * each > _LONGEST_PUSH:
            return _shown(elements.text(dosage.get("text")), "dosage.text")
    rate = dosage.get("rateQuantity") or dosage.get("rateRatio") or dosage.get("rateSimpleQuantity")
    if not rate:
        return None
    minutes, says = _minutes(elements.mapping(rate), ml(dose), drug)
    if minutes is None:
        return f"{says}, a rate that is not read (dosage.rate)"
    return f"{says} (dosage.rate)" if minutes > _LONGEST_PUSH else None


def _minutes(rate: Resource, volume: Decimal | None, drug: Drug) -> tuple[Decimal | None, str]:
    """How long a volume runs at a rate, and the rate as it is written."""
    over, under = elements.mapping(rate.get("numerator")), elements.mapping(rate.get("denominator"))
    if over or under:
        says = f"{written(over)}/{written(under)}"
        per, time = amount(over), _time(under)
    else:
        says = written(rate)
        if _time(rate) is not None:
            return _time(rate), says
        per, time = _parts(rate)
    if volume is None or time is None:
        return None, says
    each = ml(per) or _ml_of_mass(per, drug)
    return (volume / each * time if each and each > 0 else None), says


def _parts(rate: Resource) -> tuple[Amount, Decimal | None]:
    """What flows, and in how many minutes: `200 mL/h`, `25 mL per 15 min`."""
    unit = bare(elements.text(rate.get("unit")) or elements.text(rate.get("code")))
    what, _, time = unit.partition("/") if "/" in unit else unit.partition(" per ")
    number, _, name = time.strip().rpartition(" ")
    each = codes.units().minutes_per.get(name.strip().lower())
    count = Decimal(number) if re.fullmatch(r"\d{1,4}(?:\.\d+)?", number) else Decimal(1)
    flow = amount({"value": rate.get("value"), "unit": what.strip()})
    return flow, each * count if each and (not number or count) else None


def _time(quantity: Resource) -> Decimal | None:
    """A time in minutes."""
    unit = bare(elements.text(quantity.get("unit")) or elements.text(quantity.get("code")))
    each = codes.units().minutes_per.get(unit.lower())
    value = elements.decimal(quantity.get("value"))
    return value * each if each and value is not None and value > 0 else None


def _ml_of_mass(per: Amount, drug: Drug) -> Decimal | None:
    """A mass in mL of the label's strength."""
    label = codes.families()[drug.family].strength_mg_per_ml if drug.family else None
    factor = codes.units().mg_per.get(per.unit or "")
    if label is None or factor is None or per.value is None:
        return None
    return per.value * factor / label


def _mass_of_text(dosages: list[Resource]) -> Decimal | None:
    """The one mass that the dosage's text names, where it can only be the dose."""
    if len(dosages) != 1:
        return None
    text = elements.text(dosages[0].get("text"))
    if not text or codes.giving().other_mass.named_in(text):
        return None
    if codes.products().beside_iron.named_in(text):
        return None
    found = set(masses_alone(text))
    return found.pop() if len(found) == 1 else None
