"""What the rows of the clinical tables hold: laboratory analytes and diagnoses.

Held by tests/unit/test_laboratory.py.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from mappings.codes.tables import Dated
from mappings.codes.tables.dated import Names
from mappings.values import words


def unit_key(text: str) -> str:
    """A unit text as units are compared: case and spaces aside, and a full stop behind it."""
    return "".join(text.split()).lower().removesuffix(".")


class Analyte(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """`units`: unit texts with the factor to `unit`. `unverified`: which LOINC codes and units
    `verified: false` is about.

    `thousands`: values reach thousands, so that a comma in a written one is no decimal comma.
    `above_zero`: nobody living has none of it.
    """

    analyte: str
    says: str | None = None
    unit: str
    loinc: tuple[str, ...]
    units: dict[str, Decimal]
    fractions: tuple[str, ...] = ()
    thousands: bool = False
    above_zero: bool = False
    unverified: tuple[str, ...] = ()
    source: str
    verified: bool

    @property
    def called(self) -> str:
        """What people call it."""
        return self.says or self.analyte

    @cached_property
    def factors(self) -> dict[str, Decimal]:
        """Factors by unit text, case and spaces aside."""
        return {unit_key(name): factor for name, factor in self.units.items()}

    @cached_property
    def doubtful(self) -> frozenset[str]:
        """The unit texts, case and spaces aside, whose factor is not verified."""
        return frozenset(unit_key(name) for name in self.unverified if name in self.units)


class TibcFactor(Struct, frozen=True):
    factor: Decimal
    source: str
    verified: bool


class TooSoon(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`over_mg`: only after a dose of more than that."""

    analytes: tuple[str, ...]
    days: int
    over_mg: Decimal | None = None
    source: str
    verified: bool


class NeverEvidence(Struct, frozen=True, forbid_unknown_fields=True, rename={"what": "is"}):
    loinc: str
    what: str
    source: str
    verified: bool


class CodedAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A coded result, or one in words, that stands for a number."""

    analyte: str
    value: int
    snomed: str
    names: tuple[str, ...]
    source: str
    verified: bool


class ResultWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How results are said: statuses, comparators written out, marks, and that there is none."""

    usable: tuple[str, ...]
    void: tuple[str, ...]
    reported: tuple[str, ...]
    comparators: dict[str, tuple[str, ...]]
    flags: tuple[str, ...]
    no_result: tuple[str, ...]
    taken_back: tuple[str, ...]
    elsewhere: tuple[str, ...]
    source: str
    verified: bool


