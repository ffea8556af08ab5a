"""The facts of one patient that decide about intravenous iron: frozen, free of FHIR's shapes, each
with its source."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings.values.moment import Moment


class Source(Struct, frozen=True, order=True):
    """The resource (Type/id) and version that a fact was read from."""

    resource: str
    version: str | None = None


class Coding(Struct, frozen=True):
    system: str
    code: str
    display: str = ""


class Concept(Struct, frozen=True):
    codings: tuple[Coding, ...] = ()
    text: str = ""


class Amount(Struct, frozen=True):
    """A quantity as recorded. `unit` is ours (mg, ug, g, mL, L, vial), None where it can't be read;
    `problem`: why it can't be used."""

    value: Decimal | None = None
    unit: str | None = None
    problem: str | None = None
    says: str = ""


class Drug(Struct, frozen=True):
    """What a medication says of itself. `family` is None for no IV iron, or where the evidence
    `clash`es.

    `strength`: mg in so many mL, where the record says it; `bag_mg`: in the whole of a mixture;
    `diluted`: not as in the vial.
    """

    family: str | None = None
    use: str | None = None
    clash: str | None = None
    ndcs: tuple[str, ...] = ()
    strength: tuple[Decimal, Decimal] | None = None
    bag_mg: Decimal | None = None
    diluted: bool = False
    lost: str | None = None
    says: str = ""

    @property
    def concerns_us(self) -> bool:
        """Whether anything says that this is an intravenous iron."""
        return self.family is not None or self.clash is not None


class Container(Struct, frozen=True):
    """Containers opened: mg in one (None where neither NDC nor size is known), how many, and where
    it is said."""

    mg: Decimal | None
    count: int
    ndc: str | None = None
    source: Source | None = None


class Discard(Struct, frozen=True):
    """A documented discard. Zero says that nothing was discarded."""

    amount: Amount
    source: Source
    from_note: bool = False


class Name(Struct, frozen=True):
    family: str
    given: str = ""
    middle: str = ""
    suffix: str = ""


class Address(Struct, frozen=True, kw_only=True):
    """`state`: two letters; `postal_code`: five or nine digits; each empty where it is written
    otherwise."""

    lines: tuple[str, ...]
    city: str
    state: str
    postal_code: str


class Demographics(Struct, frozen=True, kw_only=True):
    """Who the patient is on a claim, beside `born` and `sex`."""

    name: Name | None = None
    address: Address | None = None


class Practitioner(Struct, frozen=True, kw_only=True):
    """Who took part, and as what (HL7 v3 ParticipationType); `npi` and `name` are None where they
    can't be told."""

    reference: str | None = None
    role: str | None = None
    npi: str | None = None
    name: Name | None = None
    taxonomy: str | None = None


class Administration(Struct, frozen=True, kw_only=True):
    source: Source
    status: str
    drug: Drug
    start: Moment | None = None
    end: Moment | None = None
    dose: Amount = Amount(problem="missing")
    encounter: str | None = None
    orders: tuple[str, ...] = ()
    reasons: tuple[Concept, ...] = ()
    reason_references: tuple[str, ...] = ()
    not_given: bool = False
    discards: tuple[Discard, ...] = ()
    containers: tuple[Container, ...] = ()
    containers_problem: str | None = None
    drug_source: str | None = None
    is_340b: bool | None = None
    parents: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    updated: Moment | None = None
    weak: bool = False
    performers: tuple[Practitioner, ...] = ()


