"""R3: how many milligrams of iron were given, exactly or not at all."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.assessment import State
from mappings.codes.conversions import mg, ml
from mappings.dose.product import package
from mappings.record import Administration, Amount, Drug, Order
from mappings.values.numbers import exact, plain


class Dose(Struct, frozen=True):
    """`mg` that may be counted (None: none known), the state of the requirement `dose`, and how it
    was worked out."""

    mg: Decimal | None
    state: State
    says: str


def strength(drug: Drug) -> tuple[Decimal, Decimal] | None:
    """mg in so many mL of what was given: the mixture's own, else the vial's by NDC, else the
    label's one strength.

    A vial's strength says nothing of a bag that it was diluted in.
    """
    if drug.strength is not None:
        return drug.strength
    if drug.diluted or drug.family is None:
        return None
    vial = package(drug.ndcs, drug.family)
    label = codes.families()[drug.family].strength_mg_per_ml
    return (vial.mg, vial.ml) if vial else (label, Decimal(1)) if label else None


def mg_of(amount: Amount, drug: Drug, vials: Iterable[str] = ()) -> Decimal | None:
    """An amount of a drug in mg: mass, volume × strength, or vials × content where an NDC (its own,
    or of `vials`) says which vial."""
    if amount.unit == "vial":
        vial = package(drug.ndcs, drug.family) or package(vials, drug.family)
        return amount.value * vial.mg if vial and amount.value is not None else None
    volume, given = ml(amount), strength(drug)
    if volume is not None and given:
        return volume * given[0] / given[1]
    return mg(amount)


def dose(
    administration: Administration, orders: Iterable[Order], vials: Iterable[str] = ()
) -> Dose:
    """The dose of an administration. A stopped one that shows the whole ordered dose or bag is
    contradicted."""
    given = administration.dose
    if given.problem == "missing":
        return Dose(None, "missing", "No dose is recorded.")
    if given.problem:
        state: State = "contradicted" if given.contradicted else "incomplete"
        return Dose(None, state, f"The dose is recorded {given.problem}.")
    if given.value is None or given.value <= 0:
        return Dose(
            None, "incomplete", f"The dose is recorded as {given.says}: it must be more than zero."
        )
    amount = mg_of(given, administration.drug, vials)
    if amount is not None and exact(amount) == 0:
        return Dose(None, "incomplete", "The dose is recorded as less than can be measured.")
    if amount is None:
        return Dose(
            None,
            "incomplete",
            f"The dose is recorded as {given.says}, and nothing says how many mg of iron that is.",
        )
    if administration.status == "stopped" and _is_everything(administration, amount, orders):
        return Dose(
            amount,
            "contradicted",
            f"The administration was stopped, but the recorded dose of {given.says} is the whole of"
            " what was ordered or hung.",
        )
    return Dose(amount, "met", chain(given, administration.drug, amount))


def chain(given: Amount, drug: Drug, amount: Decimal) -> str:
    """The arithmetic from what was written to mg."""
    if given.unit in ("mL", "L"):
        per = strength(drug) or (Decimal(0), Decimal(1))
        return (
            f"{given.says} × {plain(round(per[0] / per[1], 6))} mg/mL = {plain(exact(amount))} mg"
        )
    if given.unit == "vial":
        return f"{given.says} = {plain(amount)} mg by NDC"
    return f"{given.says}" if given.unit == "mg" else f"{given.says} = {plain(amount)} mg"


def _is_everything(
    administration: Administration, amount: Decimal, orders: Iterable[Order]
) -> bool:
    drug = administration.drug
    if amount == drug.bag_mg:
        return True
    named = [order for order in orders if order.source.resource in administration.orders]
    ordered = named or [
        order for order in orders if order.drug.family == drug.family and order.counts
    ]
    return any(
        amount == mg_of(order.dose, order.drug if order.drug.ndcs or order.drug.strength else drug)
        for order in ordered
    )
