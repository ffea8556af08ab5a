"""The biller's list: who may see it, what it filters, what can be released and why the others
cannot."""

import csv
import gzip
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import psycopg
import pytest

from integration.codes.folder import limits_in_words
from integration.store import (
    assessments,
    audit,
    cards,
    claims,
    failures,
    gaps,
    patients,
    releases,
    rests,
    worklist,
)
from integration.store.failures import Failure
from integration.store.worklist import Sort
from integration.web.worklist import routes
from integration.wording import words
from tests import builders
from tests.answers import remittance
from tests.fakes.browser import Browser
from tests.fakes.stage import seed_worklist
from tests.plugins.pages import Clinic, Open

ALL = worklist.Filters(view="all")
CLINICIAN = words.of_clinicians()


@pytest.fixture
def office(clinic: Open, pages_store: Any) -> Clinic:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from failures")
        db.execute("delete from order_questions")
    made = clinic(
        web={"roles": {"biller": ["Practitioner/dr-1"]}}, site={"auth": {"method": "none"}}
    )
    made.launcher.context = {}
    seed_worklist(pages_store)
    return made


def signed_in(office: Clinic) -> tuple[Browser, Any]:
    browser = office.browser()
    page = browser.get("/sign-in?with=general")
    assert page.status_code == 200, page.text
    return browser, page


def keys(page: Any) -> list[str]:
    return re.findall(r'name="line" value="([^"]+)" data-value', page.text)


def act(browser: Browser, page: Any, action: str, selected: list[str], **fields: str) -> Any:
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    return browser.send(
        "/worklist", data={"csrf": csrf[1], "action": action, "line": selected, **fields}
    )


def held(office: Clinic, requirement: str, patient: str = "") -> worklist.Row:
    wanted = replace(ALL, find=patient)
    with office.store.transaction() as db:
        return next(
            row
            for row in worklist.rows(db, wanted, ["general"], CLINICIAN)
            if row.waits_for == [requirement]
        )


def waived(office: Clinic, requirement: str, patient: str = "") -> worklist.Row:
    row = held(office, requirement, patient)
    with office.store.transaction() as db:
        known = patients.by_id(db, row.patient_id)
        assert known
        for found in gaps.of_patient(db, row.site, row.patient):
            if found.gap.requirement == requirement:
                gaps.waive(
                    db, known, found.gap, "not needed", "Practitioner/dr-9", "Dr. Nine", "clinician"
                )
    return row


def test_without_signing_in_there_is_no_list(office: Clinic) -> None:
    page = office.browser().get("/worklist")
    assert page.status_code == 401
    assert "Abbott" not in page.text


def test_it_says_how_old_the_payment_limits_are(office: Clinic) -> None:
    today = datetime.now(UTC).date()
    assert f"{limits_in_words(None, today)}</span>" in signed_in(office)[1].text


def test_a_plan_of_which_nobody_has_said_whether_it_asks(office: Clinic) -> None:
    """Irons are ordered, and the answer is one row of the configuration; a policy that stands in
    for many payers is no plan that one could ask."""
    with office.store.transaction() as db:
        for patient in ("p1", "p2"):
            cards.ask(db, "general", patient, [("aetna", "iron sucrose")])
    told = unescape(signed_in(office)[1].text)
    assert "nobody has said whether a plan requires prior authorization" in told
    assert "Aetna:</b> iron sucrose (2 patients)" in told
    assert "prior_authorization.aetna</code> of site general" in told
    with office.store.transaction() as db:
        cards.ask(db, "general", "p1", [("commercial-default", "iron sucrose")])
    told = unescape(signed_in(office)[1].text)
    assert "nobody has said whether 2 plans require prior authorization" in told
    assert told.count("Iron is ordered") == 1
    assert "Commercial payer without a policy here:</b> iron sucrose (1 patient)" in told
    assert "Ask each of these payers" in told
    for policy in ("aetna", "commercial-default"):
        office.settings.sites["general"].prior_authorization[policy] = False
    assert "nobody has said whether" not in signed_in(office)[1].text


