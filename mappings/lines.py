"""R4, R5, R11: services of one day, encounter, code and setting become one claim line, and a JW line for what was discarded."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from msgspec import Struct

from mappings import codes, modifiers, payment, vials
from mappings.assessment import ClaimLine, Evidence, Finding, NdcQuantity, PolicyRef, Step
from mappings.diagnoses import Sequenced, sequence
from mappings.identity import stable_id
from mappings.reading.amounts import plain
from mappings.requirements.billing import usable_authorization
from mappings.service import Service, cite

_ZERO = Decimal(0)


class Group(Struct, dict=True):
    """The services of one line."""

    services: list[Service]

    @property
    def first(self) -> Service:
        return self.services[0]

    @property
    def counted(self) -> list[Service]:
        """Services whose mg count: of possible duplicates, one."""
        return [row for row in self.services if not row.possible_duplicates or row.reference == row.possible_duplicates[0]]

    @property
    def mg(self) -> Decimal:
        return sum((row.dose.mg for row in self.counted if row.dose.mg is not None), _ZERO)

    @property
    def mg_per_unit(self) -> Decimal:
        code = self.first.code
        return code.mg_per_unit if code else Decimal(1)

    @property
    def units(self) -> int:
        return vials.units(self.mg, self.mg_per_unit)

    @property
    def discarded_units(self) -> int:
        """Units of a JW line: only where JW is asked and the waste is settled."""
        waste = self.first.waste
        if waste is None or waste.state != "met" or "JW" not in self.first.discard_modifiers or waste.discarded_mg <= 0:
            return 0
        return vials.discarded_units(waste, self.mg, self.mg_per_unit)


def group(services: Iterable[Service]) -> list[Group]:
    """R4: one line per date, encounter (where known), code, setting, drug source and payer; copies stay with what they copy."""
    groups: dict[object, Group] = {}
    rows = sorted((row for row in services if row.has_line), key=lambda row: (str(row.day), row.reference))
    known = {_key(row)[:-1]: set[str]() for row in rows}
    for row in rows:
        if row.encounter:
            known[_key(row)[:-1]].add(row.encounter.source.resource)
    for row in rows:
        copied = row.possible_duplicates[0] if row.possible_duplicates else None
        leader = next((other for other in groups.values() if any(member.reference == copied for member in other.services)), None)
        if copied and copied != row.reference and leader:
            leader.services.append(row)
            continue
        *key, encounter = _key(row)
        only = known[tuple(key)]
        encounter = next(iter(only)) if encounter is None and len(only) == 1 else encounter
        groups.setdefault((*key, encounter), Group([])).services.append(row)
    return list(groups.values())


def _key(row: Service) -> tuple[object, ...]:
    primary = row.coordination.primary.source.resource if row.coordination and row.coordination.primary else None
    alone = row.reference if row.day is None else None
    setting = (row.setting.code, row.setting.place.off_campus if row.setting.place else None, row.setting.bill_type)
    code = row.code.code if row.code else None
    encounter = row.encounter.source.resource if row.encounter else row.administration.encounter
    return (
        row.day,
        alone,
        code,
        setting,
        row.drug_source,
        row.administration.is_340b,
        row.not_billable,
        primary,
        encounter,
    )


def settle_waste(group: Group) -> None:
    """Work out the line's waste and give it to each of its services."""
    by_dispense: dict[tuple[str, ...], list[vials.Given]] = {}
    for row in group.counted:
        if row.dose.mg is None:
            continue
        dispenses = row.dispenses
        given = vials.given(row.administration, row.dose.mg, dispenses)
        shared = tuple(sorted(item.source.resource for item in dispenses if item.containers)) if not _documented(row) else ()
        by_dispense.setdefault(shared or (row.reference,), []).append(given)
    rows = [vials.together(given) if len(given) > 1 else given[0] for given in by_dispense.values()]
    if not rows:
        return
    waste = vials.waste(rows)
    for row in group.services:
        row.waste = waste
        row.waste_evidence = tuple(dict.fromkeys(item for given in rows if row.reference in given.references for item in given.evidence))


