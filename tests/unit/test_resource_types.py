"""The table of resource types, beside what searches for them and what reads them."""

from importlib.resources import files
from typing import get_args

from integration.configuration.resource_types import (
    EVERY_LINE,
    SUBSCRIBED,
    WAKING,
)
from integration.configuration.site import Vendor
from integration.ehr.profile import PROFILES, profile
from integration.ehr.scopes import FORMS, NEEDS, Context
from mappings.reading.fhir.collection import SUBJECT


def test_what_wakes_us_is_searched_for_and_read() -> None:
    assert set(WAKING) | {"DetectedIssue"} == set(profile("generic").searches)
    assert set(WAKING) | {"RelatedPerson"} == set(SUBJECT)
    for context in get_args(Context):
        assert set(WAKING) <= {row.kind for row in NEEDS if context in row.reads}


def test_what_we_write_ourselves_wakes_nobody() -> None:
    """But for a note: others write them as well."""
    assert set(FORMS) & set(WAKING) == {"DocumentReference"}


def test_no_line_becomes_ready_of_what_is_not_subscribed_to() -> None:
    assert set(EVERY_LINE) <= set(SUBSCRIBED)


def test_each_vendor_has_its_profile() -> None:
    folder = files("integration.ehr") / "profiles"
    there = {path.name.removesuffix(".yaml") for path in folder.iterdir() if "yaml" in path.name}
    assert there == set(PROFILES)
    assert all(profile(vendor).vendor == vendor for vendor in PROFILES)
    assert {"auto", *PROFILES} == set(get_args(Vendor))
