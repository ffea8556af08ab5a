"""Resources gathered: versions, references of every form, contained ones, and what can't be
taken."""

import cProfile
import json
import pstats
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from mappings.document import to_json
from mappings.reading import Collection, decode, read
from mappings.reading.bundles.merging import merges
from tests import builders
from tests.builders import Resource, administration, medication
from tests.unit.test_many_doses import calls_of

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
    return lines, [
        problem.resource for patient in document.patients for problem in patient.unreadable
    ] + [problem.resource for problem in document.unreadable]


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
    assert (found.lines, [dose.administration for dose in found.reversed]) == (
        (),
        ["MedicationAdministration/ma1"],
    )


def bundle(*resources: Resource, urls: bool = True) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            ({"fullUrl": f"urn:uuid:{resource['id']}"} if urls else {}) | {"resource": resource}
            for resource in resources
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
KEYS = [f"{resource['resourceType']}/{resource['id']}" for resource in CHART]


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
    assert [problem.resource for patient in found.patients for problem in patient.unreadable] == [
        "MedicationAdministration/ma1"
    ]


def test_entries_without_ids_take_the_ids_of_their_full_urls() -> None:
    names = {key: f"urn:uuid:{key.partition('/')[2]}" for key in KEYS}
    entries = [
        {
            "fullUrl": f"urn:uuid:{resource['id']}",
            "resource": {
                name: value for name, value in renamed(resource, names).items() if name != "id"
            },
        }
        for resource in CHART
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


@pytest.mark.parametrize("inside", ["a Bundle", "Parameters", "a part", "a list"])
def test_what_is_nested_for_ever_is_named_and_nothing_else_is_lost(inside: str) -> None:
    deep: Any = builders.lab("ferritin", 60, id="deep")
    for _ in range(2_000):
        deep = {
            "a Bundle": lambda one: bundle(one, urls=False),
            "Parameters": lambda one: {
                "resourceType": "Parameters",
                "parameter": [{"resource": one}],
            },
            "a part": lambda one: {"resourceType": "Parameters", "part": [one]},
            "a list": lambda one: [one],
        }[inside](deep)
    document = builders.document_of([*builders.chart(), deep])
    assert [builders.shown(patient) for patient in document.patients] == [["J1756 JZ × 200 ready"]]
    assert [problem.problem for problem in document.unreadable] == ["nested too deeply"]


def test_a_bundle_without_the_patient_is_assessed() -> None:
    assert [
        patient.patient
        for patient in builders.document_of(builders.chart(without=["patient"])).patients
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
    assert [problem.resource for problem in document.unreadable] == [where]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    "kind", ["medicationAdministration", "medicationadministration", "Medication Administration",
             "http://hl7.org/fhir/StructureDefinition/MedicationAdministration", "bundle"],
)  # fmt: skip
def test_a_type_that_is_written_otherwise_is_named(kind: str, as_text: bool) -> None:
    chart = bundle(administration("ma2") | {"resourceType": kind}, *builders.chart())
    collection = Collection()
    if as_text:
        assert collection.add_text(json.dumps(chart, default=float).encode(), "the file")
    else:
        collection.add(chart, "the file")
    (problem,) = collection.problems
    assert problem.resource == "entry 1 of the file"
    assert problem.problem.startswith(f'resourceType "{kind}" is none of FHIR\'s, which writes')


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
    assert [problem.resource for problem in found.unreadable] == [f"{resource['resourceType']}/x"]


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
    assert [problem.problem for problem in found.unreadable] == [problem]


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
    assert [problem.resource for problem in (*found.unreadable, *document.unreadable)] == [
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
        [patient.patient for patient in document.patients],
        [problem.resource for problem in document.unreadable],
    ) == (["Patient/p1"], ["Condition/x"])


def test_a_group_or_a_device_is_nobodys_chart() -> None:
    given = administration(subject={"reference": "Group/g1"})
    document = builders.document_of([*builders.chart(without=["administration"]), given])
    assert (document.patients, document.unreadable) == ((), ())


@pytest.mark.parametrize("written", ["patient/p1", " Patient/p1", "Patients/p1", "x/y/z"])
def test_a_type_that_fhir_does_not_have_is_nobody_and_named(written: str) -> None:
    given = administration(subject={"reference": written})
    document = builders.document_of([*builders.chart(without=["administration"]), given])
    says = [(problem.resource, problem.problem) for problem in document.unreadable]
    assert says == [(MA1, "subject does not name a patient")]


def test_asking_for_the_groups_twice_gives_the_same() -> None:
    collection = Collection()
    for resource in [*builders.chart(), version("100 mg", versionId="1")]:
        collection.add(resource, "here")
    assert [(group.patient, group.problems) for group in collection.groups()] == [
        (group.patient, group.problems) for group in collection.groups()
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


# What was deleted, by R1

MA1 = "MedicationAdministration/ma1"
COMPLETE = "J1756 JZ × 200 ready"


def request(
    method: str, url: str = MA1, asked: Resource | None = None, **response: Any
) -> Resource:
    entry: Resource = {"request": {"method": method, "url": url}}
    entry |= {"resource": asked} if asked else {}
    return entry | ({"response": response} if response else {})


def of_type(kind: str | None, *entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "entry": list(entries)} | ({"type": kind} if kind else {})


def told(*resources: Any) -> tuple[list[str], list[str], list[str]]:
    """Lines, reversed administrations, and what is unreadable, in any order of the input."""
    found = {to_json(builders.document_of(list(rows))) for rows in (resources, resources[::-1])}
    assert len(found) == 1, "the order of the input changes the document"
    document = builders.document_of(list(resources))
    patients = document.patients
    return (
        [shown for patient in patients for shown in builders.shown(patient)],
        [gone.administration for patient in patients for gone in patient.reversed],
        [p.resource for patient in patients for p in patient.unreadable]
        + [problem.resource for problem in document.unreadable],
    )


DELETED: tuple[list[str], list[str], list[str]] = ([], [MA1], [])
STANDS: tuple[list[str], list[str], list[str]] = ([COMPLETE], [], [])
GIVEN = version("200 mg", versionId="2", lastUpdated="2026-11-02T10:00:00Z")
PUT = request("PUT", asked=GIVEN)
EARLIER = request("DELETE", lastModified="2026-11-01T00:00:00Z", status="204")
LATER = request("DELETE", lastModified="2026-11-03T00:00:00Z", status="204")
VERSION_1, VERSION_3 = (request("DELETE", etag=f'W/"{row}"', status="204") for row in (1, 3))
FULL_URL_ONLY = {"fullUrl": f"https://x/fhir/{MA1}", "request": {"method": "DELETE"}}


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        (of_type("transaction", request("DELETE")), DELETED),
        (of_type("batch", request("DELETE", f"https://ehr.example/fhir/{MA1}")), DELETED),
        (of_type("collection", request("delete")), DELETED),
        (of_type(None, request("DELETE", f"{MA1}/_history/3")), DELETED),
        (of_type("transaction", FULL_URL_ONLY), DELETED),
        (of_type("collection", request("DELETE", asked=GIVEN)), DELETED),
        (of_type("batch-response", {"resource": of_type("history", request("DELETE"))}), DELETED),
        # A transaction that puts it again undoes its own deletion only.
        (of_type("transaction", request("DELETE"), PUT), STANDS),
        (of_type("transaction", request("POST", asked=GIVEN), request("DELETE")), STANDS),
        (of_type("collection", request("DELETE"), PUT), DELETED),
        # A history: the newest entry, by moment, by version, else the first.
        (of_type("history", LATER, PUT), DELETED),
        (of_type("history", PUT, EARLIER), STANDS),
        (of_type("history", PUT, VERSION_3), DELETED),
        (of_type("history", VERSION_1, PUT), STANDS),
        (of_type("history", request("DELETE"), request("PUT", asked=version("200 mg"))), DELETED),
        (of_type("history", PUT, request("DELETE")), STANDS),
        (of_type("history", PUT, request("PUT", asked=version("100 mg"))), STANDS),
        # One that tells an older moment than the version that is there.
        (of_type("history", EARLIER), STANDS),
    ],
)  # fmt: skip
def test_what_was_deleted_makes_no_line(
    bundle: Resource, expected: tuple[list[str], list[str], list[str]]
) -> None:
    chart = builders.chart(without=["administration"])
    wholly = [GIVEN] if "resource" not in str(bundle["entry"]) or expected == DELETED else []
    assert told(*chart, *wholly, bundle) == expected


