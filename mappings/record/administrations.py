"""Doses as they were given.

Held by tests/unit/test_reading_administrations.py.
"""

from decimal import Decimal

from msgspec import Struct

from mappings.record.diagnoses import Diagnosis
from mappings.record.drugs import Amount, Container, Discard, Drug
from mappings.record.people import Practitioner
from mappings.record.sources import Decided, Source
from mappings.values.moment import Moment
from mappings.values.stated import Unread


class RouteSaid(Struct, frozen=True, gc=False):
    """A route as it is written, and which ones of the table its words name."""

    says: str
    routes: tuple[str, ...]


class VialsSaid(Struct, frozen=True, gc=False):
    """How many vials words say were given or used, of how many mg each where they say it;
    `at_least`: so many, or more."""

    count: Decimal
    each_mg: Decimal | None
    says: str
    at_least: bool = False


# So many mg, the element that says so, and its words.
MassSaid = tuple[Decimal, str, str]


class Giving(Struct, frozen=True, gc=False, kw_only=True):
    """How a dose was given, beside its amount. `mixture`: what speaks of one, quoted, where the
    dose is a volume; `refused`: what says of a completed dose that it was not given, or not here;
    `another_day`, `another_iron`: that it was given on one, or was one;
    `partly`: that not all of it was; `masses`: doses in mg that words name;
    `vials`: of how many vials a note says it was;
    `unread`: stated, not understood, and not needed."""

    routes: tuple[RouteSaid, ...] = ()
    mixture: str | None = None
    refused: str | None = None
    another_day: str | None = None
    another_iron: str | None = None
    partly: str | None = None
    masses: tuple[MassSaid, ...] = ()
    vials: VialsSaid | None = None
    unread: tuple[Unread, ...] = ()


class Administration(Struct, frozen=True, gc=False, kw_only=True):
    """`unread_start`: a date that is written and can't be read; `steps`: records that are steps of
    this infusion (R1); `as_ordered`: the sender keeps a canceled order as stopped, with its
    dose; `source_doubts`: what is said of how the drug was obtained, and settles nothing;
    `misread`: that a person set some of its words aside."""

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
    source_doubts: tuple[Unread, ...] = ()
    misread: tuple[Decided, ...] = ()
    parents: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()
    updated: Moment | None = None
    weak: bool = False
    deleted: bool = False
    performers: tuple[Practitioner, ...] = ()

    @property
    def was_given(self) -> bool:
        """Also one that was stopped, as for a reaction to it."""
        return self.status in ("completed", "stopped") and not self.not_given
