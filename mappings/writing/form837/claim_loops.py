"""The loops of a patient and a claim: 2000B to 2410 of the 837P (005010X222A1) and the 837I
(005010X223A2).

Held by tests/unit/test_writing_x12.py.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from mappings.record import Address, Name
from mappings.writing.preparing.drafts import Draft, ServiceLine, again, service_lines
from mappings.writing.preparing.insurance import Insurance
from mappings.writing.preparing.parties import Parties, carried_address
from mappings.writing.preparing.prepared import Claim, charge
from mappings.writing.preparing.statements import OtherLine
from mappings.writing.x12.segments import Segment, carried, segment, text

# X12 1138 (SBR01): whose turn it is to pay, behind the first.
_AFTER_FIRST = "STABCDEFGH"


def subscriber_loops(claims: Sequence[Claim]) -> list[Segment]:
    """2000B, and 2000C where the patient is not the subscriber, with all claims of both; HL numbers
    as behind the first biller of a file."""
    who = claims[0].who
    payer = who.first
    own = payer.relationship == "18"
    segments = [
        segment("HL", 2, 1, 22, 0 if own else 1),
        segment(
            "SBR",
            "P",
            "18" if own else "",
            payer.group_number,
            payer.plan_name,
            *[""] * 4,
            payer.filing,
        ),
        _person("IL", payer.subscriber, ("MI", payer.member_id)),
        *(_whereabouts(who) if own else []),
        segment("NM1", "PR", 2, payer.payer, *[""] * 4, "PI", payer.payer_id),
    ]
    if not own:
        segments += [
            segment("HL", 3, 2, 23, 0),
            segment("PAT", payer.relationship),
            _person("QC", who.patient),
            *_whereabouts(who),
        ]
    for claim in claims:
        segments += claim_loops(claim)
    return segments


def _person(role: str, name: Name, number: tuple[str, str] = ("", "")) -> Segment:
    return segment("NM1", role, 1, name.family, name.given, name.middle, "", name.suffix, *number)


def _whereabouts(who: Parties) -> list[Segment]:
    return [*address(who.address), segment("DMG", "D8", f"{who.born:%Y%m%d}", who.sex)]


def address(where: Address) -> list[Segment]:
    return [segment("N3", *where.line), segment("N4", where.city, where.state, where.postal_code)]


def claim_loops(claim: Claim) -> list[Segment]:
    """2300 to 2410."""
    found = [*(_institutional(claim) if claim.statement else _professional(claim))]
    for place, other in enumerate(claim.who.others):
        found += _other(place, other, claim)
    return found + _services(claim)


def _professional(claim: Claim) -> list[Segment]:
    draft = claim.draft
    place = (draft.place_of_service, "B", claim.frequency)
    return [
        segment("CLM", claim.number, claim.total, "", "", place, "Y", "A", "Y", "Y"),
        *_authorization(_shared(draft)),
        *_original(claim),
        *_note(claim),
        segment("HI", *_diagnoses(draft)),
        *([] if _bills_alone(claim) else _practitioner("82", "PE", claim.who)),
        *_facility(claim.who),
    ]


def _bills_alone(claim: Claim) -> bool:
    """Whether the biller is the person who rendered: 2310B is then left out (X222)."""
    return bool(claim.provider.given) and claim.provider.npi == claim.who.practitioner.npi


def _institutional(claim: Claim) -> list[Segment]:
    draft, made = claim.draft, claim.statement
    if made is None:
        return []
    bill_type = draft.bill_type or ""
    principal, *others = _diagnoses(draft)
    reasons = claim.visit_reasons
    return [
        segment(
            "CLM",
            claim.number,
            claim.total,
            "",
            "",
            (bill_type[:2], "A", claim.stated_frequency),
            "",
            "A",
            "Y",
            "Y",
        ),
        segment("DTP", "434", "RD8", f"{made.start:%Y%m%d}-{made.end:%Y%m%d}"),
        segment("CL1", made.priority, made.origin, made.status),
        *_authorization(draft.authorizations),
        *_original(claim),
        *_note(claim),
        segment("HI", principal),
        *([segment("HI", *(("APR", code) for code in reasons))] if reasons else []),
        *(_several(others)),
        *_several([("BH", code, "D8", _digits(day)) for code, day in made.occurrences]),
        *_several([("BE", code, "", "", amount) for code, amount in made.values]),
        *_several([("BG", code) for code in made.conditions]),
        *_practitioner("71", "AT", claim.who),
        *_facility(claim.who),
    ]


def _several(composites: Sequence[Sequence[object]]) -> Iterator[Segment]:
    """HI segments of one kind, twelve codes each."""
    for start in range(0, len(composites), 12):
        yield segment("HI", *composites[start : start + 12])  # type: ignore[arg-type]


def _original(claim: Claim) -> list[Segment]:
    return [segment("REF", "F8", claim.original)] if claim.original else []


def _note(claim: Claim) -> list[Segment]:
    return [segment("NTE", "ADD", claim.note)] if claim.note else []


def _shared(draft: Draft) -> list[str]:
    """The one authorization that stands for a whole professional claim."""
    return draft.authorizations if len(draft.authorizations) == 1 else []


def _diagnoses(draft: Draft) -> list[tuple[str, str]]:
    return [
        ("ABF" if place else "ABK", code.replace(".", ""))
        for place, code in enumerate(draft.diagnoses)
    ]


def _authorization(references: Sequence[str]) -> list[Segment]:
    return [segment("REF", "G1", carried(reference)) for reference in references]


def _practitioner(entity: str, provider: str, who: Parties) -> Iterator[Segment]:
    person = who.practitioner
    yield _person(entity, person.name or Name(""), ("XX", person.npi or ""))
    if person.taxonomy:
        yield segment("PRV", provider, "PXC", person.taxonomy)


def _facility(who: Parties) -> Iterator[Segment]:
    """2310C, on an 837I 2310E: where the service was given, if not where the biller is."""
    if who.facility:
        number = ("XX", who.facility.npi) if who.facility.npi else ("", "")
        yield segment("NM1", "77", 2, text(who.facility.name, 60), *[""] * 4, *number)
        yield from address(carried_address(who.facility.address))


def _other(place: int, other: Insurance, claim: Claim) -> Iterator[Segment]:
    """2320 to 2330B: who pays after this claim's payer. X223 has no SBR05: why Medicare is second
    stands in its value codes."""
    why = "" if claim.statement else other.secondary_type
    group = (other.group_number, other.plan_name, why)
    yield segment(
        "SBR", _AFTER_FIRST[place : place + 1], other.relationship, *group, *[""] * 3, other.filing
    )
    yield segment("OI", "", "", "Y", "", "", "Y")
    yield _person("IL", other.subscriber, ("MI", other.member_id))
    yield segment("NM1", "PR", 2, other.payer, *[""] * 4, "PI", other.payer_id)


def _services(claim: Claim) -> list[Segment]:
    segments = service_loops(claim.draft, claim.services)
    others = claim.statement.lines if claim.statement else ()
    for place, other in enumerate(others, len(claim.services) + 1):
        segments += _other_line(place, other, claim)
    return segments


def service_loops(draft: Draft, services: Sequence[ServiceLine]) -> list[Segment]:
    """2400 and 2410 of each service line, numbered from 1."""
    pointers = {line.id: draft.pointers(line) for line in draft.lines}
    shared, found = _shared(draft), list[Segment]()
    for place, part in enumerate(services, 1):
        found += _service_loop(place, part, draft, pointers[part.line.id], shared)
    return found


def preview(draft: Draft) -> list[Segment]:
    """The service lines of a draft with their values as charges, as a person looks at them."""
    parts: list[ServiceLine] = []
    repeated = again(draft.lines)
    for line in draft.lines:
        value, modifier = Decimal(line.value or 0), repeated.get(line.id)
        parts += service_lines(line, value, modifier=modifier)
    return service_loops(draft, parts)


def _service_loop(
    place: int, part: ServiceLine, draft: Draft, pointers: list[int], shared: list[str]
) -> Iterator[Segment]:
    line = part.line
    service, own = ("HC", line.code, *part.modifiers), line.prior_authorization
    yield segment("LX", place)
    if draft.kind == "institutional":
        yield segment("SV2", line.revenue_code, service, charge(part), "UN", part.units)
    else:
        yield segment("SV1", service, charge(part), "UN", part.units, "", "", pointers)
    yield segment("DTP", "472", "D8", (line.service_date or "").replace("-", ""))
    if draft.kind == "professional" and own and not shared:
        yield from _authorization([own])
    yield segment("REF", "6R", line_number(part))
    if part.ndc:
        yield segment("LIN", "", "N4", part.ndc.code)
        yield segment("CTP", "", "", "", Decimal(part.ndc.quantity), part.ndc.unit)


def _other_line(place: int, other: OtherLine, claim: Claim) -> Iterator[Segment]:
    """A line of the facility's own."""
    service = ("HC", other.code, *other.modifiers) if other.code else ""
    yield segment("LX", place)
    yield segment("SV2", other.revenue, service, other.charge, "UN", other.units)
    yield segment("DTP", "472", "D8", _digits(other.day))
    yield segment("REF", "6R", f"{claim.number}-{place}")


def line_number(part: ServiceLine) -> str:
    """REF*6R, by which a remittance finds the line again: at most 30 characters; `LINE`, or
    `LINE-2` for the second NDC of a line."""
    return part.line.id[:24].upper() + (f"-{part.part}" if part.line.ndcs else "")


def _digits(day: date) -> str:
    return f"{day:%Y%m%d}"
