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
        row = self.mapped_by
        return (
            f"SNOMED CT {row.code} → {self.code}{'' if row.verified else ' (map not verified)'}"
            if row
            else self.code
        )


def doubtful_on(diagnosis: Diagnosis, day: date, zone: tzinfo | None) -> bool:
    """It would stand on the day, if its status were understood."""
    begun = not (diagnosis.onset and diagnosis.onset.days(zone)[0] > day)
    over = diagnosis.abatement and diagnosis.abatement.days(zone)[1] < day
    return diagnosis.unread is not None and begun and not over


def doubts(
    record: PatientRecord, stands: Iterable[Stated], day: date, zone: tzinfo | None
) -> list[Stated]:
    """Codes with a status that is not understood, where no other diagnosis states them."""
    known = {row.code for row in stands}
    return [
        Stated(code, row, of_encounter=False)
        for row in record.diagnoses
        if doubtful_on(row, day, zone)
        for code in row.icd10
        if code not in known
    ]


def told(record: PatientRecord) -> list[Stated]:
    """What the patient or a relative states: no diagnosis, and not nothing."""
    return [
        Stated(code, row, of_encounter=False)
        for row in record.diagnoses
        if row.told
        for code in row.icd10
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
    for row in record.diagnoses:
        if valid_on(row, day, zone):
            of_encounter = row.source.resource in named or (
                row.category != "problem-list"
                and row.encounter is not None
                and row.encounter == here
            )
            found += [Stated(code, row, of_encounter) for code in row.icd10]
    found += [Stated(code, row, True) for row in reasons for code in row.icd10]
    return found


def _unknown_encounter(administration: Administration, record: PatientRecord) -> str | None:
    """The encounter that the administration names, where that is not on record; one on record that
    is not of its day gives no diagnoses."""
    known = record.encounter(administration.encounter)
    return None if known else administration.encounter


def having(rows: Iterable[Stated], *groups: str) -> list[Stated]:
    """Those whose code is in one of the groups of the diagnosis table."""
    wanted = _codes_of(groups)
    return [row for row in rows if row.code in wanted]


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
    rows: Sequence[Stated],
    day: date,
    order: Literal["ckd-first", "anemia-first"] = "ckd-first",
    in_dialysis_facility: bool = False,
) -> Sequenced:
    """I12/I13/E1x.22 → N18 → I50 → D63.1 → D50 → E61.1 → Z99.2; D63.1 is never first unless the
    payer wants it. I50 and E61.1 only together, and only where no iron-deficiency anemia is stated.

    An acute kidney injury stands before them where it is what the dialysis facility treats (R8).
    """
    notes: list[str] = []
    stage = _one_stage(having(rows, "ckd", "ckd-parent"), day, notes)
    kidney = [
        _codes(rows, "aki") if in_dialysis_facility else [],
        _codes(rows, "ckd-cause"),
        stage,
    ]
    # The manifestation needs its cause before it (code first); without one it does not stand.
    renal = _codes(rows, "anemia-in-ckd") if any(kidney) else []
    anemia = _codes(rows, "iron-deficiency-anemia")
    heart, deficiency = ([], []) if anemia else _of_heart(rows)
    after = [anemia, deficiency, _codes(rows, "dialysis")]
    if order == "anemia-first":
        groups = [renal, *kidney, heart, *after]
    else:
        groups = [*kidney, heart, renal, *after]
    table = codes.diagnoses()
    chosen = [code for group in groups for code in group if table.billable(code, day)][
        :MOST_DIAGNOSES
    ]
    alone = tuple(
        code for code in chosen if not any(row.of_encounter for row in rows if row.code == code)
    )
    listed = {row.code for row in rows if not row.of_encounter and not row.of_another}
    return Sequenced(
        tuple(chosen),
        tuple(code for code in alone if code in listed),
        tuple(notes),
        tuple(code for code in alone if code not in listed),
    )


def _of_heart(rows: Sequence[Stated]) -> tuple[list[str], list[str]]:
    """Heart failure, where iron deficiency without anemia rests on it, and that deficiency."""
    failure, deficiency = _codes(rows, "heart-failure"), _codes(rows, "iron-deficiency")
    return (failure[:1], deficiency) if failure and deficiency else ([], [])


def _codes(rows: Iterable[Stated], group: str) -> list[str]:
    """Those of the encounter first."""
    found = having(rows, group)
    here = {row.code for row in found if row.of_encounter}
    return sorted({row.code for row in found}, key=lambda code: (code not in here, code))


def _one_stage(rows: list[Stated], day: date, notes: list[str]) -> list[str]:
    """One CKD stage: the encounter's, else the newest recorded."""
    rows = [row for row in rows if codes.diagnoses().billable(row.code, day)]
    stages = sorted({row.code for row in rows})
    if len(stages) < 2:
        return stages
    here = [row for row in rows if row.of_encounter] or rows
    newest = max(
        here, key=lambda row: (_recorded(row.by), row.code != "N18.9", row.by.source.resource)
    )
    notes.append(f"Several CKD stages are active ({', '.join(stages)}); {newest.code} is used.")
    return [newest.code]


def _recorded(diagnosis: Diagnosis) -> date:
    moment = diagnosis.recorded or diagnosis.onset
    return moment.last if moment else date.min
