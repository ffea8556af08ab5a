"""R9: a diagnosis on a day: whether it stands, and what it says.

Held by tests/scenarios/diagnoses.yaml.
"""

from collections.abc import Iterable, Iterator
from datetime import date, tzinfo
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.codes.clinical import SnomedRow
from mappings.record import Diagnosis, PatientRecord
from mappings.values.moment import may_span
from mappings.values.remembered import kept


class Stated(Struct, frozen=True, dict=True):
    """A code as stated on a day, by which diagnosis, and whether the encounter or order states it
    (not the problem list or another encounter alone). `billable`: a claim of the day takes it."""

    code: str
    by: Diagnosis
    of_encounter: bool = False
    billable: bool = False

    @kept
    def cited(self) -> Evidence:
        return cite(self.by.source, self.says)

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
    on_day = may_span(diagnosis.onset, diagnosis.abatement, (day, day), zone)
    return diagnosis.unread is not None and on_day


def coded(diagnosis: Diagnosis) -> Iterator[Stated]:
    """Its codes, as evidence of nothing but themselves."""
    return (Stated(code, diagnosis) for code in diagnosis.icd10)


def told(record: PatientRecord) -> list[Stated]:
    """What the patient or a relative states: no diagnosis, and not nothing."""
    return list(chain.from_iterable(coded(said) for said in record.diagnoses if said.told))


def unread_words(diagnoses: Iterable[Stated]) -> str:
    """Their codes, each with what is stated of it and not understood."""
    said = (f"{diagnosis.code} {diagnosis.by.unread}" for diagnosis in diagnoses)
    return ", ".join(dict.fromkeys(said))


def began_by(diagnosis: Diagnosis, day: date, zone: tzinfo | None) -> bool:
    """Confirmed, and not begun after the day; it may be over."""
    return diagnosis.stands and may_span(diagnosis.onset, None, (day, day), zone)


def valid_days(diagnosis: Diagnosis, zone: tzinfo | None) -> tuple[date, date] | None:
    """The first and last day on which it is active and confirmed. One resolved after the dose was
    valid on the day of the dose."""
    onset, abatement = diagnosis.onset, diagnosis.abatement
    if not diagnosis.stands or (diagnosis.resolved and not abatement):
        return None
    return (
        onset.days(zone)[0] if onset else date.min,
        abatement.days(zone)[1] if abatement else date.max,
    )


def having(diagnoses: Iterable[Stated], *groups: str) -> list[Stated]:
    """Those whose code is in one of the groups of the diagnosis table."""
    wanted = _codes_of(groups)
    return [diagnosis for diagnosis in diagnoses if diagnosis.code in wanted]


@codes.remembered
def _codes_of(groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(codes.diagnoses().group(name) for name in groups))
