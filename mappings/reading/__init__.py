"""FHIR R4 JSON to records: tolerant of dirty data, exact in numbers; one bad resource never spoils
the others."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mappings.reading import (
    administrations,
    authorizations,
    encounters,
    notes,
    oral_iron,
    orders,
    people,
)
from mappings.reading.conditions import diagnosis
from mappings.reading.coverages import CoverageReader
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir.collection import Collection, Group
from mappings.reading.fhir.decoding import NotJson, decode, lines
from mappings.reading.fhir.elements import Resource, moment, source
from mappings.reading.labs import results
from mappings.record import Administration, Drug, PatientRecord, Problem
from mappings.site import Site

__all__ = ["Collection", "NotJson", "Reader", "decode", "lines", "read"]

T = TypeVar("T")

# What a reader may stumble over in a resource of a shape nobody foresaw.
_UNFORESEEN = (TypeError, ValueError, KeyError, AttributeError, ArithmeticError)


def read(
    resources: Iterable[Any], site: Site | None = None, bases: Iterable[str] = ()
) -> tuple[list[PatientRecord], list[Problem]]:
    """Records of all patients among the resources, and what could not be tied to one. Bundles are
    opened."""
    collection = Collection(bases)
    for number, resource in enumerate(resources, 1):
        collection.add(resource, "Bundle" if _is_bundle(resource) else f"resource {number}")
    return Reader(site or Site()).records(collection)


def _is_bundle(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Bundle"


class Reader:
    """Reads records for one site; keep it for many patients, it remembers the medications it has
    seen."""

    def __init__(self, site: Site) -> None:
        self._finder = ProductFinder(site.drug_aliases)
        self._labs = results.LabReader(site.lab_aliases)
        self._coverages = CoverageReader(site.payer_aliases)

    def records(self, collection: Collection) -> tuple[list[PatientRecord], list[Problem]]:
        """The records of all patients of a collection, ordered by reference, and the collection's
        problems."""
        found = [self.record(group, collection) for group in collection.groups()]
        return found, sorted(collection.problems)

    def record(self, group: Group, collection: Collection) -> PatientRecord:
        """The record of one patient. Patients without an IV iron get one without the rest: nothing
        else is asked of them."""
        problems = group.problems
        given = self._administrations(group, collection, problems)
        if not given:
            return PatientRecord(patient=group.patient, unreadable=tuple(sorted(problems)))
        patient = collection.get(group.patient) or {}
        observations = group.all("Observation")
        panels = results.membership(observations, group.all("DiagnosticReport"), collection)
        finder = self._finder

        def each(kind: str, reader: Callable[[Resource], T | None]) -> tuple[T, ...]:
            return tuple(_safely(group.all(kind), reader, problems))

        def every(kind: str, reader: Callable[[Resource], Iterator[T]]) -> tuple[T, ...]:
            return tuple(
                row
                for rows in _safely(
                    group.all(kind), lambda resource: list(reader(resource)), problems
                )
                for row in rows
            )

        visits = each("Encounter", lambda row: encounters.encounter(row, collection))
        visited = sorted({stay.location for visit in visits for stay in visit.stays})
        places = [
            row for row in map(collection.get, visited) if row and row["resourceType"] == "Location"
        ]
        return PatientRecord(
            patient=group.patient,
            born=moment(patient.get("birthDate")),
            sex=patient["gender"] if isinstance(patient.get("gender"), str) else None,
            demographics=people.demographics(patient),
            administrations=given,
            labs=(
                *every("Observation", lambda row: self._labs.results(row, collection, panels)),
                *every("DiagnosticReport", lambda row: self._labs.results(row, collection, panels)),
            ),
            diagnoses=each("Condition", lambda row: diagnosis(row, collection)),
            coverages=each("Coverage", lambda row: self._coverages.coverage(row, collection)),
            encounters=visits,
            locations=tuple(
                _safely(places, lambda row: encounters.location(row, collection), problems)
            ),
            orders=(
                *each("MedicationRequest", lambda row: orders.order(row, collection, finder)),
                *every("CarePlan", lambda row: orders.planned(row, collection, finder)),
            ),
            dispenses=each(
                "MedicationDispense", lambda row: orders.dispense(row, collection, finder)
            ),
            oral_iron=(
                *each("AllergyIntolerance", oral_iron.allergy),
                *each("MedicationDispense", lambda row: oral_iron.course(row, collection)),
                *each("MedicationRequest", lambda row: oral_iron.course(row, collection)),
                *each("MedicationStatement", lambda row: oral_iron.course(row, collection)),
            ),
            dialysis=every("Procedure", lambda row: encounters.dialysis_treatments([row])),
            authorizations=(
                *every("Claim", lambda row: authorizations.from_claim(row, collection)),
                *every("Coverage", authorizations.from_coverage),
                *every("ClaimResponse", lambda row: authorizations.from_response(row, collection)),
            ),
            notes=each("DocumentReference", lambda row: notes.note(row, collection)),
            esa=(
                *each("MedicationAdministration", orders.esa_dose),
                *each("MedicationRequest", orders.esa_dose),
            ),
            unreadable=tuple(sorted(problems)),
        )

    def _administrations(
        self, group: Group, collection: Collection, problems: list[Problem]
    ) -> tuple[Administration, ...]:
        found: list[Administration] = []
        for resource in group.all("MedicationAdministration"):
            reference = source(resource).resource
            try:
                given = administrations.administration(resource, collection, self._finder)
            except administrations.NotReadable as problem:
                problems.append(Problem(reference, str(problem)))
                continue
            except _UNFORESEEN as problem:
                problems.append(Problem(reference, f"could not be read ({type(problem).__name__})"))
                continue
            if given is None:
                continue
            if given.drug.lost:
                problems.append(
                    Problem(reference, f"medicationReference {given.drug.lost} leads nowhere")
                )
            if given.drug.concerns_us or self._ordered_as_iron(given.drug, resource, collection):
                found.append(given)
        return tuple(found)

    def _ordered_as_iron(self, given: Drug, resource: Resource, collection: Collection) -> bool:
        """A lost medication whose order is for an IV iron."""
        request = collection.resolve(resource.get("request"), resource)
        return bool(given.lost and request and drug(request, collection, self._finder).concerns_us)


def _safely(
    resources: list[Resource], reader: Callable[[Resource], T | None], problems: list[Problem]
) -> Iterator[T]:
    """Read each; a resource of a shape nobody foresaw is named, and the others go on."""
    for resource in resources:
        try:
            found = reader(resource)
        except _UNFORESEEN as problem:
            problems.append(
                Problem(source(resource).resource, f"could not be read ({type(problem).__name__})")
            )
            continue
        if found is not None:
            yield found
