"""R10a: which coverage pays first on a day, and which pay after it.

Held by tests/scenarios/coverage.yaml.
"""

from collections.abc import Iterable
from datetime import date, tzinfo

from msgspec import Struct, field, structs

from mappings.assessment import Evidence, State, cite
from mappings.circumstances import eligibility
from mappings.decisions import Decision, PaysFirst
from mappings.record import Coverage, PatientRecord
from mappings.standing_decisions import Decisions
from mappings.values.moment import may_span
from mappings.values.remembered import kept
from mappings.values.stated import Unread
from mappings.values.us_dates import us_date

# Teeth, eyes and drugs that go over the counter of a pharmacy; they may hold a place in the order.
_BESIDE_MEDICAL = frozenset({"drug-only", "dental", "vision", "not-medical"})
_NO_PLAN = frozenset({"self-pay"})
# Medicare Part A alone pays for inpatient stays, not for a drug given to an outpatient.
_PART_A = "hospital-only"
_NOT_MEDICAL = _BESIDE_MEDICAL | _NO_PLAN | {_PART_A}

_MEDICARE = ("medicare", "medicare-advantage")
_AFTER_MEDICARE = ("supplement", "medicaid")
# These pay what Medicare leaves, or answer no question beforehand: they authorize nothing.
_AUTHORIZES_NOTHING = _NOT_MEDICAL | {"medicare", "supplement", "hospice"}
_ANOTHER_PAYS_FIRST = "another-pays-first"


class Coordination(Struct, frozen=True, dict=True):
    """`state` met: `primary` pays first, `secondary` after it. Else `says` why no payer can be
    named.

    `cause`: what this is, where it predicts a denial. `unknown_payer`: the name that the site says
    once. `fix`: what helps, where it is not that a person says which plan is primary.
    """

    state: State
    says: str
    primary: Coverage | None = None
    secondary: tuple[Coverage, ...] = ()
    seen: tuple[Coverage, ...] = ()
    cause: str | None = None
    fix: str | None = None
    unknown_payer: Unread | None = None
    decided: tuple[Evidence, ...] = ()

    @kept
    def evidence(self) -> tuple[Evidence, ...]:
        """The coverages, and what people decided of them."""
        named = (coverage.decided for coverage in self.seen if coverage.decided)
        said = dict.fromkeys(cite(coverage.source, coverage.says) for coverage in named)
        return (
            *(cite(coverage.source, described(coverage)) for coverage in self.seen),
            *said,
            *self.decided,
        )


def described(coverage: Coverage) -> str:
    """What a coverage says of its place: its kind, payer, order and dates."""
    payer = next(iter(coverage.names), None)
    parts = [
        f"coverage, {coverage.kind or 'payer not recognized'}",
        payer,
        f"order {coverage.order}" if coverage.order is not None else None,
        f"from {coverage.start.span(None).shown}" if coverage.start else None,
        f"to {coverage.end.span(None).shown}" if coverage.end else None,
    ]
    return ", ".join(part for part in parts if part)


class CoverageHistory(Struct, frozen=True, eq=False, dict=True):
    """Who pays for the doses of one patient."""

    record: PatientRecord
    zone: tzinfo | None
    decisions: Decisions
    _known: dict[tuple[int, ...], Coordination] = field(default_factory=dict)

    def on(self, day: date) -> Coordination:
        """Who pays first on a day, and who after it."""
        current = [
            coverage
            for coverage in self.record.coverages
            if coverage.active and may_span(coverage.start, coverage.end, (day, day), self.zone)
        ]
        decision = self.decisions.pays_first(self.record.patient, day)
        asked = day.toordinal() if self.record.eligibility else 0
        key = (*map(id, current), id(decision), asked)
        known = self._known.get(key)
        if known is None:
            known = coordinate(self.record, current, decision, day, self.zone)
            # Who pays is said without the day; why nobody can be named is said of one.
            if known.state == "met":
                self._known[key] = known
        return known


