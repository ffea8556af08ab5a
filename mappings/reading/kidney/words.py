"""End-stage renal disease, dialysis and the anemia that only words say, a code of an older table,
or one whose system is not read: no evidence, and not nothing (R8).

Held by tests/scenarios/kidney_in_words.yaml.
"""

from datetime import date, timedelta

from mappings import codes
from mappings.codes.clinical import DiagnosisWords
from mappings.reading.fhir.elements import ICD9CM
from mappings.record import Concept, Diagnosis, Source
from mappings.values.moment import NEVER, Moment
from mappings.values.stated import Unread


@codes.remembered
def said_in_words(concept: Concept) -> tuple[str, ...]:
    """The ICD-10-CM codes that would say what a concept says."""
    rows = codes.diagnoses().diagnoses_in_words
    return tuple(row.icd10 for row in rows if _says(concept, row))


def _says(concept: Concept, row: DiagnosisWords) -> bool:
    coded = any(
        (one.system == ICD9CM and one.code in row.icd9) or one.code.strip().upper() == row.icd10
        for one in concept.codings
    )
    return coded or any(map(row.named_in, concept.words))


@codes.remembered
def says_dialysis(concept: Concept) -> bool:
    """Whether the words of a procedure or visit say that it was a dialysis."""
    return any(map(codes.diagnoses().dialysis_in_words.named_in, concept.words))


def in_words(concept: Concept, element: str) -> Unread:
    """Its words, or where it has none its code."""
    return Unread(element, next(iter(concept.statements), ""))


def treated(unread: Unread, source: Source, start: Moment | None, end: Moment | None) -> Diagnosis:
    """A treatment that words alone say: dependence on dialysis would stand for the days by
    which a treatment is evidence of it."""
    last = (end or start or NEVER).last
    days = timedelta(days=codes.windows().days("dialysis-treatment"))
    until = last + days if last < date.max - days else last
    return Diagnosis(
        source=source,
        icd10=("Z99.2",),
        stands=False,
        unread=unread,
        onset=start,
        abatement=Moment(until, until),
    )
