"""Who is on a claim: patient, subscriber, payers, practitioner, place, and what of them is
lacking. Nothing is ever made up."""

from collections.abc import Iterator
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from mappings import codes
from mappings.circumstances.setting import setting
from mappings.circumstances.visit import visit_of
from mappings.record import Address, Coverage, Name, OnClaims, PatientRecord, Practitioner
from mappings.site import Facility, Place, Site
from mappings.writing.preparing.drafts import Draft, Kind
from mappings.writing.preparing.identifiers import medicare_number, medicare_number_fault
from mappings.writing.preparing.practitioners import (
    administrations,
    nurses,
    practitioners,
)
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
# X12 1032, claim filing indicator (SBR09): 16 is HMO Medicare risk, OF another federal program.
_FILING = {
    "medicare-advantage": "16",
    "medicaid": "MC",
    "government": "OF",
    "commercial": "CI",
    "supplement": "CI",
}
_ADDRESS = (
    "the patient's address with street, city, state as two letters and ZIP code (Patient.address)"
)
_PAYER_ID = (
    "the payer's id for claims (claim_id in the site's payer_aliases, or a typed identifier of the"
    " Organization)"
)
_RECORD_WHO = (
    "a performer who may render: record the ordering practitioner as the encounter's attender,"
    " or the taxonomy of who gave the drug, if that is no nurse"
)
_SEX = {"female": "F", "male": "M", "other": "U", "unknown": "U"}


class Insurance(Struct, frozen=True, kw_only=True):
    """A payer and the policy with it, as a claim carries them; what is lacking is empty.

    `secondary_type`: why Medicare pays after this claim's payer (SBR05).
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


class Parties(Struct, frozen=True, kw_only=True):
    """Texts as a claim carries them; what is `lacking` is empty. `others` pay after the claim's
    payer; `aliases`: what that payer is called, the most special first."""

    lacking: tuple[str, ...]
    patient: Name
    address: Address
    born: date | None
    sex: str
    first: Insurance
    others: tuple[Insurance, ...]
    practitioner: Practitioner
    facility: Facility | None
    aliases: tuple[str, ...]


def parties(draft: Draft, record: PatientRecord, site: Site) -> Parties:
    """Everyone of a draft, as far as the record and people's decisions tell."""
    coverage = coverage_of(record, draft.coverage)
    patient = _name(record.demographics.name)
    candidates = practitioners(draft, record, site.zone)
    who = candidates[0] if len(candidates) == 1 else Practitioner()
    after = [coverage_of(record, reference) for reference in _secondary(draft)]
    others = [_insurance(row, patient, draft.kind, second=True) for row in after if row is not None]
    day = date.fromisoformat(draft.dates[0])
    why = site.decisions.why_second(draft.patient, day) or ""
    medicare = [row is not None and row.kind == "medicare" for row in after]
    found = Parties(
        lacking=(),
        patient=patient,
        address=carried_address(record.demographics.address),
        born=record.birth_date,
        sex=_SEX.get(record.sex or "", ""),
        first=_insurance(coverage, patient, draft.kind),
        others=tuple(
            replace(row, secondary_type=why) if of_medicare else row
            for row, of_medicare in zip(others, medicare, strict=True)
        ),
        practitioner=Practitioner(
            npi=carried(who.npi) or None, name=_name(who.name), taxonomy=who.taxonomy
        ),
        facility=_facility(draft, record, site),
        aliases=payer_aliases(coverage, draft.kind),
    )
    lacking = [*_lacking(found, draft, coverage, len(candidates))]
    lacking += _nurse(draft, record) if not candidates else []
    lacking += [
        what
        for row, reference, of_medicare in zip(
            found.others, _secondary(draft), medicare, strict=True
        )
        for what in _second_lacks(row, reference, of_medicare)
    ]
    lacking += _place_lacks(draft, record, site)
    return replace(found, lacking=tuple(lacking))


def coverage_of(record: PatientRecord, reference: str) -> Coverage | None:
    return next((row for row in record.coverages if row.source.resource == reference), None)


def payer_aliases(coverage: Coverage | None, kind: Kind) -> tuple[str, ...]:
    """What prices and receivers may call a payer: its claim id, its own name here, its kind."""
    if coverage is None:
        return ()
    names = (_payer_id(coverage.payor.on_claims, kind), coverage.payer, coverage.kind)
    return tuple(name for name in names if name)


def _secondary(draft: Draft) -> list[str]:
    return list(dict.fromkeys(row for line in draft.lines for row in line.secondary_coverages))


def _insurance(
    coverage: Coverage | None, patient: Name, kind: Kind, second: bool = False
) -> Insurance:
    relationship = _relationship(coverage)
    holder = coverage.subscriber.name if coverage else None
    on_claims = coverage.payor.on_claims if coverage else OnClaims()
    group = carried(coverage.group_number) if coverage and _is_a_group(coverage) else ""
    plan = text(coverage.plan_name or "", 60) if coverage and _is_a_group(coverage) else ""
    payer_id = on_claims.crossover_id if second and on_claims.crossover_id else ""
    return Insurance(
        relationship=relationship,
        subscriber=patient if relationship == "18" else _name(holder),
        member_id=_member_id(coverage),
        group_number=group,
        plan_name="" if group else plan,
        payer=text(_payer_name(coverage, kind), 60),
        payer_id=payer_id or _payer_id(on_claims, kind),
        filing=_filing(coverage, kind),
    )


def _is_a_group(coverage: Coverage) -> bool:
    """Medicare has no groups."""
    return coverage.kind != "medicare"


