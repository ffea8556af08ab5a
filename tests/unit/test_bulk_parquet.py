"""The lines of a bulk run as Parquet: needs the `bulk` extra, as `make test-spark` installs it."""

import builtins
import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from benchmarks import population
from integration.bulk import columnar
from integration.errors import ConfigurationError
from mappings.writing import table
from tests.unit.test_bulk import bulk


def test_the_lines_are_those_of_the_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow: `make test-spark`")
    totals = population.write(tmp_path / "source", patients=8, iron=0.5)
    bulk(tmp_path / "source", tmp_path / "out", parquet=True)
    rows = parquet.read_table(tmp_path / "out" / "lines.parquet").to_pylist()
    with (tmp_path / "out" / "lines.csv").open(encoding="utf-8", newline="") as stream:
        expected = list(csv.DictReader(stream))
    assert len(rows) == len(expected) == totals.ready + totals.held
    assert tuple(rows[0]) == table.COLUMNS
    assert [_as_text(row) for row in rows] == [
        {name: _number(name, text) for name, text in row.items()} for row in expected
    ]
    first = rows[0]
    assert isinstance(first["service_date"], date)
    assert (first["units"], first["value"]) == (200, Decimal("44.6"))


NUMBERS = ("units", "value", "ndc_quantity")


def _as_text(cells: dict[str, Any]) -> dict[str, object]:
    return {name: _number(name, "" if cell is None else str(cell)) for name, cell in cells.items()}


def _number(name: str, text: str) -> object:
    return Decimal(text) if name in NUMBERS and text else text


def test_without_pyarrow_the_fix_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"install `ferroclaim\[bulk\]`"):
        columnar.check()
