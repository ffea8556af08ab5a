"""What a clinician does on the chart page, and what stands in the chart and the database
afterward."""

import json
import re
from dataclasses import replace
from time import strptime
from typing import Any

import pytest
from werkzeug import Response

from integration.store import audit, decisions, gaps, patients, worklist
from integration.store.database.connection import Db
from integration.store.worklist import Filters
from tests.builders import Resource, administration, chart, commercial, condition, ferritin, tsat
from tests.fakes.browser import Browser
from tests.fakes.modes import MODES
from tests.fakes.stage import telling_chart
from tests.plugins.pages import Clinic, Open


@pytest.fixture
def hospital(clinic: Open, pages_store: Any) -> Clinic:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from write_backs")
    made = clinic(chart_link="https://ehr.example.com/{patient}/{type}/{id}")
    made.ehr.load(telling_chart())
    return made


def opened(hospital: Clinic) -> tuple[Browser, Any]:
    browser = hospital.browser()
    page = browser.get(hospital.launch_path(patient="p1"))
    assert page.status_code == 200, page.text
    return browser, page


def audited(db: Db, hospital: Clinic) -> list[str]:
    patient = patients.find(db, "general", "p1")
    assert patient
    return [f"{entry.actor} {entry.action}" for entry in audit.of_patient(db, patient.id)]


def sentence(page: Any) -> str:
    found = re.search(r"<h1 class=\"sentence.*?>(.*?)</h1>", page.text, re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", "", found[1])


def issue(hospital: Clinic, requirement: str) -> Resource:
    return next(
        issue
        for issue in hospital.ehr.of("DetectedIssue")
        if issue["code"]["coding"][0]["code"] == requirement
    )


def test_a_waiver_stands_in_the_chart_with_its_author_and_makes_nothing_ready(
    hospital: Clinic,
) -> None:
    browser, page = opened(hospital)
    after = browser.post(page, "/waive", reason="Refused by the patient <b>twice</b>")
    assert after.status_code == 200
    assert "one thing you can settle here" in sentence(after)
    assert "<b>twice" not in after.text
    written = issue(hospital, "transferrin-saturation")
    assert written["status"] == "final"
    assert written["mitigation"][0]["author"]["reference"] == "Practitioner/dr-1"
    assert "Refused by the patient" in written["mitigation"][0]["action"]["text"]
    with hospital.store.transaction() as db:
        states = sorted(
            row.state for row in worklist.rows(db, Filters(view="all"), ["general"], [])
        )
        assert states == ["held", "ready", "ready", "waived", "waived"]
        assert "Practitioner/dr-1 waived" in audited(db, hospital)
    again = browser.post(after, "/unwaive")
    assert "two things you can settle here" in sentence(again)
    assert issue(hospital, "transferrin-saturation")["status"] == "amended"


def test_a_waiver_needs_a_reason_and_is_taken_back_once(hospital: Clinic) -> None:
    browser, page = opened(hospital)
    assert browser.post(page, "/waive", reason=" \t   ").status_code == 422
    assert issue(hospital, "transferrin-saturation")["status"] == "preliminary"
    waived = browser.post(page, "/waive", reason="Drawn at another hospital")
    assert "was taken back" in browser.post(waived, "/unwaive").text
    assert "settled already" in browser.post(waived, "/unwaive").text


def test_a_clinician_sets_words_aside_that_were_misread(hospital: Clinic) -> None:
    noted = "VS stable. Eliquis held, stopped for EGD."
    hospital.ehr.load(chart(administration(note=noted)))
    browser, page = opened(hospital)
    assert "“Eliquis held, stopped for EGD”" in page.text
    (key,) = re.findall(r'name="misread" value="([^"]+)"', page.text)
    after = browser.post(page, "/misread", misread=key, reason="gave it myself")
    assert "Those words no longer count." in after.text
    assert "Eliquis" not in after.text.partition("<footer")[0].partition("Evidence")[0]
    with hospital.store.transaction() as db:
        (found,) = decisions.every(db, "general")
        assert (found.decision.who, found.decision.note) == ("Dr. Rivera", "gave it myself")
        assert found.recorded_by == "Practitioner/dr-1"
        rows = worklist.rows(db, Filters(view="all"), ["general"], [])
        (row,) = [row for row in rows if "MedicationAdministration/ma1" in row.line.administrations]
        assert row.state == "ready"
        assert "Practitioner/dr-1 decided" in audited(db, hospital)
    assert "settled already" in browser.post(page, "/misread", misread=key, reason="again").text


def test_what_was_discarded_goes_onto_the_administration(hospital: Clinic) -> None:
    browser, page = opened(hospital)
    after = browser.post(page, "/discarded", mg="50")
    assert "Recorded in the chart" in after.text
    assert "one thing you can settle here" in sentence(after)
    kept = hospital.ehr.resources["MedicationAdministration/ma4"]
    assert kept["extension"] == [
        {
            "url": "urn:ferroclaim:discarded-amount",
            "valueQuantity": {
                "value": 50,
                "unit": "mg",
                "system": "http://unitsofmeasure.org",
                "code": "mg",
            },
        }
    ]
    assert kept["dosage"]["dose"]["value"] == 150  # nothing else changed
    assert "J1756 JW × 50" in after.text


def test_oral_iron_history_is_recorded_once_however_often_the_button_is_pressed(
    hospital: Clinic,
) -> None:
    del hospital.ehr.resources["AllergyIntolerance/intolerance"]
    browser, page = opened(hospital)
    assert "No trial of oral iron" in page.text
    fields = {
        "kind": "trial",
        "drug": "Ferrous sulfate",
        "start": "2026-03-01",
        "end": "2026-06-15",
        "reason": "nausea",
    }
    after = browser.post(page, "/oral-iron", **fields)
    browser.post(page, "/oral-iron", **fields)
    assert "No trial of oral iron" not in after.text
    (kept,) = hospital.ehr.of("MedicationStatement")
    assert kept["effectivePeriod"] == {"start": "2026-03-01", "end": "2026-06-15"}
    assert kept["informationSource"] == {"reference": "Practitioner/dr-1"}


def test_an_intolerance_is_recorded(hospital: Clinic) -> None:
    del hospital.ehr.resources["AllergyIntolerance/intolerance"]
    browser, page = opened(hospital)
    after = browser.post(
        page, "/oral-iron", kind="intolerance", drug="Ferrous gluconate", reason="constipation"
    )
    assert "No trial of oral iron" not in after.text
    assert hospital.ehr.of("AllergyIntolerance")[0]["recorder"] == {
        "reference": "Practitioner/dr-1"
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"start": "", "end": ""},
        {"start": "2026-06-15", "end": "2026-03-01"},
        {"drug": "<script>"},
        {"kind": "x"},
        {"reason": ""},
        {"reason": "      "},
        {"end": "2999-01-31"},
    ],
    ids=str,
)
def test_a_form_that_makes_no_sense_changes_nothing(
    hospital: Clinic, fields: dict[str, str]
) -> None:
    del hospital.ehr.resources["AllergyIntolerance/intolerance"]
    browser, page = opened(hospital)
    given = {
        "kind": "trial",
        "drug": "Ferrous sulfate",
        "start": "2026-03-01",
        "end": "2026-06-15",
        "reason": "nausea",
    }
    refused = browser.post(page, "/oral-iron", **{**given, **fields})
    assert refused.status_code == 422
    assert "<h1>" in refused.text
    assert hospital.ehr.of("MedicationStatement") == []


