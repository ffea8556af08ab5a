"""Runs the scenarios: YAML files beside this one, which a biller can read. See README.md for the
words they use."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from mappings import decisions
from mappings.assessment import Evidence, PatientAssessment
from mappings.policy import choosing
from mappings.site import Site
from tests import builders
from tests.scenarios import well_founded

FOLDER = Path(__file__).parent
WORDS = {
    "name", "rule", "with", "without", "only", "as_of", "site", "policy", "decisions", "expect",
}  # fmt: skip
EXPECTATIONS = {
    "lines", "gaps", "warnings", "states", "pending", "reversed", "unreadable", "line", "jw_line",
    "omitted", "notes", "messages",
    "denials", "values", "cites", "says",
}  # fmt: skip


_ON_AND_OFF = {("tag:yaml.org,2002:bool", first) for first in "oO"}


class _Loader(yaml.CSafeLoader):
    """Dates stay text, decimals stay exact, `on` and `off` are words."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in rows
        if tag != "tag:yaml.org,2002:timestamp" and (tag, first) not in _ON_AND_OFF
    ]
    for first, rows in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(
    "tag:yaml.org,2002:float",
    lambda _, node: Decimal(node.value.replace(".nan", "nan").replace(".inf", "inf")),
)


def scenarios_by_file() -> dict[str, list[dict[str, Any]]]:
    return {
        path.stem: yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - our own safe loader
        for path in sorted(FOLDER.glob("*.yaml"))
    }


def _scenarios() -> list[Any]:
    files = scenarios_by_file().items()
    return [
        pytest.param(scenario, id=f"{stem}: {scenario['name']}")
        for stem, scenarios in files
        for scenario in scenarios
    ]


@pytest.mark.parametrize("scenario", _scenarios())
def test_scenario(scenario: dict[str, Any]) -> None:
    assert set(scenario) <= WORDS, "unknown words"
    expected = scenario["expect"]
    assert expected
    assert set(expected) <= EXPECTATIONS, "unknown expectations"
    changes = [_build(row) for row in scenario.get("with", [])]
    resources = (
        changes
        if scenario.get("only")
        else builders.chart(*changes, without=scenario.get("without", []))
    )
    as_of = datetime.fromisoformat(scenario["as_of"]) if "as_of" in scenario else builders.AS_OF
    decided = [decisions.from_document(decision) for decision in scenario.get("decisions", [])]
    site = msgspec.convert(scenario.get("site", {}), Site).deciding(decided, as_of)
    policies = well_founded.told_apart(_policies(scenario.get("policy")))
    document = builders.document_of(resources, as_of, site, policies)
    if expected.get("omitted"):
        assert not document.patients
        return
    assert len(document.patients) == 1
    found = document.patients[0]
    well_founded.check(found, policies)
    for name in EXPECTATIONS & set(expected):
        assert _found(name, expected[name], found) == expected[name], (
            f"{name} of {builders.shown(found)} {builders.gaps(found)}"
        )


def _build(row: dict[str, Any]) -> builders.Resource:
    """`{ferritin: {value: 42}}` → builders.ferritin(value=42)."""
    ((name, arguments),) = row.items()
    built: builders.Resource = getattr(builders, name)(**(arguments or {}))
    return built


def _policies(changes: dict[str, Any] | None) -> choosing.PolicySet:
    """The built-in policies; with `policy: {id: …, modifiers: …}`, those parts of that one are
    replaced."""
    if changes is None:
        return choosing.built_in()
    changed = choosing.built_in().get(changes["id"])
    assert changed, f"no policy {changes['id']}"
    merged = msgspec.convert(msgspec.to_builtins(changed) | changes, choosing.Policy, strict=False)
    return choosing.PolicySet(
        [merged, *(policy for policy in choosing.built_in().policies if policy is not changed)]
    )


def _found(name: str, expected: Any, found: PatientAssessment) -> Any:
    if name in ("lines", "gaps", "warnings"):
        return (
            builders.shown(found)
            if name == "lines"
            else builders.gaps(found, blocking=name == "gaps")
        )
    if name in ("states", "values", "cites", "says", "denials"):
        return {requirement: _of_requirement(name, requirement, found) for requirement in expected}
    if name in ("pending", "reversed"):
        return [
            f"{row.administration.partition('/')[2]} {row.status}" for row in getattr(found, name)
        ]
    if name == "unreadable":
        return [problem.resource for problem in found.unreadable]
    if name == "notes":
        return [
            note
            for note in expected
            if any(note in said for line in found.lines for said in line.notes)
        ]
    if name == "messages":
        return [
            said
            for said in expected
            if any(said in f"{gap.message} {gap.fix}" for gap in found.gaps)
        ]
    # `line`, `jw_line`: elements of the first line, of the JW line, as the document names them.
    row = (
        found.lines[0]
        if name == "line"
        else next(line for line in found.lines if "JW" in line.modifiers)
    )
    line = msgspec.json.decode(msgspec.json.encode(row))
    # How old the payment limits are is of the tables, not of the chart.
    line["notes"] = [
        note for note in line["notes"] if not note.startswith("priced with the payment limit of ")
    ]
    return {element: line[element] for element in expected}


def _of_requirement(name: str, requirement: str, found: PatientAssessment) -> Any:
    """The state of a requirement, its value with unit, the resources it rests on, or the denial
    that its gap predicts."""
    if name == "states":
        return builders.state(found, requirement)
    if name == "denials":
        denial = next(gap.predicted_denial for gap in found.gaps if gap.requirement == requirement)
        return " ".join([denial.carc, *denial.rarc]) if denial else None
    row = next(row for row in found.requirements if row.requirement == requirement)
    if name == "says":
        return row.says
    return (
        [_cited(item) for item in row.evidence]
        if name == "cites"
        else " ".join(filter(None, (row.value, row.unit)))
    )


def _cited(item: Evidence) -> str:
    """The resource; of a decision only that it is one, its number says nothing to a reader."""
    return item.resource if item.in_the_chart else "urn:ferroclaim:decision:"
