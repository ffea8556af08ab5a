"""What a hook's request brings, or lets us read: prefetched resources, or the chart through the
EHR's own transient token.

Held by tests/contract/test_cds.py.
"""

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import structlog

from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.fhir.references import FHIR_ID, WHOSE
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.tokens import UnusableToken, carried
from integration.errors import ConfigurationError, EhrError, Unreachable
from integration.operating.turns import turn
from integration.web.problems import ApiProblem
from mappings.reading.bundles import paging
from mappings.reading.fhir import elements, outcomes

log = structlog.get_logger()

Resource = dict[str, Any]
OUTCOME = "OperationOutcome"
# What is no evidence: that a test is on its way is good to know, and nothing rests on it.
BESIDE = frozenset({"ServiceRequest"})
SECONDS = 0.6  # for one request; for the whole answer an EHR waits some seconds
MOST_SECONDS = 3.0  # of reading a chart; what was not read then is not known
WEIGHTS = "Observation?code=29463-7"
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "laboratory": "Observation?patient={{context.patientId}}&category=laboratory&_count=200",
    "weights": "Observation?patient={{context.patientId}}&code=29463-7",
    "conditions": "Condition?patient={{context.patientId}}",
    "coverages": "Coverage?patient={{context.patientId}}",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "statements": "MedicationStatement?patient={{context.patientId}}",
    "orders": "MedicationRequest?patient={{context.patientId}}",
    "dispenses": "MedicationDispense?patient={{context.patientId}}",
    "administrations": "MedicationAdministration?patient={{context.patientId}}",
    "procedures": "Procedure?patient={{context.patientId}}",
    "encounters": "Encounter?patient={{context.patientId}}",
    "authorizations": "ClaimResponse?patient={{context.patientId}}&use=preauthorization",
    "tests": "ServiceRequest?patient={{context.patientId}}&status=active",
    "authorizationRequests": "Claim?patient={{context.patientId}}&use=preauthorization",
}


@dataclass(frozen=True)
class KnownChart:
    """Resources, and the kinds of which we cannot say that we have all (`WEIGHTS`: those alone)."""

    resources: tuple[Resource, ...]
    unknown: frozenset[str]

    def has(self, key: str) -> bool:
        """Whether it holds `Type/id`."""
        return any(f"{one['resourceType']}/{one.get('id')}" == key for one in self.resources)


class Transient:
    """A token that is good for this call alone: never stored, never renewed."""

    def __init__(self, site: Site, token: str) -> None:
        self._site, self._token = site.name, token
        self._until = time.monotonic() + MOST_SECONDS

    def headers(self) -> dict[str, str]:
        """Raises `Unreachable` once the time is over: nobody waits for what comes then."""
        if time.monotonic() > self._until:
            problem = f"the chart was not read within {MOST_SECONDS:g} seconds"
            raise Unreachable(self._site, problem)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self, stale: Mapping[str, str]) -> bool:  # noqa: ARG002 (the protocol's)
        return False

    def permits(self, kind: str, letter: str) -> bool:  # noqa: ARG002 (the protocol's)
        return letter in "rs"


def patient_of(request: Mapping[str, Any]) -> str:
    """The patient in context; one for whom the token is not is refused."""
    context = request.get("context")
    patient = context.get("patientId") if isinstance(context, dict) else None
    patient = patient.removeprefix("Patient/") if isinstance(patient, str) else ""
    if not FHIR_ID.fullmatch(patient):
        raise ApiProblem(400, "The context has no usable patientId.")
    authorization = request.get("fhirAuthorization")
    granted = authorization.get("patient") if isinstance(authorization, dict) else None
    if granted is not None and str(granted).removeprefix("Patient/") != patient:
        raise ApiProblem(403, "The token is for another patient than the context.")
    return patient


def known(
    site: Site,
    request: Mapping[str, Any],
    patient: str,
    sent: tuple[Sequence[Resource], Set[str]],
) -> KnownChart:
    """From the prefetch, of which SENT is `prefetched`; what it lacks is read, where the request
    names our site's FHIR base and a token for it."""
    found, missing = sent
    token = _token(site, request)
    if not missing or token is None:
        return KnownChart(tuple(found), frozenset(missing))
    try:
        with turn(site.name), EhrClient(_hurried(site), auth=Transient(site, token)) as client:
            pull = read_patient(client, patient)
    except (EhrError, ConfigurationError) as error:
        log.warning("the chart cannot be read for a hook", site=site.name, error=str(error))
        return KnownChart(tuple(found), frozenset(missing))
    beside = [one for one in found if one["resourceType"] in BESIDE]
    return KnownChart((*pull.resources, *beside), frozenset(pull.unread))


