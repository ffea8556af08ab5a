"""Denied and rejected lines that nobody pursues any further: written off by a person, pair by pair,
until a person or a payment opens them again.

Held by tests/contract/test_write_offs.py.
"""

from dataclasses import dataclass
from datetime import datetime

from integration.store import audit, claims, releases, worklist
from integration.store.claims import Sent
from integration.store.database.connection import Db
from integration.store.releases import NotEntered, NotReleasable
from integration.store.worklist import Pair
from mappings.writing.answers.write_offs import OTHER, write_off_reasons


@dataclass(frozen=True)
class WrittenOffBy:
    """Of a pair: `says` the reason with the note."""

    by: str
    at: datetime
    says: str


@dataclass(frozen=True)
class WriteOff:
    """`reason`: a code of the table; empty: the write-off is taken back."""

    reason: str
    note: str = ""

    @property
    def says(self) -> str:
        words = write_off_reasons()[self.reason]
        return f"{words} ({self.note})" if self.note else words


def write_off(db: Db, pair: Pair, said: WriteOff, by: str, role: str | None) -> None:
    """NotReleasable where nothing of the pair was refused, or no reason is given."""
    if said.reason not in write_off_reasons():
        raise NotEntered("Say why it is written off: choose a reason.")
    if said.reason == OTHER and not said.note:
        raise NotEntered("Say in the note why it is written off.")
    if not pair[0].refused or pair[0].changed:
        raise NotReleasable("was not denied or rejected: only such lines are written off.")
    if pair[0].closed:
        raise NotReleasable("was written off before.")
    for row in pair:
        if row.release is not None:
            db.execute(
                "insert into write_offs (patient_id, release_id, reason, note, written_off_by)"
                " values (%s, %s, %s, %s, %s)",
                [row.patient_id, row.release, said.reason, said.note, by],
            )
            worklist.note(db, row, "wrote off", by, role, code=said.reason, reason=said.says)


def of_pair(db: Db, pair: Pair) -> WrittenOffBy | None:
    row = db.execute(
        "select written_off_by, written_off_at, reason, note from write_offs"
        " where release_id = any(%s) and undone_at is null order by id limit 1",
        [[row.release for row in pair]],
    ).fetchone()
    return WrittenOffBy(row[0], row[1], WriteOff(row[2], row[3]).says) if row else None


def reopen(db: Db, pair: Pair, by: str, role: str | None) -> None:
    """Takes a write-off back."""
    if not pair[0].closed:
        raise NotReleasable("was not written off.")
    for row in pair:
        db.execute(
            "update write_offs set undone_by = %s, undone_at = now() where release_id = %s"
            " and undone_at is null",
            [by, row.release],
        )
        worklist.note(db, row, "reopened", by, role)


def of_claim(db: Db, site: str, number: str, said: WriteOff, by: str) -> tuple[int, list[str]]:
    """Writes off what was refused of a claim, or takes that back: how many lines, and why not
    others."""
    claim = claims.by_number(db, site, number)
    done, why, seen = 0, list[str](), set[str]()
    for line in claim.lines if claim else ():
        pair = worklist.pair_of(db, f"{claim.patient_id}:{line}", [site]) if claim else ()
        if not pair or pair[0].pair in seen or pair[0].sent_number != number:
            continue
        seen.add(pair[0].pair)
        try:
            pair = releases.to_decide(db, pair[0].key, [site])
            if said.reason:
                write_off(db, pair, said, by, None)
            else:
                reopen(db, pair, by, None)
            done += len(pair)
        except NotReleasable as problem:
            why.append(problem.why)
    return done, why or ([] if done else ["no line of that number waits in the worklist"])


def reopen_answered(db: Db, claim: Sent, by: str) -> None:
    """Those of a claim's patient whose pair is denied or rejected no longer, by what was just
    read."""
    found = db.execute(
        "with ended as (update write_offs w set undone_by = %(by)s, undone_at = now()"
        " from worklist_now n where w.patient_id = %(patient)s and n.patient_id = %(patient)s"
        " and w.undone_at is null and n.release = w.release_id and not n.refused"
        " returning n.line_id) select line_id from ended",
        {"by": by, "patient": claim.patient_id},
    )
    audit.note_lines(
        db,
        by,
        "reopened",
        [line for (line,) in found.fetchall()],
        site=claim.site,
        patient_id=claim.patient_id,
        reason=f"claim {claim.number} was answered",
    )
