"""What is billed beside the iron: an ESA of the same day, or ordered with it. Said on the line; no
line of its own.

Held by tests/scenarios/services.yaml.
"""

from collections.abc import Iterator
from datetime import date

from mappings import codes
from mappings.charge.charge import Charge
from mappings.codes.tables import Esa


def beside(charge: Charge) -> Iterator[str]:
    """A note for each ESA: its code of the day, its modifiers, and the result reported with it."""
    given = charge.history.esa_on
    if charge.day is None or not given:
        return
    named: set[str] = set()
    for day in (charge.day, *_ordered_on(charge)):
        named |= given.get(day, set())
    for esa in codes.beside_iron().esas:
        if esa.name in named:
            yield _note(charge, esa, charge.day)


def _ordered_on(charge: Charge) -> Iterator[date]:
    """The days on which the orders that the dose names were written."""
    for order in charge.record.orders:
        if order.authored and order.source.resource in charge.administration.orders:
            yield order.authored.days(charge.zone)[0]


def _note(charge: Charge, esa: Esa, day: date) -> str:
    table = codes.beside_iron()
    row = esa.dialysis if charge.kidney.esrd else esa.other
    code = row.code if row.holds(day) else "a code that is not known here for the day"
    asked = row is esa.other and table.modifiers.holds(day)
    modifiers = f" with {', '.join(table.modifiers.codes)} as it applies" if asked else ""
    result = "; hemoglobin or hematocrit is reported with it" if table.result.holds(day) else ""
    return f"beside it: {esa.name} is billed as {code}{modifiers}{result}"
