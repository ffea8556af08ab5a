"""What the site's own file says of an institutional claim that no chart does: status, frequency,
value, condition and occurrence codes, and the facility's other lines.

Held by tests/unit/test_writing_x12.py.
"""

import csv
import io
import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from mappings import codes
from mappings.datafiles.error import DataFileError
from mappings.site import DIALYSIS
from mappings.values.us_dates import us_date
from mappings.writing.preparing.drafts import Draft

COLUMNS = ("patient", "period", "item", "code", "amount", "date", "units", "modifiers", "revenue")
# NUBC: 9, the record does not say.
_NOT_SAID, _EMERGENCY, _HOME = "9", "1", "01"
STILL_PATIENT = "30"
_CODES = {
    "status": r"\d{2}", "frequency": r"[1-4]", "priority": r"[1-59]", "origin": r"[0-9A-Z]",
    "condition": r"[0-9A-Z]{2}", "value": r"[0-9A-Z]{2}", "occurrence": r"[0-9A-Z]{2}",
    "reason": r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?", "from": r"", "through": r"",
    "line": r"([A-Z0-9]\d{3}[A-Z0-9])?",
}  # fmt: skip
_WITH_DATE, _WITH_AMOUNT = frozenset({"occurrence", "from", "through", "line"}), {"value", "line"}
_ONCE = frozenset({"status", "frequency", "priority", "origin", "from", "through"})
_AMOUNT, _MODIFIERS = re.compile(r"\d{1,7}(\.\d{1,2})?"), re.compile(r"([A-Z0-9]{2}(;|$)){0,4}")
_SAID_ONCE = {
    "status": "the patient status (FL 17)",
    "frequency": "the frequency (third digit of the type of bill: 1 to 4)",
}


class OtherLine(Struct, frozen=True, kw_only=True):
    """A line of the facility's own, beside the drug: a dialysis treatment, the infusion."""

    revenue: str
    code: str
    modifiers: tuple[str, ...]
    charge: Decimal
    units: int
    day: date


class Statement(Struct, frozen=True, kw_only=True):
    """`start` to `end`: the statement's period (DTP*434). Values in their own units."""

    start: date
    end: date
    frequency: str = "1"
    status: str = _HOME
    priority: str = _NOT_SAID
    origin: str = _NOT_SAID
    reasons: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    values: tuple[tuple[str, Decimal], ...] = ()
    occurrences: tuple[tuple[str, date], ...] = ()
    lines: tuple[OtherLine, ...] = ()


class FacilityRow(Struct, frozen=True, kw_only=True):
    """`period`: a month (2026-11) or a day."""

    patient: str
    period: str
    item: str
    code: str
    amount: Decimal | None
    day: date | None
    units: int
    modifiers: tuple[str, ...]
    revenue: str


class FacilityFile(Struct, frozen=True):
    """Rows by patient (`Patient/…`)."""

    rows: Mapping[str, tuple[FacilityRow, ...]]

    def of(self, draft: Draft) -> list[FacilityRow]:
        """What it says of a draft: of its days, or of its month."""
        periods = {day[:7] for day in draft.dates}
        periods |= set(draft.dates) if draft.bill_type != DIALYSIS else set()
        return [row for row in self.rows.get(draft.patient, ()) if row.period in periods]


