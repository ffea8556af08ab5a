"""Claim drafts of a chart in the real HAPI: it takes them, and keeps them drafts."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import requests

from integration.assessing.clients import policies_for
from integration.assessing.patient import check_pull
from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.reading.patient import read_patient
from mappings.assess import document
from mappings.writing.drafting import x12
from mappings.writing.fhir_claim import claims as claim_bundle
from tests import builders, claims
from tests.fakes.chart import transaction

FHIR_JSON = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
AS_OF = builders.AS_OF

Drafts = tuple[dict[str, Any], str]


@pytest.fixture
def client(hapi: str) -> Iterator[EhrClient]:
    address = {
        "line": ["100 Main Street"],
        "city": "Columbus",
        "state": "OH",
        "postal_code": "432151234",
    }
    provider = {
        "name": "Riverside Nephrology PC",
        "npi": "1234567893",
        "tax_id": "123456789",
        "phone": "5555551234",
        "address": address,
    }
    payers = {
        name: {"kind": alias.kind, "claim_id": alias.on_claims.id}
        for name, alias in claims.PAYERS.items()
    }
    with EhrClient(
        Site.adhoc(
            hapi, time_zone="America/New_York", billing_provider=provider, payer_aliases=payers
        )
    ) as made:
        yield made


@pytest.fixture(params=claims.CHARTS)
def drafts(
    request: pytest.FixtureRequest, client: EhrClient, fresh: Callable[[str], str]
) -> Drafts:
    """The Bundle of Claims and the 837 of a chart that was loaded into HAPI and read from it."""
    client.transport.write("POST", "", transaction(claims.CHARTS[request.param], fresh))
    found = check_pull(
        read_patient(client, fresh("p1")), client.site, policies_for(client.site), AS_OF
    )
    made = document([found.assessment], [], AS_OF)
    records, site = {found.record.patient: found.record}, client.site.facts()
    file, problems = x12(made, records, site, claims.NOW)
    assert problems == []
    return claims.as_json(claim_bundle(made, records, site, claims.NOW)), file


def sent(client: EhrClient, bundle: dict[str, Any]) -> list[dict[str, Any]]:
    body = msgspec.json.encode(bundle)
    answer = requests.post(client.site.base_url, data=body, headers=FHIR_JSON, timeout=60)
    assert answer.status_code == 200, answer.text
    return [entry["response"] for entry in answer.json()["entry"]]


def test_hapi_takes_the_drafts_and_a_second_time_changes_nothing(
    drafts: Drafts, client: EhrClient
) -> None:
    bundle, _ = drafts
    (claim,) = [entry["resource"] for entry in bundle["entry"]]
    assert [response["status"] for response in sent(client, bundle)] == ["201 Created"]
    assert [response["etag"] for response in sent(client, bundle)] == ["1"]
    kept = requests.get(
        f"{client.site.base_url}/Claim/{claim['id']}", headers=FHIR_JSON, timeout=60
    ).json()
    assert kept["status"] == "draft"
    assert {name: kept[name] for name in ("item", "total", "diagnosis", "insurance")} == {
        name: claim[name] for name in ("item", "total", "diagnosis", "insurance")
    }


def errors(client: EhrClient, claim: dict[str, Any]) -> list[str]:
    """What HAPI's validator says against a Claim."""
    answer = requests.post(
        f"{client.site.base_url}/Claim/$validate",
        data=msgspec.json.encode(claim),
        headers=FHIR_JSON,
        timeout=120,
    )
    return [
        issue["diagnostics"]
        for issue in answer.json()["issue"]
        if issue["severity"] in ("error", "fatal")
    ]


def test_hapis_validator_finds_no_error(drafts: Drafts, client: EhrClient) -> None:
    bundle, _ = drafts
    (claim,) = [entry["resource"] for entry in bundle["entry"]]
    assert errors(client, claim) == []
    assert errors(client, {name: value for name, value in claim.items() if name != "priority"}), (
        "it finds nothing at all"
    )


def test_what_was_read_from_hapi_is_enough_for_an_837(drafts: Drafts) -> None:
    _, file = drafts
    # A dialysis draft lacks what only the facility knows.
    assert all("a dialysis claim has" in fault for fault in claims.faults(file))
    assert claims.validated(file) == ""
    assert "*SMITH*ALAN****XX*1598765430~" in file
