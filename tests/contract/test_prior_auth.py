"""`ferroclaim prior-auth`: what a payer wants before it authorizes an iron, from a file or a
server."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integration import cli
from integration.authorizing.charts import from_server
from integration.authorizing.planned import Asking
from integration.ehr.client import EhrClient
from integration.errors import NotFound
from mappings.authorizing.summary import MOST_LETTERS
from mappings.policy import choosing
from tests import authorizations, builders
from tests.fakes.ehr import FakeEhr

Resource = dict[str, Any]


class Run:
    """What a call printed, and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def document(self) -> Resource:
        found: Resource = json.loads(self.out)
        return found


Asked = Callable[..., Run]


@pytest.fixture
def ask(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Asked:
    """Calls the command on a chart, as of a day in November."""

    def call(resources: list[Resource], *arguments: str, site: bool = True) -> Run:
        asked = ["prior-auth", str(authorizations.file(tmp_path, resources))]
        asked += ["--as-of", authorizations.AS_OF, *arguments]
        if site:
            asked += ["--site", "main", "--config", str(authorizations.configuration(tmp_path))]
        monkeypatch.setattr("sys.argv", ["ferroclaim", *asked])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Run(int(ended.value.code or 0), out, err)

    return call


def requests(run: Run) -> list[Resource]:
    found: list[Resource] = run.document()["requests"]
    return found


def only(run: Run) -> Resource:
    (request,) = requests(run)
    return request


def test_an_order_is_asked_for_with_all_its_doses(ask: Asked) -> None:
    run = ask(authorizations.chart(), "--place", "11", "--format", "json")
    request = only(run)
    wanted = {
        "patient": "Patient/p1", "order": "MedicationRequest/order", "administrations": [],
        "payer": "Sunrise Health Plan", "code": "J1756", "state": "incomplete", "doses": 5,
        "unitsADose": 200, "units": 1000, "from": "2026-11-05", "placeOfService": "11",
        "diagnoses": ["N18.4", "D63.1", "D50.9"], "practitioner": "1598765430",
        "provider": "1234567893", "lacking": [],
    }  # fmt: skip
    assert {name: request[name] for name in wanted} == wanted
    assert (run.status, run.err) == (0, "")
    met = {one["requirement"] for one in request["criteria"] if one["state"] == "met"}
    assert {"ferritin", "transferrin-saturation", "oral-iron-history"} <= met
    about = {fact["about"]: fact["says"] for fact in request["facts"]}
    assert about["ferritin"] == "42 ng/mL on Oct 12, 2026"


def test_what_the_payer_wants_and_the_chart_lacks_is_told_with_what_to_do(ask: Asked) -> None:
    run = ask(authorizations.chart(without=("administration", "ferritin", "intolerance")))
    assert "No usable ferritin result" in run.out or "No ferritin result" in run.out
    assert "Oral-iron history" in run.out
    assert "→" in run.out


def test_nothing_is_made_up(ask: Asked) -> None:
    unknown = authorizations.chart(authorizations.order(text="IV iron"))
    run = ask(unknown, "--format", "json")
    assert requests(run) == []
    assert "MedicationRequest/order: no claim line comes of it" in run.err
    assert run.status == 1
    request = only(ask(authorizations.chart(builders.order(dose=None)), "--format", "json"))
    assert (
        "the dose as one amount (dosageInstruction.doseAndRate of the order)" in request["lacking"]
    )
    assert (request["unitsADose"], request["units"]) == (None, None)
    bare = builders.chart(builders.commercial(), builders.order(), without=("administration",))
    request = only(ask(bare, "--format", "json", site=False))
    assert request["lacking"] == [
        "the patient's family and given name (Patient.name)",
        "the member number (Coverage/coverage subscriberId)",
        "the patient's relationship to the subscriber (Coverage/coverage relationship)",
        "how many doses (timing.repeat.count of the order, or --doses)",
        "the place of service (--place)",
        "who orders, with name and NPI (MedicationRequest.requester)",
        "of the site's billing_provider name, npi, tax_id, address and phone",
    ]
    assert (request["doses"], request["units"]) == (None, None)


def test_doses_that_were_given_under_the_order_are_not_asked_for_again(ask: Asked) -> None:
    first = builders.administration(
        id="first",
        on="2026-10-25T09:00:00-04:00",
        request={"reference": "MedicationRequest/order"},
    )
    approved = builders.authorization(start="2026-10-01", end="2026-10-31")
    request = only(ask(authorizations.chart(first, approved), "--format", "json"))
    assert (request["doses"], request["units"], request["state"]) == (4, 800, "expired")
    assert [fact["says"] for fact in request["facts"] if fact["about"] == "earlier IV iron"]


def test_doses_given_without_one_are_asked_for_after_the_fact(ask: Asked) -> None:
    whole = authorizations.chart(authorizations.order(count=1, status="completed"), without=())
    request = only(ask(whole, "--format", "json"))
    assert request["administrations"] == ["MedicationAdministration/ma1"]
    assert (request["doses"], request["units"]) == (1, 200)
    assert request["from"] == request["to"] == "2026-11-01"
    assert request["placeOfService"] == "11"


@pytest.mark.parametrize(
    "over",
    [
        {"status": "completed"},
        {"status": "cancelled"},
        {"doNotPerform": True},
        {"text": "ferrous sulfate 325 mg tablet"},
        {"dispenseRequest": {"validityPeriod": {"start": "2026-09-01", "end": "2026-09-30"}},
         "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 200, "unit": "mg"}}]}]},
    ],
    ids=["completed", "cancelled", "not to be done", "oral iron", "its time is over"],
)  # fmt: skip
def test_an_order_that_is_over_is_not_asked_for(over: Resource, ask: Asked) -> None:
    run = ask(authorizations.chart(authorizations.order(**over)))
    assert run.out.startswith("No order and no dose here waits for a prior authorization.")


def test_one_that_is_covered_is_named_with_why(ask: Asked) -> None:
    approved = builders.authorization(start="2026-10-01", end="2026-12-31")
    run = ask(authorizations.chart(approved), "--format", "json")
    assert requests(run) == []
    (covered,) = run.document()["covered"]
    assert covered["says"] == "An approved authorization covers the dose."
    medicare = authorizations.chart(builders.coverage())
    assert "the payer asks for no authorization" in ask(medicare).out


def test_a_dose_in_the_dialysis_facility_is_said_to_be_in_the_bundle(ask: Asked) -> None:
    esrd = [builders.condition("N18.6"), builders.condition("Z99.2")]
    medicare = authorizations.chart(
        builders.coverage(), *esrd, without=("administration", "coverage", "ckd")
    )
    run = ask(medicare, "--place", "65", "--format", "json")
    (covered,) = run.document()["covered"]
    assert any("part of the ESRD bundle" in note for note in covered["notes"])
    assert "part of the ESRD bundle" in " ".join(ask(medicare, "--place", "65").out.split())
    elsewhere = ask(medicare, "--place", "11", "--order", "order", "--format", "json")
    found = {one["requirement"]: one["state"] for one in only(elsewhere)["criteria"]}
    assert found["esrd-consolidated-billing"] == "not-covered"
    assert not any("bundle" in note for note in only(elsewhere)["notes"])


def test_a_named_order_is_drawn_up_whatever_its_payer_asks(ask: Asked) -> None:
    medicare = authorizations.chart(builders.coverage(id="coverage"))
    asked = ("--order", "order", "--doses", "3", "--format", "json")
    request = only(ask(medicare, *asked))
    assert (request["state"], request["doses"]) == ("not-applicable", 3)
    run = ask(medicare, "--order", "nix")
    assert run.status == 2
    assert "MedicationRequest/nix is no order of an intravenous iron" in run.err


def test_each_order_stands_for_itself(ask: Asked) -> None:
    """Two open orders are not two irons on one day."""
    other = authorizations.order(count=1, id="other", text="Injectafer 750 mg")
    other["dosageInstruction"][0]["doseAndRate"] = [{"doseQuantity": builders.quantity("750 mg")}]
    found = {
        one["code"]: one for one in requests(ask(authorizations.chart(other), "--format", "json"))
    }
    assert set(found) == {"J1756", "J1439"}
    states = {one["requirement"]: one["state"] for one in found["J1756"]["criteria"]}
    assert states["dosing"] == "met"


def test_an_order_of_next_month_is_judged_by_its_day(ask: Asked) -> None:
    later = authorizations.order()
    bounds = {"boundsPeriod": {"start": "2027-01-04", "end": "2027-02-04"}}
    later["dosageInstruction"][0]["timing"]["repeat"] |= bounds
    request = only(ask(authorizations.chart(later), "--format", "json"))
    assert (request["from"], request["to"]) == ("2027-01-04", "2027-02-04")
    states = {one["requirement"]: one["state"] for one in request["criteria"]}
    assert states["ferritin"] == "expired"


# Da Vinci PAS


def test_a_bundle_names_everyone_and_leads_nowhere_else(ask: Asked) -> None:
    run = ask(authorizations.chart(), "--place", "11", "--format", "fhir")
    (bundle,) = authorizations.parsed(run.out)
    assert bundle["entry"][0]["resource"]["resourceType"] == "Claim"
    ours = {entry["fullUrl"] for entry in bundle["entry"]}
    assert set(_references(bundle)) <= ours
    found = authorizations.resources(bundle)
    (item,) = found["Claim"]["item"]
    assert item["quantity"] == {"value": 1000}
    assert found["MedicationRequest"]["medicationCodeableConcept"] == {"text": "iron sucrose"}
    assert found["Observation"]["valueQuantity"]["value"] in (42, 14)
    (said,) = [
        row["valueString"] for row in found["Claim"]["supportingInfo"] if "valueString" in row
    ]
    assert said.startswith("iron sucrose, 5 doses of 200 mg from Nov 5, 2026")
    assert len(said) <= MOST_LETTERS
    again = ask(authorizations.chart(), "--place", "11", "--format", "fhir")
    assert again.out == run.out


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for one in part for found in _references(one)]
    if not isinstance(part, dict):
        return []
    own = [part["reference"]] if isinstance(part.get("reference"), str) else []
    return own + [found for one in part.values() for found in _references(one)]


def test_of_what_lacks_something_there_is_no_bundle(ask: Asked) -> None:
    run = ask(authorizations.chart(), "--format", "fhir")
    assert (run.status, run.out) == (1, "")
    said = "MedicationRequest/order: no Bundle was made; it lacks the place of service (--place)"
    assert said in run.err


def test_a_sheet_to_print_says_it_all_and_escapes(ask: Asked, tmp_path: Path) -> None:
    sly = authorizations.person(id="p1")
    sly["name"] = [{"family": "<script>", "given": ["Ada"]}]
    sly["address"][0]["line"] = ["<script>"]
    out = tmp_path / "sheet.html"
    run = ask(authorizations.chart(sly), "--place", "11", "--format", "html", "--out", str(out))
    assert (run.status, run.out) == (0, "")
    page = out.read_text()
    for said in ("NPI 1598765430", "W123", "J1756", "1000 (5 × 200)", "11 (office)", "Riverside"):
        assert said in page
    assert "<script>" not in page
    nothing = authorizations.chart(authorizations.order(status="cancelled"))
    assert "No order and no dose" in ask(nothing, "--format", "html").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--place", "99"), "is no place of service that is known here"),
        (("--as-of", "0001-01-01"), "is not a date"),
        (("--as-of", "9999-12-31"), "is not a date"),
        (("--doses", "1001"), "--doses"),
        (("--patient", "p1"), "--patient goes with a FHIR base URL as SOURCE"),
        (("--out", "/nowhere/at/all", "--format", "json"), "Cannot write /nowhere/at/all"),
    ],
)
def test_wrong_usage_is_said(arguments: tuple[str, ...], says: str, ask: Asked) -> None:
    run = ask(authorizations.chart(), *arguments)
    assert run.status == 2
    assert says in run.err


