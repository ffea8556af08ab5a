"""A search, and what of it a resource answers.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

_CONTROLS = ("_count", "_elements", "_sort", "_summary", "_total")
_EXTRAS = frozenset((*_CONTROLS, "_include", "_include:iterate", "_revinclude"))
Tokens = set[tuple[str, ...]]


@dataclass(frozen=True)
class Query:
    """One search; `params` as the server is asked, in order."""

    kind: str
    params: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """Relative address. `+` and `|` are escaped (Q18)."""
        asked = "&".join(_escaped(*pair) for pair in self.params)
        return f"{self.kind}?{asked}" if asked else self.kind

    @cached_property
    def bare(self) -> "Query":
        """The same without what a server need not know: sizes, order, and what comes along."""
        return Query(self.kind, tuple(pair for pair in self.params if pair[0] not in _EXTRAS))

    def from_offset(self, offset: int) -> "Query":
        """The same search, some matches further on."""
        kept = tuple((name, value) for name, value in self.params if name != "_total")
        return Query(self.kind, (*kept, ("_offset", str(offset))))

    def matches(self, resource: dict[str, Any]) -> bool:
        """Whether RESOURCE is what was asked for: a server may ignore code and identifier
        (Q20)."""
        if resource.get("resourceType") != self.kind:
            return True  # included
        code, identifier = self._asked
        return (code is None or _has_token(_concepts(resource.get("code")), code)) and (
            identifier is None or _has_token(_listed(resource.get("identifier")), identifier)
        )

    @cached_property
    def _asked(self) -> tuple[Tokens | None, Tokens | None]:
        asked = dict(self.params)
        return _wanted(asked.get("code")), _wanted(asked.get("identifier"))


def pairs(params: Mapping[str, str | list[str]]) -> tuple[tuple[str, str], ...]:
    """A search's parameters; a list of values is repeated, which means `and`."""
    return tuple(
        (name, text)
        for name, value in params.items()
        for text in ([value] if isinstance(value, str) else value)
    )


@lru_cache(maxsize=1024)
def _escaped(name: str, value: str) -> str:
    """All but the patient is the same in every search of a kind."""
    return urlencode([(name, value)])


def _wanted(asked: str | None) -> Tokens | None:
    if asked is None:
        return None
    return {tuple(part.split("|", 1)) for part in asked.split(",") if "|" in part}


def _has_token(tokens: Tokens, wanted: Tokens) -> bool:
    """Whether one of TOKENS is in the list that was asked for; `system|` takes any code of the
    system."""
    return bool(tokens & wanted) or any((system, "") in wanted for system, _ in tokens)


def _concepts(concept: Any) -> Tokens:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return {
        (str(c.get("system")), str(c.get("code"))) for c in codings or [] if isinstance(c, dict)
    }


def _listed(identifiers: Any) -> Tokens:
    return {
        (str(i.get("system")), str(i.get("value")))
        for i in (identifiers if isinstance(identifiers, list) else [])
        if isinstance(i, dict)
    }
