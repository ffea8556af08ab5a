"""Every copy that came of each resource, and which of them counts.

Held by tests/unit/test_collection.py.
"""

from collections.abc import ItemsView, Iterator

from mappings.reading.bundles.entries import Deletions
from mappings.reading.bundles.heads import Held
from mappings.reading.bundles.versions import newest
from mappings.reading.fhir.decoding import decode_plain
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.forms import form_problem
from mappings.record import Problem

TWICE = "the same version appears twice with different content"


class Copies:
    """The newest version of each resource counts; where that is broken, or appears twice with
    different content, none does. `spoiled`: those, and why."""

    def __init__(self) -> None:
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

    def settle(self) -> None:
        for key in self._suspects:
            self.spoiled.pop(key, None)
            found = newest(self.of(key))
            if found is None:
                self._by_key[key] = min(self._rivals[key], key=repr)
                self.spoiled[key] = TWICE
                continue
            self._by_key[key] = found
            problem = form_problem(found, found["resourceType"])
            if problem:
                self.spoiled[key] = problem
        self._suspects.clear()

    def stands_once(self, key: str) -> bool:
        """Whether it is not spoiled."""
        if self._suspects:
            self.settle()
        return key not in self.spoiled

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
        return self._own_copy(key, parent) if key in self.spoiled else opened(found)

    def _own_copy(self, key: str, parent: Resource | None) -> Resource | Problem:
        home = self.home(parent)
        own = [copy for copy in self._rivals.get(key, ()) if home and self.home(copy) == home]
        found = newest(own) if own and self.spoiled[key] == TWICE else None
        if found is not None and not form_problem(found, found["resourceType"]):
            return found
        return Problem(key, self.spoiled[key])

    def serves_its_own(self, key: str) -> bool:
        """Whether each of the copies came in a Bundle, whose entries it serves."""
        return self.spoiled[key] == TWICE and all(map(self.home, self._rivals.get(key, ())))


def opened(resource: Resource | Held) -> Resource:
    """What a resource says; its text is decoded when it is asked for the first time."""
    if not isinstance(resource, Held):
        return resource
    if resource.opened is None:
        resource.opened = decode_plain(resource.text)
    return resource.opened
