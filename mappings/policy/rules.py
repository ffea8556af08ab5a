"""What a policy may ask. The structures are the form of its file: `docs/policy.schema.json` is made
from them, and a file that says anything else is refused on load, with its line (`checks`).

Held by tests/unit/test_policy_files.py.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from mappings.policy.laboratory import LAB_VALUES, LabName

Kind = Literal[
    "medicare", "medicare-advantage", "medicaid", "commercial", "supplement", "government", "none"
]
Place = Annotated[str, Meta(extra_json_schema={"known": "place"})]
DrugSource = Literal["buy-and-bill", "white-bag", "brown-bag", "clear-bag", "sample"]
Text = Annotated[str, Meta(pattern=r"\S")]
Days = Annotated[int, Meta(ge=0, le=36500)]
Count = Annotated[int, Meta(ge=1, le=36500)]
Positive = Annotated[Decimal, Meta(extra_json_schema={"exclusiveMinimum": 0})]
NotNegative = Annotated[Decimal, Meta(extra_json_schema={"minimum": 0})]
# `known`: the names that there are, by the code tables (`checks.KNOWN`).
Hcpcs = Annotated[str, Meta(extra_json_schema={"known": "code"})]
Asked = Annotated[str, Meta(extra_json_schema={"known": "requirement"})]
Row = Annotated[str, Meta(extra_json_schema={"known": "row"})]

_UNITS_SCHEMA = {
    "properties": {name: {"const": value.unit} for name, value in LAB_VALUES.items()},
    "propertyNames": {"enum": list(LAB_VALUES)},
}
LabUnits = Annotated[dict[LabName, str], Meta(extra_json_schema=_UNITS_SCHEMA)]


def _says(text: str) -> Meta:
    return Meta(description=text)


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A requirement that the policy asks. Without `source` and `verified` those of the policy
    hold."""

    when: Annotated[
        str | None, _says("a condition on the patient: asked where it holds, or is unknown")
    ] = None
    codes: Annotated[tuple[Hcpcs, ...], _says("the drugs that it is asked of; none: of all")] = ()
    units: Annotated[LabUnits, _says("of the laboratory values in its conditions")] = field(
        default_factory=dict
    )
    blocking: Annotated[bool | None, _says("where false, a warning that holds no line")] = None
    write_back: Annotated[
        bool | None, _says("where true, a warning is written into the EHR, too")
    ] = None
    source: Annotated[Text | None, _says("where the payer says so; else that of the policy")] = None
    verified: Annotated[bool | None, _says("whether that was seen; else as the policy is")] = None

    @property
    def asks_of_some(self) -> bool:
        """Whether the rule asks anything of anybody."""
        return True


class PersonNote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the payer's text asks and no rule can judge: a note on each line of these drugs and
    patients, for a person to look at. It holds none."""

    says: Text
    when: Annotated[
        str | None, _says("a condition on the patient: said where it holds, or is unknown")
    ] = None
    codes: Annotated[tuple[Hcpcs, ...], _says("the drugs; none: all")] = ()
    units: LabUnits = field(default_factory=dict)
    source: Annotated[Text | None, _says("where the payer says so; else that of the policy")] = None
    verified: Annotated[bool | None, _says("whether that was seen; else as the policy is")] = None


class LabRule(Rule, frozen=True, kw_only=True):
    """Laboratory evidence within `window_days` before the dose: `on_record` (any usable result) or
    a `limit` with its `units`."""

    window_days: Days
    on_record: tuple[LabName, ...] = ()
    limit: str | None = None


class RenalAnemia(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Laboratory values of the policy's window that make D63.1 evidence of iron deficiency; `{}`:
    the usual ones. A limit of its own has its `source`."""

    limit: str = "tsat <= 20 or ferritin <= 100 or (dialysis and ferritin <= 200)"
    units: LabUnits = field(default_factory=lambda: {"ferritin": "ng/mL", "tsat": "%"})
    source: Text = "from memory"
    verified: bool = False


USUAL_RENAL_ANEMIA = RenalAnemia()


class IronDeficiencyRule(Rule, frozen=True, kw_only=True):
    """D50.-; or D63.1 where `renal_anemia` holds (`{}`: with a TSAT of 20 % or less, or a ferritin
    of 100 ng/mL or less, 200 in dialysis). Without it D63.1 is not enough."""

    renal_anemia: RenalAnemia | None = None


