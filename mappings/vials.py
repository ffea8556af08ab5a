"""R5: containers opened, drug discarded, and what that makes of a line's units: JZ, JW, or a gap."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import product as combinations
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.assessment import Evidence, State
from mappings.doses import mg_of
from mappings.products import package
from mappings.reading.amounts import exact, plain
from mappings.record import Administration, Container, Discard, Dispense

_ZERO = Decimal(0)
# Nobody opens so many containers beyond those that a dose needs.
_MOST_SPARE = 20


class Given(Struct, frozen=True):
    """One administration of a line (or several that share dispensed vials) as the containers see it.

    mg given, containers documented as opened, mg documented as discarded (None: nothing is). `drawn_mg`: what vials were opened for,
    the whole bag where part of one was given. `vial_mg`: content of one container by NDC. `problem`: its own records disagree.
    """

    references: tuple[str, ...]
    mg: Decimal
    drawn_mg: Decimal
    opened: tuple[Container, ...] = ()
    vial_mg: Decimal | None = None
    discarded: Decimal | None = None
    problem: str | None = None
    family: str | None = None
    evidence: tuple[Evidence, ...] = ()
    note: str | None = None


class Waste(Struct, frozen=True):
    """What a line's containers say. `total_mg`: what the opened containers held (None: unknown, or used up).

    `by`: which administrations the state concerns; `expected_mg`: the discard that the containers lead one to expect.
    """

    state: State
    says: str
    discarded_mg: Decimal = _ZERO
    total_mg: Decimal | None = None
    by: tuple[str, ...] = ()
    expected_mg: Decimal | None = None
    saving: str | None = None


def units(mg: Decimal, mg_per_unit: Decimal, rounding: Literal["up", "down"] = "up") -> int:
    """Whole billing units of an amount in mg (R4: administered units round up)."""
    return int((mg / mg_per_unit).to_integral_value(ROUND_CEILING if rounding == "up" else ROUND_FLOOR))


def discarded_units(waste: Waste, given_mg: Decimal, mg_per_unit: Decimal) -> int:
    """Total label units less administered units, never rounded up by themselves; under one unit there is no JW line."""
    return max(0, units(waste.total_mg or _ZERO, mg_per_unit, "down") - units(given_mg, mg_per_unit))


def given(administration: Administration, mg: Decimal, dispenses: Sequence[Dispense]) -> Given:
    """An administration with what is documented of its containers. The extension counts; a dispense only where it says nothing."""
    drug = administration.drug
    documented = (
        tuple(row for row in administration.containers if row.mg is not None) if all(row.mg for row in administration.containers) else ()
    )
    handed = tuple(row for dispense in dispenses for row in dispense.containers)
    vial = package(drug.ndcs or [row.ndc for row in handed if row.ndc], drug.family)
    note = None
    if documented and handed and _sizes(documented) != _sizes(handed):
        note = "Containers documented and containers dispensed differ; the documented ones count."
    problem = administration.containers_problem or _family_problem(administration)
    amounts = [(row, mg_of(row.amount, drug)) for row in administration.discards]
    discarded, disagreement = _agreed(amounts)
    evidence = [_evidence(row) for row, _ in amounts]
    evidence += [Evidence(row.source.resource, row.source.version, _opened_says(row)) for row in (documented or handed) if row.source]
    return Given(
        references=(administration.source.resource,),
        mg=mg,
        drawn_mg=max(mg, drug.bag_mg or _ZERO),
        opened=documented or handed,
        vial_mg=vial.mg if vial else None,
        discarded=discarded,
        problem=problem or disagreement,
        family=drug.family,
        evidence=tuple(dict.fromkeys(evidence)),
        note=note,
    )


def together(rows: Sequence[Given]) -> Given:
    """Administrations that were given from the same dispensed vials."""
    amounts = [row.discarded for row in rows if row.discarded is not None]
    return Given(
        references=_names(rows),
        mg=_sum(row.mg for row in rows),
        drawn_mg=_sum(row.drawn_mg for row in rows),
        opened=rows[0].opened,
        vial_mg=rows[0].vial_mg,
        discarded=_sum(amounts) if amounts else None,
        problem=next((row.problem for row in rows if row.problem), None),
        family=rows[0].family,
        evidence=tuple(dict.fromkeys(item for row in rows for item in row.evidence)),
        note=rows[0].note,
    )


def _family_problem(administration: Administration) -> str | None:
    known = [codes.packages()[row.ndc] for row in administration.containers if row.ndc in codes.packages()]
    return "the containers documented are of another product" if any(row.family != administration.drug.family for row in known) else None


def _evidence(discard: Discard) -> Evidence:
    says = f"{discard.amount.says} (read from a note)" if discard.from_note else f"discarded {discard.amount.says}"
    return Evidence(discard.source.resource, discard.source.version, says)


def _opened_says(row: Container) -> str:
    return f"{row.count} × {plain(row.mg or _ZERO)} mg opened"


def _agreed(amounts: list[tuple[Discard, Decimal | None]]) -> tuple[Decimal | None, str | None]:
    """The one amount that every field and phrase says, or why there is none."""
    if not amounts:
        return None, None
    if any(mg is None for _, mg in amounts):
        return None, "the discarded amount is in a unit that can't be turned into mg"
    values = {mg for _, mg in amounts}
    if len(values) > 1:
        said = " and ".join(sorted(row.amount.says for row, _ in amounts))
        return None, f"the record says different discarded amounts ({said})"
    value = values.pop()
    return (value, None) if value is not None and value >= 0 else (None, "the discarded amount is negative")


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return exact(sum(amounts, _ZERO))


def _sizes(containers: Iterable[Container]) -> Counter[Decimal | None]:
    found: Counter[Decimal | None] = Counter()
    for row in containers:
        found[row.mg] += row.count
    return found


def _content(containers: Iterable[Container]) -> Decimal:
    return sum((row.count * (row.mg or _ZERO) for row in containers), _ZERO)


def waste(rows: Sequence[Given]) -> Waste:
    """What all administrations of one line together opened and discarded."""
    broken = [row for row in rows if row.problem]
    if broken:
        return Waste("contradicted", f"{(broken[0].problem or '').capitalize()}.", by=_names(broken))
    documented = [row for row in rows if row.discarded is not None]
    if documented:
        return _documented(rows, documented)
    return _undocumented(rows)


def _names(rows: Iterable[Given]) -> tuple[str, ...]:
    return tuple(reference for row in rows for reference in row.references)


def _undocumented(rows: Sequence[Given]) -> Waste:
    """Nothing said of a discard: settled only where each dose uses up its known containers."""
    over = [row for row in rows if row.opened and row.mg > _content(row.opened)]
    if over:
        row = over[0]
        return Waste(
            "contradicted",
            f"{plain(row.mg)} mg given, but the containers opened hold {plain(_content(row.opened))} mg.",
            by=_names(over),
        )
    unknown = [row for row in rows if not row.opened and row.vial_mg is None]
    wasted = [(row, _least_opened(row) - row.mg) for row in rows if row not in unknown]
    open_rows = [row for row, left in wasted if left > 0]
    if not unknown and not open_rows:
        return Waste("met", "Each dose uses up whole containers; nothing is left.")
    if unknown:
        return Waste(
            "missing",
            "Nothing says which containers were opened or what was discarded.",
            by=_names([*unknown, *open_rows]),
        )
    expected = sum((left for _, left in wasted), _ZERO)
    says = f"{plain(expected)} mg of the opened containers is not accounted for: document it as discarded, or what became of it."
    return Waste("missing", says, by=_names(open_rows), expected_mg=expected)


def _least_opened(row: Given) -> Decimal:
    """mg in the containers documented, or in the fewest of the NDC's that cover the dose."""
    if row.opened:
        return _content(row.opened)
    size = row.vial_mg or _ZERO
    return size * (row.drawn_mg / size).to_integral_value(ROUND_CEILING)


