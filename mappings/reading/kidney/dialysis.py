"""Procedures and visits that are dialysis treatments: by their codes, and by their words (R8).

Held by tests/scenarios/kidney_in_words.yaml.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import StatusReader
from mappings.reading.kidney.words import quoted, says_dialysis, treated
from mappings.record import TREATED_IN_WORDS, Concept, Diagnosis, DialysisTreatment, Encounter
from mappings.values.moment import Moment

_NEVER = Moment(date.max, date.max)
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
    start, end = elements.period(elements.either(resource, "performedPeriod", "occurrencePeriod"))
    when = elements.either(resource, "performedDateTime", "occurrenceDateTime")
    source, begun = elements.source(resource), elements.moment(when) or start
    goes_on = begun is not None and status == "in-progress"
    return treated(
        quoted(said, TREATED_IN_WORDS), source, begun, end or (_NEVER if goes_on else None)
    )


def dialysis_treatment(resource: Resource, statuses: StatusReader) -> DialysisTreatment | None:
    """A Procedure that is dialysis and was done or is under way."""
    kind = dialysis_kind(elements.concept(resource.get("code")))
    status = statuses.read("Procedure.status", resource.get("status"))
    if kind is None or status not in _DONE:
        return None
    start, end = elements.period(elements.either(resource, "performedPeriod", "occurrencePeriod"))
    goes_on = start is not None and status == "in-progress"
    return DialysisTreatment(
        source=elements.source(resource),
        kind=kind,
        when=elements.moment(elements.either(resource, "performedDateTime", "occurrenceDateTime"))
        or start
        or end,
        until=end or (_NEVER if goes_on else None),
    )


def visits_in_words(visits: Iterable[Encounter]) -> Iterator[Diagnosis]:
    """Visits that took place and whose words say that they were dialysis."""
    for visit in visits:
        if visit.dialysis_in_words and not visit.dialysis and visit.took_place:
            yield treated(visit.dialysis_in_words, visit.source, visit.start, visit.end or _NEVER)
