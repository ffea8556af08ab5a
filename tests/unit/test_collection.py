"""Resources gathered: versions, references of every form, contained ones, and what can't be
taken."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from mappings.assessment import to_json
from mappings.reading import Collection, decode, read
from tests import builders
from tests.builders import Resource, administration, medication

LOST = "medicationReference"


def version(dose: str, **meta: Any) -> Resource:
    return administration(dose=dose, meta=meta)


def outcome(*resources: Resource) -> tuple[list[str], list[str]]:
    """Lines, and what is unreadable, of the chart with these instead of its administration."""
    chart = [*builders.chart(without=["administration"]), *resources]
    documents = {to_json(builders.document_of(list(rows))) for rows in (chart, chart[::-1])}
    assert len(documents) == 1, "the order of the input changes the document"
    document = builders.document_of(chart)
    lines = [shown for patient in document.patients for shown in builders.shown(patient)]
    return lines, [row.resource for patient in document.patients for row in patient.unreadable] + [
        row.resource for row in document.unreadable
    ]


NEWEST: tuple[list[str], list[str]] = (["J1756 JZ × 200 ready"], [])
NONE: tuple[list[str], list[str]] = ([], ["MedicationAdministration/ma1"])


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([version("100 mg", versionId="1"), version("200 mg", versionId="2")], NEWEST),
        ([version("100 mg", versionId="9"), version("200 mg", versionId="10")], NEWEST),
        (
            [
                version("100 mg", lastUpdated="2026-11-01T10:00:00Z"),
                version("200 mg", lastUpdated="2026-11-01T10:00:01Z"),
            ],
            NEWEST,
        ),
        # Version ids that do not count (Medplum, Epic): the time decides.
        (
            [
                version("100 mg", versionId="b", lastUpdated="2026-11-01"),
                version("200 mg", versionId="a", lastUpdated="2026-11-02"),
            ],
            NEWEST,
        ),
        (
            [
                version("100 mg", versionId="²", lastUpdated="2026-11-01"),
                version("200 mg", versionId="1", lastUpdated="2026-11-02"),
            ],
            NEWEST,
        ),
        # The same content is no conflict, whatever two reads wrote beside it.
        (
            [
                version("200 mg", versionId="1"),
                version("200 mg", versionId="1", lastUpdated="2026-11-02"),
            ],
            NEWEST,
        ),
        ([version("200 mg"), version("200 mg", versionId="1")], NEWEST),
        (
            [
                version("200 mg", versionId="2") | {"text": {"div": "a"}},
                version("200 mg", versionId="2") | {"text": {"div": "b"}},
            ],
            NEWEST,
        ),
        # Same version, different content; or nothing that tells which is newer.
        ([version("100 mg", versionId="1"), version("200 mg", versionId="1")], NONE),
        (
            [
                version("100 mg", versionId="a", lastUpdated="2026-11-01"),
                version("200 mg", versionId="a", lastUpdated="2026-11-02"),
            ],
            NONE,
        ),
        (
            [
                version("200 mg", versionId="a", lastUpdated="2026-11-01"),
                version("200 mg", versionId="a", lastUpdated="2026-11-02"),
            ],
            NEWEST,
        ),
        (
            [
                version("100 mg", lastUpdated="2026-11-02T01:00:00Z"),
                version("200 mg", lastUpdated="2026-11-01T22:00:00-04:00"),
            ],
            NEWEST,
        ),
        ([version("100 mg"), version("200 mg")], NONE),
        ([version("100 mg", versionId="1"), version("200 mg")], NONE),
        # A later version settles what two earlier ones left open.
        (
            [
                version("100 mg", versionId="1"),
                version("150 mg", versionId="1"),
                version("200 mg", versionId="2"),
            ],
            NEWEST,
        ),
        (
            [version("200 mg", versionId="3"), version("150 mg"), version("100 mg", versionId="1")],
            NONE,
        ),
        # The newest is broken: an older one is not what stands in the chart.
        (
            [
                version("100 mg", versionId="1"),
                version("200 mg", versionId="2") | {"dosage": "200 mg"},
            ],
            NONE,
        ),
        (
            [
                version("100 mg", versionId="1") | {"dosage": "100 mg"},
                version("200 mg", versionId="2"),
            ],
            NEWEST,
        ),
    ],
)
def test_the_newest_version_counts_in_any_order(
    versions: list[Resource], expected: tuple[list[str], list[str]]
) -> None:
    for order in permutations(versions):
        assert outcome(*order) == expected


def test_an_entered_in_error_version_reverses_the_one_before() -> None:
    mistaken = administration(status="entered-in-error", version="2")
    found = builders.document_of([*builders.chart(), mistaken]).patients[0]
    assert (found.lines, [row.administration for row in found.reversed]) == (
        (),
        ["MedicationAdministration/ma1"],
    )


def bundle(*resources: Resource, urls: bool = True) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            ({"fullUrl": f"urn:uuid:{row['id']}"} if urls else {}) | {"resource": row}
            for row in resources
        ],
    }


def renamed(value: Any, names: dict[str, str]) -> Any:
    """References of the chart written in another form."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item) if key == "reference" else renamed(item, names)
            for key, item in value.items()
        }
    return [renamed(item, names) for item in value] if isinstance(value, list) else value


