"""That the anemia comes of the kidney disease.

Held by tests/scenarios/conditions.yaml.
"""

from mappings import codes
from mappings.charge.charge import Charge
from mappings.circumstances.diagnoses import Stated
from mappings.circumstances.standing import CKD, Standing, cite_all
from mappings.policy.choosing import Rule
from mappings.requirements.chart.kidney import asks_ckd
from mappings.requirements.chart.recorded import not_counted, recorded
from mappings.requirements.result import Result


def anemia_ckd_link(charge: Charge) -> Result | None:
    """D63.1, or an anemia due to or evidenced by the CKD, or both as diagnoses of one
    encounter."""
    rule = charge.rules.anemia_ckd_link
    if not asks_ckd(charge, charge.applies(rule)):
        return None
    coded = charge.once(_coded, charge.standing, rule)
    if coded:
        return coded
    anemia, ckd = charge.has("anemia"), charge.has(*CKD)
    linked = [
        diagnosis
        for diagnosis in anemia
        if _due_to(diagnosis, ckd) or _same_encounter(charge, diagnosis, ckd)
    ]
    if linked:
        return recorded(linked, rule, "is linked to the kidney disease")
    return not_counted(charge, rule, "anemia-in-ckd") or Result(
        state="missing",
        says="Nothing links the anemia to the kidney disease.",
        evidence=cite_all([*anemia, *ckd]),
        rule=rule,
    )


def _coded(standing: Standing, rule: Rule | None) -> Result | None:
    """By one code for both."""
    renal = standing.has("anemia-in-ckd")
    if not renal:
        return None
    return Result(
        state="met",
        says="D63.1 (anemia in CKD) is recorded.",
        value="D63.1",
        evidence=cite_all(renal),
        rule=rule,
    )


def _due_to(anemia: Stated, ckd: list[Stated]) -> bool:
    sources = {diagnosis.by.source.resource for diagnosis in ckd} - {anemia.by.source.resource}
    groups = frozenset().union(*map(codes.diagnoses().group, CKD))
    return bool(sources & set(anemia.by.due_to)) or bool(groups & set(anemia.by.due_to_icd10))


def _same_encounter(charge: Charge, anemia: Stated, ckd: list[Stated]) -> bool:
    """Both as diagnoses of one encounter: listed by an Encounter, encounter diagnoses of one, or
    reasons of one order or dose."""
    for diagnosis in ckd:
        pair = {anemia.by.source.resource, diagnosis.by.source.resource}
        if any(pair <= set(encounter.diagnoses) for encounter in charge.record.encounters):
            return True
        categories = {anemia.by.category, diagnosis.by.category}
        if (
            categories == {"encounter"}
            and anemia.by.encounter
            and anemia.by.encounter == diagnosis.by.encounter
        ):
            return True
        if anemia.by.is_reason or diagnosis.by.is_reason:
            if anemia.by.source == diagnosis.by.source:
                return True
        elif anemia.of_encounter and diagnosis.of_encounter:
            return True
    return False
