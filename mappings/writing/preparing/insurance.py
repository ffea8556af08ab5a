"""Policies as a claim carries them: the payer that it is for, and those that pay after.

Held by tests/unit/test_claim_contents.py.
"""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from mappings import codes
from mappings.record import Coverage, Name, OnClaims, PatientRecord
from mappings.site import ClaimKind, Site
from mappings.values import words
from mappings.writing.preparing.drafts import Draft
from mappings.writing.preparing.identifiers import medicare_number, medicare_number_fault
from mappings.writing.x12.segments import carried, text

# FHIR subscriber-relationship → X12 1069 (PAT01).
_RELATIONSHIP = {
    "self": "18",
    "spouse": "01",
    "child": "19",
    "common": "53",
    "parent": "G8",
    "other": "G8",
    "injured": "G8",
}
# Their beneficiaries are subscribers in their own right.
_OWN_SUBSCRIBER = frozenset({"medicare", "medicare-advantage", "medicaid"})


class Insurance(Struct, frozen=True, kw_only=True):
    """A payer and the policy with it, as a claim carries them; what is lacking is empty.

    `secondary_type`: why Medicare pays after this claim's payer (SBR05 of the 837P).
    """

    relationship: str
    subscriber: Name
    member_id: str
    group_number: str
    plan_name: str
    payer: str
    payer_id: str
    filing: str
    secondary_type: str = ""


def coverage_of(record: PatientRecord, reference: str) -> Coverage | None:
    return next(
        (coverage for coverage in record.coverages if coverage.source.resource == reference), None
    )


def payer_aliases(coverage: Coverage | None, kind: ClaimKind) -> tuple[str, ...]:
    """What prices and receivers may call a payer: its claim id, its own name here, its kind."""
    if coverage is None:
        return ()
    names = (_payer_id(coverage.payor.on_claims, kind), coverage.payer, coverage.kind)
    return tuple(name for name in names if name)


def insurance_of(
    coverage: Coverage | None, patient: Name, kind: ClaimKind, second: bool = False
) -> Insurance:
    relationship = _relationship(coverage)
    holder = coverage.subscriber.name if coverage else None
    on_claims = coverage.payor.on_claims if coverage else OnClaims()
    group = carried(groups_of(coverage)[0]) if len(groups_of(coverage)) == 1 else ""
    plan = text(coverage.plan_name or "", 60) if coverage and not _is_medicare(coverage) else ""
    payer_id = on_claims.crossover_id if second and on_claims.crossover_id else ""
    return Insurance(
        relationship=relationship,
        subscriber=patient if relationship == "18" else carried_name(holder),
        member_id=_member_id(coverage),
        group_number=group,
        plan_name="" if group else plan,
        payer=text(_payer_name(coverage, kind), 60),
        payer_id=payer_id or _payer_id(on_claims, kind),
        filing=_filing(coverage, kind),
    )


def after(
    draft: Draft, record: PatientRecord, patient: Name, site: Site
) -> tuple[list[Insurance], list[str]]:
    """Who pays after the claim's payer, and what of them is lacking."""
    day = date.fromisoformat(draft.dates[0])
    found: list[Insurance] = []
    lacking: list[str] = []
    secondary = chain.from_iterable(line.secondary_coverages for line in draft.lines)
    for reference in dict.fromkeys(secondary):
        coverage = coverage_of(record, reference)
        insurance = insurance_of(coverage, patient, draft.kind, second=True)
        if _is_medicare(coverage):
            why = site.decisions.why_second(draft.patient, day)
            insurance = replace(insurance, secondary_type=why or "")
        found.append(insurance)
        lacking += _second_lacks(insurance, reference, coverage, draft.kind)
    return found, lacking


def groups_of(coverage: Coverage | None) -> tuple[str, ...]:
    """The group numbers of a policy; Medicare has no groups."""
    return coverage.group_numbers if coverage and not _is_medicare(coverage) else ()


def _is_medicare(coverage: Coverage | None) -> bool:
    return coverage is not None and coverage.kind == "medicare"


def _payer_name(coverage: Coverage | None, kind: ClaimKind) -> str:
    if coverage is None:
        return ""
    named = coverage.payor.on_claims
    own = named.institutional_name if kind == "institutional" else None
    return own or named.name or coverage.payor.name or ""


def _second_lacks(
    insurance: Insurance, reference: str, coverage: Coverage | None, kind: ClaimKind
) -> Iterator[str]:
    """Of a payer that comes after this one."""
    of_medicare = _is_medicare(coverage)
    checks = {
        "relationship": insurance.relationship,
        "subscriber": insurance.subscriber.family or insurance.relationship in ("", "18"),
        "subscriberId": insurance.member_id,
        "a subscriberId that can be a Medicare number": (
            not (of_medicare and insurance.member_id)
            or not medicare_number_fault(insurance.member_id)
        ),
        "one group number that X12 can carry": insurance.group_number or not groups_of(coverage),
        "payor": insurance.payer,
        "payer's id for claims (claim_id or crossover_id in payer_aliases)": insurance.payer_id,
    }
    lacking = [what for what, there in checks.items() if not there]
    if lacking:
        yield f"of the payer after it ({reference}) {', '.join(lacking)}"
    if of_medicare and kind == "professional" and not insurance.secondary_type:
        types = codes.claim_forms().medicare_secondary.types
        yield (
            f"why Medicare ({reference}) is secondary: record a person's decision"
            f" medicare_secondary ({', '.join(types)})"
        )


def carried_name(name: Name | None) -> Name:
    if name is None:
        return Name("")
    return Name(
        text(name.family, 60), text(name.given, 35), text(name.middle, 25), text(name.suffix, 10)
    )


def _relationship(coverage: Coverage | None) -> str:
    if coverage is None:
        return ""
    said = coverage.subscriber.relationship
    if coverage.kind in _OWN_SUBSCRIBER:
        return "18" if said in (None, "self") else ""
    return _RELATIONSHIP.get(said or "", "")


def _member_id(coverage: Coverage | None) -> str:
    """As it is; a Medicare number in its own spelling."""
    if coverage is None:
        return ""
    written = coverage.subscriber.member_id or ""
    return carried(medicare_number(written) if coverage.kind == "medicare" else written)


def _payer_id(named: OnClaims, kind: ClaimKind) -> str:
    """At most fifteen characters, since ISA08 holds no more."""
    own = named.institutional_id if kind == "institutional" else None
    value = carried(own or named.id)
    return value if len(value) <= 15 else ""


def _filing(coverage: Coverage | None, claim: ClaimKind) -> str:
    kind = (coverage.kind if coverage else None) or ""
    if kind == "medicare":
        return "MB" if claim == "professional" else "MA"
    names = f"{coverage.payer or ''} {coverage.payor.name or ''}" if coverage else ""
    said, table = words.plain(names), codes.claim_forms().filing
    for row in table.named:
        if kind in row.kinds and any(name in said for name in row.words):
            return row.filing
    return table.kinds.get(kind, "")
