"""One administration on its way to a claim line, with everything that the requirements ask about
it."""

from datetime import date, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from mappings import codes
from mappings.assessment import Evidence, Payment, cite
from mappings.charge.filing import Filing
from mappings.charge.history import History
from mappings.charge.paid import DiscardModifiers, Paid
from mappings.circumstances.coverage import Coordination, is_known_as
from mappings.circumstances.diagnoses import Stated, doubts, having
from mappings.circumstances.kidney import KidneyStatus
from mappings.circumstances.setting import Setting
from mappings.codes.tables import BillingCode, Family
from mappings.decisions import PayerDecision
from mappings.dose.day import NoDay
from mappings.dose.dispensed import dispensed_for, handed_ndcs
from mappings.dose.milligrams import Dose
from mappings.dose.repeats import Repeated
from mappings.policy.choosing import Policy, Requirements, Rule
from mappings.policy.conditions import Facts, LabState, Verdict, judge, parse
from mappings.policy.laboratory import LAB_VALUES
from mappings.record import (
    Administration,
    Authorization,
    Dispense,
    Encounter,
    LabResult,
    PatientRecord,
)
from mappings.site import Site
from mappings.values.moment import Moment

# Where a policy has no laboratory window of its own, diagnoses are supported by labs of this many
# days (R10a).
DEFAULT_WINDOW_DAYS = 90
# A pregnancy lasts 40 weeks.
PREGNANCY_DAYS = 280
# An ESA belongs to the iron within so many days (ours).
ESA_DAYS = 90


