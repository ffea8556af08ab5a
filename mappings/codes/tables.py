"""What the rows of the code tables hold. Each has its source; `verified: false` marks what no
official text was seen for."""

import re
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from msgspec import Struct

from mappings.values import words


class Dated(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """Something that holds from-to, both days included."""

    start: date | None = None
    end: date | None = None
    source: str = ""
    verified: bool = True

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


class BillingCode(Dated, frozen=True, kw_only=True):
    """`mue`: the most units of a day that NCCI's Medically Unlikely Edits let pass (table effective
    2024-07-01)."""

    code: str
    mg_per_unit: Decimal
    mue: int | None = None
    use: str | None = None


class Presentation(Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]
    use: str


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One HCPCS family of IV iron. `strength_mg_per_ml` is the one strength of its label, where
    there is one. `label_heart_failure`: labeled for iron deficiency in heart failure.

    `unverified`: those of its RxNorm and ATC codes for which no official text was seen. `routes`:
    by which its label has it given.
    """

    family: str
    name: str
    names: tuple[str, ...]
    codes: tuple[BillingCode, ...]
    strength_mg_per_ml: Decimal | None = None
    label_population: Literal["ckd"] | None = None
    routes: tuple[str, ...] = ("intravenous", "dialysis-circuit")
    label_heart_failure: bool = False
    retired: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    rxnorm: tuple[str, ...] = ()
    atc: tuple[str, ...] = ()
    presentations: tuple[Presentation, ...] = ()
    source: str = ""
    verified: bool = True


class NotIvIron(Struct, frozen=True, forbid_unknown_fields=True):
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class OralIronNames(Struct, frozen=True, forbid_unknown_fields=True):
    """`none`: with these words it only contains some iron, or is not taken by mouth."""

    names: tuple[str, ...]
    none: tuple[str, ...]
    rxnorm: tuple[str, ...]
    source: str
    verified: bool


class Names(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whole words that say one thing, in texts and notes; within a phrase of `but_not` they
    don't."""

    names: tuple[str, ...]
    but_not: tuple[str, ...] = ()
    source: str
    verified: bool

    def named_in(self, text: str) -> bool:
        for phrase in self.but_not:
            text = words.plain(text).replace(words.plain(phrase), "  ")
        return words.first_of(text, self.names) is not None


class NotGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a statusReason says of a dose that was not given: always, or only where no dose is
    recorded.

    With words `of_a_part` ("the rest was not given") a recorded dose stands.
    """

    phrases: tuple[str, ...]
    phrases_without_dose: tuple[str, ...]
    of_a_part: tuple[str, ...]
    snomed: tuple[str, ...]
    snomed_without_dose: tuple[str, ...]
    source: str
    verified: bool


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """`codes`: a whole code or text; `names`: words in a text."""

    route: str
    codes: tuple[str, ...]
    names: tuple[str, ...]


class DosesADay(Struct, frozen=True, forbid_unknown_fields=True):
    a_day: int
    codes: tuple[str, ...]


class WordList(Struct, frozen=True, forbid_unknown_fields=True):
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def named_in(self, text: str) -> bool:
        return words.first_of(text, self.names) is not None

    def is_all_of(self, text: str) -> bool:
        """Whether a text has no other words; numbers are none."""
        said = [word for word in words.plain(text).split() if not word.isdigit()]
        return all(word in self.words for word in said)


class GivingWords(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """How a drug was given and how often it was asked, in the words of charts."""

    routes: tuple[Route, ...]
    methods: WordList
    frequencies: tuple[DosesADay, ...]
    names_nothing: WordList
    other_mass: WordList
    source: str
    verified: bool

    def routes_of(self, system: str, text: str) -> tuple[str, ...]:
        """The routes that a code or a text names."""
        said = words.plain(text)
        exact = self._by_code.get(f"{system}|{text}") or self._by_code.get(said)
        if exact:
            return (exact,)
        found = (row.route for row in self.routes if words.first_of(text, row.names))
        return tuple(dict.fromkeys(found))

    @cached_property
    def _by_code(self) -> dict[str, str]:
        return words.folded({code: row.route for row in self.routes for code in row.codes})

    @cached_property
    def a_day(self) -> dict[str, int]:
        """Doses a day by the plain words of a timing's code."""
        return {words.plain(code): row.a_day for row in self.frequencies for code in row.codes}


class Wasting(Struct, frozen=True, forbid_unknown_fields=True):
    """What notes say of discarded drug."""

    done: tuple[str, ...]
    nouns: tuple[str, ...]
    words: tuple[str, ...]
    source: str
    verified: bool


class Products(Struct, frozen=True, forbid_unknown_fields=True):
    families: tuple[Family, ...]
    not_iv_iron: NotIvIron
    diluents: Names
    beside_iron: Names
    wasting: Wasting
    line_draws: Names
    not_given: NotGiven
    oral_iron: OralIronNames


class Package(Dated, frozen=True, kw_only=True):
    """A finished package: mg and mL of one container."""

    ndc: str
    family: str
    mg: Decimal
    ml: Decimal
    label: str


class NotBillable(Struct, frozen=True, forbid_unknown_fields=True, rename={"what": "is"}):
    product: str
    what: str
    source: str
    verified: bool


class PackageTable(Struct, frozen=True, forbid_unknown_fields=True):
    packages: tuple[Package, ...]
    not_billable: tuple[NotBillable, ...]


class Units(Struct, frozen=True, forbid_unknown_fields=True):
    ucum: dict[str, str]
    texts: dict[str, str]
    mg_per: dict[str, Decimal]
    ml_per: dict[str, Decimal]
    minutes_per: dict[str, Decimal]
    source: str
    verified: bool


class PlaceOfService(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of service and the kind of claim it is billed on. `discard: false`: JW and JZ are not
    asked there."""

    code: str
    name: str
    claim: Literal["professional", "institutional"]
    bill_type: str | None = None
    revenue_code: str | None = None
    discard: bool = True


ClassKind = Literal[
    "inpatient", "ambulatory", "emergency", "observation", "home", "undecided", "none"
]


class EncounterClasses(Struct, frozen=True, dict=True, kw_only=True, forbid_unknown_fields=True):
    """The classes of a code system, by kind: `code`, or `code|display`. `alone`: also without a
    system."""

    systems: tuple[str, ...]
    kinds: dict[ClassKind, tuple[str, ...]]
    alone: bool = False
    source: str
    verified: bool

    @cached_property
    def by_code(self) -> dict[str, ClassKind]:
        """By what stands there, case aside."""
        return {code.lower(): kind for kind, found in self.kinds.items() for code in found}


class EncounterTypes(Names, frozen=True, kw_only=True):
    """Types of encounters by whole words or SNOMED CT code."""

    snomed: tuple[str, ...]


class SettingTable(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    place_of_service: tuple[PlaceOfService, ...]
    place_of_kind: dict[str, str]
    encounter_classes: tuple[EncounterClasses, ...]
    plain_words: dict[str, ClassKind]
    inpatient_type: EncounterTypes
    facility_stay: EncounterTypes
    location_type: dict[str, str]

    @cached_property
    def by_code(self) -> dict[str, PlaceOfService]:
        return {row.code: row for row in self.place_of_service}


class StatusWords(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What the statuses of an element mean. `systems`: its own code systems, the last part of their
    address. `words`: by meaning, the other words and `system|code` for it."""

    element: str
    systems: tuple[str, ...]
    words: dict[str, tuple[str, ...]]

    @cached_property
    def meanings(self) -> dict[str, str]:
        """By word without spaces and punctuation, or by `system|code`."""
        rows = [(meaning, meaning) for meaning in self.words]
        rows += [(word, meaning) for meaning, others in self.words.items() for word in others]
        return {
            word if "|" in word else words.plain(word).replace(" ", ""): meaning
            for word, meaning in rows
        }


class StatusTable(Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    verified: bool
    elements: tuple[StatusWords, ...]


class SoptRow(Struct, frozen=True, forbid_unknown_fields=True):
    prefix: str
    kind: str
    source: str
    verified: bool


class PayerName(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`alone`: only where it is the whole text. `pays_second`: it says so of itself."""

    name: str
    kind: str | None = None
    payer: str | None = None
    strong: bool = True
    alone: bool = False
    pays_second: bool = False


class Payers(Struct, frozen=True, forbid_unknown_fields=True):
    """`medical`: words of a plan that is medical, whatever kinds of `beside_medical` it is
    besides."""

    sopt: tuple[SoptRow, ...]
    act_code: dict[str, str]
    medical: tuple[str, ...]
    beside_medical: tuple[str, ...]
    names: tuple[PayerName, ...]
    source: str
    verified: bool


class PaymentLimits(Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    quarter: str
    start: date
    limit: dict[str, Decimal]
    source: str
    verified: bool


class OppsStatus(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "status": "is"}
):
    """`source`: of this row, where it is not that of the table."""

    start: date
    status: str
    source: str | None = None
    verified: bool = True


class Opps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment system's status of codes. Every release up to the last one is known, after it the
    `later_releases`."""

    source: str
    verified: bool
    last_release: date
    status: dict[str, tuple[OppsStatus, ...]]
    packaged: tuple[str, ...]
    separate: tuple[str, ...]
    later_releases: tuple[date, ...] = ()


class Exempt(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class ConsolidatedBilling(Struct, frozen=True, forbid_unknown_fields=True):
    """Every IV iron is in the bundle, by the rule of the day, but for what is `exempt`."""

    every_iron: tuple[Dated, ...]
    exempt: tuple[Exempt, ...] = ()

    def rule_for(self, code: str, day: date) -> Dated | None:
        """The rule that puts the drug into the bundle on that day."""
        if any(row.holds(day) and code in row.codes for row in self.exempt):
            return None
        return next((row for row in self.every_iron if row.holds(day)), None)


class Modifier(Dated, frozen=True, kw_only=True):
    modifier: str


class Payment(Struct, frozen=True, forbid_unknown_fields=True):
    limits: tuple[PaymentLimits, ...]
    opps: Opps
    asc: Opps
    esrd_consolidated_billing: ConsolidatedBilling
    discard_modifiers: tuple[Modifier, ...]
    off_campus_modifiers: tuple[Modifier, ...]
    esrd_discard_modifiers: Dated


class AdministrationServices(Dated, frozen=True, kw_only=True):
    """CPT codes for giving the drug, and the minutes that decide between them."""

    push_minutes: int
    most_minutes: int
    further_hour_over_minutes: int
    initial_push: str
    initial_infusion: str
    further_hour: str
    sequential_push: str
    sequential_infusion: str
    repeated_push: str
    repeated_push_minutes: int
    not_for_professionals_in: tuple[str, ...]
    revenue_code: str


class EsaCode(Dated, frozen=True, kw_only=True):
    code: str


class Esa(Struct, frozen=True, forbid_unknown_fields=True):
    """An ESA by name, with its code for a patient with ESRD on dialysis and for others."""

    name: str
    names: tuple[str, ...]
    other: EsaCode
    dialysis: EsaCode
    source: str
    verified: bool


class EsaModifiers(Dated, frozen=True, kw_only=True):
    codes: tuple[str, ...]


class BesideIron(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """What is billed beside the iron. `result`: from when a hemoglobin or hematocrit is asked."""

    modifiers: EsaModifiers
    result: Dated
    esas: tuple[Esa, ...]

    @cached_property
    def by_code(self) -> dict[str, Esa]:
        return {row.code: esa for esa in self.esas for row in (esa.other, esa.dialysis)}

    def named_in(self, text: str) -> Esa | None:
        """The first whose name stands in a text as whole words."""
        return next((esa for esa in self.esas if words.first_of(text, esa.names)), None)


class LabelDose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Label limits for a population: mg of one dose (or mg per kg), mg of a course and its length
    in days. `below_kg`: for patients known to weigh less."""

    family: str
    population: Literal["hemodialysis", "peritoneal", "not-on-dialysis", "child", "any"]
    single_mg: Decimal
    single_mg_per_kg: Decimal | None = None
    below_kg: Decimal | None = None
    course_mg: Decimal | None = None
    course_days: int | None = None
    source: str
    verified: bool


class DenialCodes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    carc: str
    rarc: tuple[str, ...] = ()


class CodeSystem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`names`: addresses, OIDs and plain names. `editions`: so are addresses below the first."""

    system: str
    names: tuple[str, ...]
    editions: bool = False
    source: str
    verified: bool


class CodeSystems(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    systems: tuple[CodeSystem, ...]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {_bare(name): row.system for row in self.systems for name in row.names}

    @cached_property
    def _above_editions(self) -> dict[str, str]:
        return {
            f"{_bare(name)}/": row.system
            for row in self.systems
            if row.editions
            for name in row.names
        }

    def known(self, name: str) -> str | None:
        """Our short name of a code system, by any of its names; None for one in no row."""
        bare = _bare(name)
        above = (row for address, row in self._above_editions.items() if bare.startswith(address))
        return self._by_name.get(bare) or next(above, None)


_AROUND_NAMES = re.compile(r"^(?:https?://(?:www\.)?|urn:oid:)|(?:\|.*|/+)$")


def _bare(name: str) -> str:
    """A system's name without what its spellings differ in."""
    return _AROUND_NAMES.sub("", name.strip().lower())
