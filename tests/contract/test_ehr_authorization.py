"""Signing in: SMART Backend Services and client secrets against an authorization server that
checks."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.doctor import examine
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.auth import ClientCredentials, Tokens, authorization_for
from integration.ehr.transport.keys import Algorithm, Keyring, generate
from integration.errors import BadAnswer, ConfigurationError, Unauthorized, Unreachable
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.chart import chart, ferritin, resource
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]


@pytest.fixture(scope="module")
def ring() -> Keyring:
    return Keyring((generate("ES384"),))


@pytest.fixture
def registered(ehr_server: HTTPServer, ring: Keyring) -> FakeAuthorization:
    """An authorization server that knows our key."""
    return FakeAuthorization(ehr_server, ring.jwks())


@pytest.fixture
def auth(ring: Keyring, tmp_path: Path) -> dict[str, Any]:
    ring.save(tmp_path / "keys.json")
    return {
        "method": "private_key_jwt",
        "client_id": "ferroclaim",
        "key_file": tmp_path / "keys.json",
    }


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
def test_private_key_jwt_reads_a_patient(
    algorithm: Algorithm, ehr: Make, connect: Connect, ehr_server: HTTPServer, tmp_path: Path
) -> None:
    ring = Keyring((generate(algorithm),))
    ring.save(tmp_path / "keys.json")
    auth = {
        "method": "private_key_jwt",
        "client_id": "ferroclaim",
        "key_file": tmp_path / "keys.json",
    }
    server = FakeAuthorization(ehr_server, ring.jwks())
    pull = read_patient(connect(ehr("hapi", authorization=server).load(chart()), auth=auth), "p1")
    assert len(pull.resources) == len(chart())
    assert len(server.given) == 1


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_secret_reads_a_patient(
    method: str, ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    server = FakeAuthorization(ehr_server)
    auth = {"method": method, "client_id": "ferroclaim", "client_secret": server.secret}
    pull = read_patient(connect(ehr("hapi", authorization=server).load(chart()), auth=auth), "p1")
    assert len(pull.resources) == len(chart())


def test_without_authorization_nothing_is_sent(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    read_patient(connect(fake), "p1")
    assert not any("Authorization" in headers for headers in fake.headers)


def test_a_netrc_never_takes_the_place_of_our_token(
    ehr: Make, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fake = ehr("hapi").load(chart())
    read_patient(connect(fake), "p1")
    assert not any("Authorization" in headers for headers in fake.headers)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_the_environment_names_is_asked(
    scheme: str, ehr_server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the clear for the whole address; else for a way through, which this one refuses."""
    monkeypatch.setenv(f"{scheme}_proxy", ehr_server.url_for(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    ehr_server.expect_request("/fhir/Patient/p1").respond_with_json(resource("Patient", "p1"))
    with EhrClient(Site.adhoc(f"{scheme}://ehr.invalid/fhir", limits={"retries": 0})) as client:
        if scheme == "https":
            with pytest.raises(Unreachable, match="cannot be reached"):
                client.read("Patient", "p1")
        else:
            assert client.read("Patient", "p1")["id"] == "p1"
    request = ehr_server.log[0][0]
    assert request.method == {"https": "CONNECT", "http": "GET"}[scheme]
    assert scheme == "https" or request.host == "ehr.invalid"


def test_one_token_for_all_who_share_it(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    """Twenty threads of two clients, one token: the others wait for the one that fetches it."""
    site = Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth)
    tokens = Tokens()
    several = [authorization_for(site, tokens) for _ in range(2)]
    with ThreadPoolExecutor(20) as pool:
        headers = list(pool.map(lambda n: several[n % 2].headers()["Authorization"], range(40)))
    assert len(set(headers)) == len(registered.given) == 1


def test_q13_a_token_that_dies_at_page_3_is_renewed_and_the_page_repeated(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    many = [ferritin(f"f{n}") for n in range(5)]
    fake = ehr("epic", authorization=registered, page_size=1).load(many)
    registered.uses = 2
    found = connect(fake, auth=auth).search(
        "Observation", {"patient": "p1", "category": "laboratory"}
    )
    assert [r["id"] for r in found] == [r["id"] for r in many]
    pages = [r for r in fake.requests if "Observation" in r or "sessionID" in r]
    assert len(pages) == 5 + 2  # the third and the fifth were asked for twice
    assert len(registered.given) == 3


def test_q13_a_401_signs_in_again_once_and_is_no_retry(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    fake = ehr("epic", authorization=registered).load([resource("Patient", "p1")])
    registered.uses = 0
    with pytest.raises(Unauthorized, match="was answered with 401"):
        connect(fake, auth=auth).read("Patient", "p1")
    assert len(registered.given) == 2


def test_a_revoked_token_is_renewed_for_a_write(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    client = connect(ehr("hapi", authorization=registered), auth=auth)
    client.search("Device")
    registered.revoke()
    answer = client.transport.write("PUT", "Device/d1", {"resourceType": "Device", "id": "d1"})
    assert answer.status == 201


def test_a_token_is_renewed_before_it_ends(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth)
    ours = authorization_for(site, Tokens())
    now = time.time()
    for ahead, given in ((0, 1), (269, 1), (271, 2)):  # of 300 seconds, 30 before the end
        monkeypatch.setattr(ours, "now", lambda ahead=ahead: now + ahead)
        registered.clock = ahead
        ours.headers()
        assert len(registered.given) == given


def test_a_missing_expires_in_means_short(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.expires_in = None
    ours = authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    )
    now = time.time()
    for ahead, given in ((0, 1), (50, 1), (60, 2)):
        monkeypatch.setattr(ours, "now", lambda ahead=ahead: now + ahead)
        registered.clock = ahead
        ours.headers()
        assert len(registered.given) == given


@pytest.mark.parametrize(
    ("capabilities", "listed", "asked"),
    [
        (["permission-v2"], None, "system/Observation.rs"),
        (["permission-v1", "permission-v2"], None, "system/Observation.rs"),
        (["permission-v1"], None, "system/Observation.read"),
        ([], None, "system/Observation.read"),
        ([], ["system/Observation.rs"], "system/Observation.rs"),
        ([], ["system/Observation.read"], "system/Observation.read"),
        (["permission-v2"], ["system/*.rs"], "system/Observation.rs"),
    ],
)
def test_q43_scopes_follow_what_the_server_says(
    capabilities: list[str],
    listed: list[str] | None,
    asked: str,
    ehr: Make,
    registered: FakeAuthorization,
    auth: dict[str, Any],
) -> None:
    registered.capabilities = capabilities
    registered.configuration = {"scopes_supported": listed} if listed else {}
    authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert asked in registered.given[0]["scope"].split()


def test_only_listed_scopes_are_asked_for(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    """Oracle lists 303 of them and refuses any other."""
    registered.scopes = ["system/Observation.rs", "system/Patient.rs", "system/Schedule.rs"]
    authorization_for(
        Site.adhoc(ehr("oracle", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert registered.given[0]["scope"] == "system/Observation.rs system/Patient.rs"


@pytest.mark.parametrize(
    ("write_back", "asked", "not_asked"),
    [
        ("auto", "system/DetectedIssue.cu", "system/DetectedIssue.write"),
        ("auto", "system/Provenance.c", "system/DocumentReference.cu"),
        ("DocumentReference", "system/DocumentReference.cu", "system/DetectedIssue.cu"),
        ("Task", "system/Task.cu", "system/DetectedIssue.cu"),
        ("worklist", "system/Task.rs", "system/Provenance.c"),
        ("worklist", "system/Task.rs", "system/Device.cu"),
    ],
)
def test_no_more_is_asked_for_than_the_site_writes(
    write_back: str,
    asked: str,
    not_asked: str,
    ehr: Make,
    registered: FakeAuthorization,
    auth: dict[str, Any],
) -> None:
    site = Site.adhoc(
        ehr("hapi", authorization=registered).base_url, auth=auth, write_back=write_back
    )
    authorization_for(site, Tokens()).headers()
    given = registered.given[0]["scope"].split()
    assert asked in given
    assert not_asked not in given


def test_q43_the_sites_own_scopes_win(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    auth["scopes"] = ["system/Patient.rs"]
    authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert registered.given[0]["scope"] == "system/Patient.rs"


def test_q43_epics_bare_400_is_asked_again_with_a_new_assertion(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.bare_400s = 1
    fake = ehr("epic", authorization=registered).load(chart())
    connect(fake, auth=auth).read("Patient", "p1")
    first, second = registered.forms
    assert first["client_assertion"] != second["client_assertion"]


def test_q43_epic_is_told_the_client_in_a_header(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    connect(ehr("epic", authorization=registered).load(chart()), auth=auth).read("Patient", "p1")
    assert registered.headers[0]["Epic-Client-Id"] == "ferroclaim"


def test_q43_only_a_token_endpoint_is_required(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.configuration = {"capabilities": "not a list", "scopes_supported": None}
    authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert registered.given


def test_a_relative_token_endpoint_is_resolved(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.configuration = {"token_endpoint": "/oauth/token"}
    authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert registered.given


def test_a_wrong_key_says_what_to_check(
    ehr: Make, connect: Connect, ehr_server: HTTPServer, auth: dict[str, Any]
) -> None:
    stranger = FakeAuthorization(ehr_server, Keyring((generate("ES384"),)).jwks())
    with pytest.raises(Unauthorized) as raised:
        connect(ehr("hapi", authorization=stranger), auth=auth).read("Patient", "p1")
    assert re.fullmatch(
        r"Site general: the token endpoint at localhost:\d+ answered 401 \(invalid_client\)\. "
        r"Check client_id, and that our current public key \(or the secret\) is registered\.",
        str(raised.value),
    )


def test_a_key_that_the_ehr_does_not_know_yet_keeps_nobody_out(
    ehr: Make,
    connect: Connect,
    registered: FakeAuthorization,
    auth: dict[str, Any],
    ring: Keyring,
) -> None:
    """`keys new` while we run: until the EHR has the new key, the old one signs."""
    fake = ehr("hapi", authorization=registered).load(chart())
    client = connect(fake, auth=auth)
    client.read("Patient", "p1")
    both = ring.with_new("ES384", now=time.time() + 60)
    both.save(auth["key_file"])
    registered.revoke()
    client.read("Patient", "p1")
    signing = client.transport.auth
    assert isinstance(signing, ClientCredentials)
    assert signing.keys.refused == {both.signing().kid}
    assert "The server does not know our newest key" in [
        finding.what for finding in examine(Site.adhoc(fake.base_url, auth=auth)).findings
    ]
    registered.jwks = both.jwks()
    registered.revoke()
    tried = len(registered.forms)
    client.read("Patient", "p1")
    assert len(registered.forms) == tried + 1


def test_a_retired_key_signs_no_more(
    ehr: Make,
    connect: Connect,
    registered: FakeAuthorization,
    auth: dict[str, Any],
    ring: Keyring,
) -> None:
    """The file is read for each token; one that is away for a moment is as it was."""
    client = connect(ehr("hapi", authorization=registered).load(chart()), auth=auth)
    client.read("Patient", "p1")
    new = ring.with_new("ES384", now=time.time() + 60).without(str(ring.signing().kid))
    new.save(auth["key_file"])
    registered.jwks = new.jwks()
    registered.revoke()
    client.read("Patient", "p1")
    auth["key_file"].unlink()
    registered.revoke()
    client.read("Patient", "p1")
    assert len(registered.forms) == 3


@pytest.mark.parametrize(
    ("off", "said"), [(-3600, "(3599|3600|3601) s behind"), (3600, "(3599|3600|3601) s ahead")]
)
def test_a_wrong_clock_is_named(
    off: int,
    said: str,
    ehr: Make,
    connect: Connect,
    registered: FakeAuthorization,
    auth: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = connect(ehr("hapi", authorization=registered), auth=auth)
    monkeypatch.setattr(client.transport.auth, "now", lambda: time.time() + off)
    with pytest.raises(Unauthorized, match=f"Set this machine's clock, which is {said}"):
        client.read("Patient", "p1")


def test_a_refused_scope_says_so(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.scopes = ["system/Patient.rs"]
    auth["scopes"] = ["system/Everything.rs"]
    with pytest.raises(Unauthorized, match=r"\(invalid_scope\)\. Register the missing scopes"):
        connect(ehr("hapi", authorization=registered), auth=auth).read("Patient", "p1")


def test_a_token_endpoint_that_is_down_is_retryable(
    ehr: Make, connect: Connect, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    fake = ehr("hapi", authorization=registered)
    registered.bare_400s = 9
    with pytest.raises(Unreachable, match="answered 400"):
        connect(fake, auth=auth, limits={"retries": 1}).read("Patient", "p1")
    assert len(registered.forms) == 2


def test_no_smart_configuration(ehr_server: HTTPServer, auth: dict[str, Any]) -> None:
    ehr_server.expect_request("/fhir/.well-known/smart-configuration").respond_with_data(
        "<html>", status=404
    )
    with pytest.raises(
        ConfigurationError, match=r"answered 404 and names no token endpoint\. Check base_url"
    ):
        authorization_for(Site.adhoc(ehr_server.url_for("/fhir"), auth=auth), Tokens()).headers()


def test_a_configured_token_url_is_enough(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.configuration = {"token_endpoint": None}
    auth["token_url"] = registered.token_url
    authorization_for(
        Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
    ).headers()
    assert registered.given


def test_a_token_endpoint_in_the_clear_is_refused(
    ehr: Make, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    registered.configuration = {"token_endpoint": "http://login.example.org/token"}
    with pytest.raises(ConfigurationError, match=r"login\.example\.org is not https"):
        authorization_for(
            Site.adhoc(ehr("hapi", authorization=registered).base_url, auth=auth), Tokens()
        ).headers()


def test_an_answer_without_a_token(
    ehr_server: HTTPServer, registered: FakeAuthorization, auth: dict[str, Any]
) -> None:
    ehr_server.expect_request("/elsewhere").respond_with_json({"token_type": "bearer"})
    auth["token_url"] = ehr_server.url_for("/elsewhere")
    with pytest.raises(BadAnswer, match="answered 200 without an access token"):
        authorization_for(Site.adhoc(ehr_server.url_for("/fhir"), auth=auth), Tokens()).headers()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            b'{"access_token": "t", "expires_in": 1e400}',
            "expires_in that is not a number of seconds",
        ),
        (b'{"access_token": "t", "expires_in": 1' + b"0" * 400 + b"}", "expires_in that is no"),
        (b'{"access_token": "t\\r\\nX-Evil: 1"}', "access token that holds a line break"),
        (b'{"access_token": {"t": 1}}', "without an access token"),
        (b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "nested too deeply"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told(
    ehr_server: HTTPServer, auth: dict[str, Any], body: bytes, says: str
) -> None:
    ehr_server.expect_request("/elsewhere").respond_with_data(body)
    auth["token_url"] = ehr_server.url_for("/elsewhere")
    with pytest.raises(BadAnswer, match=says):
        authorization_for(Site.adhoc(ehr_server.url_for("/fhir"), auth=auth), Tokens()).headers()


def test_the_secret_is_in_no_message(ehr: Make, connect: Connect, ehr_server: HTTPServer) -> None:
    auth = {"method": "client_secret_post", "client_id": "ferroclaim", "client_secret": "geheim"}
    client = connect(ehr("hapi", authorization=FakeAuthorization(ehr_server)), auth=auth)
    with pytest.raises(Unauthorized) as raised:
        client.read("Patient", "p1")
    assert "geheim" not in str(raised.value) + repr(client.site) + repr(raised.value.__dict__)
