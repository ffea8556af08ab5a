"""The facts of one patient that decide about intravenous iron: frozen, free of FHIR's shapes, each
with its source."""

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from msgspec import Struct

from mappings.values.moment import Moment
from mappings.values.stated import Unread


class Source(Struct, frozen=True, order=True):
    """The resource (Type/id) and version that a fact was read from."""

    resource: str
    version: str | None = None


class Decided(Struct, frozen=True, order=True):
    """What a person decided, and who and when, as evidence."""

    source: Source
    says: str


class Coding(Struct, frozen=True):
    system: str
    code: str
    display: str = ""


class Concept(Struct, frozen=True):
    codings: tuple[Coding, ...] = ()
    text: str = ""

    @property
    def words(self) -> list[str]:
        """Its text and the displays of its codings, as far as it has any."""
        return [said for said in (self.text, *(one.display for one in self.codings)) if said]


class Amount(Struct, frozen=True):
    """A quantity as recorded. `unit` is ours (mg, ug, g, mL, L, vial), None where it can't be read;
    `problem`: why it can't be used; `contradicted` where the record says two things of it;
    `rate`: what stands there is one."""

    value: Decimal | None = None
    unit: str | None = None
    problem: str | None = None
    says: str = ""
    contradicted: bool = False
    rate: bool = False


class Drug(Struct, frozen=True):
    """What a medication says of itself. `family` is None for no IV iron, or where the evidence
    `clash`es.

    `weakly`: the element that alone names it, where that is weaker evidence; `unnamed`: nothing
    names a drug; `doubt`: a status that says that the Medication never was, or that is not
    understood. `strength`: mg in so many mL, where the record says it; `bag_mg`: in the whole of
    a mixture; `diluted`: not as in the vial.
    """

    family: str | None = None
    use: str | None = None
    clash: str | None = None
    ndcs: tuple[str, ...] = ()
    strength: tuple[Decimal, Decimal] | None = None
    bag_mg: Decimal | None = None
    diluted: bool = False
    lost: str | None = None
    weakly: str | None = None
    unnamed: bool = False
    doubt: Unread | None = None
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

    line: tuple[str, ...]
    city: str
    state: str
    postal_code: str


class Demographics(Struct, frozen=True, kw_only=True):
    """Who the patient is on a claim, beside `born` and `sex`."""

    name: Name | None = None
    address: Address | None = None


class Practitioner(Struct, frozen=True, kw_only=True):
    """Who took part, and as what (HL7 v3 ParticipationType, or the function of a performer); `npi`
    and `name` are None where they can't be told. `credentials`: codes and words of what they are,
    where no taxonomy is. `says`: what the reference itself shows.
    """

    reference: str | None = None
    role: str | None = None
    npi: str | None = None
    name: Name | None = None
    taxonomy: str | None = None
    credentials: tuple[str, ...] = ()
    says: str = ""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """A condition or a coded reason. `stands` is false for refuted, entered-in-error and
    unconfirmed ones, for inactive ones that do not say since when, for one of which a status is
    `unread`, and for what the patient or a relative has `told`. `snomed`: ICD-10-CM codes that only
    the map gave, each with its SNOMED code.
    """

    source: Source
    icd10: tuple[str, ...] = ()
    snomed: tuple[tuple[str, str], ...] = ()
    stands: bool = True
    unread: Unread | None = None
    told: bool = False
    resolved: bool = False
    onset: Moment | None = None
    abatement: Moment | None = None
    recorded: Moment | None = None
    encounter: str | None = None
    category: str = "other"
    due_to: tuple[str, ...] = ()
    due_to_icd10: tuple[str, ...] = ()
    is_reason: bool = False


class RouteSaid(Struct, frozen=True):
    """A route as it is written, and which ones of the table its words name."""

    says: str
    routes: tuple[str, ...]


class Giving(Struct, frozen=True, kw_only=True):
    """How a dose was given, beside its amount. `mixture`: what speaks of one, quoted, where the
    dose is a volume; `refused`: what says of a completed dose that it was not given; `text_mg`: the
    one dose that the dosage's text names; `unread`: stated, not understood, and not needed."""

    routes: tuple[RouteSaid, ...] = ()
    mixture: str | None = None
    refused: str | None = None
    text_mg: Decimal | None = None
    unread: tuple[Unread, ...] = ()


