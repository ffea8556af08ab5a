"""Who is on a claim: patient, subscriber, payers, practitioner, place, and what of them is
lacking. Nothing is ever made up.

Held by tests/unit/test_claim_checks.py.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from textwrap import wrap

from msgspec import Struct
from msgspec.structs import replace

from mappings.circumstances.places import Places
from mappings.circumstances.setting import setting
from mappings.circumstances.visit import visit_of
from mappings.record import Address, Coverage, Name, PatientRecord, Practitioner
from mappings.site import Facility, Place, Site
from mappings.values.stated import only
from mappings.writing.preparing.drafts import Draft
from mappings.writing.preparing.identifiers import medicare_number_fault, valid_taxonomy
from mappings.writing.preparing.insurance import (
    Insurance,
    after,
    carried_name,
    coverage_of,
    groups_of,
    insurance_of,
    payer_aliases,
)
from mappings.writing.preparing.practitioners import (
    administrations,
    nurses,
    practitioners,
)
from mappings.writing.x12.segments import carried, text

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
# The characters of N301 and N302.
_LINE = 55
_SEX = {"female": "F", "male": "M", "other": "U", "unknown": "U"}


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
    patient = carried_name(record.demographics.name)
    candidates = practitioners(draft, record, site.zone)
    who = only(candidates) or Practitioner()
    others, others_lack = after(draft, record, patient, site)
    found = Parties(
        lacking=(),
        patient=patient,
        address=carried_address(record.demographics.address),
        born=record.birth_date,
        sex=_SEX.get(record.sex or "", ""),
        first=insurance_of(coverage, patient, draft.kind),
        others=tuple(others),
        practitioner=Practitioner(
            npi=carried(who.npi) or None,
            name=carried_name(who.name),
            taxonomy=carried_taxonomy(who.taxonomy),
        ),
        facility=facility_of(draft, record, site),
        aliases=payer_aliases(coverage, draft.kind),
    )
    lacking = [*_lacking(found, draft, coverage, len(candidates))]
    lacking += _nurse(draft, record) if not candidates else []
    lacking += others_lack
    lacking += _place_lacks(draft, record, site)
    return replace(found, lacking=tuple(lacking))


def facility_of(draft: Draft, record: PatientRecord, site: Site) -> Facility | None:
    """Where the doses were given, as the site's table of places names it; None where it does not,
    or names several."""
    found = {place.facility for place in _places(draft, record, site) if place.facility}
    return only(found)


def _places(draft: Draft, record: PatientRecord, site: Site) -> Iterator[Place]:
    days = {key: line.service_date for line in draft.lines for key in line.administrations}
    places = Places(record, site)
    for administration in administrations(draft, record):
        day = date.fromisoformat(days[administration.source.resource] or "")
        visit = visit_of(administration, record, site.zone)
        place = setting(administration, visit, places, day).place
        if place is not None:
            yield place


def _place_lacks(draft: Draft, record: PatientRecord, site: Site) -> Iterator[str]:
    """An off-campus department's claim names the place (CMS Pub 100-04 ch. 1 s. 10.1.1)."""
    off_campus = {"PO", "PN"} & set(chain.from_iterable(line.modifiers for line in draft.lines))
    facility = facility_of(draft, record, site)
    if off_campus and facility is None:
        yield "the name and address of the off-campus department (facility in the site's places)"
    if facility and not (text(facility.name, 60) and _is_whole(carried_address(facility.address))):
        yield "a name and address in Latin letters of where it was given (facility in the places)"


def _is_whole(address: Address) -> bool:
    return bool(address.line and address.city and address.state and address.postal_code)


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
    is_stated = coverage is not None and coverage.subscriber.member_id
    form = " in a form that X12 can carry" if is_stated else ""
    checks = {
        "the patient's family and given name in Latin letters (Patient.name)": (
            found.patient.family and found.patient.given
        ),
        _ADDRESS: _is_whole(address),
        "the patient's birth date (Patient.birthDate)": found.born,
        "the patient's sex (Patient.gender)": found.sex,
        f"the patient's relationship to the subscriber ({draft.coverage} relationship)": (
            first.relationship
        ),
        f"the subscriber's name ({draft.coverage} subscriber)": (
            first.subscriber.family or first.relationship in ("", "18")
        ),  # a patient's own name is asked for above
        f"the member number{form} ({draft.coverage} subscriberId)": first.member_id,
        f"a Medicare number that can be one ({draft.coverage} subscriberId {number})": not number,
        f"the payer's name ({draft.coverage} payor)": first.payer,
        "the kind of payer (payer_aliases of the site)": first.filing,
        f"one group number that X12 can carry ({draft.coverage} class)": (
            first.group_number or not groups_of(coverage)
        ),
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


def carried_taxonomy(written: str | None) -> str | None:
    """In capitals; none where it can be no taxonomy code, since PRV may be left out."""
    code = (written or "").strip().upper()
    return code if valid_taxonomy(code) else None


def carried_address(address: Address | None) -> Address:
    """The address as X12 writes it; what is lacking is empty."""
    if address is None:
        return Address(line=(), city="", state="", postal_code="")
    city = text(address.city, 30)
    return Address(
        line=_two_lines(address.line),
        city=city if len(city) > 1 else "",
        state=address.state,
        postal_code=_known_part(address.postal_code),
    )


def _two_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """X12 has two lines of 55 characters: what more there is stands behind the second, and what is
    too long for one goes on in the next. None where a letter would be lost."""
    parts = (*lines[:1], " ".join(lines[1:]))
    written = tuple(text(part, 10 * _LINE) for part in parts if part)
    if not all(written):
        return ()
    if any(len(part) > _LINE for part in written):
        return tuple(wrap(" ".join(written), _LINE, break_on_hyphens=False)[:2])
    return written


def _known_part(postal_code: str) -> str:
    """Four zeros stand for a ZIP+4 that nobody knows."""
    return postal_code[:5] if re.fullmatch(r"\d{5}0000", postal_code) else postal_code
