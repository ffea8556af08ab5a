"""Claim files and the claims in them: what left, under which number, and what became of it.

Held by tests/contract/test_claims_sent.py.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from integration.errors import FerroclaimError
from integration.store import audit
from integration.store.database.connection import Db
from mappings.writing.answers.remittance import BEHIND, UNDECIDED_STATUSES
from mappings.writing.answers.standing import SaidOfClaim, standing


class NotWritten(FerroclaimError):
    """Somebody decided something else of a line while this file was written."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} meanwhile, so this file was not written. Write the claims again.")


ClaimState = Literal["sent", "accepted", "rejected", "paid", "denied", "replaced", "void"]
# No payer decided it yet.
UNDECIDED: tuple[ClaimState, ...] = ("sent", "accepted")
# What a person may say that it was rejected.
REJECTABLE: tuple[ClaimState, ...] = (*UNDECIDED, "denied")
# The payer has it, or will have.
STANDING: tuple[ClaimState, ...] = ("sent", "accepted", "paid", "denied")


@dataclass(frozen=True)
class Sent:
    """A claim that left: its number, its lines, and the file it left in."""

    id: int
    number: str
    patient_id: int
    lines: list[str]
    state: ClaimState
    payer_number: str | None
    site: str
    file: str
    kind: str
    production: bool


@dataclass(frozen=True)
class Settled:
    """What a claim `was`, and is `now`."""

    id: int
    was: ClaimState
    now: ClaimState

    @property
    def stands_again(self) -> bool:
        return self.was not in STANDING and self.now in STANDING


@dataclass(frozen=True)
class BilledLine:
    """As a claim carried it."""

    id: str
    code: str
    day: date | None
    is_discard: bool


@dataclass(frozen=True)
class NewFile:
    """A file as it is about to be placed."""

    site: str
    name: str
    format: str
    kind: str
    receiver: str | None
    control: int
    production: bool
    trial: bool
    content: bytes


@dataclass(frozen=True)
class NewClaim:
    """`releases`: of its lines, by line id; none of a void. `about`: the earlier claim that it
    replaces or voids."""

    number: str
    draft_id: str
    patient_id: int
    frequency: str
    original: str | None
    about: int | None
    total: Decimal
    lines: Sequence[str]
    releases: dict[str, int]


@dataclass(frozen=True)
class KeptClaim:
    id: int
    name: str
    content: bytes


_SENT = """select c.id, c.number, c.patient_id, c.lines, c.state, c.payer_number, f.site,
    f.name as file, f.kind, f.production from claims c join claim_files f on f.id = c.file_id
    where (not f.trial or %(with_trials)s)"""


def next_number(db: Db) -> int:
    """Never the same twice: a sequence does not roll back."""
    row = db.execute("select nextval('claim_numbers')").fetchone()
    return int(row[0]) if row else 0


def of_lines(db: Db, patient_id: int, lines: Sequence[str]) -> list[Sent]:
    """Claims that carried any of these lines and still stand, newest first."""
    return selected(
        db,
        "and c.patient_id = %(patient)s and c.lines && %(lines)s::text[] and c.frequency <> '8'"
        " and c.state = any(%(states)s) order by c.id desc",
        {"patient": patient_id, "lines": list(lines), "states": list(STANDING)},
    )


def by_id(db: Db, claim_id: int) -> Sent | None:
    found = selected(db, "and c.id = %(id)s", {"id": claim_id}, with_trials=True)
    return next(iter(found), None)


def by_number(db: Db, site: str, number: str) -> Sent | None:
    """The newest claim of that number."""
    where = "and f.site = %(site)s and c.number = %(number)s order by c.id desc"
    found = selected(db, where, {"site": site, "number": number})
    return next(iter(found), None)


def selected(
    db: Db, rest: str, values: Mapping[str, object], *, with_trials: bool = False
) -> list[Sent]:
    """Claims, by the REST of the query: conditions and order."""
    with db.cursor(row_factory=class_row(Sent)) as cursor:
        given = {**values, "with_trials": with_trials}
        return cursor.execute(f"{_SENT} {rest}".encode(), given).fetchall()


def record(db: Db, file: NewFile, claims: Iterable[NewClaim], by: str, role: str | None) -> int:
    """Keeps a file with its claims and says so in the audit table; its id. All in the caller's
    transaction."""
    one_at_a_time(db)
    sha = hashlib.sha256(file.content).hexdigest()
    row = db.execute(
        "insert into claim_files (site, name, format, kind, receiver, control, production, trial,"
        " written_by, sha256, content) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " returning id",
        [file.site, file.name, file.format, file.kind, file.receiver, file.control,
         file.production, file.trial, by, sha, file.content],
    ).fetchone()  # fmt: skip
    file_id = int(row[0]) if row else 0
    count = 0
    for claim in claims:
        _record_claim(db, file_id, file, claim, by, role)
        count += 1
    audit.note(
        db,
        by,
        "wrote a claim file",
        role=role,
        site=file.site,
        resource=f"ClaimFile/{file_id}",
        file=file.name,
        claims=count,
        sha256=sha,
        test=not file.production,
    )
    return file_id


