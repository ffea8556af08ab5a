"""The worklist and the figures as JSON, for the hospital's own tools, with the same session, roles
and audit as the pages.

Held by tests/contract/test_api.py.
"""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from integration.smart.sessions import Session
from integration.store import audit, worklist
from integration.web.gate import OfPages, with_role
from integration.web.pages import PageRoute, actor, page
from integration.web.problems import ApiProblem
from integration.web.worklist.desk import Filtered
from integration.web.worklist.figures import Choice, figures_now
from integration.wording import words

router = APIRouter(prefix="/api", tags=["worklist"])
docs = APIRouter(route_class=PageRoute, include_in_schema=False)
Biller = Annotated[Session, with_role("biller", "admin")]


class Line(BaseModel):
    """`key` names the line here; `line` is the line of the assessment document.

    Lines with the same `pair` are one decision: a dose, and what was discarded of it.
    """

    key: str
    pair: str
    site: str
    patient: str
    status: str
    waits_for: list[str]
    waived_for: list[str]
    service_date: date | None
    money: Decimal | None
    owner: str | None
    changed_at: datetime
    line: dict[str, Any]


class Lines(BaseModel):
    count: int
    money: Decimal
    lines: list[Line]


class FigureRows(BaseModel):
    name: str
    title: str
    says: str
    header: list[str]
    rows: list[list[str | int | Decimal]]


_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A character that is not text"},
    401: {"description": "Nobody is signed in"},
    403: {"description": "Without the role biller"},
}


@router.get("/worklist", responses=_REFUSALS)
def lines(here: OfPages, filters: Filtered, session: Biller) -> Lines:
    """A page of a saved view, filtered as the page is; money is in dollars."""
    sites = sorted(here.settings.sites)
    with here.store.transaction() as db:
        found = worklist.rows(db, filters, sites, words.of_clinicians())
        sums = worklist.sums(db, filters, sites, words.of_clinicians())
        audit.note(db, actor(session), "read the list", role="biller", view=filters.view)
    return Lines(count=sums.count, money=sums.money, lines=[_line(row) for row in found])


@router.get("/worklist/{key}", responses={**_REFUSALS, 404: {"description": "No such line"}})
def line(here: OfPages, session: Biller, key: Annotated[str, Path(max_length=80)]) -> Line:
    """One line by its `key`."""
    with here.store.transaction() as db:
        row = worklist.get(db, key, sorted(here.settings.sites))
        if row is None:
            raise ApiProblem(404, "There is no such line.")
        worklist.note_look(db, row, actor(session))
    return _line(row)


@router.get("/figures", responses=_REFUSALS)
def figures(
    here: OfPages,
    session: Biller,
    chosen: Choice,
    name: Annotated[str | None, Query(max_length=40)] = None,
) -> list[FigureRows]:
    """The tables behind the plots; with NAME only that one. PERIOD: 30, 90 or 365 days of service;
    POLICY: the payer's."""
    with here.store.transaction() as db:
        found = figures_now(db, chosen.scope(sorted(here.settings.sites)))
        audit.note(db, actor(session), "read the figures", role="biller")
    tables = [
        FigureRows.model_validate(
            {**asdict(figure), "rows": [list(cells) for cells in figure.rows]}
        )
        for figure in found
    ]
    return [table for table in tables if name in (None, table.name)]


@docs.get("/docs")
def described(request: Request, session: Biller) -> Response:
    """The endpoints in words; no foreign script draws it."""
    endpoints: list[tuple[str, str, str]] = []
    for path, methods in request.app.openapi()["paths"].items():
        endpoints += [
            (method.upper(), path, said.get("description", "")) for method, said in methods.items()
        ]
    return page(request, "docs.html", rows=endpoints, user=session.who.label)


@docs.get("/openapi.json")
def schema(request: Request, session: Biller) -> JSONResponse:  # noqa: ARG001 (asked for, so that only people who are signed in see it)
    return JSONResponse(request.app.openapi())


def _line(row: worklist.Row) -> Line:
    return Line(
        key=row.key,
        pair=f"{row.patient_id}:{row.pair}",
        site=row.site,
        patient=row.patient,
        status=row.state,
        waits_for=row.waits_for,
        waived_for=row.waived_for,
        service_date=row.service_date,
        money=row.value,
        owner=row.owner,
        changed_at=row.changed_at,
        line=msgspec.json.decode(row.document),
    )
