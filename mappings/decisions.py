"""What a person decides: who pays first, why Medicare pays second, a payer's answer, an imported
authorization, that an odd dose was given, a row of the site's own tables. Each with who, when, and
until when; one form, in files as in the store.

Held by tests/unit/test_decisions.py.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from mappings import codes, site_tables
from mappings.datafiles import loading
from mappings.datafiles.error import DataFileError
from mappings.record import Decided, Source
from mappings.values import own_names, words
from mappings.values.identity import stable_id
from mappings.values.numbers import plain
from mappings.values.us_dates import us_date

Text = Annotated[str, Meta(pattern=r"\S", description="a text that is not empty")]
Days = Annotated[int, Meta(ge=1, le=3650)]
Table = Literal["payer_aliases", "lab_aliases", "drug_aliases", "encounter_classes", "status_words"]
KINDS = (
    "pays_first", "medicare_secondary", "payer_answer", "authorization", "dose_given",
    "note_misread", "site_row",
)  # fmt: skip


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class PaysFirst(_Part, frozen=True, kw_only=True):
    """`coverage` pays first, those of `then` after it, in that order. It holds until one of them
    says something else than in `as_seen`, is no longer active, or another one is."""

    patient: Text
    coverage: Text
    then: tuple[Text, ...] = ()
    as_seen: dict[str, str] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        return (self.coverage, *self.then)


class MedicareSecondary(_Part, frozen=True, kw_only=True, rename={"why": "type"}):
    """Why Medicare pays after another payer of the patient: a code of X12 1336 (SBR05)."""

    patient: Text
    why: Text


class PayerAnswer(_Part, frozen=True, kw_only=True):
    """What a payer (a name, an id, or a policy's payer) said: whether it asks for an authorization
    of a HCPCS code (none: of any), within how many days it takes claims; and who of it said so."""

    payer: Text
    code: Text | None = None
    authorization: Literal["required", "not-required"] | None = None
    timely_filing_days: Days | None = None
    confirmed_by: Text


class Authorized(_Part, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """A payer's approval that a person imported."""

    patient: Text
    number: Text
    payer: Text | None = None
    coverage: Text | None = None
    codes: Annotated[tuple[Text, ...], Meta(min_length=1)]
    units: Decimal | None = None
    start: date | None = None
    end: date | None = None


class DoseGiven(_Part, frozen=True, kw_only=True):
    """That a dose above every label was given as recorded (R3). It holds as long as the record of
    the administration says so many mg."""

    patient: Text
    administration: Text
    mg: Decimal

    @property
    def reference(self) -> str:
        return own_names.administration(self.administration)


class NoteMisread(_Part, frozen=True, kw_only=True):
    """That words of an administration (of a note, or of the text of its dosage) do not say what was
    read of them: the sentences in which they stand are left out. It holds as long as they stand
    there."""

    patient: Text
    administration: Text
    words: Annotated[Text, Meta(min_length=3)]

    @property
    def reference(self) -> str:
        return own_names.administration(self.administration)


class SiteRow(_Part, frozen=True, kw_only=True):
    """A row of the site's own tables, as the configuration has them (`status_words`: the key is
    `element|word`). The value of a payer is its kind, or `kind/payer` for one with a policy."""

    table: Table
    key: Text
    value: Text


class Decision(_Part, frozen=True, kw_only=True):
    """One decision, of one kind. `until`: the last day of service (of a site's row: the last day)
    that it holds for."""

    who: Text
    when: date
    until: date | None = None
    note: Text | None = None
    pays_first: PaysFirst | None = None
    medicare_secondary: MedicareSecondary | None = None
    payer_answer: PayerAnswer | None = None
    authorization: Authorized | None = None
    dose_given: DoseGiven | None = None
    note_misread: NoteMisread | None = None
    site_row: SiteRow | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it holds for a service of that day."""
        return self.until is None or day <= self.until

    @property
    def kind(self) -> str:
        return next(name for name in KINDS if getattr(self, name) is not None)

    @property
    def patient(self) -> str | None:
        """The id of the patient that it is about; None for one of the whole site."""
        part = getattr(self, self.kind)
        named = getattr(part, "patient", None)
        return named.removeprefix("Patient/") if named else None

    @property
    def about(self) -> str:
        """What it settles: of two of the same, the newer one holds."""
        return stable_id("decision", self.kind, self.patient or "", *self._of)

    @property
    def _of(self) -> tuple[str, ...]:
        if self.payer_answer:
            return words.plain(self.payer_answer.payer), self.payer_answer.code or ""
        if self.authorization:
            return (self.authorization.number,)
        if self.dose_given:
            return (self.dose_given.reference,)
        if self.note_misread:
            return self.note_misread.reference, words.plain(self.note_misread.words)
        return (self.site_row.table, self.site_row.key) if self.site_row else ()

    @property
    def decided(self) -> Decided:
        """Itself as evidence."""
        until = f", until {us_date(self.until)}" if self.until else ""
        note = f" ({self.note})" if self.note else ""
        says = f"{self.who} decided on {us_date(self.when)}{until}: {self.says}{note}"
        return Decided(Source(own_names.decision(self.about)), says)

    @property
    def says(self) -> str:
        if self.pays_first:
            then = f", then {', '.join(self.pays_first.then)}" if self.pays_first.then else ""
            return f"{self.pays_first.coverage} pays first{then}"
        if self.medicare_secondary:
            return f"Medicare is secondary, {_why_second(self.medicare_secondary.why)}"
        if self.payer_answer:
            return _said_of_payer(self.payer_answer)
        if self.authorization:
            number, for_codes = self.authorization.number, ", ".join(self.authorization.codes)
            return f"authorization {number} for {for_codes} is on file"
        if self.dose_given:
            return f"{plain(self.dose_given.mg)} mg were given, as recorded"
        if self.note_misread:
            return f"“{self.note_misread.words}” says nothing against the dose as recorded"
        site_row = self.site_row
        return f"{site_row.table}: {site_row.key} is {site_row.value}" if site_row else ""


def _why_second(code: str) -> str:
    return f"{codes.claim_forms().medicare_secondary.types.get(code, 'why unknown')} ({code})"


def _said_of_payer(answer: PayerAnswer) -> str:
    asks = {"required": "requires authorization", "not-required": "requires no authorization"}
    days = answer.timely_filing_days
    said = [
        asks.get(answer.authorization or ""),
        f"accepts claims within {days} days" if days else None,
    ]
    of_code = f" of {answer.code}" if answer.code else ""
    found = " and ".join(part for part in said if part)
    return f"{answer.payer} {found}{of_code}, confirmed by {answer.confirmed_by}"


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    decisions: tuple[Decision, ...]


def from_text(text: str, where: str) -> tuple[Decision, ...]:
    """The decisions of a file (YAML or JSON); DataFileError with file, line and what to write of
    every mistake."""
    return loading.structure(text, where, _File, _check).decisions


def from_document(document: Any) -> Decision:
    """As the store keeps it."""
    return msgspec.convert(document, Decision, strict=False)


def to_document(decision: Decision) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(decision)
    return {name: value for name, value in document.items() if value is not None}


def checked(decision: Decision) -> Decision:
    """A decision that was not read from a file; DataFileError with what is wrong."""
    parts = [getattr(decision, name) for name in KINDS]
    mistakes = chain.from_iterable(_check(found, ()) for found in (decision, *parts))
    every = [said for _, said in mistakes]
    if every:
        raise DataFileError(*every)
    return decision


def _check(found: Any, _: tuple[Meta, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(found, Decision):
        yield from _check_decision(found)
    elif isinstance(found, PayerAnswer):
        if found.authorization is None and found.timely_filing_days is None:
            yield "", "say `authorization` (required or not-required) or `timely_filing_days`"
        yield from _unknown_codes([found.code] if found.code else [], "code")
    elif isinstance(found, MedicareSecondary):
        known = codes.claim_forms().medicare_secondary.types
        if found.why not in known:
            reasons = ", ".join(f"{code} {reason}" for code, reason in known.items())
            yield (
                "type",
                f"{found.why} is not a reason for Medicare to pay second (known: {reasons})",
            )
    elif isinstance(found, Authorized):
        yield from _unknown_codes(found.codes, "codes")
        if found.units is not None and found.units <= 0:
            yield "units", f"write a number above 0, not {found.units}"
        if found.start and found.end and found.end < found.start:
            yield "to", f"it ends before it begins: {found.start} to {found.end}"
    else:
        yield from _check_simple(found)


def _check_simple(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, DoseGiven) and found.mg <= 0:
        yield "mg", f"write a number above 0, not {found.mg}"
    if isinstance(found, SiteRow):
        yield from _check_row(found)


def _check_row(row: SiteRow) -> Iterator[tuple[str, str]]:
    try:
        site_tables.MEANINGS[row.table](row.key, row.value)
    except ValueError as problem:
        yield "value", str(problem)


def _check_decision(found: Decision) -> Iterator[tuple[str, str]]:
    given = [name for name in KINDS if getattr(found, name) is not None]
    if len(given) != 1:
        said = f"{' and '.join(given)} stand here" if given else "none stands here"
        yield "", f"write one of {', '.join(KINDS)}: {said}"
    if found.until and found.until < found.when:
        yield "until", f"it ends before it was decided: {found.when} to {found.until}"


def _unknown_codes(found: Iterable[str], path: str) -> Iterator[tuple[str, str]]:
    known = set(codes.in_force().billing_codes)
    for code in found:
        if code not in known:
            yield path, f"{code} is not a code of an IV iron (known: {', '.join(sorted(known))})"
