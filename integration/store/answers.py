"""What came back of the claims that left: what was said of each, and what it makes of it.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal

from psycopg.rows import class_row

from integration.store import audit, claims, releases, write_offs
from integration.store.claims import ClaimState, Sent
from integration.store.database.connection import Db, records
from mappings.writing.answers.answer import AnswerKind, ClaimSays
from mappings.writing.answers.standing import HeardKind


@dataclass(frozen=True)
class AnsweredLine:
    """In dollars; `codes`: CO-252, N395."""

    line_id: str
    codes: Sequence[str]
    charge: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    share: Decimal = Decimal(0)


@dataclass(frozen=True)
class NewAnswer:
    """`said`: a digest, by which the same answer is known; `why`: in words; `day`: of the payment
    or the status; `payment`: what tells one payment from another."""

    kind: AnswerKind
    says: ClaimSays
    said: str
    file: str
    codes: Sequence[str] = ()
    why: str = ""
    payer: str = ""
    payer_number: str = ""
    day: date | None = None
    payment: str = ""
    charge: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    share: Decimal = Decimal(0)
    lines: Sequence[AnsweredLine] = field(default=())


@dataclass(frozen=True)
class AnswerOutcome:
    """`state` is the claim's, `is_new` whether it had not been read before, `fits` whether it goes
    with what the claim was."""

    state: ClaimState
    is_new: bool
    fits: bool


@dataclass(frozen=True)
class KeptAnswer:
    number: str
    kind: HeardKind
    says: ClaimSays
    payer: str
    codes: list[str]
    why: str
    paid: Decimal
    share: Decimal
    read_at: datetime


def keep(db: Db, claim: Sent, new: NewAnswer, by: str) -> AnswerOutcome:
    """In the caller's transaction; until it ends nobody else changes the claim."""
    claim = claims.held(db, claim)
    row = db.execute(
        "insert into answers (claim_id, patient_id, kind, says, said, file, payer,"
        " payer_number, day, payment, codes, why, charge, paid, share, read_by) values (%s, %s, %s,"
        " %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (claim_id, said) do nothing returning id",
        [claim.id, claim.patient_id, new.kind, new.says, new.said, new.file, new.payer,
         new.payer_number, new.day, new.payment, list(new.codes), new.why,
         new.charge, new.paid, new.share, by],
    ).fetchone()  # fmt: skip
    if row is None:
        return _known(db, claim, new, by)
    _keep_lines(db, row[0], claim, new.lines)
    audit.note(
        db,
        by,
        "read an answer",
        site=claim.site,
        patient_id=claim.patient_id,
        claim=claim.number,
        kind=new.kind,
        says=new.says,
    )
    state = _settle(db, claim, by)
    return AnswerOutcome(state, is_new=True, fits=_fits(new.says, state))


def _known(db: Db, claim: Sent, new: NewAnswer, by: str) -> AnswerOutcome:
    """Of what was read before. Where only its file is dated, the first file dates it."""
    earlier = db.execute(
        "update answers set day = %s where claim_id = %s and said = %s and day > %s",
        [new.day, claim.id, new.said, new.day],
    )
    state = _settle(db, claim, by) if earlier.rowcount else claim.state
    return AnswerOutcome(state, is_new=False, fits=True)


def _keep_lines(db: Db, answer: int, claim: Sent, lines: Sequence[AnsweredLine]) -> None:
    if lines:
        db.execute(
            "insert into answered_lines (answer_id, patient_id, line_id, charge, paid, share,"
            " codes) select %s, %s, line_id, charge, paid, share, codes"
            " from jsonb_populate_recordset(null::answered_lines, %s)",
            [answer, claim.patient_id, records([asdict(line) for line in lines])],
        )


def reject(db: Db, site: str, number: str, by: str) -> ClaimState | None:
    """A claim that never came into its payer's books, or that the payer denied and wants anew: it
    stands no more, so that its lines may be released again and leave as a new claim. What it was
    (where that can't be rejected, it still is); None: no claim of that number left."""
    claims.one_at_a_time(db)
    found = claims.by_number(db, site, number)
    if found is None:
        return None
    found = claims.held(db, found)
    if found.state in claims.REJECTABLE:
        # Who says so knows what was read, however the payer dates it.
        db.execute(
            "insert into answers (claim_id, patient_id, kind, says, said, file, payer,"
            " payer_number, day, payment, codes, why, charge, paid, share, read_by)"
            " select %(id)s, %(patient)s, 'told', 'rejected', clock_timestamp()::text, '', '', '',"
            " greatest(current_date, max(day)), '', '{}', %(why)s, 0, 0, 0, %(by)s"
            " from answers where claim_id = %(id)s",
            {"id": found.id, "patient": found.patient_id, "by": by, "why": f"as {by} says"},
        )
        audit.note(db, by, "marked rejected", site=site, patient_id=found.patient_id, claim=number)
        _settle(db, found, by)
    return found.state


def _settle(db: Db, claim: Sent, by: str) -> ClaimState:
    """What the claim is now, and what that means for releases and write-offs of its lines."""
    own, *earlier = claims.settle(db, claim.id)
    for one in (own, *earlier):
        if one.stands_again:
            releases.reinstate(db, one.id, by)
    if own.was != own.now or own.now == "paid":
        write_offs.reopen_answered(db, claim, by)
    return own.now


def _fits(says: ClaimSays, state: ClaimState) -> bool:
    if says == "rejected":
        return state == "rejected"
    if says == "accepted":
        return state != "rejected"
    return says != "paid" or state not in ("replaced", "void")


def of_lines(db: Db, patient_id: int, lines: Sequence[str]) -> list[KeptAnswer]:
    """All that was said of claims with any of these lines, in the order of reading."""
    with db.cursor(row_factory=class_row(KeptAnswer)) as cursor:
        return cursor.execute(
            "select c.number, a.kind, a.says, a.payer, a.codes, a.why, a.paid, a.share, a.read_at"
            " from answers a join claims c on c.id = a.claim_id where a.patient_id = %s"
            " and c.lines && %s::text[] order by a.id",
            [patient_id, list(lines)],
        ).fetchall()
