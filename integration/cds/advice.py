"""What cards tell: what the payer will miss if the ordered iron is given, and what may be done
about it.

Held by tests/contract/test_cds.py.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from integration.assessing import planning
from integration.assessing.planning import OrderedIron
from integration.cds import suggestions
from integration.cds.cards import KINDS, Card, Kind, Saying, kind_of, made, summary
from integration.cds.evidence import KnownChart
from integration.cds.foreseen import Foreseen, foreseen
from integration.cds.ordered_tests import OrderedTests, under_way
from integration.configuration.site import Site
from integration.wording import words
from mappings import codes
from mappings.assessment import Finding, Gap, PatientAssessment
from mappings.codes.requirement import Group
from mappings.decisions import Decision
from mappings.policy.choosing import PolicySet
from mappings.reading import Collection
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.orders.forms import DRUG_ORDERS
from mappings.requirements.quoting import PAID_WITH
from mappings.writing.detected_issue import Waiver

Resource = dict[str, Any]
MOST_LISTED = 8
# What tells which drug an order names.
NAMED_BY = DRUG_ORDERS | {"Medication"}


@dataclass(frozen=True)
class Advice:
    """`cards`: for the clinician. `unanswered`: plans of which nobody has said whether they require
    an authorization for a drug, which is for the billing office: policy and drug."""

    cards: list[Card]
    unanswered: tuple[tuple[str, str], ...] = ()


def drafts(site: Site, orders: Sequence[Resource], known: KnownChart) -> list[OrderedIron]:
    """The IV irons among ORDERS."""
    collection = Collection(site.addresses)
    drugs = [one for one in known.resources if one["resourceType"] in NAMED_BY]
    for number, order in enumerate([*drugs, *orders], 1):
        collection.add(order, f"resource {number}")
    with codes.using(site.facts().codes):
        return list(planning.irons(orders, collection, ProductFinder(site.drug_aliases)))


def advise(
    site: Site,
    policies: PolicySet,
    known: KnownChart,
    patient: str,
    orders: Sequence[Resource],
    now: datetime,
    app: str,
    decided: Sequence[Decision] = (),
    visit: str | None = None,
    overridden: Set[str] = frozenset(),
) -> Advice:
    """Of what giving the drafts would leave open. APP: where our SMART app is launched; VISIT: the
    encounter in which they are ordered; OVERRIDDEN: papers of which a card was overridden a short
    time ago."""
    found = drafts(site, orders, known)
    if not found:
        return Advice([])
    tests = OrderedTests([*orders, *under_way(known.resources, now.date())], site.lab_aliases)
    each = list(foreseen(site, policies, known, patient, found, now, decided, visit))
    unanswered = [one for one in each if _is_unanswered(one.found)]
    waiting = [
        one
        for one in each
        if not _is_unanswered(one.found)
        and not tests.will_tell(one.found, one.day)
        and not (one.found.requirement in overridden and _kind(one) == "papers")
    ]
    drugs, notes = {draft.says for draft in found}, list(_notes(each, unanswered))
    kinds = _by_kind(waiting)
    behind = {kind: notes for kind, _ in kinds[-1:]}
    cards = [
        made(_saying(kind, some, drugs, policies, patient, behind.get(kind, ())), app)
        for kind, some in kinds
    ]
    asked = {(one.found.policy or "", one.drug) for one in unanswered}
    return Advice(cards, tuple(sorted(asked)))


def _is_unanswered(found: Finding) -> bool:
    """Whether nobody knows if the payer asks for an authorization, and none was asked for: no
    clinician can settle that, and the billing office does, once for the plan."""
    of_authorization = codes.requirements()[found.requirement].group == "authorization"
    return of_authorization and found.state == "incomplete" and not found.evidence


def _notes(each: Sequence[Foreseen], unanswered: Sequence[Foreseen]) -> Iterator[str]:
    """What is good to know where there is a card, and no reason for one."""
    yield from dict.fromkeys(PAID_WITH[one.payment] for one in each if one.payment in PAID_WITH)
    if unanswered:
        drugs = words.joined(list(dict.fromkeys(one.drug for one in unanswered)))
        yield (
            f"Whether this plan requires prior authorization for {drugs} is not known yet; the"
            " billing office sees that it is asked."
        )


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


def _listed(name: Group, said: str, gaps: Sequence[Gap], app: str) -> Card:
    told = [f"{words.first_sentence(gap.message)}{_of(gap)}" for gap in gaps[:MOST_LISTED]]
    more = [f"and {len(gaps) - MOST_LISTED} more"] if len(gaps) > MOST_LISTED else []
    requirements = [gap.requirement for gap in gaps]
    return made(Saying(kind_of(name), said, [*told, *more], requirements, [name]), app)


def _of(gap: Gap) -> str:
    """Of how many doses, where it is more than the one that its message names."""
    count = len(gap.administrations)
    return f" ({words.plural(count, 'dose')})" if count > 1 else ""


def _by_kind(each: Sequence[Foreseen]) -> list[tuple[Kind, list[Foreseen]]]:
    """Safety first; warnings of the others are left to the page."""
    found: dict[Kind, list[Foreseen]] = {kind: [] for kind in KINDS}
    for one in sorted(each, key=lambda one: (_place(one), one.day)):
        kind = _kind(one)
        if kind and (one.found.blocking or kind == "safety"):
            found[kind].append(one)
    return [(kind, _each_once(some)) for kind, some in found.items() if some]


def _kind(one: Foreseen) -> Kind | None:
    group = codes.requirements()[one.found.requirement].group
    return kind_of(group) if group else None


def _place(one: Foreseen) -> int:
    """Of its group on its card."""
    group, kind = codes.requirements()[one.found.requirement].group, _kind(one)
    return KINDS[kind].index(group) if kind and group else 0


def _each_once(found: Sequence[Foreseen]) -> list[Foreseen]:
    """Of the doses of one drug the first of which a requirement is open."""
    first: dict[tuple[str, str], Foreseen] = {}
    for one in found:
        first.setdefault((one.drug, one.found.requirement), one)
    return list(first.values())


def _saying(
    kind: Kind,
    some: list[Foreseen],
    drugs: Set[str],
    policies: PolicySet,
    patient: str,
    notes: Sequence[str],
) -> Saying:
    """DRUGS: those that are ordered; of what is not found of all alike, the drug is named."""
    alike = {says: {one.drug for one in some if _says(one) == says} for says in map(_says, some)}
    told = {
        _says(one) if alike[_says(one)] == drugs else f"{one.drug}: {_says(one)}": one
        for one in reversed(some)
    }
    asked = [
        (says, words.payer_asks(one.found, policies.named(one.found.decided_by)))
        for says, one in reversed(told.items())
    ]
    sources = dict.fromkeys(one.found.source for one in some if one.found.source)
    requirements = [one.found.requirement for one in some]
    groups = (codes.requirements()[requirement].group for requirement in requirements)
    return Saying(
        kind=kind,
        summary=summary(next(reversed(told)), requirements),
        lines=list(_each_asked_once(asked)),
        requirements=requirements,
        groups=[group for group in groups if group],
        source="; ".join(sources),
        notes=notes,
        suggestions=[
            *suggestions.tests(some, patient),
            *suggestions.products(some, policies, patient),
        ],
    )


def _each_asked_once(asked: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each finding, and behind the last of those that rest on it what the payer asks."""
    for number, (says, asks) in enumerate(asked, 1):
        is_last = asks not in (later for _, later in asked[number:])
        yield f"{says} {asks}" if is_last else says


def _says(one: Foreseen) -> str:
    return words.first_sentence(one.found.says or words.title(one.found.requirement))
