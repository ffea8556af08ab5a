"""R4: doses of one day, encounter, code and setting are one line; what their containers say
together (R5)."""

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from mappings.charge.charge import Charge
from mappings.dose import containers
from mappings.dose import waste as vials
from mappings.record import Container
from mappings.values.numbers import exact

_ZERO = Decimal(0)


class Pool(Struct, frozen=True, eq=False):
    """Services for which vials were dispensed together, with the vials by dispense; one service
    alone where there are none."""

    charges: tuple[Charge, ...]
    dispensed: dict[str, tuple[Container, ...]]

    @property
    def vials(self) -> tuple[Container, ...]:
        """The vials that count: none where an administration documents its own."""
        if any(containers.documented(row.administration) for row in self.charges):
            return ()
        return tuple(row for found in self.dispensed.values() for row in found)


class Group(Struct, dict=True, eq=False):
    """The doses of one line. Ask for its sums only when all of them are in it."""

    charges: list[Charge]
    pools: list[Pool] = []
    given: list[vials.Given] = []

    @property
    def first(self) -> Charge:
        return self.charges[0]

    @property
    def counted(self) -> list[Charge]:
        """Services whose mg count: of possible duplicates, one."""
        return [row for row in self.charges if not row.is_copy]

    @cached_property
    def mg(self) -> Decimal:
        return exact(sum((row.dose.mg for row in self.counted if row.dose.mg is not None), _ZERO))

    @property
    def whole(self) -> bool:
        """Whether the dose of each of them is known."""
        return all(row.dose.mg is not None for row in self.charges)

    @property
    def mg_per_unit(self) -> Decimal:
        code = self.first.code
        return code.mg_per_unit if code else Decimal(1)

    @cached_property
    def units(self) -> int:
        return vials.units(self.mg, self.mg_per_unit)

    @property
    def discarded_units(self) -> int:
        """Units of a JW line: only where JW is asked, each dose known and the waste settled."""
        waste = self.first.waste
        if (
            not self.whole
            or waste is None
            or waste.state != "met"
            or "JW" not in self.first.discard_modifiers
        ):
            return 0
        return vials.discarded_units(waste, self.mg, self.mg_per_unit)


def group(charges: Iterable[Charge]) -> list[Group]:
    """R4: one line per date, encounter (where known), code, setting and drug source; copies stay
    with what they copy."""
    groups: dict[object, Group] = {}
    rows = sorted(
        (row for row in charges if row.has_line),
        key=lambda row: (row.is_copy, str(row.day), row.reference),
    )
    known = {_key(row)[:-1]: set[str]() for row in rows}
    for row in rows:
        if row.encounter:
            known[_key(row)[:-1]].add(row.encounter.source.resource)
    for row in rows:
        if row.is_copy:
            leader = next(
                one
                for one in groups.values()
                if any(member.reference in row.possible_duplicates for member in one.charges)
            )
            leader.charges.append(row)
            continue
        *key, encounter = _key(row)
        only = known[tuple(key)]
        encounter = next(iter(only)) if encounter is None and len(only) == 1 else encounter
        groups.setdefault((*key, encounter), Group([])).charges.append(row)
    _share_vials(list(groups.values()))
    return list(groups.values())


def _share_vials(groups: Iterable[Group]) -> None:
    """Tell each line which of its doses share dispensed vials, with each other and with those of
    other lines."""
    line = {row.reference: one for one in groups for row in one.counted}
    for pool in _pools(row for one in groups for row in one.counted):
        for one in dict.fromkeys(line[row.reference] for row in pool.charges):
            one.pools.append(pool)


def _pools(charges: Iterable[Charge]) -> list[Pool]:
    pools: list[Pool] = []
    for row in charges:
        family = row.administration.drug.family
        dispensed = {
            item.source.resource: containers.dispensed_vials([item], family)
            for item in row.dispenses
        }
        dispensed = {dispense: found for dispense, found in dispensed.items() if found}
        met = [pool for pool in pools if pool.dispensed.keys() & dispensed.keys()]
        joined = tuple(charge for pool in met for charge in pool.charges)
        for pool in met:
            dispensed |= pool.dispensed
        pools = [pool for pool in pools if pool not in met] + [Pool((*joined, row), dispensed)]
    return pools


def _key(row: Charge) -> tuple[object, ...]:
    alone = row.reference if row.day is None else None
    setting = (
        row.setting.code,
        row.setting.place.off_campus if row.setting.place else None,
        row.setting.bill_type,
    )
    code = row.code.code if row.code else None
    encounter = row.encounter.source.resource if row.encounter else row.administration.encounter
    return (
        row.day,
        alone,
        code,
        setting,
        row.drug_source,
        row.is_340b,
        row.not_billable,
        encounter,
    )


def settle_waste(group: Group) -> None:
    """Work out the line's waste and give it to each of its doses."""
    group.given = [given for pool in group.pools for given in _given(group, pool)]
    if not group.given:
        return
    waste = vials.waste(group.given)
    for row in group.charges:
        row.waste = waste
        row.waste_evidence = tuple(
            item
            for given in group.given
            if row.reference in given.references
            for item in given.evidence
        )


def _given(group: Group, pool: Pool) -> list[vials.Given]:
    """The line's doses from a pool; as one where they came from the same dispensed vials."""
    own: list[vials.Given] = []
    others: list[vials.Given] = []
    for row in pool.charges:
        if row.dose.mg is not None:
            given = containers.given(row.administration, row.dose.mg, row.dispenses, pool.vials)
            (own if row in group.counted else others).append(given)
    if not own or not pool.vials:
        return own
    return [vials.shared(own, others) if others else vials.together(own)]
