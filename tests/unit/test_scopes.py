"""The scopes that are asked for: of what is read and written, as far as a server lists them."""

import pytest

from docs.make.scopes import PAGE, page
from integration.configuration.site import Site
from integration.configuration.vendors import PROFILES
from integration.ehr import scopes
from integration.ehr.profile import profile
from integration.ehr.scopes import NEEDS, asked, permits

SITE = Site.adhoc("https://ehr.example.org/fhir")


def test_whatever_a_profile_searches_may_be_read() -> None:
    read = {need.kind for need in NEEDS if need.reads == ("system", "user")}
    assert {kind for vendor in PROFILES for kind in profile(vendor).searches} <= read


def test_each_type_stands_there_once() -> None:
    assert len({need.kind for need in NEEDS}) == len(NEEDS)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], ["DetectedIssue.cu", "DetectedIssue.rs"]),
        (["user/DetectedIssue.cu", "user/Patient.rs"], ["DetectedIssue.cu", "DetectedIssue.rs"]),
        (["system/DetectedIssue.rs"], ["DetectedIssue.rs"]),
        (["system/DetectedIssue.crus"], ["DetectedIssue.crus"]),
        (["system/DetectedIssue.cruds", "system/DetectedIssue.crus"], ["DetectedIssue.crus"]),
        (["system/DetectedIssue.c", "system/DetectedIssue.u"],
         ["DetectedIssue.c", "DetectedIssue.u"]),
        (["system/DetectedIssue.read", "system/DetectedIssue.write"],
         ["DetectedIssue.read", "DetectedIssue.write"]),
        (["system/*.rs"], ["DetectedIssue.rs"]),
        (["system/*.cruds"], ["DetectedIssue.cu", "DetectedIssue.rs"]),
        (["system/*.*"], ["DetectedIssue.cu", "DetectedIssue.rs"]),
        (["system/Patient.rs"], []),
    ],
)  # fmt: skip
def test_only_what_a_server_lists_is_asked(listed: list[str], found: list[str]) -> None:
    ours = [s.removeprefix("system/") for s in asked("system", SITE, listed, 2)]
    assert [scope for scope in ours if scope.startswith("DetectedIssue")] == found


def test_the_first_version_has_two_words() -> None:
    ours = asked("system", SITE, [], 1)
    assert {"system/Provenance.write", "system/Device.write", "system/Patient.read"} <= set(ours)
    assert all(scope.endswith((".read", ".write")) for scope in ours)


def test_people_on_claims_are_read_where_claims_leave() -> None:
    receiver = {"name": "General", "npi": "1234567893", "tax_id": "123456789"}
    billing = Site.adhoc("https://ehr.example.org/fhir", billing_provider=receiver)
    assert "system/Practitioner.r" not in asked("system", SITE, [], 2)
    assert "system/Practitioner.r" in asked("system", billing, [], 2)


@pytest.mark.parametrize(
    ("granted", "may"),
    [
        ("", True),  # the server did not say
        ("openid launch", True),
        ("system/Provenance.c", True),
        ("system/Provenance.write", True),
        ("user/*.*", True),
        ("user/*.cruds", True),
        ("user/Provenance.c?x=y", True),
        ("system/Provenance.rs", False),
        ("user/*.read", False),
        ("patient/Observation.rs", False),
    ],
)
def test_a_token_gives_what_its_scopes_say(granted: str, may: bool) -> None:
    assert permits(granted.split(), "Provenance", "c") is may


def test_one_decision_of_the_version() -> None:
    assert scopes.version_of(frozenset({"permission-v1"}), ["system/Patient.rs"]) == 1
    assert scopes.version_of(frozenset(), ["system/Patient.rs"]) == 2
    assert scopes.version_of(frozenset(), []) == 1


def test_the_docs_list_is_of_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
