"""The cases that stand in policies, and the published schema that editors check the files by."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from mappings.datafiles.error import DataFileError
from mappings.policy import choosing
from mappings.policy.cases import Case, CaseFacts
from mappings.policy.choosing import Policy
from mappings.policy.schema import json_schema
from mappings.trials.cases import run_cases

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "policy.schema.json"
FILES = sorted((ROOT / "mappings" / "policy" / "built_in").glob("*.yaml"))
BUILT_IN = choosing.built_in().policies


@pytest.mark.parametrize("policy", BUILT_IN, ids=lambda policy: policy.id)
def test_the_cases_of_a_built_in_policy_pass(policy: Policy) -> None:
    assert [result for result in run_cases(policy) if not result.passed] == []


@pytest.mark.parametrize(
    "policy",
    [policy for policy in BUILT_IN if policy.id != "no-coverage"],
    ids=lambda policy: policy.id,
)
def test_each_has_a_case_that_is_ready(policy: Policy) -> None:
    assert "ready" in {case.expect.get("line") for case in policy.cases}


def run(identity: str, expect: dict[str, Any], **given: Any) -> list[tuple[str, str]]:
    policy = choosing.built_in().get(identity)
    assert policy
    case = Case(name="case", given=CaseFacts(**given), expect=expect)
    return [
        (result.requirement, result.found)
        for result in run_cases(msgspec.structs.replace(policy, cases=(case,)))
    ]


def test_a_case_that_fails_says_what_was_found() -> None:
    policy = choosing.built_in().get("commercial-default")
    assert policy
    case = Case(name="wrong", given=CaseFacts(ckd=True, ferritin=501), expect={"ferritin": "met"})  # type: ignore[arg-type]
    (found,) = run_cases(msgspec.structs.replace(policy, cases=(case,)))
    assert not found.passed
    assert (found.case, found.requirement, found.expected, found.found) == (
        "wrong",
        "ferritin",
        "met",
        "not-covered",
    )
    assert found.says.endswith(
        "is outside the payer's limit (ferritin at most 500 ng/mL and transferrin saturation at"
        " most 30%)."
    )


@pytest.mark.parametrize(
    ("given", "requirement", "state"),
    [
        ({"iron_deficiency": False}, "iron-deficiency-diagnosis", "missing"),
        ({"iron_deficiency": False, "ckd": True, "tsat": 14}, "iron-deficiency-diagnosis", "met"),
        (
            {"anemia_in_ckd": False, "ckd": True, "iron_deficiency": False},
            "anemia-ckd-link",
            "missing",
        ),
        ({"esrd": True}, "ckd-diagnosis", "met"),
        ({"dialysis": True}, "ckd-diagnosis", "incomplete"),
        ({"plan": False}, "treatment-plan", "missing"),
        ({"ndc": False}, "ndc", "missing"),
        ({"contraindication": "K50.90"}, "oral-iron-history", "met"),
        ({"intolerance": True}, "oral-iron-history", "met"),
        ({"oral_iron_days": 3}, "oral-iron-history", "met"),
        ({"hemodialysis": True, "ckd": True, "dose_mg": 200}, "dosing", "not-covered"),
        ({"age": 12}, "dosing", "incomplete"),
        ({"ferritin": 801}, "iron-overload", "not-covered"),
        ({"setting": "12"}, "place-of-service", "not-covered"),
        ({"drug_source": "white-bag"}, "line", "not-billable"),
        ({"code": "J1437", "dose_mg": 2000}, "units-limit", "not-covered"),
        ({"day": date(2021, 1, 1), "code": "J1437"}, "product", "met"),
        ({"day": date(2019, 1, 1), "code": "J1437"}, "product", "missing"),
        ({"day": date(2019, 1, 1), "code": "J1437"}, "line", "none"),
    ],
)
def test_what_each_fact_does(given: dict[str, Any], requirement: str, state: str) -> None:
    assert run("medicare-part-b", {requirement: "met"}, **given) == [(requirement, state)]


def test_the_day_lies_in_the_dates_of_the_policy() -> None:
    policy = choosing.built_in().get("commercial-default")
    assert policy
    for effective in ({"from": date(2027, 3, 1)}, {"to": date(2019, 12, 31)}):
        dated = msgspec.structs.replace(
            policy, effective=msgspec.convert(effective, type(policy.effective))
        )
        assert all(result.passed for result in run_cases(dated))


def test_the_published_schema_is_the_one_the_files_are_read_by() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == json.loads(json.dumps(json_schema())), (
        "run `make docs`"
    )


class _Loader(yaml.CSafeLoader):
    """As editors read YAML: dates are text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - our own safe loader
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_valid_by_it(path: Path) -> None:
    jsonschema.validate(read(path), json_schema())


