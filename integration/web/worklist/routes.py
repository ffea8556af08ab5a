"""The biller's worklist: saved views, filters in the address, one line open beside the list, and
bulk actions."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from integration.assessing.clients import policies_for
from integration.codes.folder import limits_in_words
from integration.errors import FerroclaimError
from integration.smart.sessions import Session
from integration.store import (
    Db,
    audit,
    failures,
    ledger,
    notes,
    patients,
    releases,
    rests,
    worklist,
)
from integration.store.releases import NotReleasable
from integration.store.rests import Rest
from integration.store.worklist import Filters, Pair, Row
from integration.web.gate import FromOurPage, House, InHouse, with_role
from integration.web.pages import PageRoute, actor, download, page, security_headers
from integration.web.worklist import deciding, sending
from integration.web.worklist.deciding import Entered
from integration.web.worklist.story import story
from integration.wording import amounts, words
from integration.work.queue import PERSON
from mappings.assessment import ClaimLine
from mappings.codes.requirement import Owner
from mappings.writing.table import safe

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Biller = Annotated[Session, with_role("biller", "admin")]
ALL_SELECTED = 500

VIEWS = (
    ("ready", "Ready to release"),
    ("held-clinician", "Held: clinician"),
    ("held-us", "Held: us"),
    ("waived", "Waived"),
    ("released", "Released"),
    ("sent", "Sent"),
    ("changed", "Changed after release"),
    ("not-billable", "Not billable"),
    ("all", "All lines"),
)
NAMED = 10  # patients in one sentence
EMPTY = {
    "ready": (
        "Nothing is waiting for you.",
        "Lines appear here as soon as their charts are complete.",
    ),
    "held-clinician": ("No clinician is needed.", "What a chart lacks would be listed here."),
    "held-us": (
        "Nothing is held by the billing office.",
        "Coverage, authorization and place of service are in order.",
    ),
    "waived": ("No waived lines.", "When a clinician waives a requirement, you decide here."),
    "released": ("Nothing has been released yet.", "Release ready lines from the first view."),
    "sent": ("No claim has been sent yet.", "Write claims of released lines from their view."),
    "changed": (
        "No released line has changed since.",
        "If a chart changes after the release, the line comes back here.",
    ),
}


@dataclass(frozen=True)
class Cell:
    """One row of the table."""

    row: Row
    on: str | None
    text: str
    state: str
    chips: tuple[tuple[str, Owner], ...]
    age: int | None
    days_left: int | None
    payer: str
    patient: str
    link: str


@dataclass(frozen=True)
class Results:
    """What a bulk action did: how many, how much, and why not the others. `files`: claim files
    that it wrote."""

    done: str
    refused: tuple[str, ...]
    files: tuple[str, ...] = ()


def _filters(
    view: str = "ready",
    site: str = "",
    policy: str = "",
    requirement: str = "",
    owner: str = "",
    find: str = "",
    changed: str = "",
    sort: str = "worth",
    page: int = 1,
) -> Filters:
    """What cannot be read is left out, so that an old bookmark still opens."""
    known = Filters(
        site=site,
        policy=policy,
        requirement=requirement,
        owner=owner,
        find=find[:80],
        changed="1" if changed else "",
    )
    view = view if view in worklist.VIEWS else "ready"
    return replace(
        known,
        view=view,
        sort=sort if sort in worklist.ORDER else "worth",  # type: ignore[arg-type]
        page=max(1, min(page, 10_000)),
    )


Filtered = Annotated[Filters, Depends(_filters)]


def address(filters: Filters, **changes: Any) -> str:
    """The address of a view; what is not set is left out."""
    wanted = {**asdict(filters), **changes}
    kept = {
        key: value
        for key, value in wanted.items()
        if value not in ("", None, asdict(Filters()).get(key))
    }
    return f"/worklist?{urlencode(kept)}" if kept else "/worklist"


@router.get("/")
def home(here: InHouse) -> Response:
    return RedirectResponse("/worklist", 303, security_headers(here.settings))


@router.get("/worklist")
def show(
    request: Request,
    here: InHouse,
    filters: Filtered,
    session: Biller,
    open: str = "",  # noqa: A002 (as in the address)
) -> Response:
    return _page(request, here, session, filters, open)


@router.get("/worklist.csv")
def table(here: InHouse, filters: Filtered, session: Biller) -> Response:
    """The list as it is filtered, all pages."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [
            "service date",
            "site",
            "patient",
            "payer policy",
            "line",
            "units",
            "status",
            "waits for",
            "money",
            "owner",
            "line id",
            "release reason",
            "claim",
            "claim file",
        ]
    )
    with here.store.transaction() as db:
        number, theirs = 1, words.of_clinicians()
        while found := worklist.rows(db, replace(filters, page=number), _sites(here), theirs):
            for row in found:
                writer.writerow([safe(cell) for cell in _cells(row)])
            number += 1
        audit.note(db, actor(session), "exported the list", role="biller", view=filters.view)
    return download(out.getvalue(), "worklist.csv", here)


