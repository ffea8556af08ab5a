"""CDS Hooks: whose call it is, what is survived, and what the cards say."""

import base64
import json
import re
import time
import uuid
from contextlib import ExitStack
from typing import Any

import pytest
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from integration.cds import services
from integration.cds.evidence import PREFETCH
from integration.cds.trust import Caller
from integration.ehr.transport.keys import generate
from integration.store import cards as kept_cards
from integration.web.problems import ApiProblem
from mappings.values import own_names
from tests.builders import (
    Resource,
    administration,
    chart,
    commercial,
    condition,
    ferritin,
    medication,
    order,
    tsat,
)
from tests.fakes.browser import PUBLIC_URL
from tests.plugins.pages import Clinic, Open

ISSUER = "https://ehr.example.com"
EHR_KEY, STRANGE_KEY = generate("ES384"), generate("ES384")
OF_KIND = {
    name: template.partition("?")[0].partition("/")[0] for name, template in PREFETCH.items()
}
DRAFT = order("draft1", status="draft")


@pytest.fixture
def hospital(clinic: Open) -> Clinic:
    url = f"{PUBLIC_URL}/keys"
    made = clinic(site={"cds": [{"issuer": ISSUER, "jwks_url": url}]})
    with made.store.transaction() as db:
        db.execute("truncate cds_cards, order_questions")
    jwks_url = made.server.url_for("/ehr-keys")
    site = made.settings.sites["general"]
    client = site.cds[0].model_copy(update={"jwks_url": jwks_url})
    made.app.state.settings = made.settings.model_copy(
        update={"sites": {"general": site.model_copy(update={"cds": [client]})}}
    )
    made.server.expect_request("/ehr-keys").respond_with_json(
        KeySet([EHR_KEY]).as_dict(private=False)
    )
    return made


def token(
    path: str, key: Any = EHR_KEY, header: dict[str, Any] | None = None, **claims: Any
) -> str:
    now = int(time.time())
    all_claims = {
        "iss": ISSUER,
        "aud": PUBLIC_URL + path,
        "exp": now + 300,
        "iat": now,
        "jti": uuid.uuid4().hex,
        **claims,
    }
    head = {"alg": "ES384", "kid": key.kid or "x", "typ": "JWT", **(header or {})}
    kept = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode(head, kept, key, algorithms=[str(head["alg"])])


def body(
    resources: list[Resource] | None = None, drafts: list[Resource] | None = None, **more: Any
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "hook": "order-sign",
        "hookInstance": str(uuid.uuid4()),
        "context": {
            "userId": "Practitioner/dr-1",
            "patientId": "p1",
            "draftOrders": bundle([DRAFT] if drafts is None else drafts),
        },
    }
    if resources is not None:
        request["prefetch"] = {
            name: bundle([r for r in resources if r["resourceType"] == kind])
            for name, kind in OF_KIND.items()
        }
    return request | more


def bundle(resources: list[Resource], **more: Any) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in resources],
        **more,
    }


def call(
    hospital: Clinic,
    request: dict[str, Any],
    service: str = "iron-order-sign",
    bearer: str | None = None,
) -> Response:
    path = f"/cds-services/{service}"
    headers = {"Authorization": f"Bearer {bearer or token(path)}"}
    return hospital.browser().client.post(path, json=request, headers=headers)


def topics(found: list[dict[str, Any]]) -> list[str]:
    """The requirements that the cards are about."""
    return [topic for card in found for topic in card["extension"][own_names.REQUIREMENT]]


def cards(hospital: Clinic, *args: Any, **more: Any) -> list[dict[str, Any]]:
    answer = call(hospital, body(*args, **more))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["cards"])


