"""R5: containers opened, drug discarded, and what that makes of a line's units: JZ, JW, or a
gap.

Held by tests/unit/test_waste.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import chain
from itertools import product as combinations
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mappings.assessment import Evidence, State
from mappings.dose.product import contents, whole
from mappings.record import Container
from mappings.values.numbers import exact, plain

_ZERO = Decimal(0)
# Nobody opens so many containers beyond those that a dose needs.
_MOST_SPARE = 20

# None: not known.
Ndc = str | None

_OTHER_LINES = "The vials were dispensed for doses on other lines, too."
_TWICE = (
    "The same containers are recorded for several administrations: the record may name the same"
    " vials twice."
)


class Waste(Struct, frozen=True, gc=False):
    """What a line's containers say. `total_mg`: what the opened containers held (None: unknown, or
    used up), `held`: by NDC.

    `by`: which administrations the state concerns; `expected_mg`: the discard that the containers
    lead one to expect.
    """

    state: State
    says: str
    discarded_mg: Decimal = _ZERO
    total_mg: Decimal | None = None
    by: tuple[str, ...] = ()
    expected_mg: Decimal | None = None
    saving: str | None = None
    held: Mapping[Ndc, Decimal] = {}


class Given(Struct, frozen=True, gc=False, kw_only=True):
    """One administration of a line (or several that share dispensed vials) as the containers see
    it.

    mg given, containers opened, mg documented as discarded (None: nothing is). `drawn_mg`: what
    vials were opened for, the whole bag where part of one was given. `ndc`: of the record;
    `vial_mg`: content of its container. `problem`: its own records disagree; `unread`: a documented
    discard that says no mg. `unsettled`: what is open of vials that it shares with other lines.
    """

    references: tuple[str, ...]
    mg: Decimal
    drawn_mg: Decimal
    opened: tuple[Container, ...] = ()
    ndc: Ndc = None
    vial_mg: Decimal | None = None
    discarded: Decimal | None = None
    problem: str | None = None
    unread: str | None = None
    unsettled: Waste | None = None
    family: str | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()


def units(mg: Decimal, mg_per_unit: Decimal, rounding: Literal["up", "down"] = "up") -> int:
    """Whole billing units of an amount in mg (R4: administered units round up)."""
    return int(
        (mg / mg_per_unit).to_integral_value(ROUND_CEILING if rounding == "up" else ROUND_FLOOR)
    )


def together(doses: Sequence[Given]) -> Given:
    """Administrations that were given from the same dispensed vials."""
    amounts = [dose.discarded for dose in doses if dose.discarded is not None]
    return replace(
        doses[0],
        references=_names(doses),
        mg=_sum(dose.mg for dose in doses),
        drawn_mg=_sum(dose.drawn_mg for dose in doses),
        discarded=_sum(amounts) if amounts else None,
        problem=next((dose.problem for dose in doses if dose.problem), None),
        unread=next((dose.unread for dose in doses if dose.unread), None),
        evidence=tuple(dict.fromkeys(chain.from_iterable(dose.evidence for dose in doses))),
        notes=tuple(dict.fromkeys(chain.from_iterable(dose.notes for dose in doses))),
    )


def shared(own: Sequence[Given], others: Sequence[Given]) -> Given:
    """One line's part of dispensed vials that doses on other lines came from, too: settled where
    all together account for them."""
    dose, joint = together(own), waste([together([*own, *others])])
    ndcs = {item.ndc for item in dose.opened}
    if joint.state == "met" and len(ndcs) > 1:
        joint = Waste(
            "missing",
            "Nothing says which of the vials dispensed each dose came from.",
            by=_names(own),
        )
    ndc = ndcs.pop() if len(ndcs) == 1 else None
    part = Container(dose.mg + (dose.discarded or _ZERO), 1, ndc)
    unsettled = (
        None if joint.state == "met" else replace(joint, says=f"{joint.says} {_OTHER_LINES}")
    )
    return replace(dose, opened=(part,), unsettled=unsettled)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return exact(sum(amounts, _ZERO))


def sizes(containers: Iterable[Container]) -> Counter[Decimal | None]:
    found: Counter[Decimal | None] = Counter()
    for container in containers:
        found[container.mg] += container.count
    return found


def _content(containers: Iterable[Container]) -> Decimal:
    return sum((container.count * (container.mg or _ZERO) for container in containers), _ZERO)


def waste(doses: Sequence[Given]) -> Waste:
    """What all administrations of one line together opened and discarded."""
    broken = [dose for dose in doses if dose.problem]
    if broken:
        return Waste("contradicted", _sentence(broken[0].problem), by=_names(broken))
    unread = [dose for dose in doses if dose.unread]
    if unread:
        return Waste("incomplete", _sentence(unread[0].unread), by=_names(unread))
    unsettled = [dose.unsettled for dose in doses if dose.unsettled]
    if unsettled:
        return unsettled[0]
    over = [dose for dose in doses if dose.opened and dose.mg > _content(dose.opened)]
    if over and len(doses) > 1 and _from_one_another(doses):
        opened = chain.from_iterable(dose.opened for dose in doses)
        return waste([replace(together(doses), opened=tuple(opened))])
    if over:
        says = (
            f"{plain(over[0].mg)} mg given, but the containers opened hold"
            f" {plain(_content(over[0].opened))} mg."
        )
        return Waste(
            "contradicted",
            says,
            by=_names(dose for dose in doses if dose in over or dose.discarded is not None),
        )
    found = (
        _documented(doses)
        if any(dose.discarded is not None for dose in doses)
        else _undocumented(doses)
    )
    if found.state == "met" or not _named_twice(doses):
        return found
    return replace(found, says=f"{found.says} {_TWICE}", expected_mg=None)


def _from_one_another(doses: Sequence[Given]) -> bool:
    """Whether the containers recorded for each hold all that was given together: a test dose, and
    the rest of its vial for the dose after it."""
    opened = list(chain.from_iterable(dose.opened for dose in doses))
    alike = all(dose.opened for dose in doses) and len({item.ndc for item in opened}) == 1
    return alike and _sum(dose.mg for dose in doses) <= _content(opened)


def _sentence(said: str | None) -> str:
    return f"{(said or '')[:1].upper()}{(said or '')[1:]}."


def _named_twice(doses: Sequence[Given]) -> bool:
    """Whether several administrations name the same containers, and those hold enough for all of
    them."""
    opened = [dose for dose in doses if dose.opened]
    different = {frozenset(sizes(dose.opened).items()): _content(dose.opened) for dose in opened}
    return len(different) < len(opened) and _sum(
        dose.mg + (dose.discarded or _ZERO) for dose in opened
    ) <= sum(different.values())


def given_by_ndc(doses: Iterable[Given]) -> dict[Ndc, Decimal]:
    """mg given by NDC."""
    return _some(_added(chain.from_iterable(map(_drawn, doses))))


def _drawn(dose: Given) -> Iterator[tuple[Ndc, Decimal]]:
    """What a dose took of each container: the largest are used up first."""
    if not dose.opened:
        yield dose.ndc, dose.mg
        return
    left = dose.mg
    for item in sorted(dose.opened, key=lambda item: item.mg or _ZERO, reverse=True):
        used = min(_content([item]), left)
        left -= used
        yield item.ndc, used
    ndcs = {item.ndc for item in dose.opened}
    yield ndcs.pop() if len(ndcs) == 1 else None, left


def left_by_ndc(doses: Iterable[Given], waste: Waste) -> dict[Ndc, Decimal]:
    """mg of the opened containers that was not given, by NDC."""
    used = given_by_ndc(doses)
    return _some({ndc: mg - used.get(ndc, _ZERO) for ndc, mg in waste.held.items()})


def _some(amounts: Mapping[Ndc, Decimal]) -> dict[Ndc, Decimal]:
    """Without what is nothing."""
    return {ndc: mg for ndc, mg in amounts.items() if exact(mg)}


def _names(doses: Iterable[Given]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(dose.references for dose in doses))


def _undocumented(doses: Sequence[Given]) -> Waste:
    """Nothing said of a discard: settled only where each dose uses up its known containers."""
    unknown = [dose for dose in doses if not dose.opened and dose.vial_mg is None]
    wasted = [(dose, _least_opened(dose) - dose.mg) for dose in doses if dose not in unknown]
    open_rows = [dose for dose, left in wasted if left > 0]
    if not unknown and not open_rows:
        return Waste(
            "met", "Each dose uses up whole containers; nothing is left.", held=_least(doses)
        )
    if unknown:
        return Waste(
            "missing",
            "Nothing says which containers were opened or what was discarded.",
            by=_names([*unknown, *open_rows]),
        )
    expected = sum((left for _, left in wasted), _ZERO)
    says = (
        f"{plain(expected)} mg of the opened containers is not accounted for: document it as"
        " discarded, or what became of it."
    )
    return Waste("missing", says, by=_names(open_rows), expected_mg=expected)


def _least_opened(dose: Given) -> Decimal:
    """mg in the containers documented, or in the fewest of the NDC's that cover the dose."""
    return _content(dose.opened) if dose.opened else whole(dose.drawn_mg, dose.vial_mg or _ZERO)


