"""What was thrown away, and what other vials would have left over.

Held by tests/unit/test_vials.py.
"""

from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.dose.product import contents, whole


class Wasted(Struct, frozen=True):
    """A JW line, with the units given on the line beside it; money in dollars."""

    code: str
    given_units: int
    wasted_units: int
    money: Decimal | None


class Saving(Struct, frozen=True):
    """What was thrown away, and what the smallest vials on the market would have left over. No
    money where nothing of it has a price."""

    mg: Decimal
    money: Decimal | None
    saved_mg: Decimal
    saved_money: Decimal | None


def saving(wasted: Wasted) -> Saving:
    """What of one JW line the best choice of vials would have saved."""
    found = codes.in_force().billing_codes.get(wasted.code)
    if found is None:
        return Saving(Decimal(0), wasted.money, Decimal(0), wasted.money and Decimal(0))
    family, mg_per_unit = found
    mg, given = wasted.wasted_units * mg_per_unit, wasted.given_units * mg_per_unit
    sizes = contents(family)
    saved = max(Decimal(0), mg - least_left(given, sizes)) if given and sizes else Decimal(0)
    share = saved / mg if mg else Decimal(0)
    worth = None if wasted.money is None else (wasted.money * share).quantize(Decimal("0.01"))
    return Saving(mg, wasted.money, saved, worth)


def least_left(given_mg: Decimal, sizes: set[Decimal]) -> Decimal:
    """The least that can be left over of whole vials that cover a dose."""
    reach = {Decimal(0)}
    best = min(whole(given_mg, size) for size in sizes)
    todo = [Decimal(0)]
    while todo:
        have = todo.pop()
        for size in sizes:
            total = have + size
            if total >= given_mg:
                best = min(best, total)
            elif total not in reach:
                reach.add(total)
                todo.append(total)
    return best - given_mg
