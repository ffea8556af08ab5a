"""The table of resource types, beside what searches for them and what reads them."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from integration.configuration.resource_types import (
    EVERY_LINE,
    SUBSCRIBED,
    WAKING,
)
from integration.configuration.vendors import PROFILES, Vendor
from integration.ehr.profile import profile
from integration.ehr.scopes import FORMS, NEEDS, Context
from mappings.reading.bundles.heads import SUBJECT


def test_what_wakes_us_is_searched_for_and_read() -> None:
    assert set(WAKING) | {"DetectedIssue"} == set(profile("generic").searches)
    # What comes along with others, and is searched for nowhere.
    beside = {"RelatedPerson", "CoverageEligibilityResponse"}
    assert set(WAKING) | beside == set(SUBJECT)
    for context in get_args(Context):
        assert set(WAKING) <= {need.kind for need in NEEDS if context in need.reads}


def test_what_we_write_ourselves_wakes_nobody() -> None:
    """But for a note: others write them as well."""
    assert set(FORMS) & set(WAKING) == {"DocumentReference"}


def test_no_line_becomes_ready_of_what_is_not_subscribed_to() -> None:
    assert set(EVERY_LINE) <= set(SUBSCRIBED)


def test_each_vendor_has_its_profile() -> None:
    """A file in the folder is a vendor that a site may name; it says its own name."""
    assert "generic" in PROFILES
    assert [profile(vendor).vendor for vendor in PROFILES] == list(PROFILES)


@pytest.mark.parametrize(("vendor", "taken"), [("epic", True), ("auto", True), ("acme", False)])
def test_a_site_names_a_vendor_that_is_known(vendor: str, taken: bool) -> None:
    known = TypeAdapter(Vendor)
    if taken:
        assert known.validate_python(vendor) == vendor
        return
    with pytest.raises(ValidationError, match="'acme' is not a vendor"):
        known.validate_python(vendor)