def prefetched(prefetch: object, patient: str) -> tuple[list[Resource], set[str]]:
    """What came of the patient, and the kinds of which there may be more: an answer that is absent,
    null, an OperationOutcome or has further pages does not tell what is missing, nor does one that
    holds what can't be read here."""
    given = prefetch if isinstance(prefetch, dict) else {}
    found: list[Resource] = []
    missing: set[str] = set()
    for name, template in PREFETCH.items():
        kind = template.partition("?")[0].partition("/")[0]
        part = WEIGHTS if name == "weights" else kind
        answer = _answer(given.get(name))
        if not isinstance(answer, dict) or answer.get("resourceType") not in (kind, "Bundle"):
            missing.add(part)
            continue
        entries = list(_entries(answer))
        is_bundle = answer["resourceType"] == "Bundle"
        is_odd = any(_whose(entry, patient) is None for entry in entries)
        if is_odd or (is_bundle and _has_more(answer)):
            missing.add(part)
        found += [entry for entry in entries if _whose(entry, patient)]
    return found, (missing | {str(one["resourceType"]) for one in _unnamed(found)}) - BESIDE


def _answer(sent: object) -> object:
    """The resource; before 1.0 of CDS Hooks it stood beside the status of its response."""
    return sent.get("resource") if isinstance(sent, dict) and "response" in sent else sent


def _entries(answer: Resource) -> Iterator[Resource]:
    if answer.get("resourceType") != "Bundle":
        yield answer
        return
    for entry in elements.items(answer.get("entry")):
        resource = elements.mapping(entry.get("resource"))
        if resource and resource.get("resourceType") != OUTCOME:
            yield resource


def _whose(resource: Resource, patient: str) -> bool | None:
    """Whether it is the patient's, or belongs to nobody, as a Medication does: an EHR that
    prefetches too much must not lend one patient another's results. None where that can't be
    told."""
    kind = resource.get("resourceType")
    if not (isinstance(resource.get("id"), str) and isinstance(kind, str)):
        return None
    if kind == "Patient":
        return bool(resource["id"] == patient)
    if kind not in WHOSE and kind not in BESIDE:
        return True
    named = _named(resource)
    return None if named is None else named == f"Patient/{patient}"


def _unnamed(found: list[Resource]) -> Iterator[Resource]:
    """Those that name their drug by a reference alone, to what is not here."""
    there = {f"Medication/{one['id']}" for one in found if one["resourceType"] == "Medication"}
    for resource in found:
        reference = unnamed_drug(resource)
        if reference and key(reference) not in there:
            yield resource


def unnamed_drug(resource: Resource) -> str | None:
    """The reference to a Medication outside RESOURCE, where nothing beside it says which."""
    _, named = elements.concept_or_reference(resource, "medication")
    reference = elements.text(named.get("reference"))
    is_bare = not (reference.startswith("#") or elements.text(named.get("display")))
    return reference if reference and is_bare else None


def _has_more(bundle: Resource) -> bool:
    """Whether a further page, the total, or an OperationOutcome tells of more than came."""
    page = paging.page(bundle, "the prefetch")
    further = any(link.get("relation") == "next" for link in elements.items(bundle.get("link")))
    entries = [
        elements.mapping(entry.get("resource")) for entry in elements.items(bundle.get("entry"))
    ]
    return (
        further
        or bool(page and list(paging.short([page])))
        or any(
            entry.get("resourceType") == OUTCOME and outcomes.left_out(entry) for entry in entries
        )
    )


def may_be_of(order: Resource, patient: str) -> bool:
    """Whether a draft names the patient, or nobody yet."""
    return _named(order) in (None, f"Patient/{patient}")


def _named(resource: Resource) -> str | None:
    """Type and id of whom it is about."""
    for name in ("subject", "patient", "beneficiary"):
        reference = elements.mapping(resource.get(name)).get("reference")
        if isinstance(reference, str):
            return key(reference)
    return None


def key(reference: str) -> str:
    """Type and id, also of an address, or of a version."""
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def _token(site: Site, request: Mapping[str, Any]) -> str | None:
    """Only for the configured base; any other server, and the token for it, is left alone."""
    server, authorization = request.get("fhirServer"), request.get("fhirAuthorization")
    if (
        not isinstance(server, str)
        or server.rstrip("/") != site.base_url
        or not isinstance(authorization, dict)
    ):
        return None
    if str(authorization.get("token_type", "Bearer")).lower() != "bearer":
        return None
    try:
        return carried(authorization.get("access_token"))
    except UnusableToken as problem:
        log.warning("fhirAuthorization not used", site=site.name, problem=f"it came {problem}")
        return None


def _hurried(site: Site) -> Site:
    limits = site.limits.model_copy(
        update={"connect_timeout_seconds": SECONDS, "read_timeout_seconds": SECONDS, "retries": 0}
    )
    return site.model_copy(update={"limits": limits})
