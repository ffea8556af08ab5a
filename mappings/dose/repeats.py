"""R1: one infusion in several records: its steps, and what may be one dose recorded more than
once.

Held by tests/scenarios/repeats.yaml.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import chain, combinations

from msgspec import Struct, structs

from mappings.dose.day import service_day
from mappings.dose.doses import Doses
from mappings.dose.ordered import covers, mg_a_day
from mappings.record import Administration, PatientRecord
from mappings.values.numbers import exact, plain
from mappings.values.pairs import Told
from mappings.values.remembered import kept

_CLOSE = timedelta(hours=12)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_ZERO = Decimal(0)
_ONCE = "It is counted once until one record is corrected."

# mg, or the amount as recorded where nothing says how many mg it is.
Amounted = Decimal | tuple[Decimal | None, str | None]


class Repeated(Struct, frozen=True):
    """Why records may be one dose, and which."""

    says: str
    records: tuple[str, ...]


class Repeats(Struct, frozen=True):
    """`copies`: record → those of its encounter that look like the same dose. `repeated`: record →
    why it is in doubt."""

    administrations: tuple[Administration, ...]
    copies: dict[str, tuple[str, ...]]
    repeated: dict[str, Repeated]


class _Entry(Struct, frozen=True, eq=False, dict=True):
    administration: Administration
    doses: Doses
    day: date | None
    start: datetime | None
    end: datetime | None

    @kept
    def mg(self) -> Decimal | None:
        return self.doses.on(self.administration, self.day).mg

    @property
    def reference(self) -> str:
        return self.administration.source.resource

    @property
    def amounted(self) -> Amounted:
        return (
            (self.administration.dose.value, self.administration.dose.unit)
            if self.mg is None
            else self.mg
        )

    @property
    def doseless(self) -> bool:
        """A rate, zero, or nothing."""
        given = self.administration.dose
        return given.problem == "missing" or given.rate or given.value == 0

    @property
    def dosed(self) -> bool:
        return self.administration.dose.problem is None and not self.doseless

    def touches(self, other: "_Entry") -> bool:
        """Whether one lies within the other's period, or starts as it ends."""
        if not (self.start and self.end and other.start and other.end):
            return False
        return self.start <= other.end and other.start <= self.end

    def follows(self, other: "_Entry") -> bool:
        """Whether it begins as the other's period ends, and lies nowhere in it."""
        return self.start == other.end and self.start != other.start

    def near(self, other: "_Entry") -> bool:
        """Of one day, or within 12 hours."""
        if self.day is not None and self.day == other.day:
            return True
        return bool(self.start and other.start and abs(self.start - other.start) <= _CLOSE)

    def may_be_of_the_order_of(self, other: "_Entry") -> bool:
        """The same drug, and not of a different order."""
        mine, theirs = set(self.administration.orders), set(other.administration.orders)
        same = self.administration.drug.family == other.administration.drug.family
        return same and not (mine and theirs and mine.isdisjoint(theirs))


def repeats(administrations: Sequence[Administration], doses: Doses) -> Repeats:
    """Steps joined to their infusions, and possible duplicates named."""
    entries = _with_company(
        [
            _entry(administration, doses)
            for administration in administrations
            if administration.drug.family
        ]
    )
    if not entries:
        return Repeats(tuple(administrations), {}, {})
    asked = _Asked(doses.record, doses.zone)
    steps = dict(_steps(entries, asked))
    dosed = [entry for entry in entries if entry.dosed]
    pairs = [*_same(dosed, asked), *_beyond(dosed, asked), *_in_two_visits(dosed), *_wasted(dosed)]
    return Repeats(tuple(_joined(administrations, steps)), _copies(dosed, pairs), _repeated(pairs))


def _entry(administration: Administration, doses: Doses) -> _Entry:
    zone = doses.zone
    day, _ = service_day(administration, zone)
    start = (
        (administration.start.at(zone) or administration.start.instant)
        if administration.start
        else None
    )
    end = (
        (administration.end.at(zone) or administration.end.instant) if administration.end else None
    )
    return _Entry(administration, doses, day, start, max(end, start) if start and end else start)


def _with_company(entries: Sequence[_Entry]) -> list[_Entry]:
    """Without those that nothing of the same day, within 12 hours or within their period stands
    beside: nothing is one dose with them."""
    days = Counter(entry.day for entry in entries if entry.day)
    near: set[int] = set()
    last, until = -1, _LONG_AGO
    for start, place in sorted((one.start, n) for n, one in enumerate(entries) if one.start):
        if start <= until:
            near |= {last, place}
        end = max(entries[place].end or start, start + _CLOSE)
        last, until = place, max(until, end)
    return [
        entry
        for place, entry in enumerate(entries)
        if place in near or (entry.day and days[entry.day] > 1)
    ]


