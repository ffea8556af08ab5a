"""The request for authorization of a line that waits for one: a sheet to print, and a Bundle for a
payer that takes it by Da Vinci PAS.

Held by tests/contract/test_authorization_sheet.py.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi import Path as InAddress
from fastapi.responses import Response

from integration.assessing.clients import client_for, policies_for
from integration.authorizing.charts import AuthorizationCharts, of_pull
from integration.authorizing.page import sheet
from integration.authorizing.planned import Asking
from integration.ehr.reading.patient import read_patient
from integration.operating.turns import turn
from integration.store import decisions, patients, worklist
from integration.store.worklist import Row
from integration.web.gate import Biller, OfPages, PageContext
from integration.web.pages import PageRoute, actor, download, page
from integration.web.problems import ApiProblem
from integration.web.worklist import sites
from integration.wording.authorizations import NOTHING
from mappings.decisions import Decision

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/worklist/authorizations/{key}")
def request(
    key: Annotated[str, InAddress(max_length=200)],
    asked: Request,
    here: OfPages,
    session: Biller,
    form: Literal["sheet", "fhir"] = "sheet",
    doses: Annotated[str, Query(pattern=r"^([1-9][0-9]{0,2})?$")] = "",
) -> Response:
    """Of the opened line's doses and what its payer is to be asked with them, from the chart as it
    is now. DOSES: how many an order is for that does not say."""
    with here.store.transaction() as db:
        row = worklist.get(db, key, sites.names(here))
        patient = patients.by_id(db, row.patient_id) if row else None
        if row is None or patient is None:
            raise ApiProblem(404, "There is no such line.", "Open it from the worklist.")
        decided = decisions.of_patient(db, patient)
        worklist.note(db, row, "drew up", actor(session), "biller")
    found = _drawn(here, row, decided, int(doses) if doses else None)
    if form == "fhir":
        return _bundles(found, here)
    sheets = [sheet(one, found) for one in found.requests]
    is_whole = any(not one.lacking for one in found.requests)
    counts = [one.course.doses for one in found.requests]
    return page(
        asked,
        "authorization.html",
        sheets=sheets,
        nothing=NOTHING,
        key=key,
        is_whole=is_whole,
        doses=doses,
        asks_doses=None in counts or doses,
    )


def _drawn(
    here: PageContext, row: Row, decided: Sequence[Decision], doses: int | None
) -> AuthorizationCharts:
    """What the line's payer is to be asked of its code. Doses to come are taken to be given where
    the line's was."""
    site = here.settings.site(row.site)
    if site.only_people_read:
        raise ApiProblem(
            409,
            f"Only people may read the charts of {site.name}.",
            "Draw it up from the patient's export: ferroclaim prior-auth.",
        )
    now, place = datetime.now(site.facts().zone or UTC), row.line.place_of_service
    asking = Asking(now, place=place, doses=doses)
    with turn(site.name), client_for(site, patient=False) as client:
        pull = read_patient(client, row.patient, fresh=True, lenient=True)
        found = of_pull(client, pull, policies_for(site), asking, decided)
    return found.about(row.line.code, row.line.coverage)


def _bundles(found: AuthorizationCharts, here: PageContext) -> Response:
    """One a line, as a payer's `Claim/$submit` takes each."""
    encode = msgspec.json.Encoder(decimal_format="number").encode
    text = b"".join(encode(bundle) + b"\n" for bundle in found.bundles())
    if not text:
        raise ApiProblem(
            409, "The request is not complete.", "Its sheet names what it lacks; settle that first."
        )
    return download(text, "authorization.ndjson", here, "application/fhir+ndjson")