class Trial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another length of the trial, for patients of whom `when` holds."""

    when: str
    days: Days
    units: LabUnits = field(default_factory=dict)


class OralIronRule(Rule, frozen=True, kw_only=True):
    """Oral-iron history: intolerance, contraindication, or a trial of `trial_days` without a break
    (a refill up to a week late is none; none given: of any length; with `trial_codes`: of any
    length for other drugs than these). `other_trials`: `when` and `days`, for some patients
    another length; where it is unknown whether it holds, the longer one.

    Not asked where the condition `unless` holds, and of a patient on dialysis only with
    `in_dialysis: true`.
    """

    trial_days: Days | None = None
    trial_codes: tuple[Hcpcs, ...] = ()
    other_trials: tuple[Trial, ...] = ()
    unless: str | None = None
    in_dialysis: bool = False


Need = Literal["yes", "no", "unknown"]


class AuthorizationRule(Rule, frozen=True, kw_only=True):
    """Whether an authorization is asked for the `codes` (empty: all), and what holds for `others`.
    `unknown` is an open question until the site sets it.

    `months`: how long an approval lasts that names no end.
    """

    asked: Need
    others: Need = "no"
    months: Annotated[int, Meta(ge=1, le=1200)] | None = None

    @property
    def asks_of_some(self) -> bool:
        return self.asked != "no"


class NoteRule(Rule, frozen=True, kw_only=True):
    """A final note of the encounter, or of the `window_days` before the dose."""

    window_days: Days


class PreferredRule(Rule, frozen=True, kw_only=True):
    """Products that the payer prefers; others need `tried` of the `preferred` on record within
    `lookback_days` (none given: within ours), or are not covered at all."""

    preferred: Annotated[tuple[Hcpcs, ...], Meta(min_length=1)]
    tried: Count = 1
    lookback_days: Days | None = None
    not_covered: tuple[Hcpcs, ...] = ()


class DrugSourceRule(Rule, frozen=True, kw_only=True):
    """The payer's vendor rule: where the drug may come from (white and brown bags are never
    billed)."""

    allowed: Annotated[tuple[DrugSource, ...], Meta(min_length=1)]


class UnitsRule(Rule, frozen=True, kw_only=True):
    """The most units of a code in one day, JW units included.

    `limits`: the payer's own. `mue`: for the other codes those of NCCI (MUE) of their time, by the
    code tables; where the site's have newer ones for the day, those count.
    """

    mue: bool = False
    limits: Annotated[
        dict[Hcpcs, Annotated[int, Meta(ge=0)]], Meta(extra_json_schema={"minProperties": 1})
    ] = field(default_factory=dict)


class DosingRule(Rule, frozen=True, kw_only=True):
    """The payer's own limits: `single_mg` of one dose, `course_mg` of the doses within
    `course_days`. `blocking` is about those; without any, about the label's."""

    single_mg: Positive | None = None
    course_mg: Positive | None = None
    course_days: Count | None = None


class OverloadRule(Rule, frozen=True, kw_only=True):
    """Ceilings above which the newest ferritin or TSAT before the dose is a safety gap; of a
    policy that says nothing above 800 ng/mL, and from 50 %."""

    ferritin_above_ng_ml: NotNegative = Decimal(800)
    tsat_from_percent: NotNegative = Decimal(50)


class FilingRule(Rule, frozen=True, kw_only=True):
    """How long after the day of service (on a 72X: after its month) the payer takes a claim: so
    many `days`, or calendar `years`.

    Past a limit that is verified, or `confirmed` (the site has asked the payer), a line is not
    billable; past any other it is held until the limit is confirmed.
    """

    days: Count | None = None
    years: Annotated[int, Meta(ge=1, le=10)] | None = None
    confirmed: bool = False


class Requirements(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """What the policy asks beside date, product, dose, coverage and place, which are always asked.
    Absent: not asked."""

    ndc: Rule | None = None
    iron_deficiency_diagnosis: IronDeficiencyRule | None = None
    ckd_diagnosis: Rule | None = None
    anemia_ckd_link: Rule | None = None
    laboratory: tuple[LabRule, ...] = ()
    treatment_plan: Rule | None = None
    oral_iron_history: OralIronRule | None = None
    prior_authorization: AuthorizationRule | None = None
    timely_filing: FilingRule | None = None
    progress_note: NoteRule | None = None
    preferred_product: PreferredRule | None = None
    drug_source: DrugSourceRule | None = None
    units_limit: UnitsRule | None = None
    dosing: DosingRule = DosingRule()
    iron_overload: OverloadRule = OverloadRule(
        source="NICE 2015 (ferritin above 800); label warnings, from memory", verified=False
    )
    infusion_time: Rule | None = None