class Administration(Struct, frozen=True, kw_only=True):
    """`unread_start`: a date that is written and can't be read; `steps`: records that are steps of
    this infusion (R1); `as_ordered`: the sender keeps a canceled order as stopped, with its
    dose."""

    source: Source
    status: str
    drug: Drug
    start: Moment | None = None
    end: Moment | None = None
    unread_start: Unread | None = None
    dose: Amount = Amount(problem="missing")
    giving: Giving = Giving()
    steps: tuple[str, ...] = ()
    encounter: str | None = None
    orders: tuple[str, ...] = ()
    reason: Diagnosis | None = None
    reason_references: tuple[str, ...] = ()
    not_given: bool = False
    as_ordered: bool = False
    category: str | Unread | None = None
    discards: tuple[Discard, ...] = ()
    containers: tuple[Container, ...] = ()
    containers_problem: str | None = None
    drug_source: str | None = None
    is_340b: bool | None = None
    parents: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    updated: Moment | None = None
    weak: bool = False
    deleted: bool = False
    performers: tuple[Practitioner, ...] = ()


class LabResult(Struct, frozen=True, kw_only=True):
    """A result in the analyte's canonical unit; `low` and `high` enclose it (equal unless a
    comparator or range was reported).

    `problem` says why the result can't be used; `unread` what stands there then, and is None where
    that says that there is no result.
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
    unread: Unread | None = None
    parts: tuple[Source, ...] = ()

    @property
    def derived(self) -> bool:
        """Whether it was worked out from `parts`, not measured."""
        return bool(self.parts)

    @property
    def value(self) -> Decimal | None:
        """The exact value, where one was reported."""
        return self.low if self.low is not None and self.low == self.high else None


class Subscriber(Struct, frozen=True, kw_only=True):
    """Whose policy it is. `relationship`: the patient's to the subscriber, as FHIR codes it; `name`
    only where that is another person."""

    member_id: str | None = None
    relationship: str | None = None
    name: Name | None = None


class OnClaims(Struct, frozen=True, kw_only=True):
    """How claim files name a payer: its id and name, on an 837I where those differ (Medicare's go
    to Part A), and its id for claims that Medicare crosses over to it.

    `several_ndcs`: how a line of two NDCs leaves: a service line each, the same with the modifiers
    KP and KQ, or one service line.
    """

    id: str | None = None
    name: str | None = None
    institutional_id: str | None = None
    institutional_name: str | None = None
    crossover_id: str | None = None
    several_ndcs: Literal["apart", "modifiers", "one"] = "apart"


class Payor(Struct, frozen=True, kw_only=True):
    """`on_claims.id`: the site's own, else a typed identifier of the Organization."""

    name: str | None = None
    reference: str | None = None
    on_claims: OnClaims = OnClaims()


class Coverage(Struct, frozen=True, kw_only=True):
    """`kind`: medicare, medicare-advantage, medicaid, commercial, supplement, government … or None
    where it can't be told.

    `names`: the payer's, as written. `unread`: what is stated of status, period, order or payer and
    not understood. `pays_second`: it says so of itself. `decided`: who said what the payer is.
    """

    source: Source
    active: bool
    kind: str | None
    payer: str | None = None
    payer_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None
    order: int | None = None
    conflict: bool = False
    pays_second: bool = False
    unread: tuple[Unread, ...] = ()
    decided: Decided | None = None
    subscriber: Subscriber = Subscriber()
    payor: Payor = Payor()
    group_numbers: tuple[str, ...] = ()
    plan_name: str | None = None


class Stay(Struct, frozen=True):
    """A location of an encounter and when. `undated`: when, in a form that can't be read."""

    location: str
    start: Moment | None = None
    end: Moment | None = None
    undated: bool = False


# Statuses of encounters that are none, or not yet.
NOT_HELD = frozenset({"planned", "cancelled", "entered-in-error"})


class EncounterClass(Struct, frozen=True):
    """`kind`: inpatient, ambulatory, emergency, observation or home. `by_word`: in no table, read
    by its plain word."""

    kind: str
    says: str
    by_word: bool = False


class Encounter(Struct, frozen=True, kw_only=True):
    """`inpatient_type`, `facility_stay`: the words of its type that say so. `discharge`: how the
    patient was discharged. An `end` of None: it goes on. `unread_period`: an end of its period
    that can't be read."""

    source: Source
    status: str | Unread | None = None
    unread_period: Unread | None = None
    klass: EncounterClass | Unread | None = None
    inpatient_type: str | None = None
    facility_stay: str | None = None
    discharge: str | None = None
    part_of: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    stays: tuple[Stay, ...] = ()
    diagnoses: tuple[str, ...] = ()
    reason: Diagnosis | None = None
    service_provider: str | None = None
    dialysis: str | None = None
    participants: tuple[Practitioner, ...] = ()

    @property
    def took_place(self) -> bool:
        """As far as anybody says."""
        return not isinstance(self.status, Unread) and self.status not in NOT_HELD

    @property
    def is_inpatient(self) -> bool:
        """By its class; by its type where it has none."""
        if isinstance(self.klass, EncounterClass):
            return self.klass.kind == "inpatient"
        return self.klass is None and self.inpatient_type is not None


