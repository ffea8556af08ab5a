"""R7: where the dose was given, and on which claim that puts it.

Held by tests/scenarios/settings.yaml.
"""

from datetime import date, tzinfo
from typing import Literal

from msgspec import Struct, structs

from mappings import codes
from mappings.assessment import Evidence, State, cite
from mappings.circumstances.places import Places
from mappings.circumstances.visit import (
    Visit,
    has_night,
    of_facility,
    spans,
    stays_around,
)
from mappings.codes.tables import PlaceOfService
from mappings.record import (
    Administration,
    Encounter,
    EncounterClass,
    PastClass,
    PatientRecord,
    Source,
    Stay,
)
from mappings.site import Place, Site
from mappings.values.remembered import kept
from mappings.values.stated import Unread

_HOSPITAL, _CRITICAL_ACCESS = "13X", "85X"


class Warned(Struct, frozen=True):
    """What a person should look at, and where it stands; `holds`: before the line leaves."""

    says: str
    source: Source
    holds: bool = False


class Setting(Struct, frozen=True, dict=True):
    """`code`: the CMS place of service, None where unknown; `state` then says whether it is missing
    or contradicted. `inpatient`: not billable here at all. `unread`: what is not understood.
    """

    code: str | None
    says: str
    inpatient: bool = False
    place: Place | None = None
    source: Source | None = None
    state: State = "missing"
    unread: Unread | None = None
    warning: Warned | None = None
    notes: tuple[str, ...] = ()

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """What it was read from; nothing where it is not known."""
        return (cite(self.source, self.says),) if self.source else ()

    @kept
    def _row(self) -> PlaceOfService | None:
        return codes.settings().by_code.get(self.code or "")

    @property
    def claim(self) -> Literal["professional", "institutional"] | None:
        return self._row.claim if self._row else None

    @kept
    def bill_type(self) -> str | None:
        """The setting's own. Of a hospital, the site's table says whether it is a critical access
        one."""
        own = self._row.bill_type if self._row else None
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
        return self._row.revenue_code if self._row else None


def setting(
    administration: Administration,
    visit: Visit,
    places: Places,
    day: date | None,
) -> Setting:
    """Place of service by the location's own code, then the encounter's class, then the site's
    table of places; whatever they say, an inpatient stay contradicts it."""
    record, site = places.record, places.site
    encounter = visit.encounter
    if encounter and _kind(encounter) == "inpatient":
        says = f"The encounter is an inpatient stay ({_class_says(encounter)})."
        notes = (*visit.notes, *_by_word(encounter))
        return Setting(None, says, inpatient=True, source=encounter.source, notes=notes)
    others = [stay for stay in record.stays if stay is not encounter]
    around, beside = stays_around(others, day, site.zone) if others and day else ([], [])
    against = (encounter and _against(encounter, administration, record, site, day)) or (
        _of_stay(around[0], site) if around else None
    )
    if against:
        return structs.replace(against, notes=visit.notes)
    if encounter is None:
        return Setting(
            None,
            visit.says,
            state="incomplete" if visit.unread else "missing",
            source=visit.source,
            unread=visit.unread,
            notes=visit.notes,
        )
    found = _outpatient(administration, encounter, places)
    warning = _elsewhere(found, encounter) or _warning(beside, record, day, site)
    notes = (*visit.notes, *_by_word(encounter))
    return structs.replace(found, warning=warning, notes=notes) if warning or notes else found


def _against(
    encounter: Encounter,
    administration: Administration,
    record: PatientRecord,
    site: Site,
    day: date | None,
) -> Setting | None:
    """What of the dose's own encounter contradicts an outpatient setting, or may."""
    if isinstance(encounter.klass, Unread):
        return _of_unread(encounter)
    past = _class_then(encounter, administration, site)
    if past:
        return _of_past(encounter, past)
    says = _inpatient_signs(encounter, administration, record, site, day)
    if says:
        return Setting(None, says, state="contradicted", source=encounter.source)
    category = administration.category
    if encounter.klass is None and isinstance(category, Unread):
        says = f"The encounter has no class, and the category is not understood: {category}."
        source = administration.source
        return Setting(None, says, state="incomplete", source=source, unread=category)
    return None


def _inpatient_signs(
    encounter: Encounter,
    administration: Administration,
    record: PatientRecord,
    site: Site,
    day: date | None,
) -> str | None:
    if encounter.inpatient_type:
        return f'The type of the encounter says inpatient: "{encounter.inpatient_type}".'
    whole = record.encounter(encounter.part_of)
    if whole and whole.is_inpatient:
        return f"The encounter is part of an inpatient stay ({whole.source.resource})."
    if encounter.klass is not None:
        return None
    if encounter.discharge:
        return f'The encounter has no class, and a discharge: "{encounter.discharge}".'
    if day and has_night(encounter, day, site.zone):
        return "The encounter has no class, and spans a night."
    if administration.category == "inpatient":
        return "The encounter has no class, and the administration says inpatient."
    return None


