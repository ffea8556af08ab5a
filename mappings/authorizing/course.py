"""What is asked for: the doses of an order that are to come, or doses that were given.

Held by tests/unit/test_authorization_courses.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, tzinfo
from decimal import Decimal
from itertools import chain, groupby

from msgspec import Struct

from mappings import codes
from mappings.assessment import ClaimLine
from mappings.dose.product import contents, package
from mappings.dose.strength import mg_of
from mappings.dose.vials import least_left
from mappings.dose.waste import units
from mappings.record import Administration, Amount, Order, OrderedDoses, PatientRecord
from mappings.values.moment import may_span

# No dose of any iron; whole vials of more are not reckoned.
_MOST_MG = 10_000
_NOT_USABLE = Amount(problem="not usable")


class WantedDose(Struct, frozen=True):
    """One dose. `units`: of the code; `left`: those that the whole vials which it takes hold beyond
    it, at least. None where that is not known."""

    dose: Amount
    units: int | None = None
    left: int | None = None


class Course(Struct, frozen=True, kw_only=True):
    """What is asked for. `order`: whose doses they are; `given`: those that were given already,
    else they are to come. `wanted`: each dose, None where nobody says how many; then `next` is the
    next. `covered`: of those to come, how many an authorization on record covers already.
    `unsettled`: days of doses that may be of this order, or of another.
    `beside`: how many other orders of the drug are open. `end` None: not known."""

    order: Order | None
    given: tuple[str, ...] = ()
    wanted: tuple[WantedDose, ...] | None = None
    next: WantedDose | None = None
    covered: int = 0
    unsettled: tuple[date, ...] = ()
    beside: int = 0
    start: date | None = None
    end: date | None = None

    @property
    def doses(self) -> int | None:
        return None if self.wanted is None else len(self.wanted)

    @property
    def dose_units(self) -> int | None:
        """Of one dose, where all have the same."""
        one = {dose.units for dose in self.each}
        return one.pop() if len(one) == 1 else None

    @property
    def units(self) -> int | None:
        """Of all doses."""
        return _sum(dose.units for dose in self.wanted) if self.wanted else None

    @property
    def left(self) -> int | None:
        """Units that the vials of all doses hold beyond them, at least."""
        return _sum(dose.left for dose in self.wanted) if self.wanted else None

    @property
    def each(self) -> tuple[WantedDose, ...]:
        """What is known of single doses."""
        return self.wanted or ((self.next,) if self.next else ())


def _sum(amounts: Iterable[int | None]) -> int | None:
    listed = list(amounts)
    return None if None in listed else sum(filter(None, listed))


class DosesBefore(Struct, frozen=True):
    """Doses of an order that were given: how many, and the days of those that name no order and may
    be another's."""

    count: int
    unsettled: tuple[date, ...] = ()


def given_before(order: Order, record: PatientRecord, zone: tzinfo | None) -> DosesBefore:
    """Doses that name ORDER, or an order that is based on it; also those of its drug that name
    none, where no other order covers their day. Records of one day are no more doses than the order
    asks on a day."""
    own = {order.source.resource, *(one.source.resource for one in parts_of(order, record))}
    days: list[date | None] = []
    unsettled: set[date] = set()
    for one in record.administrations:
        if not one.was_given:
            continue
        day = one.start.day(zone) if one.start else None
        if own.intersection(one.orders):
            days.append(day)
        elif day and not one.orders and _may_be_of(one, order, day, zone):
            rivals = [other for other in record.orders if other.source.resource not in own]
            if any(_may_be_of(one, other, day, zone) for other in rivals if not other.void):
                unsettled.add(day)
            else:
                days.append(day)
    by_day = Counter(filter(None, days))
    most = order.doses_a_day or 1
    count = days.count(None) + sum(min(records, most) for records in by_day.values())
    return DosesBefore(count, tuple(sorted(unsettled)))


def parts_of(order: Order, record: PatientRecord) -> list[Order]:
    """The orders that are based on it."""
    return [one for one in record.orders if order.source.resource in one.terms.part_of]


def _may_be_of(dose: Administration, order: Order, day: date, zone: tzinfo | None) -> bool:
    begins = order.start or order.authored
    if dose.drug.family != order.drug.family or begins is None or order.unread_date:
        return False
    return may_span(begins, order.end, (day, day), zone)


