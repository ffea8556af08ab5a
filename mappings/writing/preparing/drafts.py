"""Which lines leave together: one claim per patient, coverage, date and setting (a dialysis
facility's month), one service line per NDC where the payer takes it so.

Held by tests/unit/test_writing_drafts.py.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.assessment import Assessment, ClaimLine, NdcQuantity
from mappings.site import DIALYSIS, ClaimKind
from mappings.values.identity import stable_id
from mappings.values.numbers import CENT, plain

FORMS: dict[ClaimKind, str] = {"professional": "837P", "institutional": "837I"}
SeveralNdcs = Literal["apart", "modifiers", "one"]


class ServiceLine(Struct, frozen=True):
    """A claim line, or the part of it that came from one NDC. `value` in dollars, None where
    unknown."""

    line: ClaimLine
    part: int
    units: int
    ndc: NdcQuantity | None
    value: Decimal | None
    modifiers: tuple[str, ...] = ()


class Draft(Struct, frozen=True, kw_only=True):
    """`id`: from its lines; a dialysis facility's from patient and month."""

    id: str
    patient: str
    coverage: str
    place_of_service: str
    bill_type: str | None
    lines: tuple[ClaimLine, ...]

    @property
    def kind(self) -> ClaimKind:
        return "institutional" if self.bill_type else "professional"

    @property
    def dates(self) -> list[str]:
        return sorted({line.service_date for line in self.lines if line.service_date})

    @property
    def diagnoses(self) -> list[str]:
        """Of all lines, in the sequence in which each line has its own: what a later one has
        besides stands before what it stands before there (R9: I12 before N18)."""
        found: list[str] = []
        for line in self.lines:
            place = len(found)
            for code in reversed(line.diagnoses):
                if code in found:
                    place = found.index(code)
                else:
                    found.insert(place, code)
        return found

    def pointers(self, line: ClaimLine) -> list[int]:
        """Where the diagnoses that the line points to stand among the claim's, from 1."""
        diagnoses = self.diagnoses
        return [diagnoses.index(code) + 1 for code in pointed_to(line)]

    @property
    def authorizations(self) -> list[str]:
        return sorted({line.prior_authorization for line in self.lines if line.prior_authorization})


def drafts(document: Assessment) -> list[Draft]:
    """The drafts of a document's ready lines: what is held or not billable stands in none."""
    found: list[Draft] = []
    for patient in document.patients:
        found += drawn(patient.patient, [line for line in patient.lines if line.status == "ready"])
    return found


def drawn(patient: str, lines: Iterable[ClaimLine]) -> list[Draft]:
    """The drafts of these lines, ordered. A dialysis facility bills once a month (CMS Pub 100-04
    ch. 8 s. 50.3, from memory)."""
    grouped: dict[tuple[str, ...], list[ClaimLine]] = {}
    for line in lines:
        if line.service_date and line.coverage and line.place_of_service:
            grouped.setdefault(_key(patient, line), []).append(line)
    return [draft_of(patient, lines) for _, lines in sorted(grouped.items())]


def _key(patient: str, line: ClaimLine) -> tuple[str, ...]:
    """An institutional claim holds one prior authorization."""
    day = line.service_date or ""
    by_month = line.bill_type == DIALYSIS
    own = line.prior_authorization if line.bill_type and not by_month else None
    period = day[:7] if by_month else day
    where = (line.place_of_service or "", line.bill_type or "")
    return (patient, line.coverage or "", period, *where, own or "")


def draft_of(patient: str, lines: Sequence[ClaimLine]) -> Draft:
    """The draft that has these lines and no other, whatever their status."""
    first = lines[0]
    key = _key(patient, first)
    own = () if first.bill_type == DIALYSIS else sorted(line.id for line in lines)
    return Draft(
        id=stable_id("claim", *key, *own),
        patient=patient,
        coverage=first.coverage or "",
        place_of_service=first.place_of_service or "",
        bill_type=first.bill_type,
        lines=tuple(lines),
    )


def pairs(lines: Iterable[ClaimLine]) -> list[tuple[ClaimLine, ...]]:
    """Lines with their discards, which never part."""
    found: dict[str, list[ClaimLine]] = {}
    for line in lines:
        found.setdefault(line.pair, []).append(line)
    return [tuple(lines) for lines in found.values()]


def pointed_to(line: ClaimLine) -> tuple[str, ...]:
    """The diagnoses that a claim line points to: those of the assessment, else the first ones."""
    return line.pointers or line.diagnoses[: codes.claim_forms().limits.pointers]