@pytest.mark.parametrize(
    "sent", [b"", b"{", b'{"hook": ', b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000]
)
@pytest.mark.parametrize("path", ["/iron-order-sign", "/iron-order-sign/feedback"])
def test_what_is_no_json_object_is_400(hospital: Clinic, sent: bytes, path: str) -> None:
    path = f"/cds-services{path}"
    headers = {"Authorization": f"Bearer {token(path)}", "Content-Type": "application/json"}
    answer = hospital.browser().client.post(path, content=sent, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad-request"


# Whose call it is


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"iss": "https://stranger.example.com"}, "issuer"),
        ({"aud": f"{PUBLIC_URL}/cds-services/other"}, "another service"),
        ({"exp": 1}, "expired"),
        ({"exp": time.time() + 10**6}, "too long"),
        ({"jti": None}, "jti"),
        ({"key": STRANGE_KEY}, "not signed"),
        ({"header": {"jku": "https://stranger.example.com/keys"}}, "jku"),
        ({"header": {"alg": "HS256"}, "key": OctKey.import_key(b"0" * 32)}, "algorithm"),
        ({"iat": time.time() + 10**5}, "future"),
        ({"nbf": time.time() + 10**5}, "future"),
        ({"iss": None}, "issuer"),
        ({"aud": None}, "another service"),
        ({"exp": None}, "from when"),
        ({"exp": float("nan")}, "not a JWT"),
        ({"exp": 10**30}, "from when"),
        ({"iat": None}, "from when"),
    ],
)
def test_a_stranger_is_refused(hospital: Clinic, change: dict[str, Any], says: str) -> None:
    answer = call(hospital, body(chart()), bearer=token("/cds-services/iron-order-sign", **change))
    assert answer.status_code == 401
    assert says in answer.json()["error"]["message"]
    assert all(
        request.path == "/ehr-keys" for request, _ in hospital.server.log
    )  # a strange jku is never fetched


@pytest.mark.parametrize("form", ["{0}", "{0}/", "list", "many"])
def test_the_service_is_named_in_any_form_of_an_audience(hospital: Clinic, form: str) -> None:
    path = "/cds-services/iron-order-sign"
    own = f"{PUBLIC_URL}{path}"
    said = {"list": [own], "many": ["https://other.example.com", own]}.get(form, form.format(own))
    assert call(hospital, body(chart()), bearer=token(path, aud=said)).status_code == 200


def test_a_caller_for_two_sites_says_which(hospital: Clinic) -> None:
    """The patient p1 may be another person at the other site."""
    site = hospital.settings.sites["general"]
    other = site.model_copy(update={"name": "other", "base_url": "https://other.example.com/fhir"})
    caller = Caller((other, site))
    assert caller.site(f"{site.base_url}/") is site
    for unsaid in (None, 7, "https://stranger.example.com/fhir"):
        with pytest.raises(ApiProblem) as refused:
            caller.site(unsaid)
        assert refused.value.status == 403
    assert Caller((site,)).site(None) is site


def test_a_token_counts_once_and_is_asked_for_everywhere(hospital: Clinic) -> None:
    once = token("/cds-services/iron-order-sign")
    assert call(hospital, body(chart()), bearer=once).status_code == 200
    assert call(hospital, body(chart()), bearer=once).status_code == 401
    client = hospital.browser().client
    assert client.get("/cds-services").status_code == 401
    assert client.post("/cds-services/iron-order-sign/feedback", json={}).status_code == 401
    found = client.get(
        "/cds-services", headers={"Authorization": f"Bearer {token('/cds-services')}"}
    ).json()["services"]
    assert [service["hook"] for service in found] == ["order-sign", "order-select", "patient-view"]


def test_a_key_without_kid_is_found(hospital: Clinic) -> None:
    bare = ECKey.import_key({k: v for k, v in EHR_KEY.as_dict(private=True).items() if k != "kid"})
    assert (
        call(
            hospital,
            body(chart()),
            bearer=token("/cds-services/iron-order-sign", bare, {"kid": EHR_KEY.kid}),
        ).status_code
        == 200
    )


# What the cards say


def test_nothing_missing_nothing_said(hospital: Clinic) -> None:
    today = time.strftime("%Y-%m-%d")
    assert cards(hospital, chart(ferritin(on=today), tsat(on=today))) == []


