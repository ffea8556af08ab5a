"""Packages as published files list them, held against each other and against what is known.

Held by tests/unit/test_published_files.py.
"""

from decimal import Decimal

from msgspec import structs

from mappings.codes.published.form import Known, Reading
from mappings.codes.rows import OwnPackage
from mappings.codes.tables import Package


def elevens(text: str) -> str | None:
    """An NDC with hyphens, or of eleven digits, as 5-4-2 without them; None where it is none."""
    parts = text.split("-")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    lengths = tuple(map(len, parts))
    if lengths == (11,):
        return parts[0]
    if lengths not in ((5, 4, 2), (4, 4, 2), (5, 3, 2), (5, 4, 1)):
        return None
    return parts[0].zfill(5) + parts[1].zfill(4) + parts[2].zfill(2)


class Packages:
    """Those of one file, by NDC."""

    def __init__(self, reading: Reading, known: Known) -> None:
        self.reading, self._known = reading, known
        self._found: dict[str, OwnPackage] = {}

    def rows(self) -> tuple[OwnPackage, ...]:
        return tuple(self._found[ndc] for ndc in sorted(self._found))

    def add(self, number: int, row: OwnPackage) -> str | None:
        """Takes a package, or says what is wrong with it."""
        if row.ndc[:9] in self._known.not_billable:
            self.reading.leave_out(number, f"NDC {row.ndc} is known as no billable drug")
            return None
        wrong = self._against_label(row) or self._against_known(row)
        if wrong:
            return f"NDC {row.ndc}: {wrong}"
        row = structs.replace(
            row, mg=_short(row.mg), ml=_short(row.ml), source=self.reading.table.source
        )
        before = self._found.setdefault(row.ndc, row)
        same = (before.mg, before.ml, before.family) == (row.mg, row.ml, row.family)
        return (
            None if same else f"NDC {row.ndc} appears twice, as {_said(before)} and as {_said(row)}"
        )

    def _against_label(self, row: OwnPackage) -> str | None:
        """A family has one strength."""
        strength = self._known.tables.families[row.family].strength_mg_per_ml
        if row.fits(strength):
            return None
        return f"{_said(row)} here, and its label has {strength} mg in 1 mL"

    def _against_known(self, row: OwnPackage) -> str | None:
        """What is known and verified stands until a person decides; a row of the site's own says
        so."""
        known = self._known.tables.packages.get(row.ndc)
        if (
            known
            and known.verified
            and (known.family, known.mg, known.ml) != (row.family, row.mg, row.ml)
        ):
            return (
                f"{_said(row)} here, {_said(known)} in {known.source}: ask which is right, and"
                " write that as a row of your own"
            )
        return None


def _said(row: Package) -> str:
    return f"{_short(row.mg)} mg in {_short(row.ml)} mL of {row.family}"


def _short(number: Decimal) -> Decimal:
    """Without zeros behind the point."""
    return (
        number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
    )