def _cells(row: Row) -> list[object]:
    line = row.line
    what = " ".join([line.code, *line.modifiers])
    who = [row.line.given_on, row.site, row.patient, row.policy]
    waits = "; ".join(row.waits_for)
    left = [row.sent_number, row.sent_file]
    own = [row.line_id, row.release_reason, *left]
    return [*who, what, line.units, row.state, waits, row.value, row.owner, *own]


@router.post("/worklist/decisions", dependencies=[FromOurPage])
def decide(
    request: Request,
    here: InHouse,
    session: Biller,
    filters: Filtered,
    line: Annotated[str, Form(max_length=200)],
    about: Annotated[str, Form(max_length=20)],
    place: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    authorization: Annotated[str, Form(max_length=20)] = "",
    days: Annotated[str, Form(max_length=5)] = "",
    confirmed_by: Annotated[str, Form(max_length=200)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
    why: Annotated[str, Form(max_length=300)] = "",
    second: Annotated[str, Form(max_length=2)] = "",
) -> Response:
    """What a person decides of the opened line; whose lines it may change are assessed at once."""
    entered = Entered(place[:20], authorization, days, confirmed_by, until, why, second)
    who, role = actor(session), "biller" if session.may("biller") else "admin"
    try:
        with here.store.transaction() as db:
            row = worklist.get(db, line, _sites(here))
            if row is None or about not in deciding.KINDS:
                raise NotReleasable("The line is no longer there.")
            waiting = deciding.KINDS[about](db, row, entered, who, role)
            by_itself = not here.settings.site(row.site).only_people_read
            for patient in waiting if by_itself else ():
                here.queue.assess(db, patient, "person", priority=PERSON)
    except FerroclaimError as error:
        return _page(request, here, session, filters, line, Results("", (str(error),)))
    who_waits = words.plural(len(waiting), "patient")
    when_ = "in a moment" if by_itself else "when somebody next opens their chart"
    done = f"Recorded. {who_waits} will be assessed again {when_}."
    return _page(request, here, session, filters, line, Results(done, ()))


@router.post("/worklist", dependencies=[FromOurPage])
def act(
    request: Request,
    here: InHouse,
    session: Biller,
    filters: Filtered,
    action: Annotated[str, Form(max_length=20)],
    line: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    reason: Annotated[str, Form(max_length=300)] = "",
    owner: Annotated[str, Form(max_length=80)] = "",
    text: Annotated[str, Form(max_length=2000)] = "",
    open: Annotated[str, Form()] = "",  # noqa: A002
) -> Response:
    """One action on the selected lines, each with the other of its pair. What cannot be done is
    told; the others are done."""
    keys = list(dict.fromkeys(line))[:ALL_SELECTED]
    if not keys:
        return _page(request, here, session, filters, open, Results("Nothing was selected.", ()))
    if action == "write":
        return _page(request, here, session, filters, open, _written(here, session, keys))
    results = _acted(
        here, session, keys, action, reason=reason.strip(), owner=owner.strip(), text=text.strip()
    )
    return _page(request, here, session, filters, open, results)


def _written(here: House, session: Session, keys: Sequence[str]) -> Results:
    """Claims of the selected lines, each with the other of its pair."""
    with here.store.transaction() as db:
        found = [worklist.get(db, key, _sites(here)) for key in keys]
    rows = [row for row in found if row is not None and row.released_at is not None]
    if not rows:
        return Results("No claim was written: select released lines.", ())
    done, refused, files = sending.write(here, session, rows)
    return Results(done, tuple(refused), tuple(files))


def _acted(
    here: House,
    session: Session,
    keys: Sequence[str],
    action: str,
    *,
    reason: str,
    owner: str,
    text: str,
) -> Results:
    seen: set[str] = set()
    done: list[Row] = []
    refused: list[str] = []
    for key in keys:
        if key in seen:
            continue
        with here.store.transaction() as db:
            try:
                pair = releases.to_decide(db, key, _sites(here))
                seen |= {row.key for row in pair}
                _one(db, here, session, pair, action, reason, owner, text)
            except FerroclaimError as error:
                refused.append(str(error))
                continue
            done += pair
    money = sum((row.value or Decimal(0) for row in done), Decimal(0))
    says = {
        "release": f"{words.plural(len(done), 'line')} released, {amounts.money(money)}.",
        "withdraw": f"The release of {words.plural(len(done), 'line')} was taken back.",
        "recheck": f"{words.plural(len(done), 'line')} will be checked again in a moment.",
        "assign": f"{words.plural(len(done), 'line')} assigned to {owner or 'nobody'}.",
        "note": f"A note was added to {words.plural(len(done), 'line')}.",
    }
    return Results(says.get(action, "Nothing was done."), tuple(refused))


def _one(
    db: Db,
    here: House,
    session: Session,
    pair: Pair,
    action: str,
    reason: str,
    owner: str,
    text: str,
) -> None:
    who, role = actor(session), "biller" if session.may("biller") else "admin"
    patient = patients.by_id(db, pair[0].patient_id)
    if patient is None:
        raise NotReleasable("A selected line is no longer there.")
    if action == "release":
        releases.release(db, pair, who, role, reason or None)
    elif action == "withdraw":
        releases.withdraw(db, pair, who, role)
    elif action == "recheck":
        if here.settings.site(patient.site).only_people_read:
            raise NotReleasable(
                f"Only people may read {patient.site}: open the chart of this patient to check it"
                " again."
            )
        here.queue.assess(db, patient, "person", priority=PERSON)
    elif action == "assign":
        releases.assign(db, pair, owner or None, who, role)
    elif action == "note" and text:
        notes.add(db, patient, text, who, role, pair[0].pair)
    else:
        raise NotReleasable("Say what to do: release, withdraw, recheck, assign or note.")


def _page(
    request: Request,
    here: House,
    session: Session,
    filters: Filters,
    open_: str,
    results: Results | None = None,
) -> Response:
    with here.store.transaction() as db:
        sites = _sites(here)
        found = worklist.rows(db, filters, sites, words.of_clinicians())
        sums = worklist.sums(db, filters, sites, words.of_clinicians())
        row = worklist.get(db, open_, sites) if open_ else None
        opened = (
            story(db, row, worklist.pair_of(db, row.key, sites), here.settings) if row else None
        )
        if row:
            audit.note(
                db,
                actor(session),
                "looked at",
                role="biller",
                site=row.site,
                patient_id=row.patient_id,
                resource=f"ClaimLine/{row.line_id}",
            )
        else:
            audit.note(db, actor(session), "saw the worklist", role="biller", view=filters.view)
        context: dict[str, Any] = {
            "counts": worklist.counts(db, sites, words.of_clinicians()),
            "choices": worklist.choices(db, sites),
            "failed": [
                (f, words.at(f.failed_at, None) if f.failed_at else "") for f in failures.every(db)
            ],
            "troubled": _troubled(db, here),
            "waiting": _waiting(db, here),
        }
    payers = _payers(here)
    today = date.today()  # noqa: DTZ011 (the age of a line in days)
    return page(
        request,
        "worklist.html",
        filters=filters,
        views=VIEWS,
        cells=[_cell(row, filters, today, payers) for row in found],
        sums=sums,
        pages=-(-sums.pairs // worklist.PAGE_ROWS),
        opened=opened,
        open=open_ if opened else "",
        results=results,
        csrf=session.csrf,
        user=session.who.label,
        empty=EMPTY.get(filters.view, ("No line matches.", "Widen the filters.")),
        title=dict(VIEWS)[filters.view],
        address=address,
        requirement_title=words.title,
        sites=sites,
        payers=payers,
        prices=_prices(here, filters, today),
        **context,
    )


def _cell(row: Row, filters: Filters, today: date, payers: dict[str, str]) -> Cell:
    line = row.line
    named = row.waits_for or row.waived_for
    return Cell(
        row=row,
        on=line.given_on,
        text=line.text,
        state=row.state,
        chips=tuple((words.title(name), words.owner(name)) for name in named),
        age=(today - row.service_date).days if row.service_date else None,
        days_left=_days_left(row, line, today),
        payer=payers.get(row.policy or "", row.policy or "not known"),
        patient=row.name or f"Patient {row.patient}",
        link=address(filters, open=row.key),
    )


def _days_left(row: Row, line: ClaimLine, today: date) -> int | None:
    """Until the payer takes the claim no more; None where it is not known, or no claim is due."""
    due = line.file_by if row.released_at is None and line.is_billable else None
    return (date.fromisoformat(due) - today).days if due else None


def _troubled(db: Db, here: House) -> list[Rest]:
    """Sites that rest, and why: then the list may be behind the charts."""
    return [
        rest
        for rest in rests.troubled(db, _sites(here, by_itself=True))
        if rest.rest_until and rest.rest_until > datetime.now(UTC)
    ]


def _waiting(db: Db, here: House) -> list[tuple[str, str]]:
    """Sites that only people may read, and the patients whose charts are owed something there."""
    names: dict[str, list[str]] = {}
    closed = set(_sites(here)) - set(_sites(here, by_itself=True))
    for row in ledger.waiting(db, sorted(closed)):
        names.setdefault(row.site, []).append(row.name or f"Patient {row.patient}")
    return [(site, _listed(found)) for site, found in names.items()]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _payers(here: House) -> dict[str, str]:
    """Policy → what people call its payer."""
    sites = here.settings.sites.values()
    return {
        policy.id: policy.payer_name for site in sites for policy in policies_for(site).policies
    }


def _prices(here: House, filters: Filters, today: date) -> list[str]:
    """How old the payment limits are that the lines of today are priced with, by site where they
    differ."""
    said = {
        name: limits_in_words(site.code_dir, today)
        for name, site in here.settings.sites.items()
        if filters.site in ("", name)
    }
    if len(set(said.values())) == 1:
        return [next(iter(said.values()))]
    return [f"{name}: {text}" for name, text in sorted(said.items())]


def _sites(here: House, *, by_itself: bool = False) -> list[str]:
    """BY_ITSELF: those that the service reads without a person."""
    sites = here.settings.sites.values()
    return sorted(site.name for site in sites if not (by_itself and site.only_people_read))
