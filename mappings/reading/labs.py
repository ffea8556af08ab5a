"""Observations as usable laboratory results in canonical units (R10 labs, R12): panels, components and local codes included."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from mappings import codes, words
from mappings.codes.tables import Analyte
from mappings.moment import Moment
from mappings.reading import fhir, lab_values
from mappings.reading.collection import Collection
from mappings.reading.fhir import Resource
from mappings.reading.lab_values import Value
from mappings.record import Concept, LabResult, Source

USABLE = frozenset({"final", "amended", "corrected"})
# A report in one of these statuses says nothing, whatever it contains.
_VOID = frozenset({"cancelled", "entered-in-error", "registered", "unknown"})


def _known(key: str) -> str:
    """An alias key `system|code` with the system's short name, as codings have it."""
    system, bar, code = key.rpartition("|")
    return f"{fhir.system(system)}{bar}{code}" if bar else key


class LabReader:
    """Reads results of the analytes that the rules know, by LOINC or by the site's own codes."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        table = codes.labs()
        self._aliases = {_known(key): table.by_name[name] for key, name in words.folded(aliases).items() if name in table.by_name}
        self._codes = {*table.by_loinc, *(key.rpartition("|")[2] for key in self._aliases)}
        self._by_texts = any("|" not in key for key in self._aliases)

    def analyte(self, concept: Concept) -> Analyte | None:
        """The analyte that a code means; a goal or a mere presence is none."""
        table = codes.labs()
        if any(coding.system == fhir.LOINC and coding.code in table.never_loinc for coding in concept.codings):
            return None
        for coding in concept.codings:
            if coding.system == fhir.LOINC and coding.code in table.by_loinc:
                return table.by_loinc[coding.code]
            local = self._aliases.get(f"{coding.system}|{coding.code}")
            if local:
                return local
        return self._by_text(concept) if self._aliases else None

    def _of_part(self, part: Resource) -> Analyte | None:
        """The analyte of an Observation or component. Most are none of ours: a look at their codes says so."""
        code = fhir.mapping(part.get("code"))
        said = [fhir.text(row.get("code")).strip() for row in [code, *fhir.items(code.get("coding"))]]
        return self.analyte(fhir.concept(code)) if self._by_texts or not self._codes.isdisjoint(said) else None

    def _by_text(self, concept: Concept) -> Analyte | None:
        said = [concept.text, *(coding.display for coding in concept.codings)]
        return next((self._aliases[key] for key in map(words.plain, filter(None, said)) if key in self._aliases), None)

    def results(self, resource: Resource, collection: Collection, panels: Mapping[str, tuple[str, ...]]) -> Iterator[LabResult]:
        """The results of an Observation (unusable ones with the reason) or of those that a panel or report contains.

        `panels`: observation → panels and reports it belongs to.
        """
        if resource["resourceType"] == "Observation" and resource.get("status") in USABLE:
            source = fhir.source(resource)
            yield from self._of(resource, source, panels.get(source.resource, ()), collection)
        if "contained" in resource and resource.get("status") not in _VOID:
            yield from self._contained(resource, collection)

    def _contained(self, holder: Resource, collection: Collection) -> Iterator[LabResult]:
        """Members that live inside the panel or report; its time and specimen are theirs, unless they say otherwise."""
        members = fhir.items(holder.get("hasMember")) + fhir.items(holder.get("result"))
        named = {fhir.text(item.get("reference")) for item in members}
        source = fhir.source(holder)
        shared: Resource = {name: holder[name] for name in ("effectiveDateTime", "effectivePeriod", "specimen") if name in holder}
        for item in fhir.items(holder.get("contained")):
            ours = item.get("resourceType") == "Observation" and f"#{fhir.text(item.get('id')).lstrip('#')}" in named
            if ours and item.get("status") in USABLE:
                yield from self._of({**shared, **item}, source, (source.resource,), collection)

    def _of(self, resource: Resource, source: Source, groups: tuple[str, ...], collection: Collection) -> Iterator[LabResult]:
        named = [resource, *fhir.items(resource.get("component"))]
        parts = [(analyte, row) for row in named for analyte in [self._of_part(row)] if analyte]
        if not parts:
            return
        when = _collected(resource, collection)
        specimen = collection.key(resource.get("specimen"))
        groups = (*groups, *((source.resource,) if len(parts) > 1 else ()))
        for analyte, part in parts:
            yield _result(analyte, part, source, when, specimen, groups)


def _collected(resource: Resource, collection: Collection) -> Moment | None:
    specimen = collection.resolve(resource.get("specimen"), resource)
    collection_part = fhir.mapping(fhir.mapping(specimen).get("collection"))
    drawn = fhir.moment(collection_part.get("collectedDateTime")) or fhir.period(collection_part.get("collectedPeriod"))[0]
    effective = fhir.either(resource, "effectiveDateTime", "effectiveInstant")
    return drawn or fhir.moment(effective) or fhir.period(resource.get("effectivePeriod"))[0]


def _result(
    analyte: Analyte,
    part: Resource,
    source: Source,
    when: Moment | None,
    specimen: str | None,
    groups: tuple[str, ...],
) -> LabResult:
    low, high, low_open, high_open, problem, says = _value(analyte, part)
    if when is None:
        problem = problem or "without the time of collection"
    return LabResult(
        source=source,
        analyte=analyte.analyte,
        when=when,
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        specimen=specimen,
        panels=groups,
        says=says,
        problem=problem,
    )


def _value(analyte: Analyte, part: Resource) -> Value:
    return _pregnancy(part) if analyte.analyte == "pregnancy" else lab_values.value(analyte, part)


def _pregnancy(part: Resource) -> Value:
    known = {row.code for row in codes.diagnoses().pregnancy}
    pregnant = any(code in known for code in fhir.codes(part.get("valueCodeableConcept")))
    value = Decimal(1 if pregnant else 0)
    return value, value, False, False, None, "pregnant" if pregnant else "not pregnant"


def membership(observations: Iterable[Resource], reports: Iterable[Resource], collection: Collection) -> dict[str, tuple[str, ...]]:
    """Which panels (`hasMember`) and DiagnosticReports (`result`) each observation belongs to."""
    found: dict[str, tuple[str, ...]] = {}
    for resource, element in [*((row, "hasMember") for row in observations), *((row, "result") for row in reports)]:
        members = fhir.items(resource.get(element))
        if not members:
            continue
        group = f"{resource['resourceType']}/{resource['id']}"
        for key in filter(None, map(collection.key, members)):
            found[key] = (*found.get(key, ()), group)
    return found
