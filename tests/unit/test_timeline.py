"""The time line's geometry: in the frame, labels apart, limits where they belong."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from integration.web.chart.labels import width_of
from integration.web.chart.timeline import DoseTick, Panel, table, timeline
from integration.wording.words import day
from mappings.assessment import Asked
from mappings.record import LabResult, Source
from mappings.values.moment import parse, shown

TODAY = date(2026, 11, 23)
LIMITS = [Asked(says="", limit="ferritin <= 500 and tsat <= 30", window_days=60)]


def lab(analyte: str, value: int, on: date | str) -> LabResult:
    amount = Decimal(value)
    return LabResult(
        source=Source(f"Observation/{analyte}-{on}"),
        analyte=analyte,
        when=parse(str(on)),
        low=amount,
        high=amount,
    )


def dose(on: date | str, mg: int = 200) -> DoseTick:
    moment = parse(str(on))
    assert moment
    return DoseTick(moment.span(None), Decimal(mg))


days = st.integers(0, 700).map(lambda back: TODAY - timedelta(days=back))


@given(
    st.lists(days, max_size=30),
    st.lists(st.tuples(days, st.integers(0, 6000)), max_size=30),
    st.sampled_from([360, 760]),
)
def test_everything_is_drawn_within_the_frame(
    doses: list[date], labs: list[tuple[date, int]], width: int
) -> None:
    drawn = timeline(
        [dose(on) for on in doses],
        [lab("ferritin", value, on) for on, value in labs],
        LIMITS,
        TODAY,
        width=width,
    )
    if drawn is None:
        assert not doses
        assert not labs
        return
    ferritin, tsat = drawn.panels
    assert all(drawn.left <= tick.x <= drawn.right for tick in (*drawn.doses, *drawn.months))
    assert all(
        drawn.left <= point.x <= drawn.right and ferritin.top <= point.y <= ferritin.bottom
        for point in ferritin.points
    )
    assert tsat.points == ()
    labeled = [(tick.row, tick.x) for tick in drawn.doses if tick.label]
    for row in (0, 1):
        places = sorted(x for at, x in labeled if at == row)
        assert all(second - first >= 20 for first, second in pairwise(places))


def boxes(panel: Panel) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom of each label, at the width of its characters."""
    labels = [point.label for point in panel.points if point.label]
    labels += [band.label for band in panel.bands if band.label]
    starts = {"start": 0.0, "middle": 0.5, "end": 1.0}
    widths = [(label, width_of(label.text)) for label in labels]
    lefts = [(row, row.x - starts[row.anchor] * width, width) for row, width in widths]
    return [(left, row.y - 10, left + width, row.y + 3) for row, left, width in lefts]


@given(
    st.lists(st.tuples(days, st.integers(0, 6000)), min_size=1, max_size=30),
    st.sampled_from([360, 760]),
)
def test_no_label_stands_on_another_or_on_a_mark(labs: list[tuple[date, int]], width: int) -> None:
    results = [lab("ferritin", value, on) for on, value in labs]
    drawn = timeline([dose(TODAY)], results, LIMITS, TODAY, width=width)
    assert drawn
    panel = drawn.panels[0]
    found = boxes(panel)
    for (left, top, right, bottom), (x, y, end, low) in combinations(found, 2):
        assert right <= x or end <= left or bottom <= y or low <= top
    for left, top, right, bottom in found:
        assert drawn.left <= left < right <= width
        for point in panel.points:
            assert not (left < point.x < right and top < point.y < bottom)


def test_the_newest_result_keeps_its_label() -> None:
    labs = [lab("ferritin", 42, TODAY - timedelta(days=back)) for back in range(6)]
    drawn = timeline([dose("2025-06-01")], labs, [], TODAY, width=360)
    assert drawn
    assert drawn.panels[0].points[-1].label


def test_limits_are_bands_and_a_higher_value_stands_higher() -> None:
    labs = [
        lab("ferritin", 400, TODAY - timedelta(days=40)),
        lab("ferritin", 700, TODAY - timedelta(days=10)),
        lab("tsat", 20, TODAY),
    ]
    drawn = timeline([dose(TODAY - timedelta(days=5))], labs, LIMITS, TODAY)
    assert drawn
    ferritin, tsat = drawn.panels
    low, high = ferritin.points
    (band,) = ferritin.bands
    assert high.y < band.edge < low.y
    assert band.bottom == ferritin.bottom
    assert [row.label.text for row in (band, tsat.bands[0]) if row.label] == [
        "payer: ≤ 500",
        "payer: ≤ 30",
    ]
    assert drawn.window
    assert drawn.window.says == f"the 60 days before {day(TODAY - timedelta(days=5), year=False)}"


def test_the_table_has_every_point_newest_first() -> None:
    labs = [lab("ferritin", 42, date(2026, 10, 12)), lab("tsat", 14, date(2026, 7, 20))]
    rows = table([(dose(date(2026, 11, 2), 150), "Venofer", "MedicationAdministration/ma1")], labs)
    assert [(row.on.text, row.what, row.value) for row in rows] == [
        ("2026-11-02", "Venofer", "150 mg"),
        ("2026-10-12", "Ferritin", "42 ng/mL"),
        ("2026-07-20", "Transferrin saturation", "14 %"),
    ]


@given(st.sampled_from(["2026", "2026-10", "2025-12"]), st.sampled_from([360, 760]))
def test_a_date_without_a_day_is_drawn_as_the_days_that_it_may_be(on: str, width: int) -> None:
    drawn = timeline([dose(on)], [lab("ferritin", 42, on)], LIMITS, TODAY, width=width)
    assert drawn
    (tick,), (point,) = drawn.doses, drawn.panels[0].points
    for mark in (tick, point):
        assert mark.spread
        assert drawn.left <= mark.spread[0] < mark.x < mark.spread[1] <= drawn.right
        assert mark.title.startswith(f"{shown(on)}: ")
    assert drawn.window is None  # no day to count back from
    assert f"from {shown(on)} to {shown(on)}" in drawn.says


def test_a_day_is_drawn_as_a_day() -> None:
    drawn = timeline([dose("2026-11-02")], [lab("ferritin", 42, "2026-10-12")], LIMITS, TODAY)
    assert drawn
    assert (drawn.doses[0].spread, drawn.panels[0].points[0].spread) == (None, None)


def test_the_table_says_a_month_where_a_month_is_known() -> None:
    rows = table(
        [(dose("2026-10"), "Venofer", "MedicationAdministration/ma1")],
        [lab("ferritin", 42, "2026")],
    )
    assert [day(row.on) for row in rows] == ["Oct 2026", "2026"]
