"""R9: the diagnoses that stand at a dose. Doses of which the same stand share them, and what they
say is worked out once.

Held by tests/scenarios/diagnoses.yaml.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date, tzinfo
from itertools import chain
from typing import Literal

from msgspec import Struct, field, structs

from mappings import codes
from mappings.assessment import Evidence
from mappings.circumstances.diagnoses import Stated, coded, doubtful_on, having, valid_days
from mappings.circumstances.sequence import Sequenced, sequence
from mappings.record import REFUTED, Administration, Diagnosis, Encounter, PatientRecord
from mappings.values.remembered import kept
from mappings.values.stated import Unread

# Groups of diagnoses that say a chronic kidney disease.
CKD = ("ckd", "ckd-parent", "ckd-cause")


class Standing(Struct, frozen=True, eq=False, dict=True):
    """Every code that stands, and those of `doubtful` diagnoses, which would if their status were
    understood, where no other diagnosis states them."""

    stated: tuple[Stated, ...] = ()
    doubtful: tuple[Stated, ...] = ()
    _known: dict[tuple[str, ...], list[Stated]] = field(default_factory=dict)
    _sequenced: dict[tuple[str, bool], Sequenced] = field(default_factory=dict)

    def has(self, *groups: str) -> list[Stated]:
        """Those that are in one of the groups of the diagnosis table."""
        found = self._known.get(groups)
        if found is None:
            found = self._known[groups] = having(self.stated, *groups)
        return found

    def billable(self, *groups: str) -> list[Stated]:
        """Those of the groups that a claim of the day takes."""
        return [diagnosis for diagnosis in self.has(*groups) if diagnosis.billable]

    @kept
    def flags(self) -> dict[str, bool | None]:
        """Facts that conditions of a policy may name; None where only a diagnosis with a status
        that is not understood says so."""
        ckd = bool(self.has(*CKD)) or (None if having(self.doubtful, *CKD) else False)
        named = codes.diagnoses().named_by_payers.items()
        return {"ckd": ckd, **{name: self._begins(row.prefixes) for name, row in named}}

    @kept
    def pregnancies(self) -> list[Stated]:
        """Codes of a pregnancy."""
        begun = codes.diagnoses().pregnancy_diagnoses.prefixes
        return [one for one in self.stated if one.code.startswith(begun)]

    def _begins(self, prefixes: tuple[str, ...]) -> bool | None:
        """Whether a code begins so."""
        if [one for one in self.stated if one.code.startswith(prefixes)]:
            return True
        is_open = [one for one in self.doubtful if one.code.startswith(prefixes)]
        return None if is_open else False

    def sequence(
        self, order: Literal["ckd-first", "anemia-first"], in_dialysis_facility: bool
    ) -> Sequenced:
        """As they stand on a claim line."""
        key = (order, in_dialysis_facility)
        found = self._sequenced.get(key)
        if found is None:
            found = self._sequenced[key] = sequence(self.stated, *key)
        return found


def cite_all(diagnoses: Iterable[Stated]) -> tuple[Evidence, ...]:
    return tuple([diagnosis.cited for diagnosis in diagnoses])


class DiagnosisHistory(Struct, frozen=True, eq=False, dict=True):
    """The diagnoses of one patient as they stand at each dose. A reason that is refuted as a
    condition stands no more than one whose status is not understood."""

    record: PatientRecord
    zone: tzinfo | None
    _known: dict[tuple[object, ...], Standing] = field(default_factory=dict)
    _reasons: dict[tuple[int, tuple[str, ...]], Diagnosis] = field(default_factory=dict)

    def at(
        self,
        administration: Administration,
        encounter: Encounter | None,
        reasons: Sequence[Diagnosis],
        day: date,
    ) -> Standing:
        """Those of the day: conditions, and coded reasons of the administration, its order and its
        encounter."""
        found = self._conditions(administration, encounter, day)
        open_ = self.doubtful_on(day) if self._unread else []
        if self._refuted:
            denied = self._denied(found)
            open_ += [denied[code] for reason in reasons for code in reason.icd10 if code in denied]
            reasons = [one for reason in reasons for one in self._stated(reason, denied)]
        found += [(reason, True) for reason in reasons]
        said = chain.from_iterable([diagnosis.icd10 for diagnosis, _ in found])
        billable = codes.diagnoses().billable_among(said, day)
        key = (
            *[(id(diagnosis), of_encounter) for diagnosis, of_encounter in found],
            *map(id, open_),
            billable,
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _standing(found, open_, billable)
        return known

    def doubtful_on(self, day: date) -> list[Diagnosis]:
        return [diagnosis for diagnosis in self._unread if doubtful_on(diagnosis, day, self.zone)]

    @kept
    def _unread(self) -> list[Diagnosis]:
        return [diagnosis for diagnosis in self.record.diagnoses if diagnosis.unread]

    @kept
    def _refuted(self) -> dict[str, Diagnosis]:
        """By code; where a reason states it all the same, it is in doubt."""
        return {
            code: structs.replace(one, icd10=(code,), unread=Unread(REFUTED, "refuted"))
            for one in self.record.diagnoses
            if one.refuted
            for code in one.icd10
        }

    @kept
    def _confirmed(self) -> list[tuple[Diagnosis, date, date]]:
        """Those with a code, and the days on which they are valid."""
        coded = (diagnosis for diagnosis in self.record.diagnoses if diagnosis.icd10)
        dated = ((diagnosis, valid_days(diagnosis, self.zone)) for diagnosis in coded)
        return [(diagnosis, *days) for diagnosis, days in dated if days]

    def _conditions(
        self, administration: Administration, encounter: Encounter | None, day: date
    ) -> list[tuple[Diagnosis, bool]]:
        """Those that are valid on the day, and whether they are of the dose's encounter or
        order."""
        named = self._named(administration, encounter)
        here = _here(administration, encounter, self.record)
        found = []
        for diagnosis, first, last in self._confirmed:
            if first <= day <= last:
                listed = diagnosis.category == "problem-list"
                made_here = here is not None and diagnosis.encounter == here and not listed
                found.append((diagnosis, made_here or diagnosis.source.resource in named))
        return found

    def _denied(self, found: Iterable[tuple[Diagnosis, bool]]) -> dict[str, Diagnosis]:
        """Codes of refuted conditions that no other condition of the day states."""
        stated = set(chain.from_iterable(diagnosis.icd10 for diagnosis, _ in found))
        return {code: one for code, one in self._refuted.items() if code not in stated}

    def _stated(self, reason: Diagnosis, denied: Container[str]) -> Iterator[Diagnosis]:
        """What a reason states that is not denied; the same object for the same."""
        left = tuple([code for code in reason.icd10 if code not in denied])
        if left == reason.icd10:
            yield reason
        elif left:
            yield self._reasons.setdefault((id(reason), left), structs.replace(reason, icd10=left))

    def _named(self, administration: Administration, encounter: Encounter | None) -> set[str]:
        """Diagnoses that the dose, its encounter or its orders give as their reason."""
        named = {*administration.reason_references, *(encounter.diagnoses if encounter else ())}
        for order in self.record.orders:
            if order.source.resource in administration.orders:
                named.update(order.reason_references)
        return named


def _here(
    administration: Administration, encounter: Encounter | None, record: PatientRecord
) -> str | None:
    """The dose's encounter, also where it is not on record; one on record that is not of its day
    gives no diagnoses."""
    if encounter:
        return encounter.source.resource
    return None if record.encounter(administration.encounter) else administration.encounter


def _standing(
    found: Sequence[tuple[Diagnosis, bool]], open_: Iterable[Diagnosis], billable: frozenset[str]
) -> Standing:
    stated: list[Stated] = []
    for diagnosis, here in found:
        stated += [Stated(code, diagnosis, here, code in billable) for code in diagnosis.icd10]
    return Standing(tuple(stated), doubts(open_, stated))


def doubts(open_: Iterable[Diagnosis], stated: Iterable[Stated] = ()) -> tuple[Stated, ...]:
    """The codes of diagnoses with a status that is not understood that no other one states."""
    known = {diagnosis.code for diagnosis in stated}
    said = chain.from_iterable(map(coded, open_))
    return tuple(diagnosis for diagnosis in said if diagnosis.code not in known)