class _Asked:
    """What orders ask on the day of a record, in mg; None where that is not read."""

    def __init__(self, record: PatientRecord, zone: tzinfo | None) -> None:
        self._orders = {order.source.resource: order for order in record.orders}
        self._zone = zone

    def by(self, order: str, entry: _Entry) -> Decimal | None:
        """One order, which a record names."""
        found = self._orders.get(order)
        if found is None or found.drug.family != entry.administration.drug.family:
            return None
        return mg_a_day(found, entry.administration.drug)

    def of_all(self, entries: Sequence[_Entry]) -> Decimal | None:
        """Every order of the drug that covers the day, and those that are named."""
        named = _orders(entries) & set(self._orders)
        first, day = entries[0], entries[0].day
        covering = {
            key
            for key, order in self._orders.items()
            if order.counts and order.drug.family == first.administration.drug.family
            if day and covers(order, named, day, self._zone)
        }
        asked = [self.by(order, first) for order in sorted(named | covering)]
        known = [mg for mg in asked if mg is not None]
        return sum(known, _ZERO) if known and len(known) == len(asked) else None

    def knows_an_order_of(self, entry: _Entry) -> bool:
        """Whether an order that a record names is there; one that is not says no more than none."""
        return not self._orders.keys().isdisjoint(entry.administration.orders)

    def of(self, entries: Sequence[_Entry]) -> Decimal | None:
        """The one order that all of them name, else all orders of the drug."""
        named = [set(entry.administration.orders) for entry in entries]
        common = set.intersection(*named)
        if len(common) == 1:
            return self.by(common.pop(), entries[0])
        return self.of_all(entries)


def _orders(entries: Iterable[_Entry]) -> set[str]:
    return set(chain.from_iterable(entry.administration.orders for entry in entries))


def _steps(entries: Sequence[_Entry], asked: _Asked) -> Iterator[tuple[str, str]]:
    """Record without a dose of its own → the infusion that it is a step of."""
    for step in (entry for entry in entries if entry.doseless):
        wholes = [one for one in entries if one.dosed and step.may_be_of_the_order_of(one)]
        whole = next((one for one in wholes if one.touches(step)), None)
        whole = whole or _whole_of_a_met_order(step, wholes, asked)
        if whole:
            yield step.reference, whole.reference


def _whole_of_a_met_order(step: _Entry, wholes: Iterable[_Entry], asked: _Asked) -> _Entry | None:
    """The last dose before a step of the same order, where the order's doses of the day are all
    recorded: nothing is left that the step could be."""
    mine = set(step.administration.orders)
    same = [one for one in wholes if mine & set(one.administration.orders) and one.near(step)]
    most = asked.of([step, *same]) if same else None
    if most is None or any(one.mg is None for one in same) or _sum(same) < exact(most):
        return None
    before = [one for one in same if one.start and step.start and one.start <= step.start]
    return max(before or same, key=lambda one: one.start or _LONG_AGO)


def _joined(
    administrations: Sequence[Administration], steps: dict[str, str]
) -> Iterator[Administration]:
    """The infusions with what their steps say of containers and waste; a step is no dose."""
    by_key = {administration.source.resource: administration for administration in administrations}
    for administration in administrations:
        parts = [
            by_key[key] for key, whole in steps.items() if whole == administration.source.resource
        ]
        if administration.source.resource not in steps:
            yield with_parts(administration, parts, named=True) if parts else administration


def with_parts(
    whole: Administration, parts: Iterable[Administration], named: bool = False
) -> Administration:
    """An administration with what its parts say of containers and waste, and what of it was set
    aside."""
    for part in parts:
        whole = structs.replace(
            whole,
            discards=whole.discards + part.discards,
            misread=whole.misread + part.misread,
            containers=whole.containers + part.containers,
            containers_problem=whole.containers_problem or part.containers_problem,
            steps=(*whole.steps, part.source.resource) if named else whole.steps,
        )
    return whole


# Records that may be one dose, and why.
_Pair = tuple[_Entry, _Entry, str]


def _same(entries: Sequence[_Entry], asked: _Asked) -> Iterator[_Pair]:
    """Equal doses at one moment, or within one another's period."""
    for one, other in _meeting(entries):
        if (
            one.administration.drug.family != other.administration.drug.family
            or one.amounted != other.amounted
        ):
            continue
        if one.start and one.start == other.start:
            says = "The same dose is recorded twice with the same product and start time."
            yield one, other, f"{says} {_ONCE}"
        elif one.touches(other) and one.may_be_of_the_order_of(other):
            if (one.follows(other) or other.follows(one)) and _is_asked([one, other], asked):
                continue
            says = "The same dose is recorded twice, one within the period of the other."
            yield one, other, f"{says} {_ONCE}"


def _meeting(entries: Sequence[_Entry]) -> list[tuple[_Entry, _Entry]]:
    """Pairs of which one starts before the other has ended, in the order of the entries."""
    timed = [
        (entry.start, entry.end or entry.start, n) for n, entry in enumerate(entries) if entry.start
    ]
    timed.sort()
    pairs = []
    for place, (_, until, one) in enumerate(timed):
        for start, _, other in timed[place + 1 :]:
            if start > until:
                break
            pairs.append((min(one, other), max(one, other)))
    return [(entries[one], entries[other]) for one, other in sorted(pairs)]


