"""Values of laboratory results in the analyte's canonical unit (R10 labs): quantities, ranges,
ratios, and what is written as text."""

import re
from decimal import Decimal

from mappings.codes.clinical import Analyte
from mappings.reading.drugs.amounts import written
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.values.numbers import plain

# Low and high end, whether each is open, why it can't be used, and how a person reads it.
Value = tuple[Decimal | None, Decimal | None, bool, bool, str | None, str]

_NUMBER = r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_TEXT = re.compile(
    rf"(?P<comparator>[<>]=?|[≤≥])?\s*(?P<low>{_NUMBER})(?![\d.,])(?:\s*(?:-|–|to)\s*(?P<high>{_NUMBER})(?![\d.,]))?"
    r"\s*(?P<unit>[^\d\s.,–-].*)?"
)
# A laboratory's mark for high or low behind the unit.
_MARK = re.compile(r"(?:\s+(?:HH?|LL?|high|low)|\s*\((?:HH?|LL?|high|low)\))$", re.IGNORECASE)
_COMPARATORS = {"≤": "<=", "≥": ">="}


def value(analyte: Analyte, part: Resource) -> Value:
    """The value of an Observation or component; for one that can't be used, why."""
    if isinstance(part.get("valueQuantity"), dict):
        return _quantity(analyte, part["valueQuantity"])
    if isinstance(part.get("valueRange"), dict):
        return _range(analyte, part["valueRange"])
    if isinstance(part.get("valueRatio"), dict):
        return _ratio(analyte, part["valueRatio"])
    if isinstance(part.get("valueString"), str):
        return _text(analyte, part["valueString"])
    return _unusable("without a value that is read")


def _unusable(problem: str, says: str = "") -> Value:
    return None, None, False, False, problem, says


def _quantity(analyte: Analyte, quantity: Resource) -> Value:
    said = written(quantity)
    number = elements.decimal(quantity.get("value"))
    if number is None or number < 0:
        return _unusable("without a usable value", said)
    unit = _unit(quantity)
    factor = _factor(analyte, unit, number)
    if factor is None:
        return _unusable(_unit_problem(analyte, unit), said)
    comparator = elements.text(quantity.get("comparator"))
    says = _converted(analyte, comparator, said.removesuffix(" 1"), number, unit, factor)
    return _bounded(number * factor, comparator, says)


def _unit(quantity: Resource) -> str:
    """The unit that counts: the UCUM code, else the unit's text. Small letters; units are compared
    without case."""
    code, unit = (
        elements.text(quantity.get("code")).strip(),
        elements.text(quantity.get("unit")).strip(),
    )
    said = (
        code if code and elements.system(quantity.get("system")) == elements.UCUM else unit or code
    )
    return said.lower()


def _factor(analyte: Analyte, unit: str, number: Decimal) -> Decimal | None:
    """What turns the value into the canonical unit; None where the unit is not one of the
    analyte's."""
    if unit in analyte.fractions:
        return Decimal(100) if number <= 1 else None
    return analyte.factors.get(unit)


def _unit_problem(analyte: Analyte, unit: str) -> str:
    if unit in analyte.fractions:
        return "given as a fraction above one"
    return "in a unit that is not used for it" if unit else "without a unit"


def _converted(
    analyte: Analyte, comparator: str, said: str, number: Decimal, unit: str, factor: Decimal
) -> str:
    """The value as it was written and, where that is another unit, the arithmetic."""
    if factor == 1:
        return f"{comparator}{said}"
    doubt = " (factor not verified)" if unit in analyte.doubtful else ""
    return (
        f"{comparator}{said} × {plain(factor)} = {comparator}{plain(number * factor)}"
        f" {analyte.unit}{doubt}"
    )


def _bounded(number: Decimal, comparator: str, says: str) -> Value:
    if comparator in ("<", "<="):
        return Decimal(0), number, False, comparator == "<", None, says
    if comparator in (">", ">="):
        return number, None, comparator == ">", False, None, says
    if comparator:
        return _unusable("with a comparator that is not read", says)
    return number, number, False, False, None, says


def _range(analyte: Analyte, found: Resource) -> Value:
    """A range with one end or two; each end is a quantity of its own."""
    ends = {
        name: _quantity(analyte, found[name])
        for name in ("low", "high")
        if elements.mapping(found.get(name))
    }
    problem = next(
        (end[4] for end in ends.values() if end[4]), None if ends else "with an empty range"
    )
    if problem or any(end[0] != end[1] for end in ends.values()):
        return _unusable(problem or "with a comparator in a range")
    low, high = (
        ends["low"][0] if "low" in ends else Decimal(0),
        ends["high"][0] if "high" in ends else None,
    )
    if low is not None and high is not None and low > high:
        return _unusable("with a range that ends below its beginning")
    said = " to ".join(end[5] for end in ends.values())
    return (
        low,
        high,
        False,
        False,
        None,
        said if len(ends) > 1 else f"{'from' if 'low' in ends else 'up to'} {said}",
    )


def _ratio(analyte: Analyte, ratio: Resource) -> Value:
    """A part of a whole, 14:100, of what is known as a fraction too."""
    part, whole = (
        elements.mapping(ratio.get("numerator")),
        elements.mapping(ratio.get("denominator")),
    )
    over, under = elements.decimal(part.get("value")), elements.decimal(whole.get("value"))
    if (
        not analyte.fractions
        or part.get("comparator")
        or whole.get("comparator")
        or _unit(part) != _unit(whole)
    ):
        return _unusable("given as a ratio that is not read")
    if over is None or under is None or over < 0 or under <= 0:
        return _unusable("given as a ratio that is not read")
    if over > under:
        return _unusable("given as a fraction above one")
    percent = 100 * over / under
    return (
        percent,
        percent,
        False,
        False,
        None,
        f"{written(part)} : {written(whole)} = {plain(round(percent, 1))} {analyte.unit}",
    )


def _text(analyte: Analyte, text: str) -> Value:
    """A result written as text, ">45 ng/mL" or "30-50 ng/mL (L)": comparator, number or range,
    unit, mark; nothing else."""
    found = _TEXT.fullmatch(_MARK.sub("", text.strip()))
    if not found or (found["comparator"] and found["high"]):
        return _unusable("written as text that is not read")
    low, high, unit = found["low"], found["high"], found["unit"] or ""
    if "," in f"{low}{high}" and not analyte.thousands:
        return _unusable("with a comma that may be a decimal comma")
    first = {"value": _number(low), "unit": unit}
    if high:
        return _range(analyte, {"low": first, "high": {"value": _number(high), "unit": unit}})
    comparator = _COMPARATORS.get(found["comparator"], found["comparator"])
    return _quantity(analyte, {**first, "comparator": comparator})


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
