"""The worklist and the figures as JSON, for the hospital's own tools, with the same session, roles
and audit as the pages.

Held by tests/contract/test_api.py.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from integration.store import audit, worklist
from integration.store.worklist import Filters
from integration.web.gate import Biller, OfPages
from integration.web.pages import PageRoute, actor, page
from integration.web.problems import ApiProblem
from integration.web.worklist.figures import Chosen, FigureName, Period, figures_now
from integration.wording import words

router = APIRouter(prefix="/api", tags=["worklist"])
docs = APIRouter(route_class=PageRoute, include_in_schema=False)


class Line(BaseModel):
    """`key` names the line here; `line` is the line of the assessment document.

    Lines with the same `pair` are one decision: a dose, and what was discarded of it. `paid` is
    what payers paid, `denied_for` why not (CO-252), `written_off` why nobody pursues the pair.
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
    paid: Decimal | None
    denied_for: list[str]
    written_off: str | None
    changed_at: datetime
    line: dict[str, Any]


class Lines(BaseModel):
    """`count` and `money` are of all pages."""

    count: int
    money: Decimal
    page: int
    pages: int
    lines: list[Line]


Value = Annotated[str, Field(max_length=200)]


class ListQuery(BaseModel, extra="forbid"):
    """As in the address of the page; what cannot be read is refused here. `owner`: `-` for none."""

    view: worklist.View = "ready"
    site: Value = ""
    policy: Value = ""
    requirement: Value = ""
    owner: Value = ""
    provider: Value = ""
    place: Value = ""
    label: Value = ""
    since: date | None = None
    until: date | None = None
    find: Annotated[str, Field(max_length=80)] = ""
    changed: bool = False
    sort: worklist.Sort = "worth"
    page: Annotated[int, Field(ge=1, le=9999)] = 1

    def filters(self, sites: Sequence[str]) -> Filters:
        if self.site and self.site not in sites:
            raise ApiProblem(404, "There is no such site.", f"One of: {', '.join(sites)}.")
        days = {name: str(getattr(self, name) or "") for name in ("since", "until")}
        said = self.model_dump() | days | {"changed": "1" if self.changed else ""}
        return Filters(**said)


class FiguresQuery(BaseModel, extra="forbid"):
    """`period`: days of service; `policy`: the payer's."""

    name: FigureName | None = None
    period: Period = ""
    policy: Value = ""


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


@router.get("/worklist", responses={**_REFUSALS, 404: {"description": "No such site"}})
def lines(here: OfPages, asked: Annotated[ListQuery, Query()], session: Biller) -> Lines:
    """A page of a saved view, filtered as the page is; money is in dollars."""
    sites = sorted(here.settings.sites)
    filters = asked.filters(sites)
    with here.store.snapshot() as db:
        found = worklist.rows(db, filters, sites, words.of_clinicians())
        sums = worklist.sums(db, filters, sites, words.of_clinicians())
        audit.note(db, actor(session), "read the list", role="biller", view=filters.view)
    return Lines(
        count=sums.count,
        money=sums.money,
        page=filters.page,
        pages=sums.pages,
        lines=[_line(row) for row in found],
    )


@router.get("/worklist/{key}", responses={**_REFUSALS, 404: {"description": "No such line"}})
def line(here: OfPages, session: Biller, key: Annotated[str, Path(max_length=80)]) -> Line:
    """One line by its `key`."""
    with here.store.transaction() as db:
        row = worklist.get(db, key, sorted(here.settings.sites))
        if row is None:
            raise ApiProblem(404, "There is no such line.")
        worklist.note(db, row, "looked at", actor(session), "biller")
    return _line(row)


@router.get("/figures", responses=_REFUSALS)
def figures(
    here: OfPages, session: Biller, asked: Annotated[FiguresQuery, Query()]
) -> list[FigureRows]:
    """The tables behind the plots; with NAME only that one."""
    chosen = Chosen(asked.period, asked.policy)
    with here.store.snapshot() as db:
        found = figures_now(db, chosen.scope(sorted(here.settings.sites)))
        audit.note(db, actor(session), "read the figures", role="biller")
    tables = [
        FigureRows.model_validate(
            {**asdict(figure), "rows": [list(cells) for cells in figure.rows]}
        )
        for figure in found
    ]
    return [table for table in tables if asked.name in (None, table.name)]


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
        paid=row.paid,
        denied_for=row.denied_for,
        written_off=row.written_off if row.closed else None,
        changed_at=row.changed_at,
        line=msgspec.json.decode(row.document),
    )
