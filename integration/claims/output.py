"""Claim files as they are written: under a name of their own until all of it stands, then placed at
once.

Held by tests/contract/test_claims_write.py.
"""

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from integration import private
from integration.claims import Format
from integration.claims.forms import FORMS, ClaimForm, Fhir, Writing, sync
from integration.claims.notes import Noted, Notes
from integration.errors import ConfigurationError
from mappings.record import PatientRecord
from mappings.site import ClaimKind, Receiver
from mappings.writing.drafting import by_subscriber, written
from mappings.writing.fhir_resending import SentClaim
from mappings.writing.form837.interchange import Interchange, checked
from mappings.writing.form837.resending import Resent, Voiding
from mappings.writing.preparing import drafts
from mappings.writing.preparing.prepare import ChargeLines
from mappings.writing.preparing.prepared import Claim, claim_number

CLAIMS, CHARGES = "claims", "charges"
_ENDS = {"x12": "x12", "fhir": "json", "csv": "csv", "xlsx": "xlsx"}


@dataclass
class FilePart:
    """A file that grows. `claims` in the order written; of charge lines what goes to one claim."""

    name: str
    path: Path
    form: Format
    kind: str
    control: int
    receiver: Receiver | None = None
    production: bool = False
    claims: Notes = field(default_factory=Notes)


class Output:
    """All files of one run. Nothing of it can be seen before `place`; `drop` leaves nothing."""

    def __init__(self, writing: Writing) -> None:
        self.how = writing
        self.parts: dict[tuple[str, str], FilePart] = {}
        self._interchanges: dict[tuple[str, str], tuple[Interchange, TextIO]] = {}
        self._forms: dict[str, ClaimForm] = {}
        self._handles: list[TextIO] = []

    def add(self, claims: Sequence[Claim], record: PatientRecord) -> list[tuple[Claim, list[str]]]:
        """Writes claims of one patient; those with a fault are given back with it, and not
        written."""
        if self.how.form == "x12":
            return self._as_x12(claims)
        refused: list[tuple[Claim, list[str]]] = []
        for claim in claims:
            _, faults = checked([claim], self.how.now.date())
            if faults:
                refused.append((claim, faults))
                continue
            part, form = self._form(CLAIMS)
            form.claim(claim, record)
            part.claims.add(noted(claim))
        return refused

    def add_charges(self, found: ChargeLines, record: PatientRecord) -> None:
        """Lines for the facility's own claim: beside X12 as CSV."""
        part, form = self._form(CHARGES)
        form.charges(found, record)
        part.claims.add(_noted_charges(found))

    def add_again(self, resent: Resent, receiver: Receiver) -> list[str]:
        """Writes a claim that left before once more; its faults, if there are any."""
        part, file = self._interchange(receiver, resent.kind)
        faults = file.add_again(resent.biller, resent.loops)
        if not faults:
            part.claims.add(_noted_void(resent.void, resent.total, resent.lines))
        return faults

    def cancel(self, sent: SentClaim, void: Voiding) -> None:
        """Writes a FHIR Claim that left before once more, canceled."""
        part, form = self._form(CLAIMS)
        if isinstance(form, Fhir):
            form.again(sent, void)
        part.claims.add(_noted_void(void, sent.total, sent.lines))

    def finish(self) -> list[FilePart]:
        """Closes every file and gives those that hold something, each whole on the disk."""
        for file, handle in self._interchanges.values():
            file.close()
            sync(handle)
        for form in self._forms.values():
            form.close()
        whole = [part for part in self.parts.values() if part.claims]
        for part in self.parts.values():
            if part not in whole:
                part.path.unlink()
        return whole

    def place(self, parts: Sequence[FilePart]) -> list[Path]:
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
            part.claims.close()
            part.path.unlink(missing_ok=True)

    def _as_x12(self, claims: Sequence[Claim]) -> list[tuple[Claim, list[str]]]:
        refused: list[tuple[Claim, list[str]]] = []
        by_file: dict[tuple[str, str], list[Claim]] = {}
        for claim in claims:
            by_file.setdefault((claim.receiver.name, drafts.FORMS[claim.kind]), []).append(claim)
        for some in by_file.values():
            part, file = self._interchange(some[0].receiver, some[0].kind)
            for batch in by_subscriber(some):
                found = written(file, batch)
                faulty = {claim.number for claim, _ in found}
                for claim in batch:
                    if claim.number not in faulty:
                        part.claims.add(noted(claim))
                refused += found
        return refused

    def _interchange(self, receiver: Receiver, kind: ClaimKind) -> tuple[FilePart, Interchange]:
        key = (receiver.name, drafts.FORMS[kind])
        if key not in self._interchanges:
            path, handle = self._opened(f"{receiver.id}-{drafts.FORMS[kind]}")
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
            name = f"{self.how.site_name}_{file.control:09}_{drafts.FORMS[kind]}.x12"
            self.parts[key] = FilePart(
                name, path, "x12", drafts.FORMS[kind], file.control, receiver, file.production
            )
            self._interchanges[key] = file, handle
        return self.parts[key], self._interchanges[key][0]

    def _form(self, what: str) -> tuple[FilePart, ClaimForm]:
        if what not in self._forms:
            form: Format = "csv" if self.how.form == "x12" else self.how.form
            number = next(self.how.numbers)
            path, handle = self._opened(what)
            name = f"{self.how.site_name}_{number:09}_{what}.{_ENDS[form]}"
            counts = self._counts()
            self.parts[what, ""] = FilePart(name, path, form, what, number, production=counts)
            self._forms[what] = FORMS[form](self.how, handle, path)
        return self.parts[what, ""], self._forms[what]

    def _counts(self) -> bool:
        """Files without an envelope count where every receiver's do."""
        receivers = self.how.site.receivers
        counts = bool(receivers) and all(receiver.production for receiver in receivers)
        return counts and not self.how.test

    def _opened(self, label: str) -> tuple[Path, TextIO]:
        path = self.how.folder / f".{label}-{uuid4().hex}.part"
        private.make(path, anew=True)
        self._handles.append(path.open("w", encoding="utf-8", newline=""))
        return path, self._handles[-1]


def noted(claim: Claim) -> Noted:
    lines = tuple(line.id for line in claim.draft.lines)
    return Noted(
        claim.number,
        claim.draft.id,
        claim.draft.patient,
        claim.stated_frequency,
        claim.original,
        claim.total,
        lines,
    )


def _noted_void(void: Voiding, total: Decimal, lines: tuple[str, ...]) -> Noted:
    return Noted(void.number, void.number, "", "8", void.original, total, lines)


def _noted_charges(found: ChargeLines) -> Noted:
    parts = chain.from_iterable(own for _, own in found.services)
    draft, lines = found.draft, tuple(line.id for line, _ in found.services)
    return Noted(
        claim_number(draft.id), draft.id, draft.patient, "1", None, drafts.value_of(parts), lines
    )


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


def place_whole(content: bytes, target: Path) -> None:
    """A file that is kept elsewhere, whole or not at all."""
    path = target.with_name(f".{uuid4().hex}.part")
    try:
        private.make(path, anew=True)
        with path.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        _place(path, target)
    finally:
        path.unlink(missing_ok=True)


def folder_of(path: Path) -> Path:
    """The folder, made where it is not there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigurationError(f"Cannot write to {path}: {problem.strerror}.") from None
    return path
