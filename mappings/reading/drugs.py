"""A medication of FHIR as a Drug: concept or reference, contained or not, with its ingredients' strength (R2, R3)."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from mappings.products import Evidence, Findings, ProductFinder, agreed
from mappings.reading import fhir
from mappings.reading.amounts import amount, mg
from mappings.reading.collection import Collection
from mappings.reading.fhir import Resource
from mappings.record import Amount, Concept, Drug


class _Ingredient(Struct, frozen=True):
    findings: tuple[Findings, ...]
    strength: Resource


def drug(resource: Resource, collection: Collection, finder: ProductFinder, extra: Iterable[Concept] = ()) -> Drug:
    """The Drug of a resource with a medication[x] (or an R5 CodeableReference `medication`)."""
    holder = fhir.mapping(resource.get("medication"))
    concept = fhir.concept(fhir.either(resource, "medicationCodeableConcept") or holder.get("concept"))
    reference = fhir.mapping(fhir.either(resource, "medicationReference") or holder.get("reference"))
    findings = [finder.find(concept), *(finder.find(row) for row in extra)]
    if not reference:
        return _drug(findings, (), {}, None, concept)
    medication = collection.resolve(reference, resource)
    shown = Concept(text=fhir.text(reference.get("display")))
    findings.append(finder.find(shown))
    if medication is None:
        return _drug(findings, (), {}, collection.key(reference, resource) or "a reference without target", shown)
    code = fhir.concept(medication.get("code"))
    ingredients = tuple(_ingredients(medication, collection, finder))
    findings += [finder.find(code), *(row for item in ingredients for row in item.findings)]
    return _drug(findings, ingredients, medication, None, code if code != Concept() else shown)


def _ingredients(medication: Resource, collection: Collection, finder: ProductFinder) -> Iterable[_Ingredient]:
    for item in fhir.items(medication.get("ingredient")):
        if item.get("isActive") is False:
            continue
        concepts = [fhir.concept(item.get("itemCodeableConcept"))]
        reference = fhir.mapping(item.get("itemReference"))
        if reference:
            target = collection.resolve(reference, medication) or {}
            concepts += [fhir.concept(target.get("code")), Concept(text=fhir.text(reference.get("display")))]
        yield _Ingredient(tuple(map(finder.find, concepts)), fhir.mapping(item.get("strength")))


def _drug(
    findings: list[Findings],
    ingredients: tuple[_Ingredient, ...],
    medication: Resource,
    lost: str | None,
    concept: Concept,
) -> Drug:
    evidence: list[Evidence] = [row for found in findings for row in found.evidence]
    family, use, clash = agreed(evidence)
    if family is None and clash is None:
        return Drug(lost=lost)
    ndcs = tuple(dict.fromkeys(ndc for found in findings for ndc in found.ndcs))
    bag_mg, bag_ml = _bag(family, ingredients, medication)
    diluted = len(ingredients) > 1 or any(found.diluted for found in findings)
    strength = bag_mg / bag_ml if bag_mg and bag_ml else None
    says = concept.text or next((coding.display or coding.code for coding in concept.codings), "")
    return Drug(family, use, clash, ndcs, strength, bag_mg, bag_ml, diluted, lost, says)


def _bag(family: str | None, ingredients: tuple[_Ingredient, ...], medication: Resource) -> tuple[Decimal | None, Decimal | None]:
    """mg of iron, and in how many mL, by the strength of the iron ingredient."""
    ours = [item for item in ingredients if any(row.family == family for found in item.findings for row in found.evidence)]
    chosen = ours or list(ingredients if len(ingredients) == 1 else ())
    if len(chosen) != 1:
        return None, None
    strength = chosen[0].strength
    mass = _positive(mg(amount(strength.get("numerator")), None))
    denominator = amount(strength.get("denominator"))
    volume = _positive(_ml(denominator))
    if volume is None and mass is not None:
        volume = _positive(_ml(amount(fhir.mapping(medication.get("amount")).get("numerator"))))
    return mass, volume


def _ml(volume: Amount) -> Decimal | None:
    return mg(Amount(volume.value, volume.unit), Decimal(1)) if volume.unit in ("mL", "L") else None


def _positive(number: Decimal | None) -> Decimal | None:
    return number if number is not None and number > 0 else None
