"""FHIR R4 JSON to records: tolerant of dirty data, exact in numbers; one bad resource never spoils
the others."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import chain
from typing import Any, TypeVar

import msgspec

from mappings import codes
from mappings.reading import (
    administrations,
    authorizations,
    encounters,
    notes,
    oral_iron,
    orders,
    people,
)
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.groups import Group
from mappings.reading.conditions import diagnosis
from mappings.reading.coverages import CoverageReader
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounter_classes import ClassReader
from mappings.reading.fhir.decoding import NotJson, decode, lines, of_line
from mappings.reading.fhir.elements import Resource, source, stated
from mappings.reading.fhir.statuses import StatusReader
from mappings.reading.labs import results
from mappings.reading.sifting.sieve import Sieve
from mappings.record import Administration, PatientRecord, Problem
from mappings.site import Site

__all__ = ["Collection", "NotJson", "Reader", "decode", "lines", "of_line", "read"]

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
        collection.add(resource, "the Bundle" if _is_bundle(resource) else f"resource {number}")
    return Reader(site or Site()).records(collection)


def _is_bundle(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("resourceType") == "Bundle"


class Reader:
    """Reads records for one site; keep it for many patients, it remembers the medications it has
    seen."""

    def __init__(self, site: Site) -> None:
        self._codes = site.codes
        with codes.using(self._codes):
            self._finder = ProductFinder(site.drug_aliases)
        self._statuses = StatusReader(site.status_words)
        self._labs = results.LabReader(site.lab_aliases, self._statuses)
        self._sieve = Sieve(self._labs, self._finder)
        self._coverages = CoverageReader(site.payer_aliases, self._statuses)
        self._encounters = encounters.EncounterReader(
            self._statuses, ClassReader(site.encounter_classes)
        )

    def records(self, collection: Collection) -> tuple[list[PatientRecord], list[Problem]]:
        """The records of all patients of a collection, ordered by reference, and the collection's
        problems."""
        found = [self.record(group, collection) for group in collection.groups()]
        return found, sorted(collection.problems)

    def record(self, group: Group, collection: Collection) -> PatientRecord:
        """The record of one patient. Patients without an IV iron get one without the rest: nothing
        else is asked of them."""
        with codes.using(self._codes):
            return self._record(group, collection)

    def _record(self, group: Group, collection: Collection) -> PatientRecord:
        problems = group.problems
        given = self._administrations(group, collection, problems)
        if not given:
            return PatientRecord(patient=group.patient, unreadable=tuple(sorted(problems)))
        patient = collection.get(group.patient) or {}
        doses = encounters.OfDoses(given)
        sift = partial(self._sieve.sift, collection=collection, doses=doses)
        all_of = cache(partial(group.all, sift=sift))
        observations, reports = all_of("Observation"), all_of("DiagnosticReport")
        finder, statuses = self._finder, self._statuses
        panels = self._labs.membership(observations, reports, collection)

        def each(kind: str, reader: Callable[[Resource], T | None]) -> tuple[T, ...]:
            return tuple(_safely(all_of(kind), reader, problems))

        def every(kind: str, reader: Callable[[Resource], Iterator[T]]) -> tuple[T, ...]:
            found = _safely(all_of(kind), lambda resource: list(reader(resource)), problems)
            return tuple(chain.from_iterable(found))

        visits = doses.bearing(
            each("Encounter", lambda visit: self._encounters.encounter(visit, collection, doses))
        )
        places = encounters.locations(visits, collection)
        return PatientRecord(
            patient=group.patient,
            born=stated(patient.get("birthDate"), "Patient.birthDate"),
            died=stated(patient.get("deceasedDateTime"), "Patient.deceasedDateTime"),
            deceased=people.is_deceased(patient),
            test_patient=people.is_test(patient, statuses),
            sex=patient["gender"] if isinstance(patient.get("gender"), str) else None,
            demographics=people.demographics(patient),
            administrations=given,
            labs=(
                *every(
                    "Observation", lambda resource: self._labs.results(resource, collection, panels)
                ),
                *every(
                    "DiagnosticReport",
                    lambda resource: self._labs.results(resource, collection, panels),
                ),
            ),
            diagnoses=each("Condition", lambda resource: diagnosis(resource, collection, statuses)),
            coverages=each(
                "Coverage", lambda resource: self._coverages.coverage(resource, collection)
            ),
            encounters=visits,
            locations=tuple(
                _safely(
                    places, lambda resource: encounters.location(resource, collection), problems
                )
            ),
            orders=(
                *each(
                    "MedicationRequest",
                    lambda resource: orders.order(resource, collection, finder, statuses),
                ),
                *every(
                    "CarePlan",
                    lambda resource: orders.planned(resource, collection, finder, statuses),
                ),
            ),
            dispenses=each(
                "MedicationDispense",
                lambda resource: orders.dispense(resource, collection, finder, statuses),
            ),
            oral_iron=(
                *each("AllergyIntolerance", lambda resource: oral_iron.allergy(resource, statuses)),
                *each(
                    "MedicationDispense",
                    lambda resource: oral_iron.course(resource, collection, statuses),
                ),
                *each(
                    "MedicationRequest",
                    lambda resource: oral_iron.course(resource, collection, statuses),
                ),
                *each(
                    "MedicationStatement",
                    lambda resource: oral_iron.course(resource, collection, statuses),
                ),
            ),
            dialysis=every(
                "Procedure", lambda resource: encounters.dialysis_treatments([resource], statuses)
            ),
            authorizations=(
                *every(
                    "Claim",
                    lambda resource: authorizations.from_claim(resource, collection, statuses),
                ),
                *every(
                    "Coverage", lambda resource: authorizations.from_coverage(resource, statuses)
                ),
                *every(
                    "ClaimResponse",
                    lambda resource: authorizations.from_response(resource, collection, statuses),
                ),
            ),
            notes=each(
                "DocumentReference", lambda resource: notes.note(resource, collection, statuses)
            ),
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
        sift = partial(self._sieve.sift, collection=collection, doses=None)
        for resource in group.all("MedicationAdministration", sift):
            reference = source(resource).resource
            try:
                given = administrations.administration(
                    resource, collection, self._finder, self._statuses
                )
            except administrations.NotReadable as problem:
                problems.append(Problem(reference, str(problem)))
                continue
            except _UNFORESEEN as problem:
                problems.append(Problem(reference, f"could not be read ({type(problem).__name__})"))
                continue
            if given is None:
                continue
            if given.drug.unnamed:
                if administrations.is_ordered_as_iron(resource, collection, self._finder):
                    says = "names no drug, and its order is for an intravenous iron"
                    problems.append(Problem(reference, says))
                continue
            if given.drug.lost:
                problems.append(
                    Problem(reference, f"medicationReference {given.drug.lost} leads nowhere")
                )
            if given.drug.concerns_us or administrations.is_ordered_as_iron(
                resource, collection, self._finder
            ):
                found.append(given)
        return (*found, *self._deleted(group, collection))

    def _deleted(self, group: Group, collection: Collection) -> Iterator[Administration]:
        """Administrations that were deleted, as far as their last version can be read."""

        def read(resource: Resource) -> Administration | None:
            return administrations.administration(resource, collection, self._finder)

        for given in _safely(group.deleted, read, []):
            if given.drug.concerns_us:
                yield msgspec.structs.replace(given, deleted=True)


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
