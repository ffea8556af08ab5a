"""NCCI's medically unlikely edits: the most units of a code in one day, for practitioners and for
outpatient hospitals.

Held by tests/unit/test_published_files.py.
"""

import re
from typing import Literal

from mappings.codes.published.form import HCPCS, Form, Known, Reading, Taken
from mappings.codes.rows import OwnRows, UnitsPerDay

_ADJUDICATION = re.compile(r"[123]\b.*")
_SHARED = {"indicator": "mue adjudication indicator", "rationale": "mue rationale"}


def read_practitioner(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, "professional")


def read_hospital(reading: Reading, known: Known) -> Taken:
    return _read(reading, known, "institutional")


def _read(reading: Reading, known: Known, claim: Literal["professional", "institutional"]) -> Taken:
    units: dict[str, int] = {}
    for number, (code, most, indicator, _) in reading.rows():
        if not re.fullmatch(r"\d{1,9}", most):
            reading.wrong(number, f"the MUE value of {code} is {most!r}: a whole number is wanted")
        elif not _ADJUDICATION.match(indicator):
            reading.wrong(
                number,
                f"the adjudication indicator of {code} is {indicator!r}: it begins with 1, 2 or 3",
            )
        elif code in known.codes:
            reading.same(number, code, int(most), units)
    limited = {code for code, (_, billing) in known.codes.items() if billing.mue is not None}
    reading.expect(known.in_force(reading.table.day) & limited, units)
    row = UnitsPerDay(
        claim=claim, start=reading.table.day, units=units, source=reading.table.source
    )
    return reading.taken(OwnRows(units_per_day=(row,) if units else ()))


PRACTITIONER = Form(
    kind="mue-practitioner",
    title="NCCI MUE, practitioner services",
    columns={"code": "hcpcs cpt code", "most": "practitioner services mue values", **_SHARED},
    read=read_practitioner,
    code=HCPCS,
    ends_with="Q",
)
HOSPITAL = Form(
    kind="mue-outpatient-hospital",
    title="NCCI MUE, outpatient hospital services",
    columns={
        "code": "hcpcs cpt code",
        "most": "outpatient hospital services mue values",
        **_SHARED,
    },
    read=read_hospital,
    code=HCPCS,
    ends_with="Q",
)