@pytest.mark.parametrize(
    ("gone", "gap"),
    [
        ("Observation/ferritin-2026-10-12", "ferritin missing"),
        ("Coverage/coverage", "coverage missing"),
    ],
)
def test_what_was_deleted_is_no_evidence(gone: str, gap: str) -> None:
    chart = builders.chart()
    assert gone in [f"{resource['resourceType']}/{resource['id']}" for resource in chart]
    found = builders.document_of([*chart, of_type("transaction", request("DELETE", gone))])
    assert gap in builders.gaps(found.patients[0])


def test_a_deletion_of_what_is_not_there_is_no_news() -> None:
    gone = request("DELETE", "MedicationAdministration/other")
    assert told(*builders.chart(), of_type("transaction", gone)) == STANDS


def test_a_deleted_copy_does_not_reverse_the_record_that_stays() -> None:
    same = [{"system": "urn:mar", "value": "7"}]
    chart = builders.chart(administration(identifier=same, meta={"lastUpdated": "2026-11-01"}))
    copy = administration("ma2", identifier=same, meta={"lastUpdated": "2026-11-02"})
    deletion = request("DELETE", "MedicationAdministration/ma2")
    lines, gone, unread = told(*chart, copy, of_type("transaction", deletion))
    assert (lines, gone, unread) == ([COMPLETE], ["MedicationAdministration/ma2"], [])


