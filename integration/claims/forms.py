"""The forms that a claim file has beside X12: a FHIR transaction, a CSV, a workbook.

Held by tests/contract/test_claims_write.py.
"""

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

import msgspec

from integration.claims import Format
from mappings.record import PatientRecord
from mappings.site import Site
from mappings.writing import keying
from mappings.writing.charge_items import charge_items
from mappings.writing.fhir_claim import written_claim
from mappings.writing.fhir_resending import SentClaim, canceled
from mappings.writing.form837.resending import Voiding
from mappings.writing.preparing.prepare import ChargeLines
from mappings.writing.preparing.prepared import Claim
from mappings.writing.transaction import Resource, entry


@dataclass(frozen=True)
class Writing:
    """How files are written: where, in which form, for whom, when, with which numbers."""

    folder: Path
    site: Site
    site_name: str
    form: Format
    now: datetime
    numbers: Iterator[int]
    test: bool = False


class ClaimForm(Protocol):
    """A file's own writer."""

    def claim(self, claim: Claim, record: PatientRecord) -> None: ...
    def charges(self, found: ChargeLines, record: PatientRecord) -> None: ...
    def close(self) -> None: ...


def sync(handle: TextIO) -> None:
    handle.flush()
    os.fsync(handle.fileno())
    handle.close()


class _Csv:
    def __init__(self, how: Writing, handle: TextIO, _: Path) -> None:
        self._how, self._handle = how, handle
        self._table = csv.DictWriter(handle, keying.COLUMNS, lineterminator="\n")
        self._table.writeheader()

    def claim(self, claim: Claim, record: PatientRecord) -> None:
        self._table.writerows(keying.rows(claim, record, self._how.site))

    def charges(self, found: ChargeLines, record: PatientRecord) -> None:
        self._table.writerows(keying.charge_rows(found, record, self._how.site))

    def close(self) -> None:
        sync(self._handle)


class _Xlsx:
    """All cells are text: a spreadsheet would take leading zeros from an NDC."""

    def __init__(self, how: Writing, handle: TextIO, path: Path) -> None:
        from openpyxl import Workbook
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        handle.close()
        self._no_text = ILLEGAL_CHARACTERS_RE
        self._how, self._path = how, path
        self._book: Any = Workbook(write_only=True)
        self._sheet: Any = self._book.create_sheet("claims")
        self._sheet.freeze_panes = "A2"
        self._sheet.append(list(keying.COLUMNS))

    def claim(self, claim: Claim, record: PatientRecord) -> None:
        self._put(keying.rows(claim, record, self._how.site))

    def charges(self, found: ChargeLines, record: PatientRecord) -> None:
        self._put(keying.charge_rows(found, record, self._how.site))

    def _put(self, rows: Iterator[keying.Row]) -> None:
        for row in rows:
            self._sheet.append([self._no_text.sub("", cell) for cell in row.values()])

    def close(self) -> None:
        self._book.save(self._path)
        with self._path.open("r+", encoding="utf-8") as handle:
            os.fsync(handle.fileno())


class Fhir:
    """A transaction Bundle, an entry at a time."""

    def __init__(self, how: Writing, handle: TextIO, _: Path) -> None:
        self._how, self._handle = how, handle
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        stamp = how.now.isoformat(timespec="seconds")
        head = f'{{"resourceType":"Bundle","type":"transaction","timestamp":"{stamp}","entry":['
        self._before = head

    def claim(self, claim: Claim, record: PatientRecord) -> None:
        active = claim.receiver.production and not self._how.test
        self._put(written_claim(claim, record, self._how.site, self._how.now, active=active))

    def charges(self, found: ChargeLines, record: PatientRecord) -> None:
        for item in charge_items(found, record, self._how.site, self._how.now):
            self._put(item)

    def again(self, sent: SentClaim, void: Voiding) -> None:
        """A claim that left before, canceled."""
        self._put(canceled(sent, void.original, void.reason))

    def _put(self, resource: Resource) -> None:
        self._handle.write(f"{self._before}\n{self._encode(entry(resource)).decode()}")
        self._before = ","

    def close(self) -> None:
        self._handle.write("\n]}\n")
        sync(self._handle)


FORMS: dict[str, Callable[[Writing, TextIO, Path], ClaimForm]] = {
    "csv": _Csv,
    "xlsx": _Xlsx,
    "fhir": Fhir,
}
