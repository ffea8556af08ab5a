"""An assessment in each form that `assess` gives: a table, JSON, CSV and two drafts of claims.

Held by tests/contract/test_command_line.py.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_never

import typer

from integration import private
from integration.errors import ConfigurationError

if TYPE_CHECKING:
    from integration.assessing.sources import AssessedCharts
    from mappings.assessment import Assessment
    from mappings.site import Site as Facts

Format = Literal["table", "json", "csv", "x12", "fhir"]


def written(
    result: "AssessedCharts", form: Format, out: Path | None, facts: "Facts", trace: bool
) -> None:
    """An assessment to a file, or to standard output without OUT (ConfigurationError)."""
    if form == "table" and out is None:
        from integration.terminal import tables
        from integration.terminal.signs import console

        tables.show(result.document, console(), result.names)
        return
    put(_formatted(result, form, facts, trace), out)


def put(data: bytes, out: Path | None) -> None:
    """To a file, for its owner alone, or to standard output without OUT (ConfigurationError)."""
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        private.make(out)
        out.write_bytes(data)
    except OSError as problem:
        raise ConfigurationError(f"Cannot write {out}: {problem.strerror}.") from None


def show_json(value: Any) -> None:
    """On standard output, indented."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


def name_unread(folders: Iterable[Path]) -> None:
    """What looks like a policy or a code table, and is not read."""
    from mappings.datafiles.loading import not_read_in

    for path in chain.from_iterable(map(not_read_in, folders)):
        said = "only .yaml and .yml files of the folder itself are"
        typer.echo(f"{path}: not read; {said}", err=True)


def show_mistakes(found: Mapping[str, Sequence[str]]) -> None:
    """Of each file: its mistakes on standard error, or that it has none."""
    for where, problems in found.items():
        for problem in problems:
            typer.echo(problem, err=True)
        if not problems:
            typer.echo(f"{where}: no mistakes")


def _formatted(result: "AssessedCharts", form: Format, facts: "Facts", trace: bool) -> bytes:
    if form == "json":
        from mappings.document import to_json

        return to_json(result.document, trace=trace) + b"\n"
    if form == "table":
        return _as_text(result.document, result.names)
    if form == "csv":
        from mappings.writing.table import csv

        return csv(result.document).encode()
    now = datetime.fromisoformat(result.document.as_of)
    if form == "fhir":
        from mappings.writing.fhir_claim import claims

        return as_json(claims(result.document, result.records, facts, now))
    if form == "x12":
        from mappings.writing.drafting import x12

        text, problems = x12(result.document, result.records, facts, now)
        for problem in problems:
            typer.echo(f"{problem.resource}: {problem.problem}", err=True)
        return text.encode()
    assert_never(form)


def as_line(value: Any) -> bytes:
    """JSON as FHIR has it: amounts are numbers."""
    import msgspec

    return msgspec.json.Encoder(decimal_format="number").encode(value)


def as_json(value: Any) -> bytes:
    """The same, indented."""
    import msgspec

    return msgspec.json.format(as_line(value), indent=2) + b"\n"


def _as_text(document: "Assessment", names: dict[str, str]) -> bytes:
    from integration.terminal import signs, tables

    return signs.as_text(lambda console: tables.show(document, console, names)).encode()