def _is_asked(entries: Sequence[_Entry], asked: _Asked) -> bool:
    most = asked.of(entries)
    return most is not None and _sum(entries) <= exact(most)


def _sum(entries: Iterable[_Entry]) -> Decimal:
    return exact(sum((entry.mg for entry in entries if entry.mg is not None), _ZERO))


def _beyond(entries: Sequence[_Entry], asked: _Asked) -> Iterator[_Pair]:
    """Records of one day, or within 12 hours, that together exceed what their order asks."""
    for family in sorted({entry.administration.drug.family or "" for entry in entries}):
        ours = [entry for entry in entries if entry.administration.drug.family == family]
        told = Told(ours)
        for order in sorted(_orders(ours)):
            of_it = [entry for entry in ours if order in entry.administration.orders]
            for close in _close(of_it):
                yield from _above(close, asked.by(order, close[0]), told)
        for close in _close(ours):
            if not all(map(asked.knows_an_order_of, close)):
                yield from _above(close, asked.of_all(close), told)


def _close(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """Those of each day, and those of each 12 hours, where they are several."""
    days: dict[date, list[_Entry]] = {}
    for entry in entries:
        if entry.day:
            days.setdefault(entry.day, []).append(entry)
    yield from (days[day] for day in sorted(days))
    timed = [(entry.start, entry) for entry in entries if entry.start]
    ordered = sorted((start, place) for place, (start, _) in enumerate(timed))
    for start, _ in timed:
        first = bisect_left(ordered, (start, -1))
        last = bisect_right(ordered, (start + _CLOSE, len(timed)))
        yield [timed[place][1] for place in sorted(place for _, place in ordered[first:last])]


def _above(entries: Sequence[_Entry], most: Decimal | None, told: Told[_Entry]) -> Iterator[_Pair]:
    total = _sum(entries)
    if len(entries) < 2 or most is None or total <= exact(most):
        return
    says = (
        f"The records of the day come to {plain(total)} mg, and the order asks"
        f" {plain(exact(most))} mg: a dose may be recorded twice."
    )
    if len({entry.amounted for entry in entries}) < len(entries):
        says = f"{says} Equal doses are counted once until that is clear."
    yield from ((one, other, says) for one, other in told.pairs(entries))


def _in_two_visits(entries: Sequence[_Entry]) -> Iterator[_Pair]:
    """Equal doses of a day in two visits, each by an order of its own: where a chart holds the
    records of two facilities, both may tell of one dose."""
    says = f"The same dose is recorded in two visits of one day. {_ONCE}"
    alike: dict[object, list[_Entry]] = {}
    for entry in entries:
        if entry.day and entry.administration.encounter:
            of_one = (entry.administration.drug.family, entry.day, entry.amounted)
            alike.setdefault(of_one, []).append(entry)
    for one, other in chain.from_iterable(combinations(found, 2) for found in alike.values()):
        is_another_visit = one.administration.encounter != other.administration.encounter
        if is_another_visit and not one.may_be_of_the_order_of(other):
            yield one, other, says


def _wasted(entries: Sequence[_Entry]) -> Iterator[_Pair]:
    """A record whose note says that its own amount was discarded, beside another dose: it may be
    the waste of that one."""
    for waste in entries:
        dose = waste.administration.dose
        noted = (one.amount for one in waste.administration.discards if one.from_note)
        if any((one.value, one.unit) == (dose.value, dose.unit) for one in noted):
            for other in entries:
                if other is not waste and other.near(waste) and other.may_be_of_the_order_of(waste):
                    says = (
                        f"A note of {waste.reference} says that as much as its own dose was"
                        " discarded: it may record the waste of the other dose."
                    )
                    yield waste, other, says


def _repeated(pairs: Sequence[_Pair]) -> dict[str, Repeated]:
    others: dict[str, set[str]] = {}
    says: dict[str, str] = {}
    for one, other, why in pairs:
        for mine, theirs in ((one, other), (other, one)):
            others.setdefault(mine.reference, {mine.reference}).add(theirs.reference)
            says.setdefault(mine.reference, why)
    return {key: Repeated(says[key], tuple(sorted(found))) for key, found in others.items()}


def _copies(entries: Sequence[_Entry], pairs: Sequence[_Pair]) -> dict[str, tuple[str, ...]]:
    """Equal doses in doubt, of one encounter as far as that is known: they are counted once."""
    group = {entry.reference: {entry.reference} for entry in entries}
    for one, other, _ in pairs:
        if one.amounted == other.amounted and _may_be_of_one_encounter(one, other):
            joint = group[one.reference]
            if other.reference not in joint:
                joint = joint | group[other.reference]
                group |= dict.fromkeys(joint, joint)
    return {key: tuple(sorted(found)) for key, found in group.items() if len(found) > 1}


def _may_be_of_one_encounter(one: _Entry, other: _Entry) -> bool:
    named = {one.administration.encounter, other.administration.encounter} - {None}
    return len(named) < 2
