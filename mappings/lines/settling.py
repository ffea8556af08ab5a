"""What lines need to know of each other: waste, units of the day, units and doses before."""

from mappings.charge.charge import Charge
from mappings.lines.groups import Group, settle_waste


def rank_copies(charges: list[Charge]) -> None:
    """Of possible duplicates the first stands for all: one that has a line and may be billed, so
    that the others never hide it."""
    known = {
        row.reference: (not row.has_line, bool(row.not_billable), row.reference) for row in charges
    }
    for row in charges:
        row.possible_duplicates = tuple(sorted(row.possible_duplicates, key=known.__getitem__))


def settle(groups: list[Group]) -> None:
    """What lines need to know of each other: waste, units of the day, units and doses before."""
    for one in groups:
        settle_waste(one)
    billed = [one for one in groups if not one.first.not_billable and one.first.day]
    given = [
        (row.day, row.dose.mg, row)
        for one in groups
        for row in one.counted
        if row.day and row.dose.mg is not None
    ]
    for one in groups:
        for row in one.charges:
            row.line_units = one.units + one.discarded_units
            row.units_of_day = sum(
                other.units + other.discarded_units
                for other in billed
                if other.first.day == row.day and _same_code(other, one)
            )
            row.earlier_units = tuple(
                (other.first.day, other.first.code.code, other.units + other.discarded_units)
                for other in billed
                if other is not one
                and other.first.day
                and other.first.code
                and row.day
                and _comes_before(other, one)
            )
            row.earlier_doses = tuple(
                (day, mg, other.administration.source)
                for day, mg, other in given
                if other is not row
                and row.day
                and other.family == row.family
                and _earlier(other, row)
            )


def _same_code(one: Group, other: Group) -> bool:
    return bool(
        one.first.code and other.first.code and one.first.code.code == other.first.code.code
    )


def _comes_before(other: Group, one: Group) -> bool:
    return (str(other.first.day), other.first.reference) < (str(one.first.day), one.first.reference)


def _earlier(other: Charge, row: Charge) -> bool:
    return (str(other.day), other.reference) < (str(row.day), row.reference)
