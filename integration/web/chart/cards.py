"""What is missing, a card each: findings of doses under one rule of one payer, so that what stands
on a card holds for each dose that it names.

Held by tests/contract/test_chart_page.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import chain

from integration.configuration.site import Site
from integration.web import entries
from integration.web.chart.views import Affected, Card, ProofView, link_into_chart
from integration.wording import amounts, words
from mappings import codes
from mappings.assessment import (
    WORST_FIRST,
    ClaimLine,
    Evidence,
    Finding,
    Gap,
    PatientAssessment,
)
from mappings.circumstances import labs
from mappings.policy.choosing import PolicySet
from mappings.policy.conditions import Or, parse
from mappings.record import Administration, LabResult, PatientRecord
from mappings.requirements.misreadable import quoted_words
from mappings.values.moment import Span
from mappings.values.words import within
from mappings.writing.detected_issue import Waiver

RELATED = ("ferritin", "tsat", "iron", "tibc", "transferrin", "uibc")
NEVER = Span(date.max, date.max)
# For so long a test that was ordered here is not offered again.
ORDERED_DAYS = 30


@dataclass(frozen=True)
class _Open:
    """A gap, and what was found for a dose of it."""

    gap: Gap
    found: Finding


class Cards:
    """Of one patient. ORDERED: which tests were ordered on the page, by requirement, and when."""

    def __init__(
        self,
        record: PatientRecord,
        assessment: PatientAssessment,
        site: Site,
        policies: PolicySet,
        waivers: Mapping[str, Waiver],
        ordered: Mapping[str, datetime],
        today: date,
    ) -> None:
        self.record, self.assessment, self.site = record, assessment, site
        self.policies, self.waivers, self.ordered = policies, waivers, ordered
        self.today = today
        self.zone: tzinfo | None = site.facts().zone
        self.dates = {
            diagnosis.source.resource: diagnosis.onset or diagnosis.recorded
            for diagnosis in record.diagnoses
        }
        self.dates |= {
            encounter.source.resource: encounter.start for encounter in record.encounters
        }
        self.dates |= {result.source.resource: result.when for result in record.labs}
        self.dates |= {
            administration.source.resource: administration.start
            for administration in record.administrations
        }
        self.given = {
            administration.source.resource: administration
            for administration in record.administrations
        }

    def all(self, about: str | None) -> list[Card]:
        """Most doses first, then money; what ABOUT names before all others."""
        grouped: dict[tuple[object, ...], list[_Open]] = {}
        for open_gap in self._open():
            grouped.setdefault(self._same(open_gap), []).append(open_gap)
        cards = [self._card(open_gaps) for open_gaps in grouped.values()]
        return sorted(
            cards,
            key=lambda card: (
                not card.about(about),
                -card.frees,
                -card.worth.money,
                card.requirements,
            ),
        )

    def _open(self) -> Iterable[_Open]:
        """Each gap with what was found for each of its doses."""
        for gap in self.assessment.gaps:
            for found in self.assessment.requirements:
                about = set(found.administrations) <= set(gap.administrations)
                if found.requirement == gap.requirement and found.state in WORST_FIRST and about:
                    yield _Open(gap, found)

    def on(self, reference: str) -> Span | None:
        given = self.given.get(reference)
        return given.start.span(self.zone) if given and given.start else None

    def proof(self, item: Evidence) -> ProofView:
        link = link_into_chart(self.site, self.assessment.patient, item.resource)
        return ProofView(item.says, item.resource, link)

    def _same(self, open_gap: _Open) -> tuple[object, ...]:
        """What findings of one card have in common: the rule, its source, and who waived it."""
        found, waiver = open_gap.found, self._waived(open_gap.gap)
        what = found.asked.limit if found.asked and _is_either(found) else found.requirement
        said = waiver and _said(waiver)
        return what, found.policy, found.asked, found.source, found.blocking, said

    def _waived(self, gap: Gap) -> Waiver | None:
        waiver = self.waivers.get(gap.id)
        return waiver if waiver and waiver.covers(gap) else None

    def _card(self, open_gaps: list[_Open]) -> Card:
        gap, first = open_gaps[0].gap, open_gaps[0].found
        waiver = self._waived(gap)
        requirements = tuple(dict.fromkeys(open_gap.found.requirement for open_gap in open_gaps))
        doses = self._doses(open_gaps)
        findings = list(dict.fromkeys(dose.findings for dose in doses))
        if len(doses) > 1:
            findings = list(dict.fromkeys(dose.alike for dose in doses))
        fixes = {dose.fixes for dose in doses}
        policy = self.policies.named(first.decided_by)
        return Card(
            requirements=requirements,
            gaps=tuple(dict.fromkeys(open_gap.gap.id for open_gap in open_gaps)),
            finding=_heading(open_gaps, requirements, findings),
            alike=len(findings) == 1 and len(requirements) == 1,
            asks=words.payer_asks(first, policy),
            of_payer=first.asked is None or first.asked.of_payer,
            source=first.source,
            verified=first.verified,
            policy=first.policy,
            found=self._found(open_gaps, requirements),
            fix=" ".join(next(iter(fixes))) if len(fixes) == 1 else None,
            doses=doses,
            worth=amounts.total(self._held(doses)),
            blocking=first.blocking,
            waivable=all(open_gap.gap.waivable for open_gap in open_gaps),
            orderable=_orderable(open_gaps),
            ordered=self._ordered(requirements),
            owner=words.owner(first.requirement),
            safety=gap.is_safety,
            denial=words.joined(list(dict.fromkeys(filter(None, map(_denial, open_gaps))))) or None,
            waived=_said(waiver) if waiver else None,
            words=quoted_words(open_gap.found for open_gap in open_gaps),
        )

    def _held(self, doses: Iterable[Affected]) -> list[ClaimLine]:
        about = {dose.administration for dose in doses}
        lines = [line for line in self.assessment.lines if line.is_billable]
        return [line for line in lines if about & set(line.administrations)]

    def _doses(self, open_gaps: Sequence[_Open]) -> tuple[Affected, ...]:
        references = sorted(
            _administrations(open_gaps),
            key=lambda reference: (self.on(reference) or NEVER, reference),
        )
        return tuple(self._dose(reference, open_gaps) for reference in references)

    def _dose(self, reference: str, open_gaps: Sequence[_Open]) -> Affected:
        its = [
            open_gap.found for open_gap in open_gaps if reference in open_gap.found.administrations
        ]
        dose, given_on = self.given.get(reference), self.on(reference)
        is_old = given_on is not None and given_on.first.year != self.today.year
        on = words.day(given_on, year=is_old)
        return Affected(
            administration=reference,
            says=f"{on}, {amount(dose)}" if dose else on,
            findings=tuple(map(_says, its)),
            alike=tuple(_of_each(found, given_on) for found in its),
            fixes=tuple(dict.fromkeys(found.fix for found in its if found.fix)),
        )

    def _found(
        self, open_gaps: Sequence[_Open], requirements: Sequence[str]
    ) -> tuple[ProofView, ...]:
        """What was cited; for a laboratory value also what there is of it and its relatives. The
        newest first: it says how things stand."""
        cited = list(chain.from_iterable(open_gap.found.evidence for open_gap in open_gaps))
        if set(requirements) & set(entries.tests()):
            doses = map(self.on, _administrations(open_gaps))
            last = max((on.last for on in doses if on), default=self.today)
            cited += [self._newest(result) for result in self._related(last)]
        unique: dict[str, Evidence] = {}
        for item in cited:
            unique.setdefault(item.resource, item)
        newest = sorted(unique.values(), key=self._day_of, reverse=True)
        return tuple(self.proof(self._dated(item)) for item in newest)

    def _day_of(self, item: Evidence) -> date:
        when = self.dates.get(item.resource)
        return when.days(self.zone)[0] if when else date.min

    def _dated(self, item: Evidence) -> Evidence:
        """With the day of the dose, the diagnosis or the encounter, where it does not say one."""
        when = self.dates.get(item.resource)
        on = when.span(self.zone) if when else None
        if on is None or on.shown in item.says:
            return item
        since = f"since {on.shown}" if item.resource.startswith("Condition/") else on.on
        return Evidence(item.resource, item.version, f"{item.says.rstrip('.')}, {since}")

    def _related(self, last: date) -> Iterable[LabResult]:
        """The newest of each value up to a day."""
        results = [
            result
            for result in self.record.labs
            if result.analyte in RELATED and result.when and result.when.days(self.zone)[0] <= last
        ]
        results.sort(key=lambda result: result.when.order if result.when else (date.min,))
        return {result.analyte: result for result in results}.values()

    def _newest(self, result: LabResult) -> Evidence:
        says = (
            f"{codes.labs().by_name[result.analyte].called} {labs.value(result)}"
            f" {labs.drawn(result, self.zone)}"
        )
        return Evidence(result.source.resource, result.source.version, says)

    def _ordered(self, requirements: Sequence[str]) -> str | None:
        """`Ordered here on Nov 29 (ferritin); the draft is to be signed in the chart.`"""
        tests = entries.tests()
        found = {
            tests[name].name: words.local_day(self.ordered[name], self.site.time_zone)
            for name in requirements
            if name in self.ordered
        }
        recent = {test: on for test, on in found.items() if (self.today - on).days <= ORDERED_DAYS}
        if not recent:
            return None
        named = words.joined([within(test) for test in recent])
        on = words.day(max(recent.values()))
        return f"Ordered here on {on}: {named}. The draft is to be signed in the chart."


def _administrations(open_gaps: Sequence[_Open]) -> set[str]:
    return set(chain.from_iterable(open_gap.found.administrations for open_gap in open_gaps))


def amount(given: Administration | None) -> str:
    """`200 mg`, as recorded."""
    if given is None or given.dose.value is None:
        return "dose not readable"
    return f"{given.dose.value.normalize():f} {given.dose.unit or ''}".strip()


def _is_either(found: Finding) -> bool:
    """Whether the rule wants one value or another."""
    limit = found.asked.limit if found.asked else None
    return limit is not None and isinstance(parse(limit), Or)


def _says(found: Finding) -> str:
    return words.first_sentence(found.says or words.title(found.requirement))


def _of_each(found: Finding, on: Span | None) -> str:
    """The finding as it may hold for other doses, too: `… within 90 days before each dose.`"""
    says = found.says or words.title(found.requirement)
    return words.first_sentence(says.replace(on.shown, "each dose") if on else says)


def _heading(
    open_gaps: Sequence[_Open], requirements: Sequence[str], findings: Sequence[tuple[str, ...]]
) -> str:
    """What was found, where it is the same for each dose; else what holds for all of them."""
    names = [words.title(name) for name in requirements]
    states = list(dict.fromkeys(open_gap.found.state for open_gap in open_gaps))
    if len(requirements) > 1 and states == ["not-covered"]:
        lower = " nor ".join(within(name) for name in names)
        return f"Neither {lower} is within the payer's limit."
    if len(requirements) > 1:
        either = f"{names[0]} or {' or '.join(within(name) for name in names[1:])}"
        return f"{either} within the payer's limit is not on record."
    if len(findings) == 1:
        return " ".join(findings[0])
    return f"{names[0]}: {words.joined([words.STATES[state] for state in states])}."


def _orderable(open_gaps: Sequence[_Open]) -> tuple[str, ...]:
    """The tests that are lacking. A result outside the payer's limit does not get better by
    ordering another."""
    lacking = [
        open_gap.found.requirement
        for open_gap in open_gaps
        if open_gap.found.state != "not-covered"
    ]
    return tuple(name for name in entries.tests() if name in lacking)


def _denial(open_gap: _Open) -> str | None:
    denial = open_gap.found.denial
    return " + ".join([denial.carc, *denial.rarc]) if denial else None


def _said(waiver: Waiver) -> str:
    by = waiver.author_name or waiver.author or "a clinician"
    return f"Waived by {by}: {waiver.reason}"
