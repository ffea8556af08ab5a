"""What a Reference means: the name of a resource that is here, by whatever address it is called.

Held by tests/unit/test_collection.py.
"""

from collections.abc import Iterable, Iterator

from mappings.reading.fhir import elements


class References:
    """`addresses`: what entries gave (address → Type/id); `bases`: addresses of the servers."""

    def __init__(self, bases: Iterable[str]) -> None:
        self.addresses: dict[str, str] = {}
        self.bases = {base.rstrip("/") for base in bases}
        self._prefix = ""

    def add(self, address: str, key: str) -> None:
        """The address of an entry whose resource is KEY."""
        self.addresses[address] = key
        if self._prefix + key != address and address.endswith("/" + key):
            self.bases.add(address[: -len(key) - 1])
            self._prefix = address[: -len(key)]

    def servers(self, key: str) -> list[str]:
        """The servers that entries named as that of KEY's resource."""
        return sorted(base for base in self.bases if f"{base}/{key}" in self.addresses)

    def key(self, reference: object) -> str | None:
        """The `Type/id` that a Reference means here; a foreign absolute URL stays as it is; None
        for `#contained` and none."""
        target = reference.get("reference") if isinstance(reference, dict) else reference
        if not isinstance(target, str) or not target or target.startswith("#"):
            return None
        if target in self.addresses:
            return self.addresses[target]
        if "/_history/" in target:
            return self.key(target.split("/_history/")[0])
        if "://" not in target:
            return target
        base, _, rest = target.rpartition("/")
        base, _, kind = base.rpartition("/")
        return f"{kind}/{rest}" if base in self.bases or not self.bases else target

    def keys(self, references: object) -> Iterator[str]:
        """What a list of References means here, of those that mean anything."""
        return filter(None, map(self.key, elements.items(references))) if references else iter(())
