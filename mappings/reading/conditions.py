"""Conditions and coded reasons as diagnoses: ICD-10-CM as given, SNOMED through the map (R9).

Held by tests/scenarios/conditions.yaml.
"""

from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain

from msgspec import UNSET
from msgspec.structs import replace

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.bundles.heads import Held, text_of
from mappings.reading.bundles.plain import plain_condition
from mappings.reading.fhir import elements
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader, one_coding, statements
from mappings.reading.kidney.words import in_words, said_in_words
from mappings.record import DENIED_IN_WORDS, IN_WORDS, Concept, Diagnosis, Source
from mappings.values.moment import Moment
from mappings.values.remembered import Remembered
from mappings.values.stated import Unread, first_unread
from mappings.values.words import squeezed

_DUE_TO = (
    "http://hl7.org/fhir/StructureDefinition/condition-dueTo",
    "http://hl7.org/fhir/StructureDefinition/condition-due-to",
)
_NOT_CONFIRMED = frozenset(
    {"refuted", "entered-in-error", "provisional", "differential", "unconfirmed"}
)
_NOT_ACTIVE = frozenset({"inactive", "remission"})
Mapped = tuple[tuple[str, str], ...]
# What a Condition says, as texts; whether it has an encounter, and an end.
_SAID = ("code", "clinicalStatus", "verificationStatus", "category")
_Said = tuple[tuple[bytes, bytes, bytes, bytes], bool, bool]
# A concern and nothing else is no diagnosis (R9).
_CONCERN = {"healthconcern"}
# Of ICD-10-CM: what was done to, or has happened to, the patient.
_STATUSES = frozenset("TZ")
_NO_CLINICIANS = frozenset({"Patient", "RelatedPerson"})


def icd10_codes(concept: Concept) -> tuple[str, ...]:
    """The ICD-10-CM codes of a concept, dotted and upper case, and what its SNOMED codes add.

    They add no code of a category that an ICD-10-CM code is of (N18 for N18.4): as given counts.
    """
    return _coded(concept)[0]


def mapped(concept: Concept) -> Mapped:
    """ICD-10-CM codes that only the map gives, each with the SNOMED code that it is for."""
    return _coded(concept)[1]


@codes.remembered
def _coded(concept: Concept) -> tuple[tuple[str, ...], Mapped]:
    found = _mapped(concept)
    return tuple(dict.fromkeys([*_as_given(concept), *(code for code, _ in found)])), found


def _as_given(concept: Concept) -> list[str]:
    return [
        dotted(coding.code)
        for coding in concept.codings
        if coding.system == elements.ICD10CM and coding.code
    ]


def _mapped(concept: Concept) -> Mapped:
    table, given = codes.diagnoses().by_snomed, {code[:3] for code in _as_given(concept)}
    found: list[tuple[str, str]] = []
    for coding in concept.codings:
        if coding.system == elements.SNOMED:
            added = (code for code in table.get(coding.code, ()) if code[:3] not in given)
            found += [(code, coding.code) for code in added]
    return tuple(found)


@codes.remembered
def _denied(concept: Concept) -> Unread | None:
    """Words beside a code that say that it is none of the patient's, or that it is another."""
    apart = codes.diagnoses().told_apart
    denied = [
        text for coded, text in _worded(concept) if any(told.deny(coded, text) for told in apart)
    ]
    if not any(code[:1] in _STATUSES for code in icd10_codes(concept)):
        denied += filter(codes.diagnoses().denied_in_words.deny, concept.words)
    return next((Unread(DENIED_IN_WORDS, text) for text in denied), None)


