"""The order or plan behind a dose.

Held by tests/scenarios/orders_notes.yaml.
"""

from collections.abc import Iterable
from datetime import timedelta

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.charge.charge import Charge
from mappings.dose.ordered import covers
from mappings.record import Order
from mappings.requirements import quoting
from mappings.requirements.result import Result
from mappings.values.us_dates import us_date


def treatment_plan(charge: Charge) -> Result | None:
    """An order or plan of this drug with dose and frequency that covers the day."""
    rule = charge.rules.treatment_plan
    if not charge.applies(rule):
        return None
    ours = [order for order in charge.orders if order.counts]
    covering = [order for order in ours if _covers(order, charge)]
    complete = [order for order in covering if order.dose.problem is None and order.has_timing]
    if complete:
        return Result(
            state="met",
            says="An order with dose and frequency covers the date.",
            evidence=_orders(complete, charge),
            rule=rule,
        )
    if covering:
        without_dose = "a dose" if covering[0].has_timing else "dose and frequency"
        lacking = without_dose if covering[0].dose.problem else "a frequency"
        says = (
            f"The order does not give {lacking} in structured"
            f" fields{' (free text only)' if covering[0].free_text else ''}."
        )
        return Result(
            state="incomplete", says=says, evidence=_orders(covering[:1], charge), rule=rule
        )
    late = _given_late(ours, charge)
    if late and late.end:
        says = (
            f"The order for a single dose was for {late.end.span(charge.zone).shown}; the dose that"
            f" names it was given within {codes.windows().days('single-order')} days after."
        )
        return Result(state="met", says=says, evidence=_orders([late], charge), rule=rule)
    doubtful = [order for order in charge.orders if order.unread and _covers(order, charge)]
    if doubtful:
        doubt = doubtful[0].unread
        what = "an element" if doubt and doubt.element.endswith("doNotPerform") else "a status"
        says = f"The order is recorded with {what} that is not understood: {doubt}."
        cited = _orders(doubtful, charge)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    undated = [order for order in ours if order.unread_date]
    if undated:
        says = f"The order has a date that can't be read: {undated[0].unread_date}."
        cited = _orders(undated, charge)
        return Result(state="incomplete", says=says, evidence=cited, rule=rule)
    if any(
        order.end and charge.day and order.end.days(charge.zone)[1] < charge.day for order in ours
    ):
        return Result(
            state="expired",
            says=f"The order ended before {us_date(charge.day)}.",
            evidence=_orders(ours[:1], charge),
            rule=rule,
        )
    void = next((order for order in charge.orders if order.void and _is_named(order, charge)), None)
    why = f" (the one that the dose names is {void.void})" if void else ""
    return Result(
        state="missing",
        says=f"No order or plan for this iron covers {us_date(charge.day)}{why}.",
        evidence=_orders([void] if void else (), charge),
        rule=rule,
    )


def _orders(orders: Iterable[Order], charge: Charge) -> tuple[Evidence, ...]:
    return tuple(cite(order.source, quoting.order(order, charge.zone)) for order in orders)


def _given_late(orders: Iterable[Order], charge: Charge) -> Order | None:
    """A complete order for one dose that the administration names, and that was given soon after
    its own day (R10)."""
    if charge.day is None:
        return None
    for order in orders:
        whole = order.once and order.dose.problem is None and order.end is not None
        if whole and _is_named(order, charge) and order.end:
            last = order.end.days(charge.zone)[1]
            latest = last + timedelta(days=codes.windows().days("single-order"))
            if last < charge.day <= latest:
                return order
    return None


def _is_named(order: Order, charge: Charge) -> bool:
    return order.source.resource in charge.administration.orders


def _covers(order: Order, charge: Charge) -> bool:
    named = charge.administration.orders
    return charge.day is not None and covers(order, named, charge.day, charge.zone)