def _documented(rows: Sequence[Given], documented: list[Given]) -> Waste:
    """Given and discarded together must be what the opened containers hold, over the whole line."""
    mg = _sum(row.mg for row in rows)
    left = _sum(row.discarded for row in documented if row.discarded is not None)
    total = mg + left
    unknown = [row for row in rows if not row.opened and row.vial_mg is None]
    if unknown:
        return _partly_known(rows, unknown, mg, left)
    if not _whole_containers(rows, total):
        held = plain(sum(map(_least_opened, rows), _ZERO))
        says = f"{plain(mg)} mg given and {plain(left)} mg discarded are not what the opened containers hold ({held} mg)."
        return Waste("contradicted", says, by=_names(documented))
    says = f"{plain(mg)} mg given + {plain(left)} mg discarded = {plain(total)} mg in the containers opened."
    return Waste("met", says, left, total, saving=_saving(rows, total))


def _partly_known(rows: Sequence[Given], unknown: list[Given], mg: Decimal, left: Decimal) -> Waste:
    silent = [row for row in unknown if row.discarded is None]
    if silent:
        return Waste("missing", "Nothing says which containers were opened or what was discarded.", by=_names(silent))
    known = [row for row in rows if row not in unknown]
    for row in known:
        if not _whole_containers([row], row.mg + (row.discarded or _ZERO)):
            state: State = "missing" if row.discarded is None else "contradicted"
            return Waste(state, "Given and discarded are not what the opened containers hold.", by=row.references)
    return Waste("met", f"{plain(mg)} mg given, {plain(left)} mg discarded as documented.", left, mg + left)


def _whole_containers(rows: Sequence[Given], total: Decimal) -> bool:
    """Whether `total` mg is what documented containers hold plus a whole number of each NDC's container, enough for each dose."""
    fixed = sum((_content(row.opened) for row in rows if row.opened), _ZERO)
    if any(row.opened and row.mg > _content(row.opened) for row in rows):
        return False
    if fixed and total == fixed:
        return True
    least = sum((_least_opened(row) for row in rows if not row.opened), _ZERO)
    rest = total - fixed - least
    sizes = sorted({row.vial_mg for row in rows if not row.opened and row.vial_mg}, reverse=True)
    if rest < 0 or not sizes or rest > _MOST_SPARE * sizes[0]:
        return rest == 0
    counts = [range(int(rest // size) + 1) for size in sizes]
    return any(sum(count * size for count, size in zip(chosen, sizes, strict=True)) == rest for chosen in combinations(*counts))


def _saving(rows: Sequence[Given], total: Decimal) -> str | None:
    """A smaller container of the product that would have left less."""
    mg = _sum(row.mg for row in rows)
    left = total - mg
    if left <= 0 or len(rows) != 1:
        return None
    sizes = sorted({row.mg for row in codes.packages().values() if row.family == rows[0].family})
    best = min((_least_left(mg, size) for size in sizes), default=left)
    if best >= left:
        return None
    size = next(size for size in sizes if _least_left(mg, size) == best)
    return f"saving: containers of {plain(size)} mg would have left {plain(best)} mg instead of {plain(left)} mg"


def _least_left(mg: Decimal, size: Decimal) -> Decimal:
    return size * (mg / size).to_integral_value(ROUND_CEILING) - mg