def _worded(concept: Concept) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each of its words, with the codes that they are of: a display's own, if it has any that is
    read; of other words all."""
    every = icd10_codes(concept)
    yield every, concept.text
    for coding in concept.codings:
        yield icd10_codes(Concept((coding,))) or every, coding.display


def dotted(code: str) -> str:
    code = code.strip().upper()
    return code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def is_diagnosis(concept: Concept) -> bool:
    """Whether `diagnosis` may find one in a Condition of it."""
    return bool(icd10_codes(concept) or said_in_words(concept))


def diagnosis(
    resource: Resource, collection: Collection, statuses: StatusReader = PLAIN
) -> Diagnosis | None:
    """The Diagnosis of a Condition; None where no code of it is known to the rules' terminologies,
    and its words say nothing of dialysis."""
    concept = elements.concept(resource.get("code"))
    icd10, snomed = _coded(concept)
    worded = () if icd10 else said_in_words(concept)
    if not icd10 and not worded:
        return None
    clinical = statuses.read("Condition.clinicalStatus", resource.get("clinicalStatus"))
    verification = statuses.read("Condition.verificationStatus", resource.get("verificationStatus"))
    abatement = _abatement(resource)
    out = verification in _NOT_CONFIRMED or (clinical in _NOT_ACTIVE and abatement is None)
    unread = first_unread((clinical, verification)) or next(_unread_onset(resource), None)
    unread = unread or _denied(concept)
    categories = _categories(resource)
    told = categories == _CONCERN or _is_told(resource, collection)
    resolved = clinical == "resolved" or _has_abated(resource)
    if worded:
        if out or told or (resolved and abatement is None):
            return None
        unread = in_words(concept, IN_WORDS)
    due_to = [one for one in elements.items(resource.get("extension")) if one.get("url") in _DUE_TO]
    return Diagnosis(
        source=elements.source(resource),
        icd10=icd10 or worded,
        snomed=snomed,
        stands=not (out or unread or told),
        refuted=verification == "refuted",
        unread=None if out or told else unread,
        told=told and not out,
        resolved=resolved,
        onset=_onset(resource),
        abatement=abatement,
        recorded=elements.moment(resource.get("recordedDate")),
        encounter=collection.key(resource.get("encounter")),
        category=_category(resource, categories),
        due_to=tuple(_due_to(resource, due_to, collection)),
        due_to_icd10=tuple(_codes_of(resource, due_to)),
    )


class PlainDiagnoses:
    """Reads Conditions that say as little as nearly all do. What they say beside dates and
    encounter is read once for all that say the same."""

    def __init__(self, statuses: StatusReader) -> None:
        self._statuses = statuses
        self._known = Remembered(self._of_texts)

    def plain(self, held: Held, collection: Collection, _: StatusReader) -> Diagnosis | None:
        """`diagnosis`; None of any other."""
        found = plain_condition(held)
        if found is None:
            return None
        onset = elements.moment(found.onset_date_time)
        end = elements.moment(found.abatement_date_time)
        visit = None if found.encounter is UNSET else found.encounter.reference
        if (
            _is_unread(found.onset_date_time, onset)
            or _is_unread(found.abatement_date_time, end)
            or _is_unread(found.encounter, visit)
            or any(extension.url in _DUE_TO for extension in found.extension)
        ):
            return None
        statuses = text_of(found.clinical_status), text_of(found.verification_status)
        said = (held.about, *statuses, text_of(found.category))
        known = self._known[said, visit is not None, end is not None]
        return known and replace(
            known,
            source=found.source(held),
            onset=onset,
            abatement=end,
            recorded=elements.moment(found.recorded_date),
            encounter=collection.key(visit),
        )

    def _of_texts(self, said: _Said) -> Diagnosis | None:
        texts, has_encounter, has_end = said
        stated = zip(_SAID, texts, strict=True)
        resource = {name: decode_plain(text) for name, text in stated if text}
        if has_encounter:
            resource["encounter"] = {"reference": "Encounter/one-of-many"}
        if has_end:
            resource["abatementDateTime"] = "2026-01-01"
        resource |= {"resourceType": "Condition", "id": "one of many"}
        return diagnosis(resource, Collection(), self._statuses)


def _is_unread(element: object, value: object) -> bool:
    return value is None and element is not UNSET


def _has_abated(resource: Resource) -> bool:
    return any(resource[name] is not False for name in elements.named(resource, "abatement"))


def _due_to(
    resource: Resource, extensions: list[Resource], collection: Collection
) -> Iterator[str]:
    """The conditions that it names as its cause, or as evidence; R5's evidence is one of code and
    reference."""
    named = [elements.mapping(extension.get("valueReference")) for extension in extensions]
    for item in elements.items(resource.get("evidence")):
        named += [*elements.items(item.get("detail")), elements.mapping(item.get("reference"))]
    return collection.keys(named)


def _codes_of(resource: Resource, extensions: list[Resource]) -> Iterator[str]:
    """The same, where a code names them."""
    said = [extension.get("valueCodeableConcept") for extension in extensions]
    for item in elements.items(resource.get("evidence")):
        said += [item.get("code"), item.get("concept")]
    for concept in chain.from_iterable(map(elements.concepts, said)):
        yield from icd10_codes(concept)


def _onset(resource: Resource) -> Moment | None:
    start, _ = elements.period(resource.get("onsetPeriod"))
    return elements.moment(resource.get("onsetDateTime")) or start


def _abatement(resource: Resource) -> Moment | None:
    _, end = elements.period(resource.get("abatementPeriod"))
    return elements.moment(resource.get("abatementDateTime")) or end


def _unread_onset(resource: Resource) -> Iterator[Unread]:
    """A date of onset that can't be read: it may lie after the dose."""
    said = elements.stated(resource.get("onsetDateTime"), "Condition.onsetDateTime")
    if isinstance(said, Unread):
        yield said
    yield from elements.unread_period(resource.get("onsetPeriod"), "Condition.onsetPeriod")


