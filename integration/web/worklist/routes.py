"""The biller's worklist: saved views, filters in the address, one line open beside the list, and
bulk actions.

Held by tests/contract/test_worklist.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from msgspec import convert, to_builtins

from integration.smart.refusal import Refusal
from integration.smart.sessions import Session
from integration.store import Db, audit, failures, worklist
from integration.store.patients import Patient
from integration.store.releases import NotReleasable
from integration.store.worklist import Filters, Row
from integration.web.gate import Biller, FromOurPage, OfPages, PageContext
from integration.web.pages import PageRoute, actor, download, page
from integration.web.worklist import acting, answering, deciding, desk, export, sending, sites
from integration.web.worklist.acting import Act, Results, acted, role_of
from integration.web.worklist.deciding import Entered
from integration.web.worklist.desk import Filtered, address
from integration.web.worklist.story import story
from integration.wording import words
from integration.work import giving_up
from integration.work.queue import PERSON
from mappings import codes
from mappings.writing.answers.write_offs import write_off_reasons

router = APIRouter(route_class=PageRoute, include_in_schema=False)
ALL_SELECTED = 500
EXPORTED_AT_ONCE = 2000
MOST_FAILED = 50  # on the page; an EHR that is away for days leaves thousands


@router.get("/worklist")
def show(
    request: Request,
    here: OfPages,
    filters: Filtered,
    session: Biller,
    open: str = "",  # noqa: A002 (as in the address)
    told: str = "",
) -> Response:
    kept = here.sessions.told(session, told) if told else {}
    return _page(request, here, session, filters, open, convert(kept, Results) if kept else None)


@router.get("/worklist.csv")
def table(here: OfPages, filters: Filtered, session: Biller) -> Response:
    """The list as it is filtered, all pages."""
    with here.store.snapshot() as db:
        today = date.today()  # noqa: DTZ011 (the age of a line in days)
        text = export.text_of(_every(db, filters, sites.names(here)), sites.payers(here), today)
        audit.note(db, actor(session), "exported the list", role="biller", view=filters.view)
    return download(text, "worklist.csv", here)


def _every(db: Db, filters: Filters, known: Sequence[str]) -> Iterator[Row]:
    number, clinician = 1, words.of_clinicians()
    while found := worklist.rows(
        db, replace(filters, page=number), known, clinician, EXPORTED_AT_ONCE
    ):
        yield from found
        number += 1


@router.post("/worklist/failed", dependencies=[FromOurPage])
def failed(
    here: OfPages,
    session: Biller,
    filters: Filtered,
    number: Annotated[int, Form(ge=0, lt=2**63)],
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Tries failed work again; with a REASON it is let be."""
    reason = reason.strip()
    with here.store.transaction() as db:
        if failures.find(db, number) is None:
            done = "Nothing was done: somebody settled that work already."
        elif reason:
            giving_up.discard(db, number, actor(session), reason)
            done = "The work was let be."
        else:
            giving_up.retry(db, here.queue, number, actor(session))
            done = "It is tried again now."
    return _then(here, session, filters, "", Results(done))