CHART = builders.chart(
    administration(
        medicationCodeableConcept=None, medicationReference={"reference": "Medication/medication"}
    ),
    medication(ndc=builders.VENOFER_100),
)
KEYS = [f"{row['resourceType']}/{row['id']}" for row in CHART]


@pytest.mark.parametrize(
    "form",
    [
        lambda key: key,
        lambda key: f"{key}/_history/1",
        lambda key: f"urn:uuid:{key.partition('/')[2]}",
        lambda key: f"https://ehr.example/fhir/{key}",
        lambda key: f"https://ehr.example/fhir/{key}/_history/3",
    ],
    ids=["relative", "versioned", "urn:uuid", "absolute", "absolute and versioned"],
)  # fmt: skip
def test_a_reference_is_followed_in_any_form(form: Any) -> None:
    written = renamed(CHART, {key: form(key) for key in KEYS})
    assert [
        builders.shown(patient) for patient in builders.document_of([bundle(*written)]).patients
    ] == [["J1756 JZ × 200 ready"]]


def test_a_reference_to_another_server_is_not_one_to_ours() -> None:
    written = renamed(
        CHART, {"Medication/medication": "https://elsewhere.example/fhir/Medication/medication"}
    )
    found = builders.document_of(
        [
            {
                **bundle(*written),
                "entry": [
                    {
                        "fullUrl": f"https://ehr.example/fhir/{row['resourceType']}/{row['id']}",
                        "resource": row,
                    }
                    for row in written
                ],
            }
        ]
    )
    assert [row.resource for patient in found.patients for row in patient.unreadable] == [
        "MedicationAdministration/ma1"
    ]


def test_entries_without_ids_take_the_ids_of_their_full_urls() -> None:
    names = {key: f"urn:uuid:{key.partition('/')[2]}" for key in KEYS}
    entries = [
        {
            "fullUrl": f"urn:uuid:{row['id']}",
            "resource": {
                name: value for name, value in renamed(row, names).items() if name != "id"
            },
        }
        for row in CHART
    ]
    document = builders.document_of(
        [{"resourceType": "Bundle", "type": "transaction", "entry": entries}]
    )
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]


@pytest.mark.parametrize(
    "medication_id",
    ["m", "ma1", "#m"],
    ids=["its own id", "the id of its parent", "an id written with the hash"],
)
def test_a_contained_medication_is_found(medication_id: str) -> None:
    contained = {
        "resourceType": "Medication",
        "id": medication_id,
        "code": {"coding": [builders.coding(builders.NDC, builders.VENOFER_100)]},
    }
    reference = {"reference": f"#{medication_id.lstrip('#')}"}
    given = administration(
        medicationCodeableConcept=None, medicationReference=reference, contained=[contained]
    )
    assert outcome(given) == NEWEST


def test_bundles_in_bundles_are_opened_and_outcomes_skipped() -> None:
    inner = {"resource": bundle(*builders.chart(), urls=False)}
    outcome = {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome"}}
    deleted = {"response": {"status": "204"}}
    answer = {
        "resourceType": "Bundle",
        "type": "batch-response",
        "entry": [inner, outcome, deleted],
    }
    document = builders.document_of([answer])
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]
    assert document.unreadable == ()


def test_a_bundle_without_the_patient_is_assessed() -> None:
    assert [
        row.patient for row in builders.document_of(builders.chart(without=["patient"])).patients
    ] == ["Patient/p1"]


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (None, "resource 13"),
        ("Bundle", "resource 13"),
        ({}, "resource 13"),
        ({"resourceType": 5}, "resource 13"),
        ({"resourceType": "Observation"}, "resource 13"),
        (
            {"resourceType": "Observation", "id": 7, "subject": {"reference": "Patient/p1"}},
            "resource 13",
        ),
        ({"resourceType": "Observation", "id": "x"}, "Observation/x"),
        ({"resourceType": "Observation", "id": "x", "subject": {"reference": 5}}, "Observation/x"),
        (
            {"resourceType": "Observation", "id": "x", "subject": {"identifier": {"value": "p1"}}},
            "Observation/x",
        ),
        ({"resourceType": "Medication", "id": "x", "code": "Venofer"}, "Medication/x"),
        ({"resourceType": "Bundle", "entry": [None]}, "entry 1 of the Bundle"),
    ],
)
def test_what_is_broken_is_named_and_nothing_else_is_lost(broken: Any, where: str) -> None:
    document = builders.document_of([*builders.chart(), broken])
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]
    assert [row.resource for row in document.unreadable] == [where]