BASE = """\
id: sunrise
version: "1"
title: Sunrise
for: {kinds: [commercial], payers: [sunrise]}
source: ours
verified: false
"""
ONE = "requirements: {ndc: {}}\ncases: [{name: one, "


@pytest.mark.parametrize(
    "rest",
    [
        "requirements: {ndcs: {}}",
        "requirements: {ndc: {units: {iron: ug/dL}}}",
        "requirements: {ndc: {units: {ferritin: ug/L}}}",
        "requirements: {ndc: {source: ''}}",
        "requirements: {progress-note: {window_days: 999999999999}}",
        "requirements: {progress-note: {window_days: '30'}}",
        "requirements: {progress-note: {window_days: 30.5}}",
        "requirements: {dosing: {single_mg: '500'}}",
        "requirements: {dosing: {single_mg: 0}}",
        "requirements: {iron-overload: {ferritin_above_ng_ml: -1}}",
        "requirements: {prior-authorization: {asked: yes}}",
        "requirements: {prior-authorization: {asked: 'yes', codes: [J9999]}}",
        "requirements: {preferred-product: {preferred: []}}",
        "requirements: {drug-source: {allowed: []}}",
        "requirements: {units-limit: {limits: {J9999: 1}}}",
        "requirements: {units-limit: {limits: {}}}",
        "requirements: {}\nmodifiers: {kx: [{modifier: KX, source: ours, attests: [ferritine]}]}",
        "requirements: {}\nmodifiers: {kx: [{modifier: KX, source: ours, attests: []}]}",
        "requirements: {}\nmodifiers: {kx: [{modifier: JZ, source: ours, attests: [dose]}]}",
        "requirements: {}\nmodifiers: {r340b: [{modifier: TB}]}",
        "requirements: {timely-filing: {days: 0}}",
        f"{ONE} given: {{}}, expect: {{feritin: met}}}}]",
        f"{ONE} given: {{}}, expect: {{line: met}}}}]",
        f"{ONE} given: {{}}, expect: {{ferritin: ready}}}}]",
        f"{ONE} given: {{}}, expect: {{}}}}]",
        f"{ONE} given: {{setting: '99'}}, expect: {{line: held}}}}]",
        f"{ONE} given: {{dose_mg: -50}}, expect: {{line: held}}}}]",
        f"{ONE} given: {{tried: [J9999]}}, expect: {{line: held}}}}]",
    ],
)
def test_what_the_schema_refuses_is_refused_on_load(rest: str) -> None:
    written = yaml.load(BASE + rest, _Loader)  # noqa: S506
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(written))
    with pytest.raises(DataFileError):
        choosing.read(BASE + rest, "sunrise.yaml")


@pytest.mark.parametrize(
    "rest",
    [
        "requirements: {progress-note: {window_days: 30.0}}",
        "requirements: {dosing: {single_mg: 62.5}}",
        (
            f"{ONE} given: {{setting: '11', day: 2026-01-01}}, expect: {{line: held, ferritin:"
            " met}}]"
        ),
        (
            "requirements: {}\nmodifiers: {kx: [{modifier: KX, source: ours, attests: [dose],"
            " codes: [J1756]}]}"
        ),
    ],
)
def test_and_what_it_lets_through_is_taken(rest: str) -> None:
    jsonschema.validate(yaml.load(BASE + rest, _Loader), json_schema())  # noqa: S506
    choosing.read(BASE + rest, "sunrise.yaml")


@pytest.mark.parametrize(
    ("place", "known"),
    [("For", "65"), ("AttestingModifier", "ferritin"), ("UnitsRule", "J1756"), ("Case", "line")],
)
def test_an_editor_completes_the_names_that_there_are(place: str, known: str) -> None:
    assert f'"{known}"' in json.dumps(json_schema()["$defs"][place])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_tells_editors_where_the_schema_is(path: Path) -> None:
    hint, _, where = path.read_text("utf-8").splitlines()[0].partition("$schema=")
    assert hint == "# yaml-language-server: "
    assert (path.parent / where).resolve() == PUBLISHED
