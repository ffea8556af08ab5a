"""The figures of a population: each a table and the bars drawn from it.

Held by tests/unit/test_bulk.py.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import chain, repeat
from statistics import median

from integration.bulk.output import Summary
from integration.bulk.reporting.figure import MOST, Bar, Figure
from integration.bulk.reporting.payments import refusals, remitted
from integration.bulk.sums import LATER, PASSED, SPANS, UNKNOWN, WAITING_LONG, Cell, Sums, Table
from integration.wording import words
from integration.wording.amounts import money
from integration.wording.spans import counted
from mappings.dose.vials import Saving, Wasted, saving
from mappings.policy.choosing import PolicySet

STATES = ("ready", "held", "packaged", "bundled", "not billable")


def figures(summary: Summary, policies: PolicySet) -> list[Figure]:
    sums = summary.sums
    titles = {policy.id: policy.title for policy in policies.policies}
    tables = sums.tables
    return [
        _states(sums),
        _causes(tables.get("cause", {})),
        _by("payer", "By payer's policy", tables, lambda name: titles.get(name, name)),
        _by("site", "By place", tables, str),
        _by("month", "By month of the dose", tables, _month, in_time=True),
        _deadlines(tables.get("deadline", {})),
        _waiting(tables.get("waiting", {})),
        _completed(sums.completed, lambda name: titles.get(name, name)),
        _waste(sums.wasted),
        *([remitted(sums, titles), refusals(sums)] if sums.remitted else []),
    ]


def _month(name: str) -> str:
    return name if name == UNKNOWN else words.day(name)


def _all(cells: Iterable[Cell]) -> Cell:
    found = Cell()
    for cell in cells:
        found.add(cell)
    return found


def _worth(cell: Cell) -> str:
    if not cell.lines:
        return "nothing"
    if cell.unpriced == cell.lines:
        return "not priced"
    return money(cell.money) + (f" and {cell.unpriced} not priced" if cell.unpriced else "")


def _states(sums: Sums) -> Figure:
    found = [(state, sums.states[state]) for state in STATES if state in sums.states]
    ready, held = (sums.states.get(state, Cell()) for state in ("ready", "held"))
    return Figure(
        "states",
        "Claim lines",
        f"{_worth(ready)} is ready to be billed, {_worth(held)} is held.",
        ("state", "lines", "money"),
        tuple((state, f"{cell.lines:,}", _money_of(state, cell)) for state, cell in found),
        tuple(
            Bar(state, ((state, float(cell.lines)),), f"{words.plural(cell.lines, 'line')}")
            for state, cell in found
        ),
    )


def _money_of(state: str, cell: Cell) -> str:
    """What is packaged, bundled or not billed has no money of its own."""
    return _worth(cell) if state in ("ready", "held") else ""


def _causes(table: Table) -> Figure:
    found = sorted(
        ((words.title(name), _all(states.values())) for name, states in table.items()),
        key=lambda cause: (-cause[1].money, -cause[1].lines, cause[0]),
    )
    return Figure(
        "causes",
        "What holds lines",
        "A line that is held by several things stands under each of them."
        if found
        else "Nothing is held.",
        ("cause", "lines", "money"),
        _rows(found),
        tuple(
            Bar(name, (("held", float(cell.money)),), _worth(cell)) for name, cell in found[:MOST]
        ),
    )


def _by(
    by: str,
    title: str,
    tables: dict[str, Table],
    called: Callable[[str], str],
    in_time: bool = False,
) -> Figure:
    table = tables.get(by, {})
    none = Cell()
    found = [
        (called(name), states.get("ready", none), states.get("held", none), _all(states.values()))
        for name, states in sorted(table.items())
    ]
    if not in_time:
        found.sort(key=lambda group: (-group[1].money - group[2].money, -group[3].lines, group[0]))
    return Figure(
        by,
        title,
        f"The first {MOST} of {len(found)} are drawn." if len(found) > MOST else "",
        (by, "lines", "ready", "held"),
        tuple(
            (name, f"{whole.lines:,}", _worth(ready), _worth(held))
            for name, ready, held, whole in found
        ),
        tuple(
            Bar(
                name,
                _ready_and_held({"ready": ready, "held": held}),
                f"{_worth(ready)} ready, {_worth(held)} held",
            )
            for name, ready, held, _ in found[:MOST]
        ),
    )


def _in_order(table: Table, order: Sequence[str]) -> list[tuple[str, Cell]]:
    return [(name, _all(table[name].values())) for name in order if name in table]


def _rows(found: Sequence[tuple[str, Cell]]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, f"{cell.lines:,}", _worth(cell)) for name, cell in found)


def _deadlines(table: Table) -> Figure:
    order = [PASSED, *(name for _, name in SPANS), LATER, UNKNOWN]
    found = _in_order(table, order)
    passed = _all(table.get(PASSED, {}).values())
    return Figure(
        "deadlines",
        "Until when payers take the claims",
        f"{words.plural(passed.lines, 'line')} can be filed no more." if passed.lines else "",
        ("last day", "lines", "money"),
        _rows(found),
        tuple(Bar(name, _ready_and_held(table[name]), _worth(cell)) for name, cell in found),
    )


def _ready_and_held(states: dict[str, Cell]) -> tuple[tuple[str, float], ...]:
    return tuple((state, float(states.get(state, Cell()).money)) for state in ("ready", "held"))


def _waiting(table: Table) -> Figure:
    found = _in_order(table, [*(name for _, name in SPANS), WAITING_LONG])
    return Figure(
        "waiting",
        "How long ago the dose of a held line was",
        "",
        ("dose", "lines", "money"),
        _rows(found),
        tuple(Bar(name, (("held", float(cell.money)),), _worth(cell)) for name, cell in found),
    )


def _completed(counts: dict[str, dict[int, int]], called: Callable[[str], str]) -> Figure:
    """By payer the median and the ninth of ten; of all, how many in which span of days."""
    all_days = _days(counts.values())
    spans = counted(all_days)
    by_payer = sorted(
        ((called(name), _days([found])) for name, found in counts.items()),
        key=lambda payer: (-len(payer[1]), payer[0]),
    )
    return Figure(
        "complete",
        "From the dose to the last document of a ready line",
        f"Half were complete {_within(median(all_days))}, nine of ten"
        f" {_within(_ninth(all_days))}: by when orders, notes and diagnoses were recorded, and"
        " results taken. A change of the dose's own record bears no date."
        if all_days
        else "No line is ready.",
        ("payer", "lines", "median days", "nine of ten"),
        tuple(
            (name, f"{len(days):,}", f"{median(days):g}", f"{_ninth(days)}")
            for name, days in by_payer
        ),
        tuple(
            Bar(label, (("ready", float(count)),), words.plural(count, "line"))
            for label, count in spans
            if all_days
        ),
    )


def _days(counts: Iterable[dict[int, int]]) -> list[int]:
    """Of each line, in order."""
    pairs = chain.from_iterable(found.items() for found in counts)
    return sorted(chain.from_iterable(repeat(day, lines) for day, lines in pairs))


def _within(days: float) -> str:
    if not days:
        return "on the day of the dose"
    return f"within {days:g} {'day' if days == 1 else 'days'}"


def _ninth(days: Sequence[int]) -> int:
    return days[(9 * len(days) - 1) // 10]


def savings(wasted: dict[str, Cell]) -> list[tuple[str, Saving, Cell]]:
    """Doses of one size with what was left of each: what smaller vials would have saved of all of
    them, the most money first."""
    found = []
    for name, cell in wasted.items():
        code, given, discarded, sizes = name.split("\t")
        priced = cell.lines - cell.unpriced
        money_of_one = cell.money / priced if priced else None
        one = saving(Wasted(code, int(given), int(discarded), money_of_one))
        of_all = Saving(
            one.mg * cell.lines,
            cell.money if priced else None,
            one.saved_mg * cell.lines,
            None if one.saved_money is None else one.saved_money * priced,
        )
        opened = f" from {sizes} mg" if sizes else ""
        units = f"{discarded} of {int(given) + int(discarded)} units"
        found.append((f"{code}: {units}{opened}", of_all, cell))
    return sorted(found, key=lambda dose: (-(dose[1].money or 0), -dose[1].mg, dose[0]))


def _waste(wasted: dict[str, Cell]) -> Figure:
    found = savings(wasted)
    lost = _all(cell for _, _, cell in found)
    amounts = [discard.saved_money for _, discard, _ in found if discard.saved_money is not None]
    saved = money(sum(amounts, Decimal(0)) if amounts else None)
    return Figure(
        "waste",
        "Discarded drug",
        f"{_worth(lost)} was discarded; smaller vials would have saved {saved} of it."
        if found
        else "Nothing was discarded.",
        ("discarded", "mg", "money", "avoidable mg", "avoidable"),
        tuple(
            (name, _mg(discard.mg), _worth(cell), _mg(discard.saved_mg), money(discard.saved_money))
            for name, discard, cell in found
        ),
        tuple(
            Bar(
                name,
                (
                    ("avoidable", float(discard.saved_mg)),
                    ("unavoidable", float(discard.mg - discard.saved_mg)),
                ),
                f"{_mg(discard.mg)} mg, {_mg(discard.saved_mg)} mg of it avoidable",
            )
            for name, discard, _ in found[:MOST]
        ),
    )


def _mg(value: Decimal) -> str:
    return f"{value.normalize():,f}"
