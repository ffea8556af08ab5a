"""Runs the cases that stand in a policy: a record is made of the facts of each, and assessed as any
other.

Held by tests/unit/test_policy_cases.py.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.assess import assess
from mappings.assessment import PatientAssessment
from mappings.codes.tables import Family, Package
from mappings.policy.cases import CaseFacts
from mappings.policy.choosing import Case, Policy, PolicySet
from mappings.record import (
    Administration,
    Amount,
    Authorization,
    Container,
    Coverage,
    Diagnosis,
    DialysisTreatment,
    Drug,
    Encounter,
    EsaDose,
    LabResult,
    Location,
    Note,
    OralIron,
    Order,
    PatientRecord,
    Source,
    Stay,
)
from mappings.site import Site
from mappings.values.moment import Moment

# A day that every known code, modifier and status holds on, for policies without dates.
USUAL_DAY = date(2026, 1, 15)
_DOSE, _ENCOUNTER, _PLACE = "MedicationAdministration/case", "Encounter/case", "Location/case"


class CaseResult(Struct, frozen=True):
    """What a case expects of one requirement (or of the line), and what the policy says of it."""

    case: str
    requirement: str
    expected: str
    found: str
    says: str = ""

    @property
    def passed(self) -> bool:
        return self.found == self.expected


def run_cases(policy: Policy) -> list[CaseResult]:
    """Every expectation of every case of a policy, in the order of the file."""
    return list(chain.from_iterable(_run(policy, case) for case in policy.cases))


def _run(policy: Policy, case: Case) -> Iterator[CaseResult]:
    day = day_of(policy, case.given)
    as_of = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
    site = Site(codes=codes.in_force())
    found = assess(record(policy, case.given), PolicySet([policy]), as_of, site)
    for name, expected in case.expect.items():
        state, says = _line(found) if name == "line" else _state(found, name)
        yield CaseResult(case.name, name, expected, state, says)


def _line(found: PatientAssessment) -> tuple[str, str]:
    line = next((line for line in found.lines if _DOSE in line.administrations), None)
    return (line.status, ", ".join(line.reasons)) if line else ("none", "no line was made")


def _state(found: PatientAssessment, name: str) -> tuple[str, str]:
    finding = next(
        (
            finding
            for finding in found.requirements
            if finding.requirement == name and _DOSE in finding.administrations
        ),
        None,
    )
    return (
        (finding.state, finding.says or "")
        if finding
        else ("none", "the requirement was not judged")
    )


def day_of(policy: Policy, given: CaseFacts) -> date:
    """The case's own day, else the usual one, moved into the dates of the policy and the code."""
    dates = [
        policy.effective,
        *(one for one in codes.family_of(given.code).codes if one.code == given.code),
    ]
    day = max([USUAL_DAY, *(one.start for one in dates if one.start)])
    return given.day or min([day, *(one.end for one in dates if one.end)])


def record(policy: Policy, given: CaseFacts) -> PatientRecord:
    """The chart of one dose that the facts tell of: complete in all that they do not name, without
    the labs that they do not name."""
    day = day_of(policy, given)
    family = codes.family_of(given.code)
    return PatientRecord(
        patient="Patient/case",
        born=None if given.age is None else _on(date(day.year - given.age, 1, 1)),
        sex=_sex(given),
        administrations=(_administration(given, family, day), *_tried(given, day)),
        labs=tuple(_labs(given, day)),
        diagnoses=tuple(_diagnoses(given)),
        coverages=tuple(_coverages(policy)),
        encounters=(Encounter(source=Source(_ENCOUNTER), stays=(Stay(_PLACE),)),),
        locations=(Location(source=Source(_PLACE), place_of_service=(_setting(policy, given),)),),
        orders=(_order(family, day),) if given.plan else (),
        oral_iron=tuple(_oral_iron(given, day)),
        dialysis=tuple(_dialysis(given, day)),
        authorizations=(_authorization(given, day),) if given.authorization else (),
        esa=(_esa(day),) if given.esa else (),
        notes=(
            (Note(source=Source("DocumentReference/case"), final=True, encounters=(_ENCOUNTER,)),)
            if given.note
            else ()
        ),
    )


def _on(day: date) -> Moment:
    return Moment(day, day)


def _setting(policy: Policy, given: CaseFacts) -> str:
    return given.setting or next(iter(policy.audience.settings), "11")