class LabResult(Struct, frozen=True, kw_only=True):
    """A result in the analyte's canonical unit; `low` and `high` enclose it (equal unless a
    comparator or range was reported).

    `problem` says why the result can't be used.
    """

    source: Source
    analyte: str
    when: Moment | None
    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False
    specimen: str | None = None
    panels: tuple[str, ...] = ()
    says: str = ""
    problem: str | None = None
    parts: tuple[Source, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether it was worked out from `parts`, not measured."""
        return bool(self.parts)

    @property
    def value(self) -> Decimal | None:
        """The exact value, where one was reported."""
        return self.low if self.low is not None and self.low == self.high else None


class Diagnosis(Struct, frozen=True, kw_only=True):
    """A condition or a coded reason. `stands` is false for refuted, entered-in-error and
    unconfirmed ones, and for inactive ones that do not say since when. `snomed`: ICD-10-CM codes
    that only the map gave, each with its SNOMED code.
    """

    source: Source
    icd10: tuple[str, ...] = ()
    snomed: tuple[tuple[str, str], ...] = ()
    stands: bool = True
    resolved: bool = False
    onset: Moment | None = None
    abatement: Moment | None = None
    recorded: Moment | None = None
    encounter: str | None = None
    category: str = "other"
    due_to: tuple[str, ...] = ()
    due_to_icd10: tuple[str, ...] = ()
    is_reason: bool = False


class Subscriber(Struct, frozen=True, kw_only=True):
    """Whose policy it is. `relationship`: the patient's to the subscriber, as FHIR codes it; `name`
    only where that is another person."""

    member_id: str | None = None
    relationship: str | None = None
    name: Name | None = None


class Payor(Struct, frozen=True, kw_only=True):
    """`claim_id`: how claim files address the payer."""

    name: str | None = None
    claim_id: str | None = None
    reference: str | None = None


class Coverage(Struct, frozen=True, kw_only=True):
    """`kind`: medicare, medicare-advantage, medicaid, commercial, supplement, government … or None
    where it can't be told."""

    source: Source
    active: bool
    kind: str | None
    payer: str | None = None
    payer_ids: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None
    order: int | None = None
    conflict: bool = False
    subscriber: Subscriber = Subscriber()
    payor: Payor = Payor()


class Stay(Struct, frozen=True):
    """A location of an encounter and when."""

    location: str
    start: Moment | None = None
    end: Moment | None = None


class Encounter(Struct, frozen=True, kw_only=True):
    source: Source
    klass: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    stays: tuple[Stay, ...] = ()
    diagnoses: tuple[str, ...] = ()
    reasons: tuple[Concept, ...] = ()
    service_provider: str | None = None
    dialysis: str | None = None
    participants: tuple[Practitioner, ...] = ()


class Location(Struct, frozen=True, kw_only=True):
    source: Source
    place_of_service: tuple[str, ...] = ()
    organization: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order or plan of an IV iron. `complete`: dose and timing are coded, not free text only."""

    source: Source
    drug: Drug
    counts: bool
    dose: Amount = Amount(problem="missing")
    has_timing: bool = False
    free_text: bool = False
    authored: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None
    reasons: tuple[Concept, ...] = ()
    reason_references: tuple[str, ...] = ()
    encounter: str | None = None


class Dispense(Struct, frozen=True, kw_only=True):
    source: Source
    drug: Drug
    orders: tuple[str, ...] = ()
    when: Moment | None = None
    containers: tuple[Container, ...] = ()


class OralIron(Struct, frozen=True, kw_only=True):
    """A course of oral iron, or an intolerance to it (then without dates)."""

    source: Source
    intolerance: bool = False
    start: Moment | None = None
    end: Moment | None = None
    says: str = ""


class DialysisTreatment(Struct, frozen=True, kw_only=True):
    """`until`: the end of a course of treatments; one that still goes on ends never."""

    source: Source
    kind: str
    when: Moment | None
    until: Moment | None = None


class Authorization(Struct, frozen=True, kw_only=True):
    """A payer's answer on an authorization. `codes` empty: it names none. `units` None: no limit
    named."""

    source: Source
    reference: str
    decision: Literal["approved", "denied", "pended"]
    codes: tuple[str, ...] = ()
    units: Decimal | None = None
    start: Moment | None = None
    end: Moment | None = None


class Note(Struct, frozen=True, kw_only=True):
    source: Source
    final: bool
    encounters: tuple[str, ...] = ()
    when: Moment | None = None


class EsaDose(Struct, frozen=True, kw_only=True):
    """An erythropoiesis-stimulating agent given or ordered (NCD 110.10 asks for it beside iron in
    hemodialysis). `name`: as the table of ESAs has it."""

    source: Source
    name: str
    when: Moment | None


class Problem(Struct, frozen=True, order=True):
    """A resource that could not be read, and why. No patient data beyond the reference."""

    resource: str
    problem: str


class PatientRecord(Struct, frozen=True, kw_only=True):
    """Everything about one patient that the rules look at, each list ordered by its sources."""

    patient: str
    born: Moment | None = None
    sex: str | None = None
    demographics: Demographics = Demographics()
    administrations: tuple[Administration, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    labs: tuple[LabResult, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    encounters: tuple[Encounter, ...] = ()
    locations: tuple[Location, ...] = ()
    orders: tuple[Order, ...] = ()
    dispenses: tuple[Dispense, ...] = ()
    oral_iron: tuple[OralIron, ...] = ()
    dialysis: tuple[DialysisTreatment, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    notes: tuple[Note, ...] = ()
    esa: tuple[EsaDose, ...] = ()
    unreadable: tuple[Problem, ...] = ()
