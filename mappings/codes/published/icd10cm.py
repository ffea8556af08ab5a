"""Which diagnosis codes are billable in a fiscal year (ICD-10-CM order file).

Held by tests/unit/test_published_files.py.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain

from mappings.codes.published.form import Form, Known, Reading, Table, Taken
from mappings.codes.rows import OwnDiagnosis, OwnRows

LINE = re.compile(r"(\d{5}) ([A-Z][0-9][0-9A-Z]{1,5}) {1,5}([01]) .+")


def read(reading: Reading, known: Known) -> Taken:
    kinds: dict[str, set[str]] = {"0": set(), "1": set()}
    order = 0
    for number, (line,) in reading.rows():
        found = LINE.fullmatch(line)
        if not found:
            reading.wrong(
                number, "not a line of the order file: five digits, a code, 0 or 1, a description"
            )
            continue
        if int(found[1]) != order + 1:
            reading.wrong(
                number,
                f"its order number is {found[1]} after {order:05}: lines are missing or appear"
                " twice",
            )
        order = int(found[1])
        kinds[found[3]].add(dotted(found[2]))
    headers, billable = kinds["0"], kinds["1"]
    last, table = max(billable, default="missing"), reading.table
    if not last.startswith("Z"):
        reading.mistakes.append(
            f"{table.where}: its last code is {last}, and a whole file goes on to Z: download it"
            " again"
        )
    new = sorted(_new(known, billable, headers))
    told = (
        "is new: billable from {}; in a file of your own, write a row with the groups that it is in"
    )
    reading.left_out += [f"{table.where}: {code} {told.format(table.day)}" for code in new]
    ended = _ended(table, known, billable)
    return reading.taken(
        OwnRows(diagnoses=(*ended, *(_row(table, code, start=table.day) for code in new)))
    )


def dotted(code: str) -> str:
    return code if len(code) == 3 else f"{code[:3]}.{code[3:]}"


def _row(
    table: Table, code: str, start: date | None = None, end: date | None = None
) -> OwnDiagnosis:
    return OwnDiagnosis(code=code, start=start, end=end, source=table.source)


def _ended(table: Table, known: Known, billable: set[str]) -> Iterator[OwnDiagnosis]:
    """Codes that were billable until the day before this file."""
    for code in sorted(known.tables.diagnoses.billable_on(table.day) - billable):
        yield _row(table, code, end=table.day - timedelta(days=1))


def _new(known: Known, billable: set[str], headers: set[str]) -> Iterator[str]:
    """Billable codes below one that the rules know."""
    table = known.tables.diagnoses
    ours = set(chain.from_iterable(table.icd10.groups.values())) | table.every_billable
    for code in billable - ours:
        above = [code[:length].rstrip(".") for length in range(3, len(code))]
        if any(one in ours and one in headers for one in above):
            yield code


FORM = Form(kind="icd-10-cm", title="ICD-10-CM order file", columns={"line": ""}, read=read)
