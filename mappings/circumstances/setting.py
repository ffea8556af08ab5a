"""R7: where the dose was given, and on which claim that puts it."""

from datetime import tzinfo
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.record import Administration, Encounter, PatientRecord, Source, Stay
from mappings.site import Place, Site
from mappings.values.moment import Moment

_HOSPITAL, _CRITICAL_ACCESS = "13X", "85X"


class Setting(Struct, frozen=True):
    """`code`: the CMS place of service, None where unknown. `inpatient`: not billable here at
    all."""

    code: str | None
    says: str
    inpatient: bool = False
    place: Place | None = None
    source: Source | None = None

    @property
    def claim(self) -> Literal["professional", "institutional"] | None:
        row = codes.settings().by_code.get(self.code or "")
        return row.claim if row else None

    @property
    def bill_type(self) -> str | None:
        """The setting's own. Of a hospital, the site's table says whether it is a critical access
        one."""
        row = codes.settings().by_code.get(self.code or "")
        own = row.bill_type if row else None
        of_place = self.place.bill_type if self.place else None
        return of_place if own == _HOSPITAL and of_place == _CRITICAL_ACCESS else own

    @property
    def hospitals(self) -> frozenset[str]:
        """The kinds of hospital of the place, as 340B's modifiers tell them apart."""
        place = self.place
        kinds = {
            place.hospital if place else None,
            "non-excepted" if place and place.off_campus == "PN" else None,
            "critical-access" if self.bill_type == _CRITICAL_ACCESS else None,
        }
        return frozenset(kind for kind in kinds if kind)

    @property
    def revenue_code(self) -> str | None:
        row = codes.settings().by_code.get(self.code or "")
        return row.revenue_code if row else None


def encounter_of(
    administration: Administration, record: PatientRecord, zone: tzinfo | None
) -> Encounter | None:
    """The encounter named by the administration, else the only one whose period spans its start."""
    named = next(
        (row for row in record.encounters if row.source.resource == administration.encounter), None
    )
    says_one = "Encounter/" in (administration.encounter or "")
    if named or says_one or administration.start is None:
        return named
    spanning = [
        row
        for row in record.encounters
        if row.start and _spans(row.start, row.end, administration.start, zone)
    ]
    return spanning[0] if len(spanning) == 1 else None


def _spans(start: Moment | None, end: Moment | None, moment: Moment, zone: tzinfo | None) -> bool:
    return (start is None or start.before_or_same(moment, zone)) and (
        end is None or moment.before_or_same(end, zone)
    )


def setting(
    administration: Administration, encounter: Encounter | None, record: PatientRecord, site: Site
) -> Setting:
    """Place of service by the location's own code, then the encounter's class, then the site's
    table of places."""
    if encounter is None:
        return Setting(
            None,
            (
                "The encounter of the dose is not on record."
                if administration.encounter
                else "The dose is not tied to an encounter."
            ),
        )
    table = codes.settings()
    if encounter.klass in table.inpatient_class:
        return Setting(
            None,
            f"The encounter is an inpatient stay ({encounter.klass}).",
            inpatient=True,
            source=encounter.source,
        )
    stays = _stays(encounter, administration, site.zone)
    place = _place(encounter, stays, record, site)
    coded = {
        code
        for row in record.locations
        for code in row.place_of_service
        if row.source.resource in {stay.location for stay in stays}
    }
    if len(coded) == 1:
        return Setting(coded.pop(), "by the location's code", place=place, source=encounter.source)
    if len(coded) > 1:
        return Setting(
            None,
            "The encounter's locations have different places of service.",
            source=encounter.source,
        )
    by_class = table.encounter_class.get(encounter.klass or "")
    if by_class:
        return Setting(
            by_class,
            f"by the encounter's class {encounter.klass}",
            place=place,
            source=encounter.source,
        )
    if place:
        return Setting(
            place.pos, "by the site's table of places", place=place, source=encounter.source
        )
    why = (
        f"The class {encounter.klass} of the encounter does not say"
        if encounter.klass
        else "Nothing says"
    )
    return Setting(None, f"{why} where the dose was given.", source=encounter.source)


def _stays(
    encounter: Encounter, administration: Administration, zone: tzinfo | None
) -> tuple[Stay, ...]:
    """The locations at the time of the dose."""
    moment = administration.start
    if moment is None or len(encounter.stays) < 2:
        return encounter.stays
    timed = tuple(
        stay
        for stay in encounter.stays
        if (stay.start or stay.end) and _spans(stay.start, stay.end, moment, zone)
    )
    return timed or encounter.stays


def _place(
    encounter: Encounter, stays: tuple[Stay, ...], record: PatientRecord, site: Site
) -> Place | None:
    """The site's entry for the location, its organization or the encounter's; None where it has
    several that differ."""
    locations = {stay.location for stay in stays}
    organizations = {
        row.organization for row in record.locations if row.source.resource in locations
    } | {encounter.service_provider}
    for keys in (locations, organizations):
        found = {place.pos: place for key in keys if key for place in [_entry(site, key)] if place}
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _entry(site: Site, reference: str) -> Place | None:
    return site.places.get(reference) or site.places.get(reference.rpartition("/")[2])
