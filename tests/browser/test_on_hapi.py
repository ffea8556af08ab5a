"""The whole way on a real FHIR server: launch, waive, and the issue is closed in the chart."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import expect

from integration.store import Store
from tests.browser.conftest import Window
from tests.fakes.stage import stage, telling_chart

GAP = "urn:ferroclaim:gap"


def loaded(hapi: str, fresh: Callable[[str], str]) -> str:
    """The telling chart under ids of its own; returns the patient's."""
    names = {
        f"{found['resourceType']}/{found['id']}": f"{found['resourceType']}/{fresh(found['id'])}"
        for found in telling_chart()
    }
    entries = []
    for resource in telling_chart():
        target = names[f"{resource['resourceType']}/{resource['id']}"]
        entries.append(
            {
                "resource": _renamed({**resource, "id": target.split("/")[1]}, names),
                "request": {"method": "PUT", "url": target},
            }
        )
    body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = requests.post(hapi, json=body, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    return names["Patient/p1"].split("/")[1]


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """References to what is loaded; a specimen is left out, since HAPI wants every reference to
    lead somewhere."""
    if isinstance(value, dict):
        return {
            key: _renamed(inner, names)
            for key, inner in value.items()
            if key not in ("specimen", "meta")
        }
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def found(hapi: str, kind: str, patient: str) -> list[dict[str, Any]]:
    headers = {"Cache-Control": "no-cache"}
    answer = requests.get(f"{hapi}/{kind}?patient={patient}", headers=headers, timeout=60).json()
    return [entry["resource"] for entry in answer.get("entry", [])]


def test_launch_waive_closed_issue(
    hapi: str, fresh: Callable[[str], str], pages_store: Store, tmp_path: Path, window: Window
) -> None:
    patient = loaded(hapi, fresh)
    practitioner = fresh("dr")
    requests.put(
        f"{hapi}/Practitioner/{practitioner}",
        json={"resourceType": "Practitioner", "id": practitioner},
        timeout=60,
    )
    with stage(tmp_path, pages_store, real=hapi) as clinic:
        clinic.launcher.claims = {"fhirUser": f"{clinic.ehr.base_url}/Practitioner/{practitioner}"}
        page = window()
        began = time.monotonic()
        page.goto(clinic.launch_url(patient=patient))
        expect(page.locator("h1")).to_contain_text("2 of 5 iron doses")
        print(f"launch to page on HAPI: {time.monotonic() - began:.2f} s")
        for name in ("Order the test", "Order it again"):  # pressed twice, ordered once
            page.get_by_text(name).click()
            page.get_by_role("button", name="Put the draft into the chart").click()
            expect(page.get_by_role("status")).to_contain_text("draft order is in the chart")
        (draft,) = found(hapi, "ServiceRequest", patient)  # of the saturation: ferritin is there
        assert draft["status"] == "draft"
        began = time.monotonic()
        page.reload()
        print(f"the page again: {time.monotonic() - began:.2f} s")
        card = page.locator("article.card").first
        card.get_by_text("Not needed, because …").click()
        card.get_by_label("Reason").fill("Drawn at another hospital")
        card.get_by_role("button", name="Waive").click()
        expect(page.get_by_role("status")).to_contain_text("with your reason in the chart")
        by_requirement = {
            issue["code"]["coding"][0]["code"]: issue
            for issue in found(hapi, "DetectedIssue", patient)
        }
        closed = by_requirement["transferrin-saturation"]
        assert closed["status"] == "final"
        assert closed["mitigation"][0]["author"]["reference"] == f"Practitioner/{practitioner}"
        assert by_requirement["discarded-amount"]["status"] == "preliminary"
        page.get_by_text("Record what was discarded").click()
        page.get_by_role("spinbutton").fill("50")
        page.get_by_role("button", name="Record", exact=True).click()
        expect(page.locator("h1")).not_to_contain_text("you can settle here")
        expect(page.locator("h1")).to_contain_text("release of what was waived")
        assert {issue["status"] for issue in found(hapi, "DetectedIssue", patient)} == {"final"}
        assert (
            len(
                [
                    issue
                    for issue in found(hapi, "DetectedIssue", patient)
                    if issue["identifier"][0]["system"] == GAP
                ]
            )
            == 2
        )
