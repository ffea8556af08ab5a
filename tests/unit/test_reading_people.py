"""Who is on a claim, read from a chart: names, addresses, members, payers, practitioners."""

from typing import Any

import pytest

from integration.configuration.site import Site as SiteSettings
from mappings.reading import read
from mappings.record import Address, Name, OnClaims, PatientRecord, Payor, Practitioner
from mappings.site import PayerAlias, Site
from tests import builders
from tests.builders import Resource

NPI = "http://hl7.org/fhir/sid/us-npi"
HOME = {
    "use": "home",
    "line": ["12 Elm Street"],
    "city": "Columbus",
    "state": "OH",
    "postalCode": "43215-0001",
}
AT_HOME = Address(line=("12 Elm Street",), city="Columbus", state="OH", postal_code="432150001")
NOT_OURS = Address(line=("12 Elm Street",), city="Columbus", state="", postal_code="")
SMITH: Resource = {
    "resourceType": "Practitioner",
    "id": "smith",
    "identifier": [{"system": NPI, "value": "1598765430"}],
    "name": [{"family": "Smith", "given": ["Alan"]}],
}


def record(*changes: Resource, site: Site | None = None) -> PatientRecord:
    (found,), problems = read(builders.chart(*changes), site)
    assert not problems
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([{"family": "Doe", "given": ["Jane", "Ann", "Lee"]}], Name("Doe", "Jane", "Ann")),
        (
            [
                {"use": "maiden", "family": "Roe"},
                {"use": "usual", "family": "Doe"},
                {"use": "official", "family": "Poe"},
            ],
            Name("Poe"),
        ),
        ([{"family": "Doe", "suffix": ["Jr."]}], Name("Doe", suffix="Jr.")),
        ([{"use": "old", "family": "Roe"}], None),
        ([{"text": "Jane Doe"}], None),
        ([{"family": "  "}], None),
        (None, None),
        ([{"family": ["Doe"], "use": ["official"]}], None),
    ],
)
def test_the_official_name_counts(names: Any, expected: Name | None) -> None:
    assert record(builders.patient(name=names)).demographics.name == expected


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([HOME], AT_HOME),
        ([{**HOME, "use": "old"}], None),
        ([{**HOME, "use": "work", "city": "Dayton"}, HOME], AT_HOME),
        ([{**HOME, "country": "USA", "state": "oh"}], AT_HOME),
        ([{**HOME, "state": "Ohio", "postalCode": "4321"}], NOT_OURS),
        ([{**HOME, "country": "Canada"}], NOT_OURS),
        ([{"text": "12 Elm Street"}], Address(line=(), city="", state="", postal_code="")),
    ],
)
def test_the_address_is_where_the_patient_lives_now(
    addresses: Any, expected: Address | None
) -> None:
    assert record(builders.patient(address=addresses)).demographics.address == expected


def member_type(value: str) -> Resource:
    return {"type": {"coding": [{"code": "MB"}]}, "value": value}


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        ({"subscriberId": "1EG4TE5MK73"}, "1EG4TE5MK73"),
        ({"identifier": [member_type("M1"), {"value": "policy 7"}]}, "M1"),
        (
            {"identifier": [{"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1EG4TE5MK73"}]},
            "1EG4TE5MK73",
        ),
        ({"identifier": [member_type("M1"), member_type("M2")]}, None),
        ({"identifier": [{"value": "policy 7"}]}, None),
    ],
)
def test_the_member_number_is_one_that_says_so(coverage: Resource, expected: str | None) -> None:
    assert record(builders.coverage(**coverage)).coverages[0].subscriber.member_id == expected


def test_a_medicare_number_may_stand_with_the_patient() -> None:
    person = builders.patient(
        identifier=[{"system": "http://hl7.org/fhir/sid/us-mbi", "value": "1EG4TE5MK73"}]
    )
    assert record(person).coverages[0].subscriber.member_id == "1EG4TE5MK73"


def test_the_subscriber_may_be_somebody_else() -> None:
    relative = {
        "resourceType": "RelatedPerson",
        "id": "father",
        "patient": {"reference": "Patient/p1"},
        "name": [{"family": "Doe", "given": ["John"]}],
    }
    plan = builders.commercial(
        subscriber={"reference": "RelatedPerson/father"},
        relationship={"coding": [{"code": "child"}]},
    )
    found = record(relative, plan).coverages[0].subscriber
    assert (found.relationship, found.name) == ("child", Name("Doe", "John"))


