"""Quantities of a drug: UCUM system and code first, then a short table of unit texts, else a
problem (R3).

Held by tests/unit/test_amounts.py.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings import codes
from mappings.reading.fhir import elements
from mappings.reading.fhir.units import bare, code_of, is_ucum, text_of
from mappings.record import Amount
from mappings.values.numbers import plain

_SAID = ("value", "unit", "system", "code", "comparator")
_MISSING = Amount(problem="missing")
_RATE = "as a rate instead of a dose"
_RATE_UNIT = re.compile(
    r"(?:/|\bper\b)\s*(?:h|hr|hrs|hour|hours|min|mins|minute|minutes|s|sec)\b", re.IGNORECASE
)


def amount(quantity: object) -> Amount:
    """A Quantity as an Amount; `problem` is "missing" where there is none, else it says what is
    wrong with it."""
    if quantity is None:
        return _MISSING
    if not isinstance(quantity, dict):
        return Amount(problem="not a Quantity (a number with a unit)")
    said = tuple(map(quantity.get, _SAID))
    try:
        # 1, 1.0 and true are equal, and say three things.
        return _remembered(said, f"{said[0]!r}")
    except TypeError:  # more than a quantity has
        return _amount(quantity)


def amount_at(quantity: object, kg: Decimal | None) -> Amount:
    """`amount`; one for each kilogram is what it comes to at KG, where that is known."""
    said = quantity if isinstance(quantity, dict) else {}
    unit, value = per_kg(said), elements.decimal(said.get("value"))
    if unit is None or value is None or kg is None or _value_problem(said):
        return amount(quantity)
    return Amount(value * kg, unit, None, f"{written(said)} × {plain(kg)} kg")


def per_kg(quantity: Mapping[str, Any]) -> str | None:
    """The mass of a dose by weight."""
    named = codes.units().per_kg
    texts = (text_of(quantity), code_of(quantity))
    return next(filter(None, (named.get(text.lower()) for text in texts)), None)


@codes.remembered
def _remembered(said: tuple[object, ...], _: str) -> Amount:
    return _amount(dict(zip(_SAID, said, strict=True)))


def _amount(quantity: Mapping[str, Any]) -> Amount:
    says = written(quantity)
    problem = _value_problem(quantity)
    if problem:
        return Amount(problem=problem, says=says)
    unit, other = unit_of(quantity), _unit_beside(quantity)
    if unit is None:
        problem = _unit_problem(quantity)
        return Amount(problem=problem, says=says, rate=problem == _RATE)
    if other and other != unit:
        said = f"{says}, and as {code_of(quantity)} by its code"
        return Amount(problem=f"as {said}", says=said, contradicted=True)
    return Amount(elements.decimal(quantity["value"]), unit, None, says)


def _value_problem(quantity: Mapping[str, Any]) -> str | None:
    value = quantity.get("value")
    if value is None:
        return "without a value"
    if isinstance(value, str):
        return "with its value written as text"
    number = elements.decimal(value)
    if number is None:
        return (
            "with a value out of any range"
            if isinstance(value, Decimal) and value.is_finite()
            else "with a value that is not a number"
        )
    if quantity.get("comparator"):
        return "with a comparator instead of an exact value"
    return None if abs(number) < Decimal("1e9") else "with a value out of any range"


def _unit_problem(quantity: Mapping[str, Any]) -> str:
    code, unit = code_of(quantity), text_of(quantity)
    if not (code or unit):
        return "without a unit"
    if _RATE_UNIT.search(unit or code):
        return _RATE
    return f'in a unit that is not read here ("{code if is_ucum(quantity) else unit or code}")'


def unit_of(quantity: Mapping[str, Any]) -> str | None:
    """mg, ug, g, mL, L or vial; None for anything else."""
    code, unit = code_of(quantity), text_of(quantity)
    if is_ucum(quantity):
        by_ucum = codes.units().ucum.get(code) or codes.units().ucum.get(bare(code))
        if by_ucum:
            return by_ucum
        # Not UCUM as it should be ("MG" would be megagrams): read only where code and text say the
        # same.
        said = _by_text(code)
        return said if said == _by_text(unit or code) else None
    return _by_text(unit or code)


def _unit_beside(quantity: Mapping[str, Any]) -> str | None:
    """What the one of text and code that does not count by itself says, where it is read: the text
    beside a UCUM code, the code of no system beside a text."""
    code, unit = code_of(quantity), text_of(quantity)
    system = elements.system(quantity.get("system"))
    if not (code and unit) or system not in ("", elements.UCUM):
        return None
    return _by_text(unit if system else code)


def _by_text(text: str) -> str | None:
    """A single letter counts as it is written: G is no gram."""
    return _named(text) or _named(bare(text))


def _named(text: str) -> str | None:
    return codes.units().texts.get(text if len(text) == 1 else text.lower())


def written(quantity: Mapping[str, Any]) -> str:
    """The quantity as a person wrote it, for the chain: "200 mg"."""
    value = quantity.get("value")
    unit = text_of(quantity) or code_of(quantity)
    number = elements.decimal(value)
    return f"{plain(number) if number is not None else ''} {unit}".strip()
