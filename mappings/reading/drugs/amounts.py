"""Quantities of a drug: UCUM system and code first, then a short table of unit texts, else a
problem (R3)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings import codes
from mappings.reading.fhir import elements
from mappings.record import Amount
from mappings.values.numbers import plain

_MISSING = Amount(problem="missing")


def amount(quantity: object) -> Amount:
    """A Quantity as an Amount; `problem` is "missing" where there is none, else it says what is
    wrong with it."""
    if quantity is None:
        return _MISSING
    if not isinstance(quantity, dict):
        return Amount(problem="not a Quantity (a number with a unit)")
    says = written(quantity)
    problem = _value_problem(quantity)
    if problem:
        return Amount(problem=problem, says=says)
    unit = unit_of(quantity)
    if unit is None:
        return Amount(problem=_unit_problem(quantity), says=says)
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
    return (
        "in a unit that is not read here"
        if quantity.get("unit") or quantity.get("code")
        else "without a unit"
    )


def unit_of(quantity: Mapping[str, Any]) -> str | None:
    """mg, ug, g, mL, L or vial; None for anything else."""
    table = codes.units()
    code, unit = (
        elements.text(quantity.get("code")).strip(),
        elements.text(quantity.get("unit")).strip(),
    )
    if code and elements.system(quantity.get("system")) == elements.UCUM:
        if code in table.ucum:
            return table.ucum[code]
        # Not UCUM as it should be ("MG" would be megagrams): read only where code and text say the
        # same.
        said = _by_text(code)
        return said if said == _by_text(unit or code) else None
    return _by_text(unit or code)


def _by_text(text: str) -> str | None:
    """A single letter counts as it is written: G is no gram."""
    return codes.units().texts.get(text if len(text) == 1 else text.lower())


def written(quantity: Mapping[str, Any]) -> str:
    """The quantity as a person wrote it, for the chain: "200 mg"."""
    value = quantity.get("value")
    unit = elements.text(quantity.get("unit")) or elements.text(quantity.get("code"))
    number = elements.decimal(value)
    return f"{plain(number) if number is not None else ''} {unit}".strip()
