"""Reading a patient at every vendor, and the quirks of it. A test's name carries its number of
docs/ehr-quirks.md."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from werkzeug import Response

from integration.assessing.clients import policies_for
from integration.assessing.patient import check_pull
from integration.ehr.client import EhrClient
from integration.ehr.fhir.answers import encode
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
from integration.errors import Forbidden, NotFound, Refused, Unauthorized, Unreachable
from tests import builders
from tests.fakes.chart import administration, chart, ferritin, observation, ref, resource
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]
WHOLE = sorted(f"{r['resourceType']}/{r['id']}" for r in chart())
PRACTICE = {"ah-practice": "Organization/a-1.Practice-1"}
NO_WAIT = {"retries": 0}


def keys(resources: list[dict]) -> list[str]:
    return [f"{r['resourceType']}/{r['id']}" for r in resources]


@pytest.mark.parametrize(("mode", "requests"), [("hapi", 1), ("medplum", 2), ("oracle", 2)])
def test_a_batch_reads_the_chart_in_at_most_two_requests(
    mode: str, requests: int, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    pull = read_patient(connect(fake), "p1")
    assert keys(pull.resources) == WHOLE
    assert pull.problems == []
    assert pull.requests == requests == len([r for r in fake.requests if "metadata" not in r])


def test_without_batch_the_chart_is_read_by_searches(ehr: Make, connect: Connect) -> None:
    pull = read_patient(connect(ehr("epic").load(chart())), "p1")
    assert keys(pull.resources) == WHOLE
    assert pull.problems == []


def test_amounts_keep_every_digit(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load([resource("Patient", "p1")])
    dose = (
        '{"resourceType":"MedicationAdministration","id":"ma1",'
        '"subject":{"reference":"Patient/p1"},"dosage":{"dose":{"value":42.10}}}'
    )
    page = '{"resourceType":"Bundle","entry":[{"resource":' + dose + "}]}"
    fake.inject(
        Response(page, content_type="application/fhir+json"), pattern="MedicationAdministration"
    )
    (found,) = connect(fake).search("MedicationAdministration", {"patient": "p1"})
    assert str(found["dosage"]["dose"]["value"]) == "42.10"
    assert isinstance(found["dosage"]["dose"]["value"], Decimal)


def test_an_unknown_patient(ehr: Make, connect: Connect) -> None:
    with pytest.raises(
        NotFound, match=r"^Site general: there is no such patient\. Check the id and base_url\.$"
    ):
        read_patient(connect(ehr("hapi").load(chart())), "nobody")


def test_q11_a_fresh_read_asks_for_no_cache(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    client = connect(fake)
    read_patient(client, "p1")
    read_patient(client, "p1", fresh=True)
    assert [headers.get("Cache-Control") for headers in fake.headers] == [None, None, "no-cache"]


def test_q12_a_search_that_the_server_forgot_is_begun_anew(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic", page_size=2).load(
        [resource("Patient", "p1"), *(ferritin(f"f{n}") for n in range(5))]
    )
    fake.inject(Response("", 410), pattern="sessionID")
    found = read_patient(connect(fake, limits=NO_WAIT), "p1")
    assert keys(found.resources) == [*(f"Observation/f{n}" for n in range(5)), "Patient/p1"]


def test_q12_a_search_that_is_forgotten_again_is_an_error(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic", page_size=2).load(
        [resource("Patient", "p1"), *(ferritin(f"f{n}") for n in range(5))]
    )
    fake.inject(Response("", 410), pattern="sessionID", times=2)
    with pytest.raises(NotFound):
        connect(fake, limits=NO_WAIT).search(
            "Observation", {"patient": "p1", "category": "laboratory"}
        )


def test_q14_epic_is_asked_for_observations_by_category(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    read_patient(connect(fake), "p1")
    asked = [r for r in fake.requests if r.startswith("GET Observation?")]
    assert len(asked) == 2
    assert all("category=" in r for r in asked)


def test_q15_whether_last_updated_is_known_is_read_off_the_statement(
    ehr: Make, connect: Connect
) -> None:
    assert connect(ehr("hapi")).capability.since_param("MedicationAdministration") == "_lastUpdated"


def test_q15_epic_falls_back_to_clinical_dates(ehr: Make, connect: Connect) -> None:
    capability = connect(ehr("epic")).capability
    assert capability.since_param("MedicationAdministration") == "effective-time"
    assert capability.since_param("Coverage") is None


def test_q16_oracle_is_asked_for_a_patients_doses_and_nothing_else(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("oracle").load(chart())
    read_patient(connect(fake), "p1")
    (asked,) = [q for q in fake.queries if q.startswith("GET MedicationAdministration?")]
    assert "patient=p1" in asked
    assert "_include" not in asked


def test_q17_results_corrected_between_pages_count_in_their_newest_version(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic", page_size=1).load(
        [resource("Patient", "p1"), ferritin("f1"), ferritin("f2")]
    )
    newer = fake.resources["Observation/f1"] | {
        "status": "corrected",
        "meta": {"versionId": "2", "lastUpdated": "2027"},
    }
    fake.page(newer, fake.resources["Observation/f2"], pattern="sessionID")
    found = read_patient(connect(fake), "p1")
    assert [
        (r["id"], r["status"]) for r in found.resources if r["resourceType"] == "Observation"
    ] == [
        ("f1", "corrected"),
        ("f2", "final"),
    ]


def test_two_contents_of_one_version_are_both_handed_over(ehr: Make, connect: Connect) -> None:
    """Which one is right is for the rules to refuse (R1), not for us to choose."""
    fake = ehr("epic").load([resource("Patient", "p1"), ferritin("f1")])
    here = fake.resources["Observation/f1"]
    fake.page(here, here | {"status": "amended"}, pattern="category=laboratory")
    found = read_patient(connect(fake), "p1").resources
    assert [r["status"] for r in found if r["id"] == "f1"] == ["final", "amended"]


def test_q18_plus_and_bar_are_escaped(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    connect(fake).search(
        "Observation", {"date": "ge2026-01-01T00:00:00+05:00", "code": "http://loinc.org|2276-4"}
    )
    assert "date=ge2026-01-01T00%3A00%3A00%2B05%3A00" in fake.requests[-1]
    assert "%7C2276-4" in fake.requests[-1]


def test_q18_a_next_link_elsewhere_is_not_followed_and_gets_no_token(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("epic").load(chart())
    fake.page(
        pattern="Condition", link=[{"relation": "next", "url": "http://127.0.0.2:9/fhir?page=2"}]
    )
    pull = read_patient(connect(fake), "p1")
    problem = (
        "the search for Condition leads to another server (127.0.0.2:9), which was not followed:"
        " what follows there is left out"
    )
    assert pull.problems == [{"resource": "Condition", "problem": problem}]
    assert pull.unread == {"Condition"}


def test_q18_absolute_references_off_the_base_are_never_fetched(
    ehr: Make, connect: Connect
) -> None:
    here, there = "Medication/m1", "https://elsewhere.example.org/fhir/Medication/m2"
    fake = ehr("oracle").load([*chart(), administration("ma2", medicationReference=ref(there))])
    pull = read_patient(connect(fake), "p1")
    assert here in keys(pull.resources)
    assert not [r for r in fake.requests if "m2" in r or "elsewhere" in r]


def test_absolute_references_into_the_base_are_fetched(ehr: Make, connect: Connect) -> None:
    fake = ehr("oracle")
    absolute = f"{fake.base_url}/Medication/m1/_history/1"
    fake.load([*chart(), administration(medicationReference=ref(absolute))])
    assert keys(read_patient(connect(fake), "p1").resources) == WHOLE


def test_q19_operation_outcomes_among_results_are_skipped(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load([resource("Patient", "p1")])
    pull = read_patient(connect(fake), "p1")
    assert keys(pull.resources) == ["Patient/p1"]
    assert pull.problems == []


def test_q19_search_mode_may_be_absent(ehr: Make, connect: Connect) -> None:
    assert keys(read_patient(connect(ehr("medplum").load(chart())), "p1").resources) == WHOLE


def test_q20_what_is_another_patients_is_dropped(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(resource("Condition", "d2", "p2"), pattern="Condition")
    assert "Condition/d2" not in keys(read_patient(connect(fake), "p1").resources)


def test_q20_what_names_no_patient_is_named_and_dropped(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.page(resource("Condition", "d2", None), pattern="Condition")
    pull = read_patient(connect(fake), "p1")
    assert "Condition/d2" not in keys(pull.resources)
    assert {"resource": "Condition/d2", "problem": "names no patient; not used"} in pull.problems


def test_q20_codes_are_checked_again(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load([resource("Patient", "p1")])
    several = [
        observation("weight", "29463-7", "vital-signs", "2026-10-01"),
        observation("pulse", "8867-4", "vital-signs", "2026-10-01"),
    ]
    fake.page(*several, pattern="category=vital-signs")
    found = read_patient(connect(fake), "p1").resources
    assert keys(found) == ["Observation/weight", "Patient/p1"]


def test_a_local_code_of_the_site_is_searched_too(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    read_patient(
        connect(fake, lab_aliases={"urn:lab|FERR": "ferritin", "ferritin, serum": "ferritin"}), "p1"
    )
    assert any("urn%3Alab%7CFERR" in r for r in fake.requests)


def test_q21_trouble_that_passes_is_tried_again(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", 503, {"Retry-After": "0"}), method="POST", times=2)
    assert keys(read_patient(connect(fake), "p1").resources) == WHOLE


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_q21_trouble_that_stays_is_retryable(status: int, ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", status), method="POST", times=9)
    with pytest.raises(Unreachable, match=f"a batch of reads was answered with {status}") as raised:
        read_patient(connect(fake, limits=NO_WAIT), "p1")
    assert raised.value.retryable


def test_q22_a_401_is_an_answer(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    for method in ("POST", "GET"):
        fake.inject(Response("", 401), method=method, pattern="^(Patient.*)?$", times=9)
    with pytest.raises(Unauthorized, match="401"):
        read_patient(connect(fake), "p1")


def test_q24_an_entry_that_failed_in_passing_is_asked_again_alone(
    ehr: Make, connect: Connect
) -> None:
    fake = ehr("oracle").load(chart())
    fake.fail("^Condition")
    assert keys(read_patient(connect(fake), "p1").resources) == WHOLE
    assert len([q for q in fake.queries if q.startswith("GET Condition")]) == 2


@pytest.mark.parametrize("mode", ["oracle", "epic"])
def test_a_type_that_is_refused_is_named_and_the_rest_is_read(
    mode: str, ehr: Make, connect: Connect
) -> None:
    fake = ehr(mode).load(chart())
    fake.fail("^Condition", 403)
    pull = read_patient(connect(fake), "p1")
    assert keys(pull.resources) == [key for key in WHOLE if key != "Condition/d1"]
    assert pull.problems == [
        {"resource": "Condition", "problem": "the search for Condition was answered with 403"}
    ]
    assert pull.unread == {"Condition"}


def test_without_administrations_nothing_can_be_said(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response("", 403), pattern="MedicationAdministration")
    with pytest.raises(Forbidden, match="Ask the EHR's administrator for the missing scope"):
        read_patient(connect(fake), "p1")


def test_one_refused_search_of_two_for_a_type_is_no_problem(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response("", 400), pattern="category=vital-signs")
    pull = read_patient(connect(fake), "p1")
    assert pull.problems == []
    assert "Observation/f1" in keys(pull.resources)


def test_a_reference_that_leads_nowhere_is_named(ehr: Make, connect: Connect) -> None:
    fake = ehr("oracle").load([r for r in chart() if r["resourceType"] != "Medication"])
    (problem,) = read_patient(connect(fake), "p1").problems
    assert problem["resource"] == "Medication/m1"
    assert "404" in problem["problem"]


def test_q39_panel_members_that_a_search_left_out_are_read(ehr: Make, connect: Connect) -> None:
    panel = observation("panel", "24323-8", "laboratory", "2026-10-01") | {
        "hasMember": [ref("Observation/member")]
    }
    fake = ehr("oracle").load(
        [*chart(), panel, observation("member", "2502-3", None, "2026-10-01")]
    )
    assert "Observation/member" in keys(read_patient(connect(fake), "p1").resources)


@pytest.mark.parametrize("mode", ["hapi", "oracle"])
def test_notes_and_reports_are_read_without_their_pages(
    mode: str, ehr: Make, connect: Connect
) -> None:
    page = {"contentType": "text/plain", "data": "c2VjcmV0"}
    note = resource("DocumentReference", "n1", content=[{"attachment": dict(page)}])
    report = resource(
        "DiagnosticReport",
        "r1",
        presentedForm=[dict(page)],
        contained=[{"resourceType": "Observation", "id": "o"}],
    )
    report["category"] = [{"coding": [{"code": "LAB"}]}]
    pull = read_patient(connect(ehr(mode).load([*chart(), note, report])), "p1")
    found = {
        r["resourceType"]: r
        for r in pull.resources
        if r["resourceType"] in ("DocumentReference", "DiagnosticReport")
    }
    assert found["DocumentReference"]["content"] == [{"attachment": {"contentType": "text/plain"}}]
    assert found["DiagnosticReport"]["presentedForm"] == [{"contentType": "text/plain"}]
    assert found["DiagnosticReport"]["contained"] == report["contained"]


def test_athena_has_no_administrations_so_orders_and_procedures_stand_in(
    ehr: Make, connect: Connect
) -> None:
    dose = [{"doseAndRate": [{"doseQuantity": {"value": 200, "unit": "mg"}}]}]
    order = resource(
        "MedicationRequest",
        "o1",
        status="completed",
        authoredOn="2026-11-01",
        dosageInstruction=dose,
    )
    coded = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.285", "code": "J1756"}]}
    done = resource(
        "Procedure", "pr1", status="completed", performedDateTime="2026-11-01", code=coded
    )
    other = resource("Procedure", "pr2", status="completed", code={"text": "dialysis"})
    fake = ehr("athena").load(
        [*chart()[:1], order | {"medicationCodeableConcept": {"text": "iron sucrose"}}, done, other]
    )
    pull = read_patient(connect(fake, search_params=PRACTICE), "p1")
    made = [r for r in pull.resources if r["resourceType"] == "MedicationAdministration"]
    assert [r["id"] for r in made] == ["order.o1", "procedure.pr1"]
    assert all(
        r["meta"]["tag"]
        == [{"system": "urn:ferroclaim:evidence", "code": "administration-fallback"}]
        for r in made
    )
    assert made[0]["dosage"]["dose"]["value"] == 200
    assert made[0]["request"] == ref("MedicationRequest/o1")
    assert made[1]["medicationCodeableConcept"] == coded
    assert "MedicationAdministration" in pull.not_offered


@pytest.mark.parametrize(
    ("mode", "status", "reasons"),
    [("hapi", "ready", []), ("athena", "held", ["administration-evidence"])],
)
def test_a_line_from_what_stands_in_is_never_ready(
    mode: str, status: str, reasons: list[str], ehr: Make, connect: Connect
) -> None:
    """The same chart is ready with its MedicationAdministration; with the order alone it waits for
    a person."""
    order = builders.order(status="completed", authoredOn="2026-11-01")
    if mode == "athena":
        coding = {"system": "http://hl7.org/fhir/sid/ndc", "code": "00517-2340-10"}
        order |= {
            "medicationCodeableConcept": {"coding": [coding]},
            "encounter": ref("Encounter/encounter"),
            "note": [{"text": "No waste."}],
        }
    records = json.loads(encode(builders.chart(builders.administration(), order)))
    fake = ehr(mode).load(
        r for r in records if mode == "hapi" or r["resourceType"] != "MedicationAdministration"
    )
    client = connect(
        fake, search_params=PRACTICE if mode == "athena" else {}, time_zone="America/New_York"
    )
    pull = read_patient(client, builders.PATIENT)
    as_of = datetime(2026, 11, 23, tzinfo=UTC)
    found = check_pull(pull, client.site, policies_for(client.site), as_of).assessment
    assert [(line.status, line.units) for line in found.lines] == [(status, 200)]
    assert set(reasons) <= set(found.lines[0].reasons)


def test_athena_without_its_practice_is_refused(ehr: Make, connect: Connect) -> None:
    fake = ehr("athena").load(chart())
    pull = read_patient(connect(fake), "p1")
    assert "Observation" in pull.unread
    fake.unexpected.clear()


@pytest.mark.parametrize("size", [1, 3])
def test_hapi_reads_all_further_pages_in_one_more_batch(
    size: int, ehr: Make, connect: Connect
) -> None:
    many = [ferritin(f"f{n:02d}") for n in range(20)]
    fake = ehr("hapi", page_size=size).load([*chart(), *many])
    pull = read_patient(connect(fake), "p1")
    assert keys(pull.resources) == sorted({*WHOLE, *keys(many)})
    assert pull.requests == 2


def test_a_chart_that_moved_between_the_pages_is_read_again(ehr: Make, connect: Connect) -> None:
    many = [ferritin(f"f{n:02d}") for n in range(9)]
    fake = ehr("hapi", page_size=5).load([*chart(), *many])
    fake.fail("_offset=5", 200, body={"resourceType": "Bundle", "entry": []})
    pull = read_patient(connect(fake), "p1")
    assert keys(pull.resources) == sorted({*WHOLE, *keys(many)})


def test_pages_are_followed_to_the_end(ehr: Make, connect: Connect) -> None:
    many = [ferritin(f"f{n:02d}") for n in range(20)]
    fake = ehr("oracle", page_size=3).load([*chart(), *many])
    assert keys(read_patient(connect(fake), "p1").resources) == sorted({*WHOLE, *keys(many)})


def test_q44_never_more_than_five_connections(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic", latency_seconds=0.01).load(chart())
    read_patient(connect(fake), "p1")
    assert 1 < fake.most_at_once <= 5


def test_a_whole_site_is_listed_by_its_administrations(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi", page_size=2).load(
        [administration("a1", "p1"), administration("a2", "p2"), administration("a3", "p1")]
    )
    assert list(listing.patients(connect(fake), [])) == ["p1", "p2"]


@pytest.mark.parametrize("mode", ["epic", "oracle", "athena"])
def test_an_ehr_that_lists_nobody_says_so(mode: str, ehr: Make, connect: Connect) -> None:
    with pytest.raises(Refused, match=r"this EHR lists no patients\. Name them with --patient"):
        list(listing.patients(connect(ehr(mode)), []))