def test_a_deleted_dose_whose_id_others_have_is_that_of_its_own_patient() -> None:
    other = administration(text="acetaminophen 325 mg", ndc=None, patient="Patient/p2")
    rows = [administration(), other, of_type("transaction", request("DELETE"))]
    documents = builders.document_of(rows), builders.document_of(rows[::-1])
    assert [[one.patient for one in document.patients] for document in documents] == [
        ["Patient/p1"],
        ["Patient/p1"],
    ]
    assert [gone.administration for gone in documents[0].patients[0].reversed] == [MA1]


def test_of_a_deleted_dose_that_appears_twice_one_is_told_in_any_order() -> None:
    twice = [administration(), administration(status="stopped")]
    assert told(*twice, of_type("transaction", request("DELETE"))) == DELETED


def test_a_deleted_patient_with_records_is_named() -> None:
    gone = of_type("transaction", request("DELETE", "Patient/p1"))
    assert told(*builders.chart(), gone)[2] == ["Patient/p1"]


# Whole, or said

WITHHELD = {"severity": "warning", "code": "suppressed", "diagnostics": "names Ada Sampleton"}


@pytest.mark.parametrize(
    "entry",
    [
        {"request": {"method": "DELETE", "url": "MedicationAdministration?identifier=7"}},
        {"request": {"method": "DELETE"}},
        {"request": {"method": "PATCH", "url": MA1}, "resource": {"resourceType": "Parameters"}},
        {"response": {"status": "403 Forbidden"}},
        {"response": {"status": "500", "outcome": {"resourceType": "OperationOutcome"}}},
        {"fullUrl": "https://ehr.example/fhir/Observation/1"},
        {"resource": {"resourceType": "OperationOutcome", "issue": [WITHHELD]}},
        {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}},
        {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "FATAL"}]}},
    ],
)
def test_an_entry_that_can_not_be_taken_is_named(entry: Resource) -> None:
    document = builders.document_of([*builders.chart(), of_type("searchset", entry)])
    assert [problem.resource for problem in document.unreadable] == ["entry 1 of the Bundle"]
    assert "Ada" not in str(document.unreadable)
    assert builders.shown(document.patients[0]) == [COMPLETE]


@pytest.mark.parametrize(
    "entry",
    [
        {"response": {"status": "204"}},
        {"response": {"status": "304 Not Modified"}},
        {"response": {"status": "201 Created", "location": "Observation/1/_history/1"}},
        {
            "search": {"mode": "outcome"},
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "warning", "code": "processing"}],
            },
        },
        {"resource": {"resourceType": "ExplanationOfBenefit", "id": "e1"}},
    ],
)
def test_an_entry_from_which_nothing_is_missing_is_not(entry: Resource) -> None:
    assert told(*builders.chart(), of_type("searchset", entry)) == STANDS


def test_entries_of_another_form_are_named() -> None:
    assert told(*builders.chart(), {"resourceType": "Bundle", "entry": "?"})[2] == ["the Bundle"]


def page(
    *ids: str, total: int | None = None, follows: str | None = None, own: str = ""
) -> Resource:
    made: Resource = of_type(
        "searchset",
        *({"resource": builders.ferritin(id=link), "search": {"mode": "match"}} for link in ids),
    )
    links = [{"relation": "self", "url": own}] if own else []
    links += [{"relation": "next", "url": follows}] if follows else []
    return made | {"link": links} | ({} if total is None else {"total": total})


