"""Where the dose was given, as the payer sees it (R7, R8).

Held by tests/scenarios/settings.yaml.
"""

from mappings import codes
from mappings.assessment import cite
from mappings.charge.charge import Charge
from mappings.codes.tables import Dated, SettingTable
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity

# By what is not understood, how a site says once what it means.
_SAY_ONCE = {
    "Encounter.class": "Give the class a meaning once, in the site's `encounter_classes`.",
    "Encounter.status": "Correct the encounter, or give the word a meaning in `status_words`.",
    "MedicationAdministration.category": "Give the word a meaning once, in `status_words`.",
}


_LOOK_AT_STAY = "Check whether the dose belongs to that stay before the line is released."


_CORRECT_PLACE = "Correct the class of the encounter, or its location."

_CORRECT_STAY = (
    "Correct the encounter, or leave the dose to the inpatient claim if it was given in that stay."
)


def place_of_service(charge: Charge) -> Result | None:
    """R7, R8: the setting is known and on the policy's list; the dialysis facility treats ESRD or
    AKI."""
    setting, policy, table = charge.setting, charge.policy, codes.settings()
    evidence, row = setting.cited, _said_by(table)
    if setting.code is None:
        return _no_place(charge, row)
    asked = policy.authority if policy else row
    if (
        policy
        and policy.bundled_with_dialysis
        and charge.kidney.in_facility
        and not (charge.kidney.esrd_diagnosis or charge.kidney.aki)
    ):
        says = (
            "The dose was given in a dialysis facility, but neither end-stage renal disease nor"
            " acute kidney injury is recorded."
        )
        return Result(state="contradicted", says=says, evidence=evidence, row=asked)
    allowed = (policy.audience.settings if policy else ()) or tuple(table.by_code)
    if setting.code not in allowed:
        says = f"Place of service {setting.code} is not on the payer's list ({', '.join(allowed)})."
        return Result(
            state="not-covered", says=says, evidence=evidence, value=setting.code, row=asked
        )
    if setting.warning:
        holds = setting.warning.holds
        warned = cite(setting.warning.source, setting.warning.says)
        return Result(
            state="contradicted" if holds else "incomplete",
            says=setting.warning.says,
            evidence=(*evidence, warned),
            value=setting.code,
            row=row,
            fix=_CORRECT_PLACE if holds else _LOOK_AT_STAY,
            blocking=holds,
        )
    return Result(
        state="met",
        says=f"Place of service {setting.code}, {setting.says}.",
        evidence=evidence,
        value=setting.code,
        row=row,
    )


@by_identity
def _said_by(table: SettingTable) -> Dated:
    return Dated(source=table.source, verified=table.verified)


def _no_place(charge: Charge, row: Dated) -> Result:
    setting = charge.setting
    unread = setting.unread
    fix = _SAY_ONCE.get(unread.element) if unread else None
    if fix is None and setting.state == "contradicted":
        fix = _CORRECT_STAY
    return Result(state=setting.state, says=setting.says, evidence=setting.cited, row=row, fix=fix)


def esrd_consolidated_billing(charge: Charge) -> Result | None:
    """R8: any IV iron for an ESRD patient outside the dialysis facility (not
    asked while the place is unknown)."""
    kidney, policy, day = charge.kidney, charge.policy, charge.day
    if policy is None or not policy.consolidated_billing or charge.code is None or day is None:
        return None
    if kidney.in_facility or charge.setting.code is None:
        return None
    if not (kidney.esrd or kidney.esrd_unproven):
        return None
    row = codes.payment().esrd_consolidated_billing.rule_for(charge.code.code, day)
    if row is None:
        return None
    stands = "with ESRD on dialysis" if kidney.esrd else "with ESRD (N18.6)"
    says = (
        f"{charge.code.code} for a patient {stands} belongs on the dialysis facility's claim"
        " (consolidated billing)."
    )
    return Result(state="not-covered", says=says, evidence=kidney.evidence, row=row)