def test_where_the_ehr_takes_nothing_the_billing_office_is_told(
    hospital: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = {
        kind: what
        for kind, what in MODES["hapi"].writes.items()
        if kind in ("DetectedIssue", "Device", "Provenance")
    }
    monkeypatch.setattr(hospital.ehr, "mode", replace(MODES["hapi"], writes=allowed))
    browser, page = opened(hospital)
    after = browser.post(page, "/discarded", mg="50")
    assert "does not accept this from here" in after.text
    assert "does not say of itself that an app may write a MedicationAdministration" in after.text
    assert "two things you can settle here" in sentence(after)  # a note makes no line ready
    browser.post(after, "/discarded", mg="50")
    with hospital.store.transaction() as db:
        kept = db.execute(
            "select text from notes n join patients p on p.id = n.patient_id where p.fhir_id = 'p1'"
        ).fetchall()
    assert kept == [("From the chart page: discarded 50 mg of MedicationAdministration/ma4",)]


def test_a_refused_write_shows_the_servers_own_reason(hospital: Clinic) -> None:
    reason = "Administrations are locked after midnight (rule RX-7)"
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "business-rule", "details": {"text": reason}}],
    }
    browser, page = opened(hospital)
    refused = Response(json.dumps(outcome), 422, content_type="application/fhir+json")
    hospital.ehr.inject(refused, method="PUT", pattern="^MedicationAdministration/ma4")
    after = browser.post(page, "/discarded", mg="50")
    assert f"The EHR's answer: “{reason}”" in after.text
    assert reason not in "".join(browser.visited)