def test_missing_results_come_with_an_order(hospital: Clinic) -> None:
    found = cards(hospital, chart(without=["ferritin", "tsat"]))
    laboratory = next(card for card in found if card["source"]["topic"]["code"] == "ferritin")
    assert len(laboratory["summary"]) < 140
    assert laboratory["indicator"] == "info"
    tests = [action["resource"] for action in laboratory["suggestions"][0]["actions"]]
    assert [test["code"]["coding"][0]["code"] for test in tests] == ["2276-4", "2502-3"]
    assert laboratory["links"][0] == {
        "label": "Open the iron billing check",
        "url": f"{PUBLIC_URL}/launch",
        "type": "smart",
        "appContext": "ferritin",
    }
    assert laboratory["overrideReasons"]
    assert "90 days" in laboratory["detail"]


def test_a_card_shows_the_rule_that_decided(hospital: Clinic) -> None:
    on = time.strftime("%Y-%m-%d", time.localtime(time.time() - 5 * 86400))
    labs = [ferritin(700, on=on), tsat(20, on=on)]
    found = cards(
        hospital,
        chart(
            commercial(),
            condition("E11.22"),
            *labs,
            without=["coverage", "ckd", "ferritin", "tsat"],
        ),
    )
    laboratory = next(card for card in found if card["source"]["topic"]["code"] == "ferritin")
    assert "ferritin at most 500 ng/mL" in laboratory["detail"]
    assert "in kidney disease" in laboratory["detail"]
    assert "without kidney disease" not in laboratory["detail"]


def test_a_summary_tells_of_all_that_is_missing(hospital: Clinic) -> None:
    """It is often all that is read."""
    (card,) = cards(hospital, chart(without=["ferritin", "tsat"]))
    assert "No ferritin result" in card["summary"]
    assert "also: transferrin saturation." in card["summary"]
    (suggestion,) = card["suggestions"]
    assert suggestion["label"].startswith("Order ferritin and transferrin saturation")


def test_a_card_tells_of_the_draft_not_of_a_dose_already_given(hospital: Clinic) -> None:
    """The chart has a dose with no ferritin at all before it; the draft has one that is too old."""
    given = administration("early", on="2026-01-05T09:00:00-05:00")
    old = ferritin(30, on="2026-03-01")
    read = [*chart(without=["ferritin", "administration"]), given, old]
    hospital.ehr.load(read)
    hospital.launcher.tokens.add("transient")
    request = body(fhirServer=hospital.ehr.base_url)
    request["fhirAuthorization"] = {"access_token": "transient", "token_type": "Bearer"}
    (card,) = call(hospital, request).json()["cards"]
    assert "the last one is from Mar 1, 2026" in card["summary"]
    assert "Jan 5, 2026" not in card["detail"]


def test_a_browser_of_any_origin_may_ask_with_the_callers_token(hospital: Clinic) -> None:
    """As the CDS Hooks sandbox does; the pages stay closed."""
    client = hospital.browser().client
    asked = {
        "Origin": "https://sandbox.cds-hooks.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    path = "/cds-services/iron-order-sign"
    allowed = client.options(path, headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in allowed.headers
    answer = client.get("/cds-services", headers={"Origin": asked["Origin"]})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, "*")
    assert "access-control-allow-origin" not in client.get("/api/worklist", headers=asked).headers


def test_what_is_ordered_in_the_same_dialog_is_not_suggested_again(hospital: Clinic) -> None:
    lab_order = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "draft",
        "code": {"coding": [{"code": "2276-4"}]},
    }
    found = cards(hospital, chart(without=["ferritin", "tsat"]), drafts=[DRAFT, lab_order])
    actions = [
        action for card in found for s in card.get("suggestions", []) for action in s["actions"]
    ]
    assert [action["resource"]["code"]["coding"][0]["code"] for action in actions] == ["2502-3"]


def test_authorization_and_product(hospital: Clinic) -> None:
    injectafer = order("d", text="Injectafer", dose="750 mg", status="draft")
    found = cards(hospital, chart(commercial(), without=["coverage"]), drafts=[injectafer])
    assert "prior-authorization" in topics(found)
    uhc = cards(
        hospital,
        chart(commercial("UnitedHealthcare"), without=["coverage"]),
        drafts=[order("d", text="Monoferric", status="draft")],
    )
    assert any(card["source"]["topic"]["code"] == "preferred-product" for card in uhc)


