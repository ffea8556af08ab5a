"""What of an opened line is a person's to say: who pays first, what a payer answers, the number of
an authorization that came, that an odd dose was given, that words were misread.

Held by tests/contract/test_deciding.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from integration.store import Db, assessments, decisions
from integration.store.decisions import Recorded
from integration.store.worklist import Row
from mappings import codes
from mappings.assessment import Evidence, Finding
from mappings.authorizing import drawing
from mappings.requirements.misreadable import QuotedWords, quoted_words


@dataclass(frozen=True)
class Open:
    """What a person of the billing office can decide of the line here: which of `plans` pays first
    (each with what it says), what the payer answers of an authorization, the number of one that
    came, that a dose (its administration and mg) above every label was given, or that `words` of a
    record say nothing against it."""

    plans: tuple[Evidence, ...] = ()
    payer: str | None = None
    authorization: bool = False
    dose: tuple[str, str] | None = None
    words: tuple[QuotedWords, ...] = ()

    @property
    def may_be_second(self) -> bool:
        """Whether Medicare is among the plans."""
        return len(self.plans) > 1 and any("medicare" in item.says.lower() for item in self.plans)

    @property
    def why_second(self) -> Mapping[str, str]:
        """Why Medicare may pay second, by code."""
        return codes.claim_forms().medicare_secondary.types


def to_settle(db: Db, row: Row) -> Open:
    """What of the line is open and a person's to say, as the newest assessment has it."""
    every = _findings(db, row)
    found = {finding.requirement: finding for finding in every}
    coverage, asked = found.get("coverage"), found.get("prior-authorization")
    plans = coverage.evidence if coverage and _is_of_order(coverage) else ()
    is_open = coverage and asked and asked.state in ("incomplete", "missing")
    dosing = found.get("dosing")
    is_odd = dosing and dosing.state == "contradicted" and dosing.value
    return Open(
        plans=tuple(item for item in plans if item.resource.startswith("Coverage/")),
        payer=coverage.value if coverage and is_open else None,
        authorization=drawing.waits(row.line) and row.line.coverage is not None,
        dose=(dosing.administrations[0], str(dosing.value)) if dosing and is_odd else None,
        words=quoted_words(every),
    )


def _is_of_order(coverage: Finding) -> bool:
    """Whether saying which plan is primary is what helps: a finding that needs something else has a
    fix of its own."""
    usual = codes.requirements()[coverage.requirement].fix
    return coverage.state == "incomplete" and (coverage.fix or "").startswith(usual)


def decided_of(db: Db, row: Row) -> list[Recorded]:
    """The decisions in force that the line rests on, and those of its patient."""
    cited = {item.resource for item in row.line.evidence}
    return [
        found
        for found in decisions.every(db, row.site, row.patient_id)
        if found.patient is not None or found.decision.decided.source.resource in cited
    ]


def findings_of(db: Db, row: Row) -> dict[str, Finding]:
    """What the newest assessment found for the line's own doses, by requirement: a gap may be of
    other doses, too."""
    return {finding.requirement: finding for finding in _findings(db, row)}


def _findings(db: Db, row: Row) -> list[Finding]:
    kept = assessments.current(db, row.site, row.patient)
    doses = set(row.line.administrations)
    every = kept.assessment.requirements if kept else ()
    return [finding for finding in every if doses & set(finding.administrations)]
