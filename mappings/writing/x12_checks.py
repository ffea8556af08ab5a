"""What no validator of X12 checks: counts that match, numbers that can be, lines that belong
together.

Tried in November 2026: pyx12 4.0 and others.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Self

from msgspec import Struct

from mappings import codes
from mappings.writing.segments import COMPONENT, Segment, parsed

_CODE, _MODIFIER, _ICD = (
    re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]"),
    re.compile(r"[A-Z0-9]{2}"),
    re.compile(r"[A-Z]\d[0-9A-Z]{1,5}"),
)
_TAXONOMY, _NDC, _REVENUE = re.compile(r"[0-9A-Z]{9}X"), re.compile(r"\d{11}"), re.compile(r"\d{4}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NDC_UNITS = frozenset({"F2", "GR", "ME", "ML", "UN"})
_CLOSING = {"SE": "ST", "GE": "GS", "IEA": "ISA"}


def faults(file: str) -> list[str]:
    """Everything wrong with a file of 837s, a sentence each; none where it is right."""
    rows = parsed(file)
    claims = _split(rows, "CLM")[1:]
    found = [*_envelopes(rows), *_headers(rows), *_levels(rows), *_parties(rows)]
    numbers = Counter(_at(claim[0], 1) for claim in claims)
    found += [
        f"CLM01 {number} stands on {count} claims" for number, count in numbers.items() if count > 1
    ]
    return found + [fault for claim in claims for fault in _claim(claim)]


def claim_faults(rows: Sequence[Segment]) -> list[str]:
    """What is wrong with a claim's own loops, before they stand in a file."""
    return [
        *_parties(rows),
        *(fault for claim in _split(rows, "CLM")[1:] for fault in _claim(claim)),
    ]


def valid_npi(npi: str) -> bool:
    """Ten digits whose last is the Luhn check digit with the prefix 80840 (CMS, NPI check
    digit)."""
    if not re.fullmatch(r"\d{10}", npi):
        return False
    digits = [int(digit) for digit in reversed("80840" + npi)]
    return (
        sum(
            sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)
        )
        % 10
        == 0
    )


def _split(rows: Iterable[Segment], identity: str) -> list[list[Segment]]:
    """What stands before the first segment of that name, then from each to the next one."""
    parts: list[list[Segment]] = [[]]
    for row in rows:
        if row[0] == identity:
            parts.append([])
        parts[-1].append(row)
    return parts


def _at(row: Segment, place: int) -> str:
    return row[place] if len(row) > place else ""


def _decimal(text: str) -> Decimal:
    """The number; what is none counts as less than nothing."""
    return Decimal(text) if _NUMBER.fullmatch(text) else Decimal(-1)


class _Service(Struct, frozen=True):
    """SV1 or SV2. `place`: the revenue code of SV2, the pointers of SV1."""

    institutional: bool
    code: str
    modifiers: list[str]
    charge: str
    unit: str
    units: str
    place: str

    @classmethod
    def of(cls, line: Sequence[Segment]) -> Self:
        row = next((row for row in line if row[0] in ("SV1", "SV2")), ("SV1",))
        institutional = row[0] == "SV2"
        procedure, charge, unit, units = (
            _at(row, number + institutional) for number in range(1, 5)
        )
        kind, code, *modifiers = (
            [*procedure.split(COMPONENT), ""]
            if COMPONENT not in procedure
            else procedure.split(COMPONENT)
        )
        return cls(
            institutional,
            code if kind == "HC" else "",
            modifiers,
            charge,
            unit,
            units,
            _at(row, 1 if institutional else 7),
        )


def _envelopes(rows: Sequence[Segment]) -> Iterator[str]:
    """Each envelope closes with its own control number, and counts what it holds."""
    open_: list[tuple[Segment, int, int]] = []
    control = {"ISA": 13, "GS": 6, "ST": 2}
    for place, row in enumerate(rows):
        if row[0] in control:
            open_ = [
                (one, start, held + (number == len(open_) - 1))
                for number, (one, start, held) in enumerate(open_)
            ]
            open_.append((row, place, 0))
        elif row[0] in _CLOSING:
            begun = open_.pop() if open_ and open_[-1][0][0] == _CLOSING[row[0]] else None
            if begun is None:
                yield f"{row[0]} closes no {_CLOSING[row[0]]}"
                continue
            opening, start, held = begun
            if _at(row, 2) != _at(opening, control[opening[0]]):
                yield (
                    f"{row[0]}02 {_at(row, 2)} is not the control number"
                    f" {_at(opening, control[opening[0]])}"
                )
            count = place - start + 1 if row[0] == "SE" else held
            if _at(row, 1) != str(count):
                yield f"{row[0]}01 says {_at(row, 1)}, there are {count}"
    yield from (f"{row[0]} is not closed" for row, _, _ in open_)


