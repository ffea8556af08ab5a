"""Values of laboratory results in the analyte's canonical unit (R10 labs): quantities, ranges,
ratios, and what is written as text.

Held by tests/unit/test_lab_values.py.
"""

from collections.abc import Callable
from decimal import Decimal

from mappings import codes
from mappings.codes.clinical import Analyte, unit_key
from mappings.reading.drugs.amounts import written
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.units import bare, code_of, is_ucum, text_of
from mappings.reading.labs import stated, texts
from mappings.values.numbers import plain

# Low and high end, whether each is open, why it can't be used, and how a person reads it.
Value = tuple[Decimal | None, Decimal | None, bool, bool, str | None, str]


def value(analyte: Analyte, part: Resource) -> Value:
    """The value of an Observation or component; for one that can't be used, why."""
    if stated.is_absent(part):
        return unusable("that is said to be absent")
    found = [
        reader(analyte, part[name])
        for name, reader in _READERS.items()
        if part.get(name) is not None
    ]
    if not found:
        return unusable("without a value that is read")
    agreed = _agreed(found)
    if analyte.above_zero and agreed[1] == 0 and agreed[4] is None:
        return unusable("of zero, which stands for none", agreed[5])
    return agreed


def _agreed(found: list[Value]) -> Value:
    """One value of several statements of it: of those that are read, which must be the same."""
    if len(found) == 1:
        return found[0]
    read = [one for one in found if one[4] is None]
    if len({one[:4] for one in read}) > 1:
        return unusable("stated twice, and differently", " and ".join(one[5] for one in read))
    return read[0] if read else found[0]


def unusable(problem: str, says: str = "") -> Value:
    return None, None, False, False, problem, says


def _quantity(analyte: Analyte, quantity: object) -> Value:
    if not isinstance(quantity, dict):
        return unusable("in a form that is not read")
    said = written(quantity)
    number = elements.decimal(quantity.get("value"))
    if number is None or number < 0:
        return unusable("without a usable value", said)
    unit = _unit(quantity)
    factor = _factor(analyte, unit, number)
    if factor is None:
        return unusable(_unit_problem(analyte, unit), said)
    if _contradicts(analyte, quantity, number, factor):
        return unusable("whose unit is said twice, and differently", _both_units(quantity, said))
    comparator = elements.text(quantity.get("comparator"))
    if quantity.get("comparator") and not comparator:
        return unusable("with a comparator that is not read", said)
    says = _converted(analyte, comparator, said.removesuffix(" 1"), number, unit, factor)
    return _bounded(number * factor, comparator, says)


def _unit(quantity: Resource) -> str:
    """The unit that counts: the UCUM code, else the unit's text, as units are compared."""
    code = code_of(quantity)
    return unit_key(bare(code if is_ucum(quantity) else text_of(quantity) or code))


def _contradicts(analyte: Analyte, quantity: Resource, number: Decimal, factor: Decimal) -> bool:
    """Whether the unit's text is read, and as another unit than the one that counts."""
    text = unit_key(bare(text_of(quantity)))
    known = text in codes.labs().unit_texts
    return bool(known and code_of(quantity)) and _factor(analyte, text, number) != factor


def _both_units(quantity: Resource, said: str) -> str:
    return f"{said} ({code_of(quantity)})"


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
        return unusable("with a comparator that is not read", says)
    return number, number, False, False, None, says


def _range(analyte: Analyte, found: object) -> Value:
    """A range with one end or two; each end is a quantity of its own."""
    found = elements.mapping(found)
    ends = {
        name: _quantity(analyte, found[name])
        for name in ("low", "high")
        if elements.mapping(found.get(name))
    }
    problem = next(
        (end[4] for end in ends.values() if end[4]), None if ends else "with an empty range"
    )
    if problem or any(end[0] != end[1] for end in ends.values()):
        return unusable(problem or "with a comparator in a range")
    low, high = (
        ends["low"][0] if "low" in ends else Decimal(0),
        ends["high"][0] if "high" in ends else None,
    )
    if low is not None and high is not None and low > high:
        return unusable("with a range that ends below its beginning")
    said = " to ".join(end[5] for end in ends.values())
    return (
        low,
        high,
        False,
        False,
        None,
        said if len(ends) > 1 else f"{'from' if 'low' in ends else 'up to'} {said}",
    )


def _ratio(analyte: Analyte, ratio: object) -> Value:
    """A part of a whole, 14:100, of what is known as a fraction too."""
    part, whole = elements.ratio(ratio)
    over, under = elements.decimal(part.get("value")), elements.decimal(whole.get("value"))
    if (
        not analyte.fractions
        or part.get("comparator")
        or whole.get("comparator")
        or _unit(part) != _unit(whole)
    ):
        return unusable("given as a ratio that is not read")
    if over is None or under is None or over < 0 or under <= 0:
        return unusable("given as a ratio that is not read")
    if over > under:
        return unusable("given as a fraction above one")
    percent = 100 * over / under
    return (
        percent,
        percent,
        False,
        False,
        None,
        f"{written(part)} : {written(whole)} = {plain(round(percent, 1))} {analyte.unit}",
    )


def _text(analyte: Analyte, text: object) -> Value:
    """A result written as text, ">45 ng/mL" or "30-50 ng/mL (L)"."""
    said = text.strip() if isinstance(text, str) else ""
    found = texts.parts(said)
    if found is None:
        return unusable("written as text that is not read", stated.cut(said))
    if found.has_comma and not analyte.thousands:
        return unusable("with a comma that may be a decimal comma", said)
    first = {"value": found.low, "unit": found.unit}
    if found.high is not None:
        return _range(analyte, {"low": first, "high": {"value": found.high, "unit": found.unit}})
    return _quantity(analyte, {**first, "comparator": found.comparator})


def _concept(analyte: Analyte, value: object) -> Value:
    """A result as the text of a concept, or as the display of its codings."""
    return _agreed([_text(analyte, text) for text in elements.concept(value).words or [""]])


def _integer(_: Analyte, value: object) -> Value:
    """Has no unit (no unit, no use)."""
    return unusable("without a unit", str(value))


_READERS: dict[str, Callable[[Analyte, object], Value]] = {
    "valueQuantity": _quantity,
    "valueRange": _range,
    "valueRatio": _ratio,
    "valueString": _text,
    "valueCodeableConcept": _concept,
    "valueInteger": _integer,
}
