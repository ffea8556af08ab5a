"""The tests that stand in a policy file.

Held by tests/unit/test_policy_cases.py.
"""

from datetime import date
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from mappings.assessment import LineStatus, State
from mappings.policy.rules import (
    Count,
    Days,
    DrugSource,
    Hcpcs,
    NotNegative,
    Place,
    Positive,
    Text,
)


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
    weeks_pregnant: Annotated[
        Count | None, Meta(description="pregnant, by an estimated due date")
    ] = None
    lvef: Annotated[NotNegative | None, Meta(description="ejection fraction, %")] = None
    nyha: Annotated[int, Meta(ge=1, le=4)] | None = None
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
