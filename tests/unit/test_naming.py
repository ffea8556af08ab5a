"""The id of a resource without one: that of its entry's address, or none."""

import pytest

from mappings.reading.fhir import naming

BARE = {"resourceType": "Observation", "subject": {"reference": "Patient/p1"}}


@pytest.mark.parametrize(
    ("address", "identity"),
    [
        ("https://ehr.example.org/fhir/Observation/f1", "f1"),
        ("https://ehr.example.org/fhir/Observation/f1/_history/3", "f1"),
        ("urn:uuid:0f1", "0f1"),
        ("urn:uuid:", None),
        ("https://ehr.example.org/fhir/Condition/f1", None),
        ("https://ehr.example.org/fhir/Observation", None),
        ("Observation/f1", None),
        ("https://ehr.example.org/fhir/Observation/f 1", None),
        ("", None),
        (None, None),
    ],
)
def test_the_address_of_the_entry_names_it(address: str | None, identity: str | None) -> None:
    assert naming.named(BARE, address).get("id") == identity


def test_its_own_id_counts() -> None:
    own = {**BARE, "id": "own"}
    assert naming.named(own, "https://ehr.example.org/fhir/Observation/f1") is own


def test_results_alone_are_kept_apart_each_under_its_own_mark() -> None:
    marks = [naming.kept_apart({**BARE, "status": word}) for word in ("final", "final", "amended")]
    assert marks[0] == marks[1] != marks[2]
    assert all(mark and naming.is_kept_apart(mark) for mark in marks)
    assert naming.kept_apart({**BARE, "resourceType": "Condition"}) is None
    assert naming.kept_apart({"resourceType": "Observation"}) is None
    assert not naming.is_kept_apart({**BARE, "id": "f1"})
