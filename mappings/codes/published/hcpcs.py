"""HCPCS level II codes and modifiers with the days between which they hold (quarterly alpha-numeric
file).

Held by tests/unit/test_published_files.py.
"""

import re
from datetime import date
from decimal import Decimal

from mappings.codes.published.form import HCPCS, Form, Known, Reading, Taken, compact_day
from mappings.codes.quarters import quarter_name
from mappings.codes.rows import OwnCode, OwnModifier, OwnRows
from mappings.codes.tables import Family
from mappings.values import words

_UNIT = re.compile(r"\b(\d*\.?\d+) ?mg\b", re.IGNORECASE)
_MODIFIER, _PROCEDURE = "7", "3"


class _Found:
    def __init__(self, reading: Reading, known: Known) -> None:
        self.reading, self.known = reading, known
        self.codes: list[OwnCode] = []
        self.modifiers: list[OwnModifier] = []

    def code(
        self, number: int, code: str, description: str, added: date | None, ended: date | None
    ) -> None:
        """A known code begins with its known first day, or the later one on which it was added: the
        last action may be a new wording."""
        family, row = self.known.codes.get(code, (None, None))
        stated = _UNIT.search(description)
        unit = Decimal(stated[1]) if stated else None
        if family and row:
            if unit not in (None, row.mg_per_unit):
                self.reading.wrong(
                    number,
                    f"the unit of {code} is {unit} mg here, and {row.mg_per_unit} mg in the tables",
                )
            start = max((day for day in (row.start, added) if day), default=None)
            # A file does not know what ends after it.
            later = row.end if row.end and row.end >= self.reading.table.day else None
            self._take(family, row.use, code, row.mg_per_unit, start, ended or later)
            return
        family = self.known.tables.families.get(self.known.family_named(description) or "")
        if family and unit and description.lower().startswith("injection"):
            self._new(number, family, code, unit, description, added, ended)

    def _new(
        self,
        number: int,
        family: Family,
        code: str,
        unit: Decimal,
        description: str,
        added: date | None,
        ended: date | None,
    ) -> None:
        """A code that the product does not know: taken where no other code of the drug holds at its
        time."""
        said = words.plain(description)
        named = (
            row.use
            for row in family.presentations
            if any(words.plain(name) in said for name in row.names)
        )
        use = next(named, None)
        unsaid = use is None and any(row.use for row in family.codes)
        alike = (row for row in family.codes if unsaid or row.use in (None, use))
        beside = next((row for row in alike if row.meets(added, ended)), None)
        if beside:
            told = (
                f"{code} is a new code of {family.name} beside {beside.code}: write by hand which"
                " days it is billed"
            )
            self.reading.leave_out(number, told)
        else:
            self._take(family, use, code, unit, added, ended)

    def _take(
        self,
        family: Family,
        use: str | None,
        code: str,
        unit: Decimal,
        start: date | None,
        end: date | None,
    ) -> None:
        self.codes.append(
            OwnCode(
                family=family.family,
                code=code,
                mg_per_unit=unit,
                use=use,
                start=start,
                end=end,
                source=self.reading.table.source,
            )
        )

    def modifier(self, code: str, added: date | None, ended: date | None) -> None:
        if code in self.known.modifiers:
            self.modifiers.append(
                OwnModifier(modifier=code, start=added, end=ended, source=self.reading.table.source)
            )


def read(reading: Reading, known: Known) -> Taken:
    found, seen, begun = _Found(reading, known), set[tuple[str, str]](), date.min
    for number, (code, kind, description, *days) in reading.rows():
        try:
            added, _, ended = map(compact_day, days)
        except ValueError as problem:
            reading.wrong(number, f"{code}: there is no date {problem}")
            continue
        if kind == _MODIFIER:
            found.modifier(code, added, ended)
        elif kind == _PROCEDURE:
            found.code(number, code, description, added, ended)
        if (kind, code) in seen and kind in (_MODIFIER, _PROCEDURE):
            reading.wrong(number, f"{code} appears twice")
        seen.add((kind, code))
        begun = max(begun, added or date.min)
    table = reading.table
    if begun > date.min and quarter_name(begun) != table.quarter:
        # Each quarter has new codes.
        told = f"its newest code begins on {begun}, so it is of {quarter_name(begun)}"
        reading.mistakes.append(f"{table.where}: {told}, and --quarter says {table.quarter}")
    reading.expect(known.in_force(table.day), {row.code for row in found.codes})
    return reading.taken(OwnRows(codes=tuple(found.codes), modifiers=tuple(found.modifiers)))


FORM = Form(
    kind="hcpcs",
    title="CMS HCPCS level II",
    columns={
        "code": "hcpcs?( code)?",
        "kind": "recid",
        "description": "long description",
        "added": "add d(a)?te?",
        "effective": "act eff d(a)?te?",
        "ended": "term d(a)?te?",
    },
    read=read,
    code=f"{HCPCS}|[A-Z0-9]{{2}}",
    ends_with="Q",
)
