"""How hospitals' outpatient departments are paid for a code (OPPS Addendum B): status, and the
limit of what is paid apart.

Held by tests/unit/test_published_files.py.
"""

import re
from decimal import Decimal

from mappings.codes.published.form import HCPCS, Form, Known, Reading, Taken, amount
from mappings.codes.rows import OwnRows, Release

_STATUS = re.compile(r"[A-Z][0-9]?")
_PAID_APART = frozenset({"K", "G"})


def read(reading: Reading, known: Known) -> Taken:
    status: dict[str, str] = {}
    limits: dict[str, Decimal] = {}
    for number, (code, said, rate) in reading.rows():
        price = amount(rate)
        if code and not _STATUS.fullmatch(said):
            reading.wrong(number, f"the status of {code} is {said!r}: a letter such as N is wanted")
        elif price is None and not _is_nothing(rate):
            reading.wrong(
                number, f"the payment rate of {code} is {rate!r}: a price is wanted, or nothing"
            )
        elif code in known.codes:
            reading.same(number, code, said, status)
            if price is not None and said in _PAID_APART:
                limits[code] = price
    table = reading.table
    priced = reading.priced(limits, known)
    reading.expect(known.in_force(table.day) & known.tables.payment.opps.status.keys(), status)
    release = Release(start=table.day, status=status, source=table.source, verified=True)
    return reading.taken(OwnRows(opps=(release,) if status else (), limits=priced))


def _is_nothing(rate: str) -> bool:
    return rate.lstrip("$").replace(".", "").strip("0 -") == ""


FORM = Form(
    kind="opps-addendum-b",
    title="CMS OPPS Addendum B",
    columns={"code": "hcpcs code", "status": "si|status indicator", "rate": "payment rate"},
    read=read,
    without=".*payment indicator",
    dated=True,
    code=HCPCS,
    ends_with="Q",
)
