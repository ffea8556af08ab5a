"""`demo --pages`: the pages with the sample patients, and nothing left of it at the end."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from integration import samples
from integration.samples.ehr import SampleEhr
from integration.web.gate import SESSION_COOKIE

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "integration.cli", "demo", "--pages", "--no-browser", "--port"]
ROOT = Path(__file__).parents[2]


@dataclass
class Demo:
    """A demo at work, and a browser before it, whose cookies are `Secure` on plain loopback."""

    clinician: str
    biller: str
    folder: Path
    cookie: str = ""

    @property
    def address(self) -> str:
        return self.clinician.removesuffix("/demo")

    def get(self, path: str) -> requests.Response:
        return self._followed(self._kept(requests.get(self.address + path, **self._sent())))

    def post(self, path: str, **form: str) -> requests.Response:
        answer = requests.post(self.address + path, form, **self._sent())
        return self._followed(self._kept(answer))

    def fhir(self, path: str) -> Any:
        return requests.get(f"{self.address}/demo/fhir/{path}").json()

    def open_chart(self, patient: str) -> str:
        """The path of the chart."""
        answer = requests.get(f"{self.address}/demo/charts/{patient}", **self._sent())
        return self._kept(answer).headers["Location"]

    def _sent(self) -> dict[str, Any]:
        headers = {"Cookie": f"{SESSION_COOKIE}={self.cookie}"} if self.cookie else {}
        return {"headers": headers, "allow_redirects": False}

    def _followed(self, answer: requests.Response) -> requests.Response:
        return self.get(answer.headers["Location"]) if answer.is_redirect else answer

    def _kept(self, answer: requests.Response) -> requests.Response:
        found = re.search(rf"{SESSION_COOKIE}=([^;]+)", answer.headers.get("Set-Cookie", ""))
        self.cookie = found[1] if found else self.cookie
        return answer


def started(folder: Path, *, port: str = "0") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, port],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # Not under pytest's own folder: PostgreSQL runs as another user than root.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        running = started(folder)
        assert running.stdout
        lines = [running.stdout.readline().split() for _ in range(2)]
        assert [line[0] for line in lines] == ["Clinician", "Biller"]
        yield Demo(lines[0][1], lines[1][1], folder)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
        assert running.returncode == 0
        assert "Nothing was kept" in err
        assert "Traceback" not in err
        assert list(folder.glob("ferroclaim*")) == []


def test_it_is_of_this_machine_alone(demo: Demo) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", demo.address)


def test_every_sample_patient_with_iron_is_on_the_list(demo: Demo) -> None:
    page = demo.get("/demo").text
    assert page.count("/demo/charts/") == len(samples.bundles()) - 1  # quill has none
    assert "3 held" in page


def test_the_worklist_holds_their_lines(demo: Demo) -> None:
    page = demo.get("/sign-in").text
    assert "Sampleton, Ada" in page
    assert re.search(r"\$[1-9][\d,]*\.\d\d", page)  # as of today: filing limits age
    assert "No work has failed" in page


def test_the_chart_of_a_patient(demo: Demo) -> None:
    page = demo.get(demo.open_chart("carla")).text
    assert "Mockridge, Carla" in page
    assert "No transferrin saturation" in page


def test_chart_and_worklist_are_open_side_by_side(demo: Demo) -> None:
    chart = demo.open_chart("bruno")
    demo.get("/sign-in")
    assert demo.get(chart).status_code == 200


def test_what_is_recorded_stands_in_the_sample_chart(demo: Demo) -> None:
    chart = demo.open_chart("carla")
    csrf = re.search(r'name="csrf" value="(\w+)"', demo.get(chart).text)
    assert csrf
    said = demo.post(
        f"{chart}/oral-iron", csrf=csrf[1], kind="intolerance", drug="Oral iron", reason="nausea"
    ).text
    assert "Recorded in the chart" in said
    assert "No trial of oral iron" not in said
    assert demo.fhir("AllergyIntolerance?patient=carla")["total"] == 1
    closed: list[str] = []
    for _ in range(100):  # at once, or by the worker that holds the chart just then
        found = demo.fhir("DetectedIssue?patient=carla")["entry"]
        closed = [row["resource"]["status"] for row in found]
        if "final" in closed:
            break
        time.sleep(0.1)
    assert "final" in closed


def test_orders_stand_in_the_sample_chart(demo: Demo) -> None:
    chart = demo.open_chart("carla")
    forms = re.findall(r'action="[^"]*/order".*?</form>', demo.get(chart).text, re.DOTALL)
    for form in forms:
        fields = dict(re.findall(r'name="(csrf|gap)" value="([^"]+)"', form))
        assert "draft order is in the chart" in demo.post(f"{chart}/order", **fields).text
    assert demo.fhir("ServiceRequest?patient=carla")["total"] == len(forms) == 2


def test_a_foreign_page_writes_nothing(demo: Demo) -> None:
    """A browser sends text/plain anywhere without asking; FHIR's type it asks for first."""
    body = '{"resourceType": "ServiceRequest", "subject": {"reference": "Patient/ada"}}'
    sent = requests.post(
        f"{demo.address}/demo/fhir/ServiceRequest", body, headers={"Content-Type": "text/plain"}
    )
    assert sent.status_code == 415
    assert demo.fhir("ServiceRequest?patient=ada")["total"] == 0


def test_nobody_comes_in_under_another_name(demo: Demo) -> None:
    """A page of elsewhere may lead a name of its own to 127.0.0.1."""
    answer = requests.get(f"{demo.address}/demo/charts/ada", headers={"Host": "evil.example.com"})
    assert answer.status_code == 401


def test_without_a_session_there_is_a_way_on(demo: Demo) -> None:
    page = requests.get(f"{demo.address}/worklist").text
    assert "You are not signed in" in page
    assert "Please sign in<" in page
    assert "Go on as Demo user" in page
    assert requests.get(demo.address).url == f"{demo.address}/demo"


def test_no_such_patient_is_a_page(demo: Demo) -> None:
    answer = demo.get("/demo/charts/nobody")
    assert (answer.status_code, "no such sample patient" in answer.text) == (404, True)


def test_a_taken_port_is_said_before_anything_begins(demo: Demo) -> None:
    port = demo.address.rpartition(":")[2]
    with tempfile.TemporaryDirectory() as name:
        running = started(Path(name), port=port)
        _, err = running.communicate(timeout=30)
        assert running.returncode == 2
        assert f"Port {port} of 127.0.0.1 cannot be had: it is taken" in err
        assert list(Path(name).glob("ferroclaim*")) == []


# The sample EHR by itself


def ehr() -> SampleEhr:
    return SampleEhr(samples.resources())


def test_the_samples_share_no_id() -> None:
    named = [f"{resource['resourceType']}/{resource['id']}" for resource in samples.resources()]
    assert len(named) == len(set(named))


def test_a_stale_update_is_refused() -> None:
    there = ehr()
    dose = there.read("MedicationAdministration", "bruno-dose-1")
    assert dose
    update = ("MedicationAdministration", "bruno-dose-1", {**dose, "note": []})
    assert there.update(*update, 'W/"1"') == 200
    assert there.update(*update, 'W/"1"') == 412
    assert there.update("MedicationAdministration", "nobody", dose, None) == 404


def test_the_same_identifier_is_created_once() -> None:
    there = ehr()
    issue = {"resourceType": "DetectedIssue", "identifier": [{"system": "s", "value": "1"}]}
    assert [there.create(issue, "s|1")[1] for _ in range(2)] == [True, False]
