"""The time line: doses as ticks, ferritin and TSAT as lines on axes of their own, the payer's
limits as bands.

Geometry only; the template draws it as SVG and as the table below. Shapes and words carry the
meaning, color only helps.

Held by tests/unit/test_timeline.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from itertools import chain

from integration.web.chart.labels import Label, Labels, width_of
from integration.wording.words import day
from mappings.assessment import Asked
from mappings.circumstances import labs as laboratory
from mappings.policy.conditions import And, Compare, Node, Or, parse
from mappings.policy.laboratory import LAB_VALUES
from mappings.record import LabResult
from mappings.values.moment import Span

LEFT, RIGHT, TOP = 46, 14, 16
DOSES, PANEL, BETWEEN, AXIS = 76, 92, 38, 26
NAMES = ("ferritin", "tsat")
Spread = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """`spread`: from where to where it may be, where its day is not known. `label` is None where it
    would run into others; the table has it."""

    x: float
    y: float
    label: Label | None
    title: str
    spread: Spread | None = None


@dataclass(frozen=True)
class Band:
    """Where the payer's limit holds, `top` to `bottom`; `edge` is the limit itself."""

    top: float
    bottom: float
    edge: float
    label: Label | None


@dataclass(frozen=True)
class ResultWindow:
    """The days in which a result counts for the newest dose; `says` stands below the plot."""

    left: float
    right: float
    says: str


@dataclass(frozen=True)
class Tick:
    """`row`: labels that would run into each other stand one above the other. `spread`: as of a
    point."""

    x: float
    label: str
    title: str = ""
    anchor: str = "middle"
    row: int = 0
    spread: Spread | None = None


@dataclass(frozen=True)
class Panel:
    name: str
    title: str
    top: float
    bottom: float
    points: tuple[Point, ...]
    path: str
    bands: tuple[Band, ...]
    scale: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Timeline:
    width: int
    height: int
    left: float
    right: float
    doses: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    window: ResultWindow | None
    today: Tick | None
    months: tuple[Tick, ...]
    says: str


@dataclass(frozen=True)
class DoseTick:
    on: Span
    mg: Decimal | None


@dataclass(frozen=True)
class PlotRow:
    """A row of the table behind the plot."""

    on: Span
    what: str
    value: str
    resource: str


def timeline(
    doses: Sequence[DoseTick],
    labs: Sequence[LabResult],
    rules: Sequence[Asked],
    today: date,
    zone: tzinfo | None = None,
    width: int = 760,
) -> Timeline | None:
    """None where there is nothing to draw."""
    found = {name: _results(labs, name, zone) for name in NAMES}
    spans = [dose.on for dose in doses] + [on for on, _ in chain.from_iterable(found.values())]
    if not spans:
        return None
    earliest, latest = min(spans), max(spans, key=lambda span: span.last)
    scale = _Dates(earliest.first, max(latest.last, today), width)
    limits: list[Compare] = []
    for rule in rules:
        limits += _comparisons(parse(rule.limit)) if rule.limit else []
    panels, top = [], TOP + DOSES
    for name in NAMES:
        panels.append(
            _panel(
                name,
                found[name],
                [limit for limit in limits if limit.name == name],
                scale,
                top,
                today,
            )
        )
        top += PANEL + BETWEEN
    return Timeline(
        width=width,
        height=top - BETWEEN + AXIS,
        left=LEFT,
        right=width - RIGHT,
        doses=_dose_ticks(doses, scale),
        window=_window(doses, rules, scale),
        panels=tuple(panels),
        today=Tick(
            scale.x(today), "today", anchor="end" if scale.x(today) > width - 70 else "middle"
        ),
        months=tuple(scale.months()),
        says=(
            f"{len(doses)} doses, {len(found['ferritin'])} ferritin and {len(found['tsat'])} TSAT"
            f" results from {day(earliest)} to {day(latest)}; the same in the"
            " table below."
        ),
    )


def table(
    doses: Sequence[tuple[DoseTick, str, str]],
    labs: Sequence[LabResult],
    zone: tzinfo | None = None,
) -> list[PlotRow]:
    """What the plot shows, newest first. Doses come with their drug and resource."""
    shown = [
        PlotRow(
            dose.on,
            drug,
            f"{_plain(dose.mg)} mg" if dose.mg is not None else "dose unknown",
            resource,
        )
        for dose, drug, resource in doses
    ]
    for name in NAMES:
        for result in laboratory.usable(labs, name):
            if result.when is not None:
                says = (
                    f"{_shown(result)}"
                    f" {LAB_VALUES[name].unit}{' (from iron and TIBC)' if result.parts else ''}"
                )
                shown.append(
                    PlotRow(
                        result.when.span(zone),
                        LAB_VALUES[name].says.capitalize(),
                        says,
                        result.source.resource,
                    )
                )
    return sorted(shown, key=lambda one: (one.on, one.what, one.resource), reverse=True)


class _Dates:
    """Days to horizontal positions, with some room on both sides."""

    def __init__(self, first: date, last: date, width: int) -> None:
        margin = max(4, round((last - first).days * 0.04))
        self.first, self.last = first - timedelta(days=margin), last + timedelta(days=margin)
        self.width = width

    def x(self, on: date) -> float:
        part = (on - self.first).days / max(1, (self.last - self.first).days)
        return round(LEFT + part * (self.width - LEFT - RIGHT), 1)

    def middle(self, on: Span) -> float:
        return round((self.x(on.first) + self.x(on.last)) / 2, 1)

    def spread(self, on: Span) -> Spread | None:
        """None for a day."""
        return None if on.first == on.last else (self.x(on.first), self.x(on.last))

    def months(self) -> list[Tick]:
        starts: list[date] = []
        year, month = self.first.year, self.first.month
        while (month_start := date(year, month, 1)) <= self.last:
            if month_start >= self.first:
                starts.append(month_start)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        every = 1 + len(starts) * 62 // self.width
        ticks = []
        for on in starts[::every]:
            text = f"{on:%b} {on.year}" if on.month == 1 or on == starts[0] else f"{on:%b}"
            at_end = self.x(on) + width_of(text) / 2 > self.width
            ticks.append(Tick(self.x(on), text, anchor="end" if at_end else "middle"))
        return ticks