class AnalyteNames(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """What tests are called. `of`: those of the analytes; `others`; `fluids`: specimens that are no
    blood; `beside`: words that leave a name what it is."""

    of: dict[str, tuple[str, ...]]
    others: tuple[str, ...]
    fluids: tuple[str, ...]
    beside: tuple[str, ...]
    source: str
    verified: bool

    def is_another(self, analyte: str, text: str) -> bool:
        """Whether a text names a test that is not that of the analyte, and nothing else."""
        if analyte not in self.of:
            return False
        named = self.analyte_of(text)
        return named not in (None, analyte) or words.first_of(text, self.fluids) is not None

    def analyte_of(self, text: str) -> str | None:
        """The analyte that a text names, and nothing else; "another" for another test."""
        said = " ".join(word for word in words.plain(text).split() if word not in self.beside)
        return self._analyte_of.get(said)

    @cached_property
    def _analyte_of(self) -> dict[str, str]:
        rows = [*self.of.items(), ("another", self.others)]
        return {words.plain(name).strip(): analyte for analyte, names in rows for name in names}


class Labs(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    analytes: tuple[Analyte, ...]
    names: AnalyteNames
    words: ResultWords
    answers: tuple[CodedAnswer, ...]
    never: tuple[NeverEvidence, ...]
    tibc_per_transferrin: TibcFactor
    too_soon_after_dose: tuple[TooSoon, ...]

    @cached_property
    def by_loinc(self) -> dict[str, Analyte]:
        return {code: analyte for analyte in self.analytes for code in analyte.loinc}

    @cached_property
    def never_loinc(self) -> frozenset[str]:
        return frozenset(row.loinc for row in self.never)

    @cached_property
    def by_name(self) -> dict[str, Analyte]:
        return {analyte.analyte: analyte for analyte in self.analytes}

    @cached_property
    def unit_texts(self) -> frozenset[str]:
        """Every unit text that is read for some analyte, case and spaces aside."""
        found = set[str]()
        for analyte in self.analytes:
            found.update(analyte.factors, map(unit_key, analyte.fractions))
        return frozenset(found)


class DatedDiagnosis(Dated, frozen=True, kw_only=True):
    code: str


class Icd10(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    billable: tuple[str, ...]
    dated: tuple[DatedDiagnosis, ...]
    groups: dict[str, tuple[str, ...]]


class Prefix(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that begin so. `once`: what happened once counts, also when it is over."""

    prefix: str
    source: str
    verified: bool
    once: bool = False


class NamedByPayers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition that a policy may name: codes that begin so."""

    prefixes: tuple[str, ...]
    source: str
    verified: bool


class SnomedRow(Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    icd10: str
    source: str
    verified: bool


class DialysisCode(Struct, frozen=True, forbid_unknown_fields=True):
    system: str
    code: str
    kind: str
    source: str
    verified: bool


class DeniedWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words with which the text of a diagnosis begins or ends that say that it is none."""

    begins: tuple[str, ...]
    ends: tuple[str, ...]
    source: str
    verified: bool

    def deny(self, text: str) -> bool:
        ends = words.plain(text).endswith(tuple(map(words.plain, self.ends)))
        return ends or words.begins(text, self.begins) or text.lstrip()[:1] == "?"


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that begin so, and words that name one of them."""

    codes: tuple[str, ...]
    names: tuple[str, ...]


class ToldApart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Codes that words tell apart."""

    rows: tuple[Told, ...]
    source: str
    verified: bool

    def deny(self, coded: Iterable[str], text: str) -> bool:
        """Whether the text names others of these, and none of the codes."""
        own = [row for row in self.rows if any(code.startswith(row.codes) for code in coded)]
        if not own or any(words.first_of(text, row.names) for row in own):
            return False
        return any(words.first_of(text, row.names) for row in self.rows)


class DiagnosisWords(Names, frozen=True, kw_only=True):
    """Words, and codes of ICD-9-CM, that say what a code of ICD-10-CM says."""

    icd10: str
    icd9: tuple[str, ...] = ()


class PregnancyCode(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer on a pregnancy; `pregnant` is false for one that says there is none."""

    system: str
    code: str
    pregnant: bool = True
    source: str
    verified: bool


class Diagnoses(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    icd10: Icd10
    oral_iron_contraindication: tuple[Prefix, ...]
    named_by_payers: dict[str, NamedByPayers]
    snomed: tuple[SnomedRow, ...]
    dialysis_treatment: tuple[DialysisCode, ...]
    diagnoses_in_words: tuple[DiagnosisWords, ...]
    dialysis_in_words: Names
    denied_in_words: DeniedWords
    told_apart: tuple[ToldApart, ...]
    pregnancy_diagnoses: NamedByPayers
    pregnancy: tuple[PregnancyCode, ...]

    @cached_property
    def by_snomed(self) -> dict[str, tuple[str, ...]]:
        return {
            one.code: tuple(row.icd10 for row in self.snomed if row.code == one.code)
            for one in self.snomed
        }

    @cached_property
    def dialysis_codes(self) -> dict[tuple[str, str], str]:
        return {(row.system, row.code): row.kind for row in self.dialysis_treatment}

    @cached_property
    def pregnancy_codes(self) -> dict[tuple[str, str], bool]:
        return {(row.system, row.code): row.pregnant for row in self.pregnancy}

    @cached_property
    def _dated(self) -> dict[str, DatedDiagnosis]:
        return {row.code: row for row in self.icd10.dated}

    @cached_property
    def _dated_plain(self) -> dict[str, DatedDiagnosis]:
        return {code.replace(".", ""): row for code, row in self._dated.items()}

    @cached_property
    def every_billable(self) -> frozenset[str]:
        """On whatever day."""
        return frozenset(self.icd10.billable) | {row.code for row in self.icd10.dated}

    @cached_property
    def headings(self) -> frozenset[str]:
        """What stands above a billable code, without its dot, as claims have it."""
        plain = [code.replace(".", "") for code in self.every_billable]
        above = {code[:length] for code in plain for length in range(3, len(code))}
        return frozenset(above - set(plain))

    def is_heading(self, plain: str, day: date) -> bool:
        """Whether a code without its dot is divided further on that day."""
        below = (code for code in self._dated_plain if code.startswith(plain) and code != plain)
        return plain in self.headings or (self.is_out(plain, day) and any(below))

    def is_out(self, plain: str, day: date) -> bool:
        """Whether a code without its dot is known to be billable on other days only."""
        dated = self._dated_plain.get(plain)
        return dated is not None and not dated.holds(day)

    @cached_property
    def _map(self) -> dict[tuple[str, str], SnomedRow]:
        return {(row.icd10, row.code): row for row in self.snomed}

    def map_row(self, icd10: str, snomed: str) -> SnomedRow:
        """The row of the map that gave an ICD-10-CM code for a SNOMED code."""
        return self._map[icd10, snomed]

    def group(self, name: str) -> frozenset[str]:
        return self._groups[name]

    @cached_property
    def _groups(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(codes) for name, codes in self.icd10.groups.items()}

    def billable_among(self, codes: Iterable[str], day: date) -> frozenset[str]:
        """Those that are billable ones on that day."""
        known, dated = self.every_billable, self._dated
        return frozenset(
            [
                code
                for code in codes
                if code in known and (code not in dated or dated[code].holds(day))
            ]
        )

    def billable_on(self, day: date) -> frozenset[str]:
        return self.billable_among(self.every_billable, day)

    def contraindicates_oral_iron(self, code: str, once: bool = False) -> bool:
        """With `once`, only what counts also when it is over."""
        return any(
            code.startswith(row.prefix)
            for row in self.oral_iron_contraindication
            if row.once or not once
        )
