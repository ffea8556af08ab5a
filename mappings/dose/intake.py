"""R1: which administrations count, which wait, which are reversed; duplicates and parts of
others.

Held by tests/unit/test_intake.py.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from itertools import chain

from msgspec import Struct

from mappings.assessment import Unbilled
from mappings.dose.day import service_day
from mappings.dose.doses import Doses
from mappings.dose.repeats import Repeated, repeats, with_parts
from mappings.record import Administration, Problem
from mappings.values.us_dates import us_date

_WAITING = {
    "in-progress": "the administration is still going on",
    "on-hold": "the administration is on hold",
    "unknown": "the administration's status is unknown",
}
_NEVER = datetime.min.replace(tzinfo=UTC)
_REVERSED = {
    "not-done": "the dose was not given",
    "entered-in-error": "the administration was entered in error",
}


class TakenIn(Struct, frozen=True):
    """`counted` are assessed. `copies`: counted administration → those that look like the same dose
    and are counted once with it. `repeated`: counted administration → why it may be recorded twice.

    `same_identifier`: counted administration → records that carry the same business identifier and
    are left out. `assessed_on`: the day of the site as it is assessed.
    """

    assessed_on: date
    counted: tuple[Administration, ...]
    pending: tuple[Unbilled, ...]
    reversed: tuple[Unbilled, ...]
    problems: tuple[Problem, ...]
    copies: dict[str, tuple[str, ...]]
    repeated: dict[str, Repeated]
    same_identifier: dict[str, tuple[str, ...]]


def take_in(doses: Doses, as_of: datetime) -> TakenIn:
    """Sort the administrations of one patient."""
    record, zone = doses.record, doses.zone
    assessed_on = (as_of.astimezone(zone) if zone else as_of).date()
    administrations = sorted(
        record.administrations, key=lambda administration: administration.source.resource
    )
    of_one_dose = _OneDose(administrations)
    reversed_ = [
        (administration, _reversal(administration) or _superseded(administration, of_one_dose))
        for administration in administrations
    ]
    standing, kept = _one_per_identifier(
        [administration for administration, why in reversed_ if why is None]
    )
    gone = {administration.source.resource for administration, why in reversed_ if why}
    waiting = []
    for administration in standing:
        if administration.parents and gone & set(_roots(administration, administrations)):
            why = "the administration that it is part of was reversed"
            reversed_.append((administration, why))
        else:
            waiting.append((administration, _waits(administration, as_of, assessed_on, zone)))
    counted, problems, parts = _without_parts(
        [administration for administration, why in waiting if why is None], administrations, kept
    )
    parts += _lineless(
        [
            administration
            for administration in administrations
            if administration.source.resource in kept
        ],
        waiting,
        kept,
    )
    found = repeats(counted, doses)
    return TakenIn(
        assessed_on=assessed_on,
        counted=found.administrations,
        pending=tuple(
            sorted(
                Unbilled(administration.source.resource, administration.status, why)
                for administration, why in [*waiting, *parts]
                if why
            )
        ),
        reversed=tuple(
            sorted(
                Unbilled(administration.source.resource, administration.status, why)
                for administration, why in reversed_
                if why
            )
        ),
        problems=tuple(problems),
        copies=found.copies,
        repeated=_of_other_days(kept, administrations, zone) | found.repeated,
        same_identifier=_by_kept(kept),
    )


def _reversal(administration: Administration) -> str | None:
    if administration.deleted:
        return "the administration was deleted in the EHR"
    if administration.status == "stopped" and administration.not_given:
        return "stopped before anything was given"
    return _REVERSED.get(administration.status)


def _waits(
    administration: Administration, as_of: datetime, assessed_on: date, zone: tzinfo | None
) -> str | None:
    if administration.status in _WAITING:
        return _WAITING[administration.status]
    start = administration.start
    if start is None:
        return None
    instant = start.at(zone)
    later = start.days(zone)[0] > assessed_on or (instant is not None and instant > as_of)
    return f"the date of service is after {us_date(assessed_on)}" if later else None


class _OneDose:
    """Records that share a business identifier, where `any` do; a part may carry that of its whole,
    and is another record."""

    def __init__(self, administrations: Iterable[Administration]) -> None:
        self._administrations = list(administrations)
        self._places: dict[str, list[int]] = {}
        for place, administration in enumerate(self._administrations):
            for identifier in () if administration.parents else administration.identifiers:
                self._places.setdefault(identifier, []).append(place)
        self.any = any(len(places) > 1 for places in self._places.values())

    def with_(self, administration: Administration) -> list[Administration]:
        """Those with this one, in their order."""
        own = () if administration.parents else administration.identifiers
        places = set(chain.from_iterable(self._places[identifier] for identifier in own))
        return [self._administrations[place] for place in sorted(places)]


def _superseded(administration: Administration, of_one_dose: _OneDose) -> str | None:
    """A newer record of the same business identifier that reverses this one."""
    for other in of_one_dose.with_(administration) if of_one_dose.any else ():
        if (
            _reversal(other)
            and not other.deleted
            and administration.updated
            and other.updated
            and administration.updated.order < other.updated.order
        ):
            return f"the newer record {other.source.resource} of the same dose is {other.status}"
    return None


def _one_per_identifier(
    administrations: list[Administration],
) -> tuple[list[Administration], dict[str, str]]:
    """Of records with the same business identifier only the newest counts. The second: record left
    out → the one that counts."""
    holder: dict[str, str] = {}
    kept: dict[str, str] = {}
    of_one_dose = _OneDose(administrations)
    if not of_one_dose.any:
        return administrations, kept
    for administration in sorted(
        administrations,
        key=lambda administration: _standing(administration, of_one_dose),
        reverse=True,
    ):
        keys = () if administration.parents else administration.identifiers
        first = next((holder[key] for key in keys if key in holder), None)
        if first is not None:
            kept[administration.source.resource] = first
        for key in keys:
            holder.setdefault(key, first or administration.source.resource)
    return [
        administration
        for administration in administrations
        if administration.source.resource not in kept
    ], kept


def _standing(
    administration: Administration, of_one_dose: _OneDose
) -> tuple[datetime, bool, datetime]:
    """The newest last; where not all of them say when they were updated, one that is over behind
    one that still goes on."""
    updated = administration.updated.order[0] if administration.updated else _NEVER
    all_say = all(other.updated for other in of_one_dose.with_(administration))
    return updated if all_say else _NEVER, administration.status not in _WAITING, updated


def _by_kept(kept: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        first: tuple(sorted(key for key, other in kept.items() if other == first))
        for first in kept.values()
    }


def _of_other_days(
    kept: dict[str, str], administrations: Iterable[Administration], zone: tzinfo | None
) -> dict[str, Repeated]:
    """Records that count while one of their business identifier, left out for them, is of another
    day: its day was corrected, or the identifier is that of an order or a course."""
    if not kept:
        return {}
    days = {one.source.resource: service_day(one, zone)[0] for one in administrations}
    found: dict[str, set[str]] = {}
    for left_out, first in kept.items():
        if days[left_out] and days[first] and days[left_out] != days[first]:
            found.setdefault(first, {first}).add(left_out)
    return {first: _doubted(sorted(records), days) for first, records in found.items()}


def _doubted(records: list[str], days: dict[str, date | None]) -> Repeated:
    said = " and ".join(us_date(day) for day in sorted({days[one] or date.min for one in records}))
    says = (
        f"Records of {said} carry one business identifier. They are counted as one dose until"
        " one record is corrected."
    )
    return Repeated(says, tuple(records))


def _lineless(
    dropped: list[Administration],
    standing: list[tuple[Administration, str | None]],
    kept: dict[str, str],
) -> list[tuple[Administration, str]]:
    """Records left out for one that makes no line, which could note them."""
    silent = {
        administration.source.resource
        for administration, why in standing
        if why or administration.drug.lost or not administration.drug.family
    }
    left_out = [
        (administration, kept[administration.source.resource]) for administration in dropped
    ]
    return [
        (administration, f"the same dose is recorded as {first}, which has no line yet")
        for administration, first in left_out
        if first in silent
    ]


def _without_parts(
    administrations: list[Administration], everything: list[Administration], kept: dict[str, str]
) -> tuple[list[Administration], list[Problem], list[tuple[Administration, str]]]:
    """A part of another administration adds no mg; what it says of containers and waste goes to the
    whole."""
    whole = {
        administration.source.resource: administration
        for administration in administrations
        if not administration.parents
    }
    known = {administration.source.resource for administration in everything}
    problems: list[Problem] = []
    waiting: list[tuple[Administration, str]] = []
    for part in (administration for administration in administrations if administration.parents):
        roots = [kept.get(key, key) for key in _roots(part, everything)]
        root = next((key for key in roots if key in whole), None)
        if root is not None:
            whole[root] = with_parts(whole[root], [part])
        elif known & set(roots):
            waiting.append((part, "part of an administration that is not assessed"))
        else:
            problems.append(Problem(part.source.resource, _astray(roots)))
    return list(whole.values()), problems, waiting


def _astray(roots: list[str]) -> str:
    """Why a part has no whole."""
    if not roots:
        return "partOf leads back to itself"
    if roots == ["MedicationAdministration"]:
        return "partOf can't be followed: it names no resource, and may mean an administration"
    return "partOf names an administration that is not on record"


def _roots(part: Administration, everything: list[Administration]) -> list[str]:
    """The administrations that a part of a part of ... belongs to in the end; none for a whole, or
    where it leads round in a circle."""
    parents = (
        {administration.source.resource: administration.parents for administration in everything}
        if part.parents
        else {}
    )
    seen, open_ = {part.source.resource}, list(part.parents)
    roots: list[str] = []
    while open_:
        key = open_.pop(0)
        if key not in seen:
            seen.add(key)
            roots += [] if parents.get(key) else [key]
            open_ += parents.get(key, ())
    return roots
