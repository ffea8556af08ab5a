"""What a policy file may say. The structures are the file's form: `docs/policy.schema.json` is made
from them.

A file that says anything else is refused on load, with its line (`policy_checks`).
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct, field, structs

from mappings.assessment import LineStatus, State
from mappings.codes.tables import Dated
from mappings.policy.laboratory import LAB_VALUES, LabName
from mappings.values.remembered import by_identity

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
# `known`: the names that there are, by the code tables (`policy_checks.KNOWN`).
Hcpcs = Annotated[str, Meta(extra_json_schema={"known": "code"})]
Asked = Annotated[str, Meta(extra_json_schema={"known": "requirement"})]

_UNITS_SCHEMA = {
    "properties": {name: {"const": value.unit} for name, value in LAB_VALUES.items()},
    "propertyNames": {"enum": list(LAB_VALUES)},
}
LabUnits = Annotated[dict[LabName, str], Meta(extra_json_schema=_UNITS_SCHEMA)]


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A requirement that the policy asks. `when`: a condition on the patient; without one, always.
    `codes`: the drugs that it is asked of (empty: all).

    `units`: of the laboratory values in the rule's conditions. `blocking: false` makes a gap a
    warning; warnings are written to the EHR only with `write_back: true`. Without `source` and
    `verified` those of the policy hold.
    """

    when: str | None = None
    codes: tuple[Hcpcs, ...] = ()
    units: LabUnits = field(default_factory=dict)
    blocking: bool | None = None
    write_back: bool | None = None
    source: Text | None = None
    verified: bool | None = None

    @property
    def asks_of_some(self) -> bool:
        """Whether the rule asks anything of anybody."""
        return True


class LabRule(Rule, frozen=True, kw_only=True):
    """Laboratory evidence within `window_days` before the dose: `on_record` (any usable result) or
    a `limit` with its `units`."""

    window_days: Days
    on_record: tuple[LabName, ...] = ()
    limit: str | None = None