@router.post("/worklist/decisions", dependencies=[FromOurPage])
def decide(
    here: OfPages,
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
    number: Annotated[str, Form(max_length=50)] = "",
    units: Annotated[str, Form(max_length=7)] = "",
    begins: Annotated[str, Form(max_length=10)] = "",
    ends: Annotated[str, Form(max_length=10)] = "",
    misread: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """What a person decides of the opened line; whose lines it may change are assessed at once."""
    said = (authorization, days, confirmed_by, until, why, second, number, units, begins, ends)
    entered = Entered(place[:20], *said, misread[:20])
    settle = partial(deciding.KINDS[about], entered=entered) if about in deciding.KINDS else None
    return _decided(here, session, filters, line, settle, "Recorded")


@router.post("/worklist/decisions/end", dependencies=[FromOurPage])
def end_decision(
    here: OfPages,
    session: Biller,
    filters: Filtered,
    line: Annotated[str, Form(max_length=200)],
    number: Annotated[int, Form(ge=0, lt=2**63)],
) -> Response:
    """Takes back a decision that the opened line shows; it was recorded by mistake."""
    settle = partial(deciding.taken_back, number=number)
    return _decided(here, session, filters, line, settle, "Taken back")


def _decided(
    here: PageContext,
    session: Session,
    filters: Filters,
    line: str,
    settle: Callable[..., list[Patient]] | None,
    done: str,
) -> Response:
    """SETTLEs something of a line; whose lines that may change are assessed at once."""
    try:
        with here.store.transaction() as db:
            row = worklist.get(db, line, sites.names(here))
            if row is None or settle is None:
                raise NotReleasable("The line is no longer there.")
            site = here.settings.site(row.site)
            with codes.using(site.facts().codes):
                waiting = settle(db, row, who=actor(session), role=role_of(session))
            by_itself = not site.only_people_read
            if by_itself:
                here.queue.assess_all(db, waiting, "person", priority=PERSON)
    except NotReleasable as error:
        raise Refusal("Nothing was recorded", acting.sentence(error), status=422) from None
    who_waits = words.plural(len(waiting), "patient")
    when_ = "in a moment" if by_itself else "when somebody next opens their chart"
    said = f"{done}. {who_waits} will be assessed again {when_}."
    return _then(here, session, filters, line, Results(said))


@router.post(answering.PATH, dependencies=[FromOurPage])
def answers(
    here: OfPages,
    session: Biller,
    filters: Filtered,
    file: Annotated[list[UploadFile], File()] = [],  # noqa: B006 (FastAPI copies it)
) -> Response:
    """What came back of claims, in files of the clearinghouse or the payers."""
    return _then(here, session, filters, "", answering.read(here, session, file))


@router.post("/worklist", dependencies=[FromOurPage])
def act(
    here: OfPages,
    session: Biller,
    filters: Filtered,
    action: Annotated[str, Form(max_length=20)],
    line: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    seen: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    reason: Annotated[str, Form(max_length=300)] = "",
    owner: Annotated[str, Form(max_length=80)] = "",
    text: Annotated[str, Form(max_length=2000)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
    label: Annotated[str, Form(max_length=40)] = "",
    code: Annotated[str, Form(max_length=40)] = "",
    why: Annotated[str, Form(max_length=300)] = "",
    open: Annotated[str, Form()] = "",  # noqa: A002
) -> Response:
    """One action on the selected lines, each with the other of its pair. What cannot be done is
    told; the others are done. SEEN: `key=stamp` of the lines on the page."""
    keys = list(dict.fromkeys(line))[:ALL_SELECTED]
    if not keys:
        return _then(here, session, filters, open, Results("Nothing was selected."))
    if action == "write":
        return _then(here, session, filters, open, _written(here, session, keys))
    stamps = dict(shown.rpartition("=")[::2] for shown in seen)
    said = (part.strip() for part in (reason, owner, text, until, label, code, why))
    results = acted(here, session, keys, Act(action, stamps, *said))
    return _then(here, session, filters, open, results)


def _then(
    here: PageContext, session: Session, filters: Filters, open_: str, results: Results
) -> Response:
    """The list again, with what was done: as a page of its own, so that reloading it does nothing
    a second time."""
    told = here.sessions.tell(session, to_builtins(results))
    return RedirectResponse(address(filters, open=open_, told=told), 303)


def _written(here: PageContext, session: Session, keys: Sequence[str]) -> Results:
    """Claims of the selected lines, each with the other of its pair."""
    with here.store.transaction() as db:
        found = [worklist.get(db, key, sites.names(here)) for key in keys]
    rows = [row for row in found if row is not None and row.released_at is not None]
    if not rows:
        return Results("No claim was written: select released lines.")
    return sending.write(here, session, rows)


def _page(
    request: Request,
    here: PageContext,
    session: Session,
    filters: Filters,
    open_: str,
    results: Results | None = None,
) -> Response:
    with here.store.snapshot() as db:
        known = sites.names(here)
        sums = worklist.sums(db, filters, known, words.of_clinicians())
        filters = replace(filters, page=min(filters.page, max(1, sums.pages)))
        found = worklist.rows(db, filters, known, words.of_clinicians())
        row = worklist.get(db, open_, known) if open_ else None
        opened = (
            story(db, row, worklist.pair_of(db, row.key, known), here.settings) if row else None
        )
        if row:
            worklist.note(db, row, "looked at", actor(session), "biller")
        else:
            audit.note(db, actor(session), "saw the worklist", role="biller", view=filters.view)
        context: dict[str, Any] = {
            "counts": worklist.counts(db, known, words.of_clinicians()),
            "choices": worklist.choices(db, known),
            "failed": [
                (failure, sites.at(here, failure.site, failure.failed_at))
                for failure in failures.every(db, most=MOST_FAILED)
            ],
            "failures": failures.count(db),
            "troubled": sites.resting(db, here),
            "waiting": sites.waiting(db, here),
            "unanswered": sites.unanswered(db, here),
        }
    payers = sites.payers(here)
    active = desk.active(filters, payers)
    today = date.today()  # noqa: DTZ011 (the age of a line in days)
    return page(
        request,
        "worklist.html",
        filters=filters,
        views=desk.VIEWS,
        cells=list(desk.cells(found, filters, today, payers)),
        sums=sums,
        worth=desk.amount(sums),
        pages=sums.pages,
        opened=opened,
        open=open_ if opened else "",
        results=results,
        csrf=session.csrf,
        user=session.who.label,
        active=active,
        empty=desk.empty(filters, context["counts"], filtered=bool(active)),
        title=dict(desk.VIEWS)[filters.view],
        address=address,
        place=desk.place,
        parts=desk.parts(filters, context["choices"], payers, known),
        releasing=filters.view not in (*desk.RELEASED, *desk.HELD[:2], "not-billable"),
        released=filters.view in desk.RELEASED,
        mixed=filters.view in ("all", "snoozed", "changed"),
        closing=filters.view in ("denied", "snoozed", "all"),
        write_offs=write_off_reasons(),
        payers=payers,
        prices=sites.prices(here, filters, today),
        **context,
    )