NAMED = DRAFT["medicationCodeableConcept"]
BARE = {name: value for name, value in DRAFT.items() if name != "medicationCodeableConcept"}
HUGE = {"value": 2000, "unit": "mg"}


@pytest.mark.parametrize(
    ("draft", "topics"),
    [
        ({name: value for name, value in DRAFT.items() if name != "id"}, {"ferritin"}),
        (BARE | {"medication": {"concept": NAMED}}, {"ferritin"}),
        (BARE | {"medicationReference": {"display": "Venofer"}}, {"ferritin"}),
        (DRAFT | {"dosageInstruction": 7}, {"ferritin"}),
        (DRAFT | {"dosageInstruction": [{"doseAndRate": 7}]}, {"ferritin"}),
        (DRAFT | {"dosageInstruction": [{"doseQuantity": HUGE}]}, {"dosing", "ferritin"}),
        (DRAFT | {"subject": None}, {"ferritin"}),
        (DRAFT | {"subject": {"reference": "https://ehr/fhir/Patient/p1"}}, {"ferritin"}),
        (DRAFT | {"subject": {"reference": "Patient/p2"}}, set()),
        (DRAFT | {"doNotPerform": True}, set()),
        (DRAFT | {"status": "cancelled"}, set()),
        (BARE | {"medicationCodeableConcept": "Venofer"}, set()),
    ],
)
def test_a_draft_is_read_in_whatever_form_it_comes(
    draft: Resource, topics: set[str], hospital: Clinic
) -> None:
    found = cards(hospital, chart(without=["ferritin", "tsat"]), drafts=[draft])
    assert {card["source"]["topic"]["code"] for card in found} == topics


@pytest.mark.parametrize(
    "reference", ["Medication/m1", "urn:uuid:m1", "https://ehr.example.org/fhir/Medication/m1"]
)
@pytest.mark.parametrize("r5", [False, True])
def test_a_medication_that_comes_with_the_drafts_is_followed(
    reference: str, r5: bool, hospital: Clinic
) -> None:
    aim = {"reference": reference}
    order = BARE | ({"medication": {"reference": aim}} if r5 else {"medicationReference": aim})
    request = body(chart(without=["ferritin", "tsat"]), hook="order-select")
    request["context"]["selections"] = ["MedicationRequest/draft1"]
    request["context"]["draftOrders"]["entry"] = [
        {"resource": order},
        {"fullUrl": "urn:uuid:m1", "resource": medication("m1")},
    ]
    answer = call(hospital, request, "iron-order-select")
    assert [card["source"]["topic"]["code"] for card in answer.json()["cards"]] == ["ferritin"]


@pytest.mark.parametrize(
    ("selections", "said"),
    [
        (["MedicationRequest/draft1"], True),
        (["https://ehr.example.org/fhir/MedicationRequest/draft1"], True),
        (["MedicationRequest/other"], False),
        ([7], False),
        ("MedicationRequest/draft1", True),
        (None, True),
    ],
)
def test_of_what_is_chosen_cards_are_made(selections: Any, said: bool, hospital: Clinic) -> None:
    request = body(chart(without=["ferritin", "tsat"]), hook="order-select")
    request["context"]["selections"] = selections
    answer = call(hospital, request, "iron-order-select")
    assert answer.status_code == 200
    assert bool(answer.json()["cards"]) is said


@pytest.mark.parametrize("drafts", [None, [], "x", {"entry": None}, {"entry": [None, 5]}])
def test_drafts_of_no_form_are_none(drafts: Any, hospital: Clinic) -> None:
    request = body(chart(without=["ferritin"]))
    request["context"]["draftOrders"] = drafts
    assert call(hospital, request).json() == {"cards": []}


def test_another_drug_and_no_draft_say_nothing_and_read_nothing(hospital: Clinic) -> None:
    request = {
        "fhirServer": hospital.ehr.base_url,
        "fhirAuthorization": {"access_token": "t", "token_type": "Bearer"},
    }
    assert (
        cards(hospital, drafts=[order("d", text="busPIRone 10 mg", status="draft")], **request)
        == []
    )
    assert cards(hospital, drafts=[], **request) == []
    assert hospital.ehr.requests == []


