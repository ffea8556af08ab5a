"""Assessments: the current one of each patient, and every different one before it.

Held by tests/contract/test_store.py.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
import zstandard
from psycopg.rows import class_row

from integration.errors import FerroclaimError
from integration.store import gaps, lines, patients
from integration.store.database.connection import Db
from integration.store.patients import Patient
from mappings.assessment import ClaimLine, Finding, Gap, PatientAssessment, Question
from mappings.values.sentences import without_words


class Overtaken(FerroclaimError):
    """Somebody looked at this chart later, and kept it first; or the patient was deleted."""

    retryable = True

    def __init__(self, site: str) -> None:
        super().__init__(
            f"Site {site}: somebody else looked at this chart meanwhile. Look at it again."
        )


@dataclass(frozen=True)
class KeptAssessment:
    """Found first at `as_of`, found again until `confirmed_at`."""

    id: int
    as_of: datetime
    confirmed_at: datetime
    cause: str
    packed: bytes | None
    document: str | None

    @property
    def assessment(self) -> PatientAssessment:
        return msgspec.json.decode(_whole(self.packed, self.document), type=PatientAssessment)


PAGE = (  # the cause of what a person's own access found; anything else the service read by itself
    "page"
)

# Whole in one of two columns: migration 111 tells which.
_DOCUMENT = "packed, case when packed is null then document::text end as document"
_COLUMNS = f"id, as_of, confirmed_at, cause, {_DOCUMENT}"


def current(db: Db, site: str, fhir_id: str) -> KeptAssessment | None:
    return next(_of(db, site, fhir_id, "and current"), None)


def history(db: Db, site: str, fhir_id: str) -> list[KeptAssessment]:
    """Newest first: what was known when."""
    return list(_of(db, site, fhir_id, "order by id desc"))


def questions(db: Db, site: str) -> list[Question]:
    """What the current assessments of a site do not understand, once per value, with the doses that
    wait for it."""
    rows = db.execute(
        "select q ->> 'table', q ->> 'element', q ->> 'value', min(q ->> 'says'),"
        " sum((q ->> 'doses')::int) from assessments a join patients p on p.id = a.patient_id,"
        " jsonb_array_elements(coalesce(a.document -> 'questions', '[]')) q"
        " where a.current and p.site = %s group by 1, 2, 3 order by 5 desc, 1, 2, 3",
        [site],
    )
    return [Question(*row) for row in rows]


def _of(db: Db, site: str, fhir_id: str, rest: str) -> Iterator[KeptAssessment]:
    patient = patients.find(db, site, fhir_id)
    if patient is not None:
        with db.cursor(row_factory=class_row(KeptAssessment)) as rows:
            query = f"select {_COLUMNS} from assessments where patient_id = %s {rest}"  # noqa: S608
            yield from rows.execute(query.encode(), [patient.id])


def keep(
    db: Db, patient: Patient, assessment: PatientAssessment, as_of: datetime, cause: str
) -> bool:
    """Keeps an assessment with its lines and gaps, in the caller's transaction; whether it differs
    from the last one.

    A patient who has no IV iron is remembered as such, and nothing else of them is kept. Raises
    `Overtaken` before anything is kept.
    """
    seen = db.execute("select look from patients where id = %s for update", [patient.id]).fetchone()
    if seen is None or seen[0] > patient.look:
        raise Overtaken(patient.site)
    document = msgspec.json.encode(assessment)
    digest = hashlib.sha256(document).hexdigest()
    last = db.execute(
        "select id, digest from assessments where patient_id = %s and current", [patient.id]
    ).fetchone()
    db.execute(
        "update patients set assessed_at = %s, concerns_us = %s, resources = %s, look = %s"
        " where id = %s",
        [as_of, assessment.concerns_us, _rests_on(assessment), patient.look, patient.id],
    )
    if last is not None and (last[1] == digest or _differ_in_words(db, last[0], document)):
        confirmed = (
            "update assessments set confirmed_at = %s, cause = case cause when %s then %s else"
            " cause end where id = %s"
        )
        db.execute(confirmed, [as_of, PAGE, cause, last[0]])
        return False
    if last is None and not assessment.concerns_us:
        return False
    if last is not None:
        db.execute("update assessments set current = false where id = %s", [last[0]])
    packed = zstandard.compress(document, 1)
    db.execute(
        "insert into assessments (patient_id, as_of, confirmed_at, cause, digest, packed, document,"
        " current) values (%s, %s, %s, %s, %s, %s, %s, true)",
        [patient.id, as_of, as_of, cause, digest, packed, _queried(assessment)],
    )
    lines.keep(db, patient.id, assessment.lines, as_of)
    gaps.keep(db, patient.id, assessment.gaps, as_of)
    return True


def _differ_in_words(db: Db, last: int, document: bytes) -> bool:
    """Whether the last one decided the same: a new release words things anew, and that is no
    news."""
    query = f"select {_DOCUMENT} from assessments where id = %s"  # noqa: S608
    before = [msgspec.json.decode(_whole(*row)) for row in db.execute(query.encode(), [last])]
    return bool(without_words(before) == without_words([msgspec.json.decode(document)]))


def _whole(packed: bytes | None, document: str | None) -> bytes | str:
    return zstandard.decompress(packed) if packed is not None else document or "{}"


def _queried(assessment: PatientAssessment) -> str:
    """What questions to all assessments at once are about."""
    asked = {"lines": assessment.lines, "questions": assessment.questions}
    return msgspec.json.encode(asked).decode()


def _rests_on(assessment: PatientAssessment) -> list[str]:
    """Every resource that a change of would change this assessment, as far as it tells."""
    if not assessment.concerns_us:
        return []
    rows: list[ClaimLine | Gap | Finding] = [
        *assessment.lines,
        *assessment.gaps,
        *assessment.requirements,
    ]
    found = {
        reference
        for row in rows
        for reference in (*row.administrations, *(item.resource for item in row.evidence))
    }
    found |= {row.coverage for row in assessment.lines if row.coverage}
    found |= {row.administration for row in (*assessment.pending, *assessment.reversed)}
    return sorted(found)