def _dose_ticks(doses: Sequence[DoseTick], scale: _Dates) -> tuple[Tick, ...]:
    """Labels in two rows; what fits in neither is left to the table."""
    ticks: list[Tick] = []
    free_from = [0.0, 0.0]
    for dose in sorted(doses, key=lambda one: scale.middle(one.on)):
        x, mg = scale.middle(dose.on), "?" if dose.mg is None else _plain(dose.mg)
        half = 4 * len(mg) + 2
        level = next((number for number, free in enumerate(free_from) if x - half >= free), None)
        if level is not None:
            free_from[level] = x + half
        label, title = mg if level is not None else "", f"{day(dose.on)}: {mg} mg"
        ticks.append(Tick(x, label, title, row=level or 0, spread=scale.spread(dose.on)))
    return tuple(ticks)


def _window(
    doses: Sequence[DoseTick], rules: Sequence[Asked], scale: _Dates
) -> ResultWindow | None:
    """None where the day of the newest dose is not known: nothing can be counted back from it."""
    days = max((rule.window_days for rule in rules if rule.window_days is not None), default=None)
    newest = max((dose.on for dose in doses), key=lambda span: span.last, default=None)
    if days is None or newest is None or newest.first != newest.last:
        return None
    last = newest.last
    return ResultWindow(
        scale.x(max(last - timedelta(days=days), scale.first)),
        scale.x(last),
        f"the {days} days before {day(last, year=False)}",
    )


def _results(
    labs: Sequence[LabResult], name: str, zone: tzinfo | None
) -> list[tuple[Span, LabResult]]:
    found = [
        (result.when.span(zone), result)
        for result in laboratory.usable(labs, name)
        if result.when is not None and _middle(result) is not None
    ]
    return sorted(found, key=lambda one: (one[0], one[1].source.resource))


def _middle(result: LabResult) -> Decimal | None:
    """Where a result is drawn; one with a comparator at its limit."""
    known = (value for value in (result.value, result.low, result.high) if value is not None)
    return next(known, None)


def _panel(
    name: str,
    found: list[tuple[Span, LabResult]],
    limits: list[Compare],
    scale: _Dates,
    top: float,
    today: date,
) -> Panel:
    values = [float(_middle(result) or 0) for _, result in found]
    highest = _round_up(
        max([*values, *(float(limit.limit) for limit in limits), 50 if name == "ferritin" else 30])
        * 1.15
    )
    bottom = top + PANEL

    def y(value: float) -> float:
        return round(bottom - value / highest * PANEL, 1)

    labels = Labels(LEFT, scale.width, top, bottom)
    labels.keep_off(scale.x(today))
    at = [(scale.middle(on), y(value)) for (on, _), value in zip(found, values, strict=True)]
    for x, height in at:
        labels.keep_free(x, height)
    bands = tuple(_band(limit, y, top, bottom, labels) for limit in dict.fromkeys(limits))
    points = []
    # The newest is labeled first: it is the one that decides.
    for (on, result), (x, height) in reversed(list(zip(found, at, strict=True))):
        title = f"{day(on)}: {_shown(result)} {LAB_VALUES[name].unit}"
        label = labels.beside(x, height, _shown(result))
        points.append(Point(x, height, label, title, scale.spread(on)))
    points.reverse()
    path = "M" + " L".join(f"{point.x} {point.y}" for point in points) if len(points) > 1 else ""
    marks = tuple((y(value), _plain(Decimal(str(value)))) for value in (0, highest / 2, highest))
    return Panel(
        name,
        f"{LAB_VALUES[name].says.capitalize()}, {LAB_VALUES[name].unit}",
        top,
        bottom,
        tuple(points),
        path,
        bands,
        marks,
    )


def _band(
    compare: Compare, y: Callable[[float], float], top: float, bottom: float, labels: Labels
) -> Band:
    edge = y(float(compare.limit))
    words = {"<": "below", "<=": "≤", ">": "above", ">=": "≥"}[compare.operator]
    below = compare.operator in ("<", "<=")
    label = labels.on_line(edge, f"payer: {words} {compare.limit}")
    return Band(edge if below else top, bottom if below else edge, edge, label)


def _comparisons(node: Node) -> list[Compare]:
    if isinstance(node, Compare):
        return [node]
    parts = node.parts if isinstance(node, And | Or) else ()
    return list(chain.from_iterable(map(_comparisons, parts)))


def _shown(result: LabResult) -> str:
    """`42`, `> 1000`, `5 to 7`."""
    if result.value is not None:
        return _plain(result.value)
    if result.low is None:
        return "?" if result.high is None else f"< {_plain(result.high)}"
    if result.high is None:
        return f"> {_plain(result.low)}"
    return f"{_plain(result.low)} to {_plain(result.high)}"


def _plain(value: Decimal | None) -> str:
    return "?" if value is None else f"{value.normalize():f}"


def _round_up(value: float) -> float:
    """To a number whose half is round, too."""
    for step in (20, 50, 100, 200, 400, 600, 800, 1000, 1500, 2000, 3000, 5000):
        if value <= step:
            return float(step)
    return float(-(-value // 1000) * 1000)
