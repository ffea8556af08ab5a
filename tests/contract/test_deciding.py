"""What a biller decides beside an opened line: who pays first, what a payer answers, and an
authorization that came."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from integration.store import assessments, decisions, patients
from mappings.site import Site
from tests import builders
from tests.fakes.browser import Browser
from tests.plugins.pages import Clinic, Open

Resources = list[dict[str, Any]]


@pytest.fixture
def office(clinic: Open, pages_store: Any) -> Clinic:
    with pages_store.transaction() as db:
        db.execute("delete from patients")
        db.execute("delete from decisions")
        db.execute("delete from procrastinate_jobs")
    made = clinic(
        web={"roles": {"biller": ["Practitioner/dr-1"]}}, site={"auth": {"method": "none"}}
    )
    made.launcher.context = {}
    return made


def two_plans() -> Resources:
    return builders.chart(builders.commercial(id="group"))


def of_commercial() -> Resources:
    medicare_advantage = builders.coverage("111", "Sunrise Medicare Advantage")
    return builders.chart(medicare_advantage)


def opened(office: Clinic, resources: Resources) -> tuple[Browser, str, str]:
    """The browser of a biller who has the one line of the chart open, its page and its key."""
    found = builders.document_of(resources).patients[0]
    with office.store.transaction() as db:
        known = patients.known(db, "general", "p1")
        assessments.keep(db, known, found, datetime.now(UTC), "sweep")
    browser = office.browser()
    browser.get("/sign-in?with=general")
    listed = browser.get("/worklist?view=all")
    key = re.search(r'name="line" value="([^"]+)" data-value', listed.text)
    assert key
    page = browser.get(f"/worklist?view=all&open={key[1]}")
    return browser, page.text, key[1]


def answer_to(browser: Browser, page: str, key: str, **fields: Any) -> Any:
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    form = {"csrf": csrf[1], "line": key, **fields}
    return browser.send("/worklist/decisions?view=all", data=form)


def decide(browser: Browser, page: str, key: str, **fields: Any) -> str:
    return str(answer_to(browser, page, key, **fields).text)


def recorded(office: Clinic) -> list[decisions.Recorded]:
    with office.store.transaction() as db:
        return decisions.every(db, "general")


def queued(office: Clinic) -> int:
    with office.store.transaction() as db:
        row = db.execute("select count(*) from procrastinate_jobs where status = 'todo'").fetchone()
    return int(row[0]) if row else 0


def test_who_pays_first_is_recorded_audited_and_assessed_at_once(office: Clinic) -> None:
    browser, page, key = opened(office, two_plans())
    assert "Which plan is primary" in page
    assert "Commercial, Sunrise Health Plan" in page
    places = ["Coverage/coverage=2", "Coverage/group=1"]
    said = decide(browser, page, key, about="pays-first", place=places, why="works for 40 people")
    assert "Recorded. 1 patient will be assessed again in a moment." in said
    (found,) = recorded(office)
    part = found.decision.pays_first
    assert part
    assert (part.coverage, part.then, found.patient) == (
        "Coverage/group",
        ("Coverage/coverage",),
        "p1",
    )
    assert set(part.as_seen) == {"Coverage/coverage", "Coverage/group"}
    assert (found.decision.when, found.decision.note) == (date.today(), "works for 40 people")  # noqa: DTZ011
    assert queued(office) == 1
    assert "recorded a decision" in said


def test_why_medicare_pays_second_is_recorded_beside_it(office: Clinic) -> None:
    browser, page, key = opened(office, two_plans())
    assert "working aged (12)" in page
    places = ["Coverage/coverage=2", "Coverage/group=1"]
    said = decide(browser, page, key, about="pays-first", place=places, second="12")
    assert "Recorded. 1 patient will be assessed again in a moment." in said
    second, first = recorded(office)
    assert second.decision.medicare_secondary
    assert (second.decision.medicare_secondary.why, second.patient) == ("12", "p1")
    assert first.decision.pays_first
    assert "Medicare is secondary, working aged (12)" in said


def test_a_reason_that_is_none_is_told_and_nothing_recorded(office: Clinic) -> None:
    browser, page, key = opened(office, two_plans())
    places = ["Coverage/coverage=2", "Coverage/group=1"]
    said = decide(browser, page, key, about="pays-first", place=places, second="99")
    assert "99 is not a reason for Medicare to pay second" in said
    assert recorded(office) == []


def test_what_was_recorded_makes_the_line_go_by_it(office: Clinic) -> None:
    browser, page, key = opened(office, two_plans())
    decide(
        browser, page, key, about="pays-first", place=["Coverage/coverage=1", "Coverage/group=2"]
    )
    site = Site().deciding([entry.decision for entry in recorded(office)], datetime.now(UTC))
    (line,) = builders.document_of(two_plans(), site=site).patients[0].lines
    assert (line.coverage, line.status) == ("Coverage/coverage", "ready")


@pytest.mark.parametrize(
    "places",
    [
        ["Coverage/coverage=1", "Coverage/group=1"],
        ["Coverage/coverage=1"],
        ["Coverage/coverage=1", "Coverage/other=2"],
        ["Coverage/coverage=0", "Coverage/group=1"],
        ["nonsense"],
    ],
)
def test_an_order_that_is_none_is_told(office: Clinic, places: list[str]) -> None:
    browser, page, key = opened(office, two_plans())
    said = decide(browser, page, key, about="pays-first", place=places)
    assert "Give each plan a place of its own, one of them primary." in said
    assert recorded(office) == []


def test_a_payers_answer_is_recorded_for_the_payer_and_the_code(office: Clinic) -> None:
    browser, page, key = opened(office, of_commercial())
    assert "Sunrise Medicare Advantage requires authorization of J1756" in page
    said = decide(
        browser,
        page,
        key,
        about="payer-answer",
        authorization="not-required",
        days="365",
        confirmed_by="provider line, ref 7",
    )
    assert "Recorded." in said
    (found,) = recorded(office)
    part = found.decision.payer_answer
    assert part
    assert (part.payer, part.code, part.timely_filing_days, found.patient) == (
        "Sunrise Medicare Advantage",
        "J1756",
        365,
        None,
    )
    assert queued(office) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"authorization": ""}, "Say whether the payer requires authorization."),
        ({"confirmed_by": " "}, "Say who at the payer confirmed it"),
        ({"days": "half"}, "Write the days for a claim as a number such as 180"),
        ({"until": "soon"}, "There is no date soon"),
        ({"until": "2020-01-01"}, "ends before it was decided"),
        ({"about": "pays-first"}, "Who pays first is no longer open for this line."),
        ({"about": "weather"}, "The line is no longer there."),
    ],
)
def test_what_can_not_be_read_is_told_and_nothing_recorded(
    office: Clinic, fields: dict[str, str], said: str
) -> None:
    browser, page, key = opened(office, of_commercial())
    good = {
        "about": "payer-answer",
        "authorization": "required",
        "confirmed_by": "a call",
    }
    assert said in decide(browser, page, key, **{**good, **fields})
    assert recorded(office) == []
    assert queued(office) == 0


def test_a_line_with_nothing_open_has_no_form(office: Clinic) -> None:
    _, page, _ = opened(office, builders.chart())
    assert "Which plan is primary" not in page
    assert "requires authorization of" not in page


def test_where_no_order_of_plans_helps_none_is_asked_for(office: Clinic) -> None:
    """One that nobody knows stays unknown in the first place, too."""
    _, page, _ = opened(office, builders.chart(builders.coverage(None, None)))
    assert "does not say which payer it is" in page
    assert "Say once for the site what kind of payer it is" in page
    assert "Which plan is primary" not in page
    assert "Record which plan is primary" not in page


def test_why_medicare_is_second_is_asked_where_it_may_be(office: Clinic) -> None:
    assert "Where Medicare is secondary" in opened(office, two_plans())[1]
    plans = (builders.commercial(id="coverage"), builders.commercial("Aetna", id="group"))
    _, page, _ = opened(office, builders.chart(*plans))
    assert "Which plan is primary" in page
    assert "Where Medicare is secondary" not in page


def test_what_was_recorded_by_mistake_is_taken_back(office: Clinic) -> None:
    """Also where the line does not rest on it: an authorization of other days."""
    browser, page, key = opened(office, of_commercial())
    decide(browser, page, key, about="authorization", **{**CAME, "begins": "2027-01-01"})
    page = browser.get(f"/worklist?view=all&open={key}").text
    button = re.search(r'name="number" value="(\d+)" aria-label="Take back what Pra', page)
    assert button
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    form = {"csrf": csrf[1], "line": key, "number": button[1]}
    said = browser.send("/worklist/decisions/end?view=all", data=form)
    assert "Taken back. 1 patient will be assessed again" in said.text
    assert recorded(office) == []
    again = browser.send("/worklist/decisions/end?view=all", data=form)
    assert (again.status_code, "no longer in force" in again.text) == (422, True)


CAME = {"number": "PA7", "begins": "2026-10-01", "ends": "2027-12-31", "units": "1000"}


def test_an_authorization_that_came_is_recorded_and_the_line_goes_by_it(office: Clinic) -> None:
    browser, page, key = opened(office, of_commercial())
    assert "The authorization came" in page
    said = decide(browser, page, key, about="authorization", why="by fax", **CAME)
    assert "Recorded. 1 patient will be assessed again in a moment." in said
    (found,) = recorded(office)
    assert found.decision.authorization
    assert (found.patient, found.decision.note) == ("p1", "by fax")
    site = Site().deciding([found.decision], datetime.now(UTC))
    (line,) = builders.document_of(of_commercial(), site=site).patients[0].lines
    assert (line.prior_authorization, line.status) == ("PA7", "ready")


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ({"number": " "}, "Write the number of the authorization"),
        ({"ends": ""}, "its first and its last day"),
        ({"ends": "2026-09-01"}, "t ends before it begins"),
        ({"units": "many"}, "Write the units as a number"),
        ({"units": "0"}, "Write the units as a number"),
    ],
)
def test_an_authorization_without_its_days_is_none(
    office: Clinic, lacks: dict[str, str], says: str
) -> None:
    browser, page, key = opened(office, of_commercial())
    answer = answer_to(browser, page, key, about="authorization", **{**CAME, **lacks})
    assert (answer.status_code, says in answer.text) == (422, True)  # the form stays as it was
    assert recorded(office) == []


@pytest.mark.parametrize("resources", [two_plans(), of_commercial(), builders.chart()])
def test_each_label_names_one_field(office: Clinic, resources: Resources) -> None:
    _, page, _ = opened(office, resources)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(set(ids)) == sorted(ids)
    assert set(re.findall(r'<label for="([^"]+)"', page)) <= set(ids)


def test_a_dose_above_every_label_is_confirmed_with_who_saw_it(office: Clinic) -> None:
    given = [builders.administration(dose="600 mg"), builders.order(dose="600 mg")]
    browser, page, key = opened(office, builders.chart(*given))
    assert "600 mg were given in one dose, as recorded." in page
    said = decide(browser, page, key, about="dose-given")
    assert "Say how you know that it was given" in said
    assert recorded(office) == []
    said = decide(browser, page, key, about="dose-given", why="RN Ames, by phone")
    assert "Recorded. 1 patient will be assessed again in a moment." in said
    (found,) = recorded(office)
    part = found.decision.dose_given
    assert part
    assert (part.reference, str(part.mg)) == ("MedicationAdministration/ma1", "600")
    assert (found.decision.note, found.patient) == ("RN Ames, by phone", "p1")


def of_notes() -> Resources:
    noted = "VS stable. Eliquis held, stopped for EGD. Late entry for 10/30"
    return builders.chart(builders.administration(note=noted))


def keys_of_words(page: str) -> list[str]:
    return re.findall(r'name="misread" value="([^"]+)"', page)


def test_words_that_were_misread_are_set_aside_with_who_says_so(office: Clinic) -> None:
    browser, page, key = opened(office, of_notes())
    assert "“Eliquis held, stopped for EGD”" in page
    assert "“Late entry for 10/30”" in page
    words = keys_of_words(page)
    said = decide(browser, page, key, about="note-misread", misread=words)
    assert "Say how you know that they were misread" in said
    assert recorded(office) == []
    said = decide(browser, page, key, about="note-misread", misread=words, why="RN Ames, by phone")
    assert "Recorded. 1 patient will be assessed again in a moment." in said
    parts = [found.decision.note_misread for found in recorded(office)]
    assert {(part.reference, part.words) for part in parts if part} == {
        ("MedicationAdministration/ma1", "Eliquis held, stopped for EGD"),
        ("MedicationAdministration/ma1", "Late entry for 10/30"),
    }
    site = Site().deciding([entry.decision for entry in recorded(office)], datetime.now(UTC))
    (line,) = builders.document_of(of_notes(), site=site).patients[0].lines
    assert line.status == "ready"


@pytest.mark.parametrize("words", [[], ["of another line"]])
def test_no_words_are_set_aside_that_hold_nothing(office: Clinic, words: list[str]) -> None:
    browser, page, key = opened(office, of_notes())
    said = decide(browser, page, key, about="note-misread", misread=words, why="RN Ames, by phone")
    assert "Mark the words that say nothing against the dose." in said
    assert recorded(office) == []