def ndcs_of(line: ClaimLine) -> tuple[NdcQuantity, ...]:
    return line.ndcs or ((line.ndc,) if line.ndc else ())


def again(lines: Sequence[ClaimLine], sent: Iterable[ClaimLine] = ()) -> dict[str, str]:
    """By line id, the modifier that a line of a second visit of the day has: without it a payer
    takes it for a duplicate of the first one's (R4: each encounter has lines of its own). `sent`:
    those of the patient that left before."""
    table, irons = codes.claim_forms().repeated, codes.in_force().billing_codes
    leaving = {line.id for line in lines}
    before = [line for line in sent if line.id not in leaving]
    seen: set[tuple[object, ...]] = set()
    found: dict[str, str] = {}
    for pair in pairs([*before, *lines]):
        first = pair[0]
        whose = (first.coverage, first.place_of_service)
        said = (*whose, first.code, first.service_date, first.modifiers)
        if said in seen:
            modifier = table.drug if first.code in irons else table.service
            found |= {line.id: modifier for line in pair}
        seen.add(said)
    return found


def service_lines(
    line: ClaimLine,
    value: Decimal | None,
    several: SeveralNdcs = "apart",
    dose: ClaimLine | None = None,
    modifier: str | None = None,
) -> Iterator[ServiceLine]:
    """One per NDC, or one of all as the payer has it; units and values of the parts sum to the
    line's. `dose`: of a discard the line of what was given. `modifier`: of a second visit."""
    modifiers = (*line.modifiers, modifier) if modifier else line.modifiers
    if several == "one" and ndcs_of(line):
        ndc = _together(ndcs_of(line), ndcs_of(dose) if dose else ())
        yield ServiceLine(line, 1, line.units, ndc, value, modifiers)
    elif not line.ndcs:
        yield ServiceLine(line, 1, line.units, line.ndc, value, modifiers)
    else:
        yield from _apart(line, value, several, modifiers)


def value_of(parts: Iterable[ServiceLine]) -> Decimal:
    """The sum of the values that are known."""
    return sum((part.value for part in parts if part.value is not None), Decimal(0))


def modifiers_of(parts: Sequence[ServiceLine]) -> list[str]:
    """Those that all parts of a line have, and so the line itself."""
    return [
        modifier
        for modifier in parts[0].modifiers
        if all(modifier in part.modifiers for part in parts)
    ]


def _apart(
    line: ClaimLine, value: Decimal | None, several: SeveralNdcs, modifiers: tuple[str, ...]
) -> Iterator[ServiceLine]:
    units = shares(line.units, [_mg(ndc) for ndc in line.ndcs])
    weights = [Decimal(part) for part in units]
    cents = shares(int(value / CENT), weights) if value is not None else [None] * len(units)
    parts = zip(units, line.ndcs, cents, strict=True)
    for number, (part, ndc, share) in enumerate(parts, 1):
        worth = None if share is None else share * CENT
        own = (*modifiers, *_modifier(number, several))
        yield ServiceLine(line, number, part, ndc, worth, own)


def _modifier(number: int, several: SeveralNdcs) -> tuple[str, ...]:
    if several != "modifiers":
        return ()
    table = codes.claim_forms().several_ndcs
    return (table.first if number == 1 else table.other,)


def _together(ndcs: Sequence[NdcQuantity], given: Sequence[NdcQuantity]) -> NdcQuantity:
    """All mL under the NDC that most of it came from; a discard under that of its dose."""
    most = max(given or ndcs, key=lambda ndc: (Decimal(ndc.quantity), ndc.code))
    ml = sum((Decimal(ndc.quantity) for ndc in ndcs), Decimal(0))
    return NdcQuantity(most.code, plain(ml), most.unit)


def _mg(ndc: NdcQuantity) -> Decimal:
    """Weighed by its mL alone where the package is not in the tables any more: a family has one
    strength."""
    package = codes.packages().get(ndc.code)
    return Decimal(ndc.quantity) * (package.mg / package.ml if package else 1)


def shares(total: int, weights: Iterable[Decimal]) -> list[int]:
    """Whole shares of `total` as near to the weights as can be; none is zero where there is enough
    for all."""
    weights = list(weights)
    exact = [total * weight / sum(weights) for weight in weights]
    least = 1 if total >= len(weights) else 0
    parts = [max(int(share), least) for share in exact]
    while sum(parts) != total:
        step = 1 if sum(parts) < total else -1
        change = [
            step * (share - part) if part + step >= least else Decimal("-Infinity")
            for share, part in zip(exact, parts, strict=True)
        ]
        parts[change.index(max(change))] += step
    return parts