def test_what_the_view_is_about_stands_first_among_what_a_line_waits_for(office: Clinic) -> None:
    """In a narrow column the first is seen alone."""
    chart = builders.chart(without=["coverage", "tsat"])
    found = builders.document_of(chart).patients[0]
    with office.store.transaction() as db:
        known = patients.known(db, "general", "p1")
        assessments.keep(db, known, found, datetime.now(UTC), "sweep")
    browser, _ = signed_in(office)
    firsts = {
        view: re.findall(
            r'<span class="chip [a-z]+">([^<]+)<',
            browser.get(f"/worklist?view={view}&find=p1").text,
        )[:2]
        for view in ("held-us", "held-clinician")
    }
    assert firsts["held-us"][0] == "Coverage"
    assert firsts["held-clinician"][1] == "Coverage"


def test_a_clinician_has_no_list(clinic: Open, office: Clinic) -> None:
    office.settings.web.roles["clinician"] = ["*"]
    office.settings.web.roles["biller"] = []
    browser = office.browser()
    browser.get(office.launch_path(patient="w1"))
    page = browser.get("/worklist")
    assert page.status_code == 403
    assert "Abbott" not in page.text


def test_views_and_filters_stand_in_the_address(office: Clinic) -> None:
    browser, ready = signed_in(office)
    assert len(keys(ready)) == 7
    assert "7 lines, $223.00" in ready.text
    mine = browser.get("/worklist?view=held-clinician&requirement=transferrin-saturation")
    assert "3 lines" in mine.text
    assert "Brown, Marcus" in mine.text
    assert "Ito, Ken" not in mine.text
    assert "Chen, Li" in browser.get("/worklist?view=held-us").text
    assert "Evans, Tom" in browser.get("/worklist?view=all&find=evans").text
    assert browser.get("/worklist?view=all&find=%25_%27").status_code == 200
    for odd in (
        "view=nonsense",
        "sort=drop+table",
        "page=0",
        "open=1:x",
        "open=x",
        "site=other",
        "policy='",
    ):
        assert browser.get(f"/worklist?{odd}").status_code == 200


