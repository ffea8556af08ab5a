"""Everything about one patient that the rules look at.

Held by tests/unit/test_reading_people.py.
"""

from collections import Counter
from datetime import date
from functools import cached_property
from itertools import chain

from msgspec import Struct

from mappings.record.administrations import Administration
from mappings.record.coverages import Authorization, Coverage, Eligibility
from mappings.record.diagnoses import Diagnosis
from mappings.record.encounters import (
    NOT_HELD,
    DialysisTreatment,
    Encounter,
    Location,
    Note,
    visit_by,
)
from mappings.record.labs import LabResult
from mappings.record.orders import Dispense, EsaDose, OralIron, Order
from mappings.record.people import Demographics
from mappings.record.sources import Problem
from mappings.values.moment import Moment
from mappings.values.stated import Unread


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
    labs: tuple[LabResult, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    eligibility: tuple[Eligibility, ...] = ()
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
        """The encounter of that name, or the only one of that identifier."""
        return self._encounters.get(reference)

    @cached_property
    def _encounters(self) -> dict[str | None, Encounter]:
        named: dict[str | None, Encounter] = {}
        issued = Counter(chain.from_iterable(visit.identifiers for visit in self.encounters))
        for visit in reversed(self.encounters):
            named |= {visit_by(one): visit for one in visit.identifiers if issued[one] == 1}
            named[visit.source.resource] = visit
        return named

    @cached_property
    def stays(self) -> tuple[Encounter, ...]:
        """Encounters with a date that are inpatient stays, or may be: of a class that is not
        understood."""
        each = (visit.inpatient_stays for visit in self._dated_encounters)
        return tuple(chain.from_iterable(each))

    @cached_property
    def facility_stays(self) -> tuple[Encounter, ...]:
        """Stays in a skilled nursing facility or hospice."""
        return tuple(visit for visit in self._dated_encounters if visit.facility_stay)

    @cached_property
    def _dated_encounters(self) -> tuple[Encounter, ...]:
        held = (visit for visit in self.encounters if visit.status not in NOT_HELD)
        return tuple(visit for visit in held if visit.start or visit.end)
