"""What a population adds up to, in cells that can be added part by part.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import chain

from msgspec import Struct, field

from integration.bulk.summing.completion import days_to_complete
from integration.bulk.summing.remittances import (
    Answers,
    RefusedMoney,
    Remitted,
    answered,
    foreseen,
)
from mappings import codes
from mappings.assessment import CHARGES, ClaimLine, PatientAssessment
from mappings.record import PatientRecord

SPANS = ((7, "within a week"), (30, "within a month"), (90, "within a quarter"))
PASSED, LATER, WAITING_LONG = "passed", "later", "more than a quarter ago"
UNKNOWN = "not known"


class Cell(Struct):
    """Lines, those of them without a known price, and the money of the others in dollars."""

    lines: int = 0
    unpriced: int = 0
    money: Decimal = Decimal(0)

    def add(self, other: "Cell") -> None:
        self.lines += other.lines
        self.unpriced += other.unpriced
        self.money += other.money


# What lines are told apart by: a state (`ready`, `held`, `bundled`, `packaged`, `not billable`), of
# held ones a cause, and by payer policy, site and month.
Table = dict[str, dict[str, Cell]]


class Sums(Struct):
    """`tables`: by what, then under which name and state. `wasted`: by code, units given, units
    discarded and mg of the containers, joined by tabs. `completed`: by payer policy, then by the
    days that a ready line's last document came after the dose. `remitted`: by payer policy and
    state, joined by a tab. `refusals`: by CARC."""

    patients: int = 0
    doses: int = 0
    states: dict[str, Cell] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    wasted: dict[str, Cell] = field(default_factory=dict)
    completed: dict[str, dict[int, int]] = field(default_factory=dict)
    remitted: dict[str, Remitted] = field(default_factory=dict)
    refusals: dict[str, RefusedMoney] = field(default_factory=dict)

    def add(
        self,
        found: PatientAssessment,
        record: PatientRecord,
        today: date,
        names: Mapping[str, str],
        answers: Answers | None = None,
    ) -> None:
        """NAMES: of places, by reference."""
        self.patients += 1
        self.doses += len(set(chain.from_iterable(line.administrations for line in found.lines)))
        places = _places(record, names)
        given = {line.id: line for line in found.lines if not line.discard_of}
        for line in found.lines:
            one = _cell(line)
            state = state_of(line)
            _put(self.states, state, one)
            for by, label in _labels(line, places, today):
                _put(self.tables.setdefault(by, {}).setdefault(label, {}), state, one)
            if line.discard_of and line.status != "not-billable":
                beside = given.get(line.discard_of)
                units = beside.units if beside else 0
                _put(self.wasted, f"{line.code}\t{units}\t{line.units}\t{_sizes(line)}", one)
        for line, days in days_to_complete(found, record):
            self._complete(_payer(line), days, 1)

        if answers:
            self._answered(found, record, answers)

    def _answered(self, found: PatientAssessment, record: PatientRecord, answers: Answers) -> None:
        for line, answer in answered(found, record, answers):
            unpaid = answer is not None and answer.is_refused
            one = Remitted(1, int(answer is not None), int(unpaid))
            if answer:
                one.paid, one.refused = answer.paid, answer.charge if unpaid else Decimal(0)
            self.remitted.setdefault(f"{_payer(line)}\t{state_of(line)}", Remitted()).add(one)
            if answer and unpaid:
                predicted = foreseen(found, line)
                for carc in answer.carcs:
                    known = RefusedMoney(1, answer.charge, int(carc in predicted))
                    self.refusals.setdefault(carc, RefusedMoney()).add(known)

    def join(self, other: "Sums") -> None:
        self.patients += other.patients
        self.doses += other.doses
        for state, cell in other.states.items():
            _put(self.states, state, cell)
        for name, cell in other.wasted.items():
            _put(self.wasted, name, cell)
        for payer, counts in other.completed.items():
            for days, count in counts.items():
                self._complete(payer, days, count)
        for name, remitted in other.remitted.items():
            self.remitted.setdefault(name, Remitted()).add(remitted)
        for carc, refusal in other.refusals.items():
            self.refusals.setdefault(carc, RefusedMoney()).add(refusal)
        for by, table in other.tables.items():
            for label, states in table.items():
                for state, cell in states.items():
                    _put(self.tables.setdefault(by, {}).setdefault(label, {}), state, cell)

    def _complete(self, payer: str, days: int, lines: int) -> None:
        counts = self.completed.setdefault(payer, {})
        counts[days] = counts.get(days, 0) + lines


def state_of(line: ClaimLine) -> str:
    """Of a line that could go, whether it is paid by itself."""
    if line.status == "not-billable":
        return "not billable"
    if line.status == "ready" and line.payment in CHARGES:
        return str(line.payment)
    return line.status


def _cell(line: ClaimLine) -> Cell:
    unpriced = line.value is None and line.payment not in CHARGES
    return Cell(1, int(unpriced and line.status != "not-billable"), Decimal(line.value or 0))


def _put(cells: dict[str, Cell], name: str, cell: Cell) -> None:
    cells.setdefault(name, Cell()).add(cell)


def _labels(line: ClaimLine, places: dict[str, str], today: date) -> Iterator[tuple[str, str]]:
    yield "payer", _payer(line)
    yield "month", (line.given_on or UNKNOWN)[:7] if line.given_on else UNKNOWN
    yield "site", next((places[name] for name in line.administrations if name in places), UNKNOWN)
    if line.status == "not-billable":
        return
    yield "deadline", deadline(line, today)
    if line.status == "held":
        yield from (("cause", reason) for reason in line.reasons)
        if line.service_date:
            yield "waiting", _waiting((today - date.fromisoformat(line.service_date)).days)


def _payer(line: ClaimLine) -> str:
    return line.policy.id if line.policy else UNKNOWN


def _sizes(line: ClaimLine) -> str:
    """mg of the containers that it names: `50, 100`; empty where it names none that is known."""
    known = codes.packages()
    named = [line.ndc.code] if line.ndc else [drug.code for drug in line.ndcs]
    sizes = {known[code].mg for code in named if code in known}
    return ", ".join(f"{size.normalize():f}" for size in sorted(sizes))


def deadline(line: ClaimLine, today: date) -> str:
    """How far the last day is on which the payer takes the claim."""
    if line.file_by is None:
        return UNKNOWN
    days = (date.fromisoformat(line.file_by) - today).days
    if days < 0:
        return PASSED
    return next((name for most, name in SPANS if days <= most), LATER)


def _waiting(days: int) -> str:
    return next((name for most, name in SPANS if days <= most), WAITING_LONG)


def _places(record: PatientRecord, names: Mapping[str, str]) -> dict[str, str]:
    """Where each dose was given, by the first location of its encounter."""
    visits = {visit.source.resource: visit for visit in record.encounters}
    found: dict[str, str] = {}
    for given in record.administrations:
        visit = visits.get(given.encounter or "")
        place = visit and next((stay.location for stay in visit.stays), visit.service_provider)
        if place:
            found[given.source.resource] = names.get(place, place)
    return found
