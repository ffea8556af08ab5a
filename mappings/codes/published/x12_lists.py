"""Which denial codes are in use (X12's lists of claim adjustment reason and remittance advice
remark codes). Their texts are licensed.

Held by tests/unit/test_published_files.py.
"""

import re
from datetime import date
from itertools import chain
from typing import Literal

from mappings.codes.code_tables import CodeTables
from mappings.codes.published.form import Form, Known, Reading, Taken
from mappings.codes.rows import DenialCode, OwnRows

_COLUMNS = {
    "code": "code",
    "start": "start( date)?|effective( date)?",
    "stop": "(stop|end|deactivation|deactivated)( date)?",
}


def read_carc(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, "carc")


def read_rarc(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, "rarc")


def _read(reading: Reading, known: Known, kind: Literal["carc", "rarc"]) -> Taken:
    """Of the codes that a gap may predict."""
    found: dict[str, DenialCode] = {}
    predicted = predicted_denials(known.tables)
    for number, (code, *days) in reading.rows():
        try:
            start, end = map(_day, days)
        except ValueError as problem:
            reading.wrong(number, f"{code}: there is no date {problem}")
            continue
        if code in found:
            reading.wrong(number, f"{code} appears twice")
        elif code in predicted:
            found[code] = DenialCode(
                kind=kind, code=code, start=start, end=end, source=reading.table.source
            )
    return reading.taken(OwnRows(denial_codes=tuple(found.values())))


def predicted_denials(tables: CodeTables) -> dict[str, list[str]]:
    """The reason and remark codes that gaps predict, and of which requirements."""
    found: dict[str, list[str]] = {}
    for row in tables.requirements.values():
        predicted = chain.from_iterable((denial.carc, *denial.rarc) for denial in row.denials)
        for code in dict.fromkeys(predicted):
            found.setdefault(code, []).append(row.id)
    return found


def _day(text: str) -> date | None:
    """Month/day/year or year-month-day; ValueError for what is not a date."""
    if not text:
        return None
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    try:
        return (
            date(int(american[3]), int(american[1]), int(american[2]))
            if american
            else date.fromisoformat(text[:10])
        )
    except ValueError:
        raise ValueError(text) from None


CARC = Form(
    kind="x12-carc",
    title="X12 claim adjustment reason codes",
    columns=_COLUMNS,
    read=read_carc,
    first=r"\d+|[ABDPWY]\d+",
)
RARC = Form(
    kind="x12-rarc",
    title="X12 remittance advice remark codes",
    columns=_COLUMNS,
    read=read_rarc,
    first=r"(M|MA|N)\d+",
)
