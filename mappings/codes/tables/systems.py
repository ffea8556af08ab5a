"""Code systems by all their names.

Held by tests/unit/test_code_systems.py.
"""

import re
from functools import cached_property

from msgspec import Struct


class CodeSystem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`names`: addresses, OIDs and plain names. `editions`: so are addresses below the first."""

    system: str
    names: tuple[str, ...]
    editions: bool = False
    source: str
    verified: bool


class CodeSystems(Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    systems: tuple[CodeSystem, ...]

    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {_bare(name): row.system for row in self.systems for name in row.names}

    @cached_property
    def _above_editions(self) -> dict[str, str]:
        return {
            f"{_bare(name)}/": row.system
            for row in self.systems
            if row.editions
            for name in row.names
        }

    def known(self, name: str) -> str | None:
        """Our short name of a code system, by any of its names; None for one in no row."""
        bare = _bare(name)
        above = (row for address, row in self._above_editions.items() if bare.startswith(address))
        return self._by_name.get(bare) or next(above, None)


_AROUND_NAMES = re.compile(r"^(?:https?://(?:www\.)?|urn:oid:)|(?:\|.*|/+)$")


def _bare(name: str) -> str:
    """A system's name without what its spellings differ in."""
    return _AROUND_NAMES.sub("", name.strip().lower())
