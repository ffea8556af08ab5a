"""Conditions and coded reasons as diagnoses: ICD-10-CM as given, SNOMED through the map (R9)."""

from collections.abc import Iterable

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Concept, Diagnosis, Source
from mappings.values.moment import Moment

_DUE_TO = (
    "http://hl7.org/fhir/StructureDefinition/condition-dueTo",
    "http://hl7.org/fhir/StructureDefinition/condition-due-to",
)
_NOT_CONFIRMED = frozenset(
    {"refuted", "entered-in-error", "provisional", "differential", "unconfirmed"}
)
_NOT_ACTIVE = frozenset({"inactive", "remission"})


def icd10_codes(concept: Concept) -> tuple[str, ...]:
    """The ICD-10-CM codes of a concept, dotted and upper case, and what its SNOMED codes add.

    They add no code of a category that an ICD-10-CM code is of (N18 for N18.4): as given counts.
    """
    return tuple(dict.fromkeys([*_as_given(concept), *(code for code, _ in mapped(concept))]))


def _as_given(concept: Concept) -> list[str]:
    return [
        dotted(coding.code)
        for coding in concept.codings
        if coding.system == elements.ICD10CM and coding.code
    ]


def mapped(concept: Concept) -> tuple[tuple[str, str], ...]:
    """ICD-10-CM codes that only the map gives, each with the SNOMED code that it is for."""
    table, given = codes.diagnoses().by_snomed, {code[:3] for code in _as_given(concept)}
    snomed = [coding.code for coding in concept.codings if coding.system == elements.SNOMED]
    return tuple(
        (code, concept_id)
        for concept_id in snomed
        for code in table.get(concept_id, ())
        if code[:3] not in given
    )


def dotted(code: str) -> str:
    code = code.strip().upper()
    return code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def diagnosis(resource: Resource, collection: Collection) -> Diagnosis | None:
    """The Diagnosis of a Condition; None where no code of it is known to the rules'
    terminologies."""
    concept = elements.concept(resource.get("code"))
    found = icd10_codes(concept)
    if not found:
        return None
    verification = set(elements.codes(resource.get("verificationStatus")))
    clinical = set(elements.codes(resource.get("clinicalStatus")))
    due_to = [extension for url in _DUE_TO for extension in elements.extensions(resource, url)]
    evidence = [
        detail
        for item in elements.items(resource.get("evidence"))
        for detail in elements.items(item.get("detail"))
    ]
    abatement = _moment(resource, "abatement")
    references = [
        elements.mapping(extension.get("valueReference")) for extension in due_to
    ] + evidence
    return Diagnosis(
        source=elements.source(resource),
        icd10=found,
        snomed=mapped(concept),
        stands=not (
            verification & _NOT_CONFIRMED or (clinical & _NOT_ACTIVE and abatement is None)
        ),
        resolved="resolved" in clinical
        or any(
            name.startswith("abatement") and value is not False for name, value in resource.items()
        ),
        onset=_moment(resource, "onset"),
        abatement=abatement,
        recorded=elements.moment(resource.get("recordedDate")),
        encounter=collection.key(resource.get("encounter")),
        category=_category(resource),
        due_to=tuple(filter(None, map(collection.key, references))),
        due_to_icd10=tuple(
            code
            for row in due_to
            for code in icd10_codes(elements.concept(row.get("valueCodeableConcept")))
        ),
    )


def _moment(resource: Resource, element: str) -> Moment | None:
    start, end = elements.period(resource.get(f"{element}Period"))
    return elements.moment(resource.get(f"{element}DateTime")) or (
        end if element == "abatement" else start
    )


def _category(resource: Resource) -> str:
    found = {
        code for item in elements.items(resource.get("category")) for code in elements.codes(item)
    }
    if "encounter-diagnosis" in found or (not found and resource.get("encounter")):
        return "encounter"
    return "problem-list" if found & {"problem-list-item", "problem"} else "other"


def reason(concepts: Iterable[Concept], source: Source, encounter: str | None) -> Diagnosis | None:
    """The diagnosis that reason codes state; None where they state none."""
    concepts = list(concepts)
    found = tuple(dict.fromkeys(code for concept in concepts for code in icd10_codes(concept)))
    by_map = tuple(pair for concept in concepts for pair in mapped(concept))
    return (
        Diagnosis(source=source, icd10=found, snomed=by_map, encounter=encounter, is_reason=True)
        if found
        else None
    )
