"""The client against the real HAPI: few requests, everything read, conflicts settled, never two of
one gap."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.doctor import examine
from integration.ehr.fhir.answers import Json
from integration.ehr.reading import listing
from integration.ehr.reading.patient import read_patient
from integration.ehr.writing.writeback import ServerWriteBack, write_back_for
from tests.fakes.chart import (
    administration,
    chart,
    detected_issue,
    ferritin,
    mitigation,
    observation,
    ref,
    transaction,
)

Fresh = Callable[[str], str]


@pytest.fixture
def client(hapi: str) -> Iterator[EhrClient]:
    with EhrClient(Site.adhoc(hapi)) as made:
        assert made.capability.profile.vendor == "hapi"
        yield made


@pytest.fixture
def load(client: EhrClient, fresh: Fresh) -> Callable[[list[Json]], str]:
    """Puts resources into HAPI under ids of this test's own; returns the patient's."""

    def put(resources: list[Json]) -> str:
        client.transport.write("POST", "", transaction(resources, fresh))
        return fresh("p1")

    return put


def names(resources: list[Json], fresh: Fresh) -> list[str]:
    prefix = fresh("")
    return sorted(f"{r['resourceType']}/{r['id'].removeprefix(prefix)}" for r in resources)


def sent(client: EhrClient, work: Callable[[], Any]) -> tuple[int, Any]:
    before = client.transport.sent
    done = work()
    return client.transport.sent - before, done


def issue(fresh: Fresh, gap: str = "gap", **fields: Any) -> Json:
    patient, dose = fresh("p1"), ref(f"MedicationAdministration/{fresh('ma1')}")
    return detected_issue(
        fresh(gap),
        patient=patient,
        implicated=[dose],
        author=ref(f"Device/{fresh('ferroclaim')}"),
        **fields,
    )


def test_one_request_reads_a_chart(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    unlabeled = observation("local", "x", None, "2026-10-01", code={"text": "Ferritin (serum)"})
    social = observation("smoking", "72166-2", "social-history", "2026-10-01")
    patient = load([*chart(), unlabeled, social])
    requests, pull = sent(client, lambda: read_patient(client, patient))
    assert requests == pull.requests == 1
    expected = sorted([*(f"{r['resourceType']}/{r['id']}" for r in chart()), "Observation/local"])
    assert names(pull.resources, fresh) == expected
    assert pull.problems == []


def test_two_requests_read_a_chart_of_a_thousand_results(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    days = [f"{2014 + n // 84}-{n % 84 // 7 + 1:02d}-{n % 7 * 4 + 1:02d}" for n in range(1000)]
    patient = load([*chart(), *(ferritin(f"r{n:04d}", day) for n, day in enumerate(days))])
    requests, pull = sent(client, lambda: read_patient(client, patient))
    assert requests == pull.requests == 2
    assert len([r for r in pull.resources if r["resourceType"] == "Observation"]) == 1002
    assert len(pull.resources) == len(chart()) + 1000


def test_q11_a_fresh_read_sees_what_was_just_written(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    """HAPI repeats the results of a search for a minute; the header reaches the searches inside a
    batch, too."""
    patient = load(chart())
    read_patient(client, patient)
    load([*chart(), administration("ma2")])
    pull = read_patient(client, patient, fresh=True)
    assert "MedicationAdministration/ma2" in names(pull.resources, fresh)


def test_one_request_writes_all_gaps_of_a_patient(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    patient = load(chart())
    ours = write_back_for(client)
    wanted = [issue(fresh, name) for name in ("a", "b", "c")]
    requests, outcomes = sent(
        client, lambda: ours.put_all(wanted, read_patient(client, patient).issues)
    )
    assert requests == 2  # one read, one write
    assert [o.result for o in outcomes] == ["created"] * 3
    pull = read_patient(client, patient, fresh=True)
    assert len(pull.issues) == 3
    requests, outcomes = sent(client, lambda: ours.put_all(wanted, pull.issues))
    assert requests == 0
    assert [o.result for o in outcomes] == ["unchanged"] * 3
    done = issue(
        fresh,
        "a",
        status="final",
        mitigation=[mitigation("Ferritin is on record") | {"author": {"display": "ferroclaim"}}],
    )
    requests, outcomes = sent(client, lambda: ours.put_all([done, *wanted[1:]], pull.issues))
    assert requests == 1
    assert [o.result for o in outcomes] == ["updated", "unchanged", "unchanged"]
    provenance = client.search("Provenance", {"target": str(outcomes[0].location)}, fresh=True)
    assert len(provenance) == 2


def test_two_writers_create_one_issue(
    hapi: str, client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    load(chart())
    together = threading.Barrier(4)

    def create(_: int) -> str:
        with EhrClient(Site.adhoc(hapi)) as own:
            ours = write_back_for(own)
            together.wait()
            return ours.put_all([issue(fresh)], [])[0].result

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(create, range(4)))
    assert set(results) <= {"created", "updated", "unchanged"}
    assert (
        len(
            client.search(
                "DetectedIssue", {"identifier": f"urn:ferroclaim:gap|{fresh('gap')}"}, fresh=True
            )
        )
        == 1
    )


def test_two_writers_of_one_version_lose_nothing(
    hapi: str, client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    """412 or 409: the one who comes second reads again, merges, and writes again."""
    patient = load(chart())
    write_back_for(client).put_all([issue(fresh)], [])
    known = read_patient(client, patient, fresh=True).issues
    together = threading.Barrier(2)

    def update(text: str) -> str:
        with EhrClient(Site.adhoc(hapi)) as own:
            ours = write_back_for(own)
            said = mitigation(text) | {"author": {"display": text}}
            together.wait()
            return ours.put_all([issue(fresh, mitigation=[said])], known)[0].result

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(update, ["one", "other"])) == ["updated", "updated"]
    (there,) = read_patient(client, patient, fresh=True).issues
    assert sorted(m["action"]["text"] for m in there["mitigation"]) == ["one", "other"]
    assert there["meta"]["versionId"] == "3"


def test_a_clinicians_edit_in_between_stays(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    patient = load(chart())
    ours = write_back_for(client)
    ours.put_all([issue(fresh)], [])
    known = read_patient(client, patient, fresh=True).issues
    waived = known[0] | {
        "status": "final",
        "mitigation": [mitigation("Labs done elsewhere") | {"author": {"display": "Dr. Who"}}],
    }
    client.transport.write("PUT", f"DetectedIssue/{waived['id']}", waived)
    (outcome,) = ours.put_all([issue(fresh, detail="Now 80 days.")], known)
    assert (outcome.result, outcome.version) == ("updated", "3")
    (there,) = read_patient(client, patient, fresh=True).issues
    assert (there["status"], there["detail"]) == ("final", "Now 80 days.")
    assert there["mitigation"][0]["action"]["text"] == "Labs done elsewhere"


def test_q24_q25_a_gap_of_a_dose_that_is_gone_is_refused_alone(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    load(chart())
    lost = issue(fresh, "lost") | {"implicated": [ref("MedicationAdministration/never-was")]}
    outcomes = write_back_for(client).put_all([issue(fresh, "good"), lost], [])
    assert [o.result for o in outcomes] == ["created", "refused"]
    assert "HAPI-1094" in outcomes[1].message
    assert "never-was" not in outcomes[1].message


def test_q23_two_of_one_gap_are_repaired(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    patient = load(chart())
    author = {"display": "ferroclaim"}
    for _ in range(2):
        client.transport.write("POST", "DetectedIssue", issue(fresh) | {"author": author})
    ours = write_back_for(client)
    (outcome,) = ours.put_all(
        [issue(fresh, detail="new")], read_patient(client, patient, fresh=True).issues
    )
    assert outcome.result == "updated"
    statuses = sorted(r["status"] for r in read_patient(client, patient, fresh=True).issues)
    assert statuses == ["entered-in-error", "preliminary"]


@pytest.mark.parametrize("form", ["Task", "Communication", "DocumentReference"])
def test_hapi_takes_every_other_form(
    form: str, hapi: str, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    """What is written is valid FHIR: a real server stores it, finds it again and says it is
    unchanged."""
    load(chart())
    with EhrClient(Site.adhoc(hapi, write_back=form)) as client:
        ours = write_back_for(client)
        assert isinstance(ours, ServerWriteBack)
        assert [o.result for o in ours.put_all([issue(fresh)])] == ["created"]
        assert [o.result for o in ours.put_all([issue(fresh)])] == ["unchanged"]
        done = issue(fresh, status="final", mitigation=[mitigation("On record")])
        assert [i["status"] for i in read_patient(client, fresh("p1"), fresh=True).issues] == [
            "preliminary"
        ]
        assert [o.result for o in ours.put_all([done])] == [
            "created" if form == "Communication" else "updated"
        ]
        pull = read_patient(client, fresh("p1"), fresh=True)
        assert [(i["status"], i["mitigation"][0]["action"]["text"]) for i in pull.issues] == [
            ("final", "On record")
        ]
        assert names(pull.resources, fresh) == sorted(
            f"{r['resourceType']}/{r['id']}" for r in chart()
        )
        assert len(client.search(form, {"patient": fresh("p1")}, fresh=True)) == (
            2 if form == "Communication" else 1
        )


def test_all_patients_of_the_server_are_found(
    client: EhrClient, load: Callable[[list[Json]], str], fresh: Fresh
) -> None:
    assert load(chart()) in list(listing.patients(client, []))


def test_doctor_finds_nothing_wrong(hapi: str, load: Callable[[list[Json]], str]) -> None:
    report = examine(Site.adhoc(hapi), load(chart()))
    assert report.works
    assert "Gaps are written as DetectedIssue" in [finding.what for finding in report.findings]