class RenalAnemia(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Laboratory values of the policy's window that make D63.1 evidence of iron deficiency."""

    limit: str
    units: LabUnits
    source: Text
    verified: bool


class IronDeficiencyRule(Rule, frozen=True, kw_only=True):
    """D50.-; or D63.1 where `renal_anemia` holds. Without it D63.1 is not enough."""

    renal_anemia: RenalAnemia | None = None


class OralIronRule(Rule, frozen=True, kw_only=True):
    """Oral-iron history: intolerance, contraindication, or a trial of `trial_days` without a break
    (none given: of any length; with `trial_codes`: of any length for other drugs than these).

    Not asked where the condition `unless` holds, and of a patient on dialysis only with
    `in_dialysis: true`.
    """

    trial_days: Days | None = None
    trial_codes: tuple[Hcpcs, ...] = ()
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
    `lookback_days`, or are not covered at all."""

    preferred: Annotated[tuple[Hcpcs, ...], Meta(min_length=1)]
    tried: Count = 1
    lookback_days: Days = 365
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
    """Ceilings above which the newest ferritin or TSAT before the dose is a safety gap."""

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
        source="no source named in the policy", verified=False
    )
    infusion_time: Rule | None = None


class DatedModifier(Dated, frozen=True, kw_only=True):
    """A modifier, for these codes (empty: all) on these dates of service."""

    modifier: str
    source: Text
    codes: tuple[Hcpcs, ...] = ()


class AttestingModifier(DatedModifier, frozen=True, kw_only=True):
    """KX: `attests` names the requirements that must be met for it; the policy must ask each."""

    modifier: Literal["KX"]
    attests: Annotated[tuple[Asked, ...], Meta(min_length=1)]


Hospital = Literal[
    "rural-sch", "childrens", "cancer", "critical-access", "maryland", "non-excepted"
]


class DiscountModifier(DatedModifier, frozen=True, kw_only=True):
    """For drug bought under 340B. `hospitals`: of these alone (`non-excepted`: an off-campus
    department that reports PN); else of every place but those of `except_hospitals`."""

    modifier: Literal["JG", "TB"]
    hospitals: tuple[Hospital, ...] = ()
    except_hospitals: tuple[Hospital, ...] = ()

    def is_for(self, hospitals: frozenset[str]) -> bool:
        """Whether a place that is a department of such hospitals reports it."""
        if self.hospitals:
            return bool(hospitals & set(self.hospitals))
        return not hospitals & set(self.except_hospitals)


class SurgeryModifier(DatedModifier, frozen=True, kw_only=True):
    """For an ambulatory surgical center whose payer still asks."""

    modifier: Literal["SG"]


class Modifiers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which modifiers the payer wants. `discard`: JW and JZ. `least_waste`: drug discarded where a
    smaller vial would have done is a gap, not only a note. `kx`: with the requirements that it
    attests. `r340b`: by date.

    With these a line carries four at most: JW or JZ, KX, one of 340B, and an off-campus one or SG,
    never both.
    """

    discard: bool = True
    kx: tuple[AttestingModifier, ...] = ()
    r340b: tuple[DiscountModifier, ...] = ()
    off_campus: bool = True
    least_waste: bool = False
    ambulatory_surgery: tuple[SurgeryModifier, ...] = ()


class For(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the policy is for: kinds of payer, or `payers` of those kinds by name. Empty `settings`:
    any place of service; empty `codes`: any drug (others fall to the policy that is for all).

    `settings_only`: the policy is chosen in its settings only, never as the one that says a setting
    is not covered.
    """

    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1)]
    payers: tuple[Text, ...] = ()
    settings: tuple[Place, ...] = ()
    codes: tuple[Hcpcs, ...] = ()
    settings_only: bool = False


class CaseFacts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The facts of one dose in a case; what is not said is as in a complete chart, except
    laboratory values, which are absent.

    Laboratory values were drawn `lab_days_before` the dose.
    """

    code: Annotated[Hcpcs, Meta(description="HCPCS code of the drug given")] = "J1756"
    dose_mg: Annotated[Positive | None, Meta(description="mg given; else one container")] = None
    day: Annotated[date | None, Meta(description="date of service; else a day of the policy")] = (
        None
    )
    setting: Annotated[
        Place | None, Meta(description="place of service; else the policy's first, or 11")
    ] = None
    age: Annotated[int, Meta(ge=0, le=130)] | None = 70
    female: bool = False
    male: bool = False
    pregnant: Annotated[bool, Meta(description="by a pregnancy status")] = False
    ckd: Annotated[bool, Meta(description="N18.4")] = False
    dialysis: Annotated[bool, Meta(description="Z99.2")] = False
    hemodialysis: Annotated[bool, Meta(description="a hemodialysis two days before")] = False
    esrd: Annotated[bool, Meta(description="N18.6 and a dialysis two days before")] = False
    aki: Annotated[bool, Meta(description="N17.9")] = False
    esa: Annotated[bool, Meta(description="darbepoetin alfa a week before")] = False
    diagnoses: Annotated[tuple[Text, ...], Meta(description="further ICD-10-CM codes")] = ()
    ferritin: Annotated[NotNegative | None, Meta(description="ng/mL")] = None
    tsat: Annotated[NotNegative | None, Meta(description="%")] = None
    hb: Annotated[NotNegative | None, Meta(description="g/dL")] = None
    lab_days_before: Annotated[Days, Meta(description="days between the labs and the dose")] = 14
    iron_deficiency: Annotated[bool, Meta(description="D50.9")] = True
    anemia_in_ckd: Annotated[
        bool | None, Meta(description="D63.1; else where there is ckd or esrd")
    ] = None
    intolerance: Annotated[bool, Meta(description="to oral iron")] = False
    contraindication: Annotated[
        str | None, Meta(description="an ICD-10-CM code that speaks against oral iron")
    ] = None
    oral_iron_days: Annotated[
        Count | None, Meta(description="days of oral iron, up to the day before")
    ] = None
    plan: Annotated[bool, Meta(description="an order with dose and frequency")] = True
    note: Annotated[bool, Meta(description="a final note of the encounter")] = True
    authorization: Annotated[bool, Meta(description="an approved one for the code and the day")] = (
        False
    )
    tried: Annotated[
        tuple[Hcpcs, ...], Meta(description="codes of products given in the months before")
    ] = ()
    drug_source: DrugSource | None = None
    ndc: Annotated[bool, Meta(description="of the container used")] = True


Expected = Annotated[str, Meta(extra_json_schema={"known": "requirement or line"})]
_EXPECT_SCHEMA = {
    "patternProperties": {
        "^line$": {"enum": list(get_args(LineStatus))},
        "^(?!line$)": {"enum": list(get_args(State))},
    }
}


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test that stands in the policy: facts of one dose, and the state of requirements (or of the
    `line`) that must come of it."""

    name: Text
    given: CaseFacts
    expect: Annotated[
        dict[Expected, Literal[State, LineStatus]],
        Meta(min_length=1, extra_json_schema=_EXPECT_SCHEMA),
    ]


class Policy(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"audience": "for"}
):
    """A payer's policy for IV iron, valid for dates of service `effective`."""

    id: Annotated[
        str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*\Z", description="small letters, digits and hyphens")
    ]
    version: Annotated[Text, Meta(description="whatever tells this file from an earlier one")]
    title: Text
    payer: Annotated[
        Text | None, Meta(description="what people call the payer; else the title")
    ] = None
    stands_in: Annotated[
        bool,
        Meta(
            description=(
                "for payers that have no policy of their own: sentences speak of `the payer`"
            )
        ),
    ] = False
    audience: For
    requirements: Requirements
    source: Text
    verified: bool
    effective: Dated = Dated()
    modifiers: Modifiers = Modifiers()
    opps_packaging: Annotated[
        bool,
        Meta(description="hospital outpatient and ASC: packaged where the OPPS status says so"),
    ] = False
    bundled_with_dialysis: Annotated[
        bool, Meta(description="in the dialysis facility: paid with the dialysis")
    ] = False
    consolidated_billing: Annotated[
        bool,
        Meta(
            description=(
                "elsewhere: drugs of the ESRD list are held for the dialysis facility's claim"
            )
        ),
    ] = False
    diagnosis_order: Literal["ckd-first", "anemia-first"] = "ckd-first"
    esa_noted: Annotated[
        bool, Meta(description="note on the line whether an ESA is on record (NCD 110.10)")
    ] = False
    cases: tuple[Case, ...] = ()

    @property
    def payer_name(self) -> str:
        return self.payer or self.title

    @property
    def authority(self) -> Dated:
        """Its source, and from when until when it holds: what a rule rests on that names no other
        source."""
        return _authority(self)

    def verifies(self, rule: Rule) -> bool:
        """Whether a text of this very payer says so. What a policy that stands in for payers
        without one takes over from another payer's text is never verified for these."""
        said = self.verified if rule.verified is None else rule.verified
        return said and not self.stands_in


@by_identity
def _authority(policy: Policy) -> Dated:
    verified = policy.verified and not policy.stands_in
    return structs.replace(policy.effective, source=policy.source, verified=verified)
