"""Laboratory evidence for a dose: the newest usable result within a window, TSAT derived from one specimen where there is none."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta, tzinfo
from decimal import Decimal

from mappings import codes
from mappings.assessment import Evidence
from mappings.expression import LabState
from mappings.moment import Moment
from mappings.reading.amounts import plain
from mappings.record import LabResult

_CAPACITY = ("tibc", "transferrin", "uibc")


def usable(labs: Iterable[LabResult], analyte: str) -> list[LabResult]:
    """Results of an analyte whose value can be used; for TSAT also those derived from iron and binding capacity of one specimen."""
    direct = [row for row in labs if row.analyte == analyte and row.problem is None]
    return direct + list(_derived_tsat(labs, direct)) if analyte == "tsat" else direct


def before(labs: Sequence[LabResult], dose: Moment | None, day: date, zone: tzinfo | None) -> list[LabResult]:
    """Results collected not after the dose; on its day they count where either time is unknown or the result's is earlier."""
    return [row for row in labs if row.when is not None and _collected_by(row.when, dose, day, zone)]


def _collected_by(when: Moment, dose: Moment | None, day: date, zone: tzinfo | None) -> bool:
    """A month or year alone may lie after the dose: its last day decides."""
    if dose and when.instant and dose.instant and not (when.floating or dose.floating):
        return when.instant <= dose.instant
    return when.days(zone)[1] <= day


def newest(labs: Iterable[LabResult]) -> LabResult | None:
    """The newest result; a measured one before a derived one of the same time."""
    rows = [row for row in labs if row.when is not None]
    return max(rows, key=lambda row: (row.when.order if row.when else (date.min,), not row.parts, row.source), default=None)


def within(labs: Iterable[LabResult], day: date, days: int, zone: tzinfo | None) -> list[LabResult]:
    """Results of the `days` calendar days before the dose; day N itself counts."""
    first = day - timedelta(days=days)
    return [row for row in labs if row.when is not None and row.when.days(zone)[0] >= first]


def state(labs: Sequence[LabResult], analyte: str, dose: Moment | None, day: date, days: int, zone: tzinfo | None) -> LabState:
    """The newest result within the window, or whether there is an older one or none."""
    candidates = before(usable(labs, analyte), dose, day, zone)
    found = newest(within(candidates, day, days, zone))
    if found:
        return LabState("met", found)
    return LabState("expired" if candidates else "missing")


def _derived_tsat(labs: Iterable[LabResult], direct: list[LabResult]) -> Iterable[LabResult]:
    """TSAT = 100 × iron / TIBC of one specimen; TIBC may be iron + UIBC, or transferrin × a factor (marked in the data)."""
    rows = [row for row in labs if row.problem is None and row.value is not None and row.when is not None]
    for iron in (row for row in rows if row.analyte == "iron"):
        if any(_one_specimen(iron, row) for row in direct):
            continue
        partners = [row for kind in _CAPACITY for row in rows if row.analyte == kind and _one_specimen(iron, row)]
        if partners:
            found = _saturation(iron, partners[0])
            if found is not None:
                yield found


def _saturation(iron: LabResult, partner: LabResult) -> LabResult | None:
    value, other = iron.value or Decimal(0), partner.value or Decimal(0)
    factor = codes.labs().tibc_per_transferrin.factor
    tibc = {"tibc": other, "uibc": value + other, "transferrin": other * factor}[partner.analyte]
    if tibc <= 0:
        return None
    tsat = 100 * value / tibc
    name = partner.analyte if partner.analyte == "transferrin" else partner.analyte.upper()
    says = f"{plain(round(tsat, 1))} % derived from iron {iron.says} and {name} {partner.says}"
    return LabResult(
        source=iron.source,
        analyte="tsat",
        when=iron.when,
        low=tsat,
        high=tsat,
        specimen=iron.specimen,
        panels=iron.panels,
        says=says,
        parts=(iron.source, partner.source),
    )


def rounded(value: Decimal, row: LabResult) -> Decimal:
    """A value as it is shown: a measured one as reported, a derived one with one decimal. What is compared is exact."""
    return round(value, 1) if row.parts else value


def _one_specimen(first: LabResult, second: LabResult) -> bool:
    """One specimen by reference, else one panel or report, else drawn at the very same time."""
    if first.specimen and second.specimen:
        return first.specimen == second.specimen
    if set(first.panels) & set(second.panels):
        return True
    one, two = first.when, second.when
    return bool(one and two and one.instant and one.instant == two.instant)


def evidence(row: LabResult) -> tuple[Evidence, ...]:
    """The resources behind a result; for a derived one, those of both parts."""
    day = row.when.last.isoformat() if row.when else "undated"
    sources = dict.fromkeys(row.parts or (row.source,))
    return tuple(Evidence(source.resource, source.version, f"{row.analyte} {row.says} on {day}") for source in sources)


def too_soon(row: LabResult, doses: Iterable[Moment], zone: tzinfo | None) -> bool:
    """Whether the result was drawn within the days after an IV iron dose in which it can't be relied on."""
    limits = [rule.days for rule in codes.labs().too_soon_after_dose if row.analyte in rule.analytes]
    return row.when is not None and any(_follows(row.when, dose, max(limits, default=-1), zone) for dose in doses)


def _follows(drawn: Moment, dose: Moment, days: int, zone: tzinfo | None) -> bool:
    """Within so many days after a dose; on its day only where both times are known."""
    after = (drawn.days(zone)[0] - dose.days(zone)[1]).days
    if after == 0:
        return days >= 0 and bool(drawn.instant and dose.instant and drawn.instant > dose.instant)
    return 0 < after <= days