def coordinate(
    record: PatientRecord,
    current: list[Coverage],
    decision: Decision | None,
    day: date,
    zone: tzinfo | None,
) -> Coordination:
    """As a person decided, as long as that holds. Else Medicare Advantage stands in for Medicare;
    Medicare before a supplement and Medicaid; else by `order`.

    Medicare beside a group plan is a person's decision.
    """
    medical = [coverage for coverage in current if coverage.kind not in _NOT_MEDICAL]
    active = _distinct(medical)
    spoiled = [
        problem.resource
        for problem in record.unreadable
        if problem.resource.startswith("Coverage/")
    ]
    if spoiled:
        return Coordination(
            "incomplete",
            f"{spoiled[0]} could not be read: which plan is primary is not known without it.",
            seen=tuple(active),
            fix=f"Correct {spoiled[0]} where the patient is registered.",
        )
    if not active:
        return _none(record, current, day, zone)
    why_not = _no_longer(decision.pays_first, current) if decision and decision.pays_first else ""
    if decision and decision.pays_first and not why_not:
        return _by_person(decision, _as_decided(decision.pays_first, medical), active, day)
    refused = eligibility.refused(record.eligibility, active, day, zone)
    found = _open(refused, active) if refused else _unclear(active, day)
    found = found or _hole(_settled(active, day), active, current, record)
    if not decision or found.state == "met":
        return found
    lapsed = (
        f"The decision of {decision.who} of {us_date(decision.when)} holds no longer: {why_not}."
    )
    return structs.replace(found, says=f"{found.says} {lapsed}")


def _no_longer(decided: PaysFirst, current: list[Coverage]) -> str:
    """Why a decision of who pays first does not hold; empty where it does. A person may name every
    record of a plan, or one of them."""
    by_reference = {coverage.source.resource: coverage for coverage in current}
    for reference in decided.named:
        coverage = by_reference.get(reference)
        if coverage is None:
            return f"{reference} is not active"
        if decided.as_seen.get(reference, described(coverage)) != described(coverage):
            return f"{reference} has changed"
    if by_reference[decided.coverage].kind in _NOT_MEDICAL:
        return f"{decided.coverage} pays for no drug given here"
    named = [by_reference[reference] for reference in decided.named]
    others = [
        coverage.source.resource
        for coverage in sorted(current, key=lambda coverage: coverage.source)
        if coverage.kind not in _NOT_MEDICAL and coverage not in named
        if not any(coverage.is_plan_of(other) for other in named)
    ]
    return f"{others[0]} is active as well" if others else ""


def _as_decided(decided: PaysFirst, medical: list[Coverage]) -> list[Coverage]:
    """The plans in the order that a person gave them, each payer once; behind another one, Medicare
    Advantage stands in for Medicare."""
    by_reference = {coverage.source.resource: coverage for coverage in medical}
    ranked: list[Coverage] = []
    for coverage in filter(None, map(by_reference.get, decided.named)):
        same = [other.kind for other in ranked if coverage.kind == other.kind == "medicare"]
        if not same and not any(coverage.is_plan_of(other) for other in ranked):
            ranked.append(coverage)
    standing = _one_medicare(ranked)
    return [coverage for coverage in ranked if coverage is ranked[0] or coverage in standing]


def _by_person(
    decision: Decision, ranked: list[Coverage], active: list[Coverage], day: date
) -> Coordination:
    evidence = (cite(decision.decided.source, decision.decided.says),)
    unclear = _unclear(ranked[:1], day) if ranked[0].kind is None else None
    if unclear:
        return structs.replace(unclear, seen=tuple(active), decided=evidence)
    return Coordination(
        "met",
        f"as {decision.who} decided",
        ranked[0],
        tuple(ranked[1:]),
        tuple(active),
        decided=evidence,
    )


def is_known_as(coverage: Coverage) -> frozenset[str]:
    """Every name and id by which a person may speak of a coverage's payer."""
    return (
        coverage.known_as
        | set(coverage.payer_ids)
        | ({coverage.payer} if coverage.payer else set())
    )


