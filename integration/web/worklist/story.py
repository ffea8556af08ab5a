"""The whole story of one line: chain, gaps and who settles them, history, notes, and the service
lines of its claim.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from integration.configuration.settings import Settings
from integration.configuration.site import Site
from integration.store import Db, answers, assessments, audit, gaps, notes, write_offs
from integration.store.audit import AuditRow
from integration.store.decisions import Recorded
from integration.store.gaps import GapRow
from integration.store.notes import LineNote
from integration.store.worklist import Pair, Row
from integration.web.chart.views import link_into_chart
from integration.web.worklist import desk
from integration.web.worklist.settling import Open, decided_of, findings_of, to_settle
from integration.wording import amounts, words
from integration.wording import answers as answer_words
from integration.wording.amounts import Sum
from mappings import codes
from mappings.assessment import WORST_FIRST, ClaimLine, Finding
from mappings.authorizing import drawing
from mappings.codes.requirement import Owner
from mappings.writing.form837.claim_loops import preview
from mappings.writing.preparing.drafts import draft_of
from mappings.writing.x12.segments import written

# What the audit table calls an action, as a sentence goes on.
_DONE = {
    "saw": "opened the chart page",
    "looked at": "looked at the line",
    "waived": "waived a requirement",
    "took back a waiver": "took back a waiver",
    "created": "wrote the gap into the chart",
    "updated": "updated the gap in the chart",
    "recorded": "recorded it in the chart",
    "released": "released the line",
    "sent": "sent the line in a claim",
    "withdrew": "took the release back",
    "assigned": "assigned the line",
    "snoozed": "snoozed the line, or woke it",
    "labeled": "put a label on, or took it off",
    "ordered": "put a draft order into the chart",
    "refused": "entered what the EHR did not take",
    "reinstated": "put the release back",
    "wrote off": "wrote the line off",
    "reopened": "reopened the line that was written off",
    "noted": "wrote a note",
    "drew up": "drew up a request for authorization",
    "decided": "recorded a decision",
    "took back a decision": "took back a decision",
}


LOOKS = ("saw", "looked at")


@dataclass(frozen=True)
class Event:
    at: str
    says: str
    order: datetime


@dataclass(frozen=True)
class GapView:
    title: str
    finding: str
    owner: Owner
    fix: str
    blocking: bool
    waived: str | None
    written: str | None
    denial: str | None


@dataclass(frozen=True)
class Attachment:
    """A document or result of the chart that backs the line, with a way to it where the site has
    one."""

    title: str
    says: str
    resource: str
    link: str | None


@dataclass(frozen=True)
class CdsCard:
    """A card that stood in an order dialog, and what became of it."""

    shown: str
    summary: str
    outcome: str


@dataclass(frozen=True)
class Story:
    """`pair`: the line and the other of its pair; `worth` of both. `draws_up`: whether a request
    for its authorization may be."""

    row: Row
    pair: Pair
    worth: Sum
    own_worth: str
    may_release: bool
    draws_up: bool
    line: ClaimLine
    text: str
    gaps: tuple[GapView, ...]
    events: tuple[Event, ...]
    notes: tuple[LineNote, ...]
    cards: tuple[CdsCard, ...]
    attachments: tuple[Attachment, ...]
    x12: str
    answers: tuple[Event, ...]
    written_off: Event | None
    chips: tuple[str, ...]
    open: Open
    decided: tuple[Recorded, ...]


def story(db: Db, row: Row, pair: Pair, settings: Settings) -> Story:
    line = row.line
    zone = settings.site(row.site).time_zone
    concerned = [
        found
        for found in gaps.of_patient(db, row.site, row.patient)
        if row.line_id in found.gap.lines
    ]
    own = findings_of(db, row)
    events = [
        *_assessed(db, row, zone),
        *_audited(db, pair, zone, {found.gap.id for found in concerned}),
    ]
    return Story(
        row=row,
        pair=pair,
        worth=desk.worth(pair),
        own_worth=amounts.worth(line) or "not billed",
        may_release=desk.may_release(pair),
        draws_up=drawing.waits(line) and not settings.site(row.site).only_people_read,
        line=line,
        text=line.text,
        gaps=tuple(
            _gap(found, own.get(found.gap.requirement), settings.site(row.site))
            for found in sorted(
                concerned, key=lambda found: (not found.gap.blocking, found.gap.requirement)
            )
        ),
        events=tuple(sorted(events, key=lambda event: event.order, reverse=True)),
        notes=tuple(
            note
            for note in notes.of_patient(db, row.patient_id)
            if note.line_id in (None, row.line_id, row.pair)
        ),
        cards=tuple(_cards(db, row, zone)),
        attachments=tuple(_attachments(db, row, settings)),
        x12=service_preview(pair),
        answers=tuple(_answers(db, pair, zone)),
        written_off=_written_off(db, pair, zone),
        chips=tuple(words.reason(reason) for reason in line.reasons),
        open=to_settle(db, row),
        decided=tuple(decided_of(db, row)),
    )


def _gap(found: GapRow, own: Finding | None, site: Site) -> GapView:
    gap = found.gap
    said = own if own and own.state in WORST_FIRST and own.says else None
    waived = f"waived by {found.waived_by}: {found.waiver_reason}" if found.waived_by else None
    written = {
        "confirmed": "noted in the chart",
        "refused": "the EHR does not accept it",
        "sent": "sent, awaiting an answer",
    }
    if site.only_people_read:
        written["pending"] = "noted in the chart when somebody next opens it"
    return GapView(
        title=words.title(gap.requirement),
        finding=words.first_sentence((said and said.says) or gap.message),
        owner=words.owner(gap.requirement),
        fix=(said and said.fix) or gap.fix,
        blocking=gap.blocking,
        waived=waived,
        written=written.get(found.written or ""),
        denial=(
            " + ".join([gap.predicted_denial.carc, *gap.predicted_denial.rarc])
            if gap.predicted_denial
            else None
        ),
    )


def _attachments(db: Db, row: Row, settings: Settings) -> Iterator[Attachment]:
    """What backs the line's requirements, as the newest assessment found it."""
    kept = assessments.current(db, row.site, row.patient)
    doses = set(row.line.administrations)
    found = (
        [
            finding
            for finding in kept.assessment.requirements
            if doses & set(finding.administrations)
        ]
        if kept
        else []
    )
    site, seen = settings.site(row.site), set[tuple[str, str]]()
    attached = [
        requirement.id for requirement in codes.requirements().values() if requirement.attached
    ]
    for finding in sorted(
        (item for item in found if item.requirement in attached),
        key=lambda item: attached.index(item.requirement),
    ):
        for item in finding.evidence if finding.state == "met" else ():
            if (finding.requirement, item.resource) not in seen:
                seen.add((finding.requirement, item.resource))
                link = link_into_chart(site, row.patient, item.resource)
                yield Attachment(words.title(finding.requirement), item.says, item.resource, link)