def test_a_long_name_makes_no_long_summary(hospital: Clinic) -> None:
    found = cards(
        hospital, chart(without=["ferritin", "tsat", "intolerance", "ckd", "anemia-in-ckd"])
    )
    assert found
    assert all(len(card["summary"]) < 140 for card in found)


# What is survived

SUPPRESSED = {"severity": "warning", "code": "suppressed"}
WITHHELD = {"resourceType": "OperationOutcome", "issue": [SUPPRESSED]}


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {"resourceType": "OperationOutcome", "issue": []},
        "text",
        bundle([], link=[{"relation": "next", "url": "x"}]),
        bundle([], total=3),
        bundle([WITHHELD]),
    ],
)
def test_results_that_may_be_elsewhere_are_never_called_missing(hospital: Clinic, odd: Any) -> None:
    request = body(chart(without=["intolerance"]))
    request["prefetch"]["laboratory"] = odd
    answer = call(hospital, request)
    assert answer.status_code == 200
    topics = {card["source"]["topic"]["code"] for card in answer.json()["cards"]}
    assert topics == {"oral-iron-history"}


def test_without_prefetch_the_chart_is_read_with_the_calls_own_token(hospital: Clinic) -> None:
    hospital.ehr.load(chart(without=["ferritin", "tsat"]))
    hospital.launcher.tokens.add("transient")
    authorization = {"access_token": "transient", "token_type": "Bearer", "patient": "p1"}
    found = cards(hospital, fhirServer=hospital.ehr.base_url + "/", fhirAuthorization=authorization)
    assert {card["source"]["topic"]["code"] for card in found} == {"ferritin"}
    with hospital.store.transaction() as db:
        kept = str(db.execute("select c::text from cds_cards c").fetchall())
    assert "transient" not in kept


def test_another_server_and_its_token_are_left_alone(hospital: Clinic) -> None:
    authorization = {"access_token": "stolen", "token_type": "Bearer"}
    answer = call(
        hospital, body(fhirServer="https://evil.example.com/fhir", fhirAuthorization=authorization)
    )
    assert answer.status_code == 412
    assert hospital.ehr.requests == []


def test_an_ehr_that_does_not_answer_costs_no_more_than_the_card(hospital: Clinic) -> None:
    hospital.ehr.latency_seconds = 3
    authorization = {"access_token": "slow", "token_type": "Bearer"}
    began = time.monotonic()
    answer = call(hospital, body(fhirServer=hospital.ehr.base_url, fhirAuthorization=authorization))
    assert answer.status_code == 412
    assert time.monotonic() - began < 3


def test_an_ehr_of_many_slow_pages_is_left_in_time(hospital: Clinic) -> None:
    """Each answer comes in time, and there is no end of them; what the prefetch has is told."""
    hospital.ehr.load(
        [*chart(without=["ferritin"]), *(ferritin(on="2020-01-01", id=f"f{n}") for n in range(400))]
    )
    hospital.ehr.page_size, hospital.ehr.latency_seconds = 2, 0.2
    hospital.launcher.tokens.add("slow")
    authorization = {"access_token": "slow", "token_type": "Bearer"}
    request = body(chart(without=["ferritin"]), fhirServer=hospital.ehr.base_url)
    request["fhirAuthorization"] = authorization
    del request["prefetch"]["encounters"]
    began = time.monotonic()
    answer = call(hospital, request)
    assert topics(answer.json()["cards"]) == ["ferritin"]
    assert time.monotonic() - began < 6


def test_too_many_at_once_are_told_to_come_again(
    hospital: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "WAITING_SECONDS", 0.01)
    with ExitStack() as taken:
        for _ in range(services.PLACES):
            taken.enter_context(services._a_place())
        answer = call(hospital, body(chart(without=["ferritin"])))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert topics(cards(hospital, chart(without=["ferritin"]))) == ["ferritin"]


