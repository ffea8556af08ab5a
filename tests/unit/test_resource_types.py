"""The table of resource types, beside what searches for them and what reads them."""

from importlib.resources import files

from integration.configuration.resource_types import (
    EVERY_LINE,
    READ,
    SUBSCRIBED,
    WAKING,
    WRITE_FORMS,
)
from integration.configuration.site import Vendor
from integration.ehr.profile import PROFILES, profile
from mappings.reading.fhir.collection import SUBJECT


def test_what_wakes_us_is_searched_for_and_read() -> None:
    assert set(WAKING) | {"DetectedIssue"} == set(profile("generic").searches)
    assert set(WAKING) | {"RelatedPerson"} == set(SUBJECT)
    assert set(WAKING) <= set(READ)


def test_what_we_write_ourselves_wakes_nobody() -> None:
    assert set(WRITE_FORMS) & set(WAKING) == {"DocumentReference"}
    assert set(WRITE_FORMS) <= set(READ)


def test_no_line_becomes_ready_of_what_is_not_subscribed_to() -> None:
    assert set(EVERY_LINE) <= set(SUBSCRIBED)


def test_each_vendor_has_its_profile() -> None:
    folder = files("integration.ehr") / "profiles"
    there = {path.name.removesuffix(".yaml") for path in folder.iterdir() if "yaml" in path.name}
    assert there == set(PROFILES)
    assert all(profile(vendor).vendor == vendor for vendor in PROFILES)
    assert {"auto", *PROFILES} == set(Vendor.__args__)  # type: ignore[attr-defined]
