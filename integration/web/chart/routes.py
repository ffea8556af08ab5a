"""The clinician's page and what its forms do. After each form the page is assessed anew and shown
again.

Held by tests/contract/test_chart_page.py.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import StringConstraints

from integration.assessing.clients import policies_for
from integration.smart import style
from integration.smart.refusal import Refusal
from integration.smart.server import client_named
from integration.smart.sessions import Launch
from integration.web.chart.page import chart_page
from integration.web.chart.visit import ChartVisit
from integration.web.entries import tests
from integration.web.gate import FromOurPage, OfPages, OpenChart, SignedIn, chart
from integration.web.pages import PageRoute, incomplete, page, security_headers
from integration.wording import words
from integration.wording.policies import policy_rows
from mappings.values.words import within

router = APIRouter(prefix="/chart/{launch}", route_class=PageRoute, include_in_schema=False)
acts = [FromOurPage, Depends(chart)]

ORAL_PRODUCTS = (
    "Ferrous sulfate",
    "Ferrous gluconate",
    "Ferrous fumarate",
    "Polysaccharide iron complex",
    "Ferric citrate",
    "Oral iron",
)
# What a form did, told on the page that follows. The address carries the key only.
SAID = {
    "waived": (
        "good",
        "Waived, with your reason in the chart. The biller decides whether to release the line.",
    ),
    "waived-here": (
        "good",
        (
            "Waived. The chart does not show it yet; ferroclaim does. The biller decides whether"
            " to release the line."
        ),
    ),
    "taken-back": ("good", "The waiver was taken back."),
    "recorded": ("good", "Recorded in the chart, and checked again."),
    "misread": ("good", "Recorded with your name. Those words no longer count."),
    "ordered": ("good", "The draft order is in the chart. Sign it there."),
    "told": (
        "bad",
        (
            "The EHR does not accept this from here. The billing office has it as a note; please"
            " enter it in the chart, too."
        ),
    ),
    "unknown": (
        "bad",
        "The EHR did not answer. Check the chart for it before you enter it again.",
    ),
    "changed": (
        "bad",
        "Somebody changed this record in the meantime. Look at it again, then enter your note.",
    ),
    "gone": ("good", "That is settled already; nothing was changed."),
    "checked": ("good", "Checked again just now."),
}
Text = Annotated[
    str, Form(), StringConstraints(strip_whitespace=True, min_length=3, max_length=300)
]
Gaps = Annotated[list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]], Form()]


@router.get("")
def show(
    request: Request, launch: OpenChart, session: SignedIn, here: OfPages, did: str = ""
) -> Response:
    with ChartVisit(here, session, launch) as visit:
        seen = visit.see("saw" if did not in SAID else None)
        found = chart_page(
            seen.checked,
            seen.pull.resources,
            visit.site,
            visit.policies,
            seen.now,
            seen.waivers,
            seen.pull.unread,
            launch.app_context,
            seen.ordered,
        )
        visit.settle(seen)
        refusal = visit.refusal() if did == "told" else None
    return page(
        request,
        "chart.html",
        page=found,
        base=f"/chart/{launch.id}",
        csrf=session.csrf,
        user=session.who.label,
        said=SAID.get(did),
        refusal=refusal,
        opened=next(
            (context["reference"] for context in launch.fhir_context if "reference" in context), ""
        ),
        brief=not launch.need_patient_banner,
        may_write=True,
        styled=bool(launch.style_url),
        tests={name: within(test.name) for name, test in tests().items()},
        oral_products=[(text, text) for text in ORAL_PRODUCTS],
    )


@router.post("/check", dependencies=acts)
def check(launch: str) -> Response:
    return _back(launch, "checked")


@router.post("/waive", dependencies=[FromOurPage])
def waive(launch: OpenChart, session: SignedIn, here: OfPages, gap: Gaps, reason: Text) -> Response:
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.waive(gap, _line(reason)))


@router.post("/unwaive", dependencies=[FromOurPage])
def unwaive(launch: OpenChart, session: SignedIn, here: OfPages, gap: Gaps) -> Response:
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.take_back(gap))


@router.post("/discarded", dependencies=[FromOurPage])
def discarded(
    launch: OpenChart,
    session: SignedIn,
    here: OfPages,
    administration: Annotated[str, Form(pattern=r"^MedicationAdministration/[A-Za-z0-9.-]{1,64}$")],
    mg: Annotated[Decimal, Form(ge=0, le=5000, decimal_places=2)],
) -> Response:
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.discarded(administration, f"{mg.normalize():f}"))


@router.post("/misread", dependencies=[FromOurPage])
def misread(
    launch: OpenChart, session: SignedIn, here: OfPages, misread: Gaps, reason: Text
) -> Response:
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.misread(misread, _line(reason)))


@router.post("/oral-iron", dependencies=[FromOurPage])
def oral_iron(
    launch: OpenChart,
    session: SignedIn,
    here: OfPages,
    kind: Annotated[Literal["trial", "intolerance"], Form()],
    drug: Annotated[str, Form()],
    reason: Text,
    start: Annotated[str, Form()] = "",
    end: Annotated[str, Form()] = "",
) -> Response:
    if drug not in ORAL_PRODUCTS:
        raise incomplete("Please choose one of the products.")
    if kind == "trial":
        zone = here.settings.site(launch.site).time_zone
        _check_period(start, end, words.local_day(datetime.now(UTC), zone))
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.oral_iron(kind, drug, start, end, _line(reason)))


@router.post("/order", dependencies=[FromOurPage])
def order(launch: OpenChart, session: SignedIn, here: OfPages, gap: Gaps) -> Response:
    with ChartVisit(here, session, launch) as visit:
        return _back(launch.id, visit.order(gap))


@router.get("/policy/{name}")
def policy(request: Request, launch: OpenChart, here: OfPages, name: str) -> Response:
    """What a payer asks, with the source of each rule."""
    found = policies_for(here.settings.site(launch.site)).get(name)
    if found is None:
        raise Refusal("Not found", "There is no such policy.", status=404)
    return page(
        request, "policy.html", policy=found, rows=policy_rows(found), back=f"/chart/{launch.id}"
    )


@router.get("/style.css")
def styled(launch: OpenChart, here: OfPages) -> Response:
    """The EHR's colors, where it names some that can be read."""
    css = (
        style.css(client_named(here.settings, launch.site), launch.style_url)
        if launch.style_url
        else ""
    )
    return Response(css, media_type="text/css", headers=security_headers(here.settings))


def _back(launch: str | Launch, did: str) -> Response:
    return RedirectResponse(f"/chart/{launch}?did={did}", 303)


def _line(text: str) -> str:
    """One line without control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def _check_period(start: str, end: str, today: date) -> None:
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError:
        raise incomplete("A trial needs the day it began and the day it ended.") from None
    if last < first:
        raise Refusal("The dates do not fit", "A trial cannot end before it began.", status=422)
    if last > today:
        what = "This trial has not ended yet: it is recorded when it has."
        raise Refusal("The dates do not fit", what, status=422)
