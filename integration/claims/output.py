"""Claim files as they are written: under a name of their own until all of it stands, then placed at
once."""

import csv
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO
from uuid import uuid4

import msgspec

from integration.errors import ConfigurationError
from mappings.record import PatientRecord
from mappings.site import Receiver, Site
from mappings.writing import keying
from mappings.writing.charge_items import charge_items
from mappings.writing.drafting import by_subscriber, written
from mappings.writing.fhir_claim import written_claim
from mappings.writing.form837.interchange import SHORT, Interchange
from mappings.writing.form837.resending import Resent
from mappings.writing.preparing.drafts import Kind
from mappings.writing.preparing.prepare import ChargeLines
from mappings.writing.preparing.prepared import Claim, claim_number

Format = Literal["x12", "fhir", "csv", "xlsx"]
CLAIMS, CHARGES = "claims", "charges"
_ENDS = {"x12": "x12", "fhir": "json", "csv": "csv", "xlsx": "xlsx"}


@dataclass
class Part:
    """A file that grows. `claims` in the order written; of charge lines what goes to one claim."""

    name: str
    path: Path
    kind: str
    control: int
    receiver: Receiver | None = None
    production: bool = False
    claims: list["Noted"] = field(default_factory=list)


@dataclass(frozen=True)
class Noted:
    """What is remembered of a claim once it is in a file. `about`: the number of the claim that it
    replaces or voids."""

    number: str
    draft_id: str
    patient: str
    frequency: str
    original: str | None
    total: Decimal
    lines: tuple[str, ...]
    about: str | None = None


class Form(Protocol):
    """A file's own writer."""

    def claim(self, claim: Claim, record: PatientRecord) -> None: ...
    def charges(self, found: ChargeLines, record: PatientRecord) -> None: ...
    def close(self) -> None: ...


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


class Output:
    """All files of one run. Nothing of it can be seen before `place`; `drop` leaves nothing."""

    def __init__(self, writing: Writing) -> None:
        self.how = writing
        self.parts: dict[tuple[str, str], Part] = {}
        self._interchanges: dict[tuple[str, str], tuple[Interchange, TextIO]] = {}
        self._forms: dict[str, Form] = {}
        self._handles: list[TextIO] = []

    def add(self, claims: Sequence[Claim], record: PatientRecord) -> list[tuple[Claim, list[str]]]:
        """Writes claims of one patient; those with a fault are given back with it, and not
        written."""
        if self.how.form == "x12":
            return self._as_x12(claims)
        for claim in claims:
            part, form = self._form(CLAIMS)
            form.claim(claim, record)
            part.claims.append(noted(claim))
        return []

    def add_charges(self, found: ChargeLines, record: PatientRecord) -> None:
        """Lines for the facility's own claim: beside X12 as CSV."""
        part, form = self._form(CHARGES)
        form.charges(found, record)
        part.claims.append(_noted_charges(found))

    def add_again(self, resent: Resent, receiver: Receiver) -> list[str]:
        """Writes a claim that left before once more; its faults, if there are any."""
        part, file = self._interchange(receiver, resent.kind)
        faults = file.add_again(resent.biller, resent.loops)
        if not faults:
            own = (resent.number, resent.number, "", "8", resent.original)
            part.claims.append(Noted(*own, resent.total, resent.lines, about=resent.about))
        return faults

    def finish(self) -> list[Part]:
        """Closes every file and gives those that hold something, each whole on the disk."""
        for file, handle in self._interchanges.values():
            file.close()
            _sync(handle)
        for form in self._forms.values():
            form.close()
        whole = [part for part in self.parts.values() if part.claims]
        for part in self.parts.values():
            if part not in whole:
                part.path.unlink()
        return whole

    def place(self, parts: Sequence[Part]) -> list[Path]:
        """Gives the files their names. One that is there already is never overwritten."""
        placed = []
        for part in parts:
            target = self.how.folder / part.name
            _place(part.path, target)
            placed.append(target)
        return placed

    def drop(self) -> None:
        for handle in self._handles:
            with suppress(OSError):
                handle.close()
        for part in self.parts.values():
            part.path.unlink(missing_ok=True)

    def _as_x12(self, claims: Sequence[Claim]) -> list[tuple[Claim, list[str]]]:
        refused: list[tuple[Claim, list[str]]] = []
        by_file: dict[tuple[str, str], list[Claim]] = {}
        for claim in claims:
            by_file.setdefault((claim.receiver.name, SHORT[claim.kind]), []).append(claim)
        for some in by_file.values():
            part, file = self._interchange(some[0].receiver, some[0].kind)
            for batch in by_subscriber(some):
                found = written(file, batch)
                faulty = {claim.number for claim, _ in found}
                part.claims += [noted(claim) for claim in batch if claim.number not in faulty]
                refused += found
        return refused

    def _interchange(self, receiver: Receiver, kind: Kind) -> tuple[Part, Interchange]:
        key = (receiver.name, SHORT[kind])
        if key not in self._interchanges:
            path, handle = self._opened(f"{receiver.id}-{SHORT[kind]}")
            biller = self.how.site.biller(kind, None)
            file = Interchange(
                handle.write,
                receiver,
                kind,
                self.how.now,
                self.how.numbers,
                test=self.how.test,
                phone=biller.phone if biller else None,
            )
            name = f"{self.how.site_name}_{file.control:09}_{SHORT[kind]}.x12"
            self.parts[key] = Part(name, path, SHORT[kind], file.control, receiver, file.production)
            self._interchanges[key] = file, handle
        return self.parts[key], self._interchanges[key][0]

    def _form(self, what: str) -> tuple[Part, Form]:
        if what not in self._forms:
            form: Format = "csv" if self.how.form == "x12" else self.how.form
            number = next(self.how.numbers)
            path, handle = self._opened(what)
            name = f"{self.how.site_name}_{number:09}_{what}.{_ENDS[form]}"
            self.parts[what, ""] = Part(name, path, what, number, production=self._counts())
            self._forms[what] = _FORMS[form](self.how, handle, path)
        return self.parts[what, ""], self._forms[what]

    def _counts(self) -> bool:
        """Files without an envelope count where every receiver's do."""
        receivers = self.how.site.receivers
        counts = bool(receivers) and all(receiver.production for receiver in receivers)
        return counts and not self.how.test

    def _opened(self, label: str) -> tuple[Path, TextIO]:
        path = self.how.folder / f".{label}-{uuid4().hex}.part"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._handles.append(os.fdopen(descriptor, "w", encoding="utf-8", newline=""))
        return path, self._handles[-1]