class Charge(Struct, frozen=True, eq=False, dict=True, kw_only=True):
    """An administration with its day, product, dose, setting, patient's kidney status, payer and
    policy.

    `day` is None where the date of service can't be said; `known_payer` is false where `policy`
    only stands in for one.
    """

    history: History
    site: Site
    administration: Administration
    day: date | None
    no_day: NoDay | None
    dose: Dose
    family: Family | None
    code: BillingCode | None
    encounter: Encounter | None
    setting: Setting
    diagnoses: list[Stated]
    kidney: KidneyStatus
    coordination: Coordination | None
    policy: Policy | None
    known_payer: bool
    drug_source: str | None
    is_340b: bool = False
    not_billable: str | None = None
    possible_duplicates: tuple[str, ...] = ()
    repeated: Repeated | None = None
    duplicate_identifier: tuple[str, ...] = ()
    filing: Filing | None = None
    paid: Paid | None = None
    discard_modifiers: DiscardModifiers = DiscardModifiers()

    @property
    def payment(self) -> Payment | None:
        """How the drug is paid; None while that is not known."""
        return self.paid.way if self.paid else None

    @property
    def record(self) -> PatientRecord:
        return self.history.record

    @property
    def partial_date(self) -> str | None:
        """When it was given as the record has it, where that is not a date: `2026-10`."""
        start = self.administration.start
        return start.span(self.zone).text if start and not self.day else None

    @property
    def reference(self) -> str:
        return self.administration.source.resource

    @property
    def is_copy(self) -> bool:
        """Whether it seems to be another record of a dose that is counted already (R1)."""
        return bool(self.possible_duplicates) and self.reference != self.possible_duplicates[0]

    @property
    def zone(self) -> tzinfo | None:
        return self.history.zone

    @property
    def has_line(self) -> bool:
        return self.code is not None and self.family is not None

    @property
    def rules(self) -> Requirements:
        """What the policy asks; nothing where there is none."""
        return self.policy.requirements if self.policy else Requirements()

    @property
    def bills_services(self) -> bool:
        """Whether the administration itself is billed: never in dialysis, never by a professional
        in a facility."""
        facilities = codes.administration_services().not_for_professionals_in
        in_facility = self.kidney.in_facility or (
            self.setting.claim == "professional" and self.setting.code in facilities
        )
        return self.site.bill_services and not in_facility and self.setting.code is not None

    @property
    def bills_giving_alone(self) -> bool:
        """Somebody else's drug is not billed, giving it is."""
        return self.bills_services and self.not_billable in (
            "drug-supplied-by-payer",
            "drug-sample",
        )

    @property
    def minutes(self) -> int | None:
        """Whole minutes from start to stop, where both are recorded with their times and can be
        true."""
        if self.recorded_minutes is None:
            return None
        return (
            self.recorded_minutes
            if 0 <= self.recorded_minutes <= codes.administration_services().most_minutes
            else None
        )

    @property
    def recorded_minutes(self) -> int | None:
        start, end = self.administration.start, self.administration.end
        if start is None or end is None or start.instant is None or end.instant is None:
            return None
        return int((end.instant - start.instant).total_seconds() // 60)

    @cached_property
    def payer_answers(self) -> tuple[PayerDecision, ...]:
        """What people were told by the payer that is billed, of this code and day."""
        billed = self.coordination.primary if self.coordination else None
        if billed is None or self.code is None or self.day is None:
            return ()
        named = is_known_as(billed)
        return tuple(self.site.decisions.answers(named, self.code.code, self.day))

    @property
    def filing_evidence(self) -> tuple[Evidence, ...]:
        """Who confirmed the limit of the claim's filing."""
        decided = (
            decision.decided for decision, said in self.payer_answers if said.timely_filing_days
        )
        return tuple(cite(one.source, one.says) for one in decided)

    @cached_property
    def authorizations(self) -> tuple[Authorization, ...]:
        """Those on record, and those that people imported."""
        imported = self.site.decisions.authorizations(self.record.patient, self.day or date.max)
        return (*self.record.authorizations, *imported)

    def has(self, *groups: str) -> list[Stated]:
        """The diagnoses of the day that are in one of the groups."""
        return having(self.diagnoses, *groups)

    def lab(self, analyte: str, window_days: int) -> LabState:
        """The newest usable result within the window before the dose."""
        known = self._known_labs.get((analyte, window_days))
        if known is None:
            known = self._known_labs[analyte, window_days] = self._look_up(analyte, window_days)
        return known

    @cached_property
    def _known_labs(self) -> dict[tuple[str, int], LabState]:
        return {}

    def _look_up(self, analyte: str, window_days: int) -> LabState:
        if self.day is None:
            return LabState("missing")
        start = self.administration.start
        return self.history.labs.state(analyte, start, self.day, window_days)

    def newest_lab(self, analyte: str) -> LabResult | None:
        """The newest usable result before the dose, however old."""
        if self.day is None:
            return None
        return self.history.labs.newest(analyte, self.administration.start, self.day)

    def unread_lab(self, analyte: str) -> LabResult | None:
        """A result before the dose, newer than the newest usable one, that can't be read."""
        if self.day is None:
            return None
        start = self.administration.start
        return self.history.labs.unread_after_newest(analyte, start, self.day)

    def doses_before(self, drawn: date, days: int) -> list[tuple[Moment, Decimal | None]]:
        """When other IV iron was given in the days up to a result, and how many mg, where that is
        known."""
        first = drawn - timedelta(days=days)
        return self.history.given(first, drawn, self.administration)

    @cached_property
    def flags(self) -> dict[str, bool | None]:
        """Facts that conditions of a policy may name."""
        sex = self.record.sex if self.record.sex in ("female", "male") else None
        age = _age(self.record, self.day)
        return {
            "ckd": self._has_ckd,
            "dialysis": self.kidney.on_dialysis,
            "hemodialysis": self.kidney.kind == "hemodialysis",
            "esrd": self.kidney.esrd,
            "aki": self.kidney.aki,
            "pregnant": self._pregnant,
            "female": None if sex is None else sex == "female",
            "male": None if sex is None else sex == "male",
            "child": None if age is None else age < 18,
            "esa": self._has_esa,
            **self._named_by_payers,
        }

    @cached_property
    def doubtful(self) -> tuple[Stated, ...]:
        """Diagnoses of the day with a status that is not understood; none where the day is not
        known."""
        if self.day is None:
            return ()
        return tuple(doubts(self.record, self.diagnoses, self.day, self.zone))

    @property
    def unread_notes(self) -> tuple[str, ...]:
        """What is stated, not understood, and turns nothing here."""
        said = ", ".join(
            dict.fromkeys(f"{diagnosis.code} {diagnosis.by.unread}" for diagnosis in self.doubtful)
        )
        diagnoses = f"diagnoses with a status that is not understood: {said}"
        others = (diagnoses,) if said else ()
        return (*self.setting.notes, *others)

    @property
    def _has_ckd(self) -> bool | None:
        """None where the only diagnosis has a status that is not understood."""
        groups = ("ckd", "ckd-parent", "ckd-cause")
        if self.has(*groups):
            return True
        return None if having(self.doubtful, *groups) else False

    @property
    def _named_by_payers(self) -> dict[str, bool | None]:
        """None where only a diagnosis with a status that is not understood says so."""
        if self.day is None:
            return {}
        sure = [diagnosis.code for diagnosis in self.diagnoses]
        open_ = [diagnosis.code for diagnosis in self.doubtful]
        found: dict[str, bool | None] = {}
        for name, row in codes.diagnoses().named_by_payers.items():
            stands = any(code.startswith(row.prefixes) for code in sure)
            is_open = any(code.startswith(row.prefixes) for code in open_)
            found[name] = stands or (None if is_open else False)
        return found

    @property
    def _has_esa(self) -> bool:
        """Whether an ESA was given or ordered within the days before."""
        if self.day is None:
            return False
        first = self.day - timedelta(days=ESA_DAYS)
        days = (esa.when for esa in self.record.esa if esa.when)
        return any(first <= when.last and when.first <= self.day for when in days)

    @property
    def _pregnant(self) -> bool | None:
        found = self.lab("pregnancy", PREGNANCY_DAYS)
        if found.unread:
            return None
        return bool(found.result and found.result.value == 1)

    @property
    def age(self) -> int | None:
        return _age(self.record, self.day)

    def judged(self, condition: str, window_days: int) -> Verdict:
        """The verdict of a policy's condition on this service."""
        return judge(parse(condition), self.facts(window_days))

    def facts(self, window_days: int) -> Facts:
        return Facts(
            self.flags,
            {name: self.lab(value.analyte, window_days) for name, value in LAB_VALUES.items()},
        )

    def applies(self, rule: Rule | None) -> bool:
        """Whether the policy asks the rule of this drug and service."""
        return rule is not None and self._of_drug(rule) and self.when(rule)

    def when(self, rule: Rule) -> bool:
        """Whether the rule's condition holds; one that can't be told is asked."""
        return rule.when is None or self.judged(rule.when, self.lab_window).holds is not False

    def _of_drug(self, rule: Rule) -> bool:
        code = self.code.code if self.code else None
        return not rule.codes or code is None or code in rule.codes

    @cached_property
    def lab_window(self) -> int:
        """The policy's laboratory window for this patient."""
        facts = Facts(self.flags, {})
        windows = [
            rule.window_days
            for rule in self.rules.laboratory
            if self._of_drug(rule)
            if rule.when is None or judge(parse(rule.when), facts).holds is not False
        ]
        return max(windows, default=DEFAULT_WINDOW_DAYS)

    @cached_property
    def known_ndcs(self) -> tuple[str, ...]:
        """NDCs of finished packages of this family: of the drug, the containers documented, and the
        vials dispensed."""
        if self.family is None:
            return ()
        documented = [
            container.ndc for container in self.administration.containers if container.ndc
        ]
        found = dict.fromkeys(
            [
                *documented,
                *self.administration.drug.ndcs,
                *handed_ndcs(self.record, self.administration, self.day, self.zone),
            ]
        )
        return tuple(ndc for ndc in found if self._is_on_the_market(ndc))

    def _is_on_the_market(self, ndc: str) -> bool:
        """Whether a finished package of this family has the NDC on the day."""
        package = codes.packages().get(ndc)
        if package is None or self.family is None or package.family != self.family.family:
            return False
        return self.day is None or package.holds(self.day)

    @cached_property
    def dispenses(self) -> list[Dispense]:
        """Vials handed out for the same order on the same day."""
        return dispensed_for(self.record, self.administration, self.day, self.zone)


def _age(record: PatientRecord, day: date | None) -> int | None:
    if not isinstance(record.born, Moment) or day is None:
        return None
    born = record.born.first
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
