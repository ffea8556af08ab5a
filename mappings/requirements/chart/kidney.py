"""The diagnosis of the kidney disease, and dialysis with it.

Held by tests/scenarios/conditions.yaml.
"""

from msgspec import structs

from mappings import codes
from mappings.charge.charge import Charge
from mappings.circumstances.kidney import KidneyStatus
from mappings.circumstances.standing import CKD, Standing, cite_all
from mappings.policy.choosing import Rule
from mappings.requirements.chart.recorded import doubt, not_counted, recorded
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date

_PARTIAL = ("ckd-parent", "ckd-cause", "dialysis", "ckd")
_RESTATE = (
    "Correct the status of the diagnosis, or give the word a meaning in the site's status words."
)
_RECODE = (
    "Record what it is by its ICD-10-CM code (N18.6, Z99.2; N17.- where the dialysis is acute), or"
    " correct the entry."
)


def ckd_diagnosis(charge: Charge) -> Result | None:
    """N18.- with its stage, for the drugs whose label population is CKD.

    For any drug and payer: an ESRD with a transplant is contradicted, and a stage that no claim
    takes incomplete (R8, R9).
    """
    rule = charge.rules.ckd_diagnosis
    found = charge.once(_against, charge.standing, charge.kidney, rule)
    found = found or _without_its_cause(charge, rule)
    if found or not asks_ckd(charge, charge.applies(rule)):
        return found
    found = charge.once(_stage, charge.standing, rule)
    if found:
        return found
    return not_counted(charge, rule, *CKD, "dialysis") or Result(
        state="missing",
        says=f"No chronic kidney disease (N18.-) is active on {us_date(charge.day)}.",
        rule=rule,
    )


def _against(standing: Standing, kidney: KidneyStatus, rule: Rule | None) -> Result | None:
    """What holds the line for any drug and payer."""
    if kidney.esrd_diagnosis and kidney.transplanted:
        return Result(
            state="contradicted",
            says="End-stage renal disease (N18.6) and a kidney transplant (Z94.0) are both active.",
            evidence=cite_all(standing.has("esrd", "kidney-transplant")),
            rule=rule,
            blocking=True,
        )
    if kidney.doubts:
        return Result(
            state="incomplete",
            says=doubt(kidney.doubts),
            evidence=cite_all(kidney.doubts),
            fix=_RECODE if any(one.by.is_worded for one in kidney.doubts) else _RESTATE,
            rule=rule,
            blocking=True,
        )
    unproven = _without_dialysis(standing, kidney) or _without_esrd(standing, kidney)
    if unproven:
        return structs.replace(unproven, rule=rule, blocking=True)
    partial = standing.has(*_PARTIAL)
    unstaged = not standing.billable("ckd", "ckd-parent") and not _is_aki(kidney)
    if unstaged and any(diagnosis.code == "N18.3" for diagnosis in partial):
        says = "CKD stage 3 is recorded without its substage: stage 3 needs N18.30/.31/.32."
        cited = cite_all(partial)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule, blocking=True)
    return None


def _without_dialysis(standing: Standing, kidney: KidneyStatus) -> Result | None:
    """R8: N18.6 means chronic dialysis."""
    if not kidney.esrd_unproven:
        return None
    days = codes.windows().days("dialysis-treatment")
    return Result(
        state="incomplete",
        says=(
            "N18.6 means chronic dialysis, and nothing on record says that the patient is on"
            f" dialysis (Z99.2, a treatment within {days} days)."
        ),
        evidence=cite_all(standing.has("esrd")),
        fix="Record Z99.2 if the patient is on dialysis, or N18.5 if not.",
    )


def _without_esrd(standing: Standing, kidney: KidneyStatus) -> Result | None:
    """R8: dialysis means N18.6 or an acute kidney injury."""
    if not kidney.dialysis_unexplained:
        return None
    stages = standing.has("ckd", "ckd-parent")
    says = "Dialysis is on record, and neither N18.6 nor an acute kidney injury (N17.-)"
    if stages:
        says = f"{says}: {stages[0].code} is recorded, which excludes chronic dialysis"
    return Result(
        state="contradicted" if stages else "incomplete",
        says=f"{says}.",
        evidence=(*kidney.treated, *cite_all(stages)),
        fix="Record N18.6 if the dialysis is chronic, or N17.- if it is acute.",
    )


def _without_its_cause(charge: Charge, rule: Rule | None) -> Result | None:
    """D63.1 stands on no claim without its kidney disease (R9); what a code of its cause says
    beside it (I12.9) is no stage."""
    renal = charge.has("anemia-in-ckd")
    if not renal or charge.standing.billable("ckd", "ckd-parent"):
        return None
    says = (
        "D63.1 (anemia in CKD) goes on a claim only after its kidney disease (code first), and no"
        " billable code for that (N18.-) is active."
    )
    other = not_counted(charge, rule, *CKD)
    cause = charge.has("ckd-cause")
    cited = (*(other.evidence if other else ()), *cite_all((*cause, *renal)))
    says = f"{other.says} {says}" if other else says
    return Result(state="incomplete", says=says, evidence=cited, rule=rule, blocking=True)


def _stage(standing: Standing, rule: Rule | None) -> Result | None:
    staged, partial = standing.billable("ckd", "ckd-parent"), standing.has(*_PARTIAL)
    if staged:
        return recorded(staged, rule)
    if partial:
        says = f"{partial[0].code} points to kidney disease, but no CKD stage (N18.-) is recorded."
        return Result(state="incomplete", says=says, evidence=cite_all(partial), rule=rule)
    return None


def asks_ckd(charge: Charge, asked: bool) -> bool:
    """Only for products labeled for CKD, and not for acute kidney injury in the dialysis facility
    (R10)."""
    labeled = charge.family is not None and charge.family.label_population == "ckd"
    return asked and labeled and not _is_aki(charge.kidney)


def _is_aki(kidney: KidneyStatus) -> bool:
    """An acute kidney injury that the dialysis facility treats."""
    return kidney.aki and kidney.in_facility
