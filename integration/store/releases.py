"""What people decide of a dose and its discard: always of both lines, all or nothing (R13).

Held by tests/contract/test_release.py.
"""

from collections.abc import Sequence
from datetime import date
from itertools import chain
from typing import LiteralString

from integration.errors import FerroclaimError
from integration.store import audit, claims, lines, worklist
from integration.store.claims import STANDING
from integration.store.database.connection import Db
from integration.store.patients import Patient
from integration.store.worklist import Pair, Row
from mappings.values.moment import shown

AUTO_RELEASE = "ready without a warning (auto_release)"


class NotReleasable(FerroclaimError):
    """This line cannot be released. `why` is the same of all lines that are refused alike;
    `held_by` the requirements in it, `firm` where nobody can waive them."""

    def __init__(
        self, why: str, line: str = "", held_by: Sequence[str] = (), *, firm: bool = False
    ) -> None:
        self.why, self.held_by, self.firm = why, tuple(held_by), firm
        super().__init__(f"{line} {why}".strip())


class NotEntered(NotReleasable):
    """A form lacks something: once it is entered, the same can be done."""


def to_decide(db: Db, key: str, sites: Sequence[str]) -> Pair:
    """The pair that the line KEY belongs to; until the transaction ends nobody else changes it."""
    found = worklist.get(db, key, sites)
    if found:
        db.execute("select 1 from patients where id = %s for update", [found.patient_id])
    pair = worklist.pair_of(db, key, sites) if found else ()
    if not pair:
        raise NotReleasable("A selected line is no longer there.")
    return pair


def release(db: Db, pair: Pair, by: str, role: str, reason: str | None = None) -> None:
    """Lets a pair go: a ready one, or one all of whose blocking gaps are waived, for a REASON."""
    for row in pair:
        _check(db, row, reason)
    for row in pair:
        db.execute(
            "insert into releases (patient_id, line_id, document, released_by, reason) values (%s,"
            " %s, %s, %s, %s)",
            [row.patient_id, row.line_id, row.document, by, reason],
        )
        worklist.note(db, row, "released", by, role, reason=reason)


def release_untouched(db: Db, patient: Patient) -> int:
    """The site's own decision of what is ready and needs nobody's eye; how many lines."""
    found = worklist.untouched(db, patient.id)
    for pair in found:
        release(db, pair, f"site {patient.site}", "site", AUTO_RELEASE)
    return sum(len(pair) for pair in found)


def withdraw(db: Db, pair: Pair, by: str, role: str) -> None:
    """Takes a release back, as long as nothing left with it. What is no longer on record goes."""
    released = [row for row in pair if row.released_at]
    if not released:
        raise NotReleasable("was not released.", _what(pair[0]))
    left = next((row for row in released if row.sent_number and row.sent_state in STANDING), None)
    if left and not left.changed:
        raise NotReleasable(
            f"left in claim {left.sent_number} ({left.sent_file}): void that claim first, with"
            f" `ferroclaim claims write --void {left.sent_number}=` and the payer's number,"
            " or, where the payer rejected it or wants a new one, say so with `ferroclaim claims"
            f" rejected {left.sent_number}`.",
            _what(left),
        )
    of_pair = [pair[0].patient_id, [row.line_id for row in pair]]
    db.execute(
        "update releases set withdrawn_by = %s, withdrawn_at = now() where patient_id = %s and"
        " line_id = any(%s) and withdrawn_at is null",
        [by, *of_pair],
    )
    db.execute(
        "update write_offs set undone_by = %s, undone_at = now() where undone_at is null"
        " and release_id = any(%s)",
        [by, [row.release for row in released]],
    )
    db.execute(
        "delete from lines where patient_id = %s and id = any(%s) and gone_at is not null", of_pair
    )
    for row in released:
        worklist.note(db, row, "withdrew", by, role)