class Location(Struct, frozen=True, kw_only=True):
    """`part_of`: the location that it lies in."""

    source: Source
    place_of_service: tuple[str, ...] = ()
    organization: str | None = None
    part_of: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """An order or plan of an IV iron. `doses_a_day`: what it asks on a day of treatment; None where
    that is not read. `unread_date`: a date of it that is written and can't be read; then nothing
    says which days it covers."""

    source: Source
    drug: Drug
    counts: bool
    unread: Unread | None = None
    dose: Amount = Amount(problem="missing")
    doses_a_day: int | None = None
    has_timing: bool = False
    free_text: bool = False
    once: bool = False
    authored: Moment | None = None
    start: Moment | None = None
    end: Moment | None = None
    unread_date: Unread | None = None
    reason: Diagnosis | None = None
    reason_references: tuple[str, ...] = ()
    encounter: str | None = None


class Dispense(Struct, frozen=True, kw_only=True):
    source: Source
    drug: Drug
    orders: tuple[str, ...] = ()
    when: Moment | None = None
    containers: tuple[Container, ...] = ()


class OralIron(Struct, frozen=True, kw_only=True):
    """A course of oral iron, or an intolerance to it (then without dates). `unread`: a status that
    is not understood; then it is no evidence."""

    source: Source
    unread: Unread | None = None
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


AuthorizationDecision = Literal["approved", "in-part", "denied", "pended", "not-required", "unread"]


class Insurer(Struct, frozen=True, kw_only=True):
    """Whose answer an authorization is: names as written, and by what else the insurer is known."""

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    payer: str | None = None


class Authorization(Struct, frozen=True, kw_only=True):
    """A payer's answer on an authorization. `codes` empty: it names none. `units` None: no limit
    named. What counts is what was authorized, never what was asked.

    `coverages`: those that it was asked or given for. `insurer` None: it does not say, or the one
    it names is not on record. `says`: a person's decision in words, where it was imported as one.
    """

    source: Source
    reference: str
    decision: AuthorizationDecision
    codes: tuple[str, ...] = ()
    units: Decimal | None = None
    start: Moment | None = None
    end: Moment | None = None
    coverages: tuple[str, ...] = ()
    insurer: Insurer | None = None
    unread: Unread | None = None
    says: str | None = None


class Note(Struct, frozen=True, kw_only=True):
    """`stated`: whether it says that it is final; `unread`: a status that is not understood."""

    source: Source
    final: bool
    stated: bool = True
    unread: Unread | None = None
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


class PatientRecord(Struct, frozen=True, dict=True, kw_only=True):
    """Everything about one patient that the rules look at, each list ordered by its sources.

    `deceased`: recorded as dead, whatever is known of the day; `test_patient`: marked as test data,
    whose lines are nobody's to bill.
    """

    patient: str
    test_patient: bool = False
    born: Moment | Unread | None = None
    died: Moment | Unread | None = None
    deceased: bool = False
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

    @property
    def birth_date(self) -> date | None:
        """The day of birth, where it is known."""
        born = self.born
        return born.first if isinstance(born, Moment) and not born.partial else None

    def encounter(self, reference: str | None) -> Encounter | None:
        """The encounter of that name."""
        return self._encounters.get(reference)

    @cached_property
    def _encounters(self) -> dict[str | None, Encounter]:
        return {visit.source.resource: visit for visit in reversed(self.encounters)}

    @cached_property
    def stays(self) -> tuple[Encounter, ...]:
        """Encounters with a date that are inpatient stays, or may be: of a class that is not
        understood."""
        return tuple(
            visit
            for visit in self._dated_encounters
            if visit.is_inpatient or isinstance(visit.klass, Unread)
        )

    @cached_property
    def facility_stays(self) -> tuple[Encounter, ...]:
        """Stays in a skilled nursing facility or hospice."""
        return tuple(visit for visit in self._dated_encounters if visit.facility_stay)

    @cached_property
    def _dated_encounters(self) -> tuple[Encounter, ...]:
        held = (visit for visit in self.encounters if visit.status not in NOT_HELD)
        return tuple(visit for visit in held if visit.start or visit.end)
