"""Published files opened: zip, gzip, xlsx, csv, tab-separated and plain text → sheets of rows. What
they say is for `mappings` to know.

Held by tests/unit/test_published_files.py.
"""

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from integration.errors import ConfigurationError
from mappings.codes.published import NotUnderstood, Sheet

# What lies beside the tables in a published zip.
_PAPERS = frozenset({".pdf", ".doc", ".docx", ".rtf", ".htm", ".html"})
_MOST_BYTES = 2 * 2**30
# The ICD-10-CM order file has columns of fixed width.
_FIXED_WIDTH = re.compile(r"\d{5} [A-Z][0-9][0-9A-Z]* +[01] ")
_WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml|head|script)\b", re.IGNORECASE)
_AGAIN = "download it again"
_DAMAGED = f"the file is damaged or cut short: {_AGAIN}"


def sheets(path: Path) -> list[Sheet]:
    """Every table in a file; NotUnderstood where it is damaged, ConfigurationError where it can't
    be read at all."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ConfigurationError(f"Cannot read {path}: {problem.strerror}.") from None
    return list(_of(data, path.name))


def _of(data: bytes, where: str, among: str = "") -> Iterator[Sheet]:
    if data.startswith(b"PK"):
        yield from _archive(data, where, among)
    elif data.startswith(b"\x1f\x8b"):
        try:
            yield from _of(gzip.decompress(data), where.removesuffix(".gz"), among)
        except (OSError, EOFError, zlib.error):
            yield Sheet(where, (), damage=_DAMAGED, among=among)
    elif data.startswith(b"%PDF") or Path(where).suffix.lower() in _PAPERS:
        said = "a document, not a table: import the csv or xlsx that is published beside it"
        yield Sheet(where, (), damage=said, among=among)
    elif _WEB_PAGE.match(data):
        said = f"a web page, such as one that asks to accept a license: accept it, and {_AGAIN}"
        yield Sheet(where, (), damage=said, among=among)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        yield Sheet(
            where,
            (),
            damage="an Excel file of the old form (xls): save it as xlsx or csv",
            among=among,
        )
    elif data:
        yield _text(data, where, among)
    else:
        yield Sheet(where, (), damage=f"the file is empty: {_AGAIN}", among=among)


def _archive(data: bytes, where: str, among: str) -> Iterator[Sheet]:
    """A workbook, or a zip of files."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        if "xl/workbook.xml" in archive.namelist():
            yield from _workbook(data, where, among or where)
            return
        members = [
            row
            for row in archive.infolist()
            if not row.is_dir() and Path(row.filename).suffix.lower() not in _PAPERS
        ]
        if sum(row.file_size for row in members) > _MOST_BYTES:
            told = (
                f"its files are larger than {_MOST_BYTES // 2**30} GiB together: unpack it, and"
                " import one by one"
            )
            raise NotUnderstood(f"{where}: {told}")
        if not members:
            raise NotUnderstood(f"{where}: no table is in it")
        for row in members:
            yield from _of(archive.read(row), f"{where}: {row.filename}", among or where)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise NotUnderstood(f"{where}: {_DAMAGED}") from None


def _workbook(data: bytes, where: str, among: str) -> Iterator[Sheet]:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
            yield Sheet(f"{where}: {sheet.title}", rows, sheet.title, among=among)
    except (KeyError, ValueError, TypeError, SyntaxError):
        raise NotUnderstood(f"{where}: {_DAMAGED}") from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return f"{value:%Y%m%d}"
    return repr(value) if isinstance(value, float) else str(value)


def _text(data: bytes, where: str, among: str) -> Sheet:
    text = _decoded(data)
    whole = text.endswith(("\n", "\r"))
    damage = (
        ""
        if whole
        else (
            f"its last line has no end, so that it may be cut short: {_AGAIN}, or save it with an"
            " end of line"
        )
    )
    if _FIXED_WIDTH.match(text):
        return Sheet(where, [[line] for line in text.splitlines()], damage=damage, among=among)
    dialect = "excel-tab" if "\t" in text[: text.find("\n")] else "excel"
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(io.StringIO(text, newline=""), dialect, strict=True))
    except csv.Error as problem:
        damage = damage or f"it is not a whole table of cells ({problem}): {_AGAIN}"
    return Sheet(where, rows, damage=damage, among=among)


def _decoded(data: bytes) -> str:
    """UTF-8, or Windows as CMS writes it; UTF-16 as Excel saves "Unicode text"."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
