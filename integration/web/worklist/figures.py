"""Figures for the billing office: bars with the table behind them, and each table as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from statistics import median
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response

from integration.smart.refusal import Refusal
from integration.smart.sessions import Session
from integration.store import Db, audit, figures
from integration.store.figures import Wasted
from integration.web.gate import House, InHouse, with_role
from integration.web.pages import PageRoute, actor, download, page
from integration.wording import amounts, words
from mappings import codes
from mappings.values.us_dates import us_month
from mappings.writing.table import safe

router = APIRouter(route_class=PageRoute, include_in_schema=False)
Biller = Annotated[Session, with_role("biller", "admin")]
DAYS = ((0, 2), (3, 7), (8, 14), (15, 30), (31, None))
LABELS, BARS, ROW = 170, 230, 30


@dataclass(frozen=True)
class Bar:
    label: str
    value: str
    width: float
    y: int
    part: float | None = None  # the share that is shaded otherwise


@dataclass(frozen=True)
class Figure:
    """`rows` are the table behind the plot, and its CSV."""

    name: str
    title: str
    says: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    bars: tuple[Bar, ...]
    note: str = ""

    @property
    def height(self) -> int:
        return ROW * len(self.bars) + 6


@dataclass(frozen=True)
class Saving:
    """What was thrown away, and what the smallest vials on the market would have left over."""

    mg: Decimal
    money: Decimal
    saved_mg: Decimal
    saved_money: Decimal


@router.get("/figures")
def show(request: Request, here: InHouse, session: Biller) -> Response:
    with here.store.transaction() as db:
        found = figures_now(db, sorted(here.settings.sites))
        audit.note(db, actor(session), "saw the figures", role="biller")
    return page(
        request,
        "figures.html",
        figures=found,
        csrf=session.csrf,
        user=session.who.label,
        labels=LABELS,
        width=LABELS + BARS + 80,
    )


@router.get("/figures/{name}.csv")
def table(here: InHouse, session: Biller, name: str) -> Response:
    with here.store.transaction() as db:
        found = next(
            (
                figure
                for figure in figures_now(db, sorted(here.settings.sites))
                if figure.name == name
            ),
            None,
        )
        audit.note(db, actor(session), "exported a figure", role="biller", figure=name[:40])
    if found is None:
        raise Refusal("Not found", "There is no such figure.", status=404)
    return _csv(found, here)


def _csv(figure: Figure, here: House) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(figure.header)
    for row in figure.rows:
        writer.writerow([safe(cell) for cell in row])
    return download(out.getvalue(), f"{figure.name}.csv", here)


def figures_now(db: Db, sites: Sequence[str]) -> list[Figure]:
    """All figures of these sites."""
    return [
        _held(db, sites),
        _times(db, sites),
        _clean(db, sites),
        _denials(db, sites),
        _waste(figures.wasted(db, sites)),
    ]


def _held(db: Db, sites: Sequence[str]) -> Figure:
    found = figures.held(db, sites)
    rows = tuple((words.title(row.requirement), row.lines, row.money) for row in found)
    return Figure(
        "held",
        "Money held, by cause",
        (
            f"{words.title(found[0].requirement)} holds the most, {amounts.money(found[0].money)}."
            if found
            else "Nothing is held."
        ),
        ("cause", "lines", "money"),
        rows,
        _bars([(label, amounts.money(money), float(money)) for label, _, money in rows]),
        "A line with two causes is counted under both.",
    )


def _times(db: Db, sites: Sequence[str]) -> Figure:
    days = figures.days_to_complete(db, sites)
    groups = [
        (_span(low, high), sum(low <= day and (high is None or day <= high) for day in days))
        for low, high in DAYS
    ]
    return Figure(
        "time-to-complete",
        "From the dose to a complete record",
        (
            f"Half of {words.plural(len(days), 'line')} were complete within {median(days):g} days."
            if days
            else "No line is complete yet."
        ),
        ("time", "lines"),
        tuple(groups),
        _bars([(label, str(count), float(count)) for label, count in groups]) if days else (),
    )


def _clean(db: Db, sites: Sequence[str]) -> Figure:
    found = figures.first_looks(db, sites)
    lines, clean = sum(row.lines for row in found), sum(row.clean for row in found)
    rows = tuple(
        (us_month(row.month), row.lines, row.clean, f"{100 * row.clean / row.lines:.0f}%")
        for row in found
    )
    return Figure(
        "clean-at-first-assessment",
        "Clean at first assessment",
        (
            f"{clean} of {words.plural(lines, 'line')} ({100 * clean / lines:.0f}%) needed"
            " nothing from anybody."
            if lines
            else "No line yet."
        ),
        ("month of service", "lines", "clean", "rate"),
        rows,
        _bars(
            [
                (row[0], str(row[3]), 100 * look.clean / look.lines)
                for row, look in zip(rows, found, strict=True)
            ],
            100,
        ),
    )


def _denials(db: Db, sites: Sequence[str]) -> Figure:
    rows = tuple(
        (f"CARC {row.carc}", row.lines, row.money, "none read")
        for row in figures.predicted(db, sites)
    )
    return Figure(
        "denials",
        "Predicted against real denials",
        "What the held lines would be denied for if they were sent as they are. No remittances"
        " have been read yet to compare with.",
        ("denial", "lines predicted", "money", "denied"),
        rows,
        _bars([(str(row[0]), amounts.money(row[2]), float(row[2])) for row in rows]),
    )


def _waste(rows: Sequence[Wasted]) -> Figure:
    by_code: dict[str, list[Saving]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(saving(row))
    totals = {
        code: Saving(*(sum(column, Decimal(0)) for column in zip(*map(_parts, found), strict=True)))
        for code, found in by_code.items()
    }
    money, saved = (
        sum((t.money for t in totals.values()), Decimal(0)),
        sum((t.saved_money for t in totals.values()), Decimal(0)),
    )
    told = (
        f"{amounts.money(money)} was discarded; smaller vials would have saved"
        f" {amounts.money(saved)} of it."
    )
    return Figure(
        "waste",
        "Discarded drug",
        told if totals else "Nothing was discarded.",
        ("code", "discarded mg", "discarded money", "avoidable mg", "avoidable money"),
        tuple(
            (code, t.mg, t.money, t.saved_mg, t.saved_money) for code, t in sorted(totals.items())
        ),
        _bars(
            [
                (code, f"{t.mg.normalize():f} mg", float(t.mg), float(t.saved_mg))
                for code, t in sorted(totals.items())
            ]
        ),
        "Hatched: what the smallest vials of the same product would have saved.",
    )


def _parts(row: Saving) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return row.mg, row.money, row.saved_mg, row.saved_money


def saving(row: Wasted) -> Saving:
    """What of one JW line the best choice of vials would have saved."""
    found = next(
        (
            (family, code)
            for family in codes.families().values()
            for code in family.codes
            if code.code == row.code
        ),
        None,
    )
    money = row.money or Decimal(0)
    if found is None:
        return Saving(Decimal(0), money, Decimal(0), Decimal(0))
    family, code = found
    mg, given = row.wasted_units * code.mg_per_unit, row.given_units * code.mg_per_unit
    sizes = {package.mg for package in codes.packages().values() if package.family == family.family}
    saved = max(Decimal(0), mg - least_left(given, sizes)) if given and sizes else Decimal(0)
    return Saving(
        mg, money, saved, (money * saved / mg).quantize(Decimal("0.01")) if mg else Decimal(0)
    )


def least_left(given_mg: Decimal, sizes: set[Decimal]) -> Decimal:
    """The least that can be left over of whole vials that cover a dose."""
    reach = {Decimal(0)}
    best = min(size * (given_mg / size).to_integral_value(ROUND_CEILING) for size in sizes)
    todo = [Decimal(0)]
    while todo:
        have = todo.pop()
        for size in sizes:
            total = have + size
            if total >= given_mg:
                best = min(best, total)
            elif total not in reach:
                reach.add(total)
                todo.append(total)
    return best - given_mg


def _span(low: int, high: int | None) -> str:
    return f"more than {low - 1} days" if high is None else f"{low} to {high} days"


def _bars(
    rows: Sequence[tuple[str, str, float] | tuple[str, str, float, float]],
    most: float | None = None,
) -> tuple[Bar, ...]:
    highest = most or max((row[2] for row in rows), default=0) or 1
    return tuple(
        Bar(
            row[0],
            row[1],
            round(BARS * row[2] / highest, 1),
            ROW * place,
            round(BARS * row[3] / highest, 1) if len(row) == 4 else None,
        )
        for place, row in enumerate(rows)
    )
