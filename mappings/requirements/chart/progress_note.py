"""The note of the visit.

Held by tests/scenarios/orders_notes.yaml.
"""

from datetime import timedelta

from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.record import KIND_OF_NOTE, Note
from mappings.requirements import quoting
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date


def progress_note(charge: Charge) -> Result | None:
    """A final note of the encounter, or one within the policy's window before the dose."""
    rule = charge.rules.progress_note
    if rule is None or not charge.applies(rule) or charge.day is None:
        return None
    here = charge.encounter.source.resource if charge.encounter else None
    first = charge.day - timedelta(days=rule.window_days)
    of_encounter = [note for note in charge.record.notes if here and here in note.encounters]
    dated = [
        note
        for note in charge.record.notes
        if note.when and note.when.days(charge.zone)[0] <= charge.day
    ]
    recent = [note for note in dated if note.when and note.when.days(charge.zone)[1] >= first]
    final = [note for note in [*of_encounter, *recent] if note.final]
    if final:
        return Result(
            state="met",
            says=_signed(final),
            evidence=(cite(final[0].source, quoting.note(final[0], charge.zone)),),
            rule=rule,
        )
    if of_encounter or recent:
        note = (of_encounter or recent)[0]
        return Result(
            state="incomplete",
            says=_doubt(note),
            evidence=(cite(note.source, quoting.note(note, charge.zone)),),
            rule=rule,
        )
    older = [note for note in dated if note.final]
    if older:
        return Result(
            state="expired",
            evidence=tuple(cite(note.source, quoting.note(note, charge.zone)) for note in older),
            says=(
                f"The last note was written more than {rule.window_days} days before"
                f" {us_date(charge.day)}."
            ),
            rule=rule,
        )
    return Result(
        state="missing",
        says=(
            f"No progress note from the encounter or from the {rule.window_days} days before"
            f" {us_date(charge.day)}."
        ),
        rule=rule,
    )


def _doubt(note: Note) -> str:
    if note.unread is None:
        return "The note is not signed (its status is not final)."
    if note.unread.element == KIND_OF_NOTE:
        return f"A note is on record, and nothing says of which kind it is: {note.unread}."
    return f"The status of the note is not understood: {note.unread}."


def _signed(notes: list[Note]) -> str:
    """Marked where no note says that it is signed (R10)."""
    if any(note.stated for note in notes):
        return "A final note is on record."
    return "A note is on record; it does not say whether it is signed."
