"""Who is on an 837 draft: patient, subscriber, payer, practitioner, biller, and what of them is
lacking. Nothing is ever made up."""

from collections.abc import Iterable
from datetime import date, tzinfo

from msgspec import Struct
from msgspec.structs import replace

from mappings.circumstances.visit import encounter_of
from mappings.record import Address, Coverage, Name, PatientRecord, Practitioner
from mappings.site import BillingProvider
from mappings.writing.drafts import Draft
from mappings.writing.segments import carried, text
from mappings.writing.x12_checks import valid_npi

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
_FILING = {"medicare-advantage": "16", "medicaid": "MC", "government": "OF", "commercial": "CI"}
_SEX = {"female": "F", "male": "M", "other": "U", "unknown": "U"}


class Parties(Struct, frozen=True, kw_only=True):
    """Texts as a claim carries them; what is `lacking` is empty."""

    lacking: tuple[str, ...]
    patient: Name
    address: Address
    born: date | None
    sex: str
    relationship: str
    subscriber: Name
    member_id: str
    payer: str
    payer_id: str
    filing: str
    practitioner: Practitioner


def parties(draft: Draft, record: PatientRecord, zone: tzinfo | None) -> Parties:
    """Everyone of a draft, as far as the record tells."""
    coverage = next(
        (row for row in record.coverages if row.source.resource == draft.coverage), None
    )
    patient = _name(record.demographics.name)
    address = carried_address(record.demographics.address)
    relationship = _relationship(coverage)
    subscriber = (
        patient if relationship == "18" else _name(coverage.subscriber.name if coverage else None)
    )
    candidates = _practitioners(draft, record, zone)
    who = candidates[0] if len(candidates) == 1 else Practitioner()
    found = Parties(
        lacking=(),
        patient=patient,
        address=address,
        born=record.birth_date,
        sex=_SEX.get(record.sex or "", ""),
        relationship=relationship,
        subscriber=subscriber,
        member_id=_member_id(coverage),
        payer=text((coverage.payor.name if coverage else None) or "", 60),
        payer_id=_payer_id(coverage),
        filing=_filing(coverage, draft),
        practitioner=Practitioner(
            npi=carried(who.npi) or None, name=_name(who.name), taxonomy=who.taxonomy
        ),
    )
    return _with_lacking(found, draft, len(candidates))


def _with_lacking(found: Parties, draft: Draft, candidates: int) -> Parties:
    role = "rendering" if draft.kind == "professional" else "attending"
    where = "Encounter.participant" + (
        " or MedicationAdministration.performer"
        if draft.kind == "professional"
        else " of type ATND"
    )
    several = f", where {candidates} are named" if candidates > 1 else ""
    address = found.address
    checks = {
        "the patient's family and given name in Latin letters (Patient.name)": (
            found.patient.family and found.patient.given
        ),
        "the patient's address with street, city, state as two letters and ZIP code"
        " (Patient.address)": (
            address.lines and address.city and address.state and address.postal_code
        ),
        "the patient's birth date (Patient.birthDate)": found.born,
        "the patient's sex (Patient.gender)": found.sex,
        f"the patient's relationship to the subscriber ({draft.coverage} relationship)": (
            found.relationship
        ),
        f"the subscriber's name ({draft.coverage} subscriber)": (
            found.subscriber.family or found.relationship in ("", "18")
        ),  # a patient's own name is asked for above
        f"the member number ({draft.coverage} subscriberId)": found.member_id,
        f"the payer's name ({draft.coverage} payor)": found.payer,
        "the kind of payer (payer_aliases of the site)": found.filing,
        "the payer's id for claims (claim_id in the site's payer_aliases, or a typed identifier of"
        " the Organization)": (found.payer_id),
        f"one {role} practitioner with name and NPI ({where}){several}": (
            found.practitioner.npi and found.practitioner.name and found.practitioner.name.family
        ),
        "a diagnosis": draft.diagnoses,
    }
    return replace(found, lacking=tuple(what for what, there in checks.items() if not there))


def provider_lacks(provider: BillingProvider | None) -> list[str]:
    """What the site's configuration must still say of its billing provider."""
    if provider is None:
        return ["name, npi, tax_id, address and phone"]
    address = provider.address
    checks = {
        "a name in Latin letters": text(provider.name, 60),
        "an npi with a right check digit": valid_npi(provider.npi),
        "a tax_id": carried(provider.tax_id),
        "an address": address and address.lines and address.city and address.state,
        "a nine-digit postal_code": address is None or len(address.postal_code) == 9,
        "a phone": provider.phone,
    }
    return [what for what, there in checks.items() if not there]


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
    """As it is; a Medicare number without the dashes that cards print (CMS, MBI format)."""
    value = carried(coverage.subscriber.member_id) if coverage else ""
    return (
        value.replace("-", "").replace(" ", "")
        if coverage and coverage.kind == "medicare"
        else value
    )


def _payer_id(coverage: Coverage | None) -> str:
    """At most fifteen characters, since ISA08 holds no more."""
    value = carried(coverage.payor.claim_id if coverage else None)
    return value if len(value) <= 15 else ""


def _filing(coverage: Coverage | None, draft: Draft) -> str:
    kind = (coverage.kind if coverage else None) or ""
    if kind == "medicare":
        return "MB" if draft.kind == "professional" else "MA"
    name = f"{coverage.payer or ''} {coverage.payor.name or ''}".lower() if coverage else ""
    if kind == "commercial" and any(
        word in name for word in ("bcbs", "blue cross", "blue shield", "bluecross")
    ):
        return "BL"
    return "CH" if "tricare" in name else _FILING.get(kind, "")


def practitioner_of(
    draft: Draft, record: PatientRecord, zone: tzinfo | None
) -> Practitioner | None:
    """The one practitioner that the draft is by; None where nobody or several can be named."""
    found = _practitioners(draft, record, zone)
    return found[0] if len(found) == 1 else None


def _practitioners(draft: Draft, record: PatientRecord, zone: tzinfo | None) -> list[Practitioner]:
    """The attender, else the primary performer of the encounters; on a professional claim else who
    gave the drug. Each with NPI, once."""
    references = {reference for line in draft.lines for reference in line.administrations}
    given = [row for row in record.administrations if row.source.resource in references]
    encounters = [row for row in (encounter_of(row, record, zone) for row in given) if row]
    present = [who for encounter in encounters for who in encounter.participants]
    ranks = [[who for who in present if who.role == role] for role in ("ATND", "PPRF")]
    if draft.kind == "professional":
        ranks.append([who for row in given for who in row.performers])
    return next(filter(None, map(_distinct, ranks)), [])


def _distinct(people: Iterable[Practitioner]) -> list[Practitioner]:
    return list({who.npi: who for who in people if who.npi and who.name}.values())
