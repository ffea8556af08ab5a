"""Claim drafts as FHIR: valid R4, always draft, an item per line."""

from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from msgspec.structs import replace

from mappings.reading import read
from mappings.site import Site
from mappings.writing.fhir_claim import claims as claim_bundle
from tests import builders, claims
from tests.builders import Resource

PAIR = builders.administration(
    dose="125 mg",
    ndc=None,
    opened=[{"ndc": builders.VENOFER_100}, {"ndc": builders.VENOFER_50}],
    discarded="25 mg",
)
CHARTS = {
    "office": claims.chart(PAIR),
    "hospital": claims.hospital(),
    "dialysis": claims.dialysis(),
    "commercial": claims.commercial(),
}


def drawn(resources: list[Resource], site: Site = claims.SITE) -> list[Any]:
    document, records = claims.assessed(resources, site)
    bundle = claims.as_json(claim_bundle(document, records, site, claims.NOW))
    assert (bundle["type"], bundle["timestamp"]) == ("transaction", "2026-11-23T15:05:00+00:00")
    return [entry["resource"] for entry in bundle.get("entry", ())]


def code(concept: Resource) -> str:
    found: str = concept["coding"][0]["code"]
    return found


def codes(item: Resource) -> list[str]:
    return [
        code(item["productOrService"]),
        *(code(modifier) for modifier in item.get("modifier", ())),
    ]


@pytest.mark.parametrize("name", CHARTS)
def test_every_draft_is_r4_and_a_draft(name: str) -> None:
    document, records = claims.assessed(CHARTS[name])
    bundle = claims.as_json(claim_bundle(document, records, claims.SITE, claims.NOW))
    Bundle.model_validate(bundle)
    (claim,) = [entry["resource"] for entry in bundle["entry"]]
    assert (claim["status"], claim["use"]) == ("draft", "claim")
    assert claim["identifier"] == [{"system": "urn:ferroclaim:claim", "value": claim["id"]}]


def test_a_visit_inside_a_dose_is_named_by_no_reference() -> None:
    visit = builders.encounter("visit")
    inside = builders.administration(context={"reference": "#visit"}, contained=[visit])
    (claim,) = drawn([one for one in claims.chart(inside) if one["resourceType"] != "Encounter"])
    assert claim["item"]
    assert "#visit" not in str(claim)


def test_an_office_claim_with_discarded_drug() -> None:
    (claim,) = drawn(CHARTS["office"])
    assert code(claim["type"]) == "professional"
    assert claim["provider"] == {
        "identifier": {"system": claims.NPI, "value": "1234567893"},
        "display": "Riverside Nephrology PC",
    }
    assert [code(diagnosis["diagnosisCodeableConcept"]) for diagnosis in claim["diagnosis"]] == [
        "N18.4",
        "D63.1",
        "D50.9",
    ]
    assert [
        code(diagnosis["type"][0]) for diagnosis in claim["diagnosis"] if "type" in diagnosis
    ] == ["principal"]
    assert claim["insurance"] == [
        {"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/coverage"}}
    ]
    assert claim["total"] == {"value": 33.46, "currency": "USD"}
    assert [(codes(item), item["quantity"], item["net"]["value"]) for item in claim["item"]] == [
        (["J1756"], {"value": 125, "unit": "units"}, 27.88),
        (["J1756", "JW"], {"value": 25, "unit": "units"}, 5.58),
    ]
    first = claim["item"][0]
    assert first["diagnosisSequence"] == [1, 2, 3]
    assert (first["servicedDate"], code(first["locationCodeableConcept"])) == ("2026-11-01", "11")
    assert [
        (code(detail["productOrService"]), detail["quantity"]["value"], detail["quantity"]["unit"])
        for detail in first["detail"]
    ] == [
        ("00517-2325-10", 1.25, "mL"),
        ("00517-2340-10", 5, "mL"),
    ]


def test_the_evidence_stands_once_and_the_items_point_to_it() -> None:
    (claim,) = drawn(CHARTS["office"])
    information = {
        info["sequence"]: info["valueReference"]["reference"] for info in claim["supportingInfo"]
    }
    assert len(set(information.values())) == len(information)
    assert {
        "Observation/ferritin-2026-10-12",
        "Observation/tsat-2026-10-12",
        "MedicationAdministration/ma1",
    } <= set(information.values())
    assert all(set(item["informationSequence"]) == set(information) for item in claim["item"])