def _record_claim(
    db: Db, file_id: int, file: NewFile, claim: NewClaim, by: str, role: str | None
) -> None:
    row = db.execute(
        "insert into claims (file_id, number, draft_id, patient_id, frequency, original, about,"
        " total, lines) values (%s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
        [file_id, claim.number, claim.draft_id, claim.patient_id, claim.frequency, claim.original,
         claim.about, claim.total, list(claim.lines)],
    ).fetchone()  # fmt: skip
    if file.trial or row is None:
        return
    for line, release in claim.releases.items():
        _line_left(db, int(row[0]), claim, line, release, file.production)
    audit.note_lines(
        db,
        by,
        "sent",
        claim.releases,
        role=role,
        site=file.site,
        patient_id=claim.patient_id,
        file=file.name,
        claim=claim.number,
    )
    if claim.about is not None:
        settle(db, claim.about)


def _line_left(
    db: Db, claim_id: int, claim: NewClaim, line: str, release: int, production: bool
) -> None:
    try:
        with db.transaction():
            left = db.execute(
                "insert into claim_lines (claim_id, patient_id, line_id, release_id, production)"
                " select %s, %s, %s, id, %s from releases where id = %s and withdrawn_at is null"
                " for share",
                [claim_id, claim.patient_id, line, production, release],
            )
    except UniqueViolation:
        raise NotWritten("A line left in another claim file") from None
    if not left.rowcount:
        raise NotWritten("The release of a line was taken back")


def one_at_a_time(db: Db) -> None:
    """Waits for whoever else makes anything of claims: what becomes of one is one decision after
    the other, and nobody who needs several waits for somebody who needs the same. Until the
    transaction ends."""
    db.execute("select pg_advisory_xact_lock(hashtextextended('answers', 0))")


def held(db: Db, claim: Sent) -> Sent:
    """As it is now; until the transaction ends nobody else changes it, or decides about its
    patient's lines: whoever does has the patient first."""
    row = db.execute(
        "select c.state from claims c join patients p on p.id = c.patient_id where c.id = %s"
        " for no key update",
        [claim.id],
    )
    return replace(claim, state=next(iter(row), (claim.state,))[0])


# The first payer's, whatever those behind it call the claim; after a correction the newer one.
_PAYER_NUMBER = """with told as (
        select * from answers where claim_id = %(id)s and payer_number <> ''
            and not (kind = '835' and codes && %(others)s)),
    first as (select payer from told where kind = '835' order by day, payer limit 1)
    select payer_number from told order by kind = '835' desc,
        payer = (select payer from first) desc, day desc nulls last,
        says = 'reversed', payer_number desc limit 1"""
# CLP02 of a payer that is not the first, and of claims that are not decided.
_NOT_FIRST = sorted(BEHIND | UNDECIDED_STATUSES)


def settle(db: Db, claim_id: int) -> list[Settled]:
    """Makes a claim what its answers and the claims about it say, with the payer's number of it;
    and the claim that it was to replace or to void what that makes of it."""
    state = _state(db, claim_id)
    query = f"""update claims c set state = %(state)s, payer_number = ({_PAYER_NUMBER}),
        state_at = case when c.state = %(state)s then c.state_at else now() end
        from (select id, state from claims where id = %(id)s for no key update) old
        where c.id = old.id returning c.about, old.state"""  # noqa: S608
    values = {"state": state, "id": claim_id, "others": _NOT_FIRST}
    settled = []
    for earlier, was in db.execute(query.encode(), values).fetchall():
        settled.append(Settled(claim_id, was, state))
        settled += settle(db, earlier) if earlier is not None else []
    return settled


def _state(db: Db, claim_id: int) -> ClaimState:
    """A claim whose replacement or void stands is that; else what its answers say."""
    row = db.execute(
        "select c.frequency from claims c join claim_files f on f.id = c.file_id where c.about = %s"
        " and c.state <> 'rejected' and not f.trial order by c.id desc limit 1",
        [claim_id],
    ).fetchone()
    if row:
        return "void" if row[0] == "8" else "replaced"
    found = db.execute(
        "select a.kind, a.says, a.day, a.paid + a.share, exists (select 1 from counted_answers n"
        " where n.id = a.id) from answers a where a.claim_id = %s and a.says <> 'received'",
        [claim_id],
    )
    return standing([SaidOfClaim(*said) for said in found])


def billed_lines(db: Db, claim_id: int) -> list[BilledLine]:
    with db.cursor(row_factory=class_row(BilledLine)) as cursor:
        return cursor.execute(
            "select cl.line_id as id, r.document ->> 'code' as code,"
            " (r.document ->> 'serviceDate')::date as day,"
            " r.document -> 'modifiers' ? 'JW' as is_discard"
            " from claim_lines cl join releases r on r.id = cl.release_id where cl.claim_id = %s",
            [claim_id],
        ).fetchall()


def placed(db: Db, file_ids: Sequence[int]) -> None:
    db.execute("update claim_files set placed_at = now() where id = any(%s)", [list(file_ids)])


def not_placed(db: Db, site: str) -> list[KeptClaim]:
    """Files that were kept and never stood in their folder, since the process ended between."""
    with db.cursor(row_factory=class_row(KeptClaim)) as cursor:
        return cursor.execute(
            "select id, name, content from claim_files where site = %s and placed_at is null"
            " order by id",
            [site],
        ).fetchall()


def content(db: Db, name: str, sites: Sequence[str]) -> KeptClaim | None:
    """A file by its name."""
    with db.cursor(row_factory=class_row(KeptClaim)) as cursor:
        return cursor.execute(
            "select id, name, content from claim_files where name = %s and site = any(%s)"
            " order by id desc limit 1",
            [name, list(sites)],
        ).fetchone()


def numbers(db: Db) -> Iterator[int]:
    """Each the next one, in transactions of the caller's connection."""
    while True:
        yield next_number(db)