def _documented(doses: Sequence[Given]) -> Waste:
    """Given and discarded together must be what the opened containers hold, over the whole line."""
    mg, left = _sum(dose.mg for dose in doses), _sum(dose.discarded or _ZERO for dose in doses)
    unknown = [dose for dose in doses if not dose.opened and dose.vial_mg is None]
    if unknown:
        return _partly_known(doses, unknown, mg, left)
    least = _least(doses)
    spare = _spare(doses, mg + left - _sum(least.values()))
    if spare is None:
        held = plain(_sum(least.values()))
        says = (
            f"{plain(mg)} mg given and {plain(left)} mg discarded do not add up to what the"
            f" opened containers hold ({held} mg)."
        )
        return Waste(
            "contradicted", says, by=_names(dose for dose in doses if dose.discarded is not None)
        )
    total = mg + left
    says = (
        f"{plain(mg)} mg given + {plain(left)} mg discarded = {plain(total)} mg in the containers"
        " opened."
    )
    return Waste(
        "met",
        says,
        left,
        total,
        saving=_saving(doses, total),
        held=_added([*least.items(), *spare.items()]),
    )


def _partly_known(
    doses: Sequence[Given], unknown: list[Given], mg: Decimal, left: Decimal
) -> Waste:
    """Of an unknown container the total is given + discarded; the others are settled among
    themselves."""
    silent = [dose for dose in unknown if dose.discarded is None]
    if silent:
        return Waste(
            "missing",
            "Nothing says which containers were opened or what was discarded.",
            by=_names(silent),
        )
    known = waste([dose for dose in doses if dose not in unknown])
    if known.state != "met":
        return known
    held = _added(
        [
            *known.held.items(),
            *((dose.ndc, dose.mg + (dose.discarded or _ZERO)) for dose in unknown),
        ]
    )
    return Waste(
        "met",
        f"{plain(mg)} mg given, {plain(left)} mg discarded as documented.",
        left,
        mg + left,
        held=held,
    )


