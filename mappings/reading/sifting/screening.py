"""Which administrations are provably none of an intravenous iron, by the same reading as the
record's: for whoever has far more charts than are of interest.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Literal, NamedTuple

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.medication import drug, named_beside
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.forms import form_problem
from mappings.reading.fhir.twofold import Twofold
from mappings.site import Site
from mappings.values.remembered import Bounded

_NOTHING = Collection()
# What `drug` reads of an administration; its texts are evidence only where nothing names a drug.
NAMING = ("medicationCodeableConcept", "medicationReference", "medication", "contained")


class Aim(NamedTuple):
    """The Medication that an administration refers to: the reference as it stands, and none of what
    stands beside it speaks of an iron."""

    reference: str


Verdict = Literal["ours", "none"] | Aim


class Screen:
    """Screens for one site."""

    def __init__(self, site: Site) -> None:
        self._codes = site.codes
        with codes.using(self._codes):
            self._finder = ProductFinder(site.drug_aliases)
        self._kept: Bounded[tuple[bytes, ...], Verdict | None] = Bounded()

    def administration(self, resource: Resource) -> Verdict:
        """`none`: whatever else is on record, it concerns nobody; `ours`: it may."""
        naming = {name: resource[name] for name in NAMING if name in resource}
        verdict = self.by_naming(naming)
        return self._unnamed(resource) if verdict is None else verdict

    def kept(self, words: tuple[bytes, ...], naming: Callable[[], Resource]) -> Verdict | None:
        """`by_naming`, asked once for the same words: an EHR repeats the same few medications."""
        if words not in self._kept:
            self._kept.keep(words, self.by_naming(naming()))
        return self._kept[words]

    def by_naming(self, naming: Resource) -> Verdict | None:
        """By the elements of NAMING alone; None where they name no drug at all."""
        try:
            return self._by_naming(naming)
        except (TypeError, ValueError, KeyError, AttributeError):
            return "ours"  # of a shape nobody foresaw: the record's reader names it

    def _by_naming(self, naming: Resource) -> Verdict | None:
        if form_problem(naming, "MedicationAdministration"):
            return "ours"
        with codes.using(self._codes):
            found = drug(naming, _NOTHING, self._finder)
        if found.concerns_us:
            return "ours"
        if found.lost:
            return self._aim(naming)
        if found.unnamed:
            return None
        return "ours" if _leads_on(elements.items(naming.get("contained"))) else "none"

    @staticmethod
    def _aim(naming: Resource) -> Verdict:
        _, reference = elements.concept_or_reference(naming, "medication")
        target = elements.text(reference.get("reference"))
        return "ours" if target.startswith("#") else Aim(target)

    def _unnamed(self, resource: Resource) -> Verdict:
        """Of one that names no drug: by its texts; its order may be for an iron."""
        if resource.get("request"):
            return "ours"
        dosages = elements.items(resource.get("dosage"))
        texts = [("dosage.text", elements.text(dosage.get("text"))) for dosage in dosages]
        with codes.using(self._codes):
            found = drug(resource, _NOTHING, self._finder, texts)
            is_ours = found.concerns_us or named_beside(resource, self._finder)
        return "ours" if is_ours else "none"

    def is_none(self, medication: Resource) -> bool:
        """Whether a Medication names a drug, and none of ours, without looking elsewhere."""
        is_odd = form_problem(medication, "Medication") or isinstance(medication, Twofold)
        if is_odd or _leads_on([medication]):
            return False
        naming = {
            "medicationReference": {"reference": "#it"},
            "contained": [
                {**medication, "id": "it"},
                *elements.items(medication.get("contained")),
            ],
        }
        return self.by_naming(naming) == "none"


def _leads_on(medications: Iterable[Resource]) -> bool:
    """Whether an ingredient is told by a resource of its own."""
    ingredients = (elements.items(medication.get("ingredient")) for medication in medications)
    found = chain.from_iterable(ingredients)
    return any(elements.concept_or_reference(item, "item")[1] for item in found)
