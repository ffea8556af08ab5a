"""The clinician's page as data: one sentence, the cards, the time line, the doses. The template
only sets it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from integration.assessing.patient import Checked
from integration.configuration.site import Site
from integration.web.chart import timeline
from integration.web.chart.sentence import sentence
from integration.web.chart.views import (
    Affected,
    Banner,
    Card,
    ChartPage,
    DoseView,
    LineView,
    Proof,
    link_into_chart,
)
from integration.wording import words
from mappings import codes
from mappings.assessment import Asked, ClaimLine, Evidence, Gap, PatientAssessment
from mappings.circumstances import labs
from mappings.policy.choosing import Policy, PolicySet
from mappings.record import Administration, LabResult, PatientRecord
from mappings.values.moment import Span
from mappings.writing.detected_issue import Waiver

Resource = dict[str, Any]
NARROW = 360
NEVER = Span(date.max, date.max)
LAB_NAMES = {"tsat": "transferrin saturation", "tibc": "TIBC", "uibc": "UIBC"}


def chart_page(
    checked: Checked,
    resources: Iterable[Resource],
    site: Site,
    policies: PolicySet,
    now: datetime,
    waivers: Mapping[str, Waiver] | None = None,
    unread: Iterable[str] = (),
    about: str | None = None,
) -> ChartPage:
    """ABOUT: the requirement that a CDS card spoke of; its card comes first."""
    return _Chart(checked, list(resources), site, policies, now, waivers or {}, about).page(
        tuple(sorted(unread))
    )


class _Chart:
    def __init__(
        self,
        checked: Checked,
        resources: list[Resource],
        site: Site,
        policies: PolicySet,
        now: datetime,
        waivers: Mapping[str, Waiver],
        about: str | None,
    ) -> None:
        self.record: PatientRecord = checked.record
        self.assessment: PatientAssessment = checked.assessment
        self.site, self.policies, self.now, self.waivers, self.about = (
            site,
            policies,
            now,
            waivers,
            about,
        )
        self.zone = site.facts().zone
        self.today = words.local_day(now, site.time_zone)
        self.patient = next((row for row in resources if row.get("resourceType") == "Patient"), {})
        self.given = {row.source.resource: row for row in self.record.administrations}
        self.lines = {line.id: line for line in self.assessment.lines}

    def page(self, unread: tuple[str, ...]) -> ChartPage:
        cards = self._cards()
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
                [row[0] for row in marks], self.record.labs, rules, self.today, self.zone
            ),
            narrow_plot=timeline.timeline(
                [row[0] for row in marks], self.record.labs, rules, self.today, self.zone, NARROW
            ),
            rows=tuple(
                (row, link_into_chart(self.site, self.assessment.patient, row.resource))
                for row in timeline.table(marks, self.record.labs, self.zone)
            ),
            doses=tuple(doses),
            policies=self._policies(),
            unreadable=tuple(
                f"{row.resource}: {row.problem}" for row in self.assessment.unreadable
            ),
            unread=unread,
            assessed=words.clock(self.now, self.site.time_zone),
            today=self.today,
        )

    # Cards

    def _cards(self) -> list[Card]:
        """One per requirement and waiver state; most doses first, then money."""
        grouped: dict[tuple[str, bool], list[Gap]] = {}
        for gap in self.assessment.gaps:
            grouped.setdefault((gap.requirement, self._waived(gap) is not None), []).append(gap)
        cards = [self._card(gaps) for gaps in grouped.values()]
        return sorted(
            cards,
            key=lambda card: (
                card.requirement != self.about,
                -card.frees,
                -card.money,
                card.requirement,
            ),
        )

    def _waived(self, gap: Gap) -> Waiver | None:
        waiver = self.waivers.get(gap.id)
        return waiver if waiver and waiver.covers(gap) else None

    def _card(self, gaps: list[Gap]) -> Card:
        first = gaps[0]
        policy = self.policies.named(first.decided_by)
        held = {
            identity: self.lines[identity]
            for gap in gaps
            for identity in gap.lines
            if identity in self.lines
        }
        waiver = self._waived(first)
        said = (
            f"Waived by {waiver.author_name or waiver.author or 'a clinician'}: {waiver.reason}"
            if waiver
            else None
        )
        return Card(
            requirement=first.requirement,
            state=first.state,
            title=words.title(first.requirement),
            gaps=tuple(gap.id for gap in gaps),
            finding=words.first_sentence(first.message),
            asks=words.payer_asks(first, policy),
            source=first.source,
            verified=first.verified,
            policy=first.policy,
            found=self._found(gaps),
            fix=first.fix,
            doses=tuple(row for gap in gaps for row in self._affected(gap)),
            frees=len({reference for gap in gaps for reference in gap.administrations}),
            money=sum((Decimal(line.value) for line in held.values() if line.value), Decimal(0)),
            blocking=any(gap.blocking for gap in gaps),
            waivable=all(gap.waivable for gap in gaps),
            owner=words.owner(first.requirement),
            safety=first.is_safety,
            denial=(
                " + ".join([first.predicted_denial.carc, *first.predicted_denial.rarc])
                if first.predicted_denial
                else None
            ),
            waived=said,
        )

    def _found(self, gaps: list[Gap]) -> tuple[Proof, ...]:
        """What the gap itself cites; for a laboratory value also what there is of it and its
        relatives."""
        cited = [item for gap in gaps for item in gap.evidence]
        if codes.requirements()[gaps[0].requirement].test:
            wanted = ("ferritin", "tsat", "iron", "tibc", "transferrin", "uibc")
            last = max(
                (on.last for on in map(self._on, gaps[0].administrations) if on), default=self.today
            )
            rows = [
                row
                for row in self.record.labs
                if row.analyte in wanted and row.when and row.when.days(self.zone)[0] <= last
            ]
            newest = {
                row.analyte: row
                for row in sorted(rows, key=lambda row: row.when.order if row.when else (date.min,))
            }
            cited += [self._newest(row) for row in newest.values()]
        unique = {item.resource: item for item in reversed(cited)}
        return tuple(self._proof(item) for item in reversed(unique.values()))

    def _newest(self, row: LabResult) -> Evidence:
        says = (
            f"{LAB_NAMES.get(row.analyte, row.analyte)} {labs.value(row)}"
            f" {labs.drawn(row, self.zone)}"
        )
        return Evidence(row.source.resource, row.source.version, says)

    def _affected(self, gap: Gap) -> Iterable[Affected]:
        for reference in gap.administrations:
            on, dose = self._on(reference), self.given.get(reference)
            says = f"{words.day(on, year=False)}, {_amount(dose)}" if dose else words.day(on)
            yield Affected(gap.id, reference, says, words.first_sentence(gap.message))

    # Doses

    def _doses(self) -> list[DoseView]:
        rows = [self._dose(row) for row in self.record.administrations]
        return sorted(rows, key=lambda row: (row.on or NEVER, row.administration), reverse=True)

    def _dose(self, given: Administration) -> DoseView:
        reference = given.source.resource
        lines = [line for line in self.assessment.lines if reference in line.administrations]
        aside = {row.administration: ("pending", row.reason) for row in self.assessment.pending}
        aside |= {row.administration: ("reversed", row.reason) for row in self.assessment.reversed}
        status, state = aside.get(reference) or (_status(lines), "")
        waits = {reason for line in lines if line.status == "held" for reason in line.reasons}
        if not lines:
            waits = {
                gap.requirement
                for gap in self.assessment.gaps
                if gap.blocking and reference in gap.administrations
            }
        policy = next((self.policies.named(line.policy) for line in lines if line.policy), None)
        return DoseView(
            administration=reference,
            on=self._on(reference),
            drug=given.drug.says or "intravenous iron",
            dose=_amount(given),
            status=status,
            state=state,
            payer=policy.payer_name if policy else "not known",
            lines=tuple(self._line(line) for line in lines),
            waits_for=tuple(words.reason(name) for name in sorted(waits)),
            link=link_into_chart(self.site, self.assessment.patient, reference),
        )

    def _line(self, line: ClaimLine) -> LineView:
        return LineView(
            text=line_text(line),
            status=line.status,
            value=Decimal(line.value) if line.value else None,
            chips=tuple(words.reason(row) for row in line.reasons),
            steps=line.trace,
            proofs=tuple(self._proof(row) for row in line.evidence),
            notes=line.notes,
        )

    def _on(self, reference: str) -> Span | None:
        given = self.given.get(reference)
        return given.start.span(self.zone) if given and given.start else None

    # Time line and small print

    def _marks(self) -> list[tuple[timeline.Dose, str, str]]:
        reversed_ = {row.administration for row in self.assessment.reversed}
        rows = [
            (self._on(row.source.resource), row)
            for row in self.record.administrations
            if row.source.resource not in reversed_
        ]
        return [
            (
                timeline.Dose(on, row.dose.value if row.dose.unit == "mg" else None),
                row.drug.says or "Intravenous iron",
                row.source.resource,
            )
            for on, row in rows
            if on is not None
        ]

    def _lab_rules(self) -> list[Asked]:
        """The laboratory rules that decided on the newest dose of which one was asked."""
        requirements = codes.requirements()
        for line in reversed(self.assessment.lines):
            about = [
                row
                for row in self.assessment.requirements
                if set(row.administrations) & set(line.administrations)
            ]
            asked = [row.asked for row in about if row.asked and requirements[row.requirement].test]
            if asked:
                return list(dict.fromkeys(asked))
        return []

    def _policies(self) -> tuple[tuple[str, str], ...]:
        used = dict.fromkeys(line.policy for line in self.assessment.lines if line.policy)
        found: list[Policy] = [row for row in map(self.policies.named, used) if row]
        return tuple((row.id, f"{row.title} ({row.version})") for row in found)

    def _proof(self, item: Evidence) -> Proof:
        return Proof(
            item.says,
            item.resource,
            link_into_chart(self.site, self.assessment.patient, item.resource),
        )


def line_text(line: ClaimLine) -> str:
    """`J1756 JZ × 200`."""
    return " ".join([line.code, *line.modifiers, "×", str(line.units)])


def banner(patient: Resource) -> Banner:
    """Name and birth date as the EHR has them; what is missing is said."""
    names = [row for row in patient.get("name") or [] if isinstance(row, dict)]
    names.sort(
        key=lambda row: (
            ("official", "usual").index(row["use"])
            if row.get("use") in ("official", "usual")
            else 2
        )
    )
    name = names[0] if names else {}
    given = " ".join(str(part) for part in name.get("given") or [])
    family = str(name.get("family") or "")
    text = f"{family}, {given}".strip(", ") or str(name.get("text") or "Name not in the chart")
    identifiers = [
        row for row in patient.get("identifier") or [] if isinstance(row, dict) and row.get("value")
    ]
    numbers = [
        row
        for row in identifiers
        if any(code.get("code") == "MR" for code in (row.get("type") or {}).get("coding") or [])
    ]
    return Banner(
        name=text,
        born=words.day(str(patient.get("birthDate") or "birth date not in the chart")),
        sex=str(patient.get("gender") or ""),
        record_number=str(numbers[0]["value"]) if numbers else None,
    )


def _status(lines: Sequence[ClaimLine]) -> str:
    """Of a dose: the least ready of its lines; without any, it waits."""
    kinds = {line.status for line in lines}
    return next((kind for kind in ("held", "not-billable", "ready") if kind in kinds), "held")


def _amount(given: Administration | None) -> str:
    if given is None or given.dose.value is None:
        return "dose not readable"
    return f"{given.dose.value.normalize():f} {given.dose.unit or ''}".strip()