def _least(doses: Sequence[Given]) -> dict[Ndc, Decimal]:
    """mg by NDC in the containers documented, and in the fewest more that cover the doses of which
    only the NDC is known."""
    held: dict[Ndc, Decimal] = {}
    used: dict[Ndc, Decimal] = {}
    documented = [dose for dose in doses if dose.opened]
    if documented:
        opened = chain.from_iterable(dose.opened for dose in documented)
        held = _added((item.ndc, _content([item])) for item in opened)
        used = given_by_ndc(documented)
    for ndc, size in _vials(doses).items():
        drawn = _sum([dose.drawn_mg for dose in doses if not dose.opened and dose.ndc == ndc])
        unused = held.get(ndc, _ZERO) - used.get(ndc, _ZERO)
        held[ndc] = held.get(ndc, _ZERO) + whole(max(drawn - unused, _ZERO), size)
    return held


def _vials(doses: Iterable[Given]) -> dict[Ndc, Decimal]:
    """The vials by NDC that doses without documented containers came from."""
    return {dose.ndc: dose.vial_mg for dose in doses if not dose.opened and dose.vial_mg}


def _spare(doses: Sequence[Given], mg: Decimal) -> dict[Ndc, Decimal] | None:
    """The fewest vials, beside those that the doses need, that hold so many mg; None where whole
    ones do not."""
    vials = {size: ndc for ndc, size in _vials(doses).items()}
    counts = combinations(*(range(min(int(mg // size), _MOST_SPARE) + 1) for size in vials))
    spare = (
        {vials[size]: count * size for size, count in zip(vials, chosen, strict=True)}
        for chosen in sorted(counts, key=sum)
    )
    return next((found for found in spare if sum(found.values()) == mg), None)


def _added(amounts: Iterable[tuple[Ndc, Decimal]]) -> dict[Ndc, Decimal]:
    """Sums by NDC."""
    found: defaultdict[Ndc, Decimal] = defaultdict(Decimal)
    for ndc, mg in amounts:
        found[ndc] += mg
    return dict(found)


def _saving(doses: Sequence[Given], total: Decimal) -> str | None:
    """A smaller container of the product that would have left less."""
    mg = _sum(dose.mg for dose in doses)
    left = total - mg
    if left <= 0 or len(doses) != 1:
        return None
    known = sorted(contents(doses[0].family))
    best = min((whole(mg, size) - mg for size in known), default=left)
    if best >= left:
        return None
    size = next(size for size in known if whole(mg, size) - mg == best)
    return (
        f"saving: containers of {plain(size)} mg would have left {plain(best)} mg instead of"
        f" {plain(left)} mg"
    )
