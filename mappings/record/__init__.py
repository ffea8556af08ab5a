"""The facts of one patient that decide about intravenous iron: frozen, free of FHIR's shapes, each
with its source."""

from mappings.record.administrations import Administration, Giving, MassSaid, RouteSaid, VialsSaid
from mappings.record.coverages import (
    Authorization,
    AuthorizationDecision,
    Coverage,
    Eligibility,
    Insurer,
    OnClaims,
    Payor,
    Subscriber,
)
from mappings.record.diagnoses import (
    DENIED_IN_WORDS,
    IN_WORDS,
    REFUTED,
    TREATED_IN_WORDS,
    VISIT_IN_WORDS,
    Diagnosis,
)
from mappings.record.drugs import Amount, Container, Discard, Drug
from mappings.record.encounters import (
    KIND_OF_NOTE,
    NOT_HELD,
    DialysisTreatment,
    Encounter,
    EncounterClass,
    Location,
    Note,
    PastClass,
    Stay,
    visit_by,
)
from mappings.record.labs import LabResult
from mappings.record.orders import (
    ORDERS,
    WHICH_IRON,
    Dispense,
    EsaDose,
    OralIron,
    Order,
    OrderedDoses,
    OrderTerms,
)
from mappings.record.patient import PatientRecord
from mappings.record.people import Address, Demographics, Name, Practitioner
from mappings.record.sources import Coding, Concept, Decided, Problem, Source

__all__ = [
    "DENIED_IN_WORDS",
    "IN_WORDS",
    "KIND_OF_NOTE",
    "NOT_HELD",
    "ORDERS",
    "REFUTED",
    "TREATED_IN_WORDS",
    "VISIT_IN_WORDS",
    "WHICH_IRON",
    "Address",
    "Administration",
    "Amount",
    "Authorization",
    "AuthorizationDecision",
    "Coding",
    "Concept",
    "Container",
    "Coverage",
    "Decided",
    "Demographics",
    "Diagnosis",
    "DialysisTreatment",
    "Discard",
    "Dispense",
    "Drug",
    "Eligibility",
    "Encounter",
    "EncounterClass",
    "EsaDose",
    "Giving",
    "Insurer",
    "LabResult",
    "Location",
    "MassSaid",
    "Name",
    "Note",
    "OnClaims",
    "OralIron",
    "Order",
    "OrderTerms",
    "OrderedDoses",
    "PastClass",
    "PatientRecord",
    "Payor",
    "Practitioner",
    "Problem",
    "RouteSaid",
    "Source",
    "Stay",
    "Subscriber",
    "VialsSaid",
    "visit_by",
]
