"""R3: how many milligrams of iron were given, exactly or not at all.

Held by tests/scenarios/doses.yaml.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.assessment import State
from mappings.codes.conversions import ml
from mappings.dose.ordered import mg_a_day, mg_asked, mg_in_words, orders_of
from mappings.dose.product import contents, package, whole
from mappings.dose.strength import (
    chain,
    is_of_the_vial,
    largest_label_ml,
    mg_of,
    of_the_vial,
    strength,
)
from mappings.record import Administration, Order, VialsSaid
from mappings.values.numbers import exact, plain
from mappings.values.stated import Unread, quoted_in


class Dose(Struct, frozen=True, gc=False):
    """`mg` that may be counted (None: none known), the state of the requirement `dose`, how it was
    worked out, and what a biller should know of it. `fix` replaces the requirement's own;
    `quotes`: words of the record that the state rests on."""

    mg: Decimal | None
    state: State
    says: str
    notes: tuple[str, ...] = ()
    fix: str | None = None
    quotes: tuple[Unread, ...] = ()


class _Against(Struct, frozen=True, gc=False):
    """What a record says against its dose, where, and what is to be done."""

    says: str
    fix: str
    quoted: Unread | None = None


_ONE_OF_THEM = "Correct the dose or what is written beside it: whichever is wrong."
_HOW_MUCH = "Record how many mg were given; where all of it was, correct what is written beside it."
_WAS_IT_GIVEN = (
    "Where the dose was not given, or not here, correct the administration's status (not done, or"
    " entered in error); where it was, correct what is written beside it."
)
_VIALS = (
    "Record which vials were opened and how much of them was discarded, or correct the dose or the"
    " note: whichever is wrong."
)


class _Volume(Struct, frozen=True, gc=False):
    """A volume in mg, or why it is none; `marked`: why it was read all the same."""

    mg: Decimal | None
    why: str = ""
    marked: str | None = None


def dose(
    administration: Administration, orders: Sequence[Order], vials: Iterable[str] = ()
) -> Dose:
    """The dose of an administration, and whether anything on record speaks against it."""
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
    found = _found(administration, orders, vials)
    if found.mg is None:
        return Dose(
            None,
            "incomplete",
            f"The dose is recorded as {given.says}, and nothing says how many mg of iron that is"
            f"{found.why}.",
            quotes=_quotes(quoted_in(found.why)),
        )
    if exact(found.mg) == 0:
        return Dose(None, "incomplete", "The dose is recorded as less than can be measured.")
    return _doubted(administration, found, orders)


def _doubted(administration: Administration, found: _Volume, orders: Sequence[Order]) -> Dose:
    """A known dose: contradicted by what else is recorded of it, incomplete, or met."""
    amount, given = found.mg or Decimal(0), administration.dose
    against = list(_against(administration, amount))
    if against:
        says = " ".join(one.says for one in against)
        fix = " ".join(dict.fromkeys(one.fix for one in against))
        quotes = _quotes(*(one.quoted for one in against))
        return Dose(amount, "contradicted", says, fix=fix, quotes=quotes)
    stopped = _stopped(administration)
    quotes = _quotes(quoted_in(stopped)) if stopped else ()
    if stopped:
        whole = _wholes(administration, orders)
        if amount in whole:
            return Dose(
                amount,
                "contradicted",
                f"{stopped}, but the recorded dose of {given.says} is the whole of what was"
                " ordered or hung.",
                fix=_HOW_MUCH,
                quotes=quotes,
            )
        if not whole:
            return Dose(
                amount,
                "incomplete",
                f"{stopped}, and nothing says whether the recorded dose of {given.says} is what"
                " was given or what was ordered: no order with a dose and no bag is on record.",
                fix=_HOW_MUCH,
                quotes=quotes,
            )
    drug = administration.drug
    per = None if ml(given) is None else strength(drug) or of_the_vial(drug)
    says = chain(given, per, amount)
    notes = [found.marked] if found.marked else []
    return Dose(amount, "met", says, (*notes, *_above_the_order(administration, amount, orders)))


def _found(
    administration: Administration, orders: Sequence[Order], vials: Iterable[str]
) -> _Volume:
    """The dose in mg. A volume that may be of a mixture is read at the vial's strength only where
    it comes to exactly the mg that its order names."""
    drug, volume = administration.drug, ml(administration.dose)
    amount = mg_of(administration.dose, drug, vials)
    if volume is None or not is_of_the_vial(drug):
        return _Volume(amount)
    most, vial = largest_label_ml(drug), of_the_vial(drug)
    if administration.giving.mixture:
        why = f": the record speaks of a mixture, {administration.giving.mixture}"
    elif drug.diluted:
        why = ": the medication's own record speaks of a mixture"
    elif most is not None and volume > most:
        why = f": it is more than the largest dose of the label, {plain(most)} mL of the vial"
    else:
        return _Volume(amount)
    at_vial = volume * vial[0] / vial[1] if vial else None
    if at_vial is None or exact(at_vial) not in mg_in_words(administration, orders):
        return _Volume(None, why)
    marked = (
        f"{administration.dose.says} was read at the vial's strength, because it comes to exactly"
        f" the {plain(exact(at_vial))} mg of its order, although{why.removeprefix(':')}"
    )
    return _Volume(exact(at_vial), marked=marked)


def _quotes(*found: Unread | None) -> tuple[Unread, ...]:
    return tuple(dict.fromkeys(filter(None, found)))


def _against(administration: Administration, amount: Decimal) -> Iterator[_Against]:
    """What the record itself says against the dose."""
    manner, drug = administration.giving, administration.drug
    family = codes.families()[drug.family] if drug.family else None
    if manner.refused:
        says = f"The record is {administration.status}, and says that the dose {manner.refused}."
        yield _Against(says, _WAS_IT_GIVEN, quoted_in(manner.refused))
    for route in manner.routes if family else ():
        if family and not set(route.routes) & set(family.routes):
            says = (
                f'The route is recorded as "{route.says}" (dosage.route), by which'
                f" {family.name} is not given."
            )
            yield _Against(says, "Correct the route, or the product.")
    miscounted = manner.vials and _against_vials(administration, amount, manner.vials)
    if miscounted:
        yield _Against(miscounted, _VIALS, quoted_in(miscounted))
    for mass, element, words in manner.masses:
        if mass != exact(amount):
            whose = "its text" if element == "dosage.text" else "a note"
            says = (
                f"The dose is recorded as {administration.dose.says}, and {whose} says"
                f" {plain(mass)} mg ({element})."
            )
            yield _Against(says, _ONE_OF_THEM, Unread(element, words))


def _against_vials(administration: Administration, amount: Decimal, said: VialsSaid) -> str | None:
    """A note that counts other vials than the dose takes. Of more of them, the rest may be the
    waste that is recorded; of half a one, it is the dose."""
    drug = administration.drug
    known = package(drug.ndcs, drug.family)
    each_mg = said.each_mg or (known.mg if known else None)
    sizes = {each_mg} if each_mg else contents(drug.family)
    wasted = any(discard.amount.value for discard in administration.discards)
    accounted = wasted or bool(administration.containers)
    if not sizes or any(_takes(amount, size, said, accounted) for size in sizes if size):
        return None
    return (
        f"The dose is recorded as {administration.dose.says}, and a note counts other vials than"
        f" that takes: {Unread('note', said.says)}."
    )


def _takes(amount: Decimal, size: Decimal, said: VialsSaid, accounted: bool) -> bool:
    count = said.count
    if count != count.to_integral_value():
        return amount == size * count
    fewest = whole(amount, size) / size
    if said.at_least:
        return accounted or count <= fewest
    return count >= fewest if accounted else count == fewest


def _stopped(administration: Administration) -> str | None:
    """What says that not all of the dose was given."""
    if administration.status == "stopped":
        return "The administration was stopped"
    partly = administration.giving.partly
    return f"The record says that the dose was given in part ({partly})" if partly else None


def _wholes(administration: Administration, orders: Iterable[Order]) -> set[Decimal]:
    """What the whole of a stopped dose would have been, by its orders and its bag."""
    drug = administration.drug
    known = [mg_asked(order, drug) for order in orders_of(administration, orders)]
    return {amount for amount in (*known, drug.bag_mg) if amount is not None}


def _above_the_order(
    administration: Administration, amount: Decimal, orders: Iterable[Order]
) -> Iterator[str]:
    named = [order for order in orders if order.source.resource in administration.orders]
    asked = [mg_a_day(order, administration.drug) for order in named]
    most = max((found for found in asked if found is not None), default=None)
    if most is not None and None not in asked and amount > most:
        yield (
            f"{administration.source.resource}: {plain(exact(amount))} mg is more than the"
            f" {plain(exact(most))} mg that its order asks"
        )
