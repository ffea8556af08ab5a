"""Laboratory evidence for a dose: the newest usable result within a window, TSAT derived from one
specimen where there is none.

Held by tests/unit/test_laboratory.py.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from operator import itemgetter

from mappings import codes
from mappings.assessment import Evidence, cite
from mappings.record import LabResult
from mappings.values.moment import Moment
from mappings.values.numbers import plain

_CAPACITY = ("tibc", "transferrin", "uibc")
# ISMP's list of error-prone abbreviations: mcg, never µg.
_AS_WRITTEN = ((" %", "%"), ("<=", "≤"), (">=", "≥"), (" ug/", " mcg/"))


def usable(labs: Iterable[LabResult], analyte: str) -> list[LabResult]:
    """Results of an analyte whose value can be used; for TSAT also those derived from iron and
    binding capacity of one specimen."""
    direct = [result for result in labs if result.analyte == analyte and result.problem is None]
    return direct + list(_derived_tsat(labs, direct)) if analyte == "tsat" else direct


def is_before(result: LabResult, dose: Moment | None, day: date, zone: tzinfo | None) -> bool:
    """Whether a result was collected not after the dose; on its day it counts where either time is
    unknown or the result's is earlier."""
    when = result.when
    if when is None:
        return False
    if dose and when.instant and dose.instant:
        drawn, given = when.at(zone), dose.at(zone)
        if drawn and given:
            return drawn <= given
    # A month or year alone may lie after the dose.
    return when.days(zone)[1] <= day


def newest(labs: Sequence[LabResult]) -> LabResult | None:
    """The newest result; a measured one before a derived one of the same time."""
    results = newest_last(labs)[1]
    return results[-1] if results else None


def newest_last(labs: Sequence[LabResult]) -> tuple[list[datetime], list[LabResult]]:
    """Those with a time, and their times; of equals the first is last."""
    timed = [
        ((result.when.order[0], not result.derived, result.source), result)
        for result in reversed(labs)
        if result.when is not None
    ]
    if len(timed) > 1:
        timed.sort(key=itemgetter(0))
    return [place[0] for place, _ in timed], [result for _, result in timed]


def within(labs: Iterable[LabResult], day: date, days: int, zone: tzinfo | None) -> list[LabResult]:
    """Results of the `days` calendar days before the dose; day N itself counts."""
    first = day - timedelta(days=days)
    return [
        result for result in labs if result.when is not None and result.when.days(zone)[0] >= first
    ]


def within_or_undated(
    results: list[LabResult], day: date, days: int, zone: tzinfo | None
) -> list[LabResult]:
    """Those of the window, and those of a time that is stated and not read."""
    return (
        within(results, day, days, zone) + list(filter(_of_unread_time, results))
        if results
        else results
    )


def unread(
    results: list[LabResult], dose: Moment | None, day: date, zone: tzinfo | None
) -> list[LabResult]:
    """Of results that can't be read those before the dose, or of a time that is not read."""
    if not results:
        return results
    before = [result for result in results if is_before(result, dose, day, zone)]
    return before + list(filter(_of_unread_time, results))


def _of_unread_time(result: LabResult) -> bool:
    return result.when is None and result.unread is not None and result.unread.is_of("effective")


def unread_after(found: LabResult | None, results: list[LabResult]) -> LabResult | None:
    """Of results that can't be read the newest that is newer than FOUND. What is of the same
    collection is no newer one; what is of a time that is not read may be."""
    newer = [result for result in results if found is None or _is_newer(result, found)]
    return newest(newer) or next(filter(_of_unread_time, results), None)


def _is_newer(result: LabResult, found: LabResult) -> bool:
    if (
        result.when is None
        or found.when is None
        or _same_time(result.when, found.when) is not False
    ):
        return False
    return result.when.order > found.when.order and _one_specimen(found, result) is None


def _derived_tsat(labs: Iterable[LabResult], direct: list[LabResult]) -> Iterable[LabResult]:
    """TSAT = 100 × iron / TIBC of one specimen; TIBC may be iron + UIBC, or transferrin × a factor
    (marked in the data).

    None where the specimen has a measured one, or two values of iron or of its partner.
    """
    if not any(result.analyte == "iron" for result in labs):
        return
    results = [
        result
        for result in labs
        if result.problem is None and result.value is not None and result.when is not None
    ]
    irons = [result for result in results if result.analyte == "iron"]
    for iron in irons:
        partner = None if _closest(iron, direct) else _partner(iron, results)
        if partner and _agree(_closest(iron, irons)):
            found = _saturation(iron, partner)
            if found is not None:
                yield found


def _partner(iron: LabResult, results: list[LabResult]) -> LabResult | None:
    for kind in _CAPACITY:
        found = _closest(iron, [result for result in results if result.analyte == kind])
        if found:
            return found[0] if _agree(found) else None
    return None


def _agree(results: list[LabResult]) -> bool:
    return len({result.value for result in results}) == 1


