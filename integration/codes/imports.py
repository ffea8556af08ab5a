"""Published files into a site's folder of code tables: each file whole or not at all, and never
over rows that differ.

Held by tests/contract/test_codes_command.py.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

from msgspec import structs

from integration.codes import published_files
from mappings.codes import CodeTables, own
from mappings.codes.published import Import, Known, NotUnderstood, Sheet, read
from mappings.codes.published.packages import elevens
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import OwnRows, Published
from mappings.codes.writing import written
from mappings.datafiles import loading
from mappings.policy import choosing

# Nothing is published so long before it holds.
_AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class ImportOutcome:
    """What became of one table of a file. `state`: written, same (those rows stand there already),
    refused, or aside (not ours)."""

    where: str
    state: str
    published: Published | None = None
    title: str = ""
    path: Path | None = None
    says: tuple[str, ...] = ()


def known_drugs(tables: CodeTables, drug_aliases: Mapping[str, str]) -> Known:
    """The product's drugs, and the NDCs among the site's own names for drugs."""
    named = (
        (elevens(key.rpartition("|")[2]), family)
        for key, family in drug_aliases.items()
        if "|" in key
    )
    return Known(
        tables=tables,
        ndcs={ndc: family for ndc, family in named if ndc},
        modifiers=frozenset(_modifiers(tables)),
    )


def _modifiers(tables: CodeTables) -> Iterator[str]:
    """Those that the tables and the policies put on lines."""
    for row in choosing.built_in().policies:
        yield from (
            one.modifier
            for one in (*row.modifiers.kx, *row.modifiers.r340b, *row.modifiers.ambulatory_surgery)
        )
    yield from (
        row.modifier
        for row in (*tables.payment.discard_modifiers, *tables.payment.off_campus_modifiers)
    )


def import_files(
    paths: Iterable[Path],
    folder: Path,
    drug_aliases: Mapping[str, str],
    asked: date | None,
    today: date,
    *,
    replace: bool = False,
    dry_run: bool = False,
) -> list[ImportOutcome]:
    """Reads the files, and writes what is new into the folder. Each refusal says why; the other
    files are taken."""
    stands = (
        {str(path): own.read(loading.text_of(path), str(path)) for path in own.files_in(folder)}
        if folder.is_dir()
        else {}
    )
    tables = own.merged(stands.values()) if stands else own.load(None)
    sheets: list[Sheet] = []
    outcomes: list[ImportOutcome] = []
    for path in paths:
        try:
            sheets += published_files.sheets(path)
        except NotUnderstood as problem:
            outcomes.append(ImportOutcome(path.name, "refused", says=problem.every))
    for found in read(sheets, known_drugs(tables, drug_aliases), asked):
        outcome = _taken(found, folder, stands, today, replace)
        if outcome.state == "written" and found.rows and outcome.path:
            stands[str(outcome.path)] = found.rows
            if not dry_run:
                _write(outcome.path, found.rows, today)
        outcomes.append(outcome)
    return outcomes


def _taken(
    found: Import, folder: Path, stands: Mapping[str, OwnRows], today: date, replace: bool
) -> ImportOutcome:
    """What becomes of a table, beside the rows that stand in the folder."""
    rows, title = found.rows, found.form.title if found.form else ""
    if rows is None and not found.refused:
        return ImportOutcome(found.where, "aside")
    if rows is None or rows.published is None:
        return ImportOutcome(found.where, "refused", title=title, says=found.refused)
    begins = rows.published.start
    if begins > today + _AHEAD:
        said = f"{found.where}: it is of {quarter_name(begins)}, more than a year from now"
        told = f"{said}: correct --quarter, or look into the file"
        return ImportOutcome(found.where, "refused", rows.published, title, says=(told,))
    path = folder / f"{rows.published.kind}-{quarter_name(rows.published.start)}.yaml"
    before = stands.get(str(path))
    if before and same(before, rows):
        return ImportOutcome(found.where, "same", rows.published, title, path)
    beside = {name: row for name, row in stands.items() if name != str(path) or not replace}
    against = list(
        own.disagreements(
            {**{name: row for name, row in beside.items() if name != str(path)}, found.where: rows}
        )
    )
    if before and not replace:
        told = (
            f"{path} holds other rows of this quarter: add --replace if they were published again"
        )
        against += list(own.disagreements({str(path): before, found.where: rows}))
        return ImportOutcome(
            found.where,
            "refused",
            rows.published,
            title,
            path,
            (f"{found.where}: {told}", *_told(against)),
        )
    if against:
        return ImportOutcome(
            found.where, "refused", rows.published, title, path, tuple(_told(against))
        )
    says = (*(f"left out: {said}" for said in found.left_out), *found.remarks)
    return ImportOutcome(found.where, "written", rows.published, title, path, says)


def _told(against: Iterable[tuple[str, str, str]]) -> list[str]:
    return [f"{where}: {said}" for where, _, said in against]


def same(one: OwnRows, other: OwnRows) -> bool:
    """Whether two files hold the same facts, whatever they were called."""
    return _facts(one) == _facts(other)


def _facts(rows: OwnRows) -> list[object]:
    tables = (getattr(rows, name) for name in OwnRows.__struct_fields__ if name != "published")
    return [structs.replace(row, source="") for row in chain.from_iterable(tables)]


def _write(path: Path, rows: OwnRows, today: date) -> None:
    """All of it or nothing: who reads the folder meanwhile sees the old file or the new one."""
    published = structs.replace(rows.published, imported=today) if rows.published else None
    heading = (
        "Written by `ferroclaim codes import`. Correct it by importing again, or write rows of your"
        " own into another file."
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".", suffix=".new", delete=False
    ) as file:
        file.write(written(structs.replace(rows, published=published), heading))
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
