"""The loops of a patient and a claim: 2000B to 2410 of the 837P (005010X222A1) and the 837I
(005010X223A2)."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from mappings.record import Address, Name
from mappings.writing.drafts import Draft, ServiceLine, service_lines
from mappings.writing.parties import Parties
from mappings.writing.segments import Segment, carried, segment

# The claims that a file addresses to one receiver: each with who is on it.
Claim = tuple[Draft, Parties]

_NOTE = {
    None: "DRAFT, NOT A CLAIM. CHARGES ARE PAYMENT LIMITS, 0 WHERE PACKAGED OR NOT KNOWN",
    "72X": "DRAFT OF THE DRUG LINES ONLY. ADD DIALYSIS LINES, VALUE AND CONDITION CODES",
}
# NUBC: priority of visit, point of origin, patient status. 9 says that the record does not say.
_EMERGENCY, _NOT_SAID, _HOME, _STILL_PATIENT = "1", "9", "01", "30"


def control_number(draft: Draft) -> str:
    """CLM01: payers return twenty characters."""
    return draft.id[:20].upper()


def subscriber_loops(claims: Sequence[Claim], first: int) -> list[Segment]:
    """2000B, and 2000C where the patient is not the subscriber, with all claims of both. `first`:
    the next HL number."""
    _, who = claims[0]
    own = who.relationship == "18"
    rows = [
        segment("HL", first, 1, 22, 0 if own else 1),
        segment("SBR", "P", "18" if own else "", *[""] * 6, who.filing),
        _person("IL", who.subscriber, ("MI", who.member_id)),
        *(_whereabouts(who) if own else []),
        segment("NM1", "PR", 2, who.payer, *[""] * 4, "PI", who.payer_id),
    ]
    if not own:
        rows += [
            segment("HL", first + 1, first, 23, 0),
            segment("PAT", who.relationship),
            _person("QC", who.patient),
            *_whereabouts(who),
        ]
    for draft, parties in claims:
        rows += (
            professional(draft, parties)
            if draft.kind == "professional"
            else institutional(draft, parties)
        )
    return rows


def _person(role: str, name: Name, number: tuple[str, str] = ("", "")) -> Segment:
    return segment("NM1", role, 1, name.family, name.given, name.middle, "", name.suffix, *number)


def _whereabouts(who: Parties) -> list[Segment]:
    return [*address(who.address), segment("DMG", "D8", f"{who.born:%Y%m%d}", who.sex)]


def address(where: Address) -> list[Segment]:
    return [segment("N3", *where.lines), segment("N4", where.city, where.state, where.postal_code)]


def professional(draft: Draft, who: Parties) -> list[Segment]:
    lines = [part for line in draft.lines for part in service_lines(line)]
    return [
        segment(
            "CLM",
            control_number(draft),
            _total(lines),
            "",
            "",
            (draft.place_of_service, "B", 1),
            "Y",
            "A",
            "Y",
            "Y",
        ),
        *_authorization(_shared(draft)),
        segment("NTE", "ADD", _NOTE[None]),
        segment("HI", *_diagnoses(draft)),
        *_practitioner("82", "PE", who),
        *service_loops(draft),
    ]


def institutional(draft: Draft, who: Parties) -> list[Segment]:
    lines = [part for line in draft.lines for part in service_lines(line)]
    bill_type, dates = draft.bill_type or "", [_day(day) for day in draft.dates]
    principal, *others = _diagnoses(draft)
    return [
        segment(
            "CLM",
            control_number(draft),
            _total(lines),
            "",
            "",
            (bill_type[:2], "A", 1),
            "",
            "A",
            "Y",
            "Y",
        ),
        segment("DTP", "434", "RD8", f"{dates[0]}-{dates[-1]}"),
        segment(
            "CL1",
            _EMERGENCY if draft.place_of_service == "23" else _NOT_SAID,
            _NOT_SAID,
            _STILL_PATIENT if bill_type == "72X" else _HOME,
        ),
        *_authorization(draft.authorizations),
        segment("NTE", "ADD", _NOTE.get(bill_type, _NOTE[None])),
        segment("HI", principal),
        *([segment("HI", *others)] if others else []),
        *_practitioner("71", "AT", who),
        *service_loops(draft),
    ]


def service_loops(draft: Draft) -> list[Segment]:
    """2400 and 2410 of each service line, numbered from 1."""
    parts = (part for line in draft.lines for part in service_lines(line))
    return [row for place, part in enumerate(parts, 1) for row in _service_loop(place, part, draft)]


def _service_loop(place: int, part: ServiceLine, draft: Draft) -> Iterator[Segment]:
    line = part.line
    service, own = ("HC", line.code, *line.modifiers), line.prior_authorization
    yield segment("LX", place)
    if draft.kind == "institutional":
        yield segment("SV2", line.revenue_code, service, _charge(part), "UN", part.units)
    else:
        yield segment("SV1", service, _charge(part), "UN", part.units, "", "", draft.pointers(line))
    yield from _dated(part)
    if draft.kind == "professional" and own and not _shared(draft):
        yield from _authorization([own])
    yield from _closing(part)


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


def _dated(part: ServiceLine) -> list[Segment]:
    return [segment("DTP", "472", "D8", _day(part.line.service_date or ""))]


def _closing(part: ServiceLine) -> Iterator[Segment]:
    """The line's own number, by which a remittance finds it again, and the drug's NDC."""
    yield segment("REF", "6R", line_number(part))
    if part.ndc:
        yield segment("LIN", "", "N4", part.ndc.code)
        yield segment("CTP", "", "", "", Decimal(part.ndc.quantity), part.ndc.unit)


def line_number(part: ServiceLine) -> str:
    """REF*6R: at most 30 characters; `LINE`, or `LINE-2` for the second NDC of a line."""
    return part.line.id[:24].upper() + (f"-{part.part}" if part.line.ndcs else "")


def _charge(part: ServiceLine) -> Decimal:
    return part.value if part.value is not None else Decimal(0)


def _total(lines: Sequence[ServiceLine]) -> Decimal:
    return sum((_charge(part) for part in lines), Decimal(0))


def _day(iso: str) -> str:
    return iso.replace("-", "")
