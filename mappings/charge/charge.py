"""One administration on its way to a claim line, with everything that the requirements ask about
it.

Held by tests/scenarios/lines.yaml.
"""

from collections.abc import Iterable
from datetime import date, timedelta, tzinfo
from itertools import chain

from msgspec import Struct, field

from mappings import codes
from mappings.assessment import Evidence, Payment, cite
from mappings.charge import measured
from mappings.charge.filing import Filing
from mappings.charge.history import History
from mappings.charge.paid import DiscardModifiers, Paid
from mappings.circumstances.coverage import Coordination
from mappings.circumstances.diagnoses import Stated
from mappings.circumstances.kidney import KidneyStatus
from mappings.circumstances.lab_history import GESTATION, LabsAtDose
from mappings.circumstances.sequence import Sequenced
from mappings.circumstances.setting import Setting
from mappings.circumstances.standing import Standing
from mappings.codes.tables import BillingCode, Family, Package
from mappings.dose.day import NoDay
from mappings.dose.dispensed import dispensed_for
from mappings.dose.milligrams import Dose
from mappings.dose.repeats import Repeated
from mappings.policy.choosing import Policy, Requirements, Rule
from mappings.policy.conditions import Facts, LabState, Ranged, Verdict, judge, parse
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.rules import PersonNote
from mappings.record import (
    Administration,
    Authorization,
    Dispense,
    Encounter,
    LabResult,
    Order,
    PatientRecord,
)
from mappings.site import Site
from mappings.standing_decisions import PayerDecision
from mappings.values.remembered import Once, kept

_NOTHING = Requirements()
# Numbers of the patient that are results.
_RESULTS = {
    "lvef": ("ejection-fraction",),
    "nyha": ("nyha-class",),
    "weeks_pregnant": GESTATION,
}


