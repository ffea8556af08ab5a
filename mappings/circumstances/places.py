"""What is known of the locations of one patient's encounters: their places of service, and what the
site's table says of them.

Held by tests/scenarios/settings.yaml.
"""

from itertools import chain

from msgspec import Struct, field

from mappings.record import Location, PatientRecord
from mappings.site import Place, Site
from mappings.values.remembered import kept


class Located(Struct, frozen=True):
    """`codes`: the places of service of the locations; `place`: the site's entry, None where it has
    none or several that differ."""

    codes: frozenset[str]
    place: Place | None


class Places(Struct, frozen=True, eq=False, dict=True):
    """The locations on record, as the site names them."""

    record: PatientRecord
    site: Site
    _known: dict[tuple[tuple[str, ...], str | None], Located] = field(default_factory=dict)

    def at(self, locations: tuple[str, ...], provider: str | None) -> Located:
        """What locations are, of an encounter of `provider`."""
        key = (locations, provider)
        found = self._known.get(key)
        if found is None:
            chains = [self._chain(location) for location in locations]
            codes = frozenset().union(*map(self._codes, chains))
            found = self._known[key] = Located(codes, self._place(chains, provider))
        return found

    @kept
    def _locations(self) -> dict[str, Location]:
        return {location.source.resource: location for location in self.record.locations}

    def _chain(self, reference: str) -> list[str]:
        """A location and those that it lies in, the nearest first."""
        known = self._locations
        chain: list[str] = []
        at: str | None = reference
        while at and at not in chain:
            chain.append(at)
            at = known[at].part_of if at in known else None
        return chain

    def _codes(self, chain: list[str]) -> tuple[str, ...]:
        """Of the nearest that has a code."""
        known = self._locations
        found = (known[key].place_of_service for key in chain if key in known)
        return next(filter(None, found), ())

    def _place(self, chains: list[list[str]], provider: str | None) -> Place | None:
        """The site's entry for the location or one around it, its organization or the
        encounter's."""
        known = self._locations
        nearest = [next((key for key in within if self._entry(key)), None) for within in chains]
        located = set(chain.from_iterable(chains)) & known.keys()
        organizations = {known[key].organization for key in located}
        for keys in (nearest, organizations | {provider}):
            found = {place.pos: place for key in keys if key and (place := self._entry(key))}
            if found:
                return next(iter(found.values())) if len(found) == 1 else None
        return None

    def _entry(self, reference: str) -> Place | None:
        places = self.site.places
        return places.get(reference) or places.get(reference.rpartition("/")[2])
