"""Who stands on a claim and is no concern of the rules: practitioners and subscribers, read beside
the chart where the server did not include them.

Held by tests/contract/test_claims_write.py.
"""

from collections.abc import Iterator
from dataclasses import replace

from integration.ehr.client import EhrClient
from integration.ehr.fhir import bundles
from integration.ehr.fhir.answers import Json
from integration.ehr.fhir.references import Bases, at, local
from integration.ehr.reading.patient import PatientPull

_PLACES = {
    "Encounter": "participant.individual",
    "MedicationAdministration": "performer.actor",
    "MedicationRequest": "requester",
    "PractitionerRole": "practitioner",
    "Coverage": "subscriber",
}
_KINDS = ("Practitioner/", "PractitionerRole/", "RelatedPerson/")
_ROUNDS = 2  # a role, then whose it is


def with_people(client: EhrClient, pull: PatientPull) -> PatientPull:
    """The chart with them. What can't be read is lacking, and the claim that needs it says so."""
    resources = list(pull.resources)
    tried: set[str] = set()
    for _ in range(_ROUNDS):
        there = {f"{resource['resourceType']}/{resource.get('id')}" for resource in resources}
        wanted = sorted(set(_named(resources, client.site.addresses)) - there - tried)
        room = client.site.limits.references - len(tried)
        if not wanted or room <= 0:
            break
        tried.update(wanted[:room])
        resources += _read(client, wanted[:room])
    return replace(pull, resources=resources)


def _named(resources: list[Json], bases: Bases) -> Iterator[str]:
    for resource in resources:
        path = _PLACES.get(resource["resourceType"])
        for reference in at(resource, tuple(path.split("."))) if path else ():
            key = local(reference, bases)
            if key and key.startswith(_KINDS):
                yield key


def _read(client: EhrClient, keys: list[str]) -> Iterator[Json]:
    for key, answer in zip(keys, client.batch(keys, fresh=True), strict=True):
        if answer.status == 200:
            kind = key.partition("/")[0]
            taken = bundles.resource(answer.body, client.site.limits.resource_bytes, kind)
            if isinstance(taken, dict):
                yield taken
