"""R9: the sequence of diagnoses on a claim line.

Held by tests/scenarios/diagnoses.yaml.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.circumstances.diagnoses import Stated, having
from mappings.record import Diagnosis


class Sequenced(Struct, frozen=True, gc=False):
    """Codes in claim order, those known only from the problem list or only from encounters of other
    days, and notes on choices made."""

    codes: tuple[str, ...]
    problem_list_only: tuple[str, ...]
    notes: tuple[str, ...]
    other_encounter_only: tuple[str, ...] = ()


def sequence(
    diagnoses: Sequence[Stated],
    order: Literal["ckd-first", "anemia-first"] = "ckd-first",
    in_dialysis_facility: bool = False,
) -> Sequenced:
    """I12/I13/E1x.22 → N18 → I50 → D63.1 → D50 → E61.1 → Z99.2; D63.1 is never first unless the
    payer wants it. I50 and E61.1 only together, and only where no iron-deficiency anemia is stated.

    An acute kidney injury stands before them where it is what the dialysis facility treats (R8).
    """
    notes: list[str] = []
    stage = _one_stage(having(diagnoses, "ckd", "ckd-parent"), notes)
    acute = _codes(diagnoses, "aki") if in_dialysis_facility else []
    kidney = [acute, _codes(diagnoses, "ckd-cause"), stage]
    # The manifestation needs its kidney disease before it (code first N18.-); without it, it does
    # not stand.
    renal = _codes(diagnoses, "anemia-in-ckd") if stage else []
    anemia = _codes(diagnoses, "iron-deficiency-anemia")
    heart, deficiency = ([], []) if anemia else _of_heart(diagnoses)
    after = [anemia, deficiency, _codes(diagnoses, "dialysis")]
    if order == "anemia-first":
        groups = [renal, *kidney, heart, *after]
    else:
        groups = [*kidney, heart, renal, *after]
    billable = {diagnosis.code for diagnosis in diagnoses if diagnosis.billable}
    most = codes.claim_forms().limits.diagnoses["professional"]
    chosen = [code for code in chain.from_iterable(groups) if code in billable][:most]
    alone = tuple(
        code
        for code in chosen
        if not any(diagnosis.of_encounter for diagnosis in diagnoses if diagnosis.code == code)
    )
    listed = {
        diagnosis.code
        for diagnosis in diagnoses
        if not diagnosis.of_encounter and not diagnosis.of_another
    }
    return Sequenced(
        tuple(chosen),
        tuple(code for code in alone if code in listed),
        tuple(notes),
        tuple(code for code in alone if code not in listed),
    )


def _of_heart(diagnoses: Sequence[Stated]) -> tuple[list[str], list[str]]:
    """Heart failure, where iron deficiency without anemia rests on it, and that deficiency."""
    failure, deficiency = _codes(diagnoses, "heart-failure"), _codes(diagnoses, "iron-deficiency")
    return (failure[:1], deficiency) if failure and deficiency else ([], [])


def _codes(diagnoses: Iterable[Stated], group: str) -> list[str]:
    """Those of the encounter first."""
    found = having(diagnoses, group)
    here = {diagnosis.code for diagnosis in found if diagnosis.of_encounter}
    return sorted(
        {diagnosis.code for diagnosis in found}, key=lambda code: (code not in here, code)
    )


def _one_stage(recorded: list[Stated], notes: list[str]) -> list[str]:
    """One CKD stage: the encounter's, else the newest recorded."""
    active = [diagnosis for diagnosis in recorded if diagnosis.billable]
    stages = sorted({diagnosis.code for diagnosis in active})
    if len(stages) < 2:
        return stages
    here = [diagnosis for diagnosis in active if diagnosis.of_encounter] or active
    newest = max(
        here,
        key=lambda diagnosis: (
            _recorded(diagnosis.by),
            diagnosis.code != "N18.9",
            diagnosis.by.source.resource,
        ),
    )
    notes.append(f"Several CKD stages are active ({', '.join(stages)}); {newest.code} is used.")
    return [newest.code]


def _recorded(diagnosis: Diagnosis) -> date:
    moment = diagnosis.recorded or diagnosis.onset
    return moment.last if moment else date.min
