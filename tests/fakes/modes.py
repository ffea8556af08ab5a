"""What each vendor's FHIR API offers and refuses. Sources stand in integration/ehr/profiles and
docs/ehr-quirks.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Params = list[tuple[str, str]]
Refusal = tuple[int, str] | None  # status and issue code

READ = {
    "Patient": ["_id"],
    "MedicationRequest": ["patient", "status", "authoredon"],
    "MedicationStatement": ["patient", "status"],
    "Observation": ["patient", "category", "code", "date"],
    "DiagnosticReport": ["patient", "category", "code", "date"],
    "Condition": ["patient", "category", "clinical-status"],
    "Procedure": ["patient", "date"],
    "Encounter": ["patient", "date"],
    "Coverage": ["patient"],
    "AllergyIntolerance": ["patient"],
    "DocumentReference": ["patient", "category", "date", "type"],
    "CarePlan": ["patient", "category"],
    "Location": ["_id"],
    "Organization": ["_id"],
    "Medication": ["_id"],
}
EVERYTHING = {
    **{kind: [*params, "identifier", "_id", "_lastUpdated"] for kind, params in READ.items()},
    "MedicationAdministration": [
        "patient",
        "subject",
        "status",
        "effective-time",
        "code",
        "_lastUpdated",
        "identifier",
    ],
    "MedicationDispense": ["patient", "_lastUpdated"],
    "Claim": ["patient", "use", "_lastUpdated"],
    "ClaimResponse": ["patient", "use", "_lastUpdated"],
    "DetectedIssue": ["patient", "identifier", "code", "implicated", "_lastUpdated"],
    "Task": ["patient", "identifier", "status"],
    "Communication": ["subject", "patient", "identifier"],
    "Device": ["identifier"],
    "Provenance": ["target"],
}
ALL = frozenset({"read", "search-type", "create", "update"})
READING = frozenset({"read", "search-type"})


@dataclass(frozen=True)
class Mode:
    """`types`: search parameters by type. `writes`: interactions beyond reading."""

    name: str
    software: str
    types: Mapping[str, list[str]]
    writes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    controls: frozenset[str] = frozenset({"_count", "_id"})
    includes: bool = False
    batch: bool = False
    transaction: bool = False
    lists_batch: bool = False  # says so in the CapabilityStatement
    conditional_create: bool = False
    own_ids: bool = False
    search_mode: bool = True
    outcome_entries: bool = False  # says "no results" with an OperationOutcome entry (Q19)
    echoes: bool = True  # a write is answered with the resource
    stale_status: int = 412
    page_param: str = "cursor"
    refuse: Callable[[str, Params], Refusal] = lambda kind, params: None
    refuse_body: Callable[[dict], Refusal] = lambda body: None


def epic_refuses(kind: str, params: Params) -> Refusal:
    names = {name for name, _ in params}
    if kind == "Observation" and "_id" not in names and not names & {"category"}:
        return 400, "required"  # Q14
    if {"patient", "subject"} <= names:
        return 400, "invalid"
    if not names & {"patient", "subject", "_id", "identifier"}:
        return 400, "required"
    return None


def oracle_refuses(kind: str, params: Params) -> Refusal:
    names = {name for name, _ in params}
    if not names & {"patient", "subject", "_id", "identifier"}:
        return 400, "required"
    if kind == "MedicationAdministration":
        for name, value in params:
            if name == "effective-time" and not (
                value[:2] in ("ge", "gt", "le", "lt") and "T" in value
            ):
                return 400, "invalid"  # Q16: a prefix and a time
    if kind == "Observation" and {"date", "_lastUpdated"} <= names:
        return 400, "invalid"  # Q17
    return None


def athena_refuses(kind: str, params: Params) -> Refusal:
    return None if "ah-practice" in {name for name, _ in params} else (403, "forbidden")


def oracle_refuses_body(body: dict) -> Refusal:
    return (422, "not-supported") if "modifierExtension" in str(body) else None


HAPI = Mode(
    "hapi",
    "HAPI FHIR Server",
    EVERYTHING,
    dict.fromkeys(EVERYTHING, ALL),
    frozenset(
        {"_count", "_id", "_sort", "_total", "_offset", "_elements", "_include", "_include:iterate"}
    ),
    includes=True,
    batch=True,
    transaction=True,
    conditional_create=True,
    own_ids=True,
    page_param="_getpages",
)
EPIC = Mode(
    "epic",
    "Epic",
    {
        **READ,
        "MedicationAdministration": ["patient", "effective-time"],
        "MedicationDispense": ["patient"],
        "Communication": ["subject", "part-of"],
        "Task": ["patient"],
        "Claim": ["_id"],
    },
    {
        "Communication": frozenset({"create"}),
        "DocumentReference": frozenset({"create", "update"}),
        "Task": frozenset({"update"}),
    },
    outcome_entries=True,
    page_param="sessionID",
    refuse=epic_refuses,
)
ORACLE = Mode(
    "oracle",
    "Cerner Millennium",
    {
        **{kind: [*params, "_lastUpdated"] for kind, params in READ.items()},
        "MedicationAdministration": ["patient", "status", "performer", "effective-time"],
        "Communication": ["subject"],
        "DocumentReference": ["patient", "date", "_lastUpdated"],
        "Provenance": ["target"],
    },
    {
        "Communication": frozenset({"create", "patch"}),
        "DocumentReference": frozenset({"create", "update"}),
        "Provenance": frozenset({"create"}),
    },
    batch=True,
    lists_batch=True,
    echoes=False,
    stale_status=409,
    refuse=oracle_refuses,
    refuse_body=oracle_refuses_body,
)
ATHENA = Mode(
    "athena",
    "athenahealth",
    {kind: [*params, "_lastUpdated"] for kind, params in READ.items()},
    controls=frozenset({"_count", "_id", "ah-practice"}),
    refuse=athena_refuses,
)
MEDPLUM = Mode(
    "medplum",
    "Medplum",
    EVERYTHING,
    dict.fromkeys(EVERYTHING, ALL),
    frozenset({"_count", "_id", "_sort", "_total", "_offset", "_elements"}),
    batch=True,
    transaction=True,
    lists_batch=True,
    conditional_create=True,
    search_mode=False,
)
MODES = {mode.name: mode for mode in (HAPI, EPIC, ORACLE, ATHENA, MEDPLUM)}


def statement(mode: Mode) -> dict:
    """The CapabilityStatement that such a server shows."""
    system = [{"code": "batch"}] if mode.lists_batch else []
    if mode.transaction:
        system.append({"code": "transaction"})
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": mode.software},
        "rest": [
            {
                "mode": "server",
                "interaction": system,
                "resource": [
                    {
                        "type": kind,
                        "interaction": [
                            {"code": c}
                            for c in sorted(READING | mode.writes.get(kind, frozenset()))
                        ],
                        "searchParam": [{"name": name, "type": "string"} for name in params],
                        "searchInclude": ["*"] if mode.includes else [],
                        # HAPI says so; Medplum's docs only do; the others say false or nothing.
                        "conditionalCreate": mode.name == "hapi",
                    }
                    for kind, params in mode.types.items()
                ],
            }
        ],
    }