def to_come(order: Order, in_all: int | None, given: int) -> list[Amount] | None:
    """The amount of each dose that is left of ORDER; None where nobody says how many. IN_ALL: how
    many there are, where that is not what the order says."""
    listed = order.terms.dosing
    if len({one.dose for one in listed}) <= 1:
        stated = listed[0].doses if len(listed) == 1 else order.terms.doses
        many = stated if in_all is None else in_all
        return None if many is None else [next_dose(order, given)] * max(many - given, 0)
    counted = _filled(listed, in_all)
    if counted is None or (in_all is not None and len(counted) != in_all):
        return None
    return counted[given:]


def next_dose(order: Order, given: int) -> Amount:
    """The amount of the dose that follows so many, as far as the instructions say how many each of
    them asks; else that of the first."""
    listed = order.terms.dosing
    for one in listed[:-1]:
        if one.doses is None:
            return listed[0].dose
        if given < one.doses:
            return one.dose
        given -= one.doses
    return listed[-1].dose if listed else order.dose


def _filled(listed: Sequence[OrderedDoses], in_all: int | None) -> list[Amount] | None:
    """Every dose; a last instruction without a count takes what is left of all."""
    *before, last = listed
    known = [one.doses for one in before]
    if None in known:
        return None
    rest = last.doses
    if rest is None and in_all is not None:
        rest = max(in_all - sum(filter(None, known)), 0)
    if rest is None:
        return None
    every = [[one.dose] * (one.doses or 0) for one in before] + [[last.dose] * rest]
    return list(chain.from_iterable(every))


def in_units(
    amounts: Sequence[Amount], order: Order, code: str, own: int | None
) -> list[WantedDose]:
    """Doses of an order in units of CODE. OWN: those that the rules make of the first; None: that
    can't be used, and how much it is meant to be is not known."""
    first = WantedDose(amounts[0], own) if own else WantedDose(_NOT_USABLE)
    made = {amounts[0]: _whole_vials(first, order, code)}
    for amount in amounts:
        if amount not in made:
            made[amount] = _whole_vials(WantedDose(amount), order, code)
    return [made[amount] for amount in amounts]


def _whole_vials(dose: WantedDose, order: Order, code: str) -> WantedDose:
    mg_per_unit, amount = codes.in_force().billing_codes[code][1], dose.dose
    mg = None if amount.problem else mg_of(amount, order.drug)
    if mg is None or not 0 < mg <= _MOST_MG:
        return dose
    mine = dose.units or units(mg, mg_per_unit)
    left = _left(mg, order)
    whole = None if left is None else units(mg + left, mg_per_unit, "down")
    return WantedDose(amount, mine, None if whole is None else max(whole - mine, 0))


def _left(mg: Decimal, order: Order) -> Decimal | None:
    vial = package(order.drug.ndcs, order.drug.family)
    sizes = {vial.mg} if vial else contents(order.drug.family)
    return least_left(mg, sizes) if sizes else None


def given_course(
    lines: Sequence[ClaimLine], doses: tuple[str, ...], days: Sequence[date], record: PatientRecord
) -> Course:
    """Of doses that were given, what was documented as discarded included."""
    of_pairs: dict[str, int] = {}
    named: dict[str, set[str]] = {}
    for line in lines:
        of_pairs[line.pair] = of_pairs.get(line.pair, 0) + line.units
        named.setdefault(line.pair, set()).update(line.administrations)
    amounts = {one.source.resource: one.dose for one in record.administrations}
    each = (
        WantedDose(_only(amounts.get(name) for name in named[pair]), many)
        for pair, many in of_pairs.items()
    )
    return Course(
        order=_order_of(doses, record),
        given=doses,
        wanted=tuple(each),
        start=min(days, default=None),
        end=max(days, default=None),
    )


def _only(amounts: Iterable[Amount | None]) -> Amount:
    """The amount of a dose that is one record; of several none says it."""
    listed = list(amounts)
    return (listed[0] if len(listed) == 1 else None) or Amount(problem="missing")


def _order_of(doses: Iterable[str], record: PatientRecord) -> Order | None:
    """The one order of all of them."""
    asked = set(doses)
    given = [one for one in record.administrations if one.source.resource in asked]
    named = set(chain.from_iterable(one.orders for one in given))
    found = [order for order in record.orders if order.source.resource in named]
    return found[0] if len(found) == 1 else None


def runs(doses: Iterable[WantedDose]) -> Iterator[tuple[int, Amount]]:
    """Equal doses behind each other, together."""
    for amount, equal in groupby(doses, key=lambda one: one.dose):
        yield len(list(equal)), amount