def test_who_subscribes_for_oneself_is_self() -> None:
    assert (
        record(builders.coverage(subscriber={"reference": "Patient/p1"}))
        .coverages[0]
        .subscriber.relationship
        == "self"
    )


def test_a_payer_is_addressed_by_its_typed_identifier_or_the_sites_table() -> None:
    organization = {
        "resourceType": "Organization",
        "id": "payer",
        "name": "Sunrise Health Plan",
        "identifier": [
            {"type": {"coding": [{"code": "NIIP"}]}, "value": "60054"},
            {"value": "internal 9"},
        ],
    }
    plan = builders.commercial() | {"payor": [{"reference": "Organization/payer"}]}
    assert record(organization, plan).coverages[0].payor == Payor(
        name="Sunrise Health Plan", on_claims=OnClaims(id="60054"), reference="Organization/payer"
    )
    site = Site(
        payer_aliases={
            "Sunrise Health Plan": PayerAlias(kind="commercial", on_claims=OnClaims(id="SHP01"))
        }
    )
    assert record(organization, plan, site=site).coverages[0].payor.on_claims.id == "SHP01"


def participant(who: Resource, kind: str = "ATND") -> Resource:
    return {"type": [{"coding": [{"code": kind}]}], "individual": who}


def test_a_participant_has_a_role_a_name_and_an_npi() -> None:
    visit = builders.encounter(participant=[participant({"reference": "Practitioner/smith"})])
    assert record(SMITH, visit).encounters[0].participants == (
        Practitioner(
            reference="Practitioner/smith",
            role="ATND",
            npi="1598765430",
            name=Name("Smith", "Alan"),
        ),
    )


def test_a_practitioner_role_leads_to_the_practitioner_and_adds_the_taxonomy() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "nephrologist",
        "practitioner": {"reference": "Practitioner/smith"},
        "specialty": [
            {"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": "207RN0300X"}]}
        ],
    }
    dose = builders.administration(
        performer=[{"actor": {"reference": "PractitionerRole/nephrologist"}}]
    )
    (found,) = record(SMITH, role, dose).administrations[0].performers
    assert (found.npi, found.taxonomy, found.reference) == (
        "1598765430",
        "207RN0300X",
        "Practitioner/smith",
    )


@pytest.mark.parametrize(
    ("actor", "npi"),
    [
        ({"reference": "Practitioner/unknown"}, None),
        ({"identifier": {"system": NPI, "value": "1598765430"}}, "1598765430"),
    ],
)
def test_a_practitioner_who_is_not_on_record(actor: Resource, npi: str | None) -> None:
    (found,) = (
        record(builders.administration(performer=[{"actor": actor}])).administrations[0].performers
    )
    assert (found.npi, found.name) == (npi, None)


def test_patients_relatives_and_devices_are_no_practitioners() -> None:
    actors = [
        {"actor": {"reference": reference}}
        for reference in ("Patient/p1", "RelatedPerson/r", "Device/d")
    ]
    assert record(builders.administration(performer=actors)).administrations[0].performers == ()


@pytest.mark.parametrize(
    "broken", ["text", 7, [7], {"reference": ["x"]}, {"identifier": {"system": ["x"], "value": 7}}]
)
def test_nonsense_tells_nothing_and_breaks_nothing(broken: Any) -> None:
    found = record(
        builders.administration(performer=[{"actor": broken, "function": broken}]),
        builders.encounter(participant=[{"individual": broken, "type": broken}]),
        builders.patient(name=broken, address=broken, identifier=broken),
        builders.coverage(subscriber=broken, relationship=broken, identifier=broken),
    )
    assert found.demographics.name is None
    assert found.administrations[0].source.resource == "MedicationAdministration/ma1"


def test_settings_hand_over_the_billing_provider() -> None:
    settings = SiteSettings.model_validate(
        {
            "base_url": "http://127.0.0.1:8080/fhir",
            "payer_aliases": {"Sunrise": {"kind": "commercial", "claim_id": "SHP01"}},
            "billing_provider": {
                "name": "Riverside Nephrology PC",
                "npi": "1234567893",
                "tax_id": "123456789",
                "address": {
                    "line": ["100 Main Street"],
                    "city": "Columbus",
                    "state": "OH",
                    "postal_code": "432151234",
                },
            },
        }
    )
    provider = settings.facts().billing_provider
    assert provider is not None
    assert provider.address == Address(
        line=("100 Main Street",), city="Columbus", state="OH", postal_code="432151234"
    )
    assert (provider.npi, provider.pay_to) == ("1234567893", None)
    assert settings.facts().payer_aliases["Sunrise"].on_claims.id == "SHP01"
