"""FHIR R4 JSON to records: tolerant of dirty data, exact in numbers; one bad resource never spoils
the others."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeVar

from msgspec.structs import replace

from mappings import codes
from mappings.reading import (
    administrations,
    authorizations,
    encounters,
    notes,
    oral_iron,
    people,
)
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.copies import opened
from mappings.reading.bundles.groups import Group, Kept
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.inside import inside
from mappings.reading.conditions import PlainDiagnoses, diagnosis
from mappings.reading.coverages import CoverageReader, eligibility
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.encounter_classes import ClassReader
from mappings.reading.fhir.decoding import NotJson, TooDeep, decode, lines, of_line
from mappings.reading.fhir.elements import Resource, source, stated
from mappings.reading.fhir.statuses import StatusReader
from mappings.reading.kidney import dialysis
from mappings.reading.labs import results
from mappings.reading.orders import esa, plans, requests
from mappings.reading.orders.dispenses import dispense
from mappings.reading.sifting.sieve import Purpose, Sieve
from mappings.record import Administration, EsaDose, PatientRecord, Problem
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


def _read_by(site: Site) -> tuple[object, ...]:
    """All that a `Reader` asks a site."""
    return (
        site.codes,
        site.status_words,
        site.drug_aliases,
        site.lab_aliases,
        site.payer_aliases,
        site.encounter_classes,
        site.decisions.misread_notes,
    )


class Reader:
    """Reads records for one site; keep it for many patients, it remembers the medications it has
    seen."""

    def __init__(self, site: Site) -> None:
        self._read_by = _read_by(site)
        self._codes = site.codes
        self._statuses = StatusReader(site.status_words)
        self._misread = site.decisions.misread_notes
        with codes.using(self._codes):
            self._finder = ProductFinder(site.drug_aliases, self._statuses)
        self._labs = results.LabReader(site.lab_aliases, self._statuses)
        self._diagnoses = PlainDiagnoses(self._statuses)
        self._sieve = Sieve(self._labs, self._finder)
        self._coverages = CoverageReader(site.payer_aliases, self._statuses)
        self._encounters = encounters.EncounterReader(
            self._statuses, ClassReader(site.encounter_classes)
        )

    def reads_as(self, site: Site) -> bool:
        """Whether it would read nothing otherwise for SITE."""
        return self._read_by == _read_by(site)

    def records(self, collection: Collection) -> tuple[list[PatientRecord], list[Problem]]:
        """The records of all patients of a collection, ordered by reference, and the collection's
        problems."""
        found = [self.record(group, collection) for group in collection.groups()]
        return found, sorted(collection.problems)

    def record(self, group: Group, collection: Collection) -> PatientRecord:
        """The record of one patient. Patients without an IV iron get one without the rest: nothing
        else is asked of them."""
        with codes.using(self._codes):
            try:
                return self._record(group, collection)
            except RecursionError:
                unread = Problem(group.patient, f"a record of this patient is {TooDeep()}")
                return PatientRecord(
                    patient=group.patient, unreadable=(*sorted(group.problems), unread)
                )

    def _record(self, group: Group, collection: Collection) -> PatientRecord:
        problems, statuses = group.problems, self._statuses
        chart = _Chart(group, collection, self._sieve)
        each, every = chart.each, chart.every
        given = self._given(chart, collection)
        if not given:
            return PatientRecord(patient=group.patient, unreadable=tuple(sorted(problems)))
        holders = chart.all("Observation", "panel") + chart.all("DiagnosticReport")
        panels = self._labs.membership(map(opened, holders), collection)
        doses = encounters.OfDoses(given)
        chart.narrow("Encounter", doses.visits)
        around = chart.holding("MedicationAdministration")
        of_doses, ordered = (
            list(inside(around, kind)) for kind in ("Encounter", "MedicationRequest")
        )
        visit = self._encounters.encounter
        visits = doses.bearing(
            chain(
                each("Encounter", visit, collection, doses),
                _safely(of_doses, visit, (collection, doses), problems),
            )
        )
        places = encounters.locations(visits, collection)
        by_words = (collection, statuses)
        tables = (collection, self._finder, statuses)
        patient = collection.get(group.patient) or {}
        return PatientRecord(
            patient=group.patient,
            born=stated(patient.get("birthDate"), "Patient.birthDate"),
            died=people.died(patient, group.patient, problems),
            deceased=people.is_deceased(patient),
            test_patient=people.is_test(patient, statuses),
            sex=patient["gender"] if isinstance(patient.get("gender"), str) else None,
            demographics=people.demographics(patient),
            administrations=given,
            labs=(
                *every(
                    "Observation", self._labs.results, collection, panels, plain=self._labs.plain
                ),
                *every("DiagnosticReport", self._labs.results, collection, panels),
            ),
            diagnoses=(
                *each("Condition", diagnosis, collection, statuses, plain=self._diagnoses.plain),
                *dialysis.visits_in_words(visits),
                *each("Procedure", dialysis.treatment_in_words, statuses),
            ),
            coverages=tuple(each("Coverage", self._coverages.coverage, collection)),
            eligibility=tuple(
                every("CoverageEligibilityResponse", eligibility, collection, statuses)
            ),
            encounters=visits,
            locations=tuple(_safely(places, encounters.location, (collection,), problems)),
            orders=(
                *each("MedicationRequest", requests.order, *tables, purpose="iron"),
                *_safely(ordered, requests.order, tables, problems),
                *every("CarePlan", plans.planned, *tables),
            ),
            dispenses=tuple(each("MedicationDispense", dispense, *tables, purpose="iron")),
            oral_iron=(
                *each("AllergyIntolerance", oral_iron.allergy, statuses),
                *each("MedicationDispense", oral_iron.course, *by_words, purpose="oral iron"),
                *each("MedicationRequest", oral_iron.course, *by_words, purpose="oral iron"),
                *each("MedicationStatement", oral_iron.course, *by_words, purpose="oral iron"),
            ),
            dialysis=tuple(each("Procedure", dialysis.dialysis_treatment, statuses)),
            authorizations=(
                *every("Claim", authorizations.from_claim, collection, statuses),
                *every("Coverage", authorizations.from_coverage, statuses),
                *every("ClaimResponse", authorizations.from_response, collection, statuses),
            ),
            notes=tuple(each("DocumentReference", notes.note, collection, statuses)),
            esa=(*_esa("MedicationAdministration", chart), *_esa("MedicationRequest", chart)),
            unreadable=tuple(sorted(problems)),
        )

    def _given(self, chart: "_Chart", collection: Collection) -> tuple[Administration, ...]:
        """Also those that were deleted, as far as their last version can be read."""
        read = administrations.administration
        misread = self._misread.get(chart.group.patient, {})
        tables = (collection, self._finder, self._statuses, misread)
        found = chart.each("MedicationAdministration", read, *tables, purpose="iron")
        for given in found:
            if given.drug.lost:
                says = f"medicationReference {given.drug.lost} leads nowhere"
                chart.group.problems.append(Problem(given.source.resource, says))
        deleted = {
            given.source.resource: replace(given, deleted=True)
            for given in _safely(chart.group.deleted, read, tables, [])
            if given.drug.concerns_us
        }
        return (*found, *deleted.values())


class _Chart:
    """What readers ask of one patient's resources."""

    def __init__(self, group: Group, collection: Collection, sieve: Sieve) -> None:
        self.group, self._collection, self._sieve = group, collection, sieve
        self._kept = dict(group.by_type)
        self._found: dict[str, dict[Purpose, Kept]] = {}

    def narrow(self, kind: str, to: Callable[[Kept, Collection], Kept]) -> None:
        """From now on only some of a type are asked for."""
        self._kept[kind] = to(self._kept.get(kind, []), self._collection)

    def all(self, kind: str, purpose: Purpose = "") -> Kept:
        """Those in which a reader may find anything, in the order of their ids."""
        kept = self._kept.get(kind)
        if not kept:
            return []
        if kind not in self._found:
            sifted = self._sieve.sift(kind, kept, self._collection)
            self._found[kind] = {each: sorted(those, key=_name) for each, those in sifted.items()}
        return self._found[kind].get(purpose, [])

    def holding(self, kind: str) -> list[Resource]:
        """Those of a type that hold others inside."""
        every = map(opened, self.all(kind, "iron"))
        return [resource for resource in every if resource.get("contained")]

    def each(
        self,
        kind: str,
        reader: Callable[..., T | None],
        *beside: Any,
        purpose: Purpose = "",
        plain: Callable[..., T | None] | None = None,
    ) -> list[T]:
        """What READER makes of each; of unopened ones PLAIN first, as far as it can read them."""
        return _safely(self.all(kind, purpose), reader, beside, self.group.problems, plain)

    def every(
        self,
        kind: str,
        reader: Callable[..., Iterator[T]],
        *beside: Any,
        plain: Callable[..., list[T] | None] | None = None,
    ) -> Iterator[T]:
        """All that READER makes of each."""

        def read(resource: Resource, *beside: Any) -> list[T]:
            return list(reader(resource, *beside))

        return chain.from_iterable(self.each(kind, read, *beside, plain=plain))


def _esa(kind: str, chart: _Chart) -> list[EsaDose]:
    return chart.each(kind, esa.esa_dose, purpose="esa", plain=esa.plain_esa_dose)


def _name(one: Resource | Held) -> str:
    return one.key if isinstance(one, Held) else source(one).resource


def _safely(
    kept: Iterable[Resource | Held],
    reader: Callable[..., T | None],
    beside: tuple[Any, ...],
    problems: list[Problem],
    plain: Callable[..., T | None] | None = None,
) -> list[T]:
    """Read each; a resource that can't be read, or of a shape nobody foresaw, is named, and the
    others go on."""
    read: list[T] = []
    for one in kept:
        try:
            found = plain(one, *beside) if plain and isinstance(one, Held) else None
            if found is None:
                found = reader(opened(one), *beside)
        except administrations.NotReadable as problem:
            problems.append(Problem(_name(one), str(problem)))
            continue
        except RecursionError:
            problems.append(Problem(_name(one), str(TooDeep())))
            continue
        except _UNFORESEEN as problem:
            problems.append(Problem(_name(one), f"could not be read ({type(problem).__name__})"))
            continue
        if found is not None:
            read.append(found)
    return read
