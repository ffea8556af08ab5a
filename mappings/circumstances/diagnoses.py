"""R9: the diagnoses that stand on a day, and their sequence on a claim line."""

from collections.abc import Iterable, Sequence
from datetime import date, tzinfo
from functools import cache
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.codes.clinical import SnomedRow
from mappings.record import Administration, Diagnosis, Encounter, PatientRecord

MOST_DIAGNOSES = 12


class Stated(Struct, frozen=True):
    """A code as stated on a day, by which diagnosis, and whether the encounter or order states it
    (not the problem list or another encounter alone)."""

    code: str
    by: Diagnosis
    of_encounter: bool

    @property
    def of_another(self) -> bool:
        """A diagnosis of an encounter of another day, not of the problem list."""
        return not self.of_encounter and self.by.category == "encounter"

    @property
    def mapped_by(self) -> SnomedRow | None:
        """The row of the SNOMED map, where the code is not as given."""
        found = next((snomed for code, snomed in self.by.snomed if code == self.code), None)
        return codes.diagnoses().map_row(self.code, found) if found else None

    @property
    def says(self) -> str:
        """The code, and where the map gave it, what it was."""
        mapped = self.mapped_by
        if mapped is None:
            return self.code
        doubt = "" if mapped.verified else " (map not verified)"
        return f"SNOMED CT {mapped.code} → {self.code}{doubt}"


def doubtful_on(diagnosis: Diagnosis, day: date, zone: tzinfo | None) -> bool:
    """It would stand on the day, if its status were understood."""
    begun = not (diagnosis.onset and diagnosis.onset.days(zone)[0] > day)
    over = diagnosis.abatement and diagnosis.abatement.days(zone)[1] < day
    return diagnosis.unread is not None and begun and not over


def doubts(
    record: PatientRecord, stands: Iterable[Stated], day: date, zone: tzinfo | None
) -> list[Stated]:
    """Codes with a status that is not understood, where no other diagnosis states them."""
    known = {diagnosis.code for diagnosis in stands}
    return [
        Stated(code, diagnosis, of_encounter=False)
        for diagnosis in record.diagnoses
        if doubtful_on(diagnosis, day, zone)
        for code in diagnosis.icd10
        if code not in known
    ]


def told(record: PatientRecord) -> list[Stated]:
    """What the patient or a relative states: no diagnosis, and not nothing."""
    return [
        Stated(code, diagnosis, of_encounter=False)
        for diagnosis in record.diagnoses
        if diagnosis.told
        for code in diagnosis.icd10
    ]


def began_by(diagnosis: Diagnosis, day: date, zone: tzinfo | None) -> bool:
    """Confirmed, and not begun after the day; it may be over."""
    return diagnosis.stands and not (diagnosis.onset and diagnosis.onset.days(zone)[0] > day)


def valid_on(diagnosis: Diagnosis, day: date, zone: tzinfo | None) -> bool:
    """Active and confirmed on the day. One resolved after the dose was valid on the day."""
    if not began_by(diagnosis, day, zone):
        return False
    if diagnosis.abatement:
        return diagnosis.abatement.days(zone)[1] >= day
    return not diagnosis.resolved


def stated(
    record: PatientRecord,
    administration: Administration,
    encounter: Encounter | None,
    reasons: Iterable[Diagnosis],
    day: date,
    zone: tzinfo | None,
) -> list[Stated]:
    """Every code that stands on the day: conditions, and coded reasons of the administration and
    its order."""
    named = set(administration.reason_references) | set(encounter.diagnoses if encounter else ())
    named |= {
        key
        for order in record.orders
        if order.source.resource in administration.orders
        for key in order.reason_references
    }
    here = encounter.source.resource if encounter else _unknown_encounter(administration, record)
    found: list[Stated] = []
    for diagnosis in record.diagnoses:
        if valid_on(diagnosis, day, zone):
            of_encounter = diagnosis.source.resource in named or (
                diagnosis.category != "problem-list"
                and diagnosis.encounter is not None
                and diagnosis.encounter == here
            )
            found += [Stated(code, diagnosis, of_encounter) for code in diagnosis.icd10]
    found += [Stated(code, diagnosis, True) for diagnosis in reasons for code in diagnosis.icd10]
    return found


def _unknown_encounter(administration: Administration, record: PatientRecord) -> str | None:
    """The encounter that the administration names, where that is not on record; one on record that
    is not of its day gives no diagnoses."""
    known = record.encounter(administration.encounter)
    return None if known else administration.encounter


def having(diagnoses: Iterable[Stated], *groups: str) -> list[Stated]:
    """Those whose code is in one of the groups of the diagnosis table."""
    wanted = _codes_of(groups)
    return [diagnosis for diagnosis in diagnoses if diagnosis.code in wanted]


@cache
def _codes_of(groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(codes.diagnoses().group(name) for name in groups))


class Sequenced(Struct, frozen=True):
    """Codes in claim order, those known only from the problem list or only from encounters of other
    days, and notes on choices made."""

    codes: tuple[str, ...]
    problem_list_only: tuple[str, ...]
    notes: tuple[str, ...]
    other_encounter_only: tuple[str, ...] = ()


def sequence(
    diagnoses: Sequence[Stated],
    day: date,
    order: Literal["ckd-first", "anemia-first"] = "ckd-first",
    in_dialysis_facility: bool = False,
) -> Sequenced:
    """I12/I13/E1x.22 → N18 → I50 → D63.1 → D50 → E61.1 → Z99.2; D63.1 is never first unless the
    payer wants it. I50 and E61.1 only together, and only where no iron-deficiency anemia is stated.

    An acute kidney injury stands before them where it is what the dialysis facility treats (R8).
    """
    notes: list[str] = []
    stage = _one_stage(having(diagnoses, "ckd", "ckd-parent"), day, notes)
    kidney = [
        _codes(diagnoses, "aki") if in_dialysis_facility else [],
        _codes(diagnoses, "ckd-cause"),
        stage,
    ]
    # The manifestation needs its cause before it (code first); without one it does not stand.
    renal = _codes(diagnoses, "anemia-in-ckd") if any(kidney) else []
    anemia = _codes(diagnoses, "iron-deficiency-anemia")
    heart, deficiency = ([], []) if anemia else _of_heart(diagnoses)
    after = [anemia, deficiency, _codes(diagnoses, "dialysis")]
    if order == "anemia-first":
        groups = [renal, *kidney, heart, *after]
    else:
        groups = [*kidney, heart, renal, *after]
    table = codes.diagnoses()
    chosen = [code for group in groups for code in group if table.billable(code, day)][
        :MOST_DIAGNOSES
    ]
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


def _one_stage(recorded: list[Stated], day: date, notes: list[str]) -> list[str]:
    """One CKD stage: the encounter's, else the newest recorded."""
    table = codes.diagnoses()
    active = [diagnosis for diagnosis in recorded if table.billable(diagnosis.code, day)]
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
