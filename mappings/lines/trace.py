"""The chain of a claim line: each step with the evidence it rests on, and the rule that spoke, its
source and dates.

Held by tests/unit/test_trace.py.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal

from mappings import codes
from mappings.assessment import Evidence, Step, cite
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.charge.paid import DISCARD_RULE, AskedModifier, Worth
from mappings.circumstances.coverage import Coordination
from mappings.circumstances.diagnoses import Stated
from mappings.circumstances.sequence import Sequenced
from mappings.circumstances.standing import Standing, cite_all
from mappings.codes.tables import Dated
from mappings.policy.choosing import Policy
from mappings.values.moment import shown
from mappings.values.numbers import plain
from mappings.values.remembered import by_identity
from mappings.values.us_dates import us_date

Role = Literal["administered", "discarded"]


def trace(
    group: Group,
    role: Role,
    units: int,
    modifiers: Sequence[AskedModifier],
    diagnoses: Sequenced,
    worth: Worth,
    outcome: str,
) -> tuple[Step, ...]:
    """Date → product → mg → units → waste → modifiers → place → diagnoses → payer → payment →
    `outcome`."""
    return (
        *_what_was_given(group),
        *(_administered(group) if role == "administered" else ()),
        *_waste(group),
        *(_discarded(group, units) if role == "discarded" else ()),
        *(
            _dated(modifier.rule, f"modifier {modifier.modifier}", modifier.by)
            for modifier in modifiers
        ),
        *_circumstances(group.first, diagnoses),
        *_payer(group.first),
        *(_paid(group.first, units, worth) if not group.first.not_billable else ()),
        Step("R11", outcome),
    )


def _dated(rule: str, says: str, by: Dated, evidence: tuple[Evidence, ...] = ()) -> Step:
    return Step(rule, says, by.source or None, by.verified, by.start, by.end, evidence)


def _what_was_given(group: Group) -> Iterator[Step]:
    charge = group.first
    zone = f" in {charge.site.time_zone}" if charge.site.time_zone else ""
    in_part = f"; on record: {shown(charge.partial_date)}" if charge.partial_date else ""
    yield Step(
        "R1",
        (
            f"date of service {us_date(charge.day)}{zone}"
            if charge.day
            else f"date of service not known{in_part}"
        ),
    )
    if charge.family and charge.code:
        found = tuple(
            cite(charge.administration.source, charge.administration.drug.says or "medication")
            for charge in group.charges
        )
        says = (
            f"{charge.family.name} → {charge.code.code}, {plain(charge.code.mg_per_unit)} mg per"
            " unit"
        )
        yield _dated("R2", says, charge.code, found)
    for given in group.charges:
        copy = "" if given in group.counted else " (possible duplicate, not counted)"
        yield Step(
            "R3",
            f"{given.dose.says}{copy}",
            evidence=(
                cite(given.administration.source, given.administration.dose.says or "no dose"),
            ),
        )


def _administered(group: Group) -> Iterator[Step]:
    amounts = [plain(charge.dose.mg) for charge in group.counted if charge.dose.mg is not None]
    summed = f"{' + '.join(amounts)} = {plain(group.mg)} mg; " if len(amounts) > 1 else ""
    yield Step(
        "R4",
        f"{summed}{plain(group.mg)} mg ÷ {plain(group.mg_per_unit)} mg per unit, rounded up ="
        f" {group.units} units",
    )


def _discarded(group: Group, units: int) -> Iterator[Step]:
    waste = group.waste
    if waste and waste.total_mg is not None:
        held = f"{plain(waste.total_mg)} mg in the containers = {group.contained_units} label units"
        yield Step("R5", f"{held} − {group.units} given = {units} discarded", DISCARD_RULE)


def _waste(group: Group) -> Iterator[Step]:
    asked = group.first.discard_modifiers
    if asked.why_not:
        yield Step("R5", asked.why_not, asked.source)
    elif asked.rows and group.waste:
        for ndc in dict.fromkeys(chain.from_iterable(one.known_packages for one in group.counted)):
            package = codes.packages()[ndc]
            yield Step(
                "R5",
                f"NDC {ndc}: {plain(package.mg)} mg in {plain(package.ml)} mL",
                package.source,
                package.verified,
            )
        found = dict.fromkeys(chain.from_iterable(map(group.waste_evidence, group.charges)))
        yield Step("R5", group.waste.says, DISCARD_RULE, evidence=tuple(found))


def _circumstances(charge: Charge, diagnoses: Sequenced) -> Iterator[Step]:
    """Place, kidney status, diagnoses."""
    place = charge.setting
    if place.code:
        yield Step(
            "R7",
            f"place of service {place.code}, {place.says}",
            codes.settings().source,
            codes.settings().verified,
            evidence=place.cited,
        )
    kidney = charge.kidney
    if kidney.esrd or kidney.aki:
        says = "end-stage renal disease on dialysis" if kidney.esrd else "acute kidney injury"
        days = codes.windows().days("dialysis-treatment")
        source = f"ESRD PPS; that a dialysis of the {days} days before is evidence of it is ours"
        yield Step("R8", says, source, verified=False, evidence=kidney.evidence)
    if diagnoses.codes:
        yield charge.once(_diagnoses, charge.standing, diagnoses)


def _diagnoses(standing: Standing, sequenced: Sequenced) -> Step:
    stated: list[Stated] = []
    for code in sequenced.codes:
        stated += [diagnosis for diagnosis in standing.stated if diagnosis.code == code]
    maps = {diagnosis.mapped_by for diagnosis in stated} - {None}
    table = codes.diagnoses().icd10
    source = "; ".join(
        [table.source, *sorted({f"SNOMED CT map: {row.source}" for row in maps if row})]
    )
    return Step(
        "R9",
        f"diagnoses {', '.join(sequenced.codes)}",
        source,
        table.verified and all(row.verified for row in maps if row),
        evidence=tuple(dict.fromkeys(cite_all(stated))),
    )


def _payer(charge: Charge) -> Iterator[Step]:
    if charge.coordination and charge.coordination.primary:
        yield charge.once(_coverage, charge.coordination)
    if charge.policy and charge.known_payer:
        yield _policy(charge.policy)


def _coverage(coordination: Coordination) -> Step:
    primary = coordination.primary
    assert primary  # noqa: S101 - the caller has looked
    paid_by = cite(primary.source, f"coverage, {primary.kind}")
    return Step(
        "R10a",
        f"coverage {primary.kind}: {coordination.says}",
        evidence=(paid_by, *coordination.decided),
    )


@by_identity
def _policy(policy: Policy) -> Step:
    says = f"policy {policy.id}, version {policy.version}: {policy.title}"
    return _dated("R10a", says, policy.authority)


_WAYS = {
    "packaged": "packaged: the hospital is paid for the drug with the visit",
    "bundled": "bundled: paid with the dialysis treatment",
    "separate": "paid separately",
}


def _paid(charge: Charge, units: int, worth: Worth) -> Iterator[Step]:
    """How the drug is paid, and the price of what is paid separately."""
    if charge.paid is None:
        return
    says, listed = _WAYS[charge.paid.way], charge.paid.listed
    if listed:
        says = f"{says} ({listed.system} {listed.status})"
        yield Step("R11", says, listed.source, listed.verified, listed.start)
    else:
        yield _dated("R11", says, charge.paid.by)
    limits = worth.limits
    if limits and charge.code and units:
        says = (
            f"{units} units × ${plain(limits.limit[charge.code.code])} = ${worth.dollars} (payment"
            f" limit of {limits.quarter}, the latest known)"
        )
        yield Step("R11", says, limits.source, limits.verified, limits.start)
