"""What orders ask: of which dose they are, how much, and how often on a day (R1, R3).

Held by tests/scenarios/repeats.yaml.
"""

from collections.abc import Iterable
from datetime import date, tzinfo
from decimal import Decimal

from mappings.codes.conversions import mg
from mappings.dose.strength import mg_of
from mappings.record import Administration, Drug, Order


def orders_of(administration: Administration, orders: Iterable[Order]) -> list[Order]:
    """The orders that an administration names, where they are of its drug; else every order of
    it."""
    ours = [order for order in orders if order.drug.family == administration.drug.family]
    named = [order for order in ours if order.source.resource in administration.orders]
    return named or [order for order in ours if order.counts]


def mg_in_words(administration: Administration, orders: Iterable[Order]) -> set[Decimal]:
    """The doses in mg that the orders named by an administration say as a mass."""
    named = [order for order in orders if order.source.resource in administration.orders]
    return {found for found in (mg(order.dose) for order in named) if found is not None}


def mg_asked(order: Order, drug: Drug) -> Decimal | None:
    """One dose of an order; its vials are those of the drug given, where it does not say."""
    own = order.drug if order.drug.ndcs or order.drug.strength else drug
    return mg_of(order.dose, own)


def mg_a_day(order: Order, drug: Drug) -> Decimal | None:
    """What an order asks on a day of treatment; None where its dose or frequency is not read."""
    dose = mg_asked(order, drug)
    if dose is None or order.doses_a_day is None:
        return None
    return dose * order.doses_a_day


def covers(order: Order, named: Iterable[str], day: date, zone: tzinfo | None) -> bool:
    """Whether an order runs on a day; without any date, only where it is among those `named`."""
    if order.unread_date:
        return False
    if order.end and order.end.days(zone)[1] < day:
        return False
    begin = order.start or order.authored
    if begin is None:
        return order.source.resource in named
    return begin.days(zone)[1] <= day
