"""Figures for the billing office: bars with the table behind them, and each table as CSV.

Held by tests/unit/test_figures.py.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from integration.smart.refusal import Refusal
from integration.store import Db, audit, figures, worklist
from integration.store.figures import Scope
from integration.web.gate import Biller, OfPages, PageContext
from integration.web.pages import PageRoute, actor, download, page
from integration.web.worklist.sites import payers
from integration.wording import amounts, words
from integration.wording.amounts import Sum
from integration.wording.spans import counted
from mappings.dose.vials import Saving, Wasted, saving
from mappings.values.us_dates import us_month
from mappings.writing.answers.write_offs import write_off_reasons
from mappings.writing.table import safe

router = APIRouter(route_class=PageRoute, include_in_schema=False)
FigureName = Literal[
    "held", "time-to-complete", "clean-at-first-assessment", "denials", "written-off", "waste"
]
Period = Literal["", "30", "90", "365"]
PERIODS: dict[Period, str] = {
    "": "all days of service",
    "30": "the last 30 days",
    "90": "the last 90 days",
    "365": "the last year",
}


@dataclass(frozen=True)
class BillingBar:
    """`share` of the width, in percent; `part` of it is hatched."""

    label: str
    value: str
    share: float
    part: float | None = None


@dataclass(frozen=True)
class BillingFigure:
    """`rows` are the table behind the plot, and its CSV."""

    name: FigureName
    title: str
    says: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    bars: tuple[BillingBar, ...]
    note: str = ""


@dataclass(frozen=True)
class Chosen:
    """Period and payer as they stand in the address."""

    period: Period = ""
    policy: str = ""

    def scope(self, sites: Sequence[str]) -> Scope:
        days = timedelta(days=int(self.period)) if self.period else None
        today = date.today()  # noqa: DTZ011 (days of service, here)
        return Scope(sites, self.policy or None, today - days if days else None)

    @property
    def query(self) -> str:
        wanted = {"period": self.period, "policy": self.policy}
        kept = {name: value for name, value in wanted.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


def _chosen(period: str = "", policy: str = "") -> Chosen:
    """What cannot be read is left out."""
    known: Period = period if period in PERIODS else ""
    return Chosen(known, policy[:80].replace("\0", ""))


Choice = Annotated[Chosen, Depends(_chosen)]


@router.get("/figures")
def show(request: Request, here: OfPages, session: Biller, chosen: Choice) -> Response:
    sites = sorted(here.settings.sites)
    with here.store.snapshot() as db:
        found = figures_now(db, chosen.scope(sites))
        policies = worklist.choices(db, sites)["policy"]
        audit.note(db, actor(session), "saw the figures", role="biller")
    names = payers(here)
    return page(
        request,
        "figures.html",
        figures=found,
        csrf=session.csrf,
        user=session.who.label,
        chosen=chosen,
        periods=PERIODS.items(),
        payers=[(policy, names.get(policy, policy)) for policy in policies],
    )


@router.get("/figures/{name}.csv")
def table(here: OfPages, session: Biller, name: str, chosen: Choice) -> Response:
    with here.store.snapshot() as db:
        every = figures_now(db, chosen.scope(sorted(here.settings.sites)))
        found = next((figure for figure in every if figure.name == name), None)
        audit.note(db, actor(session), "exported a figure", role="biller", figure=name[:40])
    if found is None:
        raise Refusal("Not found", "There is no such figure.", status=404)
    return _csv(found, here)


def _csv(figure: BillingFigure, here: PageContext) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(figure.header)
    for row in figure.rows:
        writer.writerow([safe(cell) for cell in row])
    return download(out.getvalue(), f"{figure.name}.csv", here)


def figures_now(db: Db, scope: Scope) -> list[BillingFigure]:
    """All figures of these lines."""
    return [
        _held(figures.held(db, scope)),
        _times(figures.times_to_complete(db, scope)),
        _clean(figures.first_looks(db, scope)),
        _denials(figures.predicted(db, scope), figures.denied(db, scope)),
        _written_off(figures.written_off(db, scope)),
        _waste(figures.wasted(db, scope)),
    ]


def _held(found: Sequence[figures.HeldMoney]) -> BillingFigure:
    sums = [(words.title(cause.requirement), _worth(cause)) for cause in found]
    says = f"{sums[0][0]} holds the most, {amounts.amount(sums[0][1])}." if sums else None
    return BillingFigure(
        "held",
        "Money held, by cause",
        says or "Nothing is held.",
        ("cause", "lines", "money", "lines not priced"),
        tuple((label, worth.lines, _cell(worth), worth.unpriced) for label, worth in sums),
        _bars([(label, amounts.amount(worth), float(worth.money)) for label, worth in sums]),
        "A line with two causes is counted under both.",
    )


def _worth(held: figures.HeldMoney | figures.Predicted) -> Sum:
    return Sum(held.lines, held.money, held.charges, held.unpriced)


def _cell(worth: Sum) -> object:
    """Money as a number for a table; the word where none has a price."""
    priced = worth.lines > worth.unpriced + worth.charges
    return worth.money if priced or not worth.lines else amounts.amount(worth)


def _times(found: figures.Times) -> BillingFigure:
    days = found.days
    groups = counted(days)
    if found.unknown:
        groups.append(("not known", found.unknown))
    says = (
        f"Half of {words.plural(len(days), 'line')} were complete within {median(days):g} days of"
        " the dose."
        if days
        else "Of no line the day is known on which its record became complete."
    )
    return BillingFigure(
        "time-to-complete",
        "From the dose to a complete record",
        says if groups and (days or found.unknown) else "No line is complete yet.",
        ("time", "lines"),
        tuple(groups),
        _bars([(label, str(count), float(count)) for label, count in groups])
        if days or found.unknown
        else (),
        (
            "Not known: complete when ferroclaim first saw them, long after the dose."
            if found.unknown
            else ""
        ),
    )


def _clean(found: Sequence[figures.FirstLook]) -> BillingFigure:
    lines, clean = sum(look.lines for look in found), sum(look.clean for look in found)
    months = tuple(
        (us_month(look.month), look.lines, look.clean, f"{100 * look.clean / look.lines:.0f}%")
        for look in found
    )
    return BillingFigure(
        "clean-at-first-assessment",
        "Clean at first assessment",
        (
            f"{clean} of {words.plural(lines, 'line')} ({100 * clean / lines:.0f}%) needed"
            " nothing from anybody."
            if lines
            else "No line yet."
        ),
        ("month of service", "lines", "clean", "rate"),
        months,
        _bars(
            [
                (month[0], str(month[3]), 100 * look.clean / look.lines)
                for month, look in zip(months, found, strict=True)
            ],
            100,
        ),
    )


def _denials(found: Sequence[figures.Predicted], real: figures.RealDenials) -> BillingFigure:
    sums = {denial.carc: _worth(denial) for denial in found}
    carcs = [*sums, *(carc for carc in real.by_carc if carc not in sums)]
    told = (
        f"Beside them what payers denied of {words.plural(real.answered, 'line')} that they"
        " answered."
        if real.answered
        else "No remittances have been read yet to compare with."
    )
    return BillingFigure(
        "denials",
        "Predicted against real denials",
        f"What the held lines would be denied for if they were sent as they are. {told}",
        ("denial", "lines predicted", "money", "lines denied", "money denied"),
        tuple(_denial(carc, sums.get(carc, amounts.NOTHING), real) for carc in carcs),
        _bars([
            (f"CARC {carc}", amounts.amount(worth), float(worth.money))
            for carc, worth in sums.items()
        ]),
    )  # fmt: skip


def _denial(carc: str, predicted: Sum, real: figures.RealDenials) -> tuple[object, ...]:
    lines, money = real.by_carc.get(carc, (0, Decimal(0)))
    denied = (lines, money) if real.answered else ("none read", "none read")
    return (f"CARC {carc}", predicted.lines, _cell(predicted), *denied)


def _written_off(found: figures.WrittenOff) -> BillingFigure:
    reasons = write_off_reasons()
    why = "; ".join(
        f"{reasons.get(reason, reason)} ({words.plural(lines, 'line')}, {amounts.money(money)})"
        for reason, (lines, money) in found.by_reason.items()
    )
    labels = [(f"CARC {carc}" if carc else "no CARC") for carc in found.by_carc]
    sums = list(found.by_carc.values())
    return BillingFigure(
        "written-off",
        "Written off",
        (
            f"{words.plural(found.lines, 'line')} that nobody pursues,"
            f" {amounts.money(found.money)}: {why}."
            if found.lines
            else "Nothing is written off."
        ),
        ("denial", "lines", "money"),
        tuple((label, *one) for label, one in zip(labels, sums, strict=True)),
        _bars(
            [
                (label, amounts.money(money), float(money))
                for label, (_, money) in zip(labels, sums, strict=True)
            ]
        ),
        "A line that was denied for two reasons is counted under both.",
    )


def _waste(discards: Sequence[Wasted]) -> BillingFigure:
    by_code: dict[str, list[Saving]] = {}
    for discard in discards:
        by_code.setdefault(discard.code, []).append(saving(discard))
    totals = {code: _together(found) for code, found in sorted(by_code.items())}
    every = _together(list(totals.values()))
    told = (
        f"{every.mg.normalize():f} mg was discarded, {amounts.money(every.money)}; smaller vials"
        f" would have saved {every.saved_mg.normalize():f} mg of it,"
        f" {amounts.money(every.saved_money)}."
    )
    return BillingFigure(
        "waste",
        "Discarded drug",
        told if totals else "Nothing was discarded.",
        ("code", "discarded mg", "discarded money", "avoidable mg", "avoidable money"),
        tuple(
            (code, t.mg, _priced(t.money), t.saved_mg, _priced(t.saved_money))
            for code, t in totals.items()
        ),
        _bars(
            [
                (code, f"{t.mg.normalize():f} mg", float(t.mg), float(t.saved_mg))
                for code, t in totals.items()
            ]
        ),
        "Hatched: what the smallest vials of the same product would have saved.",
    )


def _together(savings: Sequence[Saving]) -> Saving:
    return Saving(
        sum((one.mg for one in savings), Decimal(0)),
        _sum([one.money for one in savings]),
        sum((one.saved_mg for one in savings), Decimal(0)),
        _sum([one.saved_money for one in savings]),
    )


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    """None where none of them is known."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def _priced(value: Decimal | None) -> object:
    return value if value is not None else "not priced"


def _bars(
    bars: Sequence[tuple[str, str, float] | tuple[str, str, float, float]],
    most: float | None = None,
) -> tuple[BillingBar, ...]:
    highest = most or max((bar[2] for bar in bars), default=0) or 1
    return tuple(
        BillingBar(
            bar[0],
            bar[1],
            round(100 * bar[2] / highest, 1),
            round(100 * bar[3] / highest, 1) if len(bar) == 4 else None,
        )
        for bar in bars
    )
