"""Payment limits of drugs without a HCPCS code of their own (ASP NOC pricing file).

Held by tests/unit/test_published_files.py.
"""

from mappings.codes.published.form import Form, Known, Reading, Taken, amount
from mappings.codes.rows import NocLimit, OwnRows


def read(reading: Reading, known: Known) -> Taken:
    found: list[NocLimit] = []
    table = reading.table
    for number, (name, dosage, limit) in reading.rows():
        price, family = amount(limit), known.family_named(name)
        if price is None:
            reading.wrong(number, f"the payment limit is {limit!r}: a price above 0 is wanted")
        elif family:
            found.append(
                NocLimit(
                    quarter=table.quarter,
                    start=table.day,
                    family=family,
                    name=name,
                    dosage=dosage,
                    limit=price,
                    source=table.source,
                    verified=True,
                )
            )
    return reading.taken(OwnRows(noc_limits=tuple(found)))


FORM = Form(
    kind="noc-pricing",
    title="CMS NOC payment limits",
    columns={"name": "drug generic name trade name", "dosage": "dosage", "limit": "payment limit"},
    read=read,
    dated=True,
)
