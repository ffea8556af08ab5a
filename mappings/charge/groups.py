"""R4: doses of one day, encounter, code and setting are one line; what their containers say
together (R5).

Held by tests/scenarios/lines.yaml.
"""

from collections.abc import Iterable, Mapping, Set
from decimal import Decimal
from itertools import chain

from msgspec import Struct

from mappings.assessment import Evidence
from mappings.charge.charge import Charge
from mappings.dose import containers
from mappings.dose.waste import Given, Waste, shared, together, units, waste
from mappings.record import Container
from mappings.values.numbers import exact
from mappings.values.remembered import kept

_ZERO = Decimal(0)

Key = tuple[tuple[object, ...], str | None]


class Pool(Struct, frozen=True, eq=False):
    """Doses for which vials were dispensed together, with the vials by dispense; one dose alone
    where there are none."""

    charges: tuple[Charge, ...]
    dispensed: dict[str, tuple[Container, ...]]

    @property
    def vials(self) -> tuple[Container, ...]:
        """The vials that count: none where an administration documents its own."""
        if not self.dispensed:
            return ()
        if any(containers.documented(charge.administration) for charge in self.charges):
            return ()
        return tuple(chain.from_iterable(self.dispensed.values()))


class Group(Struct, frozen=True, eq=False, dict=True):
    """The doses of one line, and what became of the containers that they came from (R4, R5)."""

    charges: tuple[Charge, ...]
    given: tuple[Given, ...] = ()
    waste: Waste | None = None

    @kept
    def first(self) -> Charge:
        return self.charges[0]

    @kept
    def counted(self) -> tuple[Charge, ...]:
        """Doses whose mg count: of possible duplicates, one."""
        return tuple([charge for charge in self.charges if not charge.is_copy])

    @kept
    def mg(self) -> Decimal:
        known = [charge.dose.mg for charge in self.counted if charge.dose.mg is not None]
        return exact(sum(known, _ZERO))

    @property
    def whole(self) -> bool:
        """Whether the dose of each of them is known."""
        return None not in [charge.dose.mg for charge in self.charges]

    @property
    def mg_per_unit(self) -> Decimal:
        code = self.first.code
        return code.mg_per_unit if code else Decimal(1)

    @kept
    def units(self) -> int:
        return units(self.mg, self.mg_per_unit)

    @kept
    def contained_units(self) -> int:
        """Label units in the containers that were opened, rounded down."""
        held = self.waste.total_mg if self.waste else None
        return units(held, self.mg_per_unit, "down") if held else 0

    @kept
    def discarded_units(self) -> int:
        """Units of a JW line: only where JW is asked, each dose known and the waste settled. Total
        label units less administered ones, never rounded up by themselves; under one unit there is
        no JW line."""
        left = self.contained_units - self.units
        if left <= 0 or self.waste is None or self.waste.state != "met" or not self.whole:
            return 0
        return left if self.first.discard_modifiers.named("JW") else 0

    @property
    def all_units(self) -> int:
        """Units of the line and of its JW line."""
        return self.units + self.discarded_units

    def waste_evidence(self, charge: Charge) -> tuple[Evidence, ...]:
        """What is recorded of the containers of one of its doses."""
        found: list[Evidence] = []
        for dose in self.given:
            if charge.reference in dose.references:
                found += dose.evidence
        return tuple(found)


def grouped(charges: Iterable[Charge]) -> list[Group]:
    """R4: one line per date, encounter (where known), code, setting and drug source; copies stay
    with what they copy."""
    ordered = sorted(
        (charge for charge in charges if charge.has_line),
        key=lambda charge: (charge.is_copy, str(charge.day), charge.reference),
    )
    lines = _lines(ordered)
    pools = _pools([charge for charge in chain.from_iterable(lines) if not charge.is_copy])
    place_of: dict[str, int] = {}
    for place, pool in enumerate(pools):
        for charge in pool.charges:
            place_of[charge.reference] = place
    return [_group(charges, pools, place_of) for charges in lines]


def _lines(ordered: list[Charge]) -> list[list[Charge]]:
    keys = {charge.reference: _key(charge) for charge in ordered}
    encounters = _encounters(ordered, keys)
    lines: dict[object, list[Charge]] = {}
    line_of: dict[str, list[Charge]] = {}
    for charge in ordered:
        if charge.is_copy:
            line = next(line_of[name] for name in charge.possible_duplicates if name in line_of)
        else:
            key, encounter = keys[charge.reference]
            if encounter is None and len(encounters[key]) == 1:
                (encounter,) = encounters[key]
            line = lines.setdefault((key, encounter), [])
        line.append(charge)
        line_of[charge.reference] = line
    return list(lines.values())


def _encounters(charges: Iterable[Charge], keys: Mapping[str, Key]) -> dict[object, set[str]]:
    """The known encounters of doses that are one line but for their encounter."""
    found: dict[object, set[str]] = {}
    for charge in charges:
        key, encounter = keys[charge.reference]
        known = found.setdefault(key, set())
        if charge.encounter and encounter:
            known.add(encounter)
    return found


def _group(charges: list[Charge], pools: list[Pool], place_of: dict[str, int]) -> Group:
    counted = [charge for charge in charges if not charge.is_copy]
    own = {charge.reference for charge in counted}
    places = sorted({place_of[reference] for reference in own})
    given = tuple(chain.from_iterable([_given(own, pools[place]) for place in places]))
    return Group(tuple(charges), given, waste(given) if given else None)


def _pools(charges: Iterable[Charge]) -> list[Pool]:
    pools: dict[int, Pool] = {}
    number_of: dict[str, int] = {}
    for number, dose in enumerate(charges):
        if not dose.dispenses:
            pools[number] = Pool((dose,), {})
            continue
        family = dose.administration.drug.family
        dispensed = {
            item.source.resource: containers.dispensed_vials([item], family)
            for item in dose.dispenses
        }
        dispensed = {dispense: found for dispense, found in dispensed.items() if found}
        met = sorted({number_of[dispense] for dispense in dispensed if dispense in number_of})
        joined = [pools.pop(earlier) for earlier in met]
        for pool in joined:
            dispensed |= pool.dispensed
        number_of |= dict.fromkeys(dispensed, number)
        earlier_doses = chain.from_iterable(pool.charges for pool in joined)
        pools[number] = Pool((*earlier_doses, dose), dispensed)
    return list(pools.values())


def _key(charge: Charge) -> Key:
    """What the doses of a line have in common, and the encounter of this one."""
    alone = charge.reference if charge.day is None else None
    setting = (
        charge.setting.code,
        charge.setting.place.off_campus if charge.setting.place else None,
        charge.setting.bill_type,
    )
    code = charge.code.code if charge.code else None
    key = (
        charge.day,
        alone,
        code,
        setting,
        charge.drug_source,
        charge.is_340b,
        charge.not_billable,
    )
    return key, charge.encounter_reference


def _given(own: Set[str], pool: Pool) -> list[Given]:
    """A line's doses (`own`) from a pool; as one where they came from the same dispensed vials."""
    ours: list[Given] = []
    others: list[Given] = []
    handed = pool.vials
    for charge in pool.charges:
        if charge.dose.mg is not None:
            mg, dispenses = charge.dose.mg, charge.dispenses
            given = containers.given(charge.administration, mg, dispenses, handed, charge.once)
            (ours if charge.reference in own else others).append(given)
    if not ours or not handed:
        return ours
    return [shared(ours, others) if others else together(ours)]
