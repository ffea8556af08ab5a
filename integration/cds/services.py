"""The CDS services as HTTP: discovery, the hooks, feedback.

Held by tests/contract/test_cds.py.
"""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Header, Request

from integration.assessing.clients import policies_for
from integration.cds import advice, evidence
from integration.cds.trust import Caller, caller
from integration.configuration.site import Site
from integration.store import Db, assessments, decisions, gaps, patients
from integration.web.gate import OfPages, PageContext, address
from integration.web.problems import ApiProblem
from integration.web.text import JsonBody
from integration.wording import words
from mappings.reading.fhir import elements

log = structlog.get_logger()
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is not for this hook, or names no patient"},
    401: {"description": "The EHR's token is missing, or proves nothing"},
    403: {"description": "The token is for another patient"},
    404: {"description": "No such service"},
    412: {"description": "There is no data to judge by"},
    503: {"description": "The EHR's keys cannot be read now"},
}
router = APIRouter(prefix="/cds-services", tags=["CDS Hooks"], responses=_REFUSALS)
Bearer = Annotated[str, Header(alias="Authorization")]
Json = dict[str, Any]

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
    cards = (
        _viewed(here, site, patient, app)
        if known["hook"] == "patient-view"
        else _ordered(here, site, patient, body, app)
    )
    if cards:
        with here.store.transaction() as db:
            _remember(db, site, known["hook"], patient, cards)
    return {"cards": cards}


@router.post("/{service}/feedback")
def feedback(
    request: Request, here: OfPages, service: str, body: JsonBody, authorization: Bearer = ""
) -> Json:
    """What became of cards; told again, the last word counts."""
    _service(service)
    told = _caller(request, here, authorization, f"/cds-services/{service}/feedback")
    answers = body.get("feedback")
    if not isinstance(answers, list):
        raise ApiProblem(400, "The body has no list `feedback`.")
    sites = [site.name for site in told.sites]
    with here.store.transaction() as db:
        for answer in answers[:100]:
            if isinstance(answer, dict):
                _answered(db, sites, answer)
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
    orders = _orders(context, str(body.get("hook")), patient)
    sent, _ = evidence.prefetched(body.get("prefetch"), patient)
    drugs = tuple(one for one in sent if one["resourceType"] == "Medication")
    named = advice.drafts(site, orders, evidence.KnownChart(drugs, frozenset()))
    if not named and not any(map(_is_unnamed, orders)):
        return []  # nothing of ours is ordered: no chart is read for that
    known = evidence.known(site, body, patient)
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
    now, visit = datetime.now(UTC), elements.text(context.get("encounterId")) or None
    return advice.cards(site, policies_for(site), known, patient, orders, now, app, decided, visit)


def _viewed(here: PageContext, site: Site, patient: str, app: str) -> list[Json]:
    with here.store.transaction() as db:
        kept = assessments.current(db, site.name, patient)
        known = patients.find(db, site.name, patient)
        waivers = gaps.waivers(db, known.id) if known else {}
    today = words.local_day(datetime.now(UTC), site.time_zone)
    return advice.open_issues(kept.assessment, waivers, app, today) if kept else []


def _orders(context: Json, hook: str, patient: str) -> list[Json]:
    """The draft orders for the patient, each with an id; of order-select those that were just
    chosen."""
    entries = elements.items(elements.mapping(context.get("draftOrders")).get("entry"))
    medications = _medications(entries)
    orders = [
        _with_its_medication(order, medications)
        | {"id": elements.text(order.get("id")) or f"unnamed-{number}"}
        for number, order in enumerate(elements.mapping(entry.get("resource")) for entry in entries)
        if order and evidence.may_be_of(order, patient)
    ]
    chosen = context.get("selections")
    if hook != "order-select" or not isinstance(chosen, list):
        return orders
    names = {evidence.key(str(name)) for name in chosen}
    return [
        order
        for order in orders
        if order.get("resourceType") == "ServiceRequest"
        or f"{order.get('resourceType')}/{order['id']}" in names
    ]


def _medications(entries: list[Json]) -> dict[str, Json]:
    """The Medications that came with the drafts, by what a Reference may call them."""
    found: dict[str, Json] = {}
    for entry in entries:
        resource = elements.mapping(entry.get("resource"))
        if resource.get("resourceType") == "Medication":
            found[f"Medication/{resource.get('id')}"] = resource
            found[elements.text(entry.get("fullUrl"))] = resource
    return found


def _with_its_medication(order: Json, medications: dict[str, Json]) -> Json:
    """The order with the Medication that it refers to inside: no chart has one that came with the
    drafts."""
    _, reference = elements.concept_or_reference(order, "medication")
    target = elements.text(reference.get("reference"))
    found = medications.get(target) or medications.get(evidence.key(target))
    if order.get("resourceType") != "MedicationRequest" or not target or found is None:
        return order
    rest = {name: value for name, value in order.items() if name != "medication"}
    inside = [found | {"id": "drafted"}, *elements.items(order.get("contained"))]
    return rest | {"medicationReference": {"reference": "#drafted"}, "contained": inside}


def _is_unnamed(order: Json) -> bool:
    """Whether an order names its drug by reference only, so that the chart must tell."""
    is_drug = order.get("resourceType") == "MedicationRequest"
    return is_drug and evidence.unnamed_drug(order) is not None


def _remember(db: Db, site: Site, hook: str, patient: str, cards: list[Json]) -> None:
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into cds_cards (id, site, hook, patient, requirement, summary) values (%s, %s,"
            " %s, %s, %s, %s)",
            [
                (
                    card["uuid"],
                    site.name,
                    hook,
                    patient,
                    card["links"][0]["appContext"],
                    card["summary"],
                )
                for card in cards
            ],
        )


def _answered(db: Db, sites: list[str], answer: Json) -> None:
    """Cards of the caller's own sites only; what is not ours is passed over."""
    outcome, override = answer.get("outcome"), answer.get("overrideReason")
    override = override if isinstance(override, dict) else {}
    reason = override.get("reason")
    reason = reason if isinstance(reason, dict) else {}
    try:
        card = uuid.UUID(str(answer.get("card")))
    except ValueError:
        return
    if outcome in ("accepted", "overridden"):
        said = str(reason.get("display") or reason.get("code") or "")[:200] or None
        comment = str(override.get("userComment") or "")[:500] or None
        db.execute(
            "update cds_cards set outcome = %s, reason = %s, comment = %s, answered_at = now()"
            " where id = %s and site = any(%s)",
            [outcome, said, comment, card, sites],
        )
