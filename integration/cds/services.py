"""The CDS services as HTTP: discovery, the hooks, feedback.

Held by tests/contract/test_cds.py.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Header, Request

from integration.assessing.clients import policies_for
from integration.cds import advice, dialog, evidence
from integration.cds.cards import Card
from integration.cds.trust import Caller, caller
from integration.configuration.site import Site
from integration.store import Db, assessments, cards, decisions, gaps, patients
from integration.store.cards import Feedback, ShownCard
from integration.web.gate import OfPages, PageContext, address
from integration.web.problems import ApiProblem
from integration.web.text import JsonBody
from integration.wording import words
from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.orders.forms import DRUG_ORDERS
from mappings.values import own_names

log = structlog.get_logger()
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is not for this hook, or names no patient"},
    401: {"description": "The EHR's token is missing, or proves nothing"},
    403: {"description": "The token is for another patient"},
    404: {"description": "No such service"},
    412: {"description": "There is no data to judge by"},
    503: {"description": "The EHR's keys cannot be read now, or too many call at once"},
}
router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"], responses=_REFUSALS)
Bearer = Annotated[str, Header(alias="Authorization")]
Json = dict[str, Any]
MOST_ANSWERS = 100
# So many at once, so long; by then an EHR has gone on.
PLACES, WAITING_SECONDS = 2, 3.0
_PLACES = BoundedSemaphore(PLACES)

SERVICES: dict[str, Json] = {
    "iron-order-sign": {
        "hook": "order-sign",
        "title": "Documentation missing for intravenous iron",
        "description": (
            "Before an intravenous iron is ordered: laboratory results, authorization, and"
            " history that the payer requires."
        ),
        "prefetch": evidence.PREFETCH,
    },
    "iron-order-select": {
        "hook": "order-select",
        "title": "Documentation missing for intravenous iron, while it is chosen",
        "description": "The same as order-sign, as soon as an intravenous iron is chosen.",
        "prefetch": evidence.PREFETCH,
    },
    "iron-patient-view": {
        "hook": "patient-view",
        "title": "Iron doses that wait for documentation",
        "description": "When a chart is opened: doses already given that cannot be billed yet.",
    },
}


@router.get("")
def discovery(request: Request, here: OfPages, authorization: Bearer = "") -> Json:
    """What we offer."""
    _caller(request, here, authorization, "/cds-services")
    return {"services": [{"id": identity, **service} for identity, service in SERVICES.items()]}


@router.post("/{service}")
def call(
    request: Request, here: OfPages, service: str, body: JsonBody, authorization: Bearer = ""
) -> Json:
    """A hook was triggered. 412 where nothing can be said for want of data."""
    known = _service(service)
    site = _caller(request, here, authorization, f"/cds-services/{service}").site(
        body.get("fhirServer")
    )
    if body.get("hook") != known["hook"]:
        raise ApiProblem(400, f"This service answers the hook {known['hook']}.")
    patient = evidence.patient_of(body)
    app = f"{address(request, here.settings)}/launch"
    made = (
        _viewed(here, site, patient, app)
        if known["hook"] == "patient-view"
        else _ordered(here, site, patient, body, app)
    )
    if made:
        with here.store.transaction() as db:
            _remember(db, site, known["hook"], patient, made)
    return {"cards": made}


@router.post("/{service}/feedback")
def told(
    request: Request, here: OfPages, service: str, body: JsonBody, authorization: Bearer = ""
) -> Json:
    """What became of cards; told again, the last word counts."""
    _service(service)
    by = _caller(request, here, authorization, f"/cds-services/{service}/feedback")
    answers = body.get("feedback")
    if not isinstance(answers, list):
        raise ApiProblem(400, "The body has no list `feedback`.")
    sites = [site.name for site in by.sites]
    with here.store.transaction() as db:
        for answer in elements.items(answers)[:MOST_ANSWERS]:
            feedback = _feedback(answer)
            if feedback:
                cards.answered(db, sites, feedback)
    return {}


def _service(identity: str) -> Json:
    if identity not in SERVICES:
        raise ApiProblem(404, "There is no such CDS service.")
    return SERVICES[identity]


def _caller(request: Request, here: PageContext, authorization: str, path: str) -> Caller:
    audience = address(request, here.settings) + path
    return caller(here.settings, here.store, here.directory, authorization, audience)


def _ordered(here: PageContext, site: Site, patient: str, body: Json, app: str) -> list[Json]:
    context = elements.mapping(body.get("context"))
    orders = dialog.drafts(context, str(body.get("hook")), patient)
    sent = evidence.prefetched(body.get("prefetch"), patient)
    named = advice.drafts(site, orders, evidence.KnownChart(tuple(sent[0]), frozenset()))
    if not named and not any(map(_is_unnamed, orders)):
        return []  # nothing of ours is ordered: no chart is read for that
    known = evidence.known(site, body, patient, sent)
    if not known.resources:
        raise ApiProblem(
            412,
            "Neither the prefetch nor the FHIR server gave anything to judge by.",
            "Send the prefetch that /cds-services lists, or the site's base_url as fhirServer with"
            " a token that may read the chart as fhirAuthorization.",
        )
    with here.store.transaction() as db:
        person = patients.find(db, site.name, patient)
        decided = decisions.of_patient(db, person) if person else decisions.of_site(db, site.name)
        days = codes.windows().days("overridden")
        overridden = cards.overridden(db, site.name, patient, days)
    now, visit = datetime.now(UTC), elements.text(context.get("encounterId")) or None
    with _a_place():
        advised = advice.advise(
            site, policies_for(site), known, patient, orders, now, app, decided, visit, overridden
        )
    if advised.unanswered:
        with here.store.transaction() as db:
            cards.ask(db, site.name, patient, advised.unanswered)
    return advised.cards


@contextmanager
def _a_place() -> Iterator[None]:
    """One of those at which orders are looked at. Raises `Problem` 503 where none gets free in
    time: an answer that comes late is shown to nobody, and keeps others waiting."""
    if not _PLACES.acquire(timeout=WAITING_SECONDS):
        log.warning("an order was not looked at: too many at once")
        says = "Too many orders are being looked at."
        raise ApiProblem(503, says, "Try again.", {"Retry-After": "5"})
    try:
        yield
    finally:
        _PLACES.release()


def _viewed(here: PageContext, site: Site, patient: str, app: str) -> list[Json]:
    with here.store.transaction() as db:
        kept = assessments.current(db, site.name, patient)
        known = patients.find(db, site.name, patient)
        waivers = gaps.waivers(db, known.id) if known else {}
    today = words.local_day(datetime.now(UTC), site.time_zone)
    return advice.open_issues(kept.assessment, waivers, app, today) if kept else []


def _is_unnamed(order: Json) -> bool:
    """Whether an order names its drug by reference only, so that the chart must tell."""
    is_drug = elements.text(order.get("resourceType")) in DRUG_ORDERS
    return is_drug and evidence.unnamed_drug(order) is not None


def _remember(db: Db, site: Site, hook: str, patient: str, made: list[Card]) -> None:
    shown = [
        ShownCard(
            uuid.UUID(card["uuid"]),
            tuple(card["extension"][own_names.REQUIREMENT]),
            card["summary"],
        )
        for card in made
    ]
    cards.remember(db, site.name, hook, patient, shown)


def _feedback(answer: Json) -> Feedback | None:
    """None of what is not of the form."""
    outcome, override = answer.get("outcome"), elements.mapping(answer.get("overrideReason"))
    reason = elements.mapping(override.get("reason"))
    try:
        card = uuid.UUID(str(answer.get("card")))
    except ValueError:
        return None
    if outcome not in ("accepted", "overridden"):
        return None
    said = str(reason.get("display") or reason.get("code") or "")[:200] or None
    return Feedback(card, str(outcome), said, str(override.get("userComment") or "")[:500] or None)
