"""Cards: what the payer will miss if the ordered iron is given today, and what may be done about
it.

Held by tests/contract/test_cds.py.
"""

import uuid
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from msgspec import structs

from integration.assessing import planning
from integration.assessing.patient import check_pull
from integration.assessing.planning import OrderedIron, as_given
from integration.cds.evidence import KnownChart
from integration.configuration.site import Site
from integration.ehr.profile import words_of
from integration.ehr.reading.patient import PatientPull
from integration.web.entries import draft_order
from integration.wording import words
from mappings import codes
from mappings.assessment import WORST_FIRST, Gap, PatientAssessment
from mappings.codes.requirement import Group, OrderableTest
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.values import own_names
from mappings.writing.detected_issue import Waiver

Resource = dict[str, Any]
Card = dict[str, Any]
MOST = 139  # characters of a summary (CDS Hooks: fewer than 140)
MOST_LISTED = 8
# Why a card may be overridden, by its group; the cards come in this order.
REASONS: dict[Group, dict[str, str]] = {
    "safety": {"considered": "Considered; the benefit outweighs it"},
    "laboratory": {
        "elsewhere": "Done elsewhere; the results will be filed",
        "ordered": "Already ordered",
        "not-needed": "Not needed for this patient",
    },
    "authorization": {
        "requested": "Already requested",
        "not-asked": "This plan does not require one",
    },
    "product": {
        "tried": "The preferred product was tried or is unsuitable",
        "formulary": "Not available here",
    },
    "documentation": {
        "will-document": "Will be documented today",
        "elsewhere": "Documented elsewhere",
    },
}


def drafts(site: Site, orders: Sequence[Resource], known: KnownChart) -> list[OrderedIron]:
    """The IV irons among ORDERS."""
    collection = Collection(site.addresses)
    for number, order in enumerate([*known.resources, *orders], 1):
        collection.add(order, f"resource {number}")
    return list(planning.irons(orders, collection, ProductFinder(site.drug_aliases)))


def cards(
    site: Site,
    policies: PolicySet,
    known: KnownChart,
    patient: str,
    orders: Sequence[Resource],
    now: datetime,
    app: str,
    decided: Sequence[Decision] = (),
) -> list[Card]:
    """One card per group of gaps that giving the drafts today would leave. APP: where our SMART app
    is launched."""
    found = drafts(site, orders, known)
    if not found:
        return []
    planned = [
        {**draft.order, "id": f"draft-{number}", "status": "active", "intent": "order"}
        for number, draft in enumerate(found)
    ]
    given = [as_given(order, f"Patient/{patient}", order["id"], now) for order in planned]
    about = {f"MedicationAdministration/{dose['id']}" for dose in given}
    resources = [*known.resources, *planned, *given]
    pull = PatientPull(f"Patient/{patient}", resources, [], 0, status_words=words_of(site.vendor))
    assessment = check_pull(pull, site, policies, now + timedelta(minutes=1), decided).assessment
    gaps = [
        _of_draft(gap, about, assessment)
        for gap in assessment.gaps
        if about & set(gap.administrations)
        and not known.unknown.intersection(codes.requirements()[gap.requirement].rests_on)
    ]
    tests = [order for order in orders if order.get("resourceType") == "ServiceRequest"]
    ordered = set[str]().union(*map(_codes, tests))
    return [_card(name, some, policies, patient, ordered, app) for name, some in _grouped(gaps)]


def _of_draft(gap: Gap, about: Set[str], assessment: PatientAssessment) -> Gap:
    """GAP with what was found for the draft: it may be of doses already given, too, and then says
    what it says of one of those."""
    for found in assessment.requirements:
        is_its = about & set(found.administrations) and found.state in WORST_FIRST
        if found.requirement == gap.requirement and is_its and found.says:
            return structs.replace(gap, message=found.says, asked=found.asked)
    return gap


def open_issues(
    assessment: PatientAssessment, waivers: Mapping[str, Waiver], app: str
) -> list[Card]:
    """For `patient-view`: safety in a card of its own, then what waits for this clinician; nothing
    where nothing does."""
    gaps = [
        gap for gap in assessment.gaps if not (gap.id in waivers and waivers[gap.id].covers(gap))
    ]
    safety = [gap for gap in gaps if gap.is_safety]
    waiting = [
        gap
        for gap in gaps
        if gap.blocking and not gap.is_safety and words.owner(gap.requirement) == "clinician"
    ]
    found = (
        [_listed("safety", words.first_sentence(safety[0].message), safety, app)] if safety else []
    )
    return found + ([_listed("documentation", _unbilled(waiting), waiting, app)] if waiting else [])