def _payer_name(coverage: Coverage | None, kind: Kind) -> str:
    if coverage is None:
        return ""
    named = coverage.payor.on_claims
    own = named.institutional_name if kind == "institutional" else None
    return own or named.name or coverage.payor.name or ""


def _facility(draft: Draft, record: PatientRecord, site: Site) -> Facility | None:
    """Where the doses were given, as the site's table of places names it; None where it does not,
    or names several."""
    found = {place.facility for place in _places(draft, record, site) if place.facility}
    return found.pop() if len(found) == 1 else None


def _places(draft: Draft, record: PatientRecord, site: Site) -> Iterator[Place]:
    days = {key: line.service_date for line in draft.lines for key in line.administrations}
    for row in administrations(draft, record):
        day = date.fromisoformat(days[row.source.resource] or "")
        visit = visit_of(row, record, site.zone)
        place = setting(row, visit, record, site, day).place
        if place is not None:
            yield place


def _place_lacks(draft: Draft, record: PatientRecord, site: Site) -> Iterator[str]:
    """An off-campus department's claim names the place (CMS Pub 100-04 ch. 1 s. 10.1.1)."""
    off_campus = {"PO", "PN"} & {code for line in draft.lines for code in line.modifiers}
    if off_campus and _facility(draft, record, site) is None:
        yield "the name and address of the off-campus department (facility in the site's places)"


def _lacking(
    found: Parties, draft: Draft, coverage: Coverage | None, candidates: int
) -> Iterator[str]:
    role = "rendering" if draft.kind == "professional" else "attending"
    where = "Encounter.participant" + (
        " or MedicationAdministration.performer"
        if draft.kind == "professional"
        else " of type ATND"
    )
    several = f", where {candidates} are named" if candidates > 1 else ""
    address, first = found.address, found.first
    number = _medicare_fault(coverage, first.member_id)
    checks = {
        "the patient's family and given name in Latin letters (Patient.name)": (
            found.patient.family and found.patient.given
        ),
        _ADDRESS: (address.lines and address.city and address.state and address.postal_code),
        "the patient's birth date (Patient.birthDate)": found.born,
        "the patient's sex (Patient.gender)": found.sex,
        f"the patient's relationship to the subscriber ({draft.coverage} relationship)": (
            first.relationship
        ),
        f"the subscriber's name ({draft.coverage} subscriber)": (
            first.subscriber.family or first.relationship in ("", "18")
        ),  # a patient's own name is asked for above
        f"the member number ({draft.coverage} subscriberId)": first.member_id,
        f"a Medicare number that can be one ({draft.coverage} subscriberId {number})": not number,
        f"the payer's name ({draft.coverage} payor)": first.payer,
        "the kind of payer (payer_aliases of the site)": first.filing,
        _PAYER_ID: (first.payer_id),
        f"one {role} practitioner with name and NPI ({where}){several}": (
            found.practitioner.npi and found.practitioner.name and found.practitioner.name.family
        ),
        "a diagnosis": draft.diagnoses,
    }
    yield from (what for what, there in checks.items() if not there)


def _medicare_fault(coverage: Coverage | None, number: str) -> str | None:
    if coverage is None or coverage.kind != "medicare" or not number:
        return None
    return medicare_number_fault(number)


def _nurse(draft: Draft, record: PatientRecord) -> list[str]:
    if draft.kind != "professional" or not nurses(draft, record):
        return []
    return [_RECORD_WHO]


def _second_lacks(row: Insurance, reference: str, of_medicare: bool) -> Iterator[str]:
    """Of a payer that comes after this one."""
    checks = {
        "relationship": row.relationship,
        "subscriber": row.subscriber.family or row.relationship in ("", "18"),
        "subscriberId": row.member_id,
        "payor": row.payer,
        "payer's id for claims (claim_id or crossover_id in payer_aliases)": row.payer_id,
    }
    lacking = [what for what, there in checks.items() if not there]
    if lacking:
        yield f"of the payer after it ({reference}) {', '.join(lacking)}"
    if of_medicare and not row.secondary_type:
        types = codes.claim_forms().medicare_secondary.types
        yield (
            f"why Medicare ({reference}) is secondary: record a person's decision"
            f" medicare_secondary ({', '.join(types)})"
        )


def _name(name: Name | None) -> Name:
    if name is None:
        return Name("")
    return Name(
        text(name.family, 60), text(name.given, 35), text(name.middle, 25), text(name.suffix, 10)
    )


def carried_address(address: Address | None) -> Address:
    """The address as X12 writes it; what is lacking is empty."""
    if address is None:
        return Address(lines=(), city="", state="", postal_code="")
    lines = tuple(text(line, 55) for line in address.lines[:2])
    city = text(address.city, 30)
    return Address(
        lines=lines if all(lines) else (),
        city=city if len(city) > 1 else "",
        state=address.state,
        postal_code=address.postal_code,
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


def _payer_id(named: OnClaims, kind: Kind) -> str:
    """At most fifteen characters, since ISA08 holds no more."""
    own = named.institutional_id if kind == "institutional" else None
    value = carried(own or named.id)
    return value if len(value) <= 15 else ""


def _filing(coverage: Coverage | None, claim: Kind) -> str:
    kind = (coverage.kind if coverage else None) or ""
    if kind == "medicare":
        return "MB" if claim == "professional" else "MA"
    name = f"{coverage.payer or ''} {coverage.payor.name or ''}".lower() if coverage else ""
    blue = ("bcbs", "blue cross", "blue shield", "bluecross")
    if kind == "commercial" and any(word in name for word in blue):
        return "BL"
    return "CH" if "tricare" in name else _FILING.get(kind, "")
