"""The chain of a claim line: each step with the evidence it rests on, and the rule that spoke, its
source and dates."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from mappings import codes
from mappings.assessment import Evidence, Step, cite
from mappings.charge import payment
from mappings.charge.charge import Charge
from mappings.charge.groups import Group
from mappings.circumstances.diagnoses import Sequenced
from mappings.codes.tables import Dated
from mappings.dose import waste as vials
from mappings.values.moment import shown
from mappings.values.numbers import plain
from mappings.values.us_dates import us_date

Role = Literal["administered", "discarded"]
_WASTE = "CMS Pub 100-04 ch. 17 s. 40"
_KIDNEY = "ESRD PPS; that a dialysis of the 90 days before is evidence of it is ours"


def trace(
    group: Group,
    role: Role,
    units: int,
    modifiers: Sequence[str],
    diagnoses: Sequenced,
    outcome: str,
) -> tuple[Step, ...]:
    """Date → product → mg → units → waste → modifiers → place → diagnoses → payer → payment →
    `outcome`."""
    return (
        *_what_was_given(group),
        *(_administered(group) if role == "administered" else ()),
        *_waste(group),
        *(_discarded(group, units) if role == "discarded" else ()),
        *_modifiers(group.first, modifiers),
        *_circumstances(group.first, diagnoses),
        *_payer(group.first),
        *(_paid(group, units) if group.first.payment and not group.first.not_billable else ()),
        Step("R11", outcome),
    )


def _dated(rule: str, says: str, row: Dated, evidence: tuple[Evidence, ...] = ()) -> Step:
    return Step(rule, says, row.source or None, row.verified, row.start, row.end, evidence)


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
            cite(row.administration.source, row.administration.drug.says or "medication")
            for row in group.charges
        )
        says = (
            f"{charge.family.name} → {charge.code.code}, {plain(charge.code.mg_per_unit)} mg per"
            " unit"
        )
        yield _dated("R2", says, charge.code, found)
    for row in group.charges:
        copy = "" if row in group.counted else " (possible duplicate, not counted)"
        yield Step(
            "R3",
            f"{row.dose.says}{copy}",
            evidence=(cite(row.administration.source, row.administration.dose.says or "no dose"),),
        )


def _administered(group: Group) -> Iterator[Step]:
    amounts = [plain(row.dose.mg) for row in group.counted if row.dose.mg is not None]
    summed = f"{' + '.join(amounts)} = {plain(group.mg)} mg; " if len(amounts) > 1 else ""
    yield Step(
        "R4",
        f"{summed}{plain(group.mg)} mg ÷ {plain(group.mg_per_unit)} mg per unit, rounded up ="
        f" {group.units} units",
    )


def _discarded(group: Group, units: int) -> Iterator[Step]:
    waste = group.waste
    if waste and waste.total_mg is not None:
        total = vials.units(waste.total_mg, group.mg_per_unit, "down")
        held = f"{plain(waste.total_mg)} mg in the containers = {total} label units"
        yield Step("R5", f"{held} − {group.units} given = {units} discarded", _WASTE)


def _waste(group: Group) -> Iterator[Step]:
    charge = group.first
    if charge.payment == "packaged":
        listed = payment.status(charge)
        yield Step(
            "R5", "JW and JZ are not asked for a packaged drug", listed.source if listed else ""
        )
    elif charge.discard_modifiers and group.waste:
        for ndc in dict.fromkeys(ndc for row in group.counted for ndc in row.known_ndcs):
            package = codes.packages()[ndc]
            yield Step(
                "R5",
                f"NDC {ndc}: {plain(package.mg)} mg in {plain(package.ml)} mL",
                package.source,
                package.verified,
            )
        found = dict.fromkeys(item for dose in group.charges for item in group.waste_evidence(dose))
        yield Step("R5", group.waste.says, _WASTE, evidence=tuple(found))
    elif not charge.discard_modifiers and charge.known_payer and not charge.not_billable:
        yield Step("R5", "JW and JZ are not asked on this date by this payer", _WASTE)


def _modifiers(charge: Charge, modifiers: Iterable[str]) -> Iterator[Step]:
    table = codes.payment()
    asked: list[tuple[str, str, Dated]] = [
        ("R5", row.modifier, row) for row in table.discard_modifiers
    ]
    asked += [("R6", row.modifier, row) for row in table.off_campus_modifiers]
    if charge.policy:
        rules = charge.policy.modifiers
        asked += [
            ("R6", row.modifier, row)
            for row in (*rules.kx, *rules.r340b, *rules.ambulatory_surgery)
        ]
    for name in modifiers:
        day = charge.day
        rule, row = next(
            ((rule, row) for rule, known, row in asked if known == name and day and row.holds(day)),
            ("R6", Dated()),
        )
        yield _dated(rule, f"modifier {name}", row)


def _circumstances(charge: Charge, diagnoses: Sequenced) -> Iterator[Step]:
    """Place, kidney status, diagnoses."""
    place = charge.setting
    if place.code:
        found = (cite(place.source, place.says),) if place.source else ()
        yield Step(
            "R7",
            f"place of service {place.code}, {place.says}",
            codes.settings().source,
            codes.settings().verified,
            evidence=found,
        )
    kidney = charge.kidney
    if kidney.esrd or kidney.aki:
        says = "end-stage renal disease on dialysis" if kidney.esrd else "acute kidney injury"
        yield Step("R8", says, _KIDNEY, verified=False, evidence=kidney.evidence)
    if diagnoses.codes:
        stated = [row for code in diagnoses.codes for row in charge.diagnoses if row.code == code]
        cited = tuple(dict.fromkeys(cite(row.by.source, row.says) for row in stated))
        maps = {row.mapped_by for row in stated} - {None}
        table = codes.diagnoses().icd10
        source = "; ".join(
            [table.source, *sorted({f"SNOMED CT map: {row.source}" for row in maps if row})]
        )
        verified = table.verified and all(row.verified for row in maps if row)
        yield Step(
            "R9", f"diagnoses {', '.join(diagnoses.codes)}", source, verified, evidence=cited
        )


def _payer(charge: Charge) -> Iterator[Step]:
    policy, coordination = charge.policy, charge.coordination
    if coordination and coordination.primary:
        primary = coordination.primary
        yield Step(
            "R10a",
            f"coverage {primary.kind}: {coordination.says}",
            evidence=(
                cite(primary.source, f"coverage, {primary.kind}"),
                *coordination.decided,
            ),
        )
    if policy and charge.known_payer:
        says = f"policy {policy.id}, version {policy.version}: {policy.title}"
        yield _dated("R10a", says, policy.authority)


def _paid(group: Group, units: int) -> Iterator[Step]:
    charge = group.first
    yield _way(charge)
    code, day, paid = charge.code, charge.day, charge.payment
    worth, quarter = payment.value(code.code if code else "", units, day, paid)
    row = payment.limit(code.code, day) if code and quarter and units else None
    if row and code:
        says = (
            f"{units} units × ${plain(row.limit[code.code])} = ${worth} (payment limit of"
            f" {quarter}, the latest known)"
        )
        yield Step("R11", says, row.source, row.verified, row.start)


_WAYS = {
    "packaged": "packaged: the hospital is paid for the drug with the visit",
    "bundled": "bundled: paid with the dialysis treatment",
    "separate": "paid separately",
}


def _way(charge: Charge) -> Step:
    """How the drug is paid: by its OPPS status on the day, else by the policy."""
    says, policy = _WAYS[charge.payment or ""], charge.policy
    found = payment.status(charge)
    if found:
        return Step(
            "R11",
            f"{says} ({found.system} {found.status})",
            found.source,
            found.verified,
            found.start,
        )
    return (
        _dated("R11", says, policy.authority)
        if policy and charge.known_payer
        else Step("R11", says)
    )
