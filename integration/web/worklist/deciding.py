"""What a biller decides beside an opened line: who pays first, what a payer answers, the number of
an authorization that came, that an odd dose was given, that words were misread.

Held by tests/contract/test_deciding.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from integration.store import Db, decisions
from integration.store.patients import Patient
from integration.store.releases import NotEntered
from integration.store.worklist import Row
from integration.web.worklist.settling import decided_of, to_settle
from mappings import decisions as forms
from mappings.assessment import Evidence
from mappings.datafiles.error import DataFileError
from mappings.decisions import (
    Authorized,
    Decision,
    DoseGiven,
    MedicareSecondary,
    NoteMisread,
    PayerAnswer,
    PaysFirst,
)


class NotDecided(NotEntered):
    """What was entered is no decision yet."""


@dataclass(frozen=True)
class Entered:
    """The form of the side panel. `place`: of each plan shown, `Coverage/c1=1`; `second`: the code
    of why Medicare pays second, where it does; from `number` on of an authorization; `words`: keys
    of those that were misread."""

    place: Sequence[str] = ()
    authorization: str = ""
    days: str = ""
    confirmed_by: str = ""
    until: str = ""
    why: str = ""
    second: str = ""
    number: str = ""
    units: str = ""
    begins: str = ""
    ends: str = ""
    words: Sequence[str] = ()


def pays_first(db: Db, row: Row, entered: Entered, who: str, role: str) -> list[Patient]:
    """Records the order in which the plans shown pay, and why Medicare pays second where that was
    said; the patients to assess again."""
    plans = to_settle(db, row).plans
    if not plans:
        raise NotDecided("Who pays first is no longer open for this line.")
    ranked = _ranked(plans, entered.place)
    part = PaysFirst(
        patient=row.patient,
        coverage=ranked[0],
        then=tuple(ranked[1:]),
        as_seen={item.resource: item.says for item in plans},
    )
    decision = _decision(who, entered, pays_first=part)
    if entered.second:
        reason = MedicareSecondary(patient=row.patient, why=entered.second)
        second = _decision(who, entered, medicare_secondary=reason)
        decisions.record(db, row.site, second, who, role)
    return decisions.record(db, row.site, decision, who, role)


def payer_answer(db: Db, row: Row, entered: Entered, who: str, role: str) -> list[Patient]:
    """Records what the payer answered of the line's code; the patients to assess again."""
    payer = to_settle(db, row).payer
    if payer is None:
        raise NotDecided("The payer's answer is no longer open for this line.")
    if entered.authorization not in ("required", "not-required"):
        raise NotDecided("Say whether the payer requires authorization.")
    if not entered.confirmed_by.strip():
        raise NotDecided("Say who at the payer confirmed it, and how (a call, a portal, a letter).")
    if entered.days and not (entered.days.isdecimal() and 0 < int(entered.days) <= 3650):
        raise NotDecided(f"Write the days for a claim as a number such as 180, not {entered.days}.")
    part = PayerAnswer(
        payer=payer,
        code=row.line.code,
        authorization=entered.authorization,  # type: ignore[arg-type]
        timely_filing_days=int(entered.days) if entered.days else None,
        confirmed_by=entered.confirmed_by.strip(),
    )
    decision = _decision(who, entered, payer_answer=part)
    return decisions.record(db, row.site, decision, who, role)


def authorization(db: Db, row: Row, entered: Entered, who: str, role: str) -> list[Patient]:
    """Records an authorization that came by telephone, fax or portal; the patient to assess again.
    Without its days it would hold for any."""
    if not to_settle(db, row).authorization:
        raise NotDecided("The authorization is no longer open for this line.")
    begins, ends = entered_day(entered.begins), entered_day(entered.ends)
    if not entered.number.strip() or begins is None or ends is None:
        raise NotDecided("Write the number of the authorization, its first and its last day.")
    if entered.units and not (entered.units.isdecimal() and int(entered.units)):
        raise NotDecided(f"Write the units as a number such as 1000, not {entered.units}.")
    part = Authorized(
        patient=row.patient,
        number=entered.number.strip(),
        coverage=row.line.coverage,
        codes=(row.line.code,),
        units=Decimal(entered.units) if entered.units else None,
        start=begins,
        end=ends,
    )
    return decisions.record(db, row.site, _decision(who, entered, authorization=part), who, role)


def dose_given(db: Db, row: Row, entered: Entered, who: str, role: str) -> list[Patient]:
    """Records that a dose above every label was given; the patient to assess again."""
    odd = to_settle(db, row).dose
    if odd is None:
        raise NotDecided("The dose is no longer open for this line.")
    if not entered.why.strip():
        raise NotDecided("Say how you know that it was given (who confirmed it).")
    part = DoseGiven(patient=row.patient, administration=odd[0], mg=Decimal(odd[1]))
    return decisions.record(db, row.site, _decision(who, entered, dose_given=part), who, role)


def note_misread(db: Db, row: Row, entered: Entered, who: str, role: str) -> list[Patient]:
    """Records that words of the record say nothing against the dose; the patient to assess
    again."""
    found = [words for words in to_settle(db, row).words if words.key in entered.words]
    if not found:
        raise NotDecided("Mark the words that say nothing against the dose.")
    if not entered.why.strip():
        raise NotDecided("Say how you know that they were misread (who saw the record).")
    for words in found:
        decision = _decision(who, entered, note_misread=words.misread(row.patient))
        again = decisions.record(db, row.site, decision, who, role)
    return again


#: What can be recorded beside an opened line, by the form's `about`.
KINDS = {
    "pays-first": pays_first,
    "payer-answer": payer_answer,
    "authorization": authorization,
    "dose-given": dose_given,
    "note-misread": note_misread,
}


def taken_back(db: Db, row: Row, number: int, who: str, role: str) -> list[Patient]:
    """Ends a decision that the line shows; the patients to assess again."""
    found = next((kept for kept in decided_of(db, row) if kept.id == number), None)
    if found is None:
        raise NotDecided("That decision is no longer in force.")
    return decisions.take_back(db, found, who, role)


def _ranked(plans: Sequence[Evidence], places: Sequence[str]) -> list[str]:
    """The plans in the order that was entered: each has a place of its own."""
    entered = dict(place.rpartition("=")[::2] for place in places)
    said = [entered.get(item.resource, "") for item in plans]
    if sorted(said) != sorted(str(number) for number in range(1, len(plans) + 1)):
        raise NotDecided("Give each plan a place of its own, one of them primary.")
    return sorted((item.resource for item in plans), key=lambda name: int(entered[name]))


def entered_day(text: str) -> date | None:
    """Of a form; None where nothing was entered."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise NotDecided(f"There is no date {text}: write it as 2027-01-31.") from None


def _decision(
    who: str,
    entered: Entered,
    **part: PaysFirst | MedicareSecondary | PayerAnswer | Authorized | DoseGiven | NoteMisread,
) -> Decision:
    """Checked as a file of decisions is."""
    decision = Decision(
        who=who,
        when=date.today(),  # noqa: DTZ011 (the day on which it is decided, here)
        until=entered_day(entered.until),
        note=entered.why.strip() or None,
        **part,  # type: ignore[arg-type]
    )
    try:
        return forms.checked(decision)
    except DataFileError as problem:
        raise NotDecided(f"{problem}.") from None
