"""The assessment document as JSON, a published interface (`docs/assessment.schema.json`): keys may
be added, none removed. Amounts of money and quantities are decimal strings, units are integers,
dates ISO 8601.

A requirement stands once for all doses for which the same rule decided the same: what was found is
in that element where it is the same for all of them, else in `found`.

Held by tests/unit/test_document.py.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from inspect import cleandoc
from itertools import chain
from operator import attrgetter
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, field, structs

from mappings.assessment import (
    Asked,
    Assessment,
    ClaimLine,
    Denial,
    Evidence,
    Finding,
    Gap,
    PatientAssessment,
    Question,
    State,
    Unbilled,
    Unreadable,
)

Schema = Literal["ferroclaim/assessment/2"]
SCHEMA: Schema = "ferroclaim/assessment/2"


class FoundForDoses(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """What was found for some of the administrations of a requirement. What is null or empty is
    left out."""

    administrations: tuple[str, ...]
    value: str | None = None
    unit: str | None = None
    says: str | None = None
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()


class RequirementOfDoses(
    Struct, frozen=True, gc=False, kw_only=True, rename="camel", omit_defaults=True
):
    """The state of one requirement for each of the administrations, and the rule that asks: its
    source, valid from-to. What is null or empty is left out.

    `together`: it was decided of all of them as one (copies of a dose), not of each. `found`: what
    was found for each, where that differs.
    """

    requirement: str
    state: State
    administrations: tuple[str, ...]
    together: bool = False
    policy: str | None
    policy_version: str | None = None
    value: str | None = None
    unit: str | None = None
    says: str | None = None
    note: str | None = None
    evidence: tuple[Evidence, ...] = ()
    found: tuple[FoundForDoses, ...] = ()
    blocking: bool
    write_back: bool
    source: str | None = None
    verified: bool
    start: date | None = field(default=None, name="from")
    end: date | None = field(default=None, name="to")
    fix: str | None = None
    asked: Asked | None = None
    denial: Denial | None = None


class PatientDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """`trace` of a line is left out unless asked for."""

    patient: str
    lines: tuple[ClaimLine, ...]
    gaps: tuple[Gap, ...]
    requirements: tuple[RequirementOfDoses, ...]
    pending: tuple[Unbilled, ...]
    reversed: tuple[Unbilled, ...]
    unreadable: tuple[Unreadable, ...]
    questions: tuple[Question, ...]
    test_patient: bool


class Document(Struct, frozen=True, kw_only=True, rename="camel"):
    schema: Schema = SCHEMA
    as_of: str
    patients: tuple[PatientDocument, ...]
    unreadable: tuple[Unreadable, ...]
    questions: tuple[Question, ...]


def to_json(assessment: Assessment, indent: int = 2, *, trace: bool = True) -> bytes:
    """The document as UTF-8 JSON, with or without the chain of each line."""
    encoded = msgspec.json.encode(
        Document(
            as_of=assessment.as_of,
            patients=tuple(of_patient(found, trace=trace) for found in assessment.patients),
            unreadable=assessment.unreadable,
            questions=assessment.questions,
        )
    )
    return msgspec.json.format(encoded, indent=indent) if indent else encoded


def of_patient(found: PatientAssessment, *, trace: bool) -> PatientDocument:
    """One of the document's `patients`."""
    return PatientDocument(
        patient=found.patient,
        lines=found.lines if trace else tuple(map(_without_trace, found.lines)),
        gaps=found.gaps,
        requirements=tuple(_merged(found.requirements)),
        pending=found.pending,
        reversed=found.reversed,
        unreadable=found.unreadable,
        questions=found.questions,
        test_patient=found.test_patient,
    )


def json_schema() -> dict[str, Any]:
    """The JSON schema of the document (draft 2020-12)."""
    schema = msgspec.json.schema(Document)
    for form in schema["$defs"].values():
        if "description" in form:  # as wide as the docstring, until Python 3.13
            form["description"] = cleandoc(form["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **schema,
    }


def _without_trace(line: ClaimLine) -> ClaimLine:
    return line if line.chain is UNSET else structs.replace(line, chain=UNSET)


_decided = attrgetter(
    "requirement", "state", "policy", "policy_version", "blocking", "write_back", "source",
    "verified", "start", "end", "fix", "asked", "denial",
)  # fmt: skip
_found = attrgetter("value", "unit", "says", "note", "evidence")


def _merged(findings: Iterable[Finding]) -> Iterator[RequirementOfDoses]:
    """In the order of the first finding of each."""
    alike: dict[tuple[object, ...], list[Finding]] = {}
    before: tuple[object, ...] = ()
    same: list[Finding] = []
    for finding in findings:
        decided = _decided(finding)
        if len(finding.administrations) > 1:
            decided = (*decided, finding.administrations)
        if decided != before:
            before, same = decided, alike.setdefault(decided, [])
        same.append(finding)
    return map(_of_doses, alike.values())


def _of_doses(findings: list[Finding]) -> RequirementOfDoses:
    first = findings[0]
    doses: tuple[str, ...] = first.administrations
    found: tuple[FoundForDoses, ...] = ()
    if len(findings) > 1:
        doses = tuple(chain.from_iterable([finding.administrations for finding in findings]))
        found = _found_for_each(findings)
    # By no more than 15 keywords: Python 3.11 passes more of them as a dictionary, at ten times the
    # cost.
    decided = RequirementOfDoses(
        requirement=first.requirement,
        state=first.state,
        administrations=doses,
        together=len(first.administrations) > 1,
        policy=first.policy,
        policy_version=first.policy_version,
        blocking=first.blocking,
        write_back=first.write_back,
        source=first.source,
        verified=first.verified,
        start=first.start,
        end=first.end,
        fix=first.fix,
        asked=first.asked,
        denial=first.denial,
    )
    if found:
        return structs.replace(decided, found=found)
    return structs.replace(
        decided,
        value=first.value,
        unit=first.unit,
        says=first.says,
        note=first.note,
        evidence=first.evidence,
    )


def _found_for_each(findings: list[Finding]) -> tuple[FoundForDoses, ...]:
    """Nothing where it is the same for all."""
    said = list(map(_found, findings))
    if said.count(said[0]) == len(said):
        return ()
    doses: dict[tuple[Any, ...], list[str]] = {}
    for finding, what in zip(findings, said, strict=True):
        doses.setdefault(what, []).extend(finding.administrations)
    return tuple([FoundForDoses(tuple(names), *what) for what, names in doses.items()])
