"""Markdown tables from the data."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from mappings.codes.tables import Dated

_PROVENANCE = ("source", "verified", "when", "blocking")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a row for each row of the data."""
    lines = [list(heads), ["---"] * len(heads), *([cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def cell(value: object) -> str:
    """A value as a biller reads it; nothing for None."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Struct):
        value = said(value)
    if isinstance(value, dict):
        return ", ".join(f"{cell(name)}: {cell(inner)}" for name, inner in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(cell, value))
    text = "" if value is None else str(value)
    return (
        text.replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("_", " " if text.isidentifier() else "_")
    )


def said(row: Struct, without: Sequence[str] = _PROVENANCE) -> dict[str, object]:
    """What a row says differently from what holds without it."""
    usual = {field.name: field.default for field in msgspec.structs.fields(row)}
    empty: tuple[object, ...] = (None, (), {})
    found = {name: getattr(row, name) for name in row.__struct_fields__ if name not in without}
    return {
        name: value for name, value in found.items() if value not in empty and value != usual[name]
    }


def dates(row: Dated) -> str:
    """The dates of service for which a row holds."""
    if row.start and row.end:
        return f"{row.start} to {row.end}"
    if row.start:
        return f"from {row.start}"
    return f"to {row.end}" if row.end else "always"