def test_a_token_for_another_patient_is_refused(hospital: Clinic) -> None:
    authorization = {"access_token": "t", "token_type": "Bearer", "patient": "p2"}
    answer = call(
        hospital, body(chart(), fhirServer=hospital.ehr.base_url, fhirAuthorization=authorization)
    )
    assert answer.status_code == 403
    assert "cards" not in answer.json()


def test_another_patients_results_do_not_count(hospital: Clinic) -> None:
    strangers = [ferritin(on=time.strftime("%Y-%m-%d"), patient="p2", id="x")]
    found = cards(hospital, [*chart(without=["ferritin", "tsat"]), *strangers])
    assert any(card["source"]["topic"]["code"] == "ferritin" for card in found)


@pytest.mark.parametrize("context", [None, {}, {"patientId": 7}, {"patientId": "../p1"}, "p1"])
def test_a_context_without_patient_is_a_bad_request(hospital: Clinic, context: Any) -> None:
    assert call(hospital, body(chart(), context=context)).status_code == 400


def test_the_wrong_hook_is_a_bad_request(hospital: Clinic) -> None:
    assert call(hospital, body(chart(), hook="patient-view")).status_code == 400
    assert (
        call(hospital, body(chart()), "unknown", token("/cds-services/unknown")).status_code == 404
    )


# Patient view and feedback


def test_patient_view_tells_of_doses_that_wait(hospital: Clinic) -> None:
    hospital.ehr.load([*chart(without=["tsat"]), administration("second", on="2026-11-08")])
    hospital.browser().get(hospital.launch_path(patient="p1"))
    view = body(hook="patient-view")
    answer = call(hospital, view, "iron-patient-view")
    (card,) = answer.json()["cards"]
    assert "2 iron doses cannot be billed yet" in card["summary"]
    assert re.search(r"No transferrin saturation.* \(2 doses\)", card["detail"])
    view["context"]["patientId"] = "unknown"
    assert call(
        hospital, view, "iron-patient-view", token("/cds-services/iron-patient-view")
    ).json() == {"cards": []}


def test_patient_view_tells_of_safety_first_until_somebody_has_seen_it(hospital: Clinic) -> None:
    hospital.ehr.load(chart(ferritin(950, on="2026-10-12"), without=["ferritin", "tsat"]))
    browser = hospital.browser()
    page = browser.get(hospital.launch_path(patient="p1"))
    found = call(hospital, body(hook="patient-view"), "iron-patient-view").json()["cards"]
    assert [(card["indicator"], card["source"]["topic"]["code"]) for card in found] == [
        ("warning", "iron-overload"),
        ("info", "transferrin-saturation"),
    ]
    assert "possible iron overload" in found[0]["summary"]
    assert "950" not in found[1]["detail"]
    browser.post(page, "/waive", reason="Known, and discussed")
    again = call(
        hospital,
        body(hook="patient-view"),
        "iron-patient-view",
        token("/cds-services/iron-patient-view"),
    )
    assert [card["indicator"] for card in again.json()["cards"]] == ["info"]


def test_feedback_is_kept(hospital: Clinic) -> None:
    card = cards(hospital, chart(without=["ferritin", "tsat"]))[0]["uuid"]
    path = "/cds-services/iron-order-sign/feedback"
    override = {
        "reason": {"code": "elsewhere", "display": "Done elsewhere"},
        "userComment": "<b>see fax</b>",
    }
    rows = [
        {"card": card, "outcome": "overridden", "overrideReason": override},
        {"card": "no uuid"},
        "odd",
        {"card": str(uuid.uuid4()), "outcome": "accepted"},
    ]
    answer = hospital.browser().client.post(
        path, json={"feedback": rows}, headers={"Authorization": f"Bearer {token(path)}"}
    )
    assert answer.status_code == 200
    with hospital.store.transaction() as db:
        kept = db.execute(
            "select outcome, reason, comment from cds_cards where id = %s", [card]
        ).fetchone()
    assert kept == ("overridden", "Done elsewhere", "<b>see fax</b>")


def feed_back(hospital: Clinic, *rows: Any) -> int:
    path = "/cds-services/iron-order-sign/feedback"
    headers = {"Authorization": f"Bearer {token(path)}"}
    told = hospital.browser().client.post(path, json={"feedback": rows}, headers=headers)
    return told.status_code