def _unbilled(gaps: Sequence[Gap]) -> str:
    doses = set(chain.from_iterable(gap.administrations for gap in gaps))
    titles = list(dict.fromkeys(words.title(gap.requirement) for gap in gaps))
    return f"{words.plural(len(doses), 'iron dose')} cannot be billed yet: {words.joined(titles)}"


def _listed(name: Group, summary: str, gaps: Sequence[Gap], app: str) -> Card:
    told = [
        f"- {_plain(words.first_sentence(gap.message))}{_of(gap)}" for gap in gaps[:MOST_LISTED]
    ]
    more = [f"- and {len(gaps) - MOST_LISTED} more"] if len(gaps) > MOST_LISTED else []
    detail = "\n".join([*told, *more])
    return _made(name, summary, detail, [], app, [gap.requirement for gap in gaps])


def _of(gap: Gap) -> str:
    """Of how many doses, where it is more than the one that its message names."""
    count = len(gap.administrations)
    return f" ({words.plural(count, 'dose')})" if count > 1 else ""


def _grouped(gaps: Sequence[Gap]) -> list[tuple[Group, list[Gap]]]:
    """Safety first; warnings of the others are left to the page."""
    found: dict[Group, list[Gap]] = {name: [] for name in REASONS}
    for gap in gaps:
        group = codes.requirements()[gap.requirement].group
        if group and (gap.blocking or group == "safety"):
            found[group].append(gap)
    return [(name, some) for name, some in found.items() if some]


def _card(
    name: Group, gaps: list[Gap], policies: PolicySet, patient: str, ordered: set[str], app: str
) -> Card:
    said = [
        f"{words.first_sentence(gap.message)}"
        f" {words.payer_asks(gap, policies.named(gap.decided_by))}"
        for gap in gaps
    ]
    detail = "\n".join(f"- {_plain(text)}" for text in said)
    sources = dict.fromkeys(gap.source for gap in gaps if gap.source)
    detail += f"\n\nSource: {_plain('; '.join(sources))}" if sources else ""
    tests = [codes.requirements()[gap.requirement].test for gap in gaps]
    wanted = [test for test in tests if test and test.loinc not in ordered]
    return _made(
        name,
        _summary(gaps),
        detail,
        _suggestions(wanted, patient),
        app,
        [gap.requirement for gap in gaps],
    )


def _summary(gaps: Sequence[Gap]) -> str:
    """The first finding, and that there are others: a summary is often all that is read."""
    first = words.first_sentence(gaps[0].message)
    names = dict.fromkeys(words.title(gap.requirement) for gap in gaps)
    others = [words.inside(name) for name in names if name != words.title(gaps[0].requirement)]
    return f"{first.rstrip('.')}; also: {words.joined(others)}." if others else first


def _made(
    name: Group,
    summary: str,
    detail: str,
    suggestions: list[Resource],
    app: str,
    requirements: list[str],
) -> Card:
    card: Card = {
        "uuid": str(uuid.uuid4()),
        "summary": summary if len(summary) <= MOST else summary[: MOST - 1].rstrip() + "…",
        "detail": detail,
        "indicator": "warning" if name == "safety" else "info",
        "source": {
            "label": "ferroclaim: iron billing check",
            "topic": {"system": own_names.REQUIREMENT, "code": requirements[0]},
        },
        "links": [
            {
                "label": "Open the iron billing check",
                "url": app,
                "type": "smart",
                "appContext": requirements[0],
            }
        ],
        "overrideReasons": [
            {"system": own_names.OVERRIDE, "code": code, "display": text}
            for code, text in REASONS[name].items()
        ],
    }
    return card | ({"suggestions": suggestions, "selectionBehavior": "any"} if suggestions else {})


def _suggestions(tests: list[OrderableTest], patient: str) -> list[Resource]:
    """One suggestion with an order for each test that is missing."""
    if not tests:
        return []
    actions = [
        {
            "type": "create",
            "description": f"Order {words.inside(test.name)}",
            "resource": draft_order(test, patient),
        }
        for test in tests
    ]
    return [
        {
            "label": f"Order {words.joined([words.inside(test.name) for test in tests])}",
            "uuid": str(uuid.uuid4()),
            "actions": actions,
        }
    ]


def _codes(order: Mapping[str, Any]) -> set[str]:
    codings = elements.items(elements.mapping(order.get("code")).get("coding"))
    return {str(coding.get("code")) for coding in codings}


def _plain(text: str) -> str:
    """No markup of our readers' data in a card's Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in text)
