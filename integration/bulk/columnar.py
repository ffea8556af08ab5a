"""The table of lines as Parquet, for whoever has the lines of a year in a warehouse.

Held by tests/unit/test_bulk_parquet.py.
"""

from pathlib import Path
from typing import Any

from integration.bulk.work import written
from integration.errors import ConfigurationError
from mappings.writing import table


def check() -> None:
    """ConfigurationError where what writes it is not installed."""
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "Parquet takes pyarrow: install `ferroclaim[bulk]`, or leave --parquet out."
        ) from None


def write(lines: Path, to: Path) -> None:
    """LINES is the table as CSV; a part of it at a time is in memory."""
    from pyarrow import csv, parquet

    parse = csv.ParseOptions(newlines_in_values=True)
    with (
        written(to) as path,
        csv.open_csv(lines, parse_options=parse, convert_options=_options()) as reader,
        parquet.ParquetWriter(path, reader.schema, compression="zstd") as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def _options() -> Any:
    """What is no text, and that an empty cell says nothing."""
    import pyarrow as pa
    from pyarrow import csv

    columns = dict.fromkeys(table.COLUMNS, pa.string()) | {
        "service_date": pa.date32(),
        "units": pa.int64(),
        "value": pa.decimal128(18, 4),
        "ndc_quantity": pa.decimal128(18, 6),
    }
    return csv.ConvertOptions(column_types=columns, strings_can_be_null=True, null_values=[""])