def noted(claim: Claim) -> Noted:
    frequency = claim.frequency
    stated = claim.statement.frequency if claim.statement and frequency == "1" else frequency
    lines = tuple(line.id for line in claim.draft.lines)
    return Noted(
        claim.number,
        claim.draft.id,
        claim.draft.patient,
        stated,
        claim.original,
        claim.total,
        lines,
    )


def _noted_charges(found: ChargeLines) -> Noted:
    parts = [part for _, own in found.services for part in own]
    total = sum((part.value for part in parts if part.value is not None), Decimal(0))
    draft, lines = found.draft, tuple(line.id for line, _ in found.services)
    return Noted(claim_number(draft.id), draft.id, draft.patient, "1", None, total, lines)


def _place(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
        path.unlink()
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(errno.EEXIST, "File exists", str(target)) from None
        path.rename(target)


def folder_of(path: Path) -> Path:
    """The folder, made where it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigurationError(f"Cannot write to {path}: {problem.strerror}.") from None
    return path


def _sync(handle: TextIO) -> None:
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
        _sync(self._handle)


class _Xlsx:
    """All cells are text: a spreadsheet would take leading zeros from an NDC."""

    def __init__(self, how: Writing, handle: TextIO, path: Path) -> None:
        from openpyxl import Workbook

        handle.close()
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
            self._sheet.append(list(row.values()))

    def close(self) -> None:
        self._book.save(self._path)


class _Fhir:
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

    def _put(self, resource: dict[str, Any]) -> None:
        entry = {
            "fullUrl": f"urn:uuid:{_uuid(resource['id'])}",
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        self._handle.write(f"{self._before}\n{self._encode(entry).decode()}")
        self._before = ","

    def close(self) -> None:
        self._handle.write("\n]}\n")
        _sync(self._handle)


def _uuid(hexadecimal: str) -> str:
    ends = (8, 12, 16, 20, 32)
    starts = (0, *ends)
    return "-".join(hexadecimal[start:end] for start, end in zip(starts, ends, strict=False))


_FORMS: dict[str, Callable[[Writing, TextIO, Path], Form]] = {
    "csv": _Csv,
    "xlsx": _Xlsx,
    "fhir": _Fhir,
}