class Charge(Struct, frozen=True, eq=False, dict=True, kw_only=True):
    """An administration with its day, product, dose, setting, patient's kidney status, payer and
    policy.

    `day` is None where the date of service can't be said; `known_payer` is false where `policy`
    only stands in for one. `record`, `site`, `zone` and `once` are those of the history; `labs`:
    what the results say at the dose, None where its day is not known.
    """

    history: History
    record: PatientRecord
    site: Site
    zone: tzinfo | None
    once: Once
    reference: str
    administration: Administration
    day: date | None
    no_day: NoDay | None
    dose: Dose
    family: Family | None
    code: BillingCode | None
    encounter: Encounter | None
    setting: Setting
    standing: Standing
    kidney: KidneyStatus
    coordination: Coordination | None
    policy: Policy | None
    known_payer: bool
    payer_answers: tuple[PayerDecision, ...]
    drug_source: str | None
    is_340b: bool = False
    not_billable: str | None = None
    possible_duplicates: tuple[str, ...] = ()
    repeated: Repeated | None = None
    duplicate_identifier: tuple[str, ...] = ()
    filing: Filing | None = None
    paid: Paid | None = None
    discard_modifiers: DiscardModifiers = DiscardModifiers()
    labs: LabsAtDose | None = None
    _judged: dict[tuple[str, int], Verdict] = field(default_factory=dict)

    @property
    def payment(self) -> Payment | None:
        """How the drug is paid; None while that is not known."""
        return self.paid.way if self.paid else None

    @property
    def diagnoses(self) -> tuple[Stated, ...]:
        """Every code that stands on the day."""
        return self.standing.stated

    @kept
    def unused(self) -> frozenset[str]:
        """The types of which something of this patient could not be read."""
        return frozenset([problem.resource.partition("/")[0] for problem in self.record.unreadable])

    @kept
    def sequenced(self) -> Sequenced:
        """The codes that go on the claim line; none while day or policy is unknown."""
        if self.day is None or self.policy is None:
            return Sequenced((), (), ())
        return self.standing.sequence(self.policy.diagnosis_order, self.kidney.in_facility)

    @property
    def doubtful(self) -> tuple[Stated, ...]:
        """Diagnoses of the day with a status that is not understood; none where the day is not
        known."""
        return self.standing.doubtful

    @property
    def partial_date(self) -> str | None:
        """When it was given as the record has it, where that is not a date: `2026-10`."""
        start = self.administration.start
        return start.span(self.zone).text if start and not self.day else None

    @property
    def encounter_reference(self) -> str | None:
        """Its encounter, also where that is not on record."""
        return self.encounter.source.resource if self.encounter else self.administration.encounter

    @kept
    def itself(self) -> tuple[str, ...]:
        """What a finding about it alone is about."""
        return (self.reference,)

    @kept
    def dose_cited(self) -> Evidence:
        """What is recorded of the dose, as it was worked out."""
        return cite(self.administration.source, self.dose.says.rstrip("."))

    @kept
    def orders(self) -> list[Order]:
        """Those of its drug, whatever their status."""
        family = self.family.family if self.family else None
        return [order for order in self.record.orders if family and order.drug.family == family]

    @kept
    def is_copy(self) -> bool:
        """Whether it seems to be another record of a dose that is counted already (R1)."""
        return bool(self.possible_duplicates) and self.reference != self.possible_duplicates[0]

    @property
    def has_line(self) -> bool:
        return self.code is not None and self.family is not None

    @kept
    def rules(self) -> Requirements:
        """What the policy asks; nothing where there is none."""
        return self.policy.requirements if self.policy else _NOTHING

    @property
    def bills_services(self) -> bool:
        """Whether the administration itself is billed: never in dialysis, never by a professional
        in a facility."""
        if not self.site.bill_services:
            return False
        facilities = codes.administration_services().not_for_professionals_in
        in_facility = self.kidney.in_facility or (
            self.setting.claim == "professional" and self.setting.code in facilities
        )
        return not in_facility and self.setting.code is not None

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

    @property
    def filing_evidence(self) -> tuple[Evidence, ...]:
        """Who confirmed the limit of the claim's filing."""
        decided = (
            decision.decided for decision, said in self.payer_answers if said.timely_filing_days
        )
        return tuple(cite(one.source, one.says) for one in decided)

    @kept
    def authorizations(self) -> tuple[Authorization, ...]:
        """Those on record, and those that people imported."""
        imported = self.site.decisions.authorizations(self.record.patient, self.day or date.max)
        return (*self.record.authorizations, *imported)

    def has(self, *groups: str) -> list[Stated]:
        """The diagnoses of the day that are in one of the groups."""
        return self.standing.has(*groups)

    def lab(self, analyte: str, window_days: int) -> LabState:
        """The newest usable result within the window before the dose."""
        return self.labs.state(analyte, window_days) if self.labs else LabState("missing")

    def newest_lab(self, analyte: str) -> LabResult | None:
        """The newest usable result before the dose, however old."""
        return self.labs.newest(analyte) if self.labs else None

    def unread_lab(self, analyte: str) -> LabResult | None:
        """A result before the dose, newer than the newest usable one, that can't be read."""
        return self.labs.unread_after_newest(analyte) if self.labs else None

    @kept
    def flags(self) -> dict[str, bool | None]:
        """Facts that conditions of a policy may name."""
        sex = self.record.sex if self.record.sex in ("female", "male") else None
        ages = measured.ages(self.record.born, self.day)
        return {
            **self.standing.flags,
            "dialysis": self.kidney.on_dialysis,
            "hemodialysis": self.kidney.kind == "hemodialysis",
            "esrd": self.kidney.esrd,
            "aki": self.kidney.aki,
            "pregnant": self._pregnant,
            "female": None if sex is None else sex == "female",
            "male": None if sex is None else sex == "male",
            "child": ages.child if ages else None,
            "esa": self._has_esa,
        }

    @property
    def _has_esa(self) -> bool:
        """Whether an ESA was given or ordered within the days before."""
        day, dates = self.day, self.history.esa_dates
        if day is None or not dates:
            return False
        first = day - timedelta(days=codes.windows().days("esa"))
        return bool([when for when in dates if first <= when.last and when.first <= day])

    @property
    def _pregnant(self) -> bool | None:
        found = self.lab("pregnancy", codes.windows().days("pregnancy"))
        if found.unread:
            return None
        if found.result is None:
            said = self._pregnant_by_diagnosis
            tells = said is False and self.labs and self.labs.history.tells_of_pregnancy
            return None if tells and measured.may_last(self.labs, self.day, self.zone) else said
        return None if found.result.value is None else found.result.value == 1

    @property
    def _pregnant_by_diagnosis(self) -> bool | None:
        """Of a code that nobody took off the problem list since, it can't be told."""
        said = self.standing.pregnancies
        if not said:
            return False
        is_sure = self.day and any(one.of_encounter or self._is_recent(one) for one in said)
        return True if is_sure else None

    def _is_recent(self, said: Stated) -> bool:
        when = said.by.recorded or said.by.onset
        since = (self.day or date.max) - timedelta(days=codes.windows().days("pregnancy"))
        return when is not None and when.days(self.zone)[0] >= since

    @property
    def age(self) -> int | None:
        """By the first day on which the patient may have been born."""
        ages = measured.ages(self.record.born, self.day)
        return ages.high if ages else None

    def measured(self, name: str) -> Ranged | None:
        """A number of the patient on the day, by its name in conditions; None where it is not
        known, or a newer one can't be read."""
        if name == "age":
            ages = measured.ages(self.record.born, self.day)
            return ages.span if ages else None
        if name == "weeks_pregnant":
            said = self.standing.pregnancies
            of_pregnancy = self._pregnant is not False
            return measured.weeks(self.labs, said, self.day, self.zone) if of_pregnancy else None
        found = self.lab(_RESULTS[name][0], codes.windows().days("heart"))
        return None if found.unread else found.result

    def measures(self, name: str) -> list[LabResult]:
        """The results that a number of the patient is taken from."""
        windows = codes.windows()
        days = windows.days("pregnancy" if name == "weeks_pregnant" else "heart")
        found = (self.lab(analyte, days).result for analyte in _RESULTS.get(name, ()))
        return list(filter(None, found))

    def judged(self, condition: str, window_days: int) -> Verdict:
        """The verdict of a policy's condition on this service."""
        key = (condition, window_days)
        known = self._judged.get(key)
        if known is None:
            labs = {name: self.lab(one.analyte, window_days) for name, one in LAB_VALUES.items()}
            known = self._judged[key] = judge(
                parse(condition), Facts(self.flags, labs, self.measured)
            )
        return known

    def applies(self, rule: Rule | PersonNote | None) -> bool:
        """Whether the policy asks the rule of this drug and service, or says the note of it."""
        if rule is None or (rule.codes and not self._of_drug(rule)):
            return False
        return rule.when is None or self.when(rule)

    def when(self, rule: Rule | PersonNote) -> bool:
        """Whether the rule's condition holds; one that can't be told is asked."""
        return rule.when is None or self.judged(rule.when, self.lab_window).holds is not False

    @kept
    def code_names(self) -> frozenset[str]:
        """The codes by which a policy may mean its drug."""
        return codes.in_force().names_of(self.code.code if self.code else None)

    def is_among(self, named: Iterable[str]) -> bool:
        """Whether a policy's list of codes means its drug."""
        return not self.code_names.isdisjoint(named)

    def _of_drug(self, rule: Rule | PersonNote) -> bool:
        return not rule.codes or self.code is None or self.is_among(rule.codes)

    @kept
    def lab_window(self) -> int:
        """The policy's laboratory window for this patient."""
        facts = Facts(self.flags, {}, self.measured)
        windows = [
            rule.window_days
            for rule in self.rules.laboratory
            if self._of_drug(rule)
            if rule.when is None or judge(parse(rule.when), facts).holds is not False
        ]
        return max(windows) if windows else codes.windows().days("laboratory")

    @kept
    def known_packages(self) -> dict[str, Package]:
        """Finished packages of this family, by NDC: of the drug, the containers documented, and the
        vials dispensed."""
        if self.family is None:
            return {}
        handed = chain.from_iterable([dispense.drug.ndcs for dispense in self.dispenses])
        documented = [one.ndc for one in self.administration.containers if one.ndc]
        found = dict.fromkeys([*documented, *self.administration.drug.ndcs, *handed])
        packages, day, family = codes.packages(), self.day, self.family.family
        known = [(ndc, packages.get(ndc)) for ndc in found]
        return {
            ndc: package
            for ndc, package in known
            if package and package.family == family and (day is None or package.holds(day))
        }

    @kept
    def dispenses(self) -> list[Dispense]:
        """Vials handed out for the same order on the same day."""
        return dispensed_for(self.record, self.administration, self.day, self.zone)
