"""What people had decided of a site by a day, asked by what it is about.

Held by tests/unit/test_decisions.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal

from mappings.decisions import Authorized, Decision, NoteMisread, PayerAnswer, SiteRow
from mappings.record import Authorization, Decided, Insurer
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.remembered import kept

PayerDecision = tuple[Decision, PayerAnswer]
MisreadNote = tuple[Decision, NoteMisread]


class Decisions:
    """The decisions of a site that were made by a day, newest first."""

    def __init__(self, every: Iterable[Decision] = (), made_by: date | None = None) -> None:
        known = [decision for decision in every if made_by is None or decision.when <= made_by]
        last_written_first = list(reversed(known))
        self._newest = sorted(last_written_first, key=lambda decision: decision.when, reverse=True)
        self.any = bool(known)

    @kept
    def _settled(self) -> dict[str, Decision]:
        """Of each thing that is settled the newest, the newest of all first."""
        found: dict[str, Decision] = {}
        for decision in self._newest:
            found.setdefault(decision.about, decision)
        return found

    @kept
    def _by_patient(self) -> dict[str | None, list[Decision]]:
        found: dict[str | None, list[Decision]] = {}
        for decision in self:
            found.setdefault(decision.patient, []).append(decision)
        return found

    def __iter__(self) -> Iterator[Decision]:
        """Of each thing that is settled the newest."""
        return iter(self._settled.values())

    @kept
    def of_payers(self) -> bool:
        """Whether any is a payer's answer."""
        return any(decision.payer_answer for decision in self)

    def _holding(self, day: date, patient: str | None = None) -> list[Decision]:
        if not self.any:
            return []
        every = self._by_patient.get(patient.removeprefix("Patient/") if patient else None, ())
        return [one for one in every if one.holds_on(day)]

    def pays_first(self, patient: str, day: date) -> Decision | None:
        for decision in self._holding(day, patient):
            if decision.pays_first:
                return decision
        return None

    def why_second(self, patient: str, day: date) -> str | None:
        """The code of why Medicare pays second for a patient."""
        found = (decision.medicare_secondary for decision in self._holding(day, patient))
        return next((reason.why for reason in found if reason), None)

    def answers(self, payer: Iterable[str], code: str, day: date) -> Iterator[PayerDecision]:
        """Those of a payer, known by these names and ids, that are for the code; an answer for the
        code before one for any."""
        named = set(payer)
        found = [
            (decision, decision.payer_answer)
            for decision in self._holding(day)
            if decision.payer_answer and decision.payer_answer.code in (code, None)
        ]
        of_payer = [
            (decision, answer)
            for decision, answer in found
            if answer.payer in named or words.plain(answer.payer) in named
        ]
        yield from sorted(of_payer, key=lambda pair: pair[1].code is None)

    def authorizations(self, patient: str, day: date) -> list[Authorization]:
        return [
            _authorization(decision, decision.authorization)
            for decision in self._holding(day, patient)
            if decision.authorization
        ]

    def dose_given(
        self, patient: str, administration: str, mg: Decimal, day: date
    ) -> Decided | None:
        """That the administration (`Type/id`) was given with so many mg."""
        return next(
            (
                decision.decided
                for decision in self._holding(day, patient)
                if decision.dose_given
                and (decision.dose_given.reference, decision.dose_given.mg) == (administration, mg)
            ),
            None,
        )

    @kept
    def misread_notes(self) -> dict[str, dict[str, list[MisreadNote]]]:
        """Those that words were misread, by patient (`Patient/id`) and administration."""
        found: dict[str, dict[str, list[MisreadNote]]] = {}
        for decision in self:
            part = decision.note_misread
            if part:
                of_patient = found.setdefault(f"Patient/{decision.patient}", {})
                of_patient.setdefault(part.reference, []).append((decision, part))
        return found

    def rows(self, day: date) -> Mapping[str, list[tuple[SiteRow, Decided]]]:
        """The rows of the site's tables, by table."""
        found: dict[str, list[tuple[SiteRow, Decided]]] = {}
        for decision in self._holding(day):
            if decision.site_row:
                found.setdefault(decision.site_row.table, []).append(
                    (decision.site_row, decision.decided)
                )
        return found


def _authorization(decision: Decision, given: Authorized) -> Authorization:
    return Authorization(
        source=decision.decided.source,
        reference=given.number,
        decision="approved",
        codes=given.codes,
        units=given.units,
        start=Moment(given.start, given.start) if given.start else None,
        end=Moment(given.end, given.end) if given.end else None,
        coverages=(given.coverage,) if given.coverage else (),
        insurer=Insurer(names=(given.payer,), ids=(given.payer,)) if given.payer else None,
        says=decision.decided.says,
    )