# Of a server


def test_a_server_is_read_with_the_people_in_the_chart(
    ehr: Callable[..., FakeEhr], connect: Callable[..., EhrClient]
) -> None:
    fake = ehr("epic").load(authorizations.chart())
    asking = Asking(datetime.fromisoformat(authorizations.AS_OF), place="11")
    found = from_server(connect(fake), ["p1"], choosing.built_in(), asking, ())
    (request,) = found.requests
    assert (request.practitioner.npi, request.course.units) == ("1598765430", 1000)
    assert found.names == {"Patient/p1": "Ada Sampleton"}
    assert found.problems == []


def test_one_that_cannot_be_read_is_named_and_the_others_go_on(
    ehr: Callable[..., FakeEhr], connect: Callable[..., EhrClient]
) -> None:
    fake = ehr("epic").load(authorizations.chart())
    asking = Asking(authorizations.NOW, place="11")
    client = connect(fake)
    found = from_server(client, ["nobody", "p1", "p1"], choosing.built_in(), asking, ())
    assert [problem.resource for problem in found.problems] == ["Patient/nobody"]
    assert len(found.requests) == 1
    with pytest.raises(NotFound):
        from_server(client, ["nobody"], choosing.built_in(), asking, ())


def test_people_that_a_server_does_not_give_are_lacking(
    ehr: Callable[..., FakeEhr], connect: Callable[..., EhrClient]
) -> None:
    fake = ehr("epic").load(authorizations.chart())
    for pattern in ("Practitioner", "PractitionerRole"):
        fake.fail(pattern, 403, times=99)
    asking = Asking(authorizations.NOW, place="11")
    found = from_server(connect(fake), ["p1"], choosing.built_in(), asking, ())
    (request,) = found.requests
    assert "who orders, with name and NPI (MedicationRequest.requester)" in request.lacking


@pytest.mark.parametrize("place", [(), ("--place", "11")])
def test_a_dose_of_today_is_none_of_those_that_are_asked_for(
    ask: Asked, place: tuple[str, ...]
) -> None:
    """A reaction to one iron, and the order of another: neither was given in place of the other."""
    given = builders.administration(
        on="2026-11-05T09:00:00-05:00", text="INFeD", ndc=builders.INFED
    )
    run = ask([*authorizations.chart(), given], *place, "--order", "order", "--format", "json")
    request = only(run)
    assert request["from"] == "2026-11-06"
    assert request["criteria"]
    assert "dosing" not in [
        one["requirement"] for one in request["criteria"] if one["state"] != "met"
    ]
