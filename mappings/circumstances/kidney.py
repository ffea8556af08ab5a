"""R8: dialysis, end-stage renal disease and acute kidney injury on a day.

Held by tests/scenarios/kidney.yaml.
"""

from datetime import date, timedelta, tzinfo
from typing import Literal

from msgspec import Struct, field

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.circumstances.diagnoses import Stated, having
from mappings.circumstances.standing import Standing, cite_all
from mappings.record import PatientRecord, Source
from mappings.values.moment import NEVER, Moment
from mappings.values.remembered import kept

DIALYSIS_FACILITY = "65"

# Groups of diagnoses that decide who pays.
_DECIDING = ("esrd", "dialysis", "aki")

# An encounter without an end goes on.

Kind = Literal["hemodialysis", "peritoneal", "unspecified"]


class KidneyStatus(Struct, frozen=True, gc=False):
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


class Treatment(Struct, frozen=True, gc=False):
    """A dialysis treatment or encounter, and the days that it was on."""

    source: Source
    kind: str
    says: str
    first: date
    last: date

    @property
    def cited(self) -> Evidence:
        return cite(self.source, self.says)


class DialysisHistory(Struct, frozen=True, eq=False, dict=True):
    """The dialysis of one patient; doses before which there is the same share it."""

    record: PatientRecord
    zone: tzinfo | None
    _known: dict[tuple[int, ...], tuple[Treatment, ...]] = field(default_factory=dict)

    def before(self, day: date) -> tuple[Treatment, ...]:
        """The treatments of the days before by which it is evidence."""
        if not self._dated:
            return ()
        since = day - self._window
        found = tuple([one for one in self._dated if one.first <= day and one.last >= since])
        return self._known.setdefault(tuple(map(id, found)), found)

    @kept
    def _window(self) -> timedelta:
        return timedelta(days=codes.windows().days("dialysis-treatment"))

    @kept
    def _dated(self) -> list[Treatment]:
        """One encounter without an end goes on."""
        found = [
            self._treatment(one.source, one.kind, "dialysis treatment", one.when, one.until)
            for one in self.record.dialysis
            if one.when
        ]
        return found + [
            self._treatment(
                one.source, one.dialysis, "dialysis encounter", one.start, one.end or NEVER
            )
            for one in self.record.encounters
            if one.dialysis and one.took_place and one.start
        ]

    def _treatment(
        self, source: Source, kind: str, says: str, start: Moment, end: Moment | None
    ) -> Treatment:
        return Treatment(
            source, kind, says, start.days(self.zone)[0], (end or start).days(self.zone)[1]
        )


def status(
    standing: Standing, treatments: tuple[Treatment, ...], in_facility: bool
) -> KidneyStatus:
    """By Z99.2, a dialysis treatment within the days before, or the dialysis facility itself."""
    dependence, esrd = standing.has("dialysis"), standing.has("esrd")
    on_dialysis = bool(treatments or dependence or in_facility)
    kinds = {treatment.kind for treatment in treatments} - {"unspecified"}
    treated = {*(treatment.cited for treatment in treatments), *cite_all(dependence)}
    return KidneyStatus(
        on_dialysis=on_dialysis,
        kind=_kind(kinds) if on_dialysis else None,
        esrd=bool(esrd) and on_dialysis,
        esrd_diagnosis=bool(esrd),
        aki=bool(standing.has("aki")),
        transplanted=bool(standing.has("kidney-transplant")),
        in_facility=in_facility,
        evidence=tuple(sorted(treated.union(cite_all(esrd)))),
        treated=tuple(sorted(treated)),
        doubts=_doubts(standing, on_dialysis=on_dialysis),
    )


def _doubts(standing: Standing, *, on_dialysis: bool) -> tuple[Stated, ...]:
    """Of a group that no diagnosis of the day is of. A transplant matters beside N18.6 alone, and
    words about dialysis where neither other evidence nor an acute kidney injury explains them."""
    open_ = standing.doubtful
    esrd = standing.has("esrd") or having(open_, "esrd")
    if on_dialysis or (standing.has("aki") and not esrd):
        open_ = tuple(one for one in open_ if not (one.by.is_worded and one.code == "Z99.2"))
    groups = [name for name in _DECIDING if not standing.has(name)]
    if esrd and not standing.has("kidney-transplant"):
        groups.append("kidney-transplant")
    return tuple(having(open_, *groups)) if groups else ()


def _kind(kinds: set[str]) -> Kind:
    if kinds == {"peritoneal"}:
        return "peritoneal"
    return "hemodialysis" if kinds == {"hemodialysis"} else "unspecified"