def test_who_takes_part() -> None:
    (claim,) = drawn(CHARTS["office"])
    (member,) = claim["careTeam"]
    assert member["provider"] == {
        "reference": "Practitioner/smith",
        "identifier": {"system": claims.NPI, "value": "1598765430"},
        "display": "Alan Smith",
    }
    assert claim["item"][0]["careTeamSequence"] == [1]
    assert claim["insurer"] == {"display": "Medicare"}


@pytest.mark.parametrize(("name", "bill_type"), [("hospital", "131"), ("dialysis", "722")])
def test_an_institutional_claim_has_type_of_bill_and_revenue_code(
    name: str, bill_type: str
) -> None:
    (claim,) = drawn(CHARTS[name])
    assert code(claim["type"]) == "institutional"
    assert code(claim["item"][0]["revenue"]) == "0636"
    *_, bill, _, _, status = claim["supportingInfo"]
    assert (code(bill["category"]), code(bill["code"])) == ("typeofbill", bill_type)
    assert code(status["category"]) == "discharge-status"
    assert status["sequence"] == len(claim["supportingInfo"])


def test_the_authorization_is_with_the_insurance() -> None:
    (claim,) = drawn(CHARTS["commercial"])
    assert claim["insurance"][0]["preAuthRef"] == ["PA123"]


def test_who_pays_after_is_named_and_not_focal() -> None:
    supplement = builders.coverage("515", "Medigap Plan G", id="medigap")
    (claim,) = drawn(claims.chart(supplement))
    assert [
        (insurance["coverage"]["reference"], insurance["focal"]) for insurance in claim["insurance"]
    ] == [
        ("Coverage/coverage", True),
        ("Coverage/medigap", False),
    ]


def test_a_claim_per_date() -> None:
    second = builders.administration(id="ma2", on="2026-11-08T09:00:00-05:00")
    visit = builders.encounter(participant=claims.ATTENDER, **claims.VISIT)
    found = drawn(claims.chart(visit, second))
    assert [claim["billablePeriod"]["start"] for claim in found] == ["2026-11-01", "2026-11-08"]


def test_without_a_billing_provider_the_encounters_organization_or_nobody_bills() -> None:
    nobody = replace(claims.SITE, billing_provider=None)
    (claim,) = drawn(claims.chart(), nobody)
    assert claim["provider"]["extension"][0]["valueCode"] == "unknown"
    (claim,) = drawn(
        claims.chart(builders.encounter(serviceProvider={"reference": "Organization/clinic"})),
        nobody,
    )
    assert claim["provider"] == {"reference": "Organization/clinic"}


def test_codes_of_services_are_cpt() -> None:
    half_an_hour = builders.administration(until="2026-11-01T09:30:00-05:00")
    (claim,) = drawn(claims.chart(half_an_hour), replace(claims.SITE, bill_services=True))
    systems = {
        code(item["productOrService"]): item["productOrService"]["coding"][0]["system"]
        for item in claim["item"]
    }
    assert systems == {"96365": builders.CPT, "J1756": builders.HCPCS}
    assert "net" not in claim["item"][0]


def test_held_lines_are_left_out() -> None:
    assert drawn(claims.chart(without=("ferritin",))) == []


def test_the_record_is_not_indispensable() -> None:
    document, _ = claims.assessed(claims.chart())
    bundle = claim_bundle(document, {}, claims.SITE, claims.NOW)
    Bundle.model_validate(bundle)
    assert "careTeam" not in bundle["entry"][0]["resource"]


def test_the_order_of_the_chart_does_not_matter() -> None:
    assert drawn(CHARTS["office"]) == drawn(CHARTS["office"][::-1])


def test_no_draft_of_ours_is_taken_for_an_authorization() -> None:
    """A draft written to an EHR comes back with the chart; only an active Claim imported by a
    biller says a number."""
    (claim,) = drawn(CHARTS["commercial"])
    without = [row for row in CHARTS["commercial"] if row["resourceType"] != "ClaimResponse"]
    (record,), _ = read([*without, claim], claims.SITE)
    assert record.authorizations == ()