@pytest.mark.parametrize(
    ("pages", "short"),
    [
        ([page("a", total=2)], 1),
        ([page(total=1)], 1),
        ([page("a", follows="https://x/2")], 1),
        ([page("a", total=3, follows="https://x/2"), page("b", total=3)], 2),
        # Two searches that found as many, of which each lacks something.
        ([page("a", total=2), page("b", total=2)], 2),
        ([page("a", total=1)], 0),
        ([page("a", "b", total=1)], 0),
        ([page("a")], 0),
        ([page(total=0)], 0),
        ([page("a", total=2, follows="https://x/2"), page("b", total=2)], 0),
        ([page("a", follows="https://x/2"), page("b", own="https://x/2")], 0),
    ],
)
def test_a_search_of_which_a_part_is_missing_is_named(pages: list[Resource], short: int) -> None:
    document = builders.document_of([*builders.chart(), *pages])
    assert len({problem.problem for problem in document.unreadable}) == min(short, 1)
    assert builders.shown(document.patients[0])


def test_what_a_server_included_is_no_match() -> None:
    included = {"resource": builders.location(id="x"), "search": {"mode": "include"}}
    found = page("a", total=3)
    found["entry"].append(included)
    assert told(*builders.chart(), found)[2] == ["the Bundle"]
    found["total"] = 2  # a server that counts what it included
    assert told(*builders.chart(), found)[2] == []


# What charts share

PAYER: Resource = {"resourceType": "Organization", "id": "payer", "name": "Medicare Part B"}


def of_payer(patient: str, payer: Resource) -> Resource:
    """A Bundle of a patient's own, with its copy of the payer."""
    payor = [{"reference": "Organization/payer"}]
    chart = builders.chart(builders.coverage(None) | {"payor": payor})
    own = {
        f"{part['resourceType']}/{part['id']}": f"{part['resourceType']}/{patient}-{part['id']}"
        for part in chart
    }
    resources = [
        resource | {"id": f"{patient}-{resource['id']}"} for resource in renamed(chart, own)
    ]
    return bundle(*resources, payer, urls=False)


def counted(number: int) -> Resource:
    return PAYER | {"extension": [{"url": "urn:utilization", "valueInteger": number}]}


def test_a_counter_beside_a_payer_makes_no_other_payer() -> None:
    lines, _, unread = told(of_payer("a", counted(10)), of_payer("b", counted(11)))
    assert (lines, unread) == ([COMPLETE, COMPLETE], [])


def test_a_bundle_s_own_copy_serves_its_entries() -> None:
    other = PAYER | {"name": "Medicaid"}
    document = builders.document_of([of_payer("a", PAYER), of_payer("b", other)])
    policies = [str(line.policy and line.policy.id) for r in document.patients for line in r.lines]
    assert policies == ["medicare-part-b", "medicaid-default"]
    assert document.unreadable == ()


def test_a_payer_that_stands_twice_serves_nobody_else() -> None:
    alone = [entry for entry in of_payer("c", PAYER)["entry"] if entry["resource"] is not PAYER]
    bundles = [of_payer("a", PAYER), of_payer("b", PAYER | {"name": "Sunrise Health Plan"})]
    document = builders.document_of([*bundles, of_type("collection", *alone)])
    assert [problem.resource for problem in document.unreadable] == ["Organization/payer"]
    assert [line.status for line in document.patients[2].lines] == ["held"]


# Merged and moved records


def merged(identity: str, *links: tuple[str, str], **extra: Any) -> Resource:
    rows = [{"other": {"reference": f"Patient/{other}"}, "type": kind} for kind, other in links]
    return builders.patient(identity, link=rows, **extra)


def of_two(*patients: Resource, dose_of: str = "old") -> list[Resource]:
    """A chart whose dose stands under one id and the rest under the other."""
    rest = builders.chart(without=["patient", "administration"])
    moved = json.loads(json.dumps(rest, default=float).replace("Patient/p1", "Patient/new"))
    return [*moved, administration(patient=dose_of), *patients]


OLD, NEW = ("replaced-by", "new"), ("replaces", "old")


@pytest.mark.parametrize(
    "patients",
    [
        [merged("old", OLD), merged("new", NEW)],
        [merged("old", OLD), merged("new")],
        [merged("old"), merged("new", NEW)],
        [merged("old", ("Replaced_By", "new")), merged("new")],
        [merged("old", ("replaced-by", "mid")), merged("mid", OLD), merged("new")],
        [merged("old", OLD, birthDate="1949"), merged("new", birthDate="1949-07-19")],
        [merged("old", OLD, birthDate=None, gender=None), merged("new")],
        [merged("old", OLD, gender="unknown"), merged("new")],
    ],
)
def test_a_merged_patient_is_one_with_the_other(patients: list[Resource]) -> None:
    document = builders.document_of(of_two(*patients))
    assert [patient.patient for patient in document.patients] == ["Patient/new"]
    assert told(*of_two(*patients)) == STANDS