def test_it_sorts_by_the_filing_deadline_and_warns_of_it(
    office: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, _ = signed_in(office)
    with office.store.transaction() as db:
        found = worklist.rows(db, replace(ALL, sort="due"), ["general"], CLINICIAN)
    due = [row.line.file_by or "never" for row in found]
    assert len(set(due)) > 1
    assert due == sorted(due)

    class Later(date):
        @classmethod
        def today(cls) -> "Later":
            return cls.fromisoformat(next(iter(due)))

    assert "file within" not in browser.get("/worklist?view=all&sort=due").text
    monkeypatch.setattr(routes, "date", Later)
    page = browser.get("/worklist?view=all&sort=due").text
    assert "file within 0 d" in page
    assert "filing limit passed" not in page


def test_ready_lines_are_released_together_and_the_sum_is_said(office: Clinic) -> None:
    browser, page = signed_in(office)
    done = act(browser, page, "release", keys(page))
    assert "7 lines released, $223.00." in done.text
    assert len(keys(browser.get("/worklist?view=released"))) == 7
    with office.store.transaction() as db:
        patient = patients.find(db, "general", "w0")
        assert patient
        assert audit.of_patient(db, patient.id)[0].action == "released"
        assert audit.of_patient(db, patient.id)[0].actor == "Practitioner/dr-1"


def test_what_cannot_be_released_is_told_and_the_others_go(office: Clinic) -> None:
    browser, page = signed_in(office)
    one = held(office, "transferrin-saturation")
    done = act(browser, page, "release", [keys(page)[0], one.key, "9:gone", "x", "1:' or 1=1"])
    assert "1 line released" in done.text
    assert "A selected line is no longer there." in done.text
    assert f"<b>1 line could not:</b> Held by Transferrin saturation: {one.name} (" in done.text


def test_what_changed_since_it_was_seen_is_not_released(office: Clinic) -> None:
    """The chart was assessed anew while the list stood open."""
    browser, page = signed_in(office)
    key, other = keys(page)[:2]
    seen = re.findall(r'name="seen" value="([^"]+)"', page.text)
    patient, line = key.split(":")
    changed = "update lines set document = jsonb_set(document, '{units}', '300') where"
    with office.store.transaction() as db:
        db.execute(f"{changed} patient_id = %s and id = %s".encode(), [patient, line])
    said = act(browser, page, "release", [key, other], seen=seen)  # type: ignore[arg-type]
    assert "1 line released" in said.text
    assert "Changed since this page was shown" in said.text
    assert key in keys(said)
    opened = browser.get(f"/worklist?open={key}")
    (again,) = re.findall(rf'name="seen" value="({key}=[^"]+)"', opened.text.partition("aside")[2])
    assert "1 line released" in act(browser, page, "release", [key], seen=again).text


def test_refusals_are_grouped_by_reason_with_the_patients_names(office: Clinic) -> None:
    seed_worklist(office.store, count=12)
    browser, page = signed_in(office)
    with office.store.transaction() as db:
        view = replace(ALL, view="held-clinician", requirement="transferrin-saturation")
        rows = worklist.rows(db, view, ["general"], CLINICIAN)
    alone = [row for row in rows if row.waits_for == ["transferrin-saturation"]]
    pairs = {row.pair for row in alone}
    names = {str(row.name) for row in alone}
    assert len(pairs) > len(names) > 1
    done = act(browser, page, "release", [row.key for row in alone]).text
    (said,) = re.findall(r"<li>(<b>.*?)</li>", done)
    assert said.startswith(f"<b>{len(pairs)} lines could not:</b> Held by Transferrin saturation: ")
    assert all(name in said for name in names)


def test_release_is_offered_only_where_it_will_be_done(office: Clinic) -> None:
    browser, ready = signed_in(office)
    assert ready.text.count("data-releasable") == 7
    assert 'value="release"' in ready.text
    for view in ("held-clinician", "held-us", "not-billable", "released"):
        page = browser.get(f"/worklist?view={view}").text
        assert "data-releasable" not in page
        assert 'value="release"' not in page
    row = held(office, "coverage")
    assert 'value="release"' not in browser.get(f"/worklist?view=held-us&open={row.key}").text


@pytest.mark.parametrize("sort", ["worth", "money", "patient"])
def test_of_lines_alike_the_oldest_is_first(office: Clinic, sort: Sort) -> None:
    with office.store.transaction() as db:
        db.execute("update lines set value = null")
        found = worklist.rows(db, replace(ALL, sort=sort), ["general"], CLINICIAN)
    days: dict[int, list[str]] = {row.patient_id: [] for row in found}
    for row in found:
        days[row.patient_id].append(row.line.service_date or "")
    assert any(len(set(of)) > 1 for of in days.values())
    assert all(of == sorted(of) for of in days.values())


def test_filters_by_day_provider_and_place(office: Clinic) -> None:
    browser, _ = signed_in(office)
    with office.store.transaction() as db:
        rows = worklist.rows(db, ALL, ["general"], CLINICIAN)
        db.execute("update lines set provider = 'Nine, Nora' where id = %s", [rows[0].pair])
    days = sorted({row.service_date for row in rows if row.service_date})
    page = browser.get(f"/worklist?view=all&since={days[1]}&until={days[2]}")
    assert set(keys(page)) == {row.key for row in rows if row.service_date in days[1:3]}
    assert page.text.count('class="chip active"') == 2
    mine = browser.get("/worklist?view=all&provider=Nine%2C+Nora")
    assert set(keys(mine)) == {row.key for row in rows if row.pair == rows[0].pair}
    assert "Provider: Nine, Nora" in mine.text
    assert keys(browser.get("/worklist?view=all&place=11"))
    assert not keys(browser.get("/worklist?view=all&place=22"))
    assert "Place: 22 on-campus outpatient hospital" in browser.get("/worklist?place=22").text
    assert browser.get("/worklist?since=soon").status_code == 200


@pytest.mark.parametrize("page", ["9999", "0", "-1", "abc", "1.5"])
def test_a_page_that_there_is_not_is_the_last_or_the_first(office: Clinic, page: str) -> None:
    """After a page was released, nothing must be said to be ready no longer."""
    browser, _ = signed_in(office)
    found = browser.get(f"/worklist?view=ready&page={page}")
    assert len(keys(found)) == 7
    assert "Nothing is ready" not in found.text


def test_a_snoozed_line_sleeps_until_its_day(office: Clinic) -> None:
    browser, page = signed_in(office)
    key = keys(page)[0]
    later = datetime.now(UTC).date() + timedelta(days=30)
    said = act(browser, page, "snooze", [key], until=later.isoformat())
    assert "snoozed until" in said.text
    assert key not in keys(browser.get("/worklist"))
    assert keys(browser.get("/worklist?view=snoozed")) == [key]
    assert "There is no date soon" in act(browser, page, "snooze", [key], until="soon").text
    assert "until a day to come" in act(browser, page, "snooze", [key], until="2020-01-01").text
    assert "is to be filed by" in act(browser, page, "snooze", [key], until="2999-01-31").text
    assert keys(browser.get("/worklist?view=snoozed")) == [key]
    act(browser, page, "snooze", [key])
    assert keys(browser.get("/worklist?view=snoozed")) == []


def test_labels_are_put_on_taken_off_and_filtered_by(office: Clinic) -> None:
    browser, page = signed_in(office)
    key = keys(page)[0]
    act(browser, page, "label", [key], label="appeal")
    found = browser.get("/worklist?label=appeal")
    assert keys(found) == [key]
    assert '<span class="chip label">appeal</span>' in found.text
    act(browser, page, "label", [key], label="appeal")  # a second click changes nothing
    assert keys(browser.get("/worklist?label=appeal")) == [key]
    assert "taken off 1 line" in act(browser, page, "unlabel", [key], label="appeal").text
    assert keys(browser.get("/worklist?label=appeal")) == []


def test_nothing_is_waiting_is_not_said_above_held_lines(office: Clinic) -> None:
    browser, page = signed_in(office)
    act(browser, page, "release", keys(page))
    empty = browser.get("/worklist").text
    assert "Nothing is waiting" not in empty
    assert "Nothing is ready to release." in empty
    assert "Held: clinician: " in empty
    with office.store.transaction() as db:
        db.execute("delete from patients")
    assert "Nothing is waiting for you." in browser.get("/worklist").text


def test_what_is_packaged_or_has_no_price_says_so(office: Clinic) -> None:
    browser, page = signed_in(office)
    one, other = keys(page)[:2]
    with office.store.transaction() as db:
        for key, value, payment in ((one, None, "separate"), (other, "0.00", "packaged")):
            number, line = key.split(":")
            db.execute(
                "update lines set value = %s, payment = %s, document = document ||"
                " jsonb_build_object('value', %s::text, 'payment', %s::text)"
                " where patient_id = %s and id = %s",
                [value, payment, value, payment, int(number), line],
            )
    text = browser.get("/worklist").text
    assert "1 not priced and 1 packaged" in text
    assert "$0.00" not in text


def test_a_page_does_not_grow_with_failed_work(
    office: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An EHR that was away for days leaves a row for each patient."""
    with office.store.transaction() as db:
        for number in range(5):
            failures.add(
                db, Failure("general", "sweep", str(number), None, {}, "Refused", "No.", 5)
            )
    monkeypatch.setattr(routes, "MOST_FAILED", 2)
    page = signed_in(office)[1].text
    assert page.count('name="number"') == 2 * 2
    assert "The first 2 of 5: " in page
    assert '<span>Failed work</span><span class="count">5</span>' in page


def test_failed_work_is_tried_again_or_let_be_on_the_page(office: Clinic) -> None:
    with office.store.transaction() as db:
        for key in ("a", "b"):
            failures.add(db, Failure("general", "sweep", key, None, {}, "Refused", "No.", 5))
        first, second = (row.id for row in failures.every(db))
    browser, page = signed_in(office)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    sent = {"csrf": csrf[1], "number": str(first)}
    assert "tried again now" in browser.send("/worklist/failed", data=sent).text
    sent = {"csrf": csrf[1], "number": str(second), "reason": "the site is gone"}
    assert "let be" in browser.send("/worklist/failed", data=sent).text
    assert "settled that work already" in browser.send("/worklist/failed", data=sent).text
    assert "No work has failed" in browser.get("/worklist").text
    assert browser.send("/worklist/failed", data=sent | {"csrf": "x"}).status_code == 403


def test_the_csv_is_whole(office: Clinic) -> None:
    browser, _ = signed_in(office)
    rows = list(csv.DictReader(io.StringIO(browser.get("/worklist.csv?view=all").text)))
    with office.store.transaction() as db:
        assert len(rows) == worklist.sums(db, ALL, ["general"], CLINICIAN).count
    one = next(row for row in rows if row["patient name"] == "Abbott, Ines")
    for name in ("service date", "birth date", "payer", "place", "line", "units", "money"):
        assert one[name], name
    assert one["status"] == "ready"
    assert one["payment"] == "separate"


def test_the_table_is_the_same_however_it_is_read(
    office: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In few large parts: each sorts what comes before it, and a long list took a second a page."""
    browser, _ = signed_in(office)
    whole = browser.get("/worklist.csv?view=all").text
    asked: list[int] = []
    ask = worklist.rows

    def counted(*given: Any) -> list[worklist.Row]:
        asked.append(1)
        return ask(*given)

    monkeypatch.setattr(worklist, "PAGE_ROWS", 1)
    monkeypatch.setattr(worklist, "rows", counted)
    assert browser.get("/worklist.csv?view=all").text == whole
    assert len(asked) == 2
    monkeypatch.setattr(routes, "EXPORTED_AT_ONCE", 1)
    assert browser.get("/worklist.csv?view=all").text == whole


def test_a_waived_line_needs_a_reason_and_a_firm_requirement_none_helps(office: Clinic) -> None:
    browser, page = signed_in(office)
    row = waived(office, "transferrin-saturation")
    assert row.key in keys(browser.get("/worklist?view=waived"))
    without = act(browser, page, "release", [row.key], reason="  ")
    assert "say why it is released anyway" in without.text
    done = act(browser, page, "release", [row.key], reason="Payer confirmed by phone")
    assert "1 line released" in done.text
    firm = held(office, "coverage")
    refused = act(browser, page, "release", [firm.key], reason="please")
    assert "which nobody can waive" in refused.text
    with office.store.transaction() as db:
        kept = worklist.get(db, row.key, ["general"])
        assert kept
        assert (kept.release_reason, kept.line.status) == ("Payer confirmed by phone", "held")


@pytest.mark.parametrize(
    ("action", "fields", "says"),
    [
        ("release", {}, "Has a waived gap: say why it is released anyway."),
        ("snooze", {"until": "2020-01-01"}, "A line is snoozed until a day to come."),
        ("label", {}, "Say what to do"),
        ("write-off", {}, "choose a reason"),
    ],
)
def test_what_a_form_lacks_costs_no_selection(
    office: Clinic, action: str, fields: dict[str, str], says: str
) -> None:
    """Refused, the page stays as it was: forty lines need not be selected anew."""
    row = waived(office, "transferrin-saturation")
    browser, page = signed_in(office)
    answer = act(browser, page, action, [row.key], **fields)
    assert answer.status_code == 422
    assert says in unescape(answer.text)


def test_a_dose_and_its_discard_are_one_decision_wherever_it_is_made(office: Clinic) -> None:
    seed_worklist(office.store, count=16)
    browser, _ = signed_in(office)
    page = browser.get("/worklist?find=w15")
    dose, discard = keys(page)
    (pair,) = set(re.findall(r'data-pair="([^"]+)"', page.text))
    assert pair == dose
    assert "2 lines released, $44.60." in act(browser, page, "release", [dose]).text
    assert keys(browser.get("/worklist?view=released")) == [dose, discard]
    assert "of 2 lines was taken back" in act(browser, page, "withdraw", [discard]).text
    act(browser, page, "assign", [discard], owner="maria")
    assert keys(browser.get("/worklist?owner=maria")) == [dose, discard]
    assert "2 lines released" in act(browser, page, "release", [discard, dose]).text
    act(browser, page, "note", [discard], text="two vials of 100")
    opened = browser.get(f"/worklist?view=released&find=w15&open={dose}").text
    for part in ("decided together with", "two vials of 100", "SV1*HC:J1756*", "SV1*HC:J1756:JW*"):
        assert part in opened, part
    assert opened.count("REF*6R*") == 2
    assert opened.count("released the line") == 2  # once each time it was
    found = browser.get("/api/worklist?view=released").json()["lines"]
    assert [(row["key"], row["pair"]) for row in found] == [(dose, dose), (discard, dose)]
    rows = list(csv.reader(io.StringIO(browser.get("/worklist.csv?view=released").text)))
    assert [row[rows[0].index("line")] for row in rows[1:]] == ["J1756", "J1756 JW"]


def test_a_waiver_is_of_both(office: Clinic) -> None:
    seed_worklist(office.store, count=12)
    row = waived(office, "transferrin-saturation", "w11")
    browser, _ = signed_in(office)
    found = browser.get("/api/worklist?view=waived&find=w11").json()["lines"]
    assert len(found) == 6
    pairs = [one["pair"] for one in found]
    assert pairs[::2] == pairs[1::2]
    assert row.key in {one["key"] for one in found}


def test_a_release_is_taken_back(office: Clinic) -> None:
    browser, page = signed_in(office)
    act(browser, page, "release", keys(page)[:1])
    assert "was taken back" in act(browser, page, "withdraw", keys(page)[:1]).text
    assert len(keys(browser.get("/worklist"))) == 7


def test_assigning_notes_and_checking_again(office: Clinic) -> None:
    browser, page = signed_in(office)
    key = keys(page)[0]
    act(browser, page, "assign", [key], owner="maria")
    assert keys(browser.get("/worklist?owner=maria")) == [key]
    act(browser, page, "note", [key], text="<img src=x onerror=alert(1)>")
    opened = browser.get(f"/worklist?open={key}")
    assert "&lt;img src=x" in opened.text
    assert "<img" not in opened.text
    assert "will be checked again" in act(browser, page, "recheck", [key]).text
    with office.store.transaction() as db:
        row = db.execute(
            "select count(*) from procrastinate_jobs where task_name = 'assess' and args ->>"
            " 'cause' = 'person'"
        ).fetchone()
    assert row
    assert row[0] >= 1


def test_a_line_tells_its_whole_story(office: Clinic) -> None:
    browser, _ = signed_in(office)
    row = waived(office, "transferrin-saturation")
    page = browser.get(f"/worklist?view=all&open={row.key}")
    for part in (
        "The chain",
        "rounded up",
        "Evidence",
        "To send with it, if the payer asks",
        "Order or treatment plan: order of ",
        "SV1*HC:J1756",
        "waived by Dr. Nine",
        "Assessed (sweep)",
        "Dr. Rivera",
        "Diagnoses",
    ):
        assert part in page.text, part


def test_what_an_opened_line_waits_for_is_said_of_its_own_dose(office: Clinic) -> None:
    """A gap of a patient is of several doses, and its message of one of them."""
    with office.store.transaction() as db:
        rows = [
            row
            for row in worklist.rows(db, ALL, ["general"], CLINICIAN)
            if row.waits_for == ["transferrin-saturation"]
        ]
    browser, _ = signed_in(office)
    assert len({row.service_date for row in rows}) > 1
    for row in rows:
        opened = browser.get(f"/worklist?view=all&open={row.key}").text
        waits = opened.partition("What it waits for")[2].partition("</ul>")[0]
        assert f"before {words.day(row.service_date)}" in waits


def test_a_forged_form_releases_nothing(office: Clinic) -> None:
    browser, page = signed_in(office)
    fields = {"action": "release", "line": keys(page)}
    assert browser.send("/worklist", data=fields).status_code == 403
    assert len(keys(browser.get("/worklist"))) == 7


def test_the_table_of_the_list_runs_nothing_in_a_spreadsheet(office: Clinic) -> None:
    browser, page = signed_in(office)
    act(browser, page, "assign", keys(page)[:1], owner='=HYPERLINK("http://x")')
    act(browser, page, "assign", keys(page)[1:2], owner="＝1+1")
    act(browser, page, "assign", keys(page)[2:3], owner=" =1+1")
    answer = browser.get("/worklist.csv?view=all")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 22
    assert {row["status"] for row in rows} == {"ready", "held"}
    assert not any(
        str(cell).lstrip().startswith(("=", "+", "@", "＝"))
        for row in rows
        for cell in row.values()
    )
    assert "no-store" in answer.headers["cache-control"]


def test_failed_work_and_a_resting_site_are_shown(office: Clinic) -> None:
    with office.store.transaction() as db:
        failures.add(
            db, Failure("general", "assess", "k", None, {}, "Refused", "It was refused.", 3)
        )
        db.execute("update failures set failed_at = '2026-11-05T18:00:00Z'")
        rests.rest(db, "general", "It cannot be reached.", datetime.now(UTC))
    _, page = signed_in(office)
    assert "It was refused." in page.text
    assert "Nov 5, 2026, 1:00 PM" in page.text  # by the clocks of the site
    assert "cannot be read now" in page.text
    with office.store.transaction() as db:
        db.execute("delete from site_state")


def test_an_empty_list_says_so(office: Clinic) -> None:
    browser, _ = signed_in(office)
    assert "No waived lines." in browser.get("/worklist?view=waived").text
    assert "Clear the filters" in browser.get("/worklist?find=nobody").text


def test_writing_claims_says_what_did_not_leave_and_why(office: Clinic) -> None:
    """The stage's site has no price file; only released lines are asked for."""
    browser, page = signed_in(office)
    selected = keys(page)[:1]
    said = act(browser, page, "write", selected)
    assert "No claim was written: select released lines." in said.text
    act(browser, page, "release", selected)
    released = browser.get("/worklist?view=released")
    assert "Write claims" in released.text
    said = act(browser, released, "write", selected)
    assert "No claim was written." in said.text
    assert "has no price file" in said.text


def test_a_claim_file_is_for_billers_and_known_by_its_name(office: Clinic) -> None:
    browser, _ = signed_in(office)
    assert browser.get("/claims/general_000000001_837P.x12").status_code == 404
    assert browser.get("/claims/..%2Fetc").status_code == 404
    assert office.browser().get("/claims/general_000000001_837P.x12").status_code == 401


def sent(office: Clinic, page: Any, browser: Browser) -> str:
    """The id of a released line that left in claim C1."""
    released = keys(page)[:1]
    act(browser, page, "release", released)
    with office.store.transaction() as db:
        row = worklist.get(db, released[0], ["general"])
        assert row
        assert row.release
        file = claims.NewFile(
            site="general", name="general_000000001_837P.x12", format="x12", kind="837P",
            receiver=None, control=1, production=True, trial=False, content=b"",
        )  # fmt: skip
        claim = claims.NewClaim(
            number=NUMBER, draft_id="d1", patient_id=row.patient_id, frequency="1", original=None,
            about=None, total=row.value or Decimal(0), lines=[row.line_id],
            releases={row.line_id: row.release},
        )  # fmt: skip
        claims.record(db, file, [claim], "ada", "biller")
    return row.line_id


NUMBER = "C1" * 10


def test_a_biller_hands_in_what_came_back(office: Clinic) -> None:
    browser, page = signed_in(office)
    with office.store.transaction() as db:
        db.execute("delete from claim_files")
    line = sent(office, page, browser)
    page = browser.get("/worklist?view=sent")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    denied = [f"CLP*{NUMBER}*4*45.8*0**MB*ICN1", "SVC*HC:J1756:JZ*45.8*0"]
    denied += [f"REF*6R*{line[:24].upper()}", "CAS*CO*252*45.8", "LQ*HE*N395"]
    content = remittance(denied, ["CLP*OTHER*1*10*10"], usage="P")
    answer = browser.send(
        "/worklist/answers?view=denied",
        data={"csrf": csrf[1]},
        files=[("file", ("a.835", content)), ("file", ("b.txt", b"hello"))],
    )
    packed = ("a.gz", gzip.compress(content + b"\n" * 2**20) + b"\0" * 6 * 2**20)
    again = browser.send("/worklist/answers", data={"csrf": csrf[1]}, files=[("file", packed)])
    assert "Answers to our claims: 1 read before." in again.text
    assert "Answers to our claims: 1 denied. 1 to claims of others." in answer.text
    assert "it is not an X12 file (b.txt)" in answer.text
    assert '<span class="chip billing">CO-252</span>' in answer.text
    opened = browser.get(f"/worklist?view=denied&open={keys(answer)[0]}").text
    assert "MEDICARE PART B: denied: J1756 JZ: CO-252 N395 (835)" in unescape(opened)
    # Appealed: it is looked at again in a while, however long ago the claim was to be filed.
    later = str(datetime.now(UTC).date() + timedelta(days=400))
    act(browser, answer, "snooze", keys(answer), until=later)
    assert keys(browser.get("/worklist?view=denied")) == []
    assert keys(browser.get("/worklist?view=snoozed")) == keys(answer)
    nothing = browser.send("/worklist/answers", data={"csrf": csrf[1]})
    assert "choose the files that came back" in nothing.text
    forged = browser.send(
        "/worklist/answers", data={"csrf": "x"}, files=[("file", ("a.835", content))]
    )
    assert "not sent from ferroclaim" in forged.text


def test_reloading_what_a_form_led_to_does_nothing_again(office: Clinic) -> None:
    """Without a script a reload sends a form anew, unless the page after it is one of its own."""
    browser, page = signed_in(office)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    form = {"csrf": csrf[1], "action": "release", "line": keys(page)[:1]}
    sent = browser.client.post("/worklist?view=all&page=1&sort=due", data=form)
    assert sent.status_code == 303
    leads_to = sent.headers["location"]
    assert leads_to.startswith("/worklist?view=all&sort=due&told=")
    other = office.browser()
    other.get("/sign-in?with=general")
    assert "released" not in other.get(leads_to).text.partition("<table")[0].partition("notice")[2]
    assert "1 line released" in browser.get(leads_to).text
    again = browser.get(leads_to)
    assert again.status_code == 200
    assert "1 line released" not in again.text


def test_what_changes_while_a_list_is_read_is_neither_lost_nor_twice_in_it(
    office: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts are of one moment: the table of a long list, and the list with its sums."""
    browser, page = signed_in(office)
    whole = browser.get("/worklist.csv").text
    selected = keys(page)[:2]
    ask = worklist.rows

    def meanwhile(*given: Any) -> list[worklist.Row]:
        found = ask(*given)
        if selected:
            act(other, page_of_other, "release", [selected.pop()])
        return found

    other, page_of_other = signed_in(office)
    monkeypatch.setattr(routes, "EXPORTED_AT_ONCE", 2)
    monkeypatch.setattr(worklist, "rows", meanwhile)
    assert browser.get("/worklist.csv").text == whole
    seen = browser.get("/worklist")
    assert (len(keys(seen)), "5 lines" in seen.text) == (5, True)


def test_what_the_database_does_not_do_of_several_is_told_and_the_others_go(
    office: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, page = signed_in(office)
    one, other = keys(page)[:2]
    let_go = releases.release

    def met(db: Any, pair: worklist.Pair, *given: Any) -> None:
        let_go(db, pair, *given)
        if pair[0].key == one:
            raise psycopg.errors.DeadlockDetected

    monkeypatch.setattr(releases, "release", met)
    said = act(browser, page, "release", [one, other])
    assert "1 line released" in said.text
    assert "1 line could not:</b> The database was asked for two things at once" in said.text
    assert (one in keys(said), other in keys(said)) == (True, False)
