"""What the rows of the code tables hold. Each has its source; `verified: false` marks what no
official text was seen for."""

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

from mappings.values import words


class Dated(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """Something that holds from-to, both days included."""

    start: date | None = None
    end: date | None = None
    source: str = ""
    verified: bool = True

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


class BillingCode(Dated, frozen=True, kw_only=True):
    code: str
    mg_per_unit: Decimal
    use: str | None = None


class Presentation(Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    use: str


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HCPCS family of IV iron. `strength_mg_per_ml` is the one strength of its label, where
    there is one. `label_heart_failure`: labeled for iron deficiency in heart failure.

    `unverified`: those of its RxNorm and ATC codes for which no official text was seen.
    """

    family: str
    name: str
    names: tuple[str, ...]
    codes: tuple[BillingCode, ...]
    strength_mg_per_ml: Decimal | None = None
    label_population: Literal["ckd"] | None = None
    label_heart_failure: bool = False
    retired: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    rxnorm: tuple[str, ...] = ()
    atc: tuple[str, ...] = ()
    presentations: tuple[Presentation, ...] = ()
    source: str = ""
    verified: bool = True


class NotIvIron(Struct, frozen=True, forbid_unknown_fields=True):
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class OralIronNames(Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class Names(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole words that say one thing, in texts and notes; within a phrase of `but_not` they
    don't."""

    names: tuple[str, ...]
    but_not: tuple[str, ...] = ()
    source: str
    verified: bool

    def named_in(self, text: str) -> bool:
        for phrase in self.but_not:
            text = words.plain(text).replace(words.plain(phrase), "  ")
        return words.first_of(text, self.names) is not None


class NotGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a statusReason says of a dose that was not given: always, or only where no dose is
    recorded.

    With words `of_a_part` ("the rest was not given") a recorded dose stands.
    """

    phrases: tuple[str, ...]
    phrases_without_dose: tuple[str, ...]
    of_a_part: tuple[str, ...]
    snomed: tuple[str, ...]
    snomed_without_dose: tuple[str, ...]
    source: str
    verified: bool


class Products(Struct, frozen=True, forbid_unknown_fields=True):
    families: tuple[Family, ...]
    not_iv_iron: NotIvIron
    diluents: Names
    beside_iron: Names
    line_draws: Names
    not_given: NotGiven
    oral_iron: OralIronNames


class Package(Dated, frozen=True, kw_only=True):
    """A finished package: mg and mL of one container."""

    ndc: str
    family: str
    mg: Decimal
    ml: Decimal
    label: str


class NotBillable(Struct, frozen=True, forbid_unknown_fields=True, rename={"what": "is"}):
    product: str
    what: str
    source: str
    verified: bool


class Packages(Struct, frozen=True, forbid_unknown_fields=True):
    packages: tuple[Package, ...]
    not_billable: tuple[NotBillable, ...]


class Units(Struct, frozen=True, forbid_unknown_fields=True):
    ucum: dict[str, str]
    texts: dict[str, str]
    mg_per: dict[str, Decimal]
    ml_per: dict[str, Decimal]
    source: str
    verified: bool


class Setting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of service and the kind of claim it is billed on. `discard: false`: JW and JZ are not
    asked there."""

    code: str
    name: str
    claim: Literal["professional", "institutional"]
    bill_type: str | None = None
    revenue_code: str | None = None
    discard: bool = True


class Settings(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    place_of_service: tuple[Setting, ...]
    encounter_class: dict[str, str]
    inpatient_class: tuple[str, ...]
    location_type: dict[str, str]

    @cached_property
    def by_code(self) -> dict[str, Setting]:
        return {row.code: row for row in self.place_of_service}


class SoptRow(Struct, frozen=True, forbid_unknown_fields=True):
    prefix: str
    kind: str
    source: str
    verified: bool


class PayerName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    kind: str | None = None
    payer: str | None = None
    strong: bool = True


class Payers(Struct, frozen=True, forbid_unknown_fields=True):
    sopt: tuple[SoptRow, ...]
    act_code: dict[str, str]
    self_pay: tuple[str, ...]
    names: tuple[PayerName, ...]
    source: str
    verified: bool


class PaymentLimits(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    quarter: str
    start: date
    limit: dict[str, Decimal]
    source: str
    verified: bool


class OppsStatus(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "status": "is"}
):
    """`source`: of this row, where it is not that of the table."""

    start: date
    status: str
    source: str | None = None
    verified: bool = True


class Opps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment system's status of codes. Every release up to the last one is known, after it the
    `later_releases`."""

    source: str
    verified: bool
    last_release: date
    status: dict[str, tuple[OppsStatus, ...]]
    packaged: tuple[str, ...]
    separate: tuple[str, ...]
    later_releases: tuple[date, ...] = ()


class Exempt(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class ConsolidatedBilling(Struct, frozen=True, forbid_unknown_fields=True):
    """Every IV iron is in the bundle, by the rule of the day, but for what is `exempt`."""

    every_iron: tuple[Dated, ...]
    exempt: tuple[Exempt, ...] = ()

    def rule_for(self, code: str, day: date) -> Dated | None:
        """The rule that puts the drug into the bundle on that day."""
        if any(row.holds(day) and code in row.codes for row in self.exempt):
            return None
        return next((row for row in self.every_iron if row.holds(day)), None)


class Modifier(Dated, frozen=True, kw_only=True):
    modifier: str


class Payment(Struct, frozen=True, forbid_unknown_fields=True):
    limits: tuple[PaymentLimits, ...]
    opps: Opps
    asc: Opps
    esrd_consolidated_billing: ConsolidatedBilling
    discard_modifiers: tuple[Modifier, ...]
    off_campus_modifiers: tuple[Modifier, ...]
    esrd_discard_modifiers: Dated


class AdministrationServices(Dated, frozen=True, kw_only=True):
    """CPT codes for giving the drug, and the minutes that decide between them."""

    push_minutes: int
    most_minutes: int
    further_hour_over_minutes: int
    initial_push: str
    initial_infusion: str
    further_hour: str
    sequential_push: str
    sequential_infusion: str
    repeated_push: str
    repeated_push_minutes: int
    not_for_professionals_in: tuple[str, ...]
    revenue_code: str


class EsaCode(Dated, frozen=True, kw_only=True):
    code: str


class Esa(Struct, frozen=True, forbid_unknown_fields=True):
    """An ESA by name, with its code for a patient with ESRD on dialysis and for others."""

    name: str
    names: tuple[str, ...]
    other: EsaCode
    dialysis: EsaCode
    source: str
    verified: bool


class EsaModifiers(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class BesideIron(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What is billed beside the iron. `result`: from when a hemoglobin or hematocrit is asked."""

    modifiers: EsaModifiers
    result: Dated
    esas: tuple[Esa, ...]

    @cached_property
    def by_code(self) -> dict[str, Esa]:
        return {row.code: esa for esa in self.esas for row in (esa.other, esa.dialysis)}

    def named_in(self, text: str) -> Esa | None:
        """The first whose name stands in a text as whole words."""
        return next((esa for esa in self.esas if words.first_of(text, esa.names)), None)


class LabelDose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Label limits for a population: mg of one dose (or mg per kg), mg of a course and its length
    in days. `below_kg`: for patients known to weigh less."""

    family: str
    population: Literal["hemodialysis", "peritoneal", "not-on-dialysis", "child", "any"]
    single_mg: Decimal
    single_mg_per_kg: Decimal | None = None
    below_kg: Decimal | None = None
    course_mg: Decimal | None = None
    course_days: int | None = None
    source: str
    verified: bool


class DenialCodes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carc: str
    rarc: tuple[str, ...] = ()


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of R10. `write_back: false`: the biller's own, never written to the EHR."""

    id: str
    scope: Literal["patient", "administration"]
    title: str
    fix: str
    waivable: bool
    carc: str | None = None
    rarc: tuple[str, ...] = ()
    severity: Literal["low", "moderate", "high"] = "low"
    write_back: bool = True
    source: str | None = None
    denial_by_state: dict[str, DenialCodes] = field(default_factory=dict)


class RequirementTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`source` and `verified` are those of the predicted denials."""

    source: str
    verified: bool
    requirements: tuple[Requirement, ...]
