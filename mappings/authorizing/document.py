"""Requests as JSON: what programs read of them.

Held by tests/contract/test_prior_auth.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import to_builtins

from mappings.assessment import Finding
from mappings.authorizing.request import AuthorizationRequest
from mappings.authorizing.summary import plan
from mappings.record import Problem

SCHEMA = "ferroclaim/authorization-requests/1"


def document(
    requests: Iterable[AuthorizationRequest],
    covered: Iterable[AuthorizationRequest],
    problems: Iterable[Problem],
    as_of: datetime,
) -> dict[str, Any]:
    """`covered`: orders that need no request, each with why."""
    return {
        "schema": SCHEMA,
        "asOf": as_of.isoformat(timespec="seconds"),
        "requests": [_request(request) for request in requests],
        "covered": [
            _about(request)
            | {
                "says": request.decides.says if request.decides else None,
                "notes": list(request.notes),
            }
            for request in covered
        ],
        "unreadable": [
            {"resource": problem.resource, "problem": problem.problem} for problem in problems
        ],
    }


def _about(request: AuthorizationRequest) -> dict[str, Any]:
    course = request.course
    return {
        "id": request.id,
        "patient": request.patient,
        "order": course.order.source.resource if course.order else None,
        "administrations": list(course.given),
        "coverage": request.draft.coverage or None,
        "payer": request.payer or None,
        "policy": request.policy.id if request.policy else None,
        "code": request.code,
    }


def _request(request: AuthorizationRequest) -> dict[str, Any]:
    course, practitioner = request.course, request.practitioner
    return _about(request) | {
        "state": request.decides.state if request.decides else "not-applicable",
        "says": request.decides.says if request.decides else None,
        "plan": plan(request),
        "doses": course.doses,
        "unitsADose": course.dose_units,
        "units": course.units,
        "discardedUnits": course.left,
        "dosesCovered": course.covered,
        "from": str(course.start) if course.start else None,
        "to": str(course.end) if course.end else None,
        "placeOfService": request.draft.place_of_service or None,
        "diagnoses": list(request.draft.diagnoses),
        "practitioner": practitioner.npi,
        "provider": request.provider.npi if request.provider else None,
        "criteria": [_criterion(found) for found in request.criteria],
        "facts": [
            {"about": fact.about, "says": fact.says, "evidence": to_builtins(fact.evidence)}
            for fact in request.facts
        ],
        "lacking": list(request.lacking),
        "notes": list(request.notes),
    }


def _criterion(found: Finding) -> dict[str, Any]:
    return {
        "requirement": found.requirement,
        "state": found.state,
        "asks": found.asked.says if found.asked else None,
        "says": found.says,
        "fix": found.fix,
        "source": found.source,
        "verified": found.verified,
        "evidence": to_builtins(found.evidence),
    }
