"""What must not happen, and must not be answered with a traceback: each is one sentence with the
site and the fix."""

import ipaddress
import json
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_httpserver import HTTPServer
from werkzeug import Response

from integration.configuration.site import Site
from integration.ehr.client import EhrClient
from integration.ehr.fhir.references import patient_id
from integration.ehr.reading.patient import read_patient
from integration.ehr.transport.failing import untrusted
from integration.errors import BadAnswer, ConfigurationError, Forbidden, Refused, Unreachable
from tests.fakes.authorization import FakeAuthorization
from tests.fakes.chart import chart, ferritin, resource
from tests.fakes.ehr import FakeEhr

Make = Callable[..., FakeEhr]
Connect = Callable[..., EhrClient]


def test_html_instead_of_json(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    fake.inject(Response("<html>Sign in</html>", content_type="text/html"), pattern="Observation")
    with pytest.raises(BadAnswer) as raised:
        connect(fake).search("Observation", {"patient": "p1", "category": "laboratory"})
    assert (
        str(raised.value)
        == "Site general: the search for Observation was answered with text/html that is not a FHIR"
        " Bundle. Check that base_url is the FHIR base, without a proxy or sign-in page"
        " before it."
    )


def test_html_instead_of_a_capability_statement(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic")
    fake.inject(Response("<html>", content_type="text/html"), pattern="metadata")
    with pytest.raises(BadAnswer, match="/metadata was answered with text/html that is not JSON"):
        read_patient(connect(fake), "p1")


@pytest.mark.parametrize(
    "body",
    ["[]", '"text"', "{}", '{"resourceType":"Bundle","entry":{}}', '{"resourceType":"Patient"}'],
)
def test_json_that_is_no_bundle(body: str, ehr: Make, connect: Connect) -> None:
    fake = ehr("epic")
    fake.inject(Response(body, content_type="application/fhir+json"), pattern="Condition")
    with pytest.raises(BadAnswer, match="is not a FHIR Bundle"):
        connect(fake).search("Condition", {"patient": "p1"})


def test_deeply_nested_json(ehr: Make, connect: Connect) -> None:
    deep = '{"resourceType":"Condition","id":"x","extension":' + "[" * 50_000 + "]" * 50_000 + "}"
    fake = ehr("epic").load([resource("Patient", "p1")])
    fake.inject(
        Response('{"resourceType":"Bundle","entry":[{"resource":' + deep + "}]}"),
        pattern="Condition",
    )
    pull = read_patient(connect(fake), "p1")
    assert pull.unread == {"Condition"}


def test_one_huge_resource_is_named_and_the_others_are_read(ehr: Make, connect: Connect) -> None:
    huge = resource("Condition", "huge", note=[{"text": "x" * 3000}])
    fake = ehr("epic").load([*chart(), huge])
    pull = read_patient(connect(fake, limits={"resource_bytes": 2000}), "p1")
    assert "Condition/d1" in [f"{r['resourceType']}/{r['id']}" for r in pull.resources]
    assert pull.problems == [
        {
            "resource": "Condition/huge",
            "problem": (
                "larger than 2000 bytes, so it was not read; raise limits.resource_bytes if that is"
                " right"
            ),
        }
    ]


def test_a_huge_answer_is_not_swallowed(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())

    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    fake.inject(Response(endless(), content_type="application/fhir+json"), pattern="Condition")
    with pytest.raises(
        BadAnswer, match=r"an answer is larger than 1000000 bytes\. Lower limits\.page_size"
    ):
        connect(fake, limits={"answer_bytes": 1_000_000}).search("Condition", {"patient": "p1"})


def test_pages_in_a_circle(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    link = [{"relation": "next", "url": f"{fake.base_url}?sessionID=again"}]
    for _ in range(2):
        fake.page(pattern="Condition|again", link=link)
    with pytest.raises(BadAnswer, match="the pages of a search for Condition run in a circle"):
        connect(fake).search("Condition", {"patient": "p1"})


def test_pages_without_end(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic", page_size=1).load([ferritin(f"f{n:02d}") for n in range(20)])
    with pytest.raises(
        BadAnswer, match=r"a search for Observation has more than 10 pages\. Raise limits\.pages"
    ):
        connect(fake, limits={"pages": 10}).search(
            "Observation", {"patient": "p1", "category": "laboratory"}
        )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:{port}/fhir?p=2",
        "https://localhost:{port}/fhir?p=2",
        "//127.0.0.2:{port}/fhir",
        "ftp://localhost/x",
    ],
)
def test_a_foreign_next_link_never_gets_the_token(
    url: str, ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    auth = FakeAuthorization(ehr_server)
    fake = ehr("epic", authorization=auth)
    fake.page(
        pattern="Condition", link=[{"relation": "next", "url": url.format(port=ehr_server.port)}]
    )
    client = connect(
        fake,
        auth={
            "method": "client_secret_post",
            "client_id": "ferroclaim",
            "client_secret": auth.secret,
        },
    )
    with pytest.raises(BadAnswer, match="leads to another server"):
        client.search("Condition", {"patient": "p1"})
    assert [r for r in fake.requests if "metadata" not in r] == ["GET Condition?patient=p1"]


def test_a_redirect_is_not_followed(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic")
    fake.inject(Response("", 302, {"Location": "http://127.0.0.2/"}), pattern="Condition")
    with pytest.raises(
        BadAnswer, match=r"302, a redirect, which was not followed\. Correct base_url"
    ):
        connect(fake).search("Condition", {"patient": "p1"})


def test_a_server_that_is_down() -> None:
    site = Site.adhoc("http://127.0.0.1:9/fhir", limits={"retries": 0})
    with EhrClient(site) as client, pytest.raises(Unreachable) as raised:
        read_patient(client, "p1")
    assert (
        str(raised.value)
        == "Site at-127-0-0-1: 127.0.0.1:9 cannot be reached. Check base_url and the network, then"
        " try again."
    )


def test_a_server_that_answers_too_slowly(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic", latency_seconds=0.5)
    with pytest.raises(Unreachable, match="did not answer in time"):
        read_patient(connect(fake, limits={"retries": 0, "read_timeout_seconds": 0.05}), "p1")


def test_retry_after_is_honored(
    ehr: Make, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", 429, {"Retry-After": "7"}), method="POST")
    fake.inject(Response("", 503, {"Retry-After": "86400"}), method="POST")
    read_patient(connect(fake), "p1")
    assert [seconds for seconds in slept if seconds] == [7, 120]  # what is asked for, within reason


def test_where_others_wait_no_thread_waits_long_for_a_server(
    ehr: Make, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that is slow, or has enough, keeps the work of every other site from its turn."""
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    fake = ehr("hapi").load(chart())
    limits = {"retries": 3, "read_timeout_seconds": 0.3}
    client = EhrClient(Site.adhoc(fake.base_url, vendor="hapi", limits=limits), patient=False)
    fake.inject(Response("", 429, {"Retry-After": "1"}), method="POST")
    read_patient(client, "p1")
    assert [seconds for seconds in slept if seconds] == [1]
    fake.inject(Response("", 429, {"Retry-After": "60"}), method="POST")
    with pytest.raises(Unreachable, match="429") as raised:
        read_patient(client, "p1")
    assert raised.value.wait_seconds == 60
    assert [seconds for seconds in slept if seconds] == [1]
    monkeypatch.undo()
    before, fake.latency_seconds = len(fake.requests), 0.6
    with pytest.raises(Unreachable, match="did not answer in time"):
        read_patient(client, "p1")
    assert len(fake.requests) - before <= 1


def test_what_a_server_writes_about_a_patient_is_not_repeated(ehr: Make, connect: Connect) -> None:
    fake = ehr("epic").load(chart())
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"code": "security", "diagnostics": "Jane Doe is restricted"}],
    }
    fake.inject(Response(json.dumps(outcome), 403), pattern="Patient/p1")
    with pytest.raises(Forbidden) as raised:
        connect(fake).read("Patient", "p1")
    assert (
        str(raised.value)
        == "Site general: reading a Patient was answered with 403 (security). Ask the EHR's"
        " administrator for the missing scope."
    )


@pytest.mark.parametrize("identity", ["secret-id", "SecretId", "Secret"])
def test_an_id_is_not_repeated_either(identity: str, ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(Response("", 422), method="PUT")
    with pytest.raises(Refused, match=r"^Site general: PUT DetectedIssue was answered with 422\."):
        connect(fake).transport.write("PUT", f"DetectedIssue/{identity}", {})


def test_a_text_is_no_code(ehr: Make, connect: Connect) -> None:
    fake = ehr("hapi").load(chart())
    issues = [
        {"code": "Jane Doe, born 1955", "details": {"coding": [{"code": "4119"}, {}]}},
        {"diagnostics": "HAPI-1094: Patient/p1"},
    ]
    fake.inject(
        Response(json.dumps({"resourceType": "OperationOutcome", "issue": issues}), 422),
        method="PUT",
    )
    with pytest.raises(Refused, match=r"was answered with 422 \(4119, HAPI-1094\)\. "):
        connect(fake).transport.write("PUT", "Task/t1", {})


@pytest.mark.parametrize(
    "text", ["", "Patient/", "a b", "../metadata", "p1?x=y", "p" * 65, "Observation/1"]
)
def test_a_patient_is_named_by_an_id(text: str) -> None:
    with pytest.raises(ConfigurationError, match="A patient is named by the FHIR id"):
        patient_id(text)


@pytest.mark.parametrize(
    "answer",
    [
        Response("", 405),
        Response("", 404),
        Response("", 501),
        Response("<html>", content_type="text/html"),
        Response('{"resourceType":"Bundle","entry":[]}'),
        Response('{"resourceType":"OperationOutcome","issue":[]}'),
    ],
    ids=["refused", "not there", "not implemented", "page", "fewer entries", "outcome"],
)
def test_a_batch_that_is_not_taken_after_all_is_read_singly(
    answer: Response, ehr: Make, connect: Connect
) -> None:
    fake = ehr("hapi").load(chart())
    fake.inject(answer, method="POST", times=9)
    pull = read_patient(connect(fake), "p1")
    assert len(pull.resources) == len(chart())
    assert fake.requests.count("POST ") == 1


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[HTTPServer, Path]]:
    """A server with a certificate that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    )
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    with HTTPServer(ssl_context=context) as server:
        yield server, tmp_path / "ca.pem"


def test_a_certificate_that_is_not_trusted(tls: tuple[HTTPServer, Path]) -> None:
    server, _ = tls
    site = Site.adhoc(server.url_for("/fhir"))
    with EhrClient(site) as client, pytest.raises(ConfigurationError) as raised:
        read_patient(client, "p1")
    assert re.fullmatch(
        r"Site localhost: the TLS certificate of localhost:\d+ is not trusted \(self-signed"
        r" certificate\)\. "
        r"Set ca_file to the certificate authority's file, or correct the address\.",
        str(raised.value),
    )


def test_a_certificate_of_the_configured_authority(tls: tuple[HTTPServer, Path]) -> None:
    server, ca_file = tls
    fake = FakeEhr(server, "hapi").load(chart())
    with EhrClient(Site.adhoc(fake.base_url, ca_file=ca_file)) as client:
        assert len(read_patient(client, "p1").resources) == len(chart())


def test_a_ca_file_that_is_not_there(ehr: Make, connect: Connect) -> None:
    site = Site.adhoc("https://localhost:1/fhir", ca_file="/nowhere/ca.pem")
    with pytest.raises(
        ConfigurationError,
        match=r"Site localhost: there is no file /nowhere/ca\.pem\. Correct ca_file\.",
    ):
        EhrClient(site)


def test_a_request_object_is_never_part_of_an_error(
    ehr: Make, connect: Connect, ehr_server: HTTPServer
) -> None:
    """Errors are pickled into queues and printed: they hold texts only."""
    import pickle

    fake = ehr("epic")
    fake.inject(Response("", 500), pattern="Condition")
    with pytest.raises(Unreachable) as raised:
        connect(fake, limits={"retries": 0}).search("Condition", {"patient": "p1"})
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert str(again) == str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("says", "fix"),
    [
        ("certificate has expired", "Have it renewed"),
        ("certificate is not yet valid", "this machine's clock"),
        ("Hostname mismatch, certificate is not valid for 'x'", "the certificate is for another"),
        ("WRONG_VERSION_NUMBER] wrong version number", "speaks no TLS"),
        ("unable to get local issuer certificate", "Set ca_file"),
    ],
)
def test_what_is_to_be_done_about_a_certificate(says: str, fix: str) -> None:
    error = requests.exceptions.SSLError(f"certificate verify failed: {says} (_ssl.c:1006)")
    assert fix in str(untrusted("general", "ehr.example.org", error))