def facility_file(text: str, name: str) -> FacilityFile:
    """A CSV of COLUMNS. DataFileError names the row of every mistake."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    header = [column.strip().lower() for column in rows.fieldnames or ()]
    if not {"patient", "period", "item"} <= set(header):
        raise DataFileError(f"{name}: the first row must name the columns {', '.join(COLUMNS)}.")
    rows.fieldnames = header
    found: dict[str, list[FacilityRow]] = {}
    mistakes: list[str] = []
    for number, cells in enumerate(rows, 2):
        try:
            row = _row({key: (value or "").strip() for key, value in cells.items() if key})
            others = found.setdefault(row.patient, [])
            _check_once(row, others)
            others.append(row)
        except ValueError as problem:
            mistakes.append(f"{name}, row {number}: {problem}.")
    if mistakes:
        raise DataFileError(*mistakes)
    return FacilityFile({patient: tuple(own) for patient, own in found.items()})


def _row(cells: Mapping[str, str]) -> FacilityRow:
    item, code = cells["item"].lower(), cells.get("code", "").upper()
    if item not in _CODES:
        raise ValueError(f"{item or 'nothing'} is none of {', '.join(_CODES)}")
    if not re.fullmatch(_CODES[item], code, re.ASCII):
        raise ValueError(f"{code or 'nothing'} is not a code of a {item}")
    amount, modifiers = cells.get("amount", ""), cells.get("modifiers", "").upper()
    if (item in _WITH_AMOUNT) != bool(amount) or (amount and not _AMOUNT.fullmatch(amount)):
        raise ValueError(f"a {item} has {'an' if item in _WITH_AMOUNT else 'no'} amount")
    if not _MODIFIERS.fullmatch(modifiers):
        raise ValueError(f"{modifiers} are not modifiers: at most four, apart by ;")
    revenue = cells.get("revenue", "")
    if item == "line" and not re.fullmatch(r"\d{4}", revenue, re.ASCII):
        raise ValueError("a line has a revenue code of four digits")
    if not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", cells["period"], re.ASCII):
        raise ValueError("the period is a month (2026-11) or a day (2026-11-20)")
    return FacilityRow(
        patient=f"Patient/{cells['patient'].removeprefix('Patient/')}",
        period=cells["period"],
        item=item,
        code=code.replace(".", ""),
        amount=Decimal(amount) if amount else None,
        day=_day(cells.get("date", ""), item),
        units=_units(cells.get("units", "")),
        modifiers=tuple(part for part in modifiers.split(";") if part),
        revenue=revenue,
    )


def _day(text: str, item: str) -> date | None:
    if not text and item not in _WITH_DATE:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a {item} has a date such as 2026-11-20") from None


def _units(text: str) -> int:
    if text and not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise ValueError(f"{text} units: they are whole and at least one")
    return int(text or 1)


def _check_once(row: FacilityRow, others: Iterable[FacilityRow]) -> None:
    same = [one for one in others if (one.period, one.item) == (row.period, row.item)]
    if row.item in _ONCE and same:
        raise ValueError(f"a second {row.item} of {row.period}")
    if row.item in ("value", "condition", "occurrence") and any(
        (one.code, one.day) == (row.code, row.day) for one in same
    ):
        raise ValueError(f"{row.item} code {row.code} appears twice")


def statement(draft: Draft, rows: Sequence[FacilityRow]) -> tuple[Statement, list[str]]:
    """What an institutional draft says of the stay, and everything that the facility must still
    record of it."""
    said = {row.item: row for row in rows if row.item in _ONCE}
    start, end = _period(draft, said)
    dialysis = draft.bill_type == DIALYSIS
    made = Statement(
        start=start,
        end=end,
        frequency=_code(said, "frequency", "2" if dialysis else "1"),
        status=_code(said, "status", STILL_PATIENT if dialysis else _HOME),
        priority=_code(said, "priority", _priority(draft)),
        origin=_code(said, "origin", _NOT_SAID),
        reasons=tuple(row.code for row in rows if row.item == "reason")[:3],
        conditions=tuple(row.code for row in rows if row.item == "condition"),
        values=tuple(
            (row.code, row.amount) for row in rows if row.item == "value" and row.amount is not None
        ),
        occurrences=tuple(
            (row.code, row.day) for row in rows if row.item == "occurrence" and row.day
        ),
        lines=tuple(_other(row) for row in rows if row.item == "line"),
    )
    lacking = _never_said(said, dialysis) + (_dialysis_lacks(made) if dialysis else [])
    return made, lacking + _disagreements(made, dialysis, "through" in said)


def _code(said: Mapping[str, FacilityRow], item: str, otherwise: str) -> str:
    return said[item].code if item in said else otherwise


def _period(draft: Draft, said: Mapping[str, FacilityRow]) -> tuple[date, date]:
    first, last = (date.fromisoformat(day) for day in (draft.dates[0], draft.dates[-1]))
    if draft.bill_type == DIALYSIS:
        first, last = first.replace(day=1), last.replace(day=monthrange(last.year, last.month)[1])
    start = said["from"].day if "from" in said else None
    end = said["through"].day if "through" in said else None
    return start or first, end or last


def _priority(draft: Draft) -> str:
    return _EMERGENCY if draft.place_of_service == "23" else _NOT_SAID


def _other(row: FacilityRow) -> OtherLine:
    return OtherLine(
        revenue=row.revenue,
        code=row.code,
        modifiers=row.modifiers,
        charge=row.amount or Decimal(0),
        units=row.units,
        day=row.day or date.min,
    )


def _never_said(said: Mapping[str, FacilityRow], dialysis: bool) -> list[str]:
    if not dialysis:
        return []
    return [text for item, text in _SAID_ONCE.items() if item not in said]


def _dialysis_lacks(made: Statement) -> list[str]:
    """What Medicare asks of a 72X beside the drug, each that is missing by its code."""
    table = codes.claim_forms().dialysis
    values = dict(made.values)
    lacking = []
    if not set(table.conditions) & set(made.conditions):
        lacking.append(f"a condition code ({', '.join(table.conditions)})")
    acute = table.acute_condition in made.conditions
    lacking += [f"value code {code}" for code in table.lacks(values, acute=acute)]
    if values.keys().isdisjoint(table.one_of_values):
        lacking.append(f"value code {' or '.join(table.one_of_values)}")
    when = {code for code, _ in made.occurrences}
    if table.asks_when(values, acute=acute) and table.occurrence not in when:
        lacking.append(f"occurrence code {table.occurrence} with its date")
    if not any(line.revenue[:3] in table.treatment_revenue for line in made.lines):
        lacking.append("the lines of the month's treatments")
    return lacking


def _disagreements(made: Statement, dialysis: bool, ended: bool) -> list[str]:
    """Frequency, status and the end of the period say the same."""
    table = codes.claim_forms().frequency
    lacking = []
    if dialysis and made.frequency in table.still_patient and made.status != STILL_PATIENT:
        lacking.append(f"patient status 30 with frequency {made.frequency}")
    if dialysis and made.frequency in table.ended:
        if made.status == STILL_PATIENT:
            lacking.append(f"another patient status than 30 with frequency {made.frequency}")
        if not ended:
            lacking.append(f"the day (through) on which treatment ended, with {made.frequency}")
    if made.end < made.start:
        lacking.append("a period that ends after it begins")
    outside = [line.day for line in made.lines if not made.start <= line.day <= made.end]
    return lacking + [f"a period that holds the line of {us_date(day)}" for day in outside]
