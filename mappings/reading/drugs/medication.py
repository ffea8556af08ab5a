"""A medication of FHIR as a Drug: concept or reference, contained or not, with its ingredients'
strength (R2, R3).

Held by tests/unit/test_reading_administrations.py.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain

from msgspec import Struct, structs

from mappings import codes
from mappings.codes.conversions import mg, ml
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.products import Findings, ProductFinder, agreed, normal_ndc
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import StatusReader
from mappings.record import Coding, Concept, Drug
from mappings.values.stated import Unread

# An element, and what stands in it.
Said = tuple[str, str]


class _Ingredient(Struct, frozen=True):
    findings: tuple[Findings, ...]
    strength: Resource

    def speaks_of(self, family: str | None) -> bool:
        evidence = chain.from_iterable(found.evidence for found in self.findings)
        return any(item.family == family for item in evidence)


_PACKAGE = "Medication.identifier"
# Elements that name no drug: whose it is, when, and by whom.
_NO_NAMING = frozenset({"resourceType", "id", "meta", "subject", "performer", "partOf", "status"})


def drug(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    texts: Iterable[Said] = (),
) -> Drug:
    """The Drug of a resource with a medication[x] (or an R5 CodeableReference `medication`).
    `texts`: what else is said of it, by element: evidence only where nothing names a drug."""
    named, reference = elements.concept_or_reference(resource, "medication")
    concept = elements.concept(named)
    if not reference:
        return _by_concept(concept, texts, finder)
    medication = collection.resolve(reference, resource)
    shown = Concept(text=elements.text(reference.get("display")))
    aims = bool(elements.text(reference.get("reference")))
    weak = [*_names_in(concept, "medication"), *texts]
    if medication is None and not aims:
        found = [finder.find(concept)]
        weak = [("medicationReference.display", shown.text), *weak]
        return _weakly(_drug(found, (), {}, None, concept), found, weak, finder)
    if medication is None:
        findings = [finder.find(concept), finder.find(shown)]
        return _drug(
            findings, (), {}, collection.key(reference) or "a reference without target", shown
        )
    # What a contained Medication refers to is contained beside it, not in it.
    around = resource if elements.text(reference.get("reference")).startswith("#") else medication
    code = elements.concept(medication.get("code"))
    ingredients = tuple(_ingredients(medication, around, collection, finder))
    packages = Concept(tuple(_packages([medication.get("identifier"), medication.get("batch")])))
    findings = [finder.find(said) for said in (concept, shown, code, packages)]
    findings += chain.from_iterable(item.findings for item in ingredients)
    weak = [*_identifiers(medication), *_names_in(code, "Medication.code"), *weak]
    known = _drug(findings, ingredients, medication, None, code if code != Concept() else shown)
    return structs.replace(
        _weakly(known, findings, weak, finder), doubt=_doubt(medication, finder.statuses)
    )


def named_beside(resource: Resource, finder: ProductFinder) -> str | None:
    """The element of a resource, beside those of its drug, that names an IV iron: no evidence of
    what was given, and not nothing where nothing else names it."""
    for element, value in resource.items():
        if element not in _NO_NAMING and any(_names_iron(text, finder) for text in _texts(value)):
            return element
    return None


def _texts(value: object) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _names_iron(text: str, finder: ProductFinder) -> bool:
    ndc = normal_ndc(text)
    packaged = ndc is not None and ndc in codes.packages()
    return packaged or any(item.family for item in finder.find(Concept(text=text)).evidence)


def _by_concept(concept: Concept, texts: Iterable[Said], finder: ProductFinder) -> Drug:
    """What names nothing else; an EHR repeats the same few thousand."""
    known = finder.drugs.get(concept)
    if known is None:
        found = [finder.find(concept)]
        names = _names_in(concept, "medication")
        known = _weakly(_drug(found, (), {}, None, concept), found, names, finder)
        finder.drugs.keep(concept, known)
    return _weakly_by(texts, known, finder) if known.unnamed else known


def _doubt(medication: Resource, statuses: StatusReader) -> Unread | None:
    """An inactive Medication is one that is stocked no more: it was given all the same."""
    status = statuses.read("Medication.status", medication.get("status"))
    if status == "entered-in-error":
        return Unread("Medication.status", status)
    return status if isinstance(status, Unread) else None


def _weakly(
    known: Drug, findings: Iterable[Findings], weak: Iterable[Said], finder: ProductFinder
) -> Drug:
    """The drug; where nothing in its place names one, by what else does."""
    if known.concerns_us or any(found.evidence or found.names_a_drug for found in findings):
        return known
    return _weakly_by(weak, structs.replace(known, unnamed=True), finder)


def _weakly_by(weak: Iterable[Said], unnamed: Drug, finder: ProductFinder) -> Drug:
    for element, text in weak:
        named = _drug([finder.find(Concept(text=text))], (), {}, None, Concept(text=text))
        if text and named.concerns_us:
            return structs.replace(named, weakly=element)
    return unnamed


def _names_in(concept: Concept, element: str) -> Iterator[Said]:
    """Codes that are names."""
    return ((f"{element}.coding.code", coding.code) for coding in concept.codings if coding.code)


def _identifiers(medication: Resource) -> Iterator[Said]:
    for item in elements.items(medication.get("identifier")):
        kind = elements.concept(item.get("type"))
        for text in (elements.text(item.get("value")), kind.text):
            yield _PACKAGE, text


def _packages(element: object) -> Iterator[Coding]:
    """NDCs of a Medication's identifiers and batch, however deep: R4 has no element for them, and
    vendors use several."""
    if isinstance(element, list):
        for item in element:
            yield from _packages(item)
    elif isinstance(element, dict):
        if elements.system(element.get("system")) == elements.NDC:
            yield Coding(
                elements.NDC,
                (elements.text(element.get("code")) or elements.text(element.get("value"))).strip(),
            )
        yield from _packages(
            [value for value in element.values() if isinstance(value, dict | list)]
        )


def _ingredients(
    medication: Resource, holder: Resource | None, collection: Collection, finder: ProductFinder
) -> Iterable[_Ingredient]:
    for item in elements.items(medication.get("ingredient")):
        if item.get("isActive") is False:
            continue
        concept, reference = elements.concept_or_reference(item, "item")
        concepts = [elements.concept(concept)]
        if reference:
            target = collection.resolve(reference, holder) or {}
            concepts += [
                elements.concept(target.get("code")),
                Concept(text=elements.text(reference.get("display"))),
            ]
        yield _Ingredient(tuple(map(finder.find, concepts)), _ratio(item))


def _ratio(item: Resource) -> Resource:
    """The strength of an ingredient; R5 writes a Quantity where it is that of the whole."""
    ratio = elements.mapping(elements.either(item, "strength", "strengthRatio"))
    whole = elements.mapping(item.get("strengthQuantity"))
    return {"numerator": whole} if whole and not ratio else ratio


def _drug(
    findings: list[Findings],
    ingredients: tuple[_Ingredient, ...],
    medication: Resource,
    lost: str | None,
    concept: Concept,
) -> Drug:
    family, use, clash = agreed(chain.from_iterable(found.evidence for found in findings))
    if family is None and clash is None:
        return Drug(lost=lost)
    diluted = any(found.diluted for found in findings)
    strength, bag_mg, readable = _strength(family, diluted, ingredients, medication)
    return Drug(
        family=family,
        use=use,
        clash=clash,
        ndcs=tuple(dict.fromkeys(chain.from_iterable(found.ndcs for found in findings))),
        unread_ndcs=tuple(chain.from_iterable(found.unread_ndcs for found in findings)),
        unsaid_ndcs=tuple(chain.from_iterable(found.unsaid_ndcs for found in findings)),
        strength=strength,
        bag_mg=bag_mg,
        diluted=diluted or len(ingredients) > 1 or not readable,
        lost=lost,
        says=concept.text
        or next((coding.display or coding.code for coding in concept.codings), ""),
    )


def _strength(
    family: str | None, diluted: bool, ingredients: tuple[_Ingredient, ...], medication: Resource
) -> tuple[tuple[Decimal, Decimal] | None, Decimal | None, bool]:
    """The strength of the iron ingredient, the mg of a whole bag, and whether what is said of it
    could be read."""
    ours = [item for item in ingredients if item.speaks_of(family)]
    chosen = ours or list(ingredients if len(ingredients) == 1 else ())
    if len(chosen) != 1 or not chosen[0].strength:
        return None, None, True
    mass = _positive(mg(amount(chosen[0].strength.get("numerator"))))
    per = amount(chosen[0].strength.get("denominator"))
    volume = _positive(ml(per))
    held = elements.mapping(medication.get("amount")).get("numerator")
    whole = _positive(ml(amount(held or medication.get("totalVolume"))))
    if mass is None or not (volume or whole):
        # "100 mg a vial" leaves the volume to the label; any other denominator that can't be read
        # leaves it open.
        return None, None, mass is not None and (per.unit == "vial" or per.problem == "missing")
    volume = volume or whole or Decimal(1)
    label = codes.families()[family].strength_mg_per_ml if family else None
    most = label * volume if label else None
    if most is not None and (mass > most or (diluted and mass == most)):
        # Nothing is stronger than its vial, and nothing as strong in a bag: this is not the
        # strength of what was given.
        return None, None, False
    weaker = diluted or label is None or mass < label * volume
    return (
        (mass, volume),
        (mass * (whole or volume) / volume if weaker and (whole or volume != 1) else None),
        True,
    )


def _positive(number: Decimal | None) -> Decimal | None:
    return number if number is not None and number > 0 else None
