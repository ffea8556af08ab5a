"""The diagnosis of iron deficiency.

Held by tests/scenarios/diagnoses.yaml.
"""

from itertools import chain

from msgspec import structs

from mappings import codes
from mappings.charge.charge import Charge
from mappings.circumstances import labs
from mappings.circumstances.diagnoses import Stated
from mappings.circumstances.standing import Standing, cite_all
from mappings.codes.tables import Dated, Family
from mappings.policy.choosing import IronDeficiencyRule, Rule
from mappings.policy.laboratory import LAB_VALUES
from mappings.policy.rules import RenalAnemia
from mappings.record import LabResult
from mappings.requirements.chart.recorded import not_counted, recorded
from mappings.requirements.labs import evidence
from mappings.requirements.result import Result
from mappings.values.remembered import by_identity
from mappings.values.us_dates import us_date


def iron_deficiency_diagnosis(charge: Charge) -> Result | None:
    """D50.-, or D63.1 with a laboratory value in the window that shows iron deficiency."""
    rule = charge.rules.iron_deficiency_diagnosis
    if not charge.applies(rule):
        return _none_at_all(charge)
    found = charge.once(_recorded, charge.standing, charge.family, rule)
    if found:
        return found
    renal = charge.standing.billable("anemia-in-ckd")
    if renal:
        return _by_renal_anemia(charge, renal)
    ended = charge.has("iron-deficiency-anemia", "anemia-in-ckd")
    if ended:
        on_day = f"no billable code on {us_date(charge.day)}"
        return Result(
            state="incomplete",
            says=f"{ended[0].code} is recorded, which is {on_day}.",
            fix="Record the code that took its place.",
            evidence=cite_all(ended),
            rule=rule,
        )
    parent = [diagnosis for diagnosis in charge.diagnoses if diagnosis.code == "D50"]
    if parent:
        return Result(
            state="incomplete",
            says=(
                "Iron-deficiency anemia is recorded without its fourth character (D50.0 to D50.9)."
            ),
            evidence=cite_all(parent),
            rule=rule,
        )
    return not_counted(charge, rule, "iron-deficiency-anemia", "anemia-in-ckd") or Result(
        state="missing",
        says=f"No iron-deficiency anemia diagnosis is active on {us_date(charge.day)}.",
        rule=rule,
    )


def _none_at_all(charge: Charge) -> Result | None:
    """No claim is taken without a diagnosis, whatever the payer's text asks."""
    asked = charge.day and charge.known_payer and charge.has_line
    if not asked or charge.sequenced.codes:
        return None
    says = (
        "No diagnosis for the claim is recorded: an iron deficiency, with its heart failure where"
        " there is no anemia, or a kidney disease."
    )
    limits = codes.claim_forms().limits
    form = Dated(source=limits.source, verified=limits.verified)
    return Result(state="missing", says=says, row=form, blocking=True)


def _recorded(standing: Standing, family: Family | None, rule: Rule | None) -> Result | None:
    """An iron-deficiency anemia; or iron deficiency with heart failure, for a drug that is labeled
    for it."""
    found = standing.billable("iron-deficiency-anemia")
    if found:
        return recorded(found, rule)
    deficiency, failure = standing.billable("iron-deficiency"), standing.billable("heart-failure")
    if family is None or not family.label_heart_failure or not deficiency or not failure:
        return None
    return Result(
        state="met",
        says=f"Iron deficiency (E61.1) with heart failure ({failure[0].code}) is recorded.",
        value="E61.1",
        evidence=cite_all([*deficiency, failure[0]]),
        rule=rule,
    )


def _by_renal_anemia(charge: Charge, renal: list[Stated]) -> Result:
    rule = charge.rules.iron_deficiency_diagnosis
    if not charge.standing.billable("ckd"):
        says = (
            "Anemia in CKD (D63.1) is recorded without a billable code for the kidney disease,"
            " which must be coded first."
        )
        return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)
    shown_by = rule.renal_anemia if rule else None
    if rule is None or shown_by is None:
        says = "Anemia in CKD (D63.1) alone does not show iron deficiency."
        return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)
    rule = _shown_by(rule, shown_by)
    shown = _showing(charge, shown_by.limit)
    if shown:
        proof = tuple(chain.from_iterable(evidence(charge, result) for result in shown))
        name = labs.short(shown[0].analyte)
        says = f"D63.1 with {name} {labs.value(shown[0])} shows iron deficiency."
        return Result(
            state="met", says=says, value="D63.1", evidence=cite_all(renal) + proof, rule=rule
        )
    says = (
        "Anemia in CKD (D63.1) alone does not show iron deficiency, and no laboratory value of the"
        f" {charge.lab_window} days before shows it{_unread_labs(charge)}."
    )
    return Result(state="incomplete", says=says, evidence=cite_all(renal), rule=rule)


@by_identity
def _shown_by(rule: IronDeficiencyRule, limit: RenalAnemia) -> IronDeficiencyRule:
    """The rule as its limit of laboratory values has it."""
    return structs.replace(rule, source=limit.source, verified=limit.verified)


def _unread_labs(charge: Charge) -> str:
    """The newest results that can't be read, as an older one decides nothing beside them."""
    states = [charge.lab(analyte, charge.lab_window) for analyte in ("ferritin", "tsat")]
    said = [labs.quoted(state.unread, charge.zone) for state in states if state.unread]
    return f" (not read: {'; '.join(said)})" if said else ""


def _showing(charge: Charge, limit: str) -> list[LabResult]:
    """The results that make a condition hold; none where it does not."""
    verdict = charge.judged(limit, charge.lab_window)
    names = (
        [name for name, state in verdict.states.items() if state == "met"] if verdict.holds else []
    )
    found = (charge.lab(LAB_VALUES[name].analyte, charge.lab_window).result for name in names)
    return [result for result in found if result]
