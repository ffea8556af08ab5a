"""R3: mg of an amount of a drug, by its own strength or that of the vial.

Held by tests/unit/test_amounts.py.
"""

from collections.abc import Iterable
from decimal import Decimal

from mappings import codes
from mappings.codes.conversions import mg, ml
from mappings.dose.product import package
from mappings.record import Amount, Drug
from mappings.values.numbers import exact, plain

Strength = tuple[Decimal, Decimal]


def strength(drug: Drug) -> Strength | None:
    """mg in so many mL of what was given: the mixture's own, else the vial's where nothing speaks
    of a mixture.

    A vial's strength says nothing of a bag that it was diluted in.
    """
    if drug.strength is not None and not (drug.diluted and is_of_the_vial(drug)):
        return drug.strength
    return None if drug.diluted else of_the_vial(drug)


def of_the_vial(drug: Drug) -> Strength | None:
    """The vial's strength by NDC, else the label's one strength."""
    if drug.family is None:
        return None
    vial = package(drug.ndcs, drug.family)
    label = codes.families()[drug.family].strength_mg_per_ml
    if vial:
        return vial.mg, vial.ml
    return (label, Decimal(1)) if label else None


def is_of_the_vial(drug: Drug) -> bool:
    """Whether the strength that counts is the vial's: none of its own is recorded, or the same."""
    label = of_the_vial(drug)
    if drug.strength is None or label is None:
        return drug.strength is None
    return drug.strength[0] * label[1] == label[0] * drug.strength[1]


def mg_of(amount: Amount, drug: Drug, vials: Iterable[str] = ()) -> Decimal | None:
    """An amount of a drug in mg: mass, volume × strength, or vials × content where an NDC (its own,
    or of `vials`) says which vial."""
    if amount.unit == "vial":
        vial = package(drug.ndcs, drug.family) or package(vials, drug.family)
        return amount.value * vial.mg if vial and amount.value is not None else None
    volume = ml(amount)
    given = None if volume is None else strength(drug)
    return volume * given[0] / given[1] if volume is not None and given else mg(amount)


def largest_label_ml(drug: Drug) -> Decimal | None:
    """The largest dose of the label, in mL of the vial."""
    doses = [label.single_mg for label in codes.dosing() if label.family == drug.family]
    vial = of_the_vial(drug)
    return max(doses) * vial[1] / vial[0] if doses and vial else None


def chain(given: Amount, per: Strength | None, amount: Decimal) -> str:
    """The arithmetic from what was written to mg."""
    if given.unit in ("mL", "L") and per:
        return (
            f"{given.says} × {plain(round(per[0] / per[1], 6))} mg/mL = {plain(exact(amount))} mg"
        )
    if given.unit == "vial":
        return f"{given.says} = {plain(amount)} mg by NDC"
    return f"{given.says}" if given.unit == "mg" else f"{given.says} = {plain(amount)} mg"
