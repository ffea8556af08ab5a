"""Every copy that came of each resource, and which of them counts.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Callable, ItemsView, Iterator

from mappings.reading.bundles.entries import Deletions
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.versions import are_alike, newest
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.forms import form_problem
from mappings.reading.fhir.twofold import TWICE_SAID, Twofold, told_apart
from mappings.record import Problem

_MEDICATION = "Medication/"
# Of what doses are reckoned from nothing may be said in two ways.
_TOLD_APART = frozenset({"MedicationAdministration", "Medication"})
TWICE = "the same version appears twice with different content"
OF_SEVERAL = "{} give different records under this id, so none was used: give each server's apart"


class Copies:
    """The newest version of each resource counts; where that is broken, or appears twice with
    different content, none does, and none of two servers that call different things by one id.
    SERVERS: those that are named for a Type/id. `spoiled`: those, and why."""

    def __init__(self, servers: Callable[[str], list[str]] = lambda _: []) -> None:
        self._servers = servers
        # Those of several servers.
        self.mixed: set[str] = set()
        self._by_key: dict[str, Resource | Held] = {}
        self._rivals: dict[str, list[Resource]] = {}
        self._suspects: set[str] = set()
        # Which Bundle a resource came in, by the identity of the object; 0 for none.
        self._home: dict[int, int] = {}
        self.spoiled: dict[str, str] = {}
        self.deletions = Deletions()

    def add(self, key: str, resource: Resource, home: int) -> None:
        if home:
            self._home[id(resource)] = home
        held = self._by_key.setdefault(key, resource)
        if held is not resource:
            self._rival(key, held, resource)
        if form_problem(resource, resource["resourceType"]):
            self._suspects.add(key)

    def add_held(self, resource: Held) -> None:
        held = self._by_key.setdefault(resource.key, resource)
        if held is not resource:
            self._rival(resource.key, held, self._opened(resource))

    def _rival(self, key: str, held: Resource | Held, resource: Resource) -> None:
        self._rivals.setdefault(key, [self._opened(held)]).append(resource)
        self._suspects.add(key)

    def _opened(self, resource: Resource | Held) -> Resource:
        """With where it came from, which the text is no longer asked for."""
        found = opened(resource)
        if isinstance(resource, Held) and resource.home:
            self._home[id(found)] = resource.home
        return found

    def of(self, key: str) -> list[Resource]:
        """All copies of it."""
        return self._rivals.get(key) or [self._opened(self._by_key[key])]

    def all(self) -> Iterator[list[Resource]]:
        return map(self.of, self._by_key)

    def items(self) -> ItemsView[str, Resource | Held]:
        """What counts of each, spoiled ones included, by Type/id."""
        self.settle()
        return self._by_key.items()

    def home(self, resource: Resource | None) -> int:
        """The number of the Bundle in which it came."""
        if not resource:
            return 0
        held = self._by_key.get(f"{resource.get('resourceType')}/{resource.get('id')}")
        if isinstance(held, Held) and held.opened is resource:
            return held.home
        return self._home.get(id(resource), 0)

    @property
    def unusual(self) -> set[str]:
        """Those that are spoiled, and those of which a deletion is told."""
        self.settle()
        return self.spoiled.keys() | self.deletions.names()

    def settle(self) -> None:
        for key in self._suspects:
            self.spoiled.pop(key, None)
            self.mixed.discard(key)
            servers = self._servers(key) if key in self._rivals else []
            if len(servers) > 1 and not are_alike(self._rivals[key]):
                self.mixed.add(key)
                self._spoil(key, OF_SEVERAL.format(" and ".join(servers)))
                continue
            found = newest(self.of(key))
            if found is None:
                self._spoil(key, TWICE)
                continue
            self._by_key[key] = found
            problem = form_problem(found, found["resourceType"])
            if problem:
                self.spoiled[key] = problem
        self._suspects.clear()

    def _spoil(self, key: str, why: str) -> None:
        self._by_key[key] = min(self._rivals[key], key=repr)
        self.spoiled[key] = why

    def stands_once(self, key: str) -> bool:
        """Whether it is not spoiled."""
        if self._suspects:
            self.settle()
        return key not in self.spoiled

    def holds(self, key: str) -> bool:
        return key in self._by_key or (bool(self.deletions) and self.deletions.stands(key, []))

    def is_deleted(self, key: str) -> bool:
        if not self.deletions:
            return False
        return self.deletions.stands(key, self.of(key) if key in self._by_key else [])

    def get(self, key: str, parent: Resource | None) -> Resource | Problem | None:
        """What counts of it. Where it appears twice, the copy in the Bundle of PARENT; where none
        does, why."""
        if self._suspects:
            self.settle()
        found = self._by_key.get(key)
        if found is None or self.is_deleted(key):
            return None
        if key in self.spoiled:
            return self._own_copy(key, parent)
        resource = opened(found)
        is_twofold = isinstance(resource, Twofold) and key.startswith(_MEDICATION)
        return Problem(key, TWICE_SAID) if is_twofold else resource

    def _own_copy(self, key: str, parent: Resource | None) -> Resource | Problem:
        home = self.home(parent)
        own = [copy for copy in self._rivals.get(key, ()) if home and self.home(copy) == home]
        found = newest(own) if own and self._serves(key, own) else None
        if found is not None and not form_problem(found, found["resourceType"]):
            return found
        return Problem(key, self.spoiled[key])

    def _serves(self, key: str, own: list[Resource]) -> bool:
        """Whether the copies of one Bundle serve its entries: of several servers, one's."""
        return are_alike(own) if key in self.mixed else self.spoiled[key] == TWICE

    def serves_its_own(self, key: str) -> bool:
        """Whether each of the copies came in a Bundle, whose entries it serves."""
        by_home: dict[int, list[Resource]] = {}
        for copy in self._rivals.get(key, ()):
            by_home.setdefault(self.home(copy), []).append(copy)
        is_of_bundles = bool(by_home) and 0 not in by_home
        return is_of_bundles and all(self._serves(key, own) for own in by_home.values())


def opened(resource: Resource | Held) -> Resource:
    """What a resource says; its text is decoded when it is asked for the first time."""
    if not isinstance(resource, Held):
        return resource
    if resource.opened is None:
        found = decode_plain(resource.text)
        told = resource.head.kind in _TOLD_APART
        resource.opened = told_apart(bytes(resource.text), found) if told else found
    return resource.opened