def test_papers_that_were_overridden_are_not_told_again_that_week(hospital: Clinic) -> None:
    today = time.strftime("%Y-%m-%d")
    resources = chart(ferritin(950, on=today), without=["ferritin", "tsat"])
    safety, papers = cards(hospital, resources)
    assert topics([safety, papers]) == ["iron-overload", "transferrin-saturation"]
    feed_back(
        hospital, *({"card": card["uuid"], "outcome": "overridden"} for card in (safety, papers))
    )
    assert topics(cards(hospital, resources)) == ["iron-overload"]
    others = chart(ferritin(950, on=today), without=["ferritin", "tsat", "intolerance"])
    assert topics(cards(hospital, others)) == ["iron-overload", "oral-iron-history"]
    with hospital.store.transaction() as db:
        db.execute("update cds_cards set answered_at = answered_at - interval '8 days'")
    assert topics(cards(hospital, resources)) == ["iron-overload", "transferrin-saturation"]


def test_a_suggestion_that_was_accepted_is_kept(hospital: Clinic) -> None:
    (card,) = cards(hospital, chart(without=["ferritin", "tsat"]))
    accepted = [{"id": card["suggestions"][0]["uuid"]}]
    row = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": accepted}
    assert feed_back(hospital, row, row | {"outcome": "ignored"}, row | {"card": None}) == 200
    assert feed_back(hospital, *([row] * 300)) == 200
    with hospital.store.transaction() as db:
        (outcome,) = db.execute("select outcome from cds_cards").fetchall()
    assert outcome == ("accepted",)


def test_whether_a_plan_asks_is_for_the_billing_office(hospital: Clinic) -> None:
    """It is told there, and with another card, and never by one of its own."""
    today = time.strftime("%Y-%m-%d")
    resources = chart(commercial(), ferritin(20, on=today), tsat(on=today), without=["coverage"])
    assert cards(hospital, resources) == []
    assert cards(hospital, resources) == []
    with hospital.store.transaction() as db:
        (question,) = kept_cards.questions(db, ["general"])
        assert kept_cards.questions(db, ["other"]) == []
    assert (question.policy, question.drug, question.patients) == (
        "commercial-default",
        "iron sucrose",
        1,
    )
    (card,) = cards(hospital, [one for one in resources if one["id"] != "intolerance"])
    assert "prior authorization for iron sucrose is not known yet" in card["detail"]
    assert "authorization" not in card["summary"]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
def test_broken_text_costs_its_resource_and_no_more(hospital: Clinic, text: str) -> None:
    resources = [*chart(without=["tsat"]), order("broken", note=[{"text": text}])]
    drafts = [DRAFT, order("draft2", status="draft", note=[{"text": text}])]
    request = body(resources, drafts, **{text: text, "hookInstance": text})
    path = "/cds-services/iron-order-sign"
    headers = {"Authorization": f"Bearer {token(path)}", "Content-Type": "application/json"}
    answer = hospital.browser().client.post(path, content=json.dumps(request), headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["cards"]
    path += "/feedback"
    rows = [
        {"card": text, "outcome": text},
        {"card": answer.json()["cards"][0]["uuid"], "outcome": "overridden"},
    ]
    rows[1] |= {"overrideReason": {"reason": {"code": text}, "userComment": text}}
    headers = {"Authorization": f"Bearer {token(path)}", "Content-Type": "application/json"}
    assert (
        hospital.browser()
        .client.post(path, content=json.dumps({"feedback": rows}), headers=headers)
        .status_code
        == 200
    )


def test_depth_is_refused_before_it_costs_anything(hospital: Clinic) -> None:
    path = "/cds-services/iron-order-sign"
    deep = "[" * 20_000 + "]" * 20_000
    for bearer in (
        token(path),
        base64.urlsafe_b64encode(deep.encode()).decode().rstrip("=") + ".e30.e30",
    ):
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        answer = hospital.browser().client.post(
            path, content='{"context": ' + deep + "}", headers=headers
        )
        assert answer.status_code in (400, 401, 422)
