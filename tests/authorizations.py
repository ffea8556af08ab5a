"""A chart with an order whose payer may ask for an authorization, and everyone who stands in a
request."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.authorizing.charts import AuthorizationCharts, from_collection
from integration.authorizing.planned import Asking
from mappings.policy import choosing
from mappings.reading import Collection
from mappings.site import Site
from tests import builders

Resource = dict[str, Any]
AS_OF = "2026-11-05T15:00:00-05:00"
NOW = datetime.fromisoformat(AS_OF)
NPI = "http://hl7.org/fhir/sid/us-npi"
TAXONOMY = "http://nucc.org/provider-taxonomy"
PROVIDER = """
[sites.main]
base_url = "https://ehr.example.org/fhir"
time_zone = "America/New_York"
[sites.main.billing_provider]
name = "Riverside Nephrology PC"
npi = "1234567893"
tax_id = "123456789"
phone = "6145550100"
[sites.main.billing_provider.address]
line = ["100 Main Street"]
city = "Columbus"
state = "OH"
postal_code = "432150001"
"""
WITHOUT_PROVIDER = ("of the site's billing_provider name, npi, tax_id, address and phone",)
SELF = {"coding": [{"code": "self"}]}


def order(count: int | None = 5, **extra: Any) -> Resource:
    """200 mg weekly, COUNT doses."""
    repeat: Resource = {"frequency": 1, "period": 1, "periodUnit": "wk"}
    repeat |= {"count": count} if count is not None else {}
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    made: Resource = {
        "requester": {"reference": "Practitioner/doctor"},
        "dosageInstruction": [{"timing": {"repeat": repeat}, "doseAndRate": dose}],
    }
    return builders.order(**{**made, **extra})


def doctor() -> Resource:
    specialty = {"coding": [{"system": TAXONOMY, "code": "207RN0300X"}]}
    return {
        "resourceType": "Practitioner",
        "id": "doctor",
        "identifier": [{"system": NPI, "value": "1598765430"}],
        "name": [{"family": "Smith", "given": ["Alan"]}],
        "qualification": [{"code": specialty}],
    }


def person(**extra: Any) -> Resource:
    return builders.patient(
        name=[{"family": "Sampleton", "given": ["Ada"]}],
        address=[{"line": ["1 Elm St"], "city": "Columbus", "state": "OH", "postalCode": "43215"}],
        **extra,
    )


def plan(**extra: Any) -> Resource:
    return builders.commercial(**{"subscriberId": "W123", "relationship": SELF, **extra})


def chart(*changes: Resource, without: tuple[str, ...] = ("administration",)) -> list[Resource]:
    """No dose was given yet."""
    return builders.chart(order(), doctor(), person(), plan(), *changes, without=without)


def drawn(resources: list[Resource], **asked: Any) -> AuthorizationCharts:
    """What is made of a chart as of `NOW`, its doses in an office."""
    collection = Collection()
    for resource in resources:
        collection.add(resource, "the test")
    asking = Asking(NOW, **{"place": "11", **asked})
    site = Site(time_zone="America/New_York")
    return from_collection(collection, site, choosing.built_in(), asking)


def file(folder: Path, resources: list[Resource]) -> Path:
    """As a Bundle, in FOLDER."""
    return builders.chart_file(folder / "chart.json", resources)


def configuration(folder: Path) -> Path:
    path = folder / "ferroclaim.toml"
    path.write_text(PROVIDER)
    return path


def resources(bundle: Resource) -> dict[str, Resource]:
    """Of a Bundle, the last one of each type."""
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


def parsed(text: str) -> list[Resource]:
    return [json.loads(line) for line in text.splitlines()]