def _closest(iron: LabResult, results: list[LabResult]) -> list[LabResult]:
    """Of the results of one specimen with the iron those that are surest to be: by its name first,
    then by time."""
    ranked = [
        (rank, result) for result in results if (rank := _one_specimen(iron, result)) is not None
    ]
    best = min((rank for rank, _ in ranked), default=None)
    return [result for rank, result in ranked if rank == best]


def _one_specimen(first: LabResult, second: LabResult) -> int | None:
    """How sure two results are of one specimen, 0 the surest: by reference (at one time, on one
    day, or not even that); drawn at the very same time; in one panel or report on the same day, as
    far as is known. None where they are not.
    """
    at_once = _same_time(first.when, second.when)
    if first.specimen and second.specimen:
        return {True: 0, None: 1, False: 2}[at_once] if first.specimen == second.specimen else None
    if at_once:
        return 3
    return 4 if at_once is None and set(first.panels) & set(second.panels) else None


def _same_time(one: Moment | None, two: Moment | None) -> bool | None:
    """None for the same day where not both have a time of it."""
    if one is None or two is None:
        return False
    if one.instant and two.instant and one.floating == two.floating:
        return one.instant == two.instant
    day = one.day(None)
    return None if day is not None and day == two.day(None) else False


def _saturation(iron: LabResult, partner: LabResult) -> LabResult | None:
    value = iron.value or Decimal(0)
    tibc, says = _capacity(value, partner)
    if tibc <= 0:
        return None
    tsat = 100 * value / tibc
    return LabResult(
        source=iron.source,
        analyte="tsat",
        when=iron.when,
        low=tsat,
        high=tsat,
        specimen=iron.specimen,
        panels=iron.panels,
        says=f"{plain(round(tsat, 1))}% derived from iron {iron.says} and {says}",
        parts=(iron.source, partner.source),
    )


def _capacity(iron: Decimal, partner: LabResult) -> tuple[Decimal, str]:
    """TIBC in ug/dL and how it is known."""
    value = partner.value or Decimal(0)
    if partner.analyte == "tibc":
        return value, f"TIBC {partner.says}"
    if partner.analyte == "uibc":
        return iron + value, f"UIBC {partner.says} (TIBC {plain(iron + value)} ug/dL)"
    per = codes.labs().tibc_per_transferrin
    doubt = "" if per.verified else " (factor not verified)"
    return (
        value * per.factor,
        (
            f"transferrin {partner.says}, × {per.factor} = TIBC {plain(value * per.factor)}"
            f" ug/dL{doubt}"
        ),
    )


def rounded(value: Decimal, result: LabResult) -> Decimal:
    """A value as it is shown: a measured one as reported, a derived one with one decimal. What is
    compared is exact."""
    return round(value, 1) if result.derived else value


def value(result: LabResult) -> str:
    """What a result says, as people in the US write it: `14%`, `≥500 ng/mL`, `30 mcg/dL`."""
    return _as_written(result.says)


@lru_cache(maxsize=4096)
def _as_written(said: str) -> str:
    for ours, theirs in _AS_WRITTEN:
        said = said.replace(ours, theirs)
    return said


def short(analyte: str) -> str:
    return "TSAT" if analyte == "tsat" else analyte


def evidence(result: LabResult, zone: tzinfo | None) -> tuple[Evidence, ...]:
    """The resources behind a result; for a derived one, those of both parts."""
    if result.alternatives:
        each = (evidence(one, zone) for one in result.alternatives)
        return tuple(dict.fromkeys(chain.from_iterable(each)))
    says = f"{short(result.analyte)} {result.unread or value(result)} {drawn(result, zone)}"
    if not result.parts:
        return (cite(result.source, says),)
    return tuple(cite(source, says) for source in dict.fromkeys(result.parts))


def quoted(result: LabResult, zone: tzinfo | None) -> str:
    """What stands there of a result that can't be read, where, and since when."""
    return f"{result.unread} of {result.source.resource}, {drawn(result, zone)}"


def drawn(result: LabResult, zone: tzinfo | None) -> str:
    """When a result was collected, as far as that is known: `on Oct 12, 2026`, `in Oct 2026`."""
    return _on(result.when, zone) if result.when else "undated"


@lru_cache(maxsize=4096)
def _on(when: Moment, zone: tzinfo | None) -> str:
    return when.span(zone).on


def unreliable_days(analyte: str, mg: Decimal | None) -> int:
    """The days after a dose of so many mg in which a result can't be relied on; -1 for none."""
    rows = [row for row in codes.labs().too_soon_after_dose if analyte in row.analytes]
    return max(
        (row.days for row in rows if row.over_mg is None or (mg is not None and mg > row.over_mg)),
        default=-1,
    )


def is_later(drawn: Moment, dose: Moment) -> bool:
    """On one day; only where both times are known."""
    return bool(drawn.instant and dose.instant and drawn.instant > dose.instant)
