"""What a server says of results that it did not give, and records under the ids of merged
patients."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from integration.assessing.patient import Checked, check_pull
from integration.assessing.servers import NOT_WRITTEN, from_server
from integration.ehr.client import EhrClient
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
from integration.ehr.writing.writeback import Outcome
from integration.errors import (
    BadAnswer,
    EhrError,
    LeadsElsewhere,
    Unauthorized,
    Unreachable,
)
from mappings.policy import choosing
from tests.fakes.chart import administration, chart, ferritin, one_dose, ref, resource
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]

AS_OF = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
CONDITION = resource("Condition", "d1", "p1")
SUPPRESSED = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "warning", "code": "suppressed", "diagnostics": "of Ada Sampleton"}],
}


def problems(fake: FakeEhr, connect: Connect) -> list[tuple[str, str]]:
    pull = read_patient(connect(fake), "p1")
    found = [(problem["resource"], problem["problem"]) for problem in pull.problems]
    assert {name for name, _ in found} == pull.unread
    return found


# A chart whose search for Condition is answered as each test says


def following(fake: FakeEhr, url: str) -> dict[str, Any]:
    return {"link": [{"relation": "next", "url": url.format(base=fake.base_url)}]}


def test_q46_fewer_results_than_the_total(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", total=2)
    says = "the server counts 2 and gave 1, without a further page: the rest was left out"
    assert problems(fake, connect) == [("Condition", says)]


def test_q46_in_a_batch(ehr: Make, connect: Connect) -> None:
    fake = ehr("medplum").load(chart())
    found = {"resourceType": "Bundle", "total": 3, "entry": [{"resource": CONDITION}]}
    fake.fail("^Condition", 200, body=found)
    ((kind, says),) = problems(fake, connect)
    assert (kind, "counts 3 and gave 1" in says) == ("Condition", True)


@pytest.mark.parametrize("total", [0, 1])
def test_q46_a_total_that_came_is_no_news(total: int, ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", total=total)
    assert problems(fake, connect) == []


def test_q46_a_total_over_several_pages(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", total=2, **following(fake, "{base}?page=2"))
    fake.page(resource("Condition", "d2", "p1"), pattern="page=2", total=2)
    assert problems(fake, connect) == []


def test_q46_a_search_alone_refuses_to_be_short(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", total=2)
    with pytest.raises(BadAnswer, match=r"of a search for Condition, the server counts 2"):
        connect(fake).search("Condition", {"patient": "p1"})


@pytest.mark.parametrize("mode", ["epic", "medplum"])
def test_q47_results_that_were_withheld(mode: str, ehr: Make, connect: Connect) -> None:
    fake = ehr(mode).load(chart())
    entries = [{"resource": CONDITION}, {"resource": SUPPRESSED, "search": {"mode": "outcome"}}]
    fake.fail("^Condition", 200, body={"resourceType": "Bundle", "entry": entries})
    says = "the server says that results were left out (suppressed)"
    assert problems(fake, connect) == [("Condition", says)]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:80:80/fhir?id=p1", "leads to http://127.0.0.1:80:80/fhir, which is no"),
        ("http://[::1/fhir", "leads to http://[::1/fhir, which is not an address"),
        ("https://localhost/fhir?p=2", "leads to another server (https://localhost)"),
        ("http://elsewhere.example/fhir?p=2", "leads to another server (elsewhere.example)"),
        ("http://ada:secret@localhost/fhir", "leads to an address with a login"),
        ("ftp://localhost/fhir", "leads to another server (ftp://localhost)"),
    ],
)
@pytest.mark.parametrize("mode", ["epic", "medplum"])
def test_q49_a_next_link_that_can_not_be_followed(
    mode: str, url: str, says: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    entry = [{"resource": CONDITION}]
    fake.fail(
        "^Condition",
        200,
        body={"resourceType": "Bundle", "entry": entry} | following(fake, url),
    )
    ((kind, said),) = problems(fake, connect)
    assert (kind, f"the search for Condition {says}" in said) == ("Condition", True)
    assert "secret" not in said
    assert "id=p1" not in said


@pytest.mark.parametrize("url", ["{base}?page=2", "Condition?page=2", "/fhir/Condition?page=2"])
def test_q49_a_relative_next_link_is_followed(url: str, ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", **following(fake, url))
    fake.page(resource("Condition", "d2", "p1"), pattern="page=2")
    pull = read_patient(connect(fake), "p1")
    assert "d2" in [resource["id"] for resource in pull.resources]
    assert pull.problems == []


def test_a_page_that_is_refused_leaves_those_before_it(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(CONDITION, pattern="^Condition", **following(fake, "{base}?page=2"))
    fake.fail("page=2", 403)
    pull = read_patient(connect(fake), "p1")
    assert "d1" in [resource["id"] for resource in pull.resources]
    assert pull.unread == {"Condition"}


def test_doses_that_can_not_all_be_read_are_an_error(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    link = following(fake, "http://elsewhere.example/fhir?p=2")
    fake.page(administration("a1"), pattern="^MedicationAdministration", **link)
    with pytest.raises(LeadsElsewhere):
        read_patient(connect(fake), "p1")


def test_references_beyond_the_limit_are_named(ehr: Make, connect: Connect) -> None:
    doses = [administration(f"a{n}", medicationReference=ref(f"Medication/m{n}")) for n in range(9)]
    fake = ehr("oracle").load(
        [*chart(), *doses, *(resource("Medication", f"m{n}") for n in range(9))]
    )
    pull = read_patient(connect(fake, limits={"references": 3}), "p1")
    assert "limits.references" in str(pull.problems)
    assert "Medication" in pull.unread


# A whole site


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"total": 5}, "counts 5 and gave 1"),
        ({"link": [{"relation": "next", "url": "http://elsewhere.example/"}]}, "another server"),
    ],
)
def test_a_list_of_patients_that_is_not_whole_is_said(
    answer: dict[str, Any], says: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    fake.page(administration("a1"), pattern="^MedicationAdministration", **answer)
    missed: list[dict[str, str]] = []
    assert list(listing.patients(connect(fake), missed)) == ["p1"]
    assert [(row["resource"], says in row["problem"]) for row in missed] == [
        ("MedicationAdministration", True)
    ]


def test_one_patient_who_can_not_be_read_does_not_end_the_run(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load([*chart(), resource("Patient", "p2")])
    link = following(fake, "http://elsewhere.example/fhir?p=2")
    fake.page(administration("a1"), pattern="^MedicationAdministration.*patient=p2", **link)
    result = from_server(connect(fake), ["p2", "p1"], choosing.built_in(), AS_OF)
    assert [patient.patient for patient in result.document.patients] == ["Patient/p1"]
    assert [problem.resource for problem in result.document.unreadable] == ["Patient/p2"]
    assert not result.complete


@pytest.mark.parametrize(
    ("whose", "status", "there"),
    [("p2", 500, "p1 p3 p4 p5 p6"), ("p[2-5]", 503, "p1"), ("([^p]|p[3-6]).*", 401, "p1 p2")],
    ids=["one chart", "the server", "the access"],
)
def test_what_was_read_stays_where_a_server_ends_to_answer(
    whose: str, status: int, there: str, ehr: Make, connect: Connect
) -> None:
    people = {f"Patient/p{number}" for number in range(1, 7)}
    fake = ehr("epic").load(resource("Patient", person[8:]) for person in people)
    fake.fail(f"^Patient/{whose}$", status, times=9)
    read = {f"Patient/{person}" for person in there.split()}
    client = connect(fake, limits={"retries": 0})
    asked = sorted(person[8:] for person in people)
    result = from_server(client, asked, choosing.built_in(), AS_OF)
    assert set(result.records) == read
    assert {problem.resource for problem in result.document.unreadable} == people - read
    with pytest.raises((Unreachable, Unauthorized)):
        from_server(client, ["p3" if status == 401 else "p2"] * 2, choosing.built_in(), AS_OF)


@pytest.mark.parametrize("problem", [Unauthorized, Unreachable])
def test_what_was_assessed_stands_where_writes_are_refused(
    problem: type[EhrError], ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load([*one_dose("p1"), *one_dose("p2")])
    tried = []

    def back(_: EhrClient, found: Checked, __: Any) -> list[Outcome]:
        tried.append(found.record.patient)
        raise problem("general", "writes are answered with 401")

    result = from_server(connect(fake), ["p1", "p2"], choosing.built_in(), AS_OF, back)
    assert set(result.records) == {"Patient/p1", "Patient/p2"}
    assert tried == ["Patient/p1"]
    (unread,) = result.document.unreadable
    assert unread.problem == f"{NOT_WRITTEN}: writes are answered with 401"
    assert not result.complete


def test_a_list_of_patients_that_breaks_off_is_named(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    link = following(fake, "{base}/MedicationAdministration?page=2")
    fake.page(administration("ma1"), pattern="^MedicationAdministration", **link)
    fake.fail("page=2", 500, times=9)
    result = from_server(connect(fake, limits={"retries": 0}), None, choosing.built_in(), AS_OF)
    assert set(result.records) == {"Patient/p1"}
    (problem,) = result.document.unreadable
    assert problem.problem.endswith("who is listed after that is left out")


# Merged and moved


def merged(fake: FakeEhr, **extra: Any) -> FakeEhr:
    """A chart of p1, of whom p0 was merged into; the newest dose still stands under p0."""
    fake.load(chart())
    born = {"birthDate": "1955-03-14", "gender": "female"}
    link = [{"type": "replaced-by", "other": ref("Patient/p1")}]
    back = [{"type": "replaces", "other": ref("Patient/p0")}]
    fake.store({**resource("Patient", "p1"), **born, "link": back})
    fake.store({**resource("Patient", "p0"), **born, "link": link, **extra})
    fake.store(administration("ma0", "p0", effectiveDateTime="2026-11-08T09:00:00-05:00"))
    fake.store({**ferritin("f0"), "subject": ref("Patient/p0")})
    return fake


@pytest.mark.parametrize("mode", ["hapi", "epic"])
@pytest.mark.parametrize("asked", ["p0", "p1"])
def test_a_merged_patient_is_read_under_both_ids(
    mode: str, asked: str, ehr: Make, connect: Connect
) -> None:
    client = connect(merged(ehr(mode)))
    pull = read_patient(client, asked)
    assert (pull.patient, pull.merged, pull.problems) == ("Patient/p1", ("Patient/p0",), [])
    assert pull.person is pull.resources[0]
    found = check_pull(pull, client.site, choosing.built_in(), AS_OF)
    doses = [administration.source.resource for administration in found.record.administrations]
    assert doses == ["MedicationAdministration/ma0", "MedicationAdministration/ma1"]
    assert found.record.unreadable == ()


def test_a_patient_whom_the_surviving_one_does_not_name_stays_and_says_so(
    ehr: Make, connect: Connect
) -> None:
    fake = merged(ehr("hapi"))
    fake.store({key: value for key, value in fake.resources["Patient/p1"].items() if key != "link"})
    client = connect(fake)
    for asked, dose, named in (("p0", "ma0", ["Patient/p0"]), ("p1", "ma1", [])):
        pull = read_patient(client, asked)
        found = check_pull(pull, client.site, choosing.built_in(), AS_OF)
        doses = [administration.source.resource for administration in found.record.administrations]
        assert doses == [f"MedicationAdministration/{dose}"]
        assert [problem.resource for problem in found.record.unreadable] == named


def test_a_whole_site_has_a_merged_patient_once(ehr: Make, connect: Connect) -> None:
    result = from_server(connect(merged(ehr("hapi"))), None, choosing.built_in(), AS_OF)
    assert [patient.patient for patient in result.document.patients] == ["Patient/p1"]


def test_patients_who_differ_stay_apart_and_are_named(ehr: Make, connect: Connect) -> None:
    client = connect(merged(ehr("hapi"), birthDate="1955-03-15"))
    pull = read_patient(client, "p1")
    found = check_pull(pull, client.site, choosing.built_in(), AS_OF)
    assert [administration.source.resource for administration in found.record.administrations] == [
        "MedicationAdministration/ma1"
    ]
    named = [problem.resource for problem in found.record.unreadable]
    assert named == ["Patient/p0", "Patient/p1"]


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_merged_patient_who_is_not_given_is_named(
    status: int, ehr: Make, connect: Connect
) -> None:
    fake = merged(ehr("hapi"))
    fake.fail("^Patient/p0", status)
    client = connect(fake)
    found = check_pull(read_patient(client, "p1"), client.site, choosing.built_in(), AS_OF)
    assert "Patient/p0" in str(found.record.unreadable)


def test_a_record_that_moved_to_another_patient_is_not_kept(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    old, new = ferritin("f1"), {**ferritin("f1"), "subject": ref("Patient/p2")}
    pages = [
        {**old, "meta": {"versionId": "1", "lastUpdated": "2026-11-01T00:00:00Z"}},
        {**new, "meta": {"versionId": "2", "lastUpdated": "2026-11-02T00:00:00Z"}},
    ]
    fake.page(*pages, pattern="category=laboratory")
    assert "f1" not in [resource["id"] for resource in read_patient(connect(fake), "p1").resources]
