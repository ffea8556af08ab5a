"""What doses and lines of one patient mean for each other: copies, units and doses before.

Held by tests/scenarios/lines.yaml.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain
from operator import attrgetter

from msgspec import Struct, structs

from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.record import Source
from mappings.values.numbers import plain
from mappings.values.remembered import kept
from mappings.values.us_dates import us_date


class GivenBefore(Struct, frozen=True, dict=True):
    """A known dose, and the administration that says so."""

    day: date
    mg: Decimal
    source: Source

    @kept
    def place(self) -> tuple[str, str]:
        """Among the doses, in the order of their days."""
        return str(self.day), self.source.resource

    @kept
    def cited(self) -> Evidence:
        return cite(self.source, f"{plain(self.mg)} mg on {us_date(self.day)}")


_in_time = attrgetter("place")


def ranked(charges: Sequence[Charge]) -> list[Charge]:
    """The charges, with their possible duplicates in the order in which they stand for all: first
    one that has a line and may be billed, so that the others never hide it."""
    places = {
        charge.reference: (not charge.has_line, bool(charge.not_billable), charge.reference)
        for charge in charges
    }
    return [
        _in_order(charge, places) if charge.possible_duplicates else charge for charge in charges
    ]


def _in_order(charge: Charge, places: dict[str, tuple[bool, bool, str]]) -> Charge:
    ordered = tuple(sorted(charge.possible_duplicates, key=places.__getitem__))
    return structs.replace(charge, possible_duplicates=ordered)


class PatientLines(Struct, frozen=True, eq=False, dict=True):
    """All lines of a patient, as they are looked up by day, code and family."""

    groups: tuple[Group, ...]

    @kept
    def billed(self) -> dict[str, list[Group]]:
        """By code, in the order of their days: lines that may be billed."""
        found: dict[str, list[Group]] = {}
        for group in sorted(self.groups, key=_place):
            if group.first.code and group.first.day and not group.first.not_billable:
                found.setdefault(group.first.code.code, []).append(group)
        return found

    @kept
    def units_of_days(self) -> dict[tuple[str, date | None], int]:
        found: dict[tuple[str, date | None], int] = {}
        for code, groups in self.billed.items():
            for group in groups:
                key = (code, group.first.day)
                found[key] = found.get(key, 0) + group.all_units
        return found

    @kept
    def given(self) -> dict[str, tuple[list[tuple[str, str]], list[GivenBefore]]]:
        """By family: known doses in the order of their days, behind their places in it."""
        found: dict[str, list[GivenBefore]] = {}
        for charge in chain.from_iterable(group.counted for group in self.groups):
            if charge.family and charge.day and charge.dose.mg is not None:
                dose = GivenBefore(charge.day, charge.dose.mg, charge.administration.source)
                found.setdefault(charge.family.family, []).append(dose)
        for doses in found.values():
            doses.sort(key=_in_time)
        return {family: (list(map(_in_time, doses)), doses) for family, doses in found.items()}

    @kept
    def irons_of_days(self) -> dict[date, dict[str, Charge]]:
        """By day and family: the first dose."""
        found: dict[date, dict[str, Charge]] = {}
        for group in self.groups:
            for charge in group.charges:
                if charge.family and charge.day:
                    found.setdefault(charge.day, {}).setdefault(charge.family.family, charge)
        return found


class Neighbors(Struct, frozen=True, eq=False, dict=True):
    """What the other doses and lines of the patient mean for one charge."""

    charge: Charge
    group: Group
    lines: PatientLines

    @property
    def units_of_day(self) -> int:
        """Units of the code on the day, JW units included."""
        code = self.charge.code.code if self.charge.code else ""
        return self.lines.units_of_days.get((code, self.charge.day), 0)

    @kept
    def earlier(self) -> list[Group]:
        """The lines of this code before this one, oldest first, of one day the smallest."""
        code = self.charge.code.code if self.charge.code else ""
        mine = _place(self.group)
        billed = self.lines.billed.get(code, [])
        before = billed[: bisect_left(billed, mine, key=_place)]
        return sorted(before, key=lambda group: (str(group.first.day), group.all_units))

    @property
    def another_iron(self) -> Charge | None:
        """A dose of another iron on the day."""
        day, mine = self.charge.day, self.charge.family
        if day is None or mine is None:
            return None
        irons = self.lines.irons_of_days.get(day)
        if not irons or (len(irons) == 1 and mine.family in irons):
            return None
        return irons[min(name for name in irons if name != mine.family)]

    def doses_since(self, first: date) -> list[GivenBefore]:
        """Known doses of the same drug from the day `first` on, before this one."""
        charge = self.charge
        family = charge.family.family if charge.family else ""
        places, given = self.lines.given.get(family, ([], []))
        start = bisect_left(places, (str(first), ""))
        return given[start : bisect_left(places, (str(charge.day), charge.reference))]


def neighbors_of(charges: Iterable[Charge], groups: Iterable[Group]) -> dict[str, Neighbors]:
    """By administration: what the others mean for it. One without a line stands alone."""
    lines = PatientLines(tuple(groups))
    line_of: dict[str, Group] = {}
    for group in lines.groups:
        line_of |= {charge.reference: group for charge in group.charges}
    return {
        charge.reference: Neighbors(
            charge, line_of.get(charge.reference) or Group((charge,)), lines
        )
        for charge in charges
    }


def _place(group: Group) -> tuple[str, str]:
    return str(group.first.day), group.first.reference