def _class_then(
    encounter: Encounter, administration: Administration, site: Site
) -> PastClass | None:
    """What the encounter was, or may have been, when the dose was given, by its class history."""
    start = administration.start
    for past in encounter.past_classes:
        if start is None or spans(past.start, past.end, start, site.zone):
            return past
    return None


def _of_past(encounter: Encounter, past: PastClass) -> Setting:
    unread = past.klass if isinstance(past.klass, Unread) else None
    if unread:
        says = f"A class that the encounter had is not understood: {unread}."
    else:
        says = f"The encounter was an inpatient stay when the dose was given ({_says(past.klass)})."
    return Setting(None, says, state="contradicted", source=encounter.source, unread=unread)


def _of_unread(encounter: Encounter) -> Setting:
    assert isinstance(encounter.klass, Unread)  # noqa: S101 - the caller has looked
    says = (
        f"The class of the encounter is not understood: {encounter.klass}. It may be an inpatient"
        " stay."
    )
    return Setting(
        None, says, state="contradicted", source=encounter.source, unread=encounter.klass
    )


def _of_stay(encounter: Encounter, site: Site) -> Setting:
    """Another encounter around the day."""
    since = encounter.start.span(site.zone).shown if encounter.start else "a day before the dose"
    until = (
        f"until {encounter.end.span(site.zone).shown}" if encounter.end else "with no end on record"
    )
    unread = encounter.klass if isinstance(encounter.klass, Unread) else None
    what = f"in an encounter whose class is not understood ({unread})" if unread else "an inpatient"
    says = f"The patient was {what} since {since} {until} ({encounter.source.resource})."
    return Setting(None, says, state="contradicted", source=encounter.source, unread=unread)


def _warning(
    beside: list[Encounter], record: PatientRecord, day: date | None, site: Site
) -> Warned | None:
    if beside:
        stay = beside[0]
        says = f"An inpatient stay began or ended on the day of the dose ({stay.source.resource})."
        return Warned(says, stay.source)
    stays = record.facility_stays
    facility = of_facility(stays, day, site.zone) if stays and day else None
    if facility is None:
        return None
    says = (
        f'The patient was in a stay of "{facility.facility_stay}" on the day of the dose'
        f" ({facility.source.resource}): another payer may be responsible."
    )
    return Warned(says, facility.source)


def _elsewhere(found: Setting, encounter: Encounter) -> Warned | None:
    """A class that puts the visit elsewhere than its location does; the departments of a hospital
    are one place."""
    klass = encounter.klass
    if not isinstance(klass, EncounterClass) or klass.kind == "ambulatory":
        return None
    table = codes.settings()
    by_class = table.by_code.get(table.place_of_kind.get(klass.kind, ""))
    located = table.by_code.get(found.code or "")
    if by_class is None or located is None or by_class.code == located.code:
        return None
    if by_class.bill_type == located.bill_type == _HOSPITAL:
        return None
    says = (
        f"The location says place of service {located.code} ({located.name}), and the class of the"
        f" encounter {by_class.code} ({by_class.name}, {_class_says(encounter)})."
    )
    return Warned(says, encounter.source, holds=True)


def _kind(encounter: Encounter) -> str | None:
    klass = encounter.klass
    return klass.kind if isinstance(klass, EncounterClass) else None


def _class_says(encounter: Encounter) -> str:
    return _says(encounter.klass)


def _says(klass: EncounterClass | Unread | None) -> str:
    return klass.says if isinstance(klass, EncounterClass) else ""


def _by_word(encounter: Encounter) -> tuple[str, ...]:
    """A class of no table, read by its plain word."""
    klass = encounter.klass
    if isinstance(klass, EncounterClass) and klass.by_word:
        return (f'class of the encounter read by its word: "{klass.says}" as {klass.kind}',)
    return ()


def _outpatient(administration: Administration, encounter: Encounter, places: Places) -> Setting:
    stays = _stays(encounter, administration, places.site.zone)
    located = tuple([stay.location for stay in stays])
    found = places.at(located, encounter.service_provider)
    place, source = found.place, encounter.source
    if len(found.codes) == 1:
        (code,) = found.codes
        return Setting(code, "by the location's code", place=place, source=source)
    if len(found.codes) > 1:
        says = "The encounter's locations have different places of service."
        return Setting(None, says, source=source)
    by_class = codes.settings().place_of_kind.get(_kind(encounter) or "")
    if by_class:
        says = f"by the encounter's class {_class_says(encounter)}"
        return Setting(by_class, says, place=place, source=source)
    if place:
        return Setting(place.pos, "by the site's table of places", place=place, source=source)
    klass = _class_says(encounter)
    why = f"The class {klass} of the encounter does not say" if klass else "Nothing says"
    return Setting(None, f"{why} where the dose was given.", source=source)


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
        if (stay.start or stay.end or stay.undated) and spans(stay.start, stay.end, moment, zone)
    )
    return timed or encounter.stays
