"""U+0000 and halves of surrogate pairs: the resource is named and the rest goes on; no request is
answered with 500."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integration.assessing.clients import policies_for
from integration.assessing.sources import from_files
from integration.store import assessments
from mappings.assessment import ClaimLine
from mappings.reading.fhir.decoding import BROKEN_TEXT
from tests import notifications as sent
from tests.builders import administration, chart, order, patient
from tests.fakes.browser import PUBLIC_URL
from tests.fakes.chart import resource
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open
from tests.service import NOW, Running

Make = Callable[..., Running]
BROKEN = pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
SPOILED = {
    "Patient/p1": lambda text: [patient(name=[{"family": text}])],
    "MedicationAdministration/other": lambda text: [administration("other", note=text)],
    "Condition/other": lambda text: [resource("Condition", "other", code={"text": text})],
}


def with_spoiled(reference: str, text: str) -> list[dict[str, Any]]:
    spoiled = SPOILED[reference](text)
    kept = [
        resource
        for resource in chart()
        if f"{resource['resourceType']}/{resource['id']}" != reference
    ]
    return [*kept, *spoiled]


def said_by_the_command_line(
    resources: list[dict[str, Any]], running: Running, folder: Path, as_of: datetime
) -> Any:
    file = folder / "chart.json"
    file.write_text(
        json.dumps(
            {"resourceType": "Bundle", "entry": [{"resource": resource} for resource in resources]}
        )
    )
    site = running.settings.site("general")
    (found,) = from_files(str(file), site.facts(), policies_for(site), as_of).document.patients
    return found


def row_of(line: ClaimLine) -> tuple[object, ...]:
    return line.id, line.code, line.units, line.modifiers, line.status, line.diagnoses, line.reasons


@BROKEN
@pytest.mark.parametrize("reference", SPOILED)
def test_the_service_and_the_command_line_name_the_resource_and_bill_the_rest(
    running: Make, tmp_path: Path, reference: str, text: str
) -> None:
    resources = with_spoiled(reference, text)
    service = running(resources=resources)
    service.assess()
    service.work()
    with service.store.transaction() as db:
        kept = assessments.current(db, "general", "p1")
    assert kept, service.failures()
    assert [(problem.resource, problem.problem) for problem in kept.assessment.unreadable] == [
        (reference, BROKEN_TEXT)
    ]
    assert [line.code for line in kept.assessment.lines] == ["J1756"]
    assert service.failures() == []
    files = said_by_the_command_line(resources, service, tmp_path, NOW)
    assert files.unreadable == kept.assessment.unreadable
    assert [row_of(line) for line in files.lines] == [
        row_of(line) for line in kept.assessment.lines
    ]


@BROKEN
def test_a_notification_is_a_hint_whatever_text_it_holds(running: Make, text: str) -> None:
    service = running()
    body = sent.administration() | {"note": [{"text": text}], "meta": {"versionId": text}}
    assert service.notify(body) == 204
    assert service.outcomes() == ["queued"]
    for path in ("/MedicationAdministration/a%00", "/%00/x", "/MedicationAdministration/%ED%A0%80"):
        assert service.notify(path=path, method="PUT") == 400
    assert service.notify(hook="a%00") == 400
    assert service.notify(sent.administration() | {"id": text}) == 422
    event = sent.event(1, f"MedicationAdministration/{text}")
    assert service.notify(sent.topic_r4(event)) == 204


@pytest.fixture
def hospital(clinic: Open) -> Clinic:
    made = clinic(web={"roles": {"clinician": ["*"], "biller": ["*"], "admin": ["*"]}})
    made.ehr.load(telling_chart())
    return made


def test_no_address_with_broken_text_is_an_error_of_ours(hospital: Clinic) -> None:
    browser = hospital.browser()
    assert browser.get(hospital.launch_path(patient="p1")).status_code == 200
    for path in (
        "/worklist?view=%00", "/worklist?q=%00", "/worklist?owner=%00", "/api/worklist/%00",
        "/api/worklist?site=%00", "/chart/%00",
        "/worklist/line/%00", "/launch?iss=%00&launch=%00", "/sign-in?with=%00",
        "/callback?state=%00&code=%00", "/figures?name=%00",
    ):  # fmt: skip
        assert browser.client.get(path).status_code == 400, path
        assert browser.client.get(path.replace("%00", "%ED%A0%80")).status_code < 500, path


@pytest.mark.parametrize("charset", ["utf-8", "unicode_escape"])
@BROKEN
def test_no_form_with_broken_text_is_an_error_of_ours(
    hospital: Clinic, text: str, charset: str
) -> None:
    browser = hospital.browser()
    page = browser.get(hospital.launch_path(patient="p1"))
    form = page.text.partition('name="csrf" value="')[2]
    fields = {
        "csrf": form.partition('"')[0],
        "gap": page.text.partition('name="gap" value="')[2].partition('"')[0],
        "reason": f"broken {text}",
    }
    written = {
        name: value.encode(
            "unicode_escape" if charset == "unicode_escape" else "utf-8", "surrogatepass"
        )
        for name, value in fields.items()
    }
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v)
        for n, v in written.items()
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    path = f"{browser.visited[-1].partition('?')[0].removeprefix(PUBLIC_URL)}/waive"
    answer = browser.client.post(path, content=body + b"--x--\r\n", headers={"Content-Type": kind})
    assert answer.status_code in (
        (422,) if charset == "unicode_escape" or "\0" in text else (303, 422)
    ), answer.text
    plain = browser.client.post(path, data=fields | {"reason": "broken \0"})
    assert plain.status_code == 422
    assert "is not text" in plain.text


@BROKEN
def test_a_broken_chart_has_a_page_that_says_so(hospital: Clinic, text: str) -> None:
    hospital.ehr.load([order("broken", note=[{"text": text}]), patient(name=[{"family": text}])])
    page = hospital.browser().get(hospital.launch_path(patient="p1"))
    assert page.status_code == 200
    assert "MedicationRequest/broken" in page.text


@BROKEN
def test_a_person_with_a_broken_name_gets_in(hospital: Clinic, text: str) -> None:
    hospital.launcher.claims = dict.fromkeys(("name", "sub", "preferred_username"), "a\0b")
    hospital.launcher.token_answer = {
        "appContext": text,
        "smart_style_url": text,
        "fhirContext": [{"reference": text}],
    }
    assert hospital.browser().get(hospital.launch_path(patient="p1")).status_code == 200
    hospital.launcher.claims = {"fhirUser": "Practitioner/a\0b"}
    assert hospital.browser().get(hospital.launch_path(patient="p1")).status_code == 403
