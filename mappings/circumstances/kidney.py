"""R8: dialysis, end-stage renal disease and acute kidney injury on a day."""

from datetime import date, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

from mappings.assessment import Evidence
from mappings.circumstances.diagnoses import Stated, doubts, having
from mappings.record import PatientRecord
from mappings.values.moment import Moment

WINDOW_DAYS = 90
DIALYSIS_FACILITY = "65"

# Groups of diagnoses that decide who pays.
_DECIDING = ("esrd", "dialysis", "aki")

# An encounter without an end goes on.
_NEVER = Moment(date.max, date.max)

Kind = Literal["hemodialysis", "peritoneal", "unspecified"]


class KidneyStatus(Struct, frozen=True):
    """`on_dialysis` as evidence says; `esrd` needs the diagnosis as well; `transplanted`
    contradicts it.

    `treated`: evidence of dialysis, the diagnosis of ESRD apart. `doubts`: diagnoses that would
    decide, with a status that is not understood.
    """

    on_dialysis: bool
    kind: Kind | None
    esrd: bool
    esrd_diagnosis: bool
    aki: bool
    transplanted: bool
    in_facility: bool
    evidence: tuple[Evidence, ...] = ()
    treated: tuple[Evidence, ...] = ()
    doubts: tuple[Stated, ...] = ()

    @property
    def esrd_unproven(self) -> bool:
        """N18.6, which means chronic dialysis, without evidence of dialysis (and no transplant)."""
        return self.esrd_diagnosis and not self.on_dialysis and not self.transplanted

    @property
    def dialysis_unexplained(self) -> bool:
        """Evidence of dialysis outside the dialysis facility, and neither N18.6 nor N17.-."""
        known = self.esrd_diagnosis or self.aki or self.in_facility
        return self.on_dialysis and not known


def status(
    record: PatientRecord,
    diagnoses: list[Stated],
    setting: str | None,
    day: date,
    zone: tzinfo | None,
) -> KidneyStatus:
    """By Z99.2, a dialysis treatment within 90 days before, or the dialysis facility itself."""
    treatments = [
        (treatment.source, treatment.kind, "dialysis treatment")
        for treatment in record.dialysis
        if treatment.when and _recent(treatment.when, treatment.until, day, zone)
    ]
    treatments += [
        (encounter.source, encounter.dialysis, "dialysis encounter")
        for encounter in record.encounters
        if encounter.dialysis
        and encounter.took_place
        and encounter.start
        and _recent(encounter.start, encounter.end or _NEVER, day, zone)
    ]
    dependence = having(diagnoses, "dialysis")
    esrd = having(diagnoses, "esrd")
    in_facility = setting == DIALYSIS_FACILITY
    on_dialysis = bool(treatments or dependence or in_facility)
    kinds = {kind for _, kind, _ in treatments} - {"unspecified"}
    evidence = [Evidence(source.resource, source.version, says) for source, _, says in treatments]
    evidence += [
        Evidence(diagnosis.by.source.resource, diagnosis.by.source.version, diagnosis.says)
        for diagnosis in (*esrd, *dependence)
    ]
    return KidneyStatus(
        on_dialysis=on_dialysis,
        kind=_kind(kinds) if on_dialysis else None,
        esrd=bool(esrd) and on_dialysis,
        esrd_diagnosis=bool(esrd),
        aki=bool(having(diagnoses, "aki")),
        transplanted=bool(having(diagnoses, "kidney-transplant")),
        in_facility=in_facility,
        evidence=tuple(sorted(set(evidence))),
        treated=tuple(
            sorted(
                {Evidence(source.resource, source.version, says) for source, _, says in treatments}
                | {
                    Evidence(
                        diagnosis.by.source.resource, diagnosis.by.source.version, diagnosis.says
                    )
                    for diagnosis in dependence
                }
            )
        ),
        doubts=_doubts(record, diagnoses, day, zone),
    )


def _doubts(
    record: PatientRecord, diagnoses: list[Stated], day: date, zone: tzinfo | None
) -> tuple[Stated, ...]:
    """Of a group that no diagnosis of the day is of. A transplant matters beside N18.6 alone."""
    open_ = doubts(record, diagnoses, day, zone)
    groups = [name for name in _DECIDING if not having(diagnoses, name)]
    if having([*diagnoses, *open_], "esrd") and not having(diagnoses, "kidney-transplant"):
        groups.append("kidney-transplant")
    return tuple(having(open_, *groups)) if groups else ()


def _recent(start: Moment, end: Moment | None, day: date, zone: tzinfo | None) -> bool:
    return start.days(zone)[0] <= day and (end or start).days(zone)[1] >= day - timedelta(
        days=WINDOW_DAYS
    )


def _kind(kinds: set[str]) -> Kind:
    if kinds == {"peritoneal"}:
        return "peritoneal"
    return "hemodialysis" if kinds == {"hemodialysis"} else "unspecified"
