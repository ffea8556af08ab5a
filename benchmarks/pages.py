"""p95 of the chart page and of a CDS call under 20 concurrent users, with a fake EHR that takes 20
ms for every request.

The service runs in a process of its own; the fake EHR and the users share another. Nothing is
cached between requests but the EHR's CapabilityStatement: every page is read, assessed, kept in
PostgreSQL and rendered anew.
"""

import logging
import multiprocessing
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import KeySet
from pytest_httpserver import HTTPServer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from integration.configuration.settings import Settings  # noqa: E402
from integration.ehr.transport.keys import generate  # noqa: E402
from tests.builders import Resource, chart, order  # noqa: E402
from tests.fakes.ehr import FakeEhr  # noqa: E402
from tests.fakes.launcher import FakeLauncher  # noqa: E402
from tests.fakes.stage import free_port, telling_chart  # noqa: E402

USERS, EACH = 20, 10
LATENCY_SECONDS = 0.02
ISSUER, KEY = "https://ehr.example.com", generate("ES384")


def serve(settings: dict[str, Any], port: int) -> None:
    """The service, until it is ended."""
    import uvicorn

    from integration.serving.app import create_app

    uvicorn.run(
        create_app(Settings.model_validate(settings)),
        host="127.0.0.1",
        port=port,
        log_level="error",
        access_log=False,
    )


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        HTTPServer(threaded=True) as server,
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        launcher = FakeLauncher(server, redirect_uri=f"{url}/callback/general")
        ehr = FakeEhr(server, "hapi", authorization=launcher, latency_seconds=LATENCY_SECONDS)  # type: ignore[arg-type]
        ehr.load(telling_chart())
        server.expect_request("/keys").respond_with_json(KeySet([KEY]).as_dict(private=False))
        site = {
            "base_url": ehr.base_url,
            "vendor": "hapi",
            "time_zone": "America/New_York",
            "auth": {"method": "none"},
            "app": {"client_id": launcher.client_id},
            "cds": [{"issuer": ISSUER, "jwks_url": server.url_for("/keys")}],
        }
        settings = {"data_dir": folder, "web": {"public_url": url}, "sites": {"general": site}}
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(settings, port), daemon=True
        )
        process.start()
        try:
            wait_for(f"{url}/readyz")
            measure(url, launcher, ehr)
        finally:
            process.terminate()
            process.join(10)


def measure(url: str, launcher: FakeLauncher, ehr: FakeEhr) -> None:
    path = "/cds-services/iron-order-sign"
    charts = [signed_in(url, launcher, ehr) for _ in range(USERS)]
    timed("chart page", [lambda chart=chart: opened(*chart) for chart in charts])
    whole = request_body(chart(without=["ferritin", "tsat"]))
    timed("CDS call, all prefetched", [lambda: called(url, path, whole)] * USERS)
    launcher.tokens.add("transient")
    authorization = {"access_token": "transient", "token_type": "Bearer"}
    reading = {**request_body(None), "fhirServer": ehr.base_url, "fhirAuthorization": authorization}
    timed("CDS call that reads the chart", [lambda: called(url, path, reading)] * USERS)


def timed(name: str, users: list[Callable[[], None]]) -> None:
    """Each user goes on as soon as the last answer is there; the first round warms up."""

    def use(act: Callable[[], None]) -> list[float]:
        times = []
        for _ in range(EACH):
            began = time.perf_counter()
            act()
            times.append(time.perf_counter() - began)
        return times

    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(lambda act: act(), users))
        began = time.perf_counter()
        times = sorted(seconds for one in pool.map(use, users) for seconds in one)
        took = time.perf_counter() - began
    p95 = times[int(len(times) * 0.95)]
    print(
        f"{name:32} median {statistics.median(times):.3f} s   p95 {p95:.3f} s  "
        f" {len(times) / took:.0f}/s   {len(users)} users"
    )


def signed_in(url: str, launcher: FakeLauncher, ehr: FakeEhr) -> tuple[str, str]:
    """A launch as a browser does it; the cookies by hand, since they are `Secure`."""
    away = requests.get(
        f"{url}/launch?iss={ehr.base_url}&launch={launcher.new_launch(patient='p1')}",
        allow_redirects=False,
        timeout=30,
    )
    back = requests.get(away.headers["Location"], allow_redirects=False, timeout=30).headers[
        "Location"
    ]
    cookie = away.headers["Set-Cookie"].partition(";")[0]
    arrived = requests.get(back, headers={"Cookie": cookie}, allow_redirects=False, timeout=30)
    return url + arrived.headers["Location"], arrived.headers["Set-Cookie"].partition(";")[0]


def opened(address: str, cookie: str) -> None:
    answer = requests.get(address, headers={"Cookie": cookie}, timeout=60)
    assert "2 of 5 iron doses" in answer.text, answer.status_code


def called(url: str, path: str, body: dict[str, Any]) -> None:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": url + path,
        "exp": now + 300,
        "iat": now,
        "jti": uuid.uuid4().hex,
    }
    token = jwt.encode({"alg": "ES384", "kid": KEY.kid}, claims, KEY, algorithms=["ES384"])
    answer = requests.post(
        url + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert answer.json()["cards"] is not None, answer.text


def request_body(resources: list[Resource] | None) -> dict[str, Any]:
    from integration.cds.evidence import PREFETCH

    entry = {"resource": order("draft1", status="draft")}
    context = {
        "userId": "Practitioner/dr-1",
        "patientId": "p1",
        "draftOrders": {"resourceType": "Bundle", "entry": [entry]},
    }
    body: dict[str, Any] = {
        "hook": "order-sign",
        "hookInstance": str(uuid.uuid4()),
        "context": context,
    }
    if resources is not None:
        kinds = {
            name: template.partition("?")[0].partition("/")[0]
            for name, template in PREFETCH.items()
        }
        body["prefetch"] = {
            name: bundle([resource for resource in resources if resource["resourceType"] == kind])
            for name, kind in kinds.items()
        }
    return body


def bundle(resources: list[Resource]) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in resources],
    }


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise SystemExit("The service did not start.")


if __name__ == "__main__":
    main()
