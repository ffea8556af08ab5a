"""The clinician's page as data: one sentence, the cards, the time line, the doses. The template
only sets it.

Held by tests/contract/test_chart_page.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from integration.assessing.patient import Checked
from integration.configuration.site import Site
from integration.web.chart import timeline
from integration.web.chart.cards import NEVER, Cards, amount
from integration.web.chart.sentence import sentence
from integration.web.chart.views import (
    Banner,
    Card,
    ChartPage,
    DoseView,
    LineView,
    link_into_chart,
)
from integration.wording import people, words
from integration.wording.amounts import worth
from mappings import codes
from mappings.assessment import Asked, ClaimLine, PatientAssessment
from mappings.policy.choosing import Policy, PolicySet
from mappings.record import Administration, PatientRecord
from mappings.writing.detected_issue import Waiver

Resource = dict[str, Any]
NARROW = 360


def chart_page(
    checked: Checked,
    resources: Iterable[Resource],
    site: Site,
    policies: PolicySet,
    now: datetime,
    waivers: Mapping[str, Waiver] | None = None,
    unread: Iterable[str] = (),
    about: str | None = None,
    ordered: Mapping[str, datetime] | None = None,
) -> ChartPage:
    """ABOUT: the requirement that a CDS card spoke of; its card comes first. ORDERED: as of
    `Cards`."""
    today = words.local_day(now, site.time_zone)
    cards = Cards(
        checked.record, checked.assessment, site, policies, waivers or {}, ordered or {}, today
    )
    chart = _Chart(checked, list(resources), site, policies, now, cards)
    return chart.page(tuple(sorted(unread)), cards.all(about))


class _Chart:
    def __init__(
        self,
        checked: Checked,
        resources: list[Resource],
        site: Site,
        policies: PolicySet,
        now: datetime,
        cards: Cards,
    ) -> None:
        self.record: PatientRecord = checked.record
        self.assessment: PatientAssessment = checked.assessment
        self.site, self.policies, self.now, self.cards = site, policies, now, cards
        self.zone = site.facts().zone
        self.today = words.local_day(now, site.time_zone)
        self.patient = next(
            (resource for resource in resources if resource.get("resourceType") == "Patient"), {}
        )

    def page(self, unread: tuple[str, ...], cards: Sequence[Card]) -> ChartPage:
        open_ = [card for card in cards if card.waived is None]
        doses = self._doses()
        shown = [dose for dose in doses if dose.status != "reversed"]
        marks = self._marks()
        rules = self._lab_rules()
        yours = tuple(
            card
            for card in open_
            if card.blocking and card.owner == "clinician" and not card.safety
        )
        elsewhere = tuple(
            card for card in open_ if card.blocking and card.owner == "billing" and not card.safety
        )
        safety = tuple(card for card in open_ if card.safety)
        return ChartPage(
            banner=banner(self.patient),
            sentence=sentence(
                shown,
                safety,
                [*yours, *(card for card in safety if card.blocking)],
                elsewhere,
                self.today,
            ),
            safety=safety,
            cards=yours,
            elsewhere=elsewhere,
            warnings=tuple(card for card in open_ if not card.blocking and not card.safety),
            waived=tuple(card for card in cards if card.waived is not None),
            plot=timeline.timeline(
                [mark[0] for mark in marks], self.record.labs, rules, self.today, self.zone
            ),
            narrow_plot=timeline.timeline(
                [mark[0] for mark in marks], self.record.labs, rules, self.today, self.zone, NARROW
            ),
            rows=tuple(
                (shown, link_into_chart(self.site, self.assessment.patient, shown.resource))
                for shown in timeline.table(marks, self.record.labs, self.zone)
            ),
            doses=tuple(doses),
            policies=self._policies(),
            unreadable=tuple(
                f"{problem.resource}: {problem.problem}" for problem in self.assessment.unreadable
            ),
            unread=unread,
            assessed=words.clock(self.now, self.site.time_zone),
            today=self.today,
        )

    # Doses

    def _doses(self) -> list[DoseView]:
        doses = [self._dose(given) for given in self._given()]
        return sorted(doses, key=lambda dose: (dose.on or NEVER, dose.administration), reverse=True)

    def _given(self) -> list[Administration]:
        """Those of which anything is said; a step of an infusion, or a part of another record, is
        no dose of its own."""
        assessed = self.assessment
        told = {one.administration for one in (*assessed.pending, *assessed.reversed)}
        told.update(*(line.administrations for line in assessed.lines))
        told.update(*(found.administrations for found in assessed.requirements))
        return [one for one in self.record.administrations if one.source.resource in told]

    def _dose(self, given: Administration) -> DoseView:
        reference = given.source.resource
        lines = [line for line in self.assessment.lines if reference in line.administrations]
        aside = {dose.administration: ("pending", dose.reason) for dose in self.assessment.pending}
        aside |= {
            dose.administration: ("reversed", dose.reason) for dose in self.assessment.reversed
        }
        status, state = aside.get(reference) or (_status(lines), "")
        why = {reason for line in lines if line.status == status for reason in line.reasons}
        if not lines:
            why = {
                gap.requirement
                for gap in self.assessment.gaps
                if gap.blocking and reference in gap.administrations
            }
        policy = next((self.policies.named(line.policy) for line in lines if line.policy), None)
        return DoseView(
            administration=reference,
            on=self.cards.on(reference),
            drug=given.drug.says or "intravenous iron",
            dose=amount(given),
            status=status,
            state=state,
            payer=policy.payer_name if policy else "not known",
            lines=tuple(self._line(line) for line in lines),
            why=tuple(words.reason(name) for name in sorted(why)),
            link=link_into_chart(self.site, self.assessment.patient, reference),
        )

    def _line(self, line: ClaimLine) -> LineView:
        return LineView(
            text=line.text,
            status=line.status,
            worth=worth(line),
            steps=line.trace,
            proofs=tuple(self.cards.proof(evidence) for evidence in line.evidence),
            notes=line.notes,
        )

    # Time line and small print

    def _marks(self) -> list[tuple[timeline.DoseTick, str, str]]:
        reversed_ = {dose.administration for dose in self.assessment.reversed}
        administrations = [
            (self.cards.on(administration.source.resource), administration)
            for administration in self._given()
            if administration.source.resource not in reversed_
        ]
        return [
            (
                timeline.DoseTick(on, given.dose.value if given.dose.unit == "mg" else None),
                given.drug.says or "Intravenous iron",
                given.source.resource,
            )
            for on, given in administrations
            if on is not None
        ]

    def _lab_rules(self) -> list[Asked]:
        """The laboratory rules that decided on the newest dose of which one was asked."""
        requirements = codes.requirements()
        for line in reversed(self.assessment.lines):
            about = [
                requirement
                for requirement in self.assessment.requirements
                if set(requirement.administrations) & set(line.administrations)
            ]
            asked = [
                requirement.asked
                for requirement in about
                if requirement.asked and requirements[requirement.requirement].test
            ]
            if asked:
                return list(dict.fromkeys(asked))
        return []

    def _policies(self) -> tuple[tuple[str, str], ...]:
        used = dict.fromkeys(line.policy for line in self.assessment.lines if line.policy)
        found: list[Policy] = [policy for policy in map(self.policies.named, used) if policy]
        return tuple((policy.id, f"{policy.title} ({policy.version})") for policy in found)


def banner(patient: Resource) -> Banner:
    """Name and birth date as the EHR has them; what is missing is said."""
    identifiers = [
        identifier
        for identifier in patient.get("identifier") or []
        if isinstance(identifier, dict) and identifier.get("value")
    ]
    numbers = [
        identifier
        for identifier in identifiers
        if any(
            code.get("code") == "MR" for code in (identifier.get("type") or {}).get("coding") or []
        )
    ]
    return Banner(
        name=people.in_lists(patient) or "Name not in the chart",
        born=words.day(str(patient["birthDate"])) if patient.get("birthDate") else None,
        sex=str(patient.get("gender") or ""),
        record_number=str(numbers[0]["value"]) if numbers else None,
    )


def _status(lines: Sequence[ClaimLine]) -> str:
    """Of a dose: the least ready of its lines; without any, it waits."""
    kinds = {line.status for line in lines}
    return next((kind for kind in ("held", "not-billable", "ready") if kind in kinds), "held")
