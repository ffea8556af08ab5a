"""Cards: what the payer will miss if the ordered iron is given, and what may be done about it.

Held by tests/contract/test_cds.py.
"""

import uuid
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from integration.assessing import planning
from integration.assessing.planning import OrderedIron
from integration.cds.evidence import KnownChart
from integration.cds.foreseen import Foreseen, foreseen
from integration.cds.ordered_tests import OrderedTests
from integration.configuration.site import Site
from integration.web.entries import draft_order
from integration.wording import words
from mappings import codes
from mappings.assessment import Gap, PatientAssessment
from mappings.codes.requirement import Group, OrderableTest
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from mappings.values import own_names
from mappings.values.words import within
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
    with codes.using(site.facts().codes):
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
    visit: str | None = None,
) -> list[Card]:
    """One card per group of what giving the drafts would leave open. APP: where our SMART app is
    launched; VISIT: the encounter in which they are ordered."""
    found = drafts(site, orders, known)
    if not found:
        return []
    tests = OrderedTests(orders, site.lab_aliases)
    each = foreseen(site, policies, known, patient, found, now, decided, visit)
    waiting = [one for one in each if not tests.will_tell(one.found)]
    drugs = {draft.says for draft in found}
    return [_card(name, some, drugs, policies, patient, app) for name, some in _grouped(waiting)]


def open_issues(
    assessment: PatientAssessment, waivers: Mapping[str, Waiver], app: str, today: date
) -> list[Card]:
    """For `patient-view`: safety of the last doses in a card of its own, then what waits for this
    clinician; nothing where nothing does."""
    gaps = [
        gap for gap in assessment.gaps if not (gap.id in waivers and waivers[gap.id].covers(gap))
    ]
    safety = [gap for gap in gaps if gap.is_safety and _is_recent(gap, assessment, today)]
    late = _of_billing_first(gaps)
    waiting = [
        gap
        for gap in gaps
        if gap.blocking
        and not gap.is_safety
        and words.owner(gap.requirement) == "clinician"
        and not late.issuperset(gap.administrations)
    ]
    found = (
        [_listed("safety", words.first_sentence(safety[0].message), safety, app)] if safety else []
    )
    told = _unbilled(waiting, late)
    return found + ([_listed("documentation", told, waiting, app)] if waiting else [])


def _is_recent(gap: Gap, assessment: PatientAssessment, today: date) -> bool:
    """Whether it is of a dose of which the clinician would still think, or of no known day."""
    first = today - timedelta(days=codes.windows().days("safety-told"))
    doses = set(gap.administrations)
    days = [
        date.fromisoformat(line.service_date) if line.service_date else today
        for line in assessment.lines
        if doses.intersection(line.administrations)
    ]
    return not days or max(days) >= first


def _of_billing_first(gaps: Sequence[Gap]) -> set[str]:
    """Doses for which the billing office has to say first whether they may be billed at all."""
    rows = codes.requirements()
    own = (gap for gap in gaps if gap.blocking and not rows[gap.requirement].write_back)
    return set(chain.from_iterable(gap.administrations for gap in own))


def _unbilled(gaps: Sequence[Gap], late: Set[str]) -> str:
    doses = set(chain.from_iterable(gap.administrations for gap in gaps)) - late
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


def _grouped(each: Sequence[Foreseen]) -> list[tuple[Group, list[Foreseen]]]:
    """Safety first; warnings of the others are left to the page."""
    found: dict[Group, list[Foreseen]] = {name: [] for name in REASONS}
    for one in sorted(each, key=lambda one: one.day):
        group = codes.requirements()[one.found.requirement].group
        if group and (one.found.blocking or group == "safety"):
            found[group].append(one)
    return [(name, _each_once(some)) for name, some in found.items() if some]


def _each_once(found: Sequence[Foreseen]) -> list[Foreseen]:
    """Of the doses of one drug the first of which a requirement is open."""
    first: dict[tuple[str, str], Foreseen] = {}
    for one in found:
        first.setdefault((one.drug, one.found.requirement), one)
    return list(first.values())


def _card(
    name: Group,
    some: list[Foreseen],
    drugs: Set[str],
    policies: PolicySet,
    patient: str,
    app: str,
) -> Card:
    """DRUGS: those that are ordered; of what is not found of all alike, the drug is named."""
    alike = {says: {one.drug for one in some if _says(one) == says} for says in map(_says, some)}
    told = {
        _says(one) if alike[_says(one)] == drugs else f"{one.drug}: {_says(one)}": one
        for one in reversed(some)
    }
    lines = [
        f"{says} {words.payer_asks(one.found, policies.named(one.found.decided_by))}"
        for says, one in reversed(told.items())
    ]
    detail = "\n".join(f"- {_plain(line)}" for line in lines)
    sources = dict.fromkeys(one.found.source for one in some if one.found.source)
    detail += f"\n\nSource: {_plain('; '.join(sources))}" if sources else ""
    requirements = [one.found.requirement for one in some]
    summary = _summary(next(reversed(told)), requirements)
    return _made(name, summary, detail, _suggestions(some, patient), app, requirements)


def _says(one: Foreseen) -> str:
    return words.first_sentence(one.found.says or words.title(one.found.requirement))


def _summary(first: str, requirements: Sequence[str]) -> str:
    """The first finding, and that there are others, as far as there is room: a summary is often all
    that is read."""
    titles = dict.fromkeys(map(words.title, requirements))
    others = [within(title) for title in titles][1:]
    if not others:
        return first
    short = first.rstrip(".")
    for rest in (f"also: {words.joined(others)}.", f"{len(others)} more below."):
        if len(short) + len(rest) + 2 <= MOST:
            return f"{short}; {rest}"
    return first


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
        "summary": summary if len(summary) <= MOST else f"{summary[:MOST].rpartition(' ')[0]}…",
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


def _suggestions(some: Sequence[Foreseen], patient: str) -> list[Resource]:
    """One suggestion with an order for each test that is missing. A result outside the payer's
    limit does not get better by ordering another."""
    actions: dict[str, Resource] = {}
    for one in some:
        test = codes.requirements()[one.found.requirement].test
        if test and one.found.state != "not-covered":
            actions.setdefault(test.name, _order(test, patient, one))
    if not actions:
        return []
    return [
        {
            "label": f"Order {words.joined([within(name) for name in actions])}",
            "uuid": str(uuid.uuid4()),
            "actions": list(actions.values()),
        }
    ]


def _order(test: OrderableTest, patient: str, of: Foreseen) -> Resource:
    """For the day of a dose to come; a result of today may be too old then."""
    draft = draft_order(test, patient)
    if of.is_later:
        draft["occurrenceDateTime"] = of.day.isoformat()
    return {"type": "create", "description": f"Order {within(test.name)}", "resource": draft}


def _plain(text: str) -> str:
    """No markup of our readers' data in a card's Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|!" else letter for letter in text)