def test_an_order_is_of_what_lacks_and_the_card_says_that_it_was_ordered(
    hospital: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = {**MODES["hapi"].writes, "ServiceRequest": frozenset({"create"})}
    types = {**MODES["hapi"].types, "ServiceRequest": ["patient"]}
    mode = replace(MODES["hapi"], types=types, writes=writes)
    monkeypatch.setattr(hospital.ehr, "mode", mode)
    browser, page = opened(hospital)
    after = browser.post(page, "/order")
    (draft,) = hospital.ehr.of("ServiceRequest")
    assert draft["code"]["coding"][0]["code"] == "2502-3"  # ferritin is on record
    assert "The draft order is in the chart" in after.text
    assert re.search(r"Ordered here on [^:]*: transferrin saturation", after.text)
    assert "Order it again" in after.text


def test_what_a_card_says_holds_for_each_of_its_doses(hospital: Clinic) -> None:
    hospital.ehr.load([administration("ma5", dose="125 mg", on="2026-11-09T09:00:00-05:00")])
    _, page = opened(hospital)
    (card,) = (
        part
        for part in re.findall(r"<article.*?</article>", page.text, re.DOTALL)
        if "Record what was discarded" in part
    )
    assert "Discarded amount: not on record." in card
    for mg, left in (("150", "50"), ("125", "75")):
        assert re.search(rf"{mg} mg:</b>\s*{left} mg of the opened containers", card)


def test_who_a_chart_does_not_say_is_told_in_words(hospital: Clinic) -> None:
    (person,) = hospital.ehr.of("Patient")
    hospital.ehr.load([{**person, "name": [], "birthDate": None, "meta": {"versionId": "2"}}])
    banner = opened(hospital)[1].text.partition("</header>")[0]
    assert "Name not in the chart" in banner
    assert "<span>birth date not in the chart</span>" in banner


def test_of_a_long_list_some_are_shown_the_newest_results_first(hospital: Clinic) -> None:
    doses = [
        administration(f"w{week}", on=f"2026-{5 + week // 4:02}-{1 + 7 * (week % 4):02}T09:00:00Z")
        for week in range(20)
    ]
    on = [f"2026-0{month}-{day:02}" for month in range(2, 10) for day in (2, 16)]
    results = [ferritin(900 + number, on=day) for number, day in enumerate(on)]
    hospital.ehr.load([*doses, *results])
    page = opened(hospital)[1].text
    card = page.partition("Possible iron overload")[2].partition("</article>")[0]
    found = card.partition("In the chart</dt>")[2].partition("</dd>")[0]
    days = [strptime(on, "%b %d, %Y") for on in re.findall(r" on (\w+ \d+, \d+)", found)]
    assert days == sorted(days, reverse=True)
    assert len(days) > 6
    assert found.partition(f"and {len(days) - 4} more</summary>")[0].count(" on ") == 4
    assert re.search(r"and \d+ more</summary><span class=\"nowrap\">\w+ \d+, 200 mg", page)


def test_where_nobody_knows_who_pays_we_ask_not_the_payer(hospital: Clinic) -> None:
    del hospital.ehr.resources["Coverage/coverage"]
    _, page = opened(hospital)
    assert "We ask this because a payer often wants ferritin" in page.text
    assert "The payer wants ferritin" not in page.text


def test_an_either_or_rule_is_one_card(hospital: Clinic) -> None:
    """Without kidney disease a commercial payer wants a low ferritin or a low saturation."""
    for name in [name for name in hospital.ehr.resources if name.startswith("Condition/")]:
        del hospital.ehr.resources[name]
    hospital.ehr.load(
        [
            commercial(),
            condition("D50.9"),
            ferritin(60, on="2026-10-03", id="f"),
            tsat(30, on="2026-10-03", id="t"),
        ]
    )
    _, page = opened(hospital)
    assert "Neither ferritin nor transferrin saturation is within the payer" in page.text
    cards = re.findall(r'<article class="card ".*?</article>', page.text, re.DOTALL)
    assert sum("is outside the payer" in card for card in cards) == 1


def test_a_waiver_in_the_chart_is_known_to_a_store_that_never_heard_of_it(
    hospital: Clinic,
) -> None:
    browser, page = opened(hospital)
    browser.post(
        page, "/waive", requirement="transferrin-saturation", reason="stable under treatment"
    )
    waived = issue(hospital, "transferrin-saturation")
    with hospital.store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from write_backs")
    opened(hospital)
    with hospital.store.transaction() as db:
        patient = patients.find(db, "general", "p1")
        assert patient
        (kept,) = gaps.waivers(db, patient.id).values()
        assert "ferroclaim read back a waiver" in audited(db, hospital)
    assert (kept.reason, kept.author) == ("stable under treatment", "Practitioner/dr-1")
    assert issue(hospital, "transferrin-saturation") == waived
    browser, page = opened(hospital)
    browser.post(page, "/unwaive", requirement="transferrin-saturation")
    opened(hospital)
    with hospital.store.transaction() as db:
        assert gaps.waivers(db, patient.id) == {}


def test_a_forged_form_changes_nothing(hospital: Clinic) -> None:
    browser, page = opened(hospital)
    action = next(a for a in re.findall(r'action="([^"]*)"', page.text) if a.endswith("/waive"))
    fields = {"gap": "forged-gap", "reason": "forged"}
    assert browser.client.post(action, data=fields).status_code == 403
    assert browser.client.post(action, data={**fields, "csrf": "x"}).status_code == 403
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    sent = {**fields, "csrf": csrf[1]}
    assert (
        browser.client.post(action, data=sent, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )
    assert hospital.browser().client.post(action, data=sent).status_code == 401
    assert not any("mitigation" in issue for issue in hospital.ehr.of("DetectedIssue"))


def test_a_dose_of_another_patient_cannot_be_named(hospital: Clinic) -> None:
    browser, page = opened(hospital)
    after = browser.post(
        page, "/discarded", mg="50", administration="MedicationAdministration/other"
    )
    assert "settled already" in after.text
    assert "extension" not in hospital.ehr.resources["MedicationAdministration/ma4"]


def test_iron_overload_stands_above_everything(hospital: Clinic) -> None:
    hospital.ehr.load([ferritin(950, on="2026-11-08", id="high")])
    _, page = opened(hospital)
    assert page.text.index("Look at this before the next dose") < page.text.index("What is missing")
    assert 'class="card safety"' in page.text
    assert sentence(page).startswith("Look at one safety item before the next dose.")


def test_nothing_is_called_done_above_a_safety_card(hospital: Clinic) -> None:
    hospital.ehr.load(
        [
            ferritin(950, on="2026-11-08", id="high"),
            tsat(20, on="2026-10-03"),
            administration("ma4", status="not-done"),
        ]
    )
    browser, page = opened(hospital)
    assert "Nothing for you here" not in sentence(page)
    assert "sentence done" not in page.text
    seen = browser.post(page, "/waive", reason="Known, and discussed")
    assert "Nothing for you here" in sentence(seen)
    assert "sentence done" in seen.text


def test_a_month_is_a_month_everywhere_on_the_page(hospital: Clinic) -> None:
    hospital.ehr.load([administration("ma1", on="2026-10"), ferritin(42, on="2026-09", id="month")])
    for number in range(2, 6):
        hospital.ehr.load([administration(f"ma{number}", on="2026-11-02", status="not-done")])
    _, page = opened(hospital)
    text = page.text[page.text.index("<main") :]
    assert "of Oct 2026" in sentence(page)
    assert text.count("Oct 2026") >= 5  # headline, card, plot, table, doses
    assert "Sep 2026: 42 ng/mL" in text
    assert not re.search(r"\b(1|31) Oct\b|\b(1|30) Sep\b", text)


def test_the_card_shows_the_rule_that_decided(hospital: Clinic) -> None:
    """A cause of kidney disease without its stage is kidney disease for the rules, and so for the
    page."""
    del hospital.ehr.resources[f"Condition/{condition('N18.4')['id']}"]
    hospital.ehr.load(
        [
            commercial(),
            condition("E11.22"),
            ferritin(700, on="2026-10-13", id="high"),
            tsat(20, on="2026-10-13", id="low"),
        ]
    )
    _, page = opened(hospital)
    assert "ferritin at most 500 ng/mL and transferrin saturation at most 30%" in page.text
    assert "payer: ≤ 500" in page.text
    assert "below 30" not in page.text
    assert "without kidney disease" not in page.text


def test_every_look_is_in_the_audit_table_and_the_evidence_links_into_the_chart(
    hospital: Clinic,
) -> None:
    _, page = opened(hospital)
    assert 'href="https://ehr.example.com/p1/Observation/tsat-2026-07-20"' in page.text
    with hospital.store.transaction() as db:
        assert audited(db, hospital)[-1] == "Practitioner/dr-1 saw"


def test_part_of_a_chart_that_cannot_be_read_is_said_and_nothing_is_kept(hospital: Clinic) -> None:
    hospital.ehr.fail("^Observation", status=403, times=99)
    _, page = opened(hospital)
    assert "could not be read" in page.text
    with hospital.store.transaction() as db:
        assert worklist.rows(db, Filters(view="all"), ["general"], []) == []


@pytest.mark.slow
def test_an_ehr_that_is_down_gets_a_plain_page(hospital: Clinic) -> None:
    browser, _ = opened(hospital)
    hospital.ehr.fail("", status=500, times=99)
    down = browser.get(browser.visited[-1])
    assert down.status_code in (502, 503)
    assert "Example" not in down.text
    assert "try again" in down.text
    assert f'href="{browser.visited[-1]}">Try again</a>' in down.text


def test_gaps_are_kept_as_the_page_shows_them(hospital: Clinic) -> None:
    opened(hospital)
    with hospital.store.transaction() as db:
        assert {entry.gap.requirement for entry in gaps.of_patient(db, "general", "p1")} == {
            "transferrin-saturation",
            "discarded-amount",
        }