def _administration(given: CaseFacts, family: Family, day: date) -> Administration:
    source = Source(_DOSE)
    package = _package(family, given.dose_mg)
    dose = given.dose_mg or (package.mg if package else Decimal(100))
    count = -(-dose // package.mg) if package else 1
    return Administration(
        source=source,
        status="completed",
        drug=_drug(given, family, (package.ndc,) if package and given.ndc else ()),
        start=_on(day),
        dose=Amount(dose, "mg"),
        encounter=_ENCOUNTER,
        orders=("MedicationRequest/case",),
        containers=(
            Container(
                package.mg if package else dose,
                int(count),
                package.ndc if package and given.ndc else None,
                source,
            ),
        ),
        drug_source=given.drug_source,
    )


def _package(family: Family, dose: Decimal | None) -> Package | None:
    """A package that the dose empties, else the smallest one."""
    known = sorted(
        (package for package in codes.packages().values() if package.family == family.family),
        key=lambda package: (package.mg, package.ndc),
    )
    return next(
        (package for package in known if dose is not None and dose % package.mg == 0),
        known[0] if known else None,
    )


def _drug(given: CaseFacts, family: Family, ndcs: tuple[str, ...]) -> Drug:
    use = next((code.use for code in family.codes if code.code == given.code), None)
    return Drug(family=family.family, use=use, ndcs=ndcs)


def _tried(given: CaseFacts, day: date) -> Iterator[Administration]:
    """Earlier doses of other products, a month before each other."""
    for number, code in enumerate(given.tried, 1):
        yield Administration(
            source=Source(f"MedicationAdministration/tried-{number}"),
            status="completed",
            drug=Drug(family=codes.family_of(code).family),
            start=_on(day - timedelta(days=30 * number)),
            dose=Amount(Decimal(100), "mg"),
        )


def _labs(given: CaseFacts, day: date) -> Iterator[LabResult]:
    values = {
        "ferritin": given.ferritin,
        "tsat": given.tsat,
        "hemoglobin": given.hb,
        "pregnancy": Decimal(1) if given.pregnant or given.weeks_pregnant else None,
        "due-date": _due(given, day),
        "ejection-fraction": given.lvef,
        "nyha-class": None if given.nyha is None else Decimal(given.nyha),
    }
    for analyte, value in values.items():
        if value is not None:
            drawn = _on(day - timedelta(days=given.lab_days_before))
            source = Source(f"Observation/{analyte}")
            yield LabResult(
                source=source, analyte=analyte, when=drawn, low=value, high=value, says=f"{value}"
            )


def _due(given: CaseFacts, day: date) -> Decimal | None:
    """The number of the day in the calendar."""
    weeks = given.weeks_pregnant
    return None if weeks is None else Decimal(day.toordinal() + 280 - 7 * weeks)


def _sex(given: CaseFacts) -> str | None:
    if given.female:
        return "female"
    return "male" if given.male else None


def _diagnoses(given: CaseFacts) -> Iterator[Diagnosis]:
    ckd = "N18.4" if given.ckd else None
    stage = "N18.6" if given.esrd else ckd
    renal = given.ckd or given.esrd if given.anemia_in_ckd is None else given.anemia_in_ckd
    asked = {
        "D50.9": given.iron_deficiency,
        stage: stage is not None,
        "D63.1": renal,
        "N17.9": given.aki,
        "Z99.2": given.dialysis,
        given.contraindication: given.contraindication is not None,
    }
    for code in (*(code for code, holds in asked.items() if code and holds), *given.diagnoses):
        yield Diagnosis(
            source=Source(f"Condition/{code}"),
            icd10=(code,),
            category="encounter",
            encounter=_ENCOUNTER,
        )


def _coverages(policy: Policy) -> Iterator[Coverage]:
    kind, payer = policy.audience.kinds[0], next(iter(policy.audience.payers), None)
    if kind != "none":
        yield Coverage(source=Source("Coverage/case"), active=True, kind=kind, payer=payer)


def _order(family: Family, day: date) -> Order:
    source = Source("MedicationRequest/case")
    return Order(
        source=source,
        drug=Drug(family=family.family),
        counts=True,
        dose=Amount(Decimal(100), "mg"),
        has_timing=True,
        authored=_on(day),
    )


def _oral_iron(given: CaseFacts, day: date) -> Iterator[OralIron]:
    if given.intolerance:
        yield OralIron(source=Source("AllergyIntolerance/case"), intolerance=True)
    if given.oral_iron_days:
        end = day - timedelta(days=1)
        start = end - timedelta(days=given.oral_iron_days - 1)
        yield OralIron(source=Source("MedicationStatement/case"), start=_on(start), end=_on(end))


def _dialysis(given: CaseFacts, day: date) -> Iterator[DialysisTreatment]:
    if given.hemodialysis or given.esrd:
        kind = "hemodialysis" if given.hemodialysis else "unspecified"
        yield DialysisTreatment(
            source=Source("Procedure/case"), kind=kind, when=_on(day - timedelta(days=2))
        )


def _esa(day: date) -> EsaDose:
    source = Source("MedicationAdministration/esa")
    return EsaDose(source=source, name="darbepoetin alfa", when=_on(day - timedelta(days=7)))


def _authorization(given: CaseFacts, day: date) -> Authorization:
    source = Source("ClaimResponse/case")
    return Authorization(
        source=source,
        reference="case",
        decision="approved",
        codes=(given.code,),
        start=_on(day),
        end=_on(day),
    )
