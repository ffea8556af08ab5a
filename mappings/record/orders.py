"""What was ordered, handed out, or taken beside the iron.

Held by tests/scenarios/orders_notes.yaml.
"""

from decimal import Decimal

from msgspec import Struct

from mappings.record.diagnoses import Diagnosis
from mappings.record.drugs import Amount, Container, Drug
from mappings.record.people import Practitioner
from mappings.record.sources import Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread

# Those of FHIR's request-intent that are an order, however it came about.
ORDERS = frozenset({"order", "original-order", "filler-order", "instance-order", "reflex-order"})


_NO_DOSE = Amount(problem="missing")


class OrderedDoses(Struct, frozen=True, gc=False):
    """One instruction of an order: so many doses (None: it does not say) of one amount. `limits`:
    what a dose may be where there is no one amount; `by_weight`: the amounts were worked out."""

    dose: Amount
    doses: int | None
    limits: tuple[Amount, ...] = ()
    by_weight: bool = False

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """All that a dose of it may be."""
        return (self.dose, *self.limits)


class OrderTerms(Struct, frozen=True, gc=False, kw_only=True):
    """What an order asks beyond its next dose. `doses`: in all, where all are equal; None where it
    does not say. `instructions`: in their sequence. `days_apart`: from a dose to the next, where
    all instructions say one figure; `dates`: those that it gives one by one. `part_of`: the orders
    that it is based on; `replaces`: the one that it stands for. `requester`: who ordered it."""

    doses: int | None = None
    instructions: tuple[OrderedDoses, ...] = ()
    days_apart: Decimal | None = None
    dates: tuple[Moment, ...] = ()
    part_of: tuple[str, ...] = ()
    replaces: str | None = None
    requester: Practitioner | None = None

    @property
    def dosing(self) -> tuple[OrderedDoses, ...]:
        """The instructions that say a dose; all where none does."""
        found = (one for one in self.instructions if one.dose != _NO_DOSE or one.limits)
        return tuple(found) or self.instructions


class Order(Struct, frozen=True, gc=False, kw_only=True):
    """An order or plan of an IV iron. `doses_a_day`: what it asks on a day of treatment; None where
    that is not read. `unread_date`: a date of it that is written and can't be read; then nothing
    says which days it covers. `void`: a status by which it counts no more, or not yet. `terms`: of
    a plan, and where nobody asked for them (`reading.orders.terms`), they say nothing."""

    source: Source
    drug: Drug
    counts: bool
    void: str | None = None
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
    terms: OrderTerms = OrderTerms()


class Dispense(Struct, frozen=True, gc=False, kw_only=True):
    source: Source
    drug: Drug
    orders: tuple[str, ...] = ()
    when: Moment | None = None
    containers: tuple[Container, ...] = ()


# Of an allergy to iron that does not say to which.
WHICH_IRON = "AllergyIntolerance.code"


class OralIron(Struct, frozen=True, gc=False, kw_only=True):
    """A course of oral iron, or an intolerance to it (then without dates). `unread`: a status that
    is not understood, or an iron that may be another; `over`: a status by which the intolerance
    stands no more. With either it is no evidence. `supply`: the kind of resource by whose supply it
    ends."""

    source: Source
    unread: Unread | None = None
    over: str | None = None
    intolerance: bool = False
    start: Moment | None = None
    end: Moment | None = None
    supply: str = ""
    says: str = ""


class EsaDose(Struct, frozen=True, gc=False, kw_only=True):
    """An erythropoiesis-stimulating agent given or ordered (NCD 110.10 asks for it beside iron in
    hemodialysis). `name`: as the table of ESAs has it."""

    source: Source
    name: str
    when: Moment | None
