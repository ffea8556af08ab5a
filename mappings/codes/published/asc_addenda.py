"""How ambulatory surgery centers are paid for drugs (ASC Addendum BB).

Held by tests/unit/test_published_files.py.
"""

import re
from itertools import chain

from mappings.codes.published.form import HCPCS, Form, Known, Reading, Sheet, Taken, plain
from mappings.codes.rows import Indicators, OwnRows

_INDICATOR = re.compile(r"[A-Z][0-9]")
# Sheets of the same workbook in which no drug stands: procedures, definitions, exclusions.
_OTHER_ADDENDA = re.compile(r"addendum (aa|dd1|dd2|ee|ff)\b.*")


def is_other_addendum(sheet: Sheet) -> bool:
    first = next(filter(None, chain.from_iterable(sheet.rows[:1])), "")
    return bool(_OTHER_ADDENDA.match(plain(first)))


def read(reading: Reading, known: Known) -> Taken:
    status: dict[str, str] = {}
    for number, (code, said) in reading.rows():
        if not _INDICATOR.fullmatch(said):
            reading.wrong(
                number, f"the payment indicator of {code} is {said!r}: one such as K2 is wanted"
            )
        elif code in known.codes:
            reading.same(number, code, said, status)
    table = reading.table
    reading.expect(known.in_force(table.day) & known.tables.payment.asc.status.keys(), status)
    release = Indicators(start=table.day, status=status, source=table.source, verified=True)
    return reading.taken(OwnRows(asc=(release,) if status else ()))


FORM = Form(
    kind="asc-addenda",
    title="CMS ASC Addendum BB",
    columns={"code": "hcpcs code", "indicator": ".*payment indicator"},
    read=read,
    without="subject to multiple procedure discounting",
    dated=True,
    code=HCPCS,
    ends_with="Q",
)