def _assessed(db: Db, row: Row, zone: str | None) -> list[Event]:
    """What each different assessment said of the line."""
    events, last = [], ""
    for kept in reversed(assessments.history(db, row.site, row.patient)):
        line = next((line for line in kept.assessment.lines if line.id == row.line_id), None)
        says = (
            f"{line.text} {words.status(line.status)}{_because(line)}"
            if line
            else "no longer on record"
        )
        if says != last:
            events.append(
                Event(words.at(kept.as_of, zone), f"Assessed ({kept.cause}): {says}", kept.as_of)
            )
        last = says
    return events


def _because(line: ClaimLine) -> str:
    return f": {', '.join(words.reason(reason) for reason in line.reasons)}" if line.reasons else ""


def _audited(db: Db, pair: Pair, zone: str | None, gap_ids: set[str]) -> list[Event]:
    """What people and ferroclaim did about the pair, looks of one person as one event; other lines
    of the patient are left out."""
    ours = {*(f"ClaimLine/{row.line_id}" for row in pair), *(f"Gap/{gap}" for gap in gap_ids), None}
    found = [
        entry
        for entry in audit.of_patient(db, pair[0].patient_id)
        if _concerns(entry, ours, gap_ids)
    ]
    looks: dict[tuple[str, str], list[AuditRow]] = {}
    for entry in found:
        if entry.action in LOOKS:
            looks.setdefault((entry.actor, entry.action), []).append(entry)
    events = [
        Event(words.at(entry.at, zone), _audit_sentence(entry), entry.at)
        for entry in found
        if entry.action not in LOOKS
    ]
    for entries in looks.values():
        times = f", {len(entries)} times in all" if len(entries) > 1 else ""
        events.append(
            Event(
                words.at(entries[0].at, zone),
                f"{_audit_sentence(entries[0])}{times}",
                entries[0].at,
            )
        )
    return list(dict.fromkeys(events))


def _concerns(entry: AuditRow, ours: set[str | None], gap_ids: set[str]) -> bool:
    return (
        entry.resource in ours
        or entry.detail.get("gap") in gap_ids
        or entry.action in ("recorded", "ordered", "refused", "decided", "took back a decision")
    )


def _audit_sentence(entry: AuditRow) -> str:
    why = entry.detail.get("reason")
    resource = (
        entry.resource
        if entry.resource and not entry.resource.startswith(("ClaimLine/", "Gap/", "urn:"))
        else None
    )
    of, because = f" ({resource})" if resource else "", f": {why}" if why else ""
    return f"{entry.actor} {_DONE.get(entry.action, entry.action)}{of}{because}"


def _answers(db: Db, pair: Pair, zone: str | None) -> Iterator[Event]:
    """What was answered of the pair's claims, of an earlier one with its number."""
    for found in answers.of_lines(db, pair[0].patient_id, [row.line_id for row in pair]):
        says = answer_words.says(found.kind, found.says, found.why, found.paid, found.share)
        whose = f"{found.payer}: " if found.payer else ""
        of = "" if found.number == pair[0].sent_number else f" (claim {found.number})"
        yield Event(words.at(found.read_at, zone), f"{whose}{says}{of}", found.read_at)


def _written_off(db: Db, pair: Pair, zone: str | None) -> Event | None:
    found = write_offs.of_pair(db, pair) if pair[0].closed else None
    if found is None:
        return None
    return Event(words.at(found.at, zone), f"{found.says}, by {found.by}", found.at)


def _cards(db: Db, row: Row, zone: str | None) -> list[CdsCard]:
    found = db.execute(
        "select shown_at, summary, outcome, reason, comment from cds_cards where site = %s and"
        " patient = %s and outcome is not null order by shown_at desc limit 10",
        [row.site, row.patient],
    )
    return [
        CdsCard(words.at(at, zone), summary, ": ".join(filter(None, (outcome, reason, comment))))
        for at, summary, outcome, reason, comment in found
    ]


def service_preview(pair: Pair) -> str:
    """The pair's service lines as the claim writer writes them: as released, else as they are
    now."""
    lines = [row.leaving for row in pair if row.released_at or not row.gone_at]
    return written(preview(draft_of(pair[0].patient, lines)))