@pytest.mark.parametrize(
    ("patients", "named"),
    [
        ([merged("old", OLD, birthDate="1949-07-18"), merged("new", birthDate="1949-07-19")],
         ["Patient/new", "Patient/old"]),
        ([merged("old", OLD, gender="male"), merged("new", gender="female")],
         ["Patient/new", "Patient/old"]),
        ([merged("old", OLD), merged("new", ("replaced-by", "old"))],
         ["Patient/new", "Patient/old"]),
        ([merged("old", OLD, ("replaced-by", "x")), merged("new"), merged("x")],
         ["Patient/new", "Patient/old", "Patient/x"]),
        ([merged("old", OLD)], ["Patient/old"]),
        ([merged("new", NEW)], ["Patient/new"]),
        ([merged("old", ("merged-into", "new")), merged("new")], ["Patient/old"]),
        ([builders.patient("old", link=[{"type": "replaced-by", "other": {"display": "Ada"}}])],
         ["Patient/old"]),
    ],
)  # fmt: skip
def test_patients_who_can_not_be_joined_are_named(
    patients: list[Resource], named: list[str]
) -> None:
    lines, _, unread = told(*of_two(*patients))
    assert (sorted(unread), COMPLETE in lines) == (named, False)


def test_a_long_chain_of_merged_patients_is_followed_at_once() -> None:
    def chain_of(count: int) -> dict[str, Resource]:
        people = [
            merged(f"{place:04}", ("replaced-by", f"{place + 1:04}")) for place in range(count)
        ]
        people.append(merged(f"{count:04}", birthDate=None))
        return {f"Patient/{one['id']}": one for one in people}

    def asked(count: int) -> int:
        patients = chain_of(count)
        return calls_of(lambda: merges(patients, Collection().key))

    assert asked(400) < 2.5 * asked(200)
    assert set(merges(chain_of(400), Collection().key).into.values()) == {"Patient/0400"}


def test_of_many_that_are_not_joined_some_are_named() -> None:
    people = [merged("new", gender="male")]
    people += [merged(f"{place:02}", OLD, gender="female") for place in range(50)]
    problems = merges({f"Patient/{one['id']}": one for one in people}, Collection().key).problems
    assert len(problems) == 51
    assert problems[-1].problem.count("Patient/") == 20
    assert "Patient/19 and 30 more, but they differ in sex" in problems[-1].problem


@pytest.mark.parametrize("kind", ["seealso", "refer"])
def test_other_links_join_nobody(kind: str) -> None:
    document = builders.document_of(of_two(merged("old", (kind, "new")), merged("new")))
    assert [patient.patient for patient in document.patients] == ["Patient/old"]
    assert document.unreadable == ()


def test_a_record_that_moved_is_its_newest_patient_s() -> None:
    before = administration(patient="p2", meta={"versionId": "1"})
    after = administration(patient="p1", meta={"versionId": "2"})
    document = builders.document_of([*builders.chart(without=["administration"]), before, after])
    assert [patient.patient for patient in document.patients] == ["Patient/p1"]


def test_one_version_with_two_patients_is_named_with_both() -> None:
    copies = [administration(patient=p, meta={"versionId": "1"}) for p in ("p1", "p2")]
    chart = builders.chart(administration("ma2"))
    document = builders.document_of([*chart, builders.administration("ma3", patient="p2"), *copies])
    named = [[problem.resource for problem in patient.unreadable] for patient in document.patients]
    assert named == [[MA1], [MA1]]


def test_one_resource_that_appears_twice_slows_no_other() -> None:
    twice = builders.lab("tsat", 15, on="2026-01-01")

    def calls(others: int, *more: Resource) -> int:
        labs = [builders.lab("ferritin", 60, on=f"2026-01-{day + 1:02}") for day in range(others)]
        collection = Collection()
        text = json.dumps(bundle(*labs, twice, *more, urls=False), default=float).encode()
        assert collection.add_text(text, "the file")
        profiler = cProfile.Profile()
        profiler.runcall(list, collection.groups())
        made: int = pstats.Stats(profiler).total_calls  # type: ignore[attr-defined]
        return made

    other = twice | {"status": "amended"}
    slower = [calls(others, other) - calls(others) for others in (1, 1, 28)]
    assert slower[2] <= slower[1]
