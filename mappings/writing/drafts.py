"""Which lines leave together: one claim per patient, coverage, date and setting, one service line
per NDC.

Only `ready` lines: what is held or not billable never stands in a claim, not even in a draft.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.assessment import Assessment, ClaimLine, NdcQuantity
from mappings.values.identity import stable_id

MOST_POINTERS = 4
_CENT = Decimal("0.01")


class ServiceLine(Struct, frozen=True):
    """A claim line, or the part of it that came from one NDC. `value` in dollars, None where
    unknown."""

    line: ClaimLine
    part: int
    units: int
    ndc: NdcQuantity | None
    value: Decimal | None


class Draft(Struct, frozen=True, kw_only=True):
    id: str
    patient: str
    coverage: str
    place_of_service: str
    bill_type: str | None
    lines: tuple[ClaimLine, ...]

    @property
    def kind(self) -> Literal["professional", "institutional"]:
        return "institutional" if self.bill_type else "professional"

    @property
    def dates(self) -> list[str]:
        return sorted({row.service_date for row in self.lines if row.service_date})

    @property
    def diagnoses(self) -> list[str]:
        """Of all lines, in the sequence of the first."""
        return list(dict.fromkeys(code for row in self.lines for code in row.diagnoses))

    def pointers(self, line: ClaimLine) -> list[int]:
        """Where the line's first four diagnoses stand among the claim's, from 1."""
        return [self.diagnoses.index(code) + 1 for code in line.diagnoses[:MOST_POINTERS]]

    @property
    def authorizations(self) -> list[str]:
        return sorted({row.prior_authorization for row in self.lines if row.prior_authorization})


def drafts(document: Assessment, dialysis_by_month: bool = False) -> list[Draft]:
    """The claims of a document's ready lines, ordered.

    A dialysis facility bills once a month (CMS Pub 100-04 ch. 8 s. 50.3, from memory):
    `dialysis_by_month` draws 72X so.
    """
    grouped: dict[tuple[str, ...], list[ClaimLine]] = {}
    for assessment in document.patients:
        for line in assessment.lines:
            if (
                line.status == "ready"
                and line.service_date
                and line.coverage
                and line.place_of_service
            ):
                period = (
                    line.service_date[:7]
                    if dialysis_by_month and line.bill_type == "72X"
                    else line.service_date
                )
                key = (
                    assessment.patient,
                    line.coverage,
                    period,
                    line.place_of_service,
                    line.bill_type or "",
                )
                grouped.setdefault(key, []).append(line)
    return [_draft(key, rows) for key, rows in sorted(grouped.items())]


def preview(patient: str, lines: Sequence[ClaimLine]) -> Draft:
    """The draft that these lines of one pair would be in alone, whatever their status."""
    first = lines[0]
    key = (first.coverage, first.service_date, first.place_of_service, first.bill_type)
    return _draft((patient, *(part or "" for part in key)), lines)


def _draft(key: tuple[str, ...], lines: Sequence[ClaimLine]) -> Draft:
    patient, coverage, _, place_of_service, bill_type = key
    return Draft(
        id=stable_id("claim", *key),
        patient=patient,
        coverage=coverage,
        place_of_service=place_of_service,
        bill_type=bill_type or None,
        lines=tuple(lines),
    )


def service_lines(line: ClaimLine) -> Iterator[ServiceLine]:
    """One per NDC; units and value of the parts sum to the line's."""
    value = Decimal(line.value) if line.value is not None else None
    if not line.ndcs:
        yield ServiceLine(line, 1, line.units, line.ndc, value)
        return
    units = shares(line.units, [_mg(row) for row in line.ndcs])
    cents = (
        shares(int(value / _CENT), [Decimal(part) for part in units]) if value is not None else None
    )
    for number, (part, ndc) in enumerate(zip(units, line.ndcs, strict=True), 1):
        yield ServiceLine(line, number, part, ndc, cents[number - 1] * _CENT if cents else None)


def _mg(row: NdcQuantity) -> Decimal:
    """Weighed by its mL alone where the package is not in the tables any more: a family has one
    strength."""
    package = codes.packages().get(row.code)
    return Decimal(row.quantity) * (package.mg / package.ml if package else 1)


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
