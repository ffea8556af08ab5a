"""The sample patients load into a real FHIR server, as one transaction each and resource by
resource."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from integration import samples

JSON = {"Content-Type": "application/fhir+json"}


def renamed(bundle: dict[str, Any], fresh: Callable[[str], str]) -> dict[str, Any]:
    """The Bundle with ids that no other test has."""
    text = json.dumps(bundle, default=float)
    for entry in bundle["entry"]:
        old = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        kind, _, identity = old.partition("/")
        text = text.replace(f'"{old}"', f'"{kind}/{fresh(identity)}"')
    copy: dict[str, Any] = json.loads(text)
    for entry in copy["entry"]:
        entry["resource"]["id"] = fresh(entry["resource"]["id"])
    return copy


@pytest.mark.parametrize("name", samples.bundles())
def test_a_sample_loads_as_a_transaction(hapi: str, fresh: Callable[[str], str], name: str) -> None:
    bundle = renamed(samples.bundles()[name], fresh)
    answer = requests.post(hapi, data=json.dumps(bundle), headers=JSON, timeout=60)
    assert answer.status_code == 200, answer.text
    assert {entry["response"]["status"] for entry in answer.json()["entry"]} == {"201 Created"}


def test_a_sample_loads_one_by_one(hapi: str, fresh: Callable[[str], str]) -> None:
    order = [
        *("Organization", "Practitioner", "PractitionerRole", "Patient", "Location"),
        *("Medication", "Coverage", "Condition", "Encounter", "MedicationRequest"),
    ]
    resources = [
        entry["resource"] for entry in renamed(samples.bundles()["luis-pseudonym"], fresh)["entry"]
    ]
    resources.sort(
        key=lambda resource: (
            order.index(resource["resourceType"]) if resource["resourceType"] in order else 9
        )
    )
    for resource in resources:
        answer = requests.put(
            f"{hapi}/{resource['resourceType']}/{resource['id']}",
            data=json.dumps(resource),
            headers=JSON,
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