def _is_told(resource: Resource, collection: Collection) -> bool:
    """Stated by the patient or a relative (R9)."""
    asserter = elements.mapping(resource.get("asserter"))
    if not asserter:
        return False
    whose = collection.key(asserter) or elements.text(asserter.get("reference"))
    kind = elements.text(asserter.get("type")) or whose.rpartition("/")[0].rpartition("/")[2]
    if not kind and whose:
        found = collection.resolve(asserter, resource) or {}
        kind = elements.text(found.get("resourceType"))
    return kind in _NO_CLINICIANS


def _categories(resource: Resource) -> Set[str]:
    """By their words, whatever their form: a text has no code, and an older form no system."""
    said = resource.get("category")
    one = one_coding(said[0]) if isinstance(said, list) and len(said) == 1 else None
    return _of_coding(one) if one else frozenset(_words_of(said))


@lru_cache(maxsize=1024)
def _of_coding(coding: tuple[tuple[str, str], ...]) -> Set[str]:
    return frozenset(_words_of({"coding": [dict(coding)]}))


def _words_of(category: object) -> Iterator[str]:
    return (squeezed(said.code or said.display) for said in statements(category))


def _category(resource: Resource, found: Set[str]) -> str:
    if "encounterdiagnosis" in found or (not found and resource.get("encounter")):
        return "encounter"
    return "problem-list" if found & {"problemlistitem", "problem", "problemlist"} else "other"


def reason(
    concepts: Sequence[Concept], source: Source, encounter: str | None, *, of_visit: bool = False
) -> Diagnosis | None:
    """The diagnosis that reason codes state; None where they state none. `of_visit`: a reason of an
    encounter is a diagnosis of it, like those that it lists."""
    if not concepts:
        return None
    concepts = [concept for concept in concepts if _denied(concept) is None]
    found = tuple(dict.fromkeys(chain.from_iterable(map(icd10_codes, concepts))))
    if not found:
        return None
    return Diagnosis(
        source=source,
        icd10=found,
        snomed=tuple(chain.from_iterable(map(mapped, concepts))),
        encounter=encounter,
        is_reason=not of_visit,
    )
