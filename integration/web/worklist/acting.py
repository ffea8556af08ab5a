"""What a person does with the selected lines, each with the other of its pair: what was done, and
who was refused for which reason.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from integration.errors import FerroclaimError
from integration.smart.sessions import Session
from integration.store import Db, notes, patients, releases, write_offs
from integration.store.patients import Patient
from integration.store.releases import NotEntered, NotReleasable
from integration.store.worklist import Pair, Row
from integration.store.write_offs import WriteOff
from integration.web.gate import PageContext
from integration.web.pages import actor, incomplete
from integration.web.worklist import desk
from integration.web.worklist.deciding import entered_day
from integration.wording import amounts, words
from integration.work.queue import PERSON
from mappings.writing.answers.answer import REFUSED


@dataclass(frozen=True)
class RefusedLines:
    """A reason, and the lines that it stands against: `Abbott, Ines (J1756 JZ, Nov 1)`."""

    why: str
    who: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """What a bulk action did: how many, how much, and why not the others. `files`: claim files
    that it wrote; `beside`: what else is to be known, a sentence each."""

    done: str
    refused: tuple[RefusedLines, ...] = ()
    files: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Act:
    """An action with what its form says. `seen`: the stamp of each line as the page showed it."""

    name: str
    seen: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    owner: str = ""
    text: str = ""
    until: str = ""
    label: str = ""
    code: str = ""
    why: str = ""


def acted(here: PageContext, session: Session, keys: Sequence[str], act: Act) -> Results:
    """Each pair in a transaction of its own, all of it or nothing. Where nothing was done because
    the form lacks something it is refused, so that what was selected and entered stays."""
    seen: set[str] = set()
    done: list[Row] = []
    mistakes: list[bool] = []
    refused: dict[str, list[str]] = {}
    for key in keys:
        if key in seen:
            continue
        pair: Pair = ()
        try:
            with here.store.transaction() as db:
                pair = releases.to_decide(db, key, sorted(here.settings.sites))
                seen |= {row.key for row in pair}
                _one(db, here, session, pair, act)
        except FerroclaimError as error:
            refused.setdefault(why(error), []).extend(name(row) for row in pair[:1])
            mistakes.append(isinstance(error, NotEntered))
            continue
        done += pair
    if mistakes and not done and all(mistakes):
        raise incomplete(" ".join(map(_sentence, refused)))
    said = _said(done, act)
    return Results(said, tuple(RefusedLines(text, tuple(who)) for text, who in refused.items()))


def why(error: FerroclaimError) -> str:
    """The reason as it holds for each line that is refused for it."""
    if isinstance(error, NotReleasable) and error.held_by:
        firm = ", which nobody can waive" if error.firm else ""
        return f"held by {words.joined([words.title(holder) for holder in error.held_by])}{firm}"
    return (error.why if isinstance(error, NotReleasable) else str(error)).rstrip(".")


def sentence(error: FerroclaimError) -> str:
    """The reason by itself."""
    return _sentence(why(error))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def name(row: Row) -> str:
    """A line as a person knows it."""
    who = row.name or f"Patient {row.patient}"
    return (
        f"{who} ({' '.join([row.line.code, *row.line.modifiers])}, {words.day(row.service_date)})"
    )


def _one(db: Db, here: PageContext, session: Session, pair: Pair, act: Act) -> None:
    who, role = actor(session), role_of(session)
    patient = patients.by_id(db, pair[0].patient_id)
    if patient is None:
        raise NotReleasable("A selected line is no longer there.")
    if act.name == "release":
        if any(act.seen.get(row.key, row.stamp) != row.stamp for row in pair):
            raise NotReleasable("changed since this page was shown: look at it again")
        releases.release(db, pair, who, role, act.reason or None)
    elif act.name == "withdraw":
        releases.withdraw(db, pair, who, role)
    elif act.name == "recheck":
        if here.settings.site(patient.site).only_people_read:
            raise NotReleasable(
                f"Only people may read {patient.site}: open the chart of this patient to check it"
                " again."
            )
        here.queue.assess(db, patient, "person", priority=PERSON)
    elif act.name == "assign":
        releases.assign(db, pair, act.owner or None, who, role)
    elif act.name == "snooze":
        releases.snooze(db, pair, _waking(pair, act.until), who, role)
    else:
        _write_beside(db, patient, pair, act, who, role)


def _write_beside(db: Db, patient: Patient, pair: Pair, act: Act, who: str, role: str) -> None:
    if act.name == "write-off":
        write_offs.write_off(db, pair, WriteOff(act.code, act.why), who, role)
    elif act.name == "reopen":
        write_offs.reopen(db, pair, who, role)
    elif act.name in ("label", "unlabel") and act.label:
        releases.label(db, pair, act.label, who, role, off=act.name == "unlabel")
    elif act.name == "note" and act.text:
        notes.add(db, patient, act.text, who, role, pair[0].pair)
    else:
        raise NotEntered(
            "Say what to do: release, withdraw, recheck, assign, snooze, write-off, reopen,"
            " label, unlabel or note, with its text."
        )


def _waking(pair: Pair, until: str) -> date | None:
    """The day that was entered: one to come, and no later than the claim can be filed."""
    day = entered_day(until)
    today = date.today()  # noqa: DTZ011 (days of the billing office, here)
    filed = pair[0].sent_state not in (None, "rejected")
    days = [row.line.file_by for row in pair if row.line.file_by and not filed]
    due = min(days, default=None)
    if day and day <= today:
        raise NotEntered("A line is snoozed until a day to come.")
    if day and due and today <= date.fromisoformat(due) < day:
        raise NotEntered(f"The claim is to be filed by {words.day(due)}: snooze it to a day before")
    return day


def _said(done: Sequence[Row], act: Act) -> str:
    if act.name == "write-off":
        done = [row for row in done if row.answered in REFUSED]
    worth = desk.worth(done)
    lines = words.plural(len(done), "line")
    if not done:
        return "Nothing was done."
    says = {
        "release": f"{lines} released, {amounts.amount(worth)}.",
        "withdraw": f"The release of {lines} was taken back.",
        "recheck": f"{lines} will be checked again in a moment.",
        "assign": f"{lines} assigned to {act.owner or 'nobody'}.",
        "snooze": (
            f"{lines} snoozed until {words.day(act.until)}." if act.until else f"{lines} woken."
        ),
        "write-off": f"{lines} written off, {amounts.amount(worth)}.",
        "reopen": f"{lines} reopened.",
        "label": f"The label {act.label} was put on {lines}.",
        "unlabel": f"The label {act.label} was taken off {lines}.",
        "note": f"A note was added to {lines}.",
    }
    return says.get(act.name, "Nothing was done.")


def role_of(session: Session) -> str:
    return "biller" if session.may("biller") else "admin"
