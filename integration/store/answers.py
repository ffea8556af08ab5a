"""What came back of the claims that left: what was said of each, and what it makes of it.

Held by tests/contract/test_answers.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from psycopg.rows import class_row

from integration.store import audit, claims
from integration.store.claims import ClaimState, Sent
from integration.store.database.connection import Db
from mappings.writing.answers.answer import AnswerKind, ClaimSays


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
    kind: AnswerKind
    says: ClaimSays
    payer: str
    codes: list[str]
    why: str
    paid: Decimal
    share: Decimal
    read_at: datetime


def one_at_a_time(db: Db) -> None:
    """Waits for whoever else reads answers: what they make of a claim is one decision after the
    other. Until the transaction ends."""
    db.execute("select pg_advisory_xact_lock(hashtextextended('answers', 0))")


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
        return AnswerOutcome(claim.state, is_new=False, fits=True)
    for line in new.lines:
        db.execute(
            "insert into answered_lines (answer_id, patient_id, line_id, charge, paid, share,"
            " codes) values (%s, %s, %s, %s, %s, %s, %s)",
            [row[0], claim.patient_id, line.line_id, line.charge, line.paid, line.share,
             list(line.codes)],
        )  # fmt: skip
    state = _after(db, claim, new.says)
    claims.answered(db, claim, state)
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
    return AnswerOutcome(state, is_new=True, fits=_fits(new.says, state))


def _after(db: Db, claim: Sent, says: ClaimSays) -> ClaimState:
    """What an answer makes of a claim: a late one of the front end does not undo the payer's, and
    what was replaced or voided stays so."""
    if says in ("paid", "denied", "reversed") and claim.state not in ("replaced", "void"):
        return claims.standing(db, claim.id)
    if says == "accepted" and claim.state == "sent":
        return "accepted"
    return "rejected" if says == "rejected" and claim.state in claims.UNDECIDED else claim.state


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
