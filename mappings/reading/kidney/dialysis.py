"""Procedures and visits that are dialysis treatments: by their codes, and by their words (R8).

Held by tests/scenarios/kidney_in_words.yaml.
"""

from collections.abc import Iterable, Iterator

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import StatusReader
from mappings.reading.kidney.words import quoted, says_dialysis, treated
from mappings.record import TREATED_IN_WORDS, Concept, Diagnosis, DialysisTreatment, Encounter
from mappings.values.moment import NEVER, Moment

_DONE = frozenset({"completed", "in-progress"})


@codes.remembered
def dialysis_kind(concept: Concept) -> str | None:
    table = codes.diagnoses().dialysis_codes
    keys = ((coding.system, coding.code) for coding in concept.codings)
    return next((table[key] for key in keys if key in table), None)


def treatment_in_words(resource: Resource, statuses: StatusReader) -> Diagnosis | None:
    """A Procedure whose words say that it was dialysis, and that was done or is under way."""
    said = elements.concept(resource.get("code"))
    status = statuses.read("Procedure.status", resource.get("status"))
    if dialysis_kind(said) or not says_dialysis(said) or status not in _DONE:
        return None
    when, start, end = _times(resource)
    begun = when or start
    unread = quoted(said, TREATED_IN_WORDS)
    return treated(unread, elements.source(resource), begun, _until(begun, end, status))


def dialysis_treatment(resource: Resource, statuses: StatusReader) -> DialysisTreatment | None:
    """A Procedure that is dialysis and was done or is under way."""
    kind = dialysis_kind(elements.concept(resource.get("code")))
    status = statuses.read("Procedure.status", resource.get("status"))
    if kind is None or status not in _DONE:
        return None
    when, start, end = _times(resource)
    return DialysisTreatment(
        source=elements.source(resource),
        kind=kind,
        when=when or start or end,
        until=_until(start, end, status),
    )


def _times(resource: Resource) -> tuple[Moment | None, Moment | None, Moment | None]:
    """When it was done, or from when to when, as R4 and R5 have it."""
    when = elements.either(resource, "performedDateTime", "occurrenceDateTime")
    period = elements.either(resource, "performedPeriod", "occurrencePeriod")
    return elements.moment(when), *elements.period(period)


def _until(begun: Moment | None, end: Moment | None, status: str) -> Moment | None:
    goes_on = begun is not None and status == "in-progress"
    return end or (NEVER if goes_on else None)


def visits_in_words(visits: Iterable[Encounter]) -> Iterator[Diagnosis]:
    """Visits that took place and whose words say that they were dialysis."""
    for visit in visits:
        if visit.dialysis_in_words and not visit.dialysis and visit.took_place:
            yield treated(visit.dialysis_in_words, visit.source, visit.start, visit.end or NEVER)
