"""Which elements the readers really look at: resources that note every name asked of them."""

from typing import Any

from mappings.reading import read
from mappings.site import Site
from tests.builders import Resource


class Noted(dict[str, Any]):
    """A JSON object that notes each member that is asked for, whether it is there or not."""

    def __init__(self, members: Resource, path: str, seen: set[str]) -> None:
        super().__init__(
            {name: _noted(item, f"{path}.{name}", seen) for name, item in members.items()}
        )
        self._path, self._seen = path, seen

    def _note(self, name: object) -> None:
        self._seen.add(f"{self._path}.{name}")

    def get(self, name: Any, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)


def _noted(value: Any, path: str, seen: set[str]) -> Any:
    """What is contained is noted as a resource of its own."""
    if isinstance(value, list):
        return [_noted(item, path, seen) for item in value]
    if not isinstance(value, dict):
        return value
    return Noted(value, str(value.get("resourceType", path)), seen)


def read_paths(resources: list[Resource], site: Site) -> set[str]:
    """The paths (`Condition.clinicalStatus.coding.code`) asked for while RESOURCES are read."""
    seen: set[str] = set()
    read([Noted(resource, resource["resourceType"], seen) for resource in resources], site)
    return seen
