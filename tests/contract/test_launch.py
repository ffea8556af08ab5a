"""SMART App Launch against an authorization server that checks, and every way in which a launch
must be refused."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient
from psycopg_pool import ConnectionPool, PoolTimeout
from pytest_httpserver import HTTPServer

from integration.configuration.settings import Settings
from integration.ehr.transport.keys import Keyring, generate
from integration.serving.app import create_app
from integration.smart.access import UserAuthorization
from integration.smart.sessions import hashed
from integration.store import Store
from tests.fakes.browser import PUBLIC_URL, Browser
from tests.fakes.launcher import OTHER
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open


def opened(clinic: Clinic, **context: Any) -> tuple[Browser, Any]:
    clinic.ehr.load(telling_chart())
    browser = clinic.browser()
    return browser, browser.get(clinic.launch_path(**(context or {"patient": "p1"})))


def chart_path(browser: Browser) -> str:
    return urlsplit(browser.visited[-1]).path


# The way in


def test_a_chart_opens(clinic: Open) -> None:
    general = clinic()
    browser, page = opened(general)
    assert page.status_code == 200
    assert "Example, Ada Marie" in page.text
    assert "2 of 5 iron doses since Oct 5 can be billed" in page.text
    assert general.launcher.refused == []
    asked = general.launcher.asked[0]
    assert asked["aud"] == general.ehr.base_url
    assert {"launch", "openid", "fhirUser", "user/MedicationAdministration.rs"} <= set(
        asked["scope"].split()
    )
    assert chart_path(browser).startswith("/chart/")


@pytest.mark.parametrize(
    ("method", "algorithm"),
    [
        ("public", "ES384"),
        ("client_secret_basic", "ES384"),
        ("client_secret_post", "ES384"),
        ("private_key_jwt", "ES384"),
        ("private_key_jwt", "RS384"),
    ],
)
def test_every_kind_of_client_proves_itself(
    clinic: Open, tmp_path: Path, method: str, algorithm: Any
) -> None:
    app: dict[str, Any] = {"method": method}
    ring = Keyring((generate(algorithm),))
    if method == "private_key_jwt":
        ring.save(tmp_path / "keys.json")
        app["key_file"] = tmp_path / "keys.json"
    elif method != "public":
        app["client_secret"] = "s3cret:/+"
    general = clinic(**app)
    general.launcher.method, general.launcher.jwks = method, ring.jwks()
    _, page = opened(general)
    assert (page.status_code, general.launcher.refused) == (200, [])


def test_a_server_that_names_its_issuer_elsewhere_and_no_kid_is_understood(clinic: Open) -> None:
    """Epic's and athenahealth's issuers are not their FHIR base; some id_tokens name no key."""
    general = clinic()
    general.launcher.kid = None
    assert general.launcher.issuer != general.ehr.base_url
    assert opened(general)[1].status_code == 200


@pytest.mark.parametrize(
    ("answer", "context"),
    [
        ({"expires_in": None}, {}),
        ({"scope": ""}, {}),
        ({"scope": None, "refresh_token": None}, {}),
        (
            {
                "token_type": "Bearer",
                "fhirContext": [{"reference": "ImagingStudy/1"}, "odd"],
                "need_patient_banner": False,
            },
            {},
        ),
        ({}, {"patient": "Patient/p1", "encounter": "Encounter/encounter"}),
    ],
)
def test_thin_and_odd_token_answers_are_survived(
    clinic: Open, answer: dict[str, Any], context: dict[str, Any]
) -> None:
    general = clinic()
    general.launcher.token_answer = answer
    _, page = opened(general, **({"patient": "p1"} | context))
    assert page.status_code == 200
    assert "born <b>Feb 14, 1955</b>" in page.text  # name and birth date stand on top in any case


def test_v1_scopes_where_the_server_knows_no_others(clinic: Open) -> None:
    general = clinic()
    general.launcher.configuration = {"capabilities": ["permission-v1"]}
    opened(general)
    scopes = general.launcher.asked[0]["scope"].split()
    assert "user/Observation.read" in scopes
    assert not any(scope.endswith(".rs") for scope in scopes)


@pytest.mark.parametrize(
    ("capability", "write_back", "asked", "not_asked"),
    [
        ("permission-v2", "auto", {"user/Provenance.c", "user/Device.cu"}, {"user/Device.write"}),
        (
            "permission-v1",
            "auto",
            {"user/Provenance.write", "user/Device.write"},
            {"user/Device.cu"},
        ),
        ("permission-v2", "worklist", {"user/ServiceRequest.c"}, {"user/Provenance.c"}),
        ("permission-v2", "Task", {"user/Task.cu"}, {"user/DetectedIssue.cu"}),
    ],
)
def test_scopes_are_those_of_what_is_written(
    clinic: Open, capability: str, write_back: str, asked: set[str], not_asked: set[str]
) -> None:
    general = clinic(site={"write_back": write_back})
    general.launcher.configuration = {"capabilities": [capability]}
    opened(general)
    scopes = set(general.launcher.asked[0]["scope"].split())
    assert asked <= scopes
    assert not not_asked & scopes


def test_what_the_persons_token_does_not_give_is_told_to_the_billing_office(clinic: Open) -> None:
    general = clinic()
    general.launcher.token_answer = {"scope": "openid user/*.rs user/DetectedIssue.cu"}
    browser, page = opened(general)
    general.ehr.requests.clear()
    after = browser.post(page, "/discarded", mg="50")
    assert "does not accept this from here" in after.text
    assert not [request for request in general.ehr.requests if request.startswith("PUT")]


def test_two_charts_side_by_side_do_not_mix(clinic: Open) -> None:
    general = clinic()
    browser, first = opened(general)
    one = chart_path(browser)
    general.ehr.load(
        [
            resource | {"id": "p2", "name": [{"family": "Second"}]}
            for resource in telling_chart()
            if resource["resourceType"] == "Patient"
        ]
    )
    second = browser.get(general.launch_path(patient="p2"))
    assert "Second" in second.text
    assert chart_path(browser) != one
    assert "Example, Ada Marie" in browser.get(one).text
    assert "Second" not in first.text


def test_a_token_that_ended_is_renewed_once_and_the_refresh_token_never_used_again(
    clinic: Open,
) -> None:
    general = clinic()
    general.launcher.token_answer = {"expires_in": 1}
    browser, page = opened(general)
    assert page.status_code == 200
    refreshes = [
        form["refresh_token"]
        for form in general.launcher.forms
        if form["grant_type"] == "refresh_token"
    ]
    assert refreshes  # good for less than the skew: renewed before the first request
    assert browser.get(chart_path(browser)).status_code == 200
    refreshes = [
        form["refresh_token"]
        for form in general.launcher.forms
        if form["grant_type"] == "refresh_token"
    ]
    assert len(refreshes) == len(set(refreshes))


def test_a_revoked_token_means_signing_in_again(clinic: Open) -> None:
    general = clinic()
    general.launcher.token_answer = {"refresh_token": None}
    browser, _ = opened(general)
    general.launcher.tokens.clear()
    page = browser.get(chart_path(browser))
    assert page.status_code == 401
    assert "sign in again" in page.text.lower()
    assert "Example" not in page.text


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_is_down_at_a_renewal_does_not_spend_the_refresh_token(
    clinic: Open, status: int
) -> None:
    general = clinic()
    browser, _ = opened(general)
    general.launcher.tokens.clear()  # revoked: each look needs a renewal
    general.launcher.refresh_statuses = [status]
    page = browser.get(chart_path(browser))
    assert page.status_code == 503
    assert "try again in a minute" in page.text
    assert browser.get(chart_path(browser)).status_code == 200


# What must be refused

EC_KEY = generate("ES384").as_dict(private=False)
RSA_KEY = generate("RS384").as_dict(private=False)


@pytest.mark.parametrize(
    "key",
    [
        "no key", {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, {"kty": ["RSA"]}, {"kty": "RSA"},
        {"kty": "RSA", "n": "", "e": "AQAB"}, {"kty": "RSA", "n": 5, "e": "AQAB"},
        {"kty": "RSA", "n": "é", "e": "AQAB"}, {**RSA_KEY, "e": "AA"}, {**RSA_KEY, "e": "A" * 4001},
        {**RSA_KEY, "d": "x"}, {**EC_KEY, "crv": "P-999"}, {**EC_KEY, "crv": []},
        {**EC_KEY, "x": "AAAA"}, {**EC_KEY, "kid": ["a"]}, {**EC_KEY, "alg": {}},
        {**EC_KEY, "use": "enc"}, {**EC_KEY, "use": 5}, {**EC_KEY, "key_ops": "verify"},
        {**EC_KEY, "x5c": "zz"},
    ],
    ids=str,
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_passed_over(clinic: Open, key: Any) -> None:
    """RFC 7517, 5: one of them must not keep everybody out."""
    general = clinic()
    general.launcher.more_keys = [key]
    assert opened(general)[1].status_code == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            b'{"access_token": "t", "expires_in": 1e400}',
            "expires_in that is not a number of seconds",
        ),
        (b'{"access_token": "t", "expires_in": 1' + b"0" * 400 + b"}", "expires_in that is no"),
        (b'{"access_token": "t", "expires_in": "soon"}', "expires_in that is not a number"),
        (b'{"access_token": "t", "expires_in": true}', "expires_in that is not a number"),
        (
            b'{"access_token": "t", "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
            "nested too deeply",
        ),
        (b'{"access_token": ["t"]}', "without an access token"),
        (b'{"access_token": "line\\nbreak"}', "access token that holds a line break"),
        (b'{"access_token": "\xc3\xa9"}', "another character that no request can carry"),
        (b'{"access_token": "' + b"t" * 40_000 + b'"}', "more than 32768 characters"),
        (b"[]", "not a JSON object"),
        (b" " * (2**20 + 1), "answered with more than 1048576 bytes"),
    ],
    ids=lambda value: value[:36] if isinstance(value, str) else "",
)
def test_a_token_answer_that_cannot_be_used_is_told(clinic: Open, body: bytes, says: str) -> None:
    general = clinic()
    general.launcher.token_body = body
    page = opened(general)[1]
    assert page.status_code == 502
    assert says in page.text


def test_an_unknown_iss_gets_no_request_at_all(clinic: Open) -> None:
    general = clinic()
    for iss in (
        "https://evil.example.com/fhir",
        general.ehr.base_url + "/../x",
        "http://169.254.169.254/latest",
        "",
    ):
        page = general.browser().get(f"/launch?iss={iss}&launch=x")
        assert page.status_code == 403
        assert "not set up here" in page.text
    assert general.server.log == []


@pytest.mark.parametrize("change", ["state", "browser", "replay", "code"])
def test_a_forged_or_replayed_answer_opens_nothing(clinic: Open, change: str) -> None:
    general = clinic()
    general.ehr.load(telling_chart())
    browser = general.browser()
    away = browser.client.get(general.launch_path(patient="p1")).headers["location"]
    back = urlsplit(browser.authorized(away))
    query = {key: values[0] for key, values in parse_qs(back.query).items()}
    if change == "state":
        query["state"] = "x" * 43
    if change == "browser":  # the victim's browser never began this launch
        browser = general.browser()
    if change == "replay":
        assert browser.client.get(back.path, params=query).status_code == 303
    if change == "code":
        query["code"] = "stolen"
    refused = browser.client.get(back.path, params=query)
    assert refused.status_code in (400, 403)
    assert "set-cookie" not in refused.headers
    assert query["code"] not in refused.text
    assert query["state"] not in refused.text


def test_a_code_of_another_issuer_is_never_sent_anywhere(clinic: Open) -> None:
    general = clinic()
    general.launcher.response_iss = "https://attacker.example.com"
    _, page = opened(general)
    assert page.status_code == 403
    assert general.launcher.forms == []


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"aud": "other-app"},
        {"iss": None},
        {"aud": None},
        {"aud": ["chart-app", "x"], "azp": "x"},
        {"aud": ["chart-app", "x"]},
        {"azp": "x"},
        {"exp": 1},
        {"exp": None},
        {"exp": float("nan")},
        {"iat": None},
        {"nonce": "x"},
        {"nonce": None},
        {"iat": time.time() + 10**5},
        {"nbf": time.time() + 10**5},
        {"sub": None},
    ],
    ids=lambda claims: ",".join(claims),
)
def test_an_id_token_that_proves_nothing_is_refused(clinic: Open, claims: dict[str, Any]) -> None:
    general = clinic()
    general.launcher.claims = claims
    _, page = opened(general)
    assert page.status_code == 403
    assert "who you are" in page.text


@pytest.mark.parametrize(
    ("verified", "status"), [(None, 403), (False, 403), ("true", 403), (True, 200)]
)
def test_an_address_counts_only_where_the_server_says_it_was_verified(
    clinic: Open, verified: object, status: int
) -> None:
    general = clinic(web={"roles": {"clinician": ["rivera@example.com"]}})
    general.launcher.claims = {"email": "rivera@example.com", "email_verified": verified}
    assert opened(general)[1].status_code == status


def test_a_server_that_promises_to_name_itself_must_do_so(clinic: Open) -> None:
    """RFC 9207, 2.4."""
    general = clinic()
    general.launcher.configuration = {"authorization_response_iss_parameter_supported": True}
    assert opened(general)[1].status_code == 403
    assert general.launcher.forms == []
    general.launcher.response_iss = general.launcher.issuer
    assert opened(general)[1].status_code == 200


@pytest.mark.parametrize("where", ["fhir", "auth"])
def test_the_promise_counts_where_only_the_openid_configuration_makes_it(
    clinic: Open, where: str
) -> None:
    """A SMART configuration need not repeat it: RFC 9207 has it in the metadata of the issuer."""
    general = clinic()
    general.launcher.promises_iss_at = where
    if where == "fhir":
        general.launcher.configuration = {"issuer": None}
        general.launcher.issuer = general.ehr.base_url
    assert opened(general)[1].status_code == 403
    general.launcher.response_iss = general.launcher.issuer
    general.app.state.page_context.directory._kept.clear()
    assert opened(general)[1].status_code == 200


def test_each_site_has_a_place_of_its_own_to_come_back_to(clinic: Open) -> None:
    """RFC 9700, 4.4: an answer that comes to another site's place is mixed up, and its code is sent
    nowhere."""
    general = clinic()
    for place in ("/callback", "/callback/other"):
        browser = general.browser()
        away = browser.client.get(general.launch_path(patient="p1")).headers["location"]
        query = urlsplit(browser.authorized(away)).query
        assert browser.client.get(f"{place}?{query}").status_code == 403
    assert general.launcher.forms == []


def test_an_app_that_is_registered_with_the_old_address_keeps_it(clinic: Open) -> None:
    general = clinic(own_redirect_uri=False)
    general.launcher.redirect_uri = f"{PUBLIC_URL}/callback"
    browser, page = opened(general)
    assert page.status_code == 200
    assert any(address.startswith(f"{PUBLIC_URL}/callback?") for address in browser.visited)


@pytest.mark.parametrize(
    "path",
    ["/worklist/", "/launch/", "/sign-in/", "/healthz/", "/docs/", "/static", "/cds-services/",
     "/.well-known/jwks.json/", "/callback/", "/chart/x/", "/api/lines/"],
)  # fmt: skip
def test_no_redirect_is_made_from_a_host_header(clinic: Open, path: str) -> None:
    page = clinic().browser().client.get(path, headers={"Host": "evil.example.com"})
    assert page.status_code not in (301, 302, 303, 307, 308)
    assert "evil.example.com" not in str(page.headers)


def test_an_id_token_of_another_key_or_none_is_refused(clinic: Open) -> None:
    general = clinic()
    general.launcher.key = OTHER
    assert opened(general)[1].status_code == 403
    general.launcher.token_answer = {"id_token": None}
    page = opened(general)[1]
    assert page.status_code == 403
    assert "openid fhirUser" in page.text  # what the administrator must change


@pytest.mark.parametrize(
    "context", [{"need_patient_banner": True}, {"patient": "../p1"}, {"patient": 7}], ids=str
)
def test_a_token_without_patient_shows_no_chart(clinic: Open, context: dict[str, Any]) -> None:
    page = opened(clinic(), **context)[1]
    assert page.status_code == 403
    assert "which patient is open" in page.text


def test_a_denial_of_the_ehr_is_told_plainly(clinic: Open) -> None:
    general = clinic()
    general.launcher.deny = "access_denied"
    page = opened(general)[1]
    assert page.status_code == 403
    assert "access_denied" in page.text


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        ("temporarily_unavailable", 503, "in a minute"),
        ("server_error", 503, "in a minute"),
        ("invalid_scope", 403, "app.scopes"),
        ("unauthorized_client", 403, "authorization code flow"),
        ("<b>odd</b>", 403, "answered an error"),
    ],
)
def test_what_the_authorization_server_answers_is_told_as_what_it_is(
    clinic: Open, error: str, status: int, says: str
) -> None:
    opened = clinic()
    browser = opened.browser()
    away = browser.client.get(opened.launch_path(patient="p1")).headers["location"]
    back = {
        "error": error,
        "state": parse_qs(urlsplit(away).query)["state"][0],
        "error_description": "Scope user/Claim.rs\n<i>is not registered</i>",
    }
    answer = browser.client.get("/callback/general", params=back)
    assert answer.status_code == status
    assert says in answer.text
    assert "Scope user/Claim.rs &lt;i&gt;is not registered&lt;/i&gt;" in answer.text


def test_an_iss_that_is_not_set_up_is_shown_as_it_came(clinic: Open) -> None:
    iss = "https://elsewhere.example.com/<fhir>"
    answer = clinic().browser().client.get("/launch", params={"iss": iss, "launch": "x"})
    assert answer.status_code == 403
    assert "https://elsewhere.example.com/&lt;fhir&gt;" in answer.text


def test_a_person_without_fhir_user_is_told_why_nothing_opens(clinic: Open) -> None:
    opened = clinic()
    opened.launcher.claims = {"fhirUser": None}
    page = opened.browser().get(opened.launch_path(patient="p1"))
    assert page.status_code == 403
    assert "allow the scope <code>fhirUser</code>" in page.text


def test_a_user_without_a_role_sees_nothing(clinic: Open) -> None:
    general = clinic(
        web={"roles": {"clinician": ["Practitioner/other"], "biller": ["biller@example.com"]}}
    )
    browser, page = opened(general)
    assert page.status_code == 403
    assert "no role" in page.text
    assert "Example" not in page.text
    assert browser.get("/worklist").status_code in (401, 403, 404)


def test_a_patient_is_no_clinician(clinic: Open) -> None:
    general = clinic()
    general.launcher.claims = {"fhirUser": "Patient/p1"}
    assert opened(general)[1].status_code == 403


def test_a_practitioner_of_another_server_is_nobody_here(clinic: Open) -> None:
    general = clinic()
    general.launcher.claims = {"fhirUser": "https://elsewhere.example.com/fhir/Practitioner/dr-1"}
    assert opened(general)[1].status_code == 403


def test_an_expired_session_and_a_foreign_chart_are_refused(clinic: Open) -> None:
    general = clinic()
    browser, _ = opened(general)
    path = chart_path(browser)
    assert general.browser().get(path).status_code == 401  # no cookie
    stranger, _ = opened(general)
    refused = stranger.get(path)  # another session
    assert refused.status_code == 401
    assert "Example" not in refused.text
    secret = browser.client.cookies["__Host-ferroclaim"]
    with general.store.transaction() as db:
        db.execute(
            "update web_session set seen = now() - interval '2 days' where id = %s",
            [hashed(secret)],
        )
    ended = browser.get(path)
    assert ended.status_code == 401
    # Whoever is let in as sent from a chart comes back in the same way, and the open tab goes on.
    assert 'href="/sign-in?with=general&amp;chart=true"' in ended.text
    assert browser.get("/sign-in?with=general&chart=true").status_code == 200
    assert browser.get(path).status_code == 200


def test_the_session_gets_a_new_cookie_with_each_sign_in(clinic: Open) -> None:
    general = clinic()
    browser, _ = opened(general)
    before = browser.client.cookies["__Host-ferroclaim"]
    browser.get(general.launch_path(patient="p1"))
    assert browser.client.cookies["__Host-ferroclaim"] != before
    stale = general.browser()
    stale.client.cookies.set("__Host-ferroclaim", before)
    assert stale.get(chart_path(browser)).status_code == 401


# Nothing leaks


def test_an_open_page_learns_who_is_signed_in_now(clinic: Open) -> None:
    opened = clinic()
    browser = opened.browser()
    assert browser.client.get("/session").status_code == 401
    browser.get(opened.launch_path(patient="p1"))
    said = browser.client.get("/session").json()
    assert said["user"] == "Dr. Rivera"
    assert browser.client.post("/sign-out", data={"csrf": said["csrf"]}).status_code == 200


def test_cookies_headers_and_addresses(clinic: Open) -> None:
    general = clinic(frame_ancestors=["https://ehr.example.com"])
    browser, page = opened(general)
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'self' https://ehr.example.com" in policy
    assert "script-src 'self';" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    away = general.browser().client.get(general.launch_path(patient="p1"))
    cookie = away.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    for part in ("Path=/", "Secure", "HttpOnly", "SameSite=None", "Partitioned", "Max-Age=600"):
        assert part in cookie
    token = next(iter(general.launcher.tokens))
    ours = [address for address in browser.visited if address.startswith(("/", PUBLIC_URL))]
    assert not any(token in address for address in ours)
    assert token not in page.text
    assert "<script>" not in page.text
    assert " style=" not in page.text


def test_tokens_rest_sealed(clinic: Open) -> None:
    general = clinic()
    opened(general)
    with general.store.transaction() as db:
        kept = str(db.execute("select l::text from smart_launch l").fetchall()) + str(
            db.execute("select s::text from web_session s").fetchall()
        )
    assert not any(token in kept for token in general.launcher.tokens)


def test_the_host_header_never_becomes_the_redirect(clinic: Open) -> None:
    general = clinic()
    away = general.browser().client.get(
        general.launch_path(patient="p1"), headers={"Host": "evil.example.com"}
    )
    assert parse_qs(urlsplit(away.headers["location"]).query)["redirect_uri"] == [
        f"{PUBLIC_URL}/callback/general"
    ]


def test_markup_in_names_stays_text(clinic: Open) -> None:
    general = clinic()
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e1691-20-30 nrob"
    resources = [
        (
            resource | {"name": [{"text": evil, "family": evil}]}
            if resource["resourceType"] == "Patient"
            else resource
        )
        for resource in telling_chart()
    ]
    general.ehr.load(resources)
    page = general.browser().get(general.launch_path(patient="p1"))
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "1691-20-30" in page.text
    assert "\u202e" not in page.text  # what stands behind it would be read backward


def test_sign_in_by_itself_asks_for_no_launch(clinic: Open) -> None:
    general = clinic(web={"roles": {"biller": ["Practitioner/dr-1"]}})
    general.launcher.context = {}
    browser = general.browser()
    browser.get("/sign-in?with=general")
    assert general.launcher.refused == []
    assert "launch" not in general.launcher.asked[0]
    assert urlsplit(browser.visited[-1]).path == "/worklist"


def test_whose_session_ended_comes_back_to_the_list_as_it_was(clinic: Open) -> None:
    general = clinic(web={"roles": {"biller": ["Practitioner/dr-1"]}})
    general.launcher.context = {}
    browser = general.browser()
    ended = browser.get("/worklist?view=held-us&find=Doe+%26+Co")
    assert ended.status_code == 401
    links = re.findall(r'href="(/sign-in[^"]*)"', ended.text)
    (link,) = map(unescape, links)
    browser.get(link)
    assert browser.visited[-1] == "/worklist?view=held-us&find=Doe+%26+Co"
    # Once: the next sign-in ends at the list without filters.
    browser.get("/sign-in?with=general")
    assert browser.visited[-1] == "/worklist"


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example",
        "/worklist@elsewhere.example", "/worklist/../sign-out", "/worklist?a=\r\nSet-Cookie: x",
        "/chart/1", "javascript:alert(1)", "/worklist?x= y",
    ],
)  # fmt: skip
def test_a_sign_in_leads_to_no_other_place(clinic: Open, to: str) -> None:
    general = clinic(web={"roles": {"biller": ["Practitioner/dr-1"]}})
    general.launcher.context = {}
    browser = general.browser()
    browser.get(f"/sign-in?{urlencode({'with': 'general', 'to': to})}")
    assert browser.visited[-1] == "/worklist"


@pytest.mark.parametrize("web", [{}, {"local_user": "Ada"}], ids=str)
def test_no_local_user_without_the_setting_or_beside_a_sign_in(
    clinic: Open, web: dict[str, Any]
) -> None:
    assert clinic(web=web).browser().get("/sign-in").status_code == 401


# What a launch may bring along


def test_the_context_opens_a_dose_puts_a_card_first_and_asks_for_a_small_banner(
    clinic: Open,
) -> None:
    general = clinic()
    context = {
        "fhirContext": [{"reference": "MedicationAdministration/ma4"}],
        "appContext": "discarded-amount",
        "need_patient_banner": False,
    }
    _, page = opened(general, patient="p1", **context)
    assert page.text.index("not accounted for") < page.text.index("No transferrin saturation")
    opened_dose = page.text.index("<details open>")
    assert page.text.index("Nov 2, 2026", opened_dose) - opened_dose < 120
    assert "born <b>Feb 14, 1955</b>" in page.text
    assert "00412207" not in page.text


def test_the_ehrs_colors_are_taken_and_nothing_else_of_its_style(clinic: Open) -> None:
    general = clinic()
    said = {
        "color_accent": "#336699",
        "color_text": "red;} body{display:none",
        "dim_font_size": "30px",
    }
    general.server.expect_request("/style.json").respond_with_json(said)
    browser, page = opened(
        general, patient="p1", smart_style_url=general.server.url_for("/style.json")
    )
    assert "/style.css" in page.text
    css = browser.client.get(f"{chart_path(browser)}/style.css")
    assert "--accent: #336699;" in css.text
    assert "display" not in css.text
    browser, _ = opened(general, patient="p1", smart_style_url="http://127.0.0.1:1/inside")
    assert browser.client.get(f"{chart_path(browser)}/style.css").text == ""


def test_two_requests_at_once_renew_a_token_once(clinic: Open) -> None:
    general = clinic()
    browser, _ = opened(general)
    here = general.app.state.page_context
    session = here.sessions.session(browser.client.cookies["__Host-ferroclaim"])
    launch = here.sessions.chart(session, chart_path(browser).split("/")[-1])
    users = [
        UserAuthorization(general.settings, here.sessions, here.directory, launch) for _ in range(4)
    ]
    stale = {"Authorization": f"Bearer {launch.access_token}"}
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda user: user.renew(stale), users))
    assert len({user.headers()["Authorization"] for user in users}) == 1
    assert (
        len([form for form in general.launcher.forms if form["grant_type"] == "refresh_token"]) == 1
    )


# Without a launch of the EHR


def test_standalone_with_a_patient_chosen_at_the_ehr(clinic: Open) -> None:
    general = clinic()
    general.ehr.load(telling_chart())
    browser = general.browser()
    page = browser.get("/sign-in?with=general&chart=true")
    assert "2 of 5 iron doses" in page.text
    assert general.launcher.refused == []
    scope = general.launcher.asked[0]["scope"].split()
    assert "launch/patient" in scope
    assert "launch" not in scope
    assert "user/Observation.rs" in scope


def test_the_hospitals_own_sign_in(clinic: Open, pages_server: HTTPServer) -> None:
    issuer = pages_server.url_for("/auth")
    provider = {
        "issuer": issuer,
        "client_id": "chart-app",
        "method": "client_secret_basic",
        "client_secret": "s3cret:/+",
    }
    general = clinic(web={"sign_in": provider, "roles": {"biller": ["sign-in:billing-office"]}})
    general.launcher.method = "client_secret_basic"
    general.launcher.claims = {"fhirUser": None, "groups": ["billing-office"], "sub": "maria"}
    general.launcher.context = {}
    general.launcher.redirect_uri = f"{PUBLIC_URL}/callback/sign-in"
    browser = general.browser()
    page = browser.get("/sign-in?with=sign-in")
    assert page.status_code == 200, page.text
    assert general.launcher.refused == []
    assert "aud" not in general.launcher.asked[0]
    assert urlsplit(browser.visited[-1]).path == "/worklist"
    out = browser.post(page, "/sign-out")
    assert "signed out" in out.text
    assert browser.get("/worklist").status_code == 401


def test_a_name_of_one_sign_in_means_nothing_at_another(
    clinic: Open, pages_server: HTTPServer
) -> None:
    provider = {"issuer": pages_server.url_for("/auth"), "client_id": "x", "method": "public"}
    general = clinic(web={"sign_in": provider, "roles": {"clinician": ["Practitioner/dr-1"]}})
    assert opened(general)[1].status_code == 403
    assert "general:Practitioner/dr-1" in opened(general)[1].text


def test_local_use_is_for_this_machine_and_a_named_person(
    pages_store: Store, tmp_path: Path
) -> None:
    site = {"base_url": "http://127.0.0.1:1/fhir"}
    settings = Settings.model_validate(
        {"data_dir": tmp_path, "web": {"local_user": "Ada"}, "sites": {"general": site}}
    )
    app = create_app(settings, pages_store)
    here = TestClient(
        app, base_url="https://127.0.0.1", client=("127.0.0.1", 1), follow_redirects=False
    )
    assert here.get("/sign-in").headers["location"] == "/worklist"
    assert "Ada" in here.get("/worklist").text
    strangers = [("https://127.0.0.1", "10.0.0.7"), ("https://evil.example.com", "127.0.0.1")]
    for base_url, peer in strangers:
        there = TestClient(app, base_url=base_url, client=(peer, 1), follow_redirects=False)
        assert there.get("/sign-in").status_code == 401


def test_a_missing_page_is_a_page_in_a_browser_and_json_for_a_program(clinic: Open) -> None:
    client = clinic().browser().client
    page = client.get("/nowhere", headers={"Accept": "text/html,application/xhtml+xml"})
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text
    assert 'href="/worklist"' in page.text
    assert client.get("/nowhere").json()["error"]["message"] == "Not Found"


def test_a_database_that_is_away_is_said_to_be(
    clinic: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whatever page: each begins with the session, which is kept there, too."""
    general = clinic()
    browser, _ = opened(general)

    def away(*_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(ConnectionPool, "connection", away)
    for path in (chart_path(browser), "/worklist", general.launch_path(patient="p1")):
        page = browser.get(path)
        assert (path, page.status_code) == (path, 503)
        assert "The database answers, but all connections" in page.text