def reinstate(db: Db, claim_id: int, by: str) -> None:
    """Puts back the releases that a claim left with and that were taken back while it did not
    stand: its payer has it after all. Not where the line left anew meanwhile; one that was
    released anew, and has not left, gives way."""
    claim = claims.by_id(db, claim_id)
    if claim is None:
        return
    values = {"claim": claim.id, "by": by}
    found = db.execute(_TAKEN_BACK, values).fetchall()
    back = [number for number, _, _ in found]
    db.execute(_GIVE_WAY, values | {"lines": [line for _, line, _ in found]})
    db.execute(
        "update releases set withdrawn_at = null, withdrawn_by = null where id = any(%s)", [back]
    )
    lines.restore(db, claim.patient_id, [document for _, _, document in found])
    audit.note_lines(
        db,
        by,
        "reinstated",
        [line for _, line, _ in found],
        site=claim.site,
        patient_id=claim.patient_id,
        reason=f"claim {claim.number} stands after all",
    )


_TAKEN_BACK = """select r.id, r.line_id, r.document::text from claim_lines c
    join releases r on r.id = c.release_id where c.claim_id = %(claim)s
    and r.withdrawn_at is not null and not exists (select 1 from releases n
        join claim_lines m on m.release_id = n.id where n.patient_id = r.patient_id
        and n.line_id = r.line_id and n.withdrawn_at is null)"""
_GIVE_WAY = """update releases r set withdrawn_by = %(by)s, withdrawn_at = now() from claims c
    where c.id = %(claim)s and r.patient_id = c.patient_id and r.line_id = any(%(lines)s)
    and r.withdrawn_at is null"""


def assign(db: Db, pair: Pair, owner: str | None, by: str, role: str) -> None:
    _set(db, pair, "owner", owner)
    for row in pair:
        worklist.note(db, row, "assigned", by, role, owner=owner)


def snooze(db: Db, pair: Pair, until: date | None, by: str, role: str) -> None:
    """Lets a pair sleep: it is out of the views of what is to be done, until that day."""
    _set(db, pair, "snoozed_until", until)
    for row in pair:
        worklist.note(db, row, "snoozed", by, role, until=str(until) if until else None)


def label(db: Db, pair: Pair, name: str, by: str, role: str, *, off: bool = False) -> None:
    """Puts a label on a pair, or takes it OFF."""
    kept = set(chain.from_iterable(row.labels for row in pair))
    _set(db, pair, "labels", sorted(kept - {name} if off else kept | {name}))
    for row in pair:
        worklist.note(db, row, "labeled", by, role, label=name, off="yes" if off else None)


def _set(db: Db, pair: Pair, column: LiteralString, value: object) -> None:
    query = f"update lines set {column} = %s where patient_id = %s and pair = %s"  # noqa: S608
    db.execute(query, [value, pair[0].patient_id, pair[0].pair])


def _what(row: Row) -> str:
    return (
        f"The line {' '.join([row.line.code, *row.line.modifiers])} of"
        f" {shown(row.line.given_on or 'an unknown date')}"
    )


def _check(db: Db, row: Row, reason: str | None) -> None:
    """Raises `NotReleasable` with what stands against it."""
    if row.released_at:
        raise NotReleasable("was already released. Take that back first.", _what(row))
    if row.gone_at or row.status == "not-billable":
        why = "is no longer on record" if row.gone_at else "is not billable"
        raise NotReleasable(f"{why}.", _what(row))
    if row.waits_for:
        raise _held(db, row)
    if row.status == "held" and not (reason and reason.strip()):
        raise NotEntered("has a waived gap: say why it is released anyway.", _what(row))


def _held(db: Db, row: Row) -> NotReleasable:
    firm = db.execute(
        "select distinct requirement from gaps where patient_id = %s and closed_at is null"
        " and blocking and not waivable and %s = any(lines) order by 1",
        [row.patient_id, row.line_id],
    ).fetchall()
    names = [name for (name,) in firm] or row.waits_for
    why = f"is held by {', '.join(names)}{', which nobody can waive' if firm else ''}."
    return NotReleasable(why, _what(row), names, firm=bool(firm))