def _headers(rows: Sequence[Segment]) -> Iterator[str]:
    guide = ""
    for row in rows:
        if row[0] == "ISA" and _at(row, 15) not in ("T", "P"):
            yield "ISA15 is neither T nor P"
        if row[0] == "GS":
            guide = _at(row, 8)
        if row[0] == "ST" and _at(row, 3) != guide:
            yield f"ST03 {_at(row, 3)} is not GS08 {guide}"


def _levels(rows: Sequence[Segment]) -> Iterator[str]:
    """HL numbers run from 1 in each transaction; parents come first; HL04 says whether there are
    children."""
    for transaction in _split(rows, "ST")[1:]:
        levels = [row for row in transaction if row[0] == "HL"]
        parents = {_at(row, 2) for row in levels}
        for number, row in enumerate(levels, 1):
            if _at(row, 1) != str(number):
                yield f"HL {_at(row, 1)} is the {number}. of its transaction"
            if _at(row, 2) and not (_at(row, 2).isdigit() and int(_at(row, 2)) < number):
                yield f"HL {_at(row, 1)} has no parent {_at(row, 2)}"
            if _at(row, 4) != ("1" if _at(row, 1) in parents else "0"):
                yield f"HL {_at(row, 1)} is wrong about its children"


def _parties(rows: Sequence[Segment]) -> Iterator[str]:
    for row in rows:
        if row[0] == "NM1" and _at(row, 8) == "XX" and not valid_npi(_at(row, 9)):
            yield f"the NPI of NM1*{_at(row, 1)} fails its check digit"
        if row[0] == "NM1" and not _at(row, 3):
            yield f"NM1*{_at(row, 1)} has no name"
        if row[0] == "NM1" and _at(row, 1) in ("IL", "PR", "85") and not _at(row, 9):
            yield f"NM1*{_at(row, 1)} has no number"
        if row[0] == "PRV" and not _TAXONOMY.fullmatch(_at(row, 3)):
            yield f"PRV*{_at(row, 1)} holds no taxonomy code"
    for loop in _split(rows, "NM1")[1:]:
        place = next((row for row in loop if row[0] == "N4"), ("N4",))
        if _at(loop[0], 1) == "85" and not re.fullmatch(r"\d{9}", _at(place, 3)):
            yield "the billing provider's ZIP code has not nine digits"
    for loop in _split(rows, "SBR")[1:]:
        dependent = any(row[0] == "PAT" for row in loop)
        if (_at(loop[0], 2) == "18") == dependent:
            yield "SBR02 and the patient's own loop do not agree on who the subscriber is"


def _claim(rows: Sequence[Segment]) -> Iterator[str]:
    """One claim: CLM and what follows."""
    head, *lines = _split(rows, "LX")
    name = f"claim {_at(rows[0], 1)}"
    institutional = COMPONENT + "A" + COMPONENT in _at(rows[0], 5)
    diagnoses = [
        part
        for row in rows
        if row[0] == "HI"
        for part in row[1:]
        if part.startswith(("ABK:", "ABF:", "BK:", "BF:"))
    ]
    yield from (
        f"{name}: {fault}" for fault in [*_diagnoses(diagnoses), *_head(head, institutional)]
    )
    for number, line in enumerate(lines, 1):
        yield from (f"{name}, line {number}: {fault}" for fault in _line(line, len(diagnoses)))
    total = sum((_decimal(_Service.of(line).charge) for line in lines), Decimal(0))
    if total != _decimal(_at(rows[0], 2)):
        yield f"{name}: CLM02 {_at(rows[0], 2)} is not the sum {total} of its lines"
    numbers = Counter(_at(row, 2) for row in rows if row[:2] == ("REF", "6R"))
    if len(numbers) != len(lines):
        yield f"{name}: not every line has a REF*6R of its own"
    yield from (f"{name}: {fault}" for fault in _discards(lines))


