"""What a population adds up to, against charts of which it is known, and how a report says it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration.bulk import run
from integration.bulk.output import Summary
from integration.bulk.reporting.plots import Figure, figures
from integration.bulk.sums import Cell, Sums
from mappings.policy import choosing
from mappings.site import Site
from tests import builders
from tests.fakes.chart import transaction

_encoder = msgspec.json.Encoder(decimal_format="number")


def summary_of(folder: Path, *charts: list[Any]) -> Summary:
    """Of patients 0, 1, …"""
    source = folder / "source"
    source.mkdir()
    for number, chart in enumerate(charts):
        bundle = transaction(chart, f"{number}-{{}}".format)
        (source / f"{number}.json").write_bytes(_encoder.encode(bundle))
    return run.bulk(
        str(source),
        folder / "out",
        lambda _: Site(),
        choosing.built_in(),
        builders.AS_OF,
        1,
    ).summary


def figure(summary: Summary, name: str) -> Figure:
    return next(row for row in figures(summary, choosing.built_in()) if row.name == name)


def recorded(day: str) -> list[Any]:
    """A chart whose diagnosis was recorded on that day."""
    return builders.chart(builders.condition("D50.9", recordedDate=day))


def test_how_long_it_took_until_a_record_was_complete(tmp_path: Path) -> None:
    """Doses of November 1; a held line has no day of its own."""
    summary = summary_of(
        tmp_path,
        builders.chart(),
        recorded("2026-10-20"),
        recorded("2026-11-05"),
        recorded("2026-11-11T09:00:00-05:00"),
        builders.chart(without=["ferritin"]),
        builders.chart(builders.administration(dose="150 mg", discarded="50 mg")),
    )
    assert summary.sums.completed == {"medicare-part-b": {0: 3, 4: 1, 10: 1}}
    found = figure(summary, "complete")
    assert found.rows == (("Medicare Part B", "5", "0", "10"),)
    assert [(bar.label, bar.says) for bar in found.bars] == [
        ("0 to 2 days", "3 lines"),
        ("3 to 7 days", "1 line"),
        ("8 to 14 days", "1 line"),
        ("15 to 30 days", "0 lines"),
        ("more than 30 days", "0 lines"),
    ]
    assert "Half were complete within 0 days of the dose, nine of ten within 10" in found.says


def test_parts_are_joined() -> None:
    one = Sums(completed={"a": {0: 1, 3: 2}})
    one.join(Sums(completed={"a": {3: 1}, "b": {9: 1}}))
    assert one.completed == {"a": {0: 1, 3: 3}, "b": {9: 1}}


def test_without_a_ready_line_nothing_is_complete() -> None:
    empty = Summary("2026-11-23", 0, 0, {}, 0, 0)
    assert figure(empty, "complete").says == "No line is ready."
    assert figure(empty, "complete").bars == ()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("J1756\t150\t50\t100", "J1756: 50 of 200 units from 100 mg"),
        ("J1756\t150\t50\t50, 100", "J1756: 50 of 200 units from 50, 100 mg"),
        ("J1756\t150\t50\t", "J1756: 50 of 200 units"),
    ],
)
def test_waste_is_told_by_the_vials_that_were_opened(name: str, label: str) -> None:
    wasted = {name: Cell(2, 0, Decimal("22.90"))}
    summary = Summary("2026-11-23", 0, 0, {}, 0, 0, Sums(wasted=wasted))
    ((what, mg, money, saved_mg, saved),) = figure(summary, "waste").rows
    assert (what, mg, money, saved_mg, saved) == (label, "100", "$22.90", "100", "$22.90")


def test_waste_and_money_of_a_population(tmp_path: Path) -> None:
    summary = summary_of(
        tmp_path,
        builders.chart(builders.administration(dose="150 mg", discarded="50 mg")),
        builders.chart(),
    )
    assert set(summary.sums.wasted) == {"J1756\t150\t50\t100"}
    assert figure(summary, "payer").rows[0][:2] == ("Medicare Part B", "3")
    assert figure(summary, "month").rows == (("Nov 2026", "3", "$89.20", "nothing"),)