def _unclear(active: list[Coverage], day: date) -> Coordination | None:
    """What is stated of a coverage and not understood, a payer that can't be told, or a coverage
    that says itself that another pays first."""
    for coverage in active:
        if coverage.unread:
            return _not_understood(coverage, coverage.unread[0], active, day)
        if coverage.in_doubt and not _pays_last(coverage, active):
            says = f"A coverage active on {us_date(day)} says that it may not hold"
            found = _open(f"{says}: {coverage.in_doubt}.", active)
            return structs.replace(found, unknown_payer=coverage.in_doubt)
        if coverage.kind is None:
            why = (
                "names two different kinds of payer"
                if coverage.conflict
                else "does not say which payer it is"
            )
            return _open(f"A coverage active on {us_date(day)} {why}: {_NAME_IT}.", active)
        if coverage.kind == "hospice":
            says = (
                f"A hospice coverage is active on {us_date(day)}: a person has to decide whether"
                " the dose belongs to hospice care."
            )
            return _open(says, active)
        if coverage.pays_second and coverage.kind in _MEDICARE and len(active) == 1:
            says = f"The Medicare coverage active on {us_date(day)} says that Medicare is secondary"
            return _open(f"{says}: {_FIRST_IS_MISSING}.", active, cause=_ANOTHER_PAYS_FIRST)
        if coverage.pays_second:
            says = f"A coverage active on {us_date(day)} says that it is secondary"
            return _open(f"{says}: a person has to decide which is primary.", active)
    return None


def _pays_last(coverage: Coverage, active: list[Coverage]) -> bool:
    """Whether Medicare is before it, whether it holds or not."""
    return coverage.kind in ("supplement", "medicaid") and any(
        other.kind in _MEDICARE and not other.in_doubt for other in active
    )


_NAME_IT = "name the payer in the table of payer aliases"
_FIRST_IS_MISSING = "the payer ahead of it is not on record, or has ended"


def _open(
    says: str, seen: Iterable[Coverage], cause: str | None = None, fix: str | None = None
) -> Coordination:
    return Coordination("incomplete", says, seen=tuple(seen), cause=cause, fix=fix)


def _not_understood(
    coverage: Coverage, unread: Unread, active: list[Coverage], day: date
) -> Coordination:
    if unread.element not in ("Coverage.payor", "Coverage.type"):
        return _open(f"What a coverage says is not understood: {unread}.", active)
    if coverage.kind is not None:
        says = f"The payer of a coverage active on {us_date(day)} is not on record: {unread}."
        return _open(says, active)
    says = (
        f"A coverage active on {us_date(day)} names a payer that is not known here, {unread}:"
        f" {_NAME_IT}."
    )
    return structs.replace(_open(says, active), unknown_payer=unread)


def _settled(active: list[Coverage], day: date) -> Coordination:
    plans = _one_medicare(active)
    if len(plans) == 1:
        return _single(plans[0], day)
    if not any(coverage.kind in _MEDICARE for coverage in plans):
        return _by_order(plans, [], day)
    if any(coverage.kind == "commercial" for coverage in plans):
        return _open(
            f"Medicare and another plan are active on {us_date(day)}: a person has to decide"
            " which is primary.",
            plans,
        )
    return _by_order(
        [coverage for coverage in plans if coverage.kind not in _AFTER_MEDICARE],
        [coverage for coverage in plans if coverage.kind in _AFTER_MEDICARE],
        day,
    )


def _hole(
    found: Coordination, active: list[Coverage], current: list[Coverage], record: PatientRecord
) -> Coordination:
    """Nobody holds the first place: the first payer is missing, or has ended (CARC 22).

    A site counts from 1, or from 0 where one of its coverages says so.
    """
    if found.primary is None or found.primary.order is None:
        return found
    first = 0 if any(coverage.order == 0 for coverage in record.coverages) else 1
    beside = [coverage for coverage in current if coverage.kind in _BESIDE_MEDICAL]
    lowest = min(coverage.order for coverage in (*active, *beside) if coverage.order is not None)
    if lowest <= first:
        return found
    says = f"The first coverage on record has order {lowest}: {_FIRST_IS_MISSING}."
    return _open(says, found.seen, cause=_ANOTHER_PAYS_FIRST)