def _head(head: Sequence[Segment], institutional: bool) -> Iterator[str]:
    authorizations = [row for row in head if row[:2] == ("REF", "G1")]
    if institutional and not any(row[:2] == ("NM1", "71") for row in head):
        yield "an institutional claim names its attending practitioner"
    if len(authorizations) > 1:
        yield "a claim holds one prior authorization, not several"
    if any(not _at(row, 2) for row in authorizations):
        yield "the prior authorization's number can't be written in X12"
    if any(row[0] == "NTE" and len(_at(row, 2)) > 80 for row in head):
        yield "a note has at most 80 characters"


def _diagnoses(diagnoses: Sequence[str]) -> Iterator[str]:
    kinds = [part.partition(COMPONENT)[0] for part in diagnoses]
    if kinds[:1] != ["ABK"] or set(kinds[1:]) - {"ABF"}:
        yield "the first diagnosis is ABK and the others ABF"
    if len(diagnoses) > 12:
        yield f"{len(diagnoses)} diagnoses, of which twelve can stand"
    for part in diagnoses:
        code = part.partition(COMPONENT)[2]
        if not _ICD.fullmatch(code):
            yield f"{code} is no ICD-10-CM code without its dot"


def _line(line: Sequence[Segment], diagnoses: int) -> Iterator[str]:
    service = _Service.of(line)
    if not _CODE.fullmatch(service.code):
        yield f"{service.code or 'nothing'} is no HCPCS code"
    if len(service.modifiers) > 4 or not all(
        _MODIFIER.fullmatch(modifier) for modifier in service.modifiers
    ):
        yield "at most four modifiers of two capitals or digits"
    if {"JW", "JZ"} <= set(service.modifiers):
        yield "JW and JZ contradict each other"
    if service.unit != "UN" or not re.fullmatch(r"[1-9]\d*", service.units):
        yield f"{service.units or 'no'} units: they are whole and at least one"
    if not _decimal(service.charge) >= 0:
        yield "no charge"
    if not service.institutional:
        yield from _pointers(service.place, diagnoses)
    elif not _REVENUE.fullmatch(service.place):
        yield "a revenue code has four digits"
    yield from _drug(line, service)


def _pointers(element: str, diagnoses: int) -> Iterator[str]:
    pointers = element.split(COMPONENT)
    if (
        len(pointers) > 4
        or len(set(pointers)) != len(pointers)
        or not all(_is_place(pointer, diagnoses) for pointer in pointers)
    ):
        yield (
            f"the pointers {element or '(none)'} do not lead to one to four of the {diagnoses}"
            " diagnoses"
        )


def _is_place(pointer: str, diagnoses: int) -> bool:
    return pointer.isdigit() and 1 <= int(pointer) <= diagnoses


def _drug(line: Sequence[Segment], service: _Service) -> Iterator[str]:
    """LIN and CTP stand together, and say about as much as the units do."""
    ndc = next((row for row in line if row[0] == "LIN"), None)
    quantity = next((row for row in line if row[0] == "CTP"), None)
    if (ndc is None) != (quantity is None):
        yield "an NDC and its quantity go together"
    if ndc is None or quantity is None:
        return
    if _at(ndc, 2) != "N4" or not _NDC.fullmatch(_at(ndc, 3)):
        yield f"{_at(ndc, 3)} is no NDC of eleven digits"
    amount = _decimal(_at(quantity, 4))
    if not amount > 0 or _at(quantity, 5) not in _NDC_UNITS:
        yield "an NDC quantity is more than nothing, in F2, GR, ME, ML or UN"
    package = codes.packages().get(_at(ndc, 3))
    known = (
        row
        for family in codes.families().values()
        for row in family.codes
        if row.code == service.code
    )
    code = next(known, None)
    if (
        package
        and code
        and abs(amount * package.mg / package.ml / code.mg_per_unit - _decimal(service.units)) >= 1
    ):
        yield f"{amount} mL of NDC {_at(ndc, 3)} are not {service.units} units of {service.code}"


def _discards(lines: Sequence[Sequence[Segment]]) -> Iterator[str]:
    """A JW line stands beside the line of what was given: same code, date and NDC."""
    keys = [(_key(line), _Service.of(line)) for line in lines]
    given = {key for key, service in keys if not {"JW", "JZ"} & set(service.modifiers)}
    for key, service in keys:
        if "JW" in service.modifiers and key not in given:
            yield (
                f"the JW line of {service.code} has no line of what was given from the same"
                " container on its day"
            )


def _key(line: Sequence[Segment]) -> tuple[str, str, str]:
    day = next((_at(row, 3) for row in line if row[:2] == ("DTP", "472")), "")
    ndc = next((_at(row, 3) for row in line if row[0] == "LIN"), "")
    return _Service.of(line).code, day, ndc