@pytest.mark.parametrize(
    "broken",
    [
        {"resourceType": "MedicationAdministration", "medicationCodeableConcept": "Venofer"},
        {
            "resourceType": "MedicationAdministration",
            "medicationCodeableConcept": {"text": "Venofer"},
            "status": ["completed", "stopped"],
        },
        {
            "resourceType": "MedicationAdministration",
            "medicationCodeableConcept": {"text": "Venofer"},
        },
        {"resourceType": "Observation", "code": "2276-4"},
        {"resourceType": "Condition", "code": "N18.4"},
        {"resourceType": "Encounter", "period": "2026-11-01"},
    ],
)
def test_what_is_broken_of_a_patient_is_named_with_the_patient(broken: Resource) -> None:
    resource = {"id": "x", "subject": {"reference": "Patient/p1"}} | broken
    found = builders.document_of([*builders.chart(), resource]).patients[0]
    assert builders.shown(found) == ["J1756 JZ × 200 ready"]
    assert [row.resource for row in found.unreadable] == [f"{resource['resourceType']}/x"]


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (
            {"resourceType": "Condition", "code": "D50.9"},
            "Condition.code has the wrong form: expected an object",
        ),
        (
            {"resourceType": "Encounter", "location": "office"},
            "Encounter.location has the wrong form: expected a list",
        ),
    ],
)
def test_a_wrong_form_is_said(resource: Resource, problem: str) -> None:
    found = builders.document_of(
        [*builders.chart(), {"id": "x", "subject": {"reference": "Patient/p1"}} | resource]
    ).patients[0]
    assert [row.problem for row in found.unreadable] == [problem]


@pytest.mark.parametrize(
    "medications",
    [
        [medication(ndc=builders.VENOFER_100, ingredient="iron sucrose")],
        [
            medication(ndc=builders.VENOFER_100, meta={"versionId": "1"}),
            medication(ndc=builders.VENOFER_50, meta={"versionId": "1"}),
        ],
    ],
    ids=["broken", "two contents of one version"],
)
def test_a_medication_that_can_not_be_read_says_nothing(medications: list[Resource]) -> None:
    given = administration(
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/medication", "display": "Venofer"},
    )
    document = builders.document_of(
        [*builders.chart(without=["administration"]), given, *medications]
    )
    (found,) = document.patients
    assert (found.lines, builders.gaps(found)) == ((), ["product missing"])
    assert [row.resource for row in (*found.unreadable, *document.unreadable)] == [
        "MedicationAdministration/ma1",
        "Medication/medication",
    ]


def test_a_broken_resource_of_a_patient_without_iron_is_named_outside() -> None:
    resource = {
        "resourceType": "Condition",
        "id": "x",
        "subject": {"reference": "Patient/p2"},
        "code": "D50.9",
    }
    document = builders.document_of([*builders.chart(), resource])
    assert (
        [row.patient for row in document.patients],
        [row.resource for row in document.unreadable],
    ) == (["Patient/p1"], ["Condition/x"])


def test_a_group_or_a_device_is_nobodys_chart() -> None:
    given = administration(subject={"reference": "Group/g1"})
    document = builders.document_of([*builders.chart(without=["administration"]), given])
    assert (document.patients, document.unreadable) == ((), ())


def test_asking_for_the_groups_twice_gives_the_same() -> None:
    collection = Collection()
    for resource in [*builders.chart(), version("100 mg", versionId="1")]:
        collection.add(resource, "here")
    assert [(row.patient, row.problems) for row in collection.groups()] == [
        (row.patient, row.problems) for row in collection.groups()
    ]


def test_a_later_version_that_comes_after_a_question_still_counts() -> None:
    collection = Collection()
    collection.add(version("100 mg", versionId="1"), "here")
    assert collection.get("MedicationAdministration/ma1")
    collection.add(version("200 mg", versionId="2"), "here")
    assert (collection.get("MedicationAdministration/ma1") or {})["dosage"]["dose"]["value"] == 200


def test_decimals_are_read_as_written() -> None:
    assert decode('{"value": 42.10}') == {"value": Decimal("42.10")}
    assert str(decode("42.10")) == "42.10"
    records, problems = read([decode('{"resourceType": "Patient", "id": "p1"}')])
    assert (records, problems) == ([], [])
