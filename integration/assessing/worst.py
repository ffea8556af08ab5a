"""One assessment of several: of a planned dose, by each amount that its order allows.

Held by tests/unit/test_order_amounts.py.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from mappings import codes
from mappings.assessment import WORST_FIRST, Finding, Gap, PatientAssessment


def at_worst(each: Sequence[PatientAssessment], dose: str) -> PatientAssessment:
    """The first of EACH, with the worst that any of them finds of the safety of DOSE."""
    found, *others = each
    for other in others:
        for worse in _of_safety(other, dose):
            own = [one for one in _of_safety(found, dose) if one.requirement == worse.requirement]
            if all(_rank(worse) < _rank(one) for one in own):
                found = _with(found, worse, other)
    return found


def _of_safety(assessment: PatientAssessment, dose: str) -> list[Finding]:
    table = codes.requirements()
    return [
        one
        for one in assessment.requirements
        if dose in one.administrations and table[one.requirement].group == "safety"
    ]


def _rank(found: Finding) -> int:
    return WORST_FIRST.index(found.state) if found.state in WORST_FIRST else len(WORST_FIRST)


def _with(found: PatientAssessment, worse: Finding, other: PatientAssessment) -> PatientAssessment:
    """FOUND with a finding of OTHER instead of its own, and its gap."""
    about = set(worse.administrations)

    def is_other(one: Finding | Gap) -> bool:
        return one.requirement != worse.requirement or about.isdisjoint(one.administrations)

    gaps = [one for one in other.gaps if not is_other(one)]
    return replace(
        found,
        requirements=(*filter(is_other, found.requirements), worse),
        gaps=(*filter(is_other, found.gaps), *gaps),
    )