def _documented(row: Service) -> bool:
    return bool(row.administration.containers)


def claim_lines(group: Group, findings: Sequence[Finding]) -> list[ClaimLine]:
    """The administered line, and the JW line where drug was discarded."""
    service = group.first
    if service.not_billable:
        return [_line(group, "administered", group.units, (), findings, "not-billable")]
    reasons = hold_reasons(group, findings)
    status: Literal["held", "ready"] = "held" if reasons else "ready"
    after = modifiers.after_discard(service, met_by_all(group, findings), service.policy)
    left = group.discarded_units
    first = _discard_modifier(group, left)
    lines = [_line(group, "administered", group.units, (*first, *after), findings, status, reasons)]
    if left:
        lines.append(_line(group, "discarded", left, ("JW", *after), findings, status, reasons))
    return lines


def _discard_modifier(group: Group, left: int) -> tuple[str, ...]:
    waste = group.first.waste
    whole = all(row.dose.mg is not None for row in group.services)
    settled = waste is not None and waste.state == "met" and not left and whole
    return ("JZ",) if settled and "JZ" in group.first.discard_modifiers else ()


def hold_reasons(group: Group, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Requirements that hold the line: blocking ones not met, ones not decided here, what KX would attest."""
    references = {row.reference for row in group.services}
    ours = [row for row in findings if references & set(row.administrations)]
    bad = [row for row in ours if row.state not in ("met", "not-applicable")]
    attested = {name for row in modifiers.asked_kx(group.first) for name in row.attests}
    reasons = {row.requirement for row in bad if row.blocking or row.requirement in attested}
    reasons |= {f"not-yet-decided:{name}" for name in undecided()}
    if any(row.administration.weak for row in group.services):
        reasons.add("administration-evidence")
    return tuple(sorted(reasons))


def undecided() -> list[str]:
    """Requirements of the table that nothing decides yet: each holds every line."""
    from mappings.requirements import CHECKS

    return [name for name in codes.requirements() if name not in CHECKS]


def met_by_all(group: Group, findings: Sequence[Finding]) -> frozenset[str]:
    references = {row.reference for row in group.services}
    ours = [row for row in findings if references & set(row.administrations)]
    bad = {row.requirement for row in ours if row.state not in ("met", "not-applicable")}
    return frozenset(row.requirement for row in ours) - bad


def _line(
    group: Group,
    role: Literal["administered", "discarded"],
    units: int,
    line_modifiers: tuple[str, ...],
    findings: Sequence[Finding],
    status: Literal["ready", "held", "not-billable"],
    reasons: tuple[str, ...] = (),
) -> ClaimLine:
    service = group.first
    code = service.code.code if service.code else ""
    billable = status != "not-billable"
    known_dose = any(row.dose.mg is not None for row in group.counted)
    worth, quarter = payment.value(code, units, service.day, service.payment) if billable and known_dose else (None, None)
    ndcs = _ndc_quantities(group, role)
    sequenced = (
        sequence(service.diagnoses, service.day, service.policy.diagnosis_order)
        if service.day and service.policy
        else Sequenced((), (), ())
    )
    authorization = usable_authorization(service) if service.policy else None
    coordination = service.coordination
    setting = service.setting
    return ClaimLine(
        id=stable_id("line", service.record.patient, min(row.reference for row in group.services), role),
        administrations=tuple(sorted(row.reference for row in group.services)),
        service_date=str(service.day) if service.day else None,
        code=code,
        modifiers=line_modifiers,
        units=units,
        status=status,
        payment=service.payment if billable else None,
        reasons=reasons if billable else (service.not_billable or "",),
        policy=PolicyRef(service.policy.id, service.policy.version) if service.policy and service.known_payer else None,
        coverage=coordination.primary.source.resource if coordination and coordination.primary else None,
        secondary_coverages=tuple(row.source.resource for row in coordination.secondary) if coordination else (),
        ndc=ndcs[0] if len(ndcs) == 1 else None,
        ndcs=ndcs if len(ndcs) > 1 else (),
        diagnoses=sequenced.codes,
        problem_list_only=sequenced.problem_list_only,
        place_of_service=setting.code,
        bill_type=setting.bill_type,
        revenue_code=setting.revenue_code,
        prior_authorization=authorization.reference if authorization else None,
        drug_source=service.drug_source,
        value=worth,
        value_quarter=quarter,
        notes=_notes(group, sequenced, status),
        evidence=_evidence(group, findings),
        trace=_trace(group, role, units, line_modifiers),
    )


def _ndc_quantities(group: Group, role: str) -> tuple[NdcQuantity, ...]:
    """mL of this line by NDC: what was given, or what was discarded."""
    amounts: dict[str, Decimal] = {}
    for row in group.counted:
        if row.dose.mg is None or not row.known_ndcs:
            continue
        for ndc, given, left in _shares(row, group):
            amounts[ndc] = amounts.get(ndc, _ZERO) + (given if role == "administered" else left)
    table = codes.packages()
    return tuple(NdcQuantity(ndc, _ml(mg * table[ndc].ml / table[ndc].mg), "ML") for ndc, mg in sorted(amounts.items()) if mg > 0)


def _shares(row: Service, group: Group) -> Iterable[tuple[str, Decimal, Decimal]]:
    """mg given and left per NDC: the largest containers are used up first."""
    dose = row.dose.mg or _ZERO
    opened = [item for item in row.administration.containers if item.ndc in row.known_ndcs and item.mg]
    if not opened:
        yield row.known_ndcs[0], dose, _discarded(row, group)
        return
    for item in sorted(opened, key=lambda item: item.mg or _ZERO, reverse=True):
        content = (item.mg or _ZERO) * item.count
        used = min(content, dose)
        dose -= used
        yield item.ndc or "", used, content - used


def _discarded(row: Service, group: Group) -> Decimal:
    """The line's waste, on the one service that documents it, else on the first."""
    waste = group.first.waste
    if waste is None or waste.state != "met":
        return _ZERO
    documenting = [item.reference for item in group.counted if item.administration.discards] or [group.counted[0].reference]
    return waste.discarded_mg if row.reference == documenting[0] else _ZERO


def _ml(amount: Decimal) -> str:
    """mL with at most three decimals, as X12 takes them."""
    return plain(amount.quantize(Decimal("0.001"), ROUND_HALF_UP))


def _notes(group: Group, sequenced: Sequenced, status: str) -> tuple[str, ...]:
    service = group.first
    notes = list(sequenced.notes)
    if sequenced.problem_list_only:
        notes.append(f"problem-list-only: {', '.join(sequenced.problem_list_only)} (to be confirmed at release)")
    for row in group.services:
        notes += _service_notes(row)
    if service.waste and service.waste.saving:
        notes.append(service.waste.saving)
    if status != "not-billable" and service.payment == "packaged" and service.day and payment.opps_carried_forward(service.day):
        notes.append("OPPS status of the last known release carried forward (not verified)")
    return tuple(dict.fromkeys(notes))


def _service_notes(row: Service) -> Iterable[str]:
    ordered = {item.drug.family for item in row.record.orders if item.source.resource in row.administration.orders}
    families = codes.families()
    for family in sorted(name for name in ordered if name and row.family and name != row.family.family):
        yield f"ordered: {families[family].name}; administered: {row.family.name if row.family else ''} (billed as administered)"
    for reference in row.duplicate_identifier:
        yield f"{reference} carries the same business identifier and is not counted"
    if row.kidney.esrd and not row.kidney.in_facility:
        yield "ESRD patient outside a dialysis facility: AY only if the drug was not for ESRD, by a person's decision"
    if row.policy and row.policy.esa_noted and row.known_payer:
        given = any(item.when and row.day and abs((item.when.first - row.day).days) <= 90 for item in row.record.esa)
        yield f"NCD 110.10: {'an' if given else 'no'} erythropoiesis-stimulating agent on record within 90 days"
    if row.administration.weak:
        yield "no administration record in this EHR: read from an order or procedure, for a person to confirm"


def _evidence(group: Group, findings: Sequence[Finding]) -> tuple[Evidence, ...]:
    references = {row.reference for row in group.services}
    found = [cite(row.administration.source, row.dose.says.rstrip(".")) for row in group.services]
    wanted = (
        "discarded-amount",
        "ndc",
        "iron-deficiency-diagnosis",
        "ckd-diagnosis",
        "ferritin",
        "transferrin-saturation",
        "coverage",
        "treatment-plan",
    )
    for row in findings:
        if references & set(row.administrations) and row.state == "met" and row.requirement in wanted:
            found += row.evidence
    return tuple(dict.fromkeys(found))


def _trace(group: Group, role: str, units: int, line_modifiers: tuple[str, ...]) -> tuple[Step, ...]:
    """The chain of the line, step by step: dose → mg → units → code → modifiers → payment."""
    service = group.first
    steps = [Step("R1", f"date of service {service.day}" if service.day else "date of service not known")]
    code = service.code
    if service.family and code:
        steps.append(
            Step(
                "R2",
                f"{service.family.name} → {code.code}, {plain(code.mg_per_unit)} mg per unit",
                code.source,
                code.verified,
            )
        )
    for row in group.services:
        counted = row in group.counted
        steps.append(Step("R3", f"{row.reference}: {row.dose.says}{'' if counted else ' (possible duplicate, not counted)'}"))
    waste = service.waste
    if role == "administered":
        steps.append(Step("R4", f"{plain(group.mg)} mg ÷ {plain(group.mg_per_unit)} mg per unit, rounded up = {group.units} units"))
    elif waste and waste.total_mg is not None:
        total = vials.units(waste.total_mg, group.mg_per_unit, "down")
        steps.append(
            Step(
                "R5",
                f"{plain(waste.total_mg)} mg in the containers = {total} label units − {group.units} given = {units} discarded",
                "CMS Pub 100-04 ch. 17 s. 40",
            )
        )
    if waste:
        steps.append(Step("R5", waste.says, "CMS Pub 100-04 ch. 17 s. 40"))
    steps += modifier_steps(service, line_modifiers)
    if service.setting.code:
        steps.append(Step("R7", f"place of service {service.setting.code}, {service.setting.says}"))
    if service.policy and service.known_payer:
        steps.append(
            Step(
                "R10a",
                f"policy {service.policy.id} {service.policy.version}",
                service.policy.source,
                service.policy.verified,
            )
        )
    if service.payment:
        steps.append(
            Step(
                "R11",
                f"payment {service.payment}",
                codes.payment().opps.source if service.payment == "packaged" else None,
            )
        )
    return tuple(steps)


def modifier_steps(service: Service, line_modifiers: tuple[str, ...]) -> list[Step]:
    """Each modifier with its rule."""
    table = {row.modifier: row for row in codes.payment().discard_modifiers}
    steps = []
    for name in line_modifiers:
        row = table.get(name)
        if row is None and service.policy:
            rules = service.policy.modifiers
            row = next((item for item in (*rules.kx, *rules.r340b, *rules.ambulatory_surgery) if item.modifier == name), None)  # type: ignore[assignment]
        steps.append(
            Step(
                "R5" if name in table else "R6",
                f"modifier {name}",
                row.source if row else None,
                row.verified if row else True,
            )
        )
    if not service.discard_modifiers and service.payment == "packaged":
        steps.append(Step("R5", "JW and JZ are not asked for a packaged drug", codes.payment().opps.source))
    return steps
