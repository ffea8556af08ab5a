"""Medicare's payment limits by quarter (ASP drug pricing file).

Held by tests/unit/test_published_files.py.
"""

from decimal import Decimal

from mappings.codes.published.form import (
    HCPCS,
    MOST_NOTES,
    Form,
    Known,
    Reading,
    Sheet,
    Taken,
    amount,
    plain,
    unit_mg,
)
from mappings.codes.rows import OwnRows

# The NOC pricing file: limits of drugs without a HCPCS code of their own, by which no line is
# priced.
_NOC = frozenset({"drug generic name trade name", "dosage", "payment limit"})
# What stands where a limit is set another way.
_NO_LIMIT = frozenset({"", "N/A", "NA"})


def is_of_no_code(sheet: Sheet) -> bool:
    return any(set(map(plain, row)) >= _NOC for row in sheet.rows[:MOST_NOTES])


def read(reading: Reading, known: Known) -> Taken:
    limits: dict[str, Decimal] = {}
    for number, (code, dosage, limit) in reading.rows():
        price = amount(limit)
        if price is None and (code in known.codes or limit.upper() not in _NO_LIMIT):
            reading.wrong(
                number, f"the payment limit of {code} is {limit!r}: a price above 0 is wanted"
            )
        elif price is not None and code in known.codes:
            unit = known.codes[code][1].mg_per_unit
            if unit_mg(dosage) != unit:
                reading.wrong(number, f"{code} is priced per {dosage!r}, and its unit is {unit} mg")
            reading.same(number, code, price, limits)
    rows = reading.priced(limits, known)
    priced = known.in_force(reading.table.day) & {
        code for row in known.tables.payment.limits for code in row.limit
    }
    reading.expect(priced, limits)
    return reading.taken(OwnRows(limits=rows))


FORM = Form(
    kind="asp-pricing",
    title="CMS ASP payment limits",
    columns={"code": "hcpcs code", "dosage": "hcpcs code dosage", "limit": "payment limit"},
    read=read,
    dated=True,
    code=HCPCS,
    ends_with="Q",
)