def _none(
    record: PatientRecord, current: list[Coverage], day: date, zone: tzinfo | None
) -> Coordination:
    part_a = [coverage for coverage in current if coverage.kind == _PART_A]
    if part_a:
        says = (
            f"Medicare Part A is the only medical coverage on {us_date(day)}, and it does not pay"
            " for outpatient drugs: Part B is not on record."
        )
        return _open(says, part_a, fix="Register the plan that pays for outpatient drugs.")
    medical = [coverage for coverage in record.coverages if coverage.kind not in _NOT_MEDICAL]
    ended = [coverage for coverage in medical if coverage.end and coverage.end.days(zone)[1] < day]
    if ended:
        last = max(
            (coverage.end.span(zone) for coverage in ended if coverage.end),
            key=lambda span: span.last,
        )
        return Coordination(
            "expired",
            f"No coverage is active on {us_date(day)}; the last one ended {last.on}.",
            seen=tuple(ended),
        )
    return Coordination(
        "missing", f"No medical coverage on {us_date(day)} is on record.", seen=tuple(medical)
    )


def _distinct(coverages: Iterable[Coverage]) -> list[Coverage]:
    """The same plan recorded twice is one: the first of it in the order, by id."""
    kept: list[Coverage] = []
    for coverage in sorted(coverages, key=_by_place):
        if not any(coverage.is_plan_of(other) for other in kept):
            kept.append(coverage)
    return sorted(kept, key=lambda coverage: coverage.source)


def _by_place(coverage: Coverage) -> tuple[int, str]:
    return 99 if coverage.order is None else coverage.order, coverage.source.resource


def authorizing(record: PatientRecord) -> list[Coverage]:
    """A coverage of each payer on record, ended ones too, that may authorize a drug."""
    kept: list[Coverage] = []
    for coverage in record.coverages:
        nobody = coverage.kind in _AUTHORIZES_NOTHING
        if not nobody and not any(coverage.known_as & other.known_as for other in kept):
            kept.append(coverage)
    return kept


def _one_medicare(active: list[Coverage]) -> list[Coverage]:
    """Parts A and B are one payer, and Medicare Advantage stands in for both."""
    advantage = [coverage for coverage in active if coverage.kind == "medicare-advantage"]
    original = sorted(
        (coverage for coverage in active if coverage.kind == "medicare"), key=_by_place
    )
    others = [coverage for coverage in active if coverage.kind not in _MEDICARE]
    return [*(advantage or original[:1]), *others]


def _single(plan: Coverage, day: date) -> Coordination:
    if plan.kind == "supplement":
        return _open(
            f"A Medicare supplement is the only coverage on {us_date(day)}: the Medicare coverage"
            " itself is not on record.",
            [plan],
        )
    return Coordination("met", "the only coverage", plan, (), (plan,))


def _by_order(plans: list[Coverage], last: list[Coverage], day: date) -> Coordination:
    """`last` pay after all the others, whatever their order."""
    everyone = (*plans, *last)
    orders = [coverage.order for coverage in plans]
    if len(plans) > 1 and (None in orders or len(set(orders)) != len(orders)):
        return _open(
            f"{len(everyone)} plans are active on {us_date(day)} and nothing says which is"
            " primary.",
            everyone,
        )
    ranked = [*sorted(plans, key=lambda coverage: coverage.order or 0), *sorted(last, key=_rank)]
    says = "by the recorded order" if len(plans) > 1 else "Medicare first"
    return Coordination("met", says, ranked[0], tuple(ranked[1:]), everyone)


def _rank(coverage: Coverage) -> tuple[int, tuple[int, str]]:
    return _AFTER_MEDICARE.index(coverage.kind or ""), _by_place(coverage)
